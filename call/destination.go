package call

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"hotline/store"
)

// Why a call can't be led to where a person wants it.
var (
	ErrNowhere    = errors.New("nobody is reached there; name agent:ID, queue:ID, flow:ID, conference:ID, voicemail:BOX, trunk:ID/NUMBER or a number")
	ErrSelf       = errors.New("that is the one who asks; name somebody else")
	ErrNotAllowed = errors.New("not allowed to dial that; see settings.outbound, or give the agent outbound: [TRUNK], in the center's file")
	ErrClosed     = errors.New("is closed now; see its hours")
)

// destination is where a person wants a call to go. Either ring names a phone or
// a number, which may fail, or next a stage that takes the call.
type destination struct {
	name string    // for people: "agent:1002"
	ring dialStage // zero: next
	next func(c *Call) stage
}

// rings tells whether somebody has to answer before the call is there.
func (d destination) rings() bool { return d.next == nil }

// destination reads where a person wants a call to go. Actor is who asks:
// "agent:1001" may dial what that agent may; an operator whatever there is.
func (e *Engine) destination(to, actor string) (destination, error) {
	w := e.world.Load()
	kind, id, named := strings.Cut(to, ":")
	if !named {
		kind, id = "number", to
	}
	fail := func(err error) (destination, error) { return destination{}, fmt.Errorf("%s: %w", to, err) }
	d := destination{name: to}
	switch kind {
	case "agent":
		return e.toAgent(w, id, actor)
	case "queue":
		q, ok := w.center.Queues[id]
		if !ok {
			return fail(ErrNowhere)
		}
		if open, ok := w.open(q.Hours); q.Hours != "" && ok && !open {
			return fail(ErrClosed)
		}
		d.next = func(c *Call) stage { return waitStage{queue: id, since: c.arrival()} }
	case "flow":
		if _, ok := w.flows[id]; !ok {
			return fail(ErrNowhere)
		}
		d.next = func(*Call) stage { return menuStage{flow: id} }
	case "conference":
		if _, ok := w.center.Conferences[id]; !ok {
			return fail(ErrNowhere)
		}
		d.next = func(*Call) stage { return conferenceStage{room: id} }
	case "voicemail", "voicemail-box":
		if _, ok := w.center.Voicemail[id]; !ok {
			return fail(ErrNowhere)
		}
		d.next = func(c *Call) stage { return e.stageFor(c, to) }
	case "trunk":
		trunk, number, _ := strings.Cut(id, "/")
		if _, ok := w.center.Trunks[trunk]; !ok || !dialable(number) {
			return fail(ErrNowhere)
		}
		if !w.mayDialForeign(number, actor) {
			return fail(ErrForeign)
		}
		if !mayDial(w, actor, trunk) {
			return fail(ErrNotAllowed)
		}
		d.ring = dialStage{trunk: trunk, number: number}
	case "number":
		return e.toNumber(w, id, actor)
	default:
		return fail(ErrNowhere)
	}
	return d, nil
}

func (e *Engine) toAgent(w *world, id, actor string) (destination, error) {
	switch _, ok := w.center.Agents[id]; {
	case !ok:
		return destination{}, fmt.Errorf("agent:%s: %w", id, ErrNowhere)
	case actor == "agent:"+id:
		return destination{}, fmt.Errorf("agent:%s: %w", id, ErrSelf)
	}
	return destination{name: "agent:" + id, ring: dialStage{agent: id}}, nil
}

// toNumber is what the person would reach who dialled it on his phone.
func (e *Engine) toNumber(w *world, number, actor string) (destination, error) {
	if n, ok := w.center.Numbers[number]; ok {
		if strings.HasPrefix(n.To, "trunk:") {
			return e.destination(n.To+"/"+number, actor)
		}
		return e.destination(n.To, actor)
	}
	if _, ok := w.center.Agents[number]; ok {
		return e.toAgent(w, number, actor)
	}
	agent, _ := strings.CutPrefix(actor, "agent:")
	if agent == actor {
		agent = "" // an operator
	}
	way, err := e.rested(w.outside(number, agent))
	return destination{name: number, ring: way}, err
}

// mayDial tells whether one who asks may have calls go out over a trunk.
func mayDial(w *world, actor, trunk string) bool {
	agent, ok := strings.CutPrefix(actor, "agent:")
	if !ok {
		return true // an operator
	}
	for _, t := range w.center.Agents[agent].Outbound {
		if t == trunk {
			return true
		}
	}
	return false
}

// arrival is when the caller began to wait for somebody, which he keeps.
func (c *Call) arrival() time.Time {
	for _, s := range c.cdr.Stages {
		if strings.HasPrefix(s.Name, "wait ") {
			return s.Began
		}
	}
	return time.Now()
}

// The acts of people on calls in the audit log.
const (
	actMove     = "call move"
	actTransfer = "call transfer"
	actTakeOver = "call take over"
	actHangup   = "call hang up"
	actFront    = "call front"
	actOrder    = "call order"
)

// auditCall notes what somebody did to a call.
func (e *Engine) auditCall(c *Call, actor, act, text string) {
	now := time.Now()
	v := c.shown()
	a := store.Audit{ID: store.NewID(now), At: now, Actor: actor, Act: act, Call: c.id, Stage: v.Stage, Text: text}
	if v.Agent != "" && inTalk(v.Stage) {
		a.With = append(a.With, v.Agent)
	}
	a.With = append(a.With, v.Caller)
	e.store.LogAudit(a)
}
