package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"hotline/call"
	"hotline/store"
)

// Supervision are the commands that put supervisors into calls. ref is a call's
// id, a prefix of it, or the id of the agent in it.
type Supervision interface {
	Supervise(ref, supervisor, mode, actor string) (call.SupervisionView, error)
	Unsupervise(ref, supervisor, actor string) error
}

// SuperviseRequest asks for a supervisor in a call.
type SuperviseRequest struct {
	As   string `json:"as"`   // the supervisor's id
	Mode string `json:"mode"` // "listen", "whisper", "barge"
}

func (s *Server) supervise(w http.ResponseWriter, r *http.Request) {
	ref := r.PathValue("id")
	var q SuperviseRequest
	if err := read(r, &q); err != nil {
		fail(w, asError("supervise", err))
		return
	}
	switch {
	case q.As == "":
		fail(w, badRequest("supervise", "no supervisor", "as: the id of an agent with role supervisor"))
		return
	case !slices.Contains([]string{"listen", "whisper", "barge"}, q.Mode):
		fail(w, badRequest("mode "+quote(q.Mode), "there is none of that name", "listen, whisper or barge"))
		return
	}
	v, err := s.engine.Supervise(ref, q.As, q.Mode, actor(r))
	if err != nil {
		fail(w, notSeated(ref, err))
		return
	}
	reply(w, http.StatusOK, v)
}

func (s *Server) unsupervise(w http.ResponseWriter, r *http.Request) {
	ref, as := r.PathValue("id"), r.URL.Query().Get("as")
	if as == "" {
		fail(w, badRequest("supervise", "no supervisor", "?as= and his id"))
		return
	}
	if err := s.engine.Unsupervise(ref, as, actor(r)); err != nil {
		fail(w, notSeated(ref, err))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// notSeated says why nobody sits in a call, and where to look.
func notSeated(ref string, err error) *Error {
	e := asError("supervise "+ref, err)
	switch {
	case errors.Is(err, call.ErrNoAgent):
		e.Try = "hotline agent list"
	case errors.Is(err, call.ErrUnknown), errors.Is(err, call.ErrAmbiguous):
		e.Try = "hotline call list"
	}
	return e
}

func (s *Server) audits(w http.ResponseWriter, r *http.Request) {
	f, err := filter(r.URL.Query())
	if err != nil {
		fail(w, asError("audit", err))
		return
	}
	l := newLines(w, r)
	l.end("audit", s.engine.Store().Audits(f, func(a store.Audit) bool { return l.put(a) }))
}

// Supervise puts a supervisor into a call, or changes his mode there.
func (c *Client) Supervise(ctx context.Context, ref string, q SuperviseRequest) (v call.SupervisionView, err error) {
	err = c.Do(ctx, http.MethodPost, "/v1/calls/"+url.PathEscape(ref)+"/supervise", q, &v)
	return v, err
}

// Unsupervise takes a supervisor out of a call.
func (c *Client) Unsupervise(ctx context.Context, ref, supervisor string) error {
	return c.Do(ctx, http.MethodDelete, "/v1/calls/"+url.PathEscape(ref)+"/supervise?as="+url.QueryEscape(supervisor), nil, nil)
}

// Audits calls f with each entry of the audit log, newest first.
func (c *Client) Audits(ctx context.Context, q store.Filter, f func(store.Audit) error) error {
	return each(ctx, c, "/v1/audit"+query(q), f)
}
