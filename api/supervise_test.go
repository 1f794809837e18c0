package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"hotline/call"
	"hotline/store"
)

func (e *engine) Supervise(ref, supervisor, mode, actor string) (call.SupervisionView, error) {
	e.said = append(e.said, strings.Join([]string{mode, ref, supervisor, actor}, "|"))
	return call.SupervisionView{Call: "c1", Supervisor: supervisor, Mode: mode, State: "ringing"}, e.fail
}

func (e *engine) Unsupervise(ref, supervisor, actor string) error {
	e.said = append(e.said, strings.Join([]string{"end", ref, supervisor, actor}, "|"))
	return e.fail
}

func (e *engine) Mask(ref string, on bool, actor string) (call.CallView, error) {
	e.said = append(e.said, fmt.Sprint("mask ", on, "|", ref, "|", actor))
	return call.CallView{ID: "c1", Masked: on}, e.fail
}

func (e *engine) Order(ref string, o call.Order, actor string) error {
	e.said = append(e.said, strings.Join([]string{o.Do, o.To, ref, actor}, "|"))
	return e.fail
}

func (e *engine) Move(ref, to, actor string) error {
	e.said = append(e.said, strings.Join([]string{"move", to, ref, actor}, "|"))
	return e.fail
}

func (e *engine) Front(ref, actor string) error {
	e.said = append(e.said, strings.Join([]string{"front", ref, actor}, "|"))
	return e.fail
}

func (e *engine) TakeOver(ref, supervisor, actor string) (call.SupervisionView, error) {
	e.said = append(e.said, strings.Join([]string{"takeover", ref, supervisor, actor}, "|"))
	return call.SupervisionView{Call: "c1", Supervisor: supervisor}, e.fail
}

func (e *engine) Transfer(ctx context.Context, ref, to, actor string) (call.TransferView, error) {
	_, bounded := ctx.Deadline()
	e.said = append(e.said, fmt.Sprintf("transfer|%s|%s|%s|%v", to, ref, actor, bounded))
	return call.TransferView{State: call.TransferBack, To: to, Why: "486 Busy Here"}, e.fail
}
func (e *engine) PickUp(agent, colleague, actor string) (call.TakeView, error) {
	e.said = append(e.said, strings.Join([]string{"pickup", agent, colleague, actor}, "|"))
	return call.TakeView{Call: "c2", Takes: "c1"}, e.fail
}
func (e *engine) Unpark(agent, ref, actor string) (call.TakeView, error) {
	e.said = append(e.said, strings.Join([]string{"unpark", agent, ref, actor}, "|"))
	return call.TakeView{Call: "c2", Takes: "c1"}, e.fail
}
func (e *engine) Dial(agent, to, show, actor string) (string, error) {
	e.said = append(e.said, strings.Join([]string{"dial", agent, to, show, actor}, "|"))
	return "c7", e.fail
}

func TestClickToDialOverTheAPI(t *testing.T) {
	e := &engine{}
	s := newServer(t, e)
	if w := ask(s, "POST", "/v1/agents/1001/dial", `{"to":"4930","show":"0800"}`); w.Code != 200 || !strings.Contains(w.Body.String(), `"call":"c7"`) {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	e.fail = call.ErrNotShown
	if w := ask(s, "POST", "/v1/agents/1001/dial", `{"to":"4930"}`); w.Code != 403 {
		t.Errorf("got %d %s, want 403", w.Code, w.Body)
	}
	if e.said[0] != "dial|1001|4930|0800|local" {
		t.Errorf("got %q", e.said)
	}
}

func TestWhatComesOfATransferIsToldToWhoWaits(t *testing.T) {
	e := &engine{}
	s := newServer(t, e)
	for _, c := range []struct {
		query, body string
		fail        error
		status      int
		contains    string
	}{
		{"?wait=30s", `{"do":"transfer","to":"1002","as":"1001"}`, nil, 200, `"state":"back","to":"1002","why":"486 Busy Here"`},
		{"?wait=30s", `{"do":"transfer","to":"x"}`, call.ErrNowhere, 404, `nobody is reached there`},
		{"?wait=2h", `{"do":"transfer","to":"1002"}`, nil, 400, `1s to 50s`},
		{"?wait=x", `{"do":"transfer","to":"1002"}`, nil, 400, `1s to 50s`},
		{"?wait=1s", `{"do":"hold"}`, nil, 400, `only a transfer can be waited for`},
	} {
		e.fail = c.fail
		w := ask(s, "POST", "/v1/calls/c9/orders"+c.query, c.body)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.contains) {
			t.Errorf("%s %s: got %d %s, want %d %s", c.query, c.body, w.Code, w.Body, c.status, c.contains)
		}
	}
	if want := []string{"transfer|1002|c9|agent:1001|true", "transfer|x|c9|local|true"}; !slices.Equal(e.said, want) {
		t.Errorf("got commands %q, want %q", e.said, want)
	}
}

