package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"hotline/call"
)

// MaskRequest asks for a caller's keys to be kept out of the recording and from
// the agent's ears, or no longer.
type MaskRequest struct {
	On *bool `json:"on"`
}

func (s *Server) mask(w http.ResponseWriter, r *http.Request) {
	ref := r.PathValue("id")
	var q MaskRequest
	if err := read(r, &q); err != nil {
		fail(w, asError("mask", err))
		return
	}
	if q.On == nil {
		fail(w, badRequest("mask", "neither on nor off", `{"on": true}`))
		return
	}
	v, err := s.engine.Mask(ref, *q.On, actor(r))
	if err != nil {
		e := asError("mask "+ref, err)
		if errors.Is(err, call.ErrUnknown) || errors.Is(err, call.ErrAmbiguous) {
			e.Try = "hotline call list"
		}
		fail(w, e)
		return
	}
	reply(w, http.StatusOK, v)
}

// Mask keeps the keys of a call's caller out of the recording, or no longer.
func (c *Client) Mask(ctx context.Context, ref string, on bool) (v call.CallView, err error) {
	err = c.Do(ctx, http.MethodPut, "/v1/calls/"+url.PathEscape(ref)+"/mask", MaskRequest{On: &on}, &v)
	return v, err
}
