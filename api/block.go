package api

import (
	"context"
	"net/http"
	"net/url"

	"hotline/call"
)

// Callers are those who are kept out.
type Callers interface {
	Blocks() []call.BlockView
	Block(number string, r call.BlockRequest, actor string) (call.BlockView, error)
	Unblock(number, actor string) error
}

func (s *Server) blocks(w http.ResponseWriter, r *http.Request) { list(w, s.engine.Blocks()) }

func (s *Server) block(w http.ResponseWriter, r *http.Request) {
	var q call.BlockRequest
	if err := read(r, &q); err != nil {
		fail(w, asError("block", err))
		return
	}
	v, err := s.engine.Block(r.PathValue("number"), q, actor(r))
	if err != nil {
		fail(w, asError("block", err))
		return
	}
	reply(w, http.StatusOK, v)
}

func (s *Server) unblock(w http.ResponseWriter, r *http.Request) {
	if err := s.engine.Unblock(r.PathValue("number"), actor(r)); err != nil {
		fail(w, asError("unblock", err))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// Blocks are all callers who are kept out.
func (c *Client) Blocks(ctx context.Context) (v []call.BlockView, err error) {
	err = c.Do(ctx, http.MethodGet, "/v1/blocks", nil, &v)
	return v, err
}

// Block keeps a caller out.
func (c *Client) Block(ctx context.Context, number string, q call.BlockRequest) (v call.BlockView, err error) {
	err = c.Do(ctx, http.MethodPut, "/v1/blocks/"+url.PathEscape(number), q, &v)
	return v, err
}

// Unblock lets a caller in again.
func (c *Client) Unblock(ctx context.Context, number string) error {
	return c.Do(ctx, http.MethodDelete, "/v1/blocks/"+url.PathEscape(number), nil, nil)
}