func TestACallerIsTakenOverTheAPI(t *testing.T) {
	e := &engine{}
	s := newServer(t, e)
	for _, c := range []struct {
		path, body string
		fail       error
		status     int
		contains   string
	}{
		{"1001/pickup", `{}`, nil, 200, `"takes":"c1"`},
		{"1001/pickup", `{"from":"1002"}`, call.ErrNothingRings, 404, `no colleague's phone rings there`},
		{"1001/unpark", `{"from":"701"}`, nil, 200, `"takes":"c1"`},
		{"1001/unpark", `{"from":"702"}`, call.ErrNotParked, 404, `nobody is parked there`},
		{"1001/unpark", `{"from":"c"}`, call.ErrAmbiguous, 409, `hotline call list`},
		{"1001/pickup", `{}`, call.ErrBusyAgent, 409, `is in another call`},
		{"7/pickup", `{}`, nil, 404, `hotline agent list`},
	} {
		e.fail = c.fail
		w := ask(s, "POST", "/v1/agents/"+c.path, c.body)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.contains) {
			t.Errorf("%s %s: got %d %s, want %d %s", c.path, c.body, w.Code, w.Body, c.status, c.contains)
		}
	}
	if want := []string{"pickup|1001||local", "pickup|1001|1002|local", "unpark|1001|701|local"}; !slices.Equal(e.said[:3], want) {
		t.Errorf("got commands %q, want %q", e.said[:3], want)
	}
}

func TestOrdersAreGivenOverTheAPI(t *testing.T) {
	e := &engine{}
	s := newServer(t, e)
	for _, c := range []struct {
		path, body string
		fail       error
		status     int
		contains   string
	}{
		{"orders", `{"do":"transfer","to":"queue:sales"}`, nil, 204, ``},
		{"orders", `{"do":"hold","as":"1001"}`, nil, 204, ``},
		{"move", `{"to":"4000"}`, nil, 204, ``},
		{"front", `{}`, nil, 204, ``},
		{"takeover", `{"as":"9001"}`, nil, 200, `"supervisor":"9001"`},
		{"orders", `{"do":"fly"}`, nil, 400, `transfer`},
		{"orders", `{"do":"hold","as":"7"}`, nil, 404, `hotline agent list`},
		{"orders", `{"do":"transfer","to":"x"}`, call.ErrNowhere, 404, `nobody is reached there`},
		{"orders", `{"do":"toggle"}`, call.ErrNotNow, 409, `hotline call show`},
		{"orders", `{"do":"hold"}`, call.ErrUnknown, 404, `hotline call list`},
		{"takeover", `{}`, nil, 400, `role supervisor`},
		{"takeover", `{"as":"1001"}`, call.ErrNotSupervisor, 403, `not a supervisor`},
	} {
		e.fail = c.fail
		w := ask(s, "POST", "/v1/calls/c9/"+c.path, c.body)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.contains) {
			t.Errorf("%s %s: got %d %s, want %d %s", c.path, c.body, w.Code, w.Body, c.status, c.contains)
		}
	}
	if want := []string{"transfer|queue:sales|c9|local", "hold||c9|agent:1001", "move|4000|c9|local", "front|c9|local", "takeover|c9|9001|local"}; !slices.Equal(e.said[:5], want) {
		t.Errorf("got commands %q, want %q", e.said[:5], want)
	}
}

