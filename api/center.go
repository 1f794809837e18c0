package api

import (
	"net/http"

	"hotline/call"
	"hotline/store"
)

// CenterReply is the center as it is, without secrets and audio.
type CenterReply struct {
	Revision uint64       `json:"revision"`
	Center   store.Center `json:"center"`
}

func (s *Server) center(w http.ResponseWriter, r *http.Request) {
	c, rev := s.engine.Center()
	reply(w, http.StatusOK, CenterReply{rev, c})
}

// apply changes the center. Problems are answered by 422 and the result, and
// nothing has changed then.
func (s *Server) apply(w http.ResponseWriter, r *http.Request) {
	var q call.ApplyRequest
	if err := read(r, &q); err != nil {
		fail(w, asError("apply", err))
		return
	}
	if q.Actor == "" {
		q.Actor = actor(r)
	}
	res, err := s.engine.Apply(q)
	if len(res.Problems) > 0 {
		reply(w, http.StatusUnprocessableEntity, res)
		return
	}
	if err != nil {
		fail(w, asError("apply", err))
		return
	}
	if res.Changes == nil {
		res.Changes = []call.Diff{}
	}
	reply(w, http.StatusOK, res)
}
