package api

import (
	"net/http"

	"hotline/store"
)

// acdEvents streams the ACD's journal, which replays are made of, oldest first.
func (s *Server) acdEvents(w http.ResponseWriter, r *http.Request) {
	f, err := filter(r.URL.Query())
	if err == nil && (f.Agent != "" || f.Queue != "" || f.Caller != "" || f.Limit != 0) {
		err = badRequest("parameter", "the journal is read whole", "from and to")
	}
	if err != nil {
		fail(w, asError("acd", err))
		return
	}
	l := newLines(w, r)
	l.end("acd", s.engine.Store().ACDEvents(f.From, f.To, func(e store.ACDEvent) bool { return l.put(e) }))
}
