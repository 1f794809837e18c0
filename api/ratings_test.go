package api

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"hotline/call"
	"hotline/store"
)

func (e *engine) Evaluate(by call.Actor, q call.EvaluationRequest) (store.Evaluation, error) {
	e.said = append(e.said, fmt.Sprintf("evaluate %s %s of %s %s %v", by, q.Call, q.Agent, q.Side, q.Items))
	return store.Evaluation{ID: q.Call + "." + q.Side, Items: q.Items}, e.fail
}

func (e *engine) Unevaluate(by call.Actor, id, side, agent string) error {
	e.said = append(e.said, fmt.Sprintf("unevaluate %s %s %s %s", by, id, side, agent))
	return e.fail
}

func (e *engine) RebuildGrades(by call.Actor) (int, error) {
	e.said = append(e.said, "rebuild "+by.String())
	return 7, e.fail
}

func (e *engine) Grades(agent string) ([]call.GradeView, error) {
	if agent == "7" {
		return nil, fmt.Errorf("agent 7: %w", call.ErrUnknown)
	}
	return []call.GradeView{{Agent: "1001", Category: "attitude", Stars: 4.5}}, e.fail
}

func (e *engine) Customer(id string) (call.CustomerView, error) {
	if id == "+1" {
		return call.CustomerView{}, fmt.Errorf("customer +1: %w", call.ErrUnknown)
	}
	return call.CustomerView{Customer: store.Customer{ID: id}, Contacts: []call.Contact{}}, e.fail
}

func (e *engine) SetCustomer(by call.Actor, id string, ch call.CustomerChange) (store.Customer, error) {
	e.said = append(e.said, fmt.Sprintf("set %s %s tier %s", by, id, *ch.Tier))
	return store.Customer{ID: id, Tier: *ch.Tier}, e.fail
}

func (e *engine) Why(id string) (call.Why, error) {
	if id != "c9" {
		return call.Why{}, fmt.Errorf("call %s: %w", id, call.ErrUnknownContact)
	}
	return call.Why{Call: id, Decisions: []call.Decision{}}, e.fail
}

func (e *engine) OutcomeReport(f store.Filter) (call.OutcomeReport, error) {
	return call.OutcomeReport{Outcomes: []call.OutcomeRow{{Queue: f.Queue, Agent: f.Agent, Code: f.Disposition, Calls: 1}}}, e.fail
}

func (e *engine) ControlReport(f store.Filter) (call.ControlReport, error) {
	return call.ControlReport{Queues: []string{f.Queue}, Verdict: "none"}, e.fail
}

func TestRatingsAnswerAsTheyShould(t *testing.T) {
	e := &engine{store: &records{
		cdrs: []store.CDR{{ID: "c9", Talks: []store.Talk{{Agent: "1001"}, {Agent: "1002"}}}},
		evaluations: []store.Evaluation{{ID: "c9.caller", Call: "c9", Side: "caller", Agent: "1002"}, {ID: "c9.caller.1001", Call: "c9", Side: "caller", Agent: "1001"},
			{ID: "c9.agent", Call: "c9", Side: "agent", Agent: "1001"}},
	}}
	s := newServer(t, e)
	for _, c := range []struct {
		method, path, body string
		status             int
		contains           string
	}{
		{"GET", "/v1/evaluations", "", 200, `"id":"c9.caller"`},
		{"GET", "/v1/evaluations?side=agent&agent=1001", "", 200, `{"id":"c9.agent"`},
		{"GET", "/v1/evaluations?side=both", "", 400, `caller or agent`},
		{"GET", "/v1/evaluations?limit=x", "", 400, `limit`},
		{"GET", "/v1/evaluations/c9", "", 200, `"id":"c9.caller.1001"`},
		{"GET", "/v1/evaluations/c8", "", 404, `hotline evaluation list`},
		{"PUT", "/v1/evaluations/c9/caller", `{"items":{"attitude":5},"as":"agent:1001","agent":"1002"}`, 200, `"attitude":5`},
		{"PUT", "/v1/evaluations/c9/caller", `{"items":{"attitude":"five"}}`, 400, `body`},
		{"PUT", "/v1/evaluations/c9/caller", `{"stars":5}`, 400, `unknown field`},
		{"PUT", "/v1/evaluations/c9/caller", `{"items":{"attitude":5},"as":"root"}`, 400, `supervisor:ID`},
		{"PUT", "/v1/evaluations/c9/caller", `{"items":{"attitude":5},"as":"operator:x"}`, 400, `supervisor:ID`},
		{"DELETE", "/v1/evaluations/c9/agent?as=supervisor:9001&agent=1001", "", 204, ""},
		{"DELETE", "/v1/evaluations/c9/agent?as=x", "", 400, `supervisor:ID`},
		{"POST", "/v1/evaluations/rebuild", "", 200, `{"evaluations":7}`},
		{"GET", "/v1/grades", "", 200, `[{"agent":"1001"`},
		{"GET", "/v1/grades?agent=7", "", 404, `there is none of that id`},
		{"GET", "/v1/customers/%2B4930111", "", 200, `"id":"+4930111"`},
		{"GET", "/v1/customers/+1", "", 404, `hotline customer list`},
		{"PATCH", "/v1/customers/+4930111", `{"tier":"gold"}`, 200, `"tier":"gold"`},
		{"PATCH", "/v1/customers/+4930111", `{"calls":3}`, 400, `unknown field`},
		{"GET", "/v1/calls/c9/why", "", 200, `"decisions":[]`},
		{"GET", "/v1/calls/c8/why", "", 404, `hotline cdr list`},
		{"GET", "/v1/reports/control?queue=sales", "", 200, `"queues":["sales"]`},
		{"GET", "/v1/reports/control?agent=1001", "", 400, `from, to and queue`},
	} {
		r := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
		r.Header.Set(actorHeader, "cli:ann")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.contains) {
			t.Errorf("%s %s %s: got %d %s, want %d with %s", c.method, c.path, c.body, w.Code, w.Body, c.status, c.contains)
		}
	}
	want := []string{"evaluate cli:ann as agent:1001 c9 of 1002 caller map[attitude:5]", "unevaluate cli:ann as supervisor:9001 c9 agent 1001",
		"rebuild operator:cli:ann", "set operator:cli:ann +4930111 tier gold"}
	if got := strings.Join(e.said, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("the engine was told:\n%s\nwant:\n%s", got, strings.Join(want, "\n"))
	}
}

