package api

import (
	"context"
	"net/http"
	"time"

	"hotline/call"
)

// Doctors find what is wrong; they may take seconds.
type Doctors interface {
	Doctor(ctx context.Context) []call.Finding
}

// doctorTime bounds an examination: a dead STUN server takes 7.5 s, a dead peer 5 s
// for each of its addresses.
const doctorTime = 20 * time.Second

func (s *Server) doctor(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), doctorTime)
	defer cancel()
	list(w, s.engine.Doctor(ctx))
}

// Doctor has the process look for what is wrong with it.
func (c *Client) Doctor(ctx context.Context) (all []call.Finding, err error) {
	err = c.Do(ctx, http.MethodGet, "/v1/doctor", nil, &all)
	return all, err
}
