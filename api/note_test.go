package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"hotline/call"
	"hotline/store"
)

func (e *engine) Note(ref string, n call.NoteRequest, actor string) (store.Disposition, error) {
	e.said = append(e.said, strings.Join([]string{"note", ref, n.Code, n.Text, actor}, "|"))
	return store.Disposition{Code: n.Code, Notes: n.Text, By: actor}, e.fail
}

func (e *engine) ExtendWrapUp(agent string, by time.Duration, actor string) error {
	e.said = append(e.said, fmt.Sprintf("extend|%s|%s|%s", agent, by, actor))
	return e.fail
}

func (e *engine) EndWrapUp(agent, actor string) error {
	e.said = append(e.said, "wrapped|"+agent+"|"+actor)
	return e.fail
}

func (e *engine) Blocks() []call.BlockView { return nil }

func (e *engine) Block(number string, r call.BlockRequest, actor string) (call.BlockView, error) {
	e.said = append(e.said, strings.Join([]string{"block", number, r.Reason, r.For.String(), actor}, "|"))
	return call.BlockView{Number: number}, e.fail
}

func (e *engine) Unblock(number, actor string) error {
	e.said = append(e.said, "unblock|"+number+"|"+actor)
	return e.fail
}

func (e *engine) Conferences() []call.ConferenceView { return []call.ConferenceView{{ID: "team"}} }

func (e *engine) ConferenceInvite(room, to, actor string) (string, error) {
	e.said = append(e.said, strings.Join([]string{"invite", room, to, actor}, "|"))
	return "c9", e.fail
}

func (e *engine) ConferenceMute(room, who string, on bool, actor string) error {
	e.said = append(e.said, fmt.Sprintf("mute|%s|%s|%v|%s", room, who, on, actor))
	return e.fail
}

func (e *engine) ConferenceKick(room, who, actor string) error {
	e.said = append(e.said, strings.Join([]string{"kick", room, who, actor}, "|"))
	return e.fail
}

func (e *engine) ConferenceLock(room string, on bool, actor string) error {
	e.said = append(e.said, fmt.Sprintf("lock|%s|%v|%s", room, on, actor))
	return e.fail
}

func TestNotesWrapUpsBlocksAndConferencesReachTheEngine(t *testing.T) {
	e := &engine{}
	s := newServer(t, e)
	for _, c := range []struct {
		method, path, body string
		status             int
		said               string
	}{
		{"PUT", "/v1/calls/c1/note", `{"code":"sale","text":"two","as":"1001"}`, http.StatusOK, "note|c1|sale|two|agent:1001"},
		{"PUT", "/v1/calls/c1/note", `{"code":"sale"}`, http.StatusOK, "note|c1|sale||local"},
		{"PUT", "/v1/calls/c1/note", `{"as":"nobody"}`, http.StatusNotFound, ""},
		{"PUT", "/v1/agents/1001/wrapup", `{"extend":"1m"}`, http.StatusNoContent, "extend|1001|1m0s|local"},
		{"PUT", "/v1/agents/1001/wrapup", `{}`, http.StatusNoContent, "wrapped|1001|local"},
		{"PUT", "/v1/agents/nobody/wrapup", `{}`, http.StatusNotFound, ""},
		{"GET", "/v1/conferences", "", http.StatusOK, ""},
		{"GET", "/v1/conferences/team", "", http.StatusOK, ""},
		{"GET", "/v1/conferences/none", "", http.StatusNotFound, ""},
		{"POST", "/v1/conferences/team/invite", `{"to":"agent:1001"}`, http.StatusOK, "invite|team|agent:1001|local"},
		{"PATCH", "/v1/conferences/team/members/1001", `{"muted":true}`, http.StatusNoContent, "mute|team|1001|true|local"},
		{"PATCH", "/v1/conferences/team/members/1001", `{}`, http.StatusBadRequest, ""},
		{"DELETE", "/v1/conferences/team/members/1001", "", http.StatusNoContent, "kick|team|1001|local"},
		{"PATCH", "/v1/conferences/team", `{"locked":false}`, http.StatusNoContent, "lock|team|false|local"},
		{"PATCH", "/v1/conferences/team", `{}`, http.StatusBadRequest, ""},
		{"GET", "/v1/blocks", "", http.StatusOK, ""},
		{"PUT", "/v1/blocks/%2B4930%2A", `{"reason":"spam","for":"1h"}`, http.StatusOK, "block|+4930*|spam|1h0m0s|local"},
		{"PUT", "/v1/blocks/%2B4930%2A", `{"why":"spam"}`, http.StatusBadRequest, ""},
		{"DELETE", "/v1/blocks/%2B4930%2A", "", http.StatusNoContent, "unblock|+4930*|local"},
	} {
		e.said = nil
		r := ask(s, c.method, c.path, c.body)
		if got := strings.Join(e.said, " "); r.Code != c.status || got != c.said {
			t.Errorf("%s %s %s: got %d and %q, want %d and %q", c.method, c.path, c.body, r.Code, got, c.status, c.said)
		}
	}
	for want, errs := range map[int][]error{
		http.StatusNotFound:   {call.ErrNoCode, call.ErrNotBlocked},
		http.StatusBadRequest: {call.ErrNoNote, call.ErrBadBlock, call.ErrBadExtend},
		http.StatusForbidden:  {call.ErrNotHis},
		http.StatusConflict:   {call.ErrNoLast, call.ErrNoWrapUp, call.ErrManyBlocks, call.ErrOwnPhone},
	} {
		for _, err := range errs {
			if got := asError("x", fmt.Errorf("y: %w", err)).Status; got != want {
				t.Errorf("%v: got status %d, want %d", err, got, want)
			}
		}
	}
}
