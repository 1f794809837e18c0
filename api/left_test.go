package api

import (
	"fmt"
	"strings"
	"testing"

	"hotline/call"
	"hotline/store"
)

func (e *engine) Voicemails(box string) ([]store.Voicemail, error) {
	return []store.Voicemail{{ID: "v1", Box: "team", Claimed: "1001"}}, e.fail
}

func (e *engine) ClaimVoicemail(id, agent, actor string) (store.Voicemail, error) {
	e.said = append(e.said, strings.Join([]string{"claim", id, agent, actor}, "|"))
	return store.Voicemail{ID: id, Claimed: agent}, e.fail
}

func (e *engine) HandleVoicemail(id, agent, note, actor string) (store.Voicemail, error) {
	e.said = append(e.said, strings.Join([]string{"handle", id, agent, note, actor}, "|"))
	return store.Voicemail{ID: id, Handled: agent}, e.fail
}

func (e *engine) DeleteVoicemail(id, actor string) error {
	e.said = append(e.said, strings.Join([]string{"delete", id, actor}, "|"))
	return e.fail
}

func (e *engine) Callbacks(all bool) ([]call.CallbackView, error) {
	return []call.CallbackView{{Callback: store.Callback{ID: fmt.Sprint("b-", all)}, Position: 2}}, e.fail
}

func (e *engine) CancelCallback(id, actor string) error {
	e.said = append(e.said, strings.Join([]string{"cancel", id, actor}, "|"))
	return e.fail
}

func (r *records) Voicemail(id string) (store.Voicemail, error) {
	if id != "v1" {
		return store.Voicemail{}, store.ErrNotFound
	}
	return store.Voicemail{ID: id}, nil
}

func TestMessagesAndCallbacksOverTheAPI(t *testing.T) {
	e := &engine{}
	s := newServer(t, e)
	for _, c := range []struct {
		method, path, body string
		code               int
		want               string
	}{
		{"GET", "/v1/voicemail", "", 200, `"state":"claimed"`},
		{"GET", "/v1/voicemail?box=none", "", 404, `voicemail box \"none\"`},
		{"GET", "/v1/voicemail/v1", "", 200, `"state":"new"`},
		{"GET", "/v1/voicemail/v2", "", 404, "hotline voicemail list"},
		{"POST", "/v1/voicemail/v1/claim", `{"as":"1001"}`, 200, `"claimed":"1001"`},
		{"POST", "/v1/voicemail/v1/claim", `{}`, 400, "no agent"},
		{"POST", "/v1/voicemail/v1/handle", `{"as":"1001","note":"done"}`, 200, `"state":"handled"`},
		{"POST", "/v1/voicemail/v1/handle", `{"who":"1001"}`, 400, "unknown field"},
		{"DELETE", "/v1/voicemail/v1", "", 204, ""},
		{"GET", "/v1/callbacks", "", 200, `"id":"b-false"`},
		{"GET", "/v1/callbacks?all=true", "", 200, `"position":2`},
		{"GET", "/v1/callbacks?all=maybe", "", 400, "all=true"},
		{"DELETE", "/v1/callbacks/b1", "", 204, ""},
	} {
		if w := ask(s, c.method, c.path, c.body); w.Code != c.code || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s %s: got %d %s, want %d %s", c.method, c.path, w.Code, w.Body, c.code, c.want)
		}
	}
	want := "claim|v1|1001|local handle|v1|1001|done|local delete|v1|local cancel|b1|local"
	if got := strings.Join(e.said, " "); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for err, code := range map[error]int{call.ErrClaimed: 409, call.ErrNotHisBox: 403, store.ErrNotFound: 404, call.ErrUnknown: 404} {
		e.fail = fmt.Errorf("voicemail v1: %w", err)
		if w := ask(s, "POST", "/v1/voicemail/v1/claim", `{"as":"1001"}`); w.Code != code {
			t.Errorf("%v: got %d %s, want %d", err, w.Code, w.Body, code)
		}
	}
	for err, code := range map[error]int{call.ErrCallbackOver: 409, call.ErrCallbackTalks: 409, store.ErrNotFound: 404} {
		e.fail = err
		if w := ask(s, "DELETE", "/v1/callbacks/b1", ""); w.Code != code {
			t.Errorf("%v: got %d %s, want %d", err, w.Code, w.Body, code)
		}
	}
}
