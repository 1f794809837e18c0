package api

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"hotline/call"
	"hotline/store"
)

// Notes are what came of calls, and the time that agents have to say so; ref is a
// running call as in [Supervision], the id of one that has ended, or an agent's.
type Notes interface {
	Note(ref string, n call.NoteRequest, actor string) (store.Disposition, error)
	ExtendWrapUp(agent string, by time.Duration, actor string) error
	EndWrapUp(agent, actor string) error
}

// NoteRequest says what came of a call. As is the agent who says so.
type NoteRequest struct {
	call.NoteRequest
	As string `json:"as,omitempty"`
}

// WrapUpRequest extends an agent's wrap-up, or ends it.
type WrapUpRequest struct {
	Extend store.Duration `json:"extend,omitempty"` // by so much; 0: it ends now
}

// asked is who asks: the agent for whom, or the operator himself.
func (s *Server) asked(w http.ResponseWriter, r *http.Request, as string) (who string, ok bool) {
	if as == "" {
		return actor(r), true
	}
	if !s.hasAgent(as) {
		fail(w, notFound("agent", as))
		return "", false
	}
	return "agent:" + as, true
}

func (s *Server) note(w http.ResponseWriter, r *http.Request) {
	var q NoteRequest
	if err := read(r, &q); err != nil {
		fail(w, asError("note", err))
		return
	}
	who, ok := s.asked(w, r, q.As)
	if !ok {
		return
	}
	d, err := s.engine.Note(r.PathValue("id"), q.NoteRequest, who)
	if err != nil {
		fail(w, asError("note", err))
		return
	}
	reply(w, http.StatusOK, d)
}

func (s *Server) wrapUp(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	var q WrapUpRequest
	if err := read(r, &q); err != nil {
		fail(w, asError("wrap-up", err))
		return
	}
	if !s.hasAgent(id) {
		fail(w, notFound("agent", id))
		return
	}
	var err error
	if q.Extend != 0 {
		err = s.engine.ExtendWrapUp(id, q.Extend.D(), actor(r))
	} else {
		err = s.engine.EndWrapUp(id, actor(r))
	}
	if err != nil {
		fail(w, asError("wrap-up", err))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// Note says what came of a call.
func (c *Client) Note(ctx context.Context, ref string, q NoteRequest) (d store.Disposition, err error) {
	err = c.Do(ctx, http.MethodPut, "/v1/calls/"+url.PathEscape(ref)+"/note", q, &d)
	return d, err
}

// WrapUp extends an agent's wrap-up, or ends it.
func (c *Client) WrapUp(ctx context.Context, agent string, q WrapUpRequest) error {
	return c.Do(ctx, http.MethodPut, "/v1/agents/"+url.PathEscape(agent)+"/wrapup", q, nil)
}