func TestEachRefusalOfARatingHasItsStatus(t *testing.T) {
	for err, want := range map[error]int{
		call.ErrUnknownContact: http.StatusNotFound, call.ErrNoEvaluation: http.StatusNotFound, call.ErrForbidden: http.StatusForbidden,
		call.ErrNotSupervisor: http.StatusForbidden, call.ErrNotServed: http.StatusConflict, call.ErrScale: http.StatusBadRequest,
		call.ErrCategory: http.StatusBadRequest, call.ErrSide: http.StatusBadRequest, store.ErrFull: http.StatusInsufficientStorage,
	} {
		s := newServer(t, &engine{fail: fmt.Errorf("rating of call c1: %w", err)})
		w := ask(s, "PUT", "/v1/evaluations/c1/caller", `{"items":{"attitude":5}}`)
		if w.Code != want || !strings.Contains(w.Body.String(), "rating of call c1") {
			t.Errorf("%v: got %d %s, want %d", err, w.Code, w.Body, want)
		}
	}
}

func TestTheClientAsksForRatingsAsTheServerAnswers(t *testing.T) {
	e := &engine{store: &records{evaluations: []store.Evaluation{{ID: "c1.caller", Side: "caller", Agent: "1001"}, {ID: "c1.agent", Side: "agent", Agent: "1001"}}}}
	c := running(t, e)
	ctx := context.Background()
	n := 0
	if err := c.Evaluations(ctx, store.Filter{Agent: "1001", Limit: 3}, "agent", func(store.Evaluation) error { n++; return nil }); err != nil || n != 1 || e.store.asked.Limit != 3 {
		t.Errorf("evaluations: got %d, limit %d, %v, want one", n, e.store.asked.Limit, err)
	}
	if ev, err := c.Evaluate(ctx, "a/b", "caller", RatingRequest{Items: map[string]int{"attitude": 1}}); err != nil || ev.ID != "a/b.caller" {
		t.Errorf("evaluate: got %+v, %v", ev, err)
	}
	if err := c.Unevaluate(ctx, "c1", "caller", "", ""); err != nil {
		t.Errorf("unevaluate: %v", err)
	}
	if r, err := c.RebuildGrades(ctx); err != nil || r.Evaluations != 7 {
		t.Errorf("rebuild: got %+v, %v", r, err)
	}
	if all, err := c.Grades(ctx, "1001"); err != nil || len(all) != 1 {
		t.Errorf("grades: got %v, %v", all, err)
	}
	if v, err := c.Why(ctx, "c9"); err != nil || v.Call != "c9" {
		t.Errorf("why: got %+v, %v", v, err)
	}
	tier := "gold"
	if cu, err := c.SetCustomer(ctx, "+4930111", call.CustomerChange{Tier: &tier}); err != nil || cu.ID != "+4930111" {
		t.Errorf("set customer: got %+v, %v", cu, err)
	}
	if r, err := c.OutcomeReport(ctx, store.Filter{Queue: "a&b", Agent: "1001", Disposition: "sale"}); err != nil ||
		r.Outcomes[0] != (call.OutcomeRow{Queue: "a&b", Agent: "1001", Code: "sale", Calls: 1}) {
		t.Errorf("outcomes: got %+v, %v", r, err)
	}
	if r, err := c.ControlReport(ctx, store.Filter{Queue: "a&b"}); err != nil || r.Queues[0] != "a&b" {
		t.Errorf("report: got %+v, %v", r, err)
	}
}
