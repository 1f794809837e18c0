package api

import (
	"net/http"

	"hotline/call"
	"hotline/store"
)

// CenterReply is the center as it is, without secrets.
type CenterReply struct {
	Revision uint64       `json:"revision"`
	Center   store.Center `json:"center"`
}

// center answers without the audio of prompts, unless audio=1 is asked for.
func (s *Server) center(w http.ResponseWriter, r *http.Request) {
	c, rev := s.engine.Center()
	if r.URL.Query().Get("audio") != "1" {
		c.Prompts = silent(c.Prompts)
	}
	reply(w, http.StatusOK, CenterReply{rev, c})
}

// silent is a copy of prompts without their audio; the engine's own are not
// touched.
func silent(all map[string]store.Prompt) map[string]store.Prompt {
	out := make(map[string]store.Prompt, len(all))
	for name, p := range all {
		out[name] = make(store.Prompt, len(p))
		for lang, a := range p {
			a.Audio = nil
			out[name][lang] = a
		}
	}
	return out
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
