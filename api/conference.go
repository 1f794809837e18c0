package api

import (
	"context"
	"net/http"
	"net/url"

	"hotline/call"
)

// Conferences are rooms where callers hear each other. Who is a call in the room,
// the beginning of its id, an agent or a number.
type Conferences interface {
	Conferences() []call.ConferenceView
	ConferenceInvite(room, to, actor string) (id string, err error)
	ConferenceMute(room, who string, on bool, actor string) error
	ConferenceKick(room, who, actor string) error
	ConferenceLock(room string, on bool, actor string) error
}

// InviteRequest rings somebody for a conference. As is the agent who invites him:
// he must be allowed to dial that.
type InviteRequest struct {
	To string `json:"to"`
	As string `json:"as,omitempty"`
}

// MemberRequest changes one who is in a conference; nil stays.
type MemberRequest struct {
	Muted *bool `json:"muted"`
}

// RoomRequest changes a conference.
type RoomRequest struct {
	Locked *bool `json:"locked"`
}

func (s *Server) conferences(w http.ResponseWriter, r *http.Request) { list(w, s.engine.Conferences()) }

func (s *Server) conference(w http.ResponseWriter, r *http.Request) {
	one(w, r, "conference", s.engine.Conferences(), func(v call.ConferenceView) string { return v.ID })
}

func (s *Server) invite(w http.ResponseWriter, r *http.Request) {
	var q InviteRequest
	if err := read(r, &q); err != nil {
		fail(w, asError("invite", err))
		return
	}
	who, ok := s.asked(w, r, q.As)
	if !ok {
		return
	}
	id, err := s.engine.ConferenceInvite(r.PathValue("id"), q.To, who)
	if err != nil {
		fail(w, asError("invite "+q.To, err))
		return
	}
	reply(w, http.StatusOK, DialReply{id})
}

func (s *Server) lock(w http.ResponseWriter, r *http.Request) {
	var q RoomRequest
	err := read(r, &q)
	if err == nil && q.Locked == nil {
		err = badRequest("conference", "nothing to change", `{"locked":true}`)
	}
	if err == nil {
		err = s.engine.ConferenceLock(r.PathValue("id"), *q.Locked, actor(r))
	}
	s.changed(w, err)
}

func (s *Server) member(w http.ResponseWriter, r *http.Request) {
	var q MemberRequest
	err := read(r, &q)
	if err == nil && q.Muted == nil {
		err = badRequest("member", "nothing to change", `{"muted":true}`)
	}
	if err == nil {
		err = s.engine.ConferenceMute(r.PathValue("id"), r.PathValue("who"), *q.Muted, actor(r))
	}
	s.changed(w, err)
}

func (s *Server) kick(w http.ResponseWriter, r *http.Request) {
	s.changed(w, s.engine.ConferenceKick(r.PathValue("id"), r.PathValue("who"), actor(r)))
}

// changed answers for what was asked of a conference.
func (s *Server) changed(w http.ResponseWriter, err error) {
	if err != nil {
		fail(w, asError("conference", err))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// Conferences are all rooms with who is in them.
func (c *Client) Conferences(ctx context.Context) (v []call.ConferenceView, err error) {
	err = c.Do(ctx, http.MethodGet, "/v1/conferences", nil, &v)
	return v, err
}

// ConferenceInvite rings somebody for a conference.
func (c *Client) ConferenceInvite(ctx context.Context, room string, q InviteRequest) (v DialReply, err error) {
	err = c.Do(ctx, http.MethodPost, "/v1/conferences/"+url.PathEscape(room)+"/invite", q, &v)
	return v, err
}

// ConferenceLock keeps callers out of a conference, or no longer.
func (c *Client) ConferenceLock(ctx context.Context, room string, on bool) error {
	return c.Do(ctx, http.MethodPatch, "/v1/conferences/"+url.PathEscape(room), RoomRequest{&on}, nil)
}

// ConferenceMute mutes one who is in a conference, or no longer.
func (c *Client) ConferenceMute(ctx context.Context, room, who string, on bool) error {
	return c.Do(ctx, http.MethodPatch, memberPath(room, who), MemberRequest{&on}, nil)
}

// ConferenceKick removes one who is in a conference.
func (c *Client) ConferenceKick(ctx context.Context, room, who string) error {
	return c.Do(ctx, http.MethodDelete, memberPath(room, who), nil, nil)
}

func memberPath(room, who string) string {
	return "/v1/conferences/" + url.PathEscape(room) + "/members/" + url.PathEscape(who)
}
