package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"hotline/call"
	"hotline/store"
)

// Left are commands about what callers leave behind: messages, and places in
// queues at which they are called back.
type Left interface {
	Voicemails(box string) ([]store.Voicemail, error)
	ClaimVoicemail(id, agent, actor string) (store.Voicemail, error)
	HandleVoicemail(id, agent, note, actor string) (store.Voicemail, error)
	DeleteVoicemail(id, actor string) error
	Callbacks(all bool) ([]call.CallbackView, error)
	CancelCallback(id, actor string) error
}

// VoicemailReply is a message with its state in a word.
type VoicemailReply struct {
	store.Voicemail
	State string `json:"state"`
}

// VoicemailRequest does something with a message for an agent.
type VoicemailRequest struct {
	As   string `json:"as"`             // agent
	Note string `json:"note,omitempty"` // of handle
}

func voicemailReply(v store.Voicemail) VoicemailReply { return VoicemailReply{v, v.State()} }

// voicemails are newest first; box picks one mailbox.
func (s *Server) voicemails(w http.ResponseWriter, r *http.Request) {
	box := r.URL.Query().Get("box")
	if c, _ := s.engine.Center(); box != "" {
		if _, ok := c.Voicemail[box]; !ok {
			fail(w, &Error{http.StatusNotFound, "voicemail box " + quote(box), "there is none of that id", "hotline export center"})
			return
		}
	}
	list, err := s.engine.Voicemails(box)
	if err != nil {
		fail(w, asError("voicemail", err))
		return
	}
	out := make([]VoicemailReply, 0, len(list))
	for _, v := range list {
		out = append(out, voicemailReply(v))
	}
	reply(w, http.StatusOK, out)
}

func (s *Server) voicemail(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	v, err := s.engine.Store().Voicemail(id)
	if err != nil {
		failRecord(w, "voicemail", id, err)
		return
	}
	reply(w, http.StatusOK, voicemailReply(v))
}

func (s *Server) claimVoicemail(w http.ResponseWriter, r *http.Request) {
	s.voicemailFor(w, r, func(id, as, _, who string) (store.Voicemail, error) { return s.engine.ClaimVoicemail(id, as, who) })
}

func (s *Server) handleVoicemail(w http.ResponseWriter, r *http.Request) {
	s.voicemailFor(w, r, s.engine.HandleVoicemail)
}

func (s *Server) voicemailFor(w http.ResponseWriter, r *http.Request, do func(id, as, note, who string) (store.Voicemail, error)) {
	id := r.PathValue("id")
	var q VoicemailRequest
	if err := read(r, &q); err != nil {
		fail(w, asError("voicemail", err))
		return
	}
	if q.As == "" {
		fail(w, badRequest("voicemail "+id, "no agent", "as: the id of an agent who may hear the box"))
		return
	}
	v, err := do(id, q.As, q.Note, actor(r))
	if err != nil {
		s.failLeft(w, "voicemail", id, err)
		return
	}
	reply(w, http.StatusOK, voicemailReply(v))
}

// failLeft refuses what can't be done with a message or a callback.
func (s *Server) failLeft(w http.ResponseWriter, kind, id string, err error) {
	if isNotFound(err) && !errors.Is(err, call.ErrUnknown) {
		fail(w, notFound(kind, id))
		return
	}
	e := asError(kind, err)
	if errors.Is(err, call.ErrUnknown) {
		e.Try = "hotline agent list"
	}
	fail(w, e)
}

func (s *Server) deleteVoicemail(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if err := s.engine.DeleteVoicemail(id, actor(r)); err != nil {
		s.failLeft(w, "voicemail", id, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// callbacks are newest first; all=true lists those that are over, too.
func (s *Server) callbacks(w http.ResponseWriter, r *http.Request) {
	all := r.URL.Query().Get("all")
	if all != "" && all != "true" && all != "false" {
		fail(w, badRequest("callbacks", fmt.Sprintf("all=%q is not understood", all), "all=true"))
		return
	}
	list, err := s.engine.Callbacks(all == "true")
	if err != nil {
		fail(w, asError("callbacks", err))
		return
	}
	reply(w, http.StatusOK, list)
}

func (s *Server) cancelCallback(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if err := s.engine.CancelCallback(id, actor(r)); err != nil {
		s.failLeft(w, "callback", id, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// Voicemails are the messages of a box, or of all.
func (c *Client) Voicemails(ctx context.Context, box string) (list []VoicemailReply, err error) {
	err = c.Do(ctx, http.MethodGet, "/v1/voicemail?box="+url.QueryEscape(box), nil, &list)
	return list, err
}

// ClaimVoicemail gives a message to an agent.
func (c *Client) ClaimVoicemail(ctx context.Context, id string, q VoicemailRequest) (v VoicemailReply, err error) {
	err = c.Do(ctx, http.MethodPost, "/v1/voicemail/"+url.PathEscape(id)+"/claim", q, &v)
	return v, err
}

// HandleVoicemail notes that an agent has done what a message asks for.
func (c *Client) HandleVoicemail(ctx context.Context, id string, q VoicemailRequest) (v VoicemailReply, err error) {
	err = c.Do(ctx, http.MethodPost, "/v1/voicemail/"+url.PathEscape(id)+"/handle", q, &v)
	return v, err
}

// DeleteVoicemail deletes a message and its audio.
func (c *Client) DeleteVoicemail(ctx context.Context, id string) error {
	return c.Do(ctx, http.MethodDelete, "/v1/voicemail/"+url.PathEscape(id), nil, nil)
}

// Callbacks are those that wait, with all also those that are over.
func (c *Client) Callbacks(ctx context.Context, all bool) (list []call.CallbackView, err error) {
	err = c.Do(ctx, http.MethodGet, fmt.Sprintf("/v1/callbacks?all=%t", all), nil, &list)
	return list, err
}

// CancelCallback ends a callback that waits.
func (c *Client) CancelCallback(ctx context.Context, id string) error {
	return c.Do(ctx, http.MethodDelete, "/v1/callbacks/"+url.PathEscape(id), nil, nil)
}
