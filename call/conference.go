package call

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hotline/sip"
	"hotline/store"
)

// Why something can't be done in a conference.
var (
	ErrNoRoom    = errors.New("no such conference; hotline conference list shows them")
	ErrNotInRoom = errors.New("is not in it; hotline conference show tells who is")
	ErrEmptyRoom = errors.New("nobody is in it")
	ErrRoomFull  = errors.New("is full")
)

// ConferenceView is a conference as operators see it.
type ConferenceView struct {
	ID      string       `json:"id"`
	Name    string       `json:"name,omitempty"`
	Max     int          `json:"max"`
	PIN     bool         `json:"pin"` // it asks for one
	Locked  bool         `json:"locked"`
	Members []MemberView `json:"members"` // in the order in which they came
}

// MemberView is one who is in a conference.
type MemberView struct {
	Call   string    `json:"call"`
	Caller string    `json:"caller"`
	Name   string    `json:"name,omitempty"`
	From   string    `json:"from"`
	Since  time.Time `json:"since"`
	Seated bool      `json:"seated"` // false: he hears the beep only
	Muted  bool      `json:"muted"`
}

// The acts of people on conferences in the audit log.
const (
	actInvite = "conference invite"
	actMute   = "conference mute"
	actUnmute = "conference unmute"
	actKick   = "conference kick"
	actLock   = "conference lock"
	actUnlock = "conference unlock"
)

// Conferences are all of the center, by id, with who is in them.
func (e *Engine) Conferences() []ConferenceView {
	all := e.world.Load().center.Conferences
	out := make([]ConferenceView, 0, len(all))
	for _, id := range sortedKeys(all) {
		v := ConferenceView{ID: id, Name: all[id].Name, Max: places(all[id]), PIN: all[id].PIN != "", Members: []MemberView{}}
		var in []occupant
		in, v.Locked = e.rooms.occupants(id)
		for _, o := range in {
			c := o.call.shown()
			v.Members = append(v.Members, MemberView{Call: o.call.id, Caller: c.Caller, Name: c.Name, From: c.From, Since: o.since,
				Seated: o.seated, Muted: o.muted})
		}
		slices.SortFunc(v.Members, func(a, b MemberView) int {
			if n := a.Since.Compare(b.Since); n != 0 {
				return n
			}
			return strings.Compare(a.Call, b.Call)
		})
		out = append(out, v)
	}
	return out
}

// member finds one who is in a room, by call, the beginning of its id, agent or number.
func (e *Engine) member(room, who string) (*Call, error) {
	if _, ok := e.world.Load().center.Conferences[room]; !ok {
		return nil, fmt.Errorf("conference %s: %w", room, ErrNoRoom)
	}
	in, _ := e.rooms.occupants(room)
	var found []*Call
	for _, o := range in {
		v := o.call.shown()
		switch {
		case o.call.id == who:
			return o.call, nil
		case who != "" && (v.Caller == who || v.From == "agent:"+who || strings.HasPrefix(o.call.id, who)):
			found = append(found, o.call)
		}
	}
	switch len(found) {
	case 0:
		return nil, fmt.Errorf("conference %s: %s: %w", room, who, ErrNotInRoom)
	case 1:
		return found[0], nil
	}
	return nil, fmt.Errorf("conference %s: %s: %w", room, who, ErrAmbiguous)
}

// ConferenceMute lets one who is in a conference hear only, or be heard again.
func (e *Engine) ConferenceMute(room, who string, on bool, actor string) error {
	act := actMute
	if !on {
		act = actUnmute
	}
	return e.changePlace(room, who, act, actor, func(p *place) { p.muted = on })
}

// ConferenceKick removes one who is in a conference. The others hear each other on
// without a gap.
func (e *Engine) ConferenceKick(room, who, actor string) error {
	return e.changePlace(room, who, actKick, actor, func(p *place) { p.kicked = true })
}

func (e *Engine) changePlace(room, who, act, actor string, f func(p *place)) error {
	c, err := e.member(room, who)
	if err != nil {
		return err
	}
	if !e.rooms.change(room, c, f) {
		return fmt.Errorf("conference %s: %s: %w", room, who, ErrNotInRoom)
	}
	e.log.Info(act, "conference", room, "call", c.id, "actor", actor)
	e.auditCall(c, actor, act, room)
	return nil
}

// ConferenceLock keeps callers out of a conference, or lets them in again. Who is
// invited comes in all the same. The lock ends with the last one who leaves.
func (e *Engine) ConferenceLock(room string, on bool, actor string) error {
	if _, ok := e.world.Load().center.Conferences[room]; !ok {
		return fmt.Errorf("conference %s: %w", room, ErrNoRoom)
	}
	if !e.rooms.lock(room, on) {
		return fmt.Errorf("conference %s: %w", room, ErrEmptyRoom)
	}
	act := actLock
	if !on {
		act = actUnlock
	}
	now := time.Now()
	e.log.Info(act, "conference", room, "actor", actor)
	e.store.LogAudit(store.Audit{ID: store.NewID(now), At: now, Actor: actor, Act: act, Text: room})
	return nil
}

// ConferenceInvite rings somebody and seats him in a conference when he answers:
// an agent or a number that the actor may dial. Far away he accepts by pressing 1,
// so that nobody's mailbox sits among them.
func (e *Engine) ConferenceInvite(room, to, actor string) (id string, err error) {
	w := e.world.Load()
	r, ok := w.center.Conferences[room]
	if !ok {
		return "", fmt.Errorf("conference %s: %w", room, ErrNoRoom)
	}
	d, err := e.destination(to, actor)
	switch in, _ := e.rooms.occupants(room); {
	case err != nil:
		return "", err
	case !d.rings():
		return "", fmt.Errorf("%s: only an agent or a number of the world can be invited: %w", to, ErrNowhere)
	case len(in) >= places(r):
		return "", fmt.Errorf("conference %s: %w", room, ErrRoomFull)
	}
	c, err := e.ringAlone(w, d.ring, room, actor)
	if err != nil {
		return "", err
	}
	e.log.Info(actInvite, "conference", room, "to", to, "call", c.id, "actor", actor)
	e.auditCall(c, actor, actInvite, room)
	return c.id, nil
}

// ringAlone rings somebody who is to sit in a room when he answers.
func (e *Engine) ringAlone(w *world, to dialStage, room, actor string) (*Call, error) {
	seat := conferenceStage{room: room, invited: true}
	if to.agent == "" {
		by, ok := strings.CutPrefix(actor, "agent:")
		if !ok {
			by = ""
		}
		return e.originateOut(outgoing{way: to, agent: by, from: plainNumber(room)}, true, seat)
	}
	if e.occupied(to.agent) {
		return nil, fmt.Errorf("agent %s: %w", to.agent, ErrBusyAgent)
	}
	a := w.center.Agents[to.agent]
	inv := sip.Invite{Targets: e.targets(to.agent, a), NoAnswer: phoneSilence, AutoAnswer: a.AutoAnswer,
		From: sip.Address{Display: "conference " + room, User: plainNumber(room)}, To: sip.Address{User: to.agent}}
	if len(inv.Targets) == 0 {
		return nil, fmt.Errorf("agent %s: %w", to.agent, ErrNoPhone)
	}
	return e.originate("agent:"+to.agent, to.agent, "conference:"+room, inv, w.confirms(to.agent), seat)
}
