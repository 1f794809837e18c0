package api

import (
	"context"
	"net/http"
	"net/url"

	"hotline/call"
)

// Bans are the addresses kept out for failed log-ins.
type Bans interface {
	Bans() []call.BanView
	Unban(source, actor string) error
}

func (s *Server) bans(w http.ResponseWriter, r *http.Request) { list(w, s.engine.Bans()) }

func (s *Server) unban(w http.ResponseWriter, r *http.Request) {
	if err := s.engine.Unban(r.PathValue("source"), actor(r)); err != nil {
		fail(w, asError("ban", err))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// Unban lets an address in again.
func (c *Client) Unban(ctx context.Context, source string) error {
	return c.Do(ctx, http.MethodDelete, "/v1/bans/"+url.PathEscape(source), nil, nil)
}