func TestKeysAreMaskedOverTheAPI(t *testing.T) {
	e := &engine{}
	s := newServer(t, e)
	for _, c := range []struct {
		body     string
		fail     error
		status   int
		contains string
	}{
		{`{"on":true}`, nil, 200, `"masked":true`},
		{`{"on":false}`, nil, 200, `"id":"c1"`},
		{`{}`, nil, 400, `neither on nor off`},
		{`{"on":true}`, call.ErrNoTalk, 409, `is not in talk`},
		{`{"on":true}`, call.ErrUnknown, 404, `hotline call list`},
	} {
		e.fail = c.fail
		w := ask(s, "PUT", "/v1/calls/1001/mask", c.body)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.contains) {
			t.Errorf("%s: got %d %s, want %d %s", c.body, w.Code, w.Body, c.status, c.contains)
		}
	}
	if want := []string{"mask true|1001|local", "mask false|1001|local"}; !slices.Equal(e.said[:2], want) {
		t.Errorf("got commands %q, want %q", e.said, want)
	}
}

func (r *records) Audits(f store.Filter, each func(store.Audit) bool) error {
	r.asked = f
	each(store.Audit{ID: "a1", Act: "supervise", Agent: "9001", Call: "c1", Mode: "listen"})
	return r.fail
}

func TestSupervisorsAreSeatedOverTheAPI(t *testing.T) {
	e := &engine{}
	s := newServer(t, e)
	for _, c := range []struct {
		method, path, body string
		status             int
		contains           string
	}{
		{"POST", "/v1/calls/1001/supervise", `{"as":"9001","mode":"listen"}`, 200, `"supervisor":"9001","mode":"listen","state":"ringing"`},
		{"POST", "/v1/calls/c1/supervise", `{"as":"9001","mode":"sing"}`, 400, `listen, whisper or barge`},
		{"POST", "/v1/calls/c1/supervise", `{"mode":"listen"}`, 400, `no supervisor`},
		{"POST", "/v1/calls/c1/supervise", `{"as":"9001","made":"listen"}`, 400, `unknown field`},
		{"DELETE", "/v1/calls/c1/supervise?as=9001", ``, 204, ``},
		{"DELETE", "/v1/calls/c1/supervise", ``, 400, `no supervisor`},
		{"GET", "/v1/audit", ``, 200, `{"id":"a1"`},
		{"GET", "/v1/audit?agent=9001&limit=1", ``, 200, `"mode":"listen"`},
		{"GET", "/v1/audit?agnet=9001", ``, 400, `agnet`},
	} {
		w := ask(s, c.method, c.path, c.body)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.contains) {
			t.Errorf("%s %s %s: got %d %s, want %d %s", c.method, c.path, c.body, w.Code, w.Body, c.status, c.contains)
		}
	}
	if want := []string{"listen|1001|9001|local", "end|c1|9001|local"}; !slices.Equal(e.said, want) {
		t.Errorf("got commands %q, want %q", e.said, want)
	}
	if e.store.asked.Agent != "9001" || e.store.asked.Limit != 1 {
		t.Errorf("got filter %+v, want agent 9001, limit 1", e.store.asked)
	}
}

func TestRefusedSupervisionsKeepTheirMeaning(t *testing.T) {
	e := &engine{}
	s := newServer(t, e)
	for err, status := range map[error]int{
		call.ErrNotSupervisor: http.StatusForbidden, call.ErrUnknown: http.StatusNotFound, call.ErrAmbiguous: http.StatusConflict,
		call.ErrElsewhere: http.StatusConflict, call.ErrOwnCall: http.StatusConflict, call.ErrNoPhone: http.StatusConflict,
		call.ErrConference: http.StatusConflict, call.ErrCrowded: http.StatusConflict, store.ErrFull: http.StatusInsufficientStorage,
	} {
		e.fail = fmt.Errorf("agent 9001: %w", err)
		w := ask(s, "POST", "/v1/calls/c1/supervise", `{"as":"9001","mode":"barge"}`)
		if w.Code != status || !strings.Contains(w.Body.String(), "agent 9001") {
			t.Errorf("%v: got %d %s, want %d", err, w.Code, w.Body, status)
		}
	}
	e.fail = call.ErrNotThere
	if w := ask(s, "DELETE", "/v1/calls/c1/supervise?as=9001", ""); w.Code != http.StatusNotFound {
		t.Errorf("who is not there leaves: got %d, want 404", w.Code)
	}
}
