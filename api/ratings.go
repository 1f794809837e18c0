package api

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"hotline/call"
	"hotline/store"
)

// Ratings are the commands about evaluations and what they come to.
type Ratings interface {
	Evaluate(call.Actor, call.EvaluationRequest) (store.Evaluation, error)
	Unevaluate(by call.Actor, id, side, agent string) error
	RebuildGrades(call.Actor) (int, error)
	Grades(agent string) ([]call.GradeView, error)
	Customer(id string) (call.CustomerView, error)
	SetCustomer(call.Actor, string, call.CustomerChange) (store.Customer, error)
	Why(id string) (call.Why, error)
	ControlReport(store.Filter) (call.ControlReport, error)
	OutcomeReport(store.Filter) (call.OutcomeReport, error)
}

// RatingRequest is one side's rating of a call; it replaces an earlier one.
type RatingRequest struct {
	Agent string         `json:"agent,omitempty"` // in a call that several served; default: who served last
	As    string         `json:"as,omitempty"`    // "caller:+4930111", "agent:1001", "supervisor:9001"; default: the operator
	Items map[string]int `json:"items"`           // category to stars
}

// RebuildReply says how many evaluations are in force.
type RebuildReply struct {
	Evaluations int `json:"evaluations"`
}

// asActor reads for whom the request speaks: "agent:1001", or "" for the operator
// himself.
func asActor(r *http.Request, as string) (call.Actor, error) {
	who := actor(r)
	if as == "" {
		return call.Actor{Kind: call.ActorOperator, ID: who}, nil
	}
	kind, id, ok := strings.Cut(as, ":")
	if !ok || id == "" || !slices.Contains([]string{call.ActorCaller, call.ActorAgent, call.ActorSupervisor}, kind) {
		return call.Actor{}, badRequest("as "+quote(as), "not understood", "caller:NUMBER, agent:ID or supervisor:ID")
	}
	return call.Actor{Kind: kind, ID: id, By: who}, nil
}

// evaluations are newest first; side picks one of the two.
func (s *Server) evaluations(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	side := q.Get("side")
	q.Del("side")
	f, err := filter(q)
	if err == nil && side != "" && side != store.SideCaller && side != store.SideAgent {
		err = badRequest("side "+quote(side), "there is none of that name", "caller or agent")
	}
	if err != nil {
		fail(w, asError("evaluations", err))
		return
	}
	l := newLines(w, r)
	l.end("evaluations", s.engine.Store().EvaluationsOf(f, side, func(e store.Evaluation) bool { return l.put(e) }))
}

// evaluationsOfCall are those of one call, of both sides.
func (s *Server) evaluationsOfCall(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("call")
	all := []store.Evaluation{}
	for _, side := range []string{store.SideCaller, store.SideAgent} {
		found, err := s.ofCall(id, side)
		if err != nil {
			fail(w, asError("evaluations of "+id, err))
			return
		}
		all = append(all, found...)
	}
	if len(all) == 0 {
		fail(w, notFound("evaluation", id))
		return
	}
	reply(w, http.StatusOK, all)
}

// ofCall finds a side's evaluations of a call: of who was rated first, and of
// further agents whom its record names.
func (s *Server) ofCall(id, side string) ([]store.Evaluation, error) {
	ids := []string{id + "." + side}
	if c, err := s.engine.Store().CDR(id); err == nil {
		for _, t := range c.Talks {
			if next := id + "." + side + "." + t.Agent; t.Agent != "" && !slices.Contains(ids, next) {
				ids = append(ids, next)
			}
		}
	}
	var found []store.Evaluation
	for _, id := range ids {
		ev, err := s.engine.Store().Evaluation(id)
		switch {
		case err == nil:
			found = append(found, ev)
		case !isNotFound(err):
			return nil, err
		}
	}
	return found, nil
}

func (s *Server) evaluate(w http.ResponseWriter, r *http.Request) {
	id, side := r.PathValue("call"), r.PathValue("side")
	var q RatingRequest
	err := read(r, &q)
	var by call.Actor
	if err == nil {
		by, err = asActor(r, q.As)
	}
	var ev store.Evaluation
	if err == nil {
		ev, err = s.engine.Evaluate(by, call.EvaluationRequest{Call: id, Side: side, Agent: q.Agent, Items: q.Items})
	}
	if err != nil {
		fail(w, asError("evaluation", err))
		return
	}
	reply(w, http.StatusOK, ev)
}

func (s *Server) unevaluate(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	by, err := asActor(r, q.Get("as"))
	if err == nil {
		err = s.engine.Unevaluate(by, r.PathValue("call"), r.PathValue("side"), q.Get("agent"))
	}
	if err != nil {
		fail(w, asError("evaluation", err))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) rebuild(w http.ResponseWriter, r *http.Request) {
	deadline(w, audioTimeout) // a long list of records
	n, err := s.engine.RebuildGrades(call.Actor{Kind: call.ActorOperator, ID: actor(r)})
	if err != nil {
		fail(w, asError("evaluations", err))
		return
	}
	reply(w, http.StatusOK, RebuildReply{n})
}

func (s *Server) grades(w http.ResponseWriter, r *http.Request) {
	all, err := s.engine.Grades(r.URL.Query().Get("agent"))
	if err != nil {
		fail(w, asError("grades", err))
		return
	}
	list(w, all)
}

// Evaluations calls f with each evaluation, newest first; side "" is both.
func (c *Client) Evaluations(ctx context.Context, q store.Filter, side string, f func(store.Evaluation) error) error {
	path := "/v1/evaluations" + query(q)
	if side != "" {
		sep := "?"
		if strings.Contains(path, "?") {
			sep = "&"
		}
		path += sep + "side=" + url.QueryEscape(side)
	}
	return each(ctx, c, path, f)
}

func ratingPath(id, side string) string {
	return "/v1/evaluations/" + url.PathEscape(id) + "/" + url.PathEscape(side)
}

// Evaluate gives or changes a side's rating of a call.
func (c *Client) Evaluate(ctx context.Context, id, side string, q RatingRequest) (ev store.Evaluation, err error) {
	err = c.Do(ctx, http.MethodPut, ratingPath(id, side), q, &ev)
	return ev, err
}

// Unevaluate takes a rating back; agent and as may be empty as in a RatingRequest.
func (c *Client) Unevaluate(ctx context.Context, id, side, agent, as string) error {
	q := url.Values{"agent": {agent}, "as": {as}}
	return c.Do(ctx, http.MethodDelete, ratingPath(id, side)+"?"+q.Encode(), nil, nil)
}

// RebuildGrades makes all grades anew from the records.
func (c *Client) RebuildGrades(ctx context.Context) (r RebuildReply, err error) {
	err = c.Do(ctx, http.MethodPost, "/v1/evaluations/rebuild", nil, &r)
	return r, err
}

// Grades are those of one agent, or with "" of all.
func (c *Client) Grades(ctx context.Context, agent string) (all []call.GradeView, err error) {
	err = c.Do(ctx, http.MethodGet, "/v1/grades?agent="+url.QueryEscape(agent), nil, &all)
	return all, err
}
