package call

import (
	"errors"
	"strings"
	"time"

	"hotline/acd"
	"hotline/media"
	"hotline/sip"
	"hotline/store"
)

// referQueue is how many wishes of a phone to be transferred wait for the stage.
const referQueue = 2

// referred takes a phone's REFER; it runs on the SIP worker. Only agents' phones
// may ask, and only in talk does somebody listen; others are refused by the SIP
// plane's time limit.
func (l *Leg) referred(r *sip.Refer) {
	if !strings.HasPrefix(l.peer, "agent:") {
		r.Reject(403)
		return
	}
	select {
	case l.refers <- r:
	default:
		r.Reject(491)
	}
}

// refer does what an agent's phone asks for: a blind transfer, or an attended one
// to whoever talks with the agent in his other call.
func (s talkStage) refer(c *Call, hold *holder, agent string, r *sip.Refer) (next stage, done bool) {
	if agent == "" {
		r.Reject(403)
		return nil, false
	}
	actor := "agent:" + agent
	if r.Replaces != nil {
		return s.attend(c, actor, r)
	}
	to, err := c.eng.destination(r.Target.User, actor)
	if err != nil {
		c.note("refer refused: %v", err)
		c.log.Info("refer refused", "call", c.id, "agent", agent, "err", err)
		r.Reject(statusOf(err))
		return nil, false
	}
	if to.rings() { // else it is done at once
		r.Accept()
	}
	c.eng.auditCall(c, actor, actTransfer, to.name)
	hold.settle()
	return s.led(c, actor).transfer(c, to, r, nil), true
}

// statusOf is what a phone is told of a destination that can't be.
func statusOf(err error) int {
	switch {
	case errors.Is(err, ErrNowhere), errors.Is(err, ErrUnknown), errors.Is(err, ErrNoRule):
		return 404
	case errors.Is(err, ErrClosed):
		return 480
	}
	return 403
}

// attend joins the caller with the one whom the agent has on his other line.
func (s talkStage) attend(c *Call, actor string, r *sip.Refer) (next stage, done bool) {
	other, status := c.eng.otherCall(c, actor, r)
	if other == nil {
		r.Reject(status)
		return nil, false
	}
	if c.manned != "" && actor == "agent:"+c.manned && !strings.HasPrefix(other.shown().From, actor) {
		return s.lead(c, other, actor, r)
	}
	h, err := other.surrender(actor)
	if err != nil {
		c.note("attended transfer refused: %v", err)
		r.Reject(480)
		return nil, false
	}
	s = s.led(c, actor)
	c.adopt(h)
	if h.way != nil {
		r.Accept()
		c.note("transfer while it rings")
		c.eng.auditCall(c, actor, actTransfer, h.leg.peer)
		return transferStage{talk: s, to: destination{name: h.leg.peer, ring: *h.way}, refer: r, ring: c.dialledBy(*h.way, h.leg)}, true
	}
	r.Progress(200, "OK")
	c.note("attended transfer")
	c.eng.auditCall(c, actor, actTransfer, "attended, "+h.leg.peer)
	s.release(c, acd.TalkEnded{}, causeTransferred)
	return c.talkOn(h, s), true
}

// lead gives the one whom the agent has called to the other call, which is the
// customer's, and ends this one.
func (s talkStage) lead(c *Call, other *Call, actor string, r *sip.Refer) (next stage, done bool) {
	h := &handover{leg: s.leg, agent: s.agent, busy: s.agent != "" && !s.acd}
	c.engaged = nil
	c.give(s.leg)
	if err := other.order(order{Order: Order{Do: doAttach}, actor: actor, hand: h}); err != nil {
		r.Reject(480)
		c.adopt(h)
		c.engaged = &s
		c.note("attended transfer failed: %v", err)
		return s, true
	}
	if s.acd {
		s.free(c, acd.TalkEnded{})
	}
	r.Progress(200, "OK")
	c.blame(0, 16, errGivenAway.Error()+": "+other.id, "us")
	return nil, true
}

// otherCall finds the call of the dialog that an agent's REFER names. It must be
// one of his own phone.
func (e *Engine) otherCall(c *Call, actor string, r *sip.Refer) (*Call, int) {
	if r.Old == nil {
		return nil, orStatus(r.Refusal, 481)
	}
	l := e.legOf(r.Old)
	switch {
	case l == nil:
		return nil, 481
	case l.peer != actor:
		return nil, 403
	}
	other := l.call.Load()
	if other == nil || other == c {
		return nil, 481
	}
	return other, 0
}

func orStatus(status, other int) int {
	if status != 0 {
		return status
	}
	return other
}

// legOf is the leg of a dialog; nil if it is none of ours.
func (e *Engine) legOf(d *sip.Dialog) (found *Leg) {
	e.legs.Range(func(_, v any) bool {
		if l := v.(*Leg); l.call.Load() != nil && l.d == d {
			found = l
		}
		return found == nil
	})
	return found
}

// surrender has a call give away the one who talks in it with an agent.
func (c *Call) surrender(actor string) (*handover, error) {
	got := make(chan *handover, 1)
	if err := c.order(order{Order: Order{Do: doSurrender}, actor: actor, give: got}); err != nil {
		return nil, err
	}
	return <-got, nil
}

// surrender gives the one who talks with the agent to the call that asks, and ends
// this one.
func (s talkStage) surrender(c *Call, o order) (next stage, done bool) {
	c.blame(0, 16, errGivenAway.Error(), "us")
	if c.manned != "" && o.actor == "agent:"+c.manned {
		h := &handover{leg: s.leg, agent: s.agent, busy: s.agent != ""}
		if s.acd {
			c.eng.occupy(s.agent, true)
			s.free(c, acd.TalkEnded{})
		}
		c.engaged = nil
		c.give(s.leg)
		o.give <- h
		o.done(nil)
		return nil, true
	}
	h := &handover{leg: c.caller, agent: c.manned}
	c.unwatch()
	was := c.caller.record(media.LegStats{}, store.Cause{}, time.Time{})
	c.eng.media.Do(media.Leave{Leg: c.caller.id})
	s.release(c, acd.TalkEnded{}, causeTransferred)
	c.given = &was
	o.give <- h
	o.done(nil)
	return nil, true
}

// mayReplace tells the SIP plane who may take whose place (RFC 3891, 5): an agent
// that of his own phone, of a phone that rings in one of his queues, or any if he
// is a supervisor.
func (e *Engine) mayReplace(in *sip.Incoming, old *sip.Dialog) bool {
	w, agent := e.world.Load(), in.Peer.Account
	a, ok := w.center.Agents[agent]
	if agent == "" || !ok {
		return false
	}
	far := old.FarEnd().Account
	return far == agent || a.Role == "supervisor" || !old.State().Confirmed && w.colleagues(agent, far)
}

// colleagues tells whether two agents share a queue.
func (w *world) colleagues(a, b string) bool {
	for _, q := range w.center.Agents[a].Queues {
		for _, other := range w.center.Agents[b].Queues {
			if q == other {
				return true
			}
		}
	}
	return false
}

// replacing is the stage for a call that takes the place of a leg of ours.
func (e *Engine) replacing(c *Call) stage {
	l := e.legOf(c.inc.Replaces)
	if l == nil || l.call.Load() == nil {
		return nil
	}
	return joinStage{what: "take over " + l.phone, call: l.call.Load().id, order: doTake, agent: c.inc.Peer.Account}
}

// attached is another call's party who is given to the caller while his agent asks
// for it: the agent's own other call, seen from the customer's side.
func (s talkStage) attached(c *Call, o order) (next stage, done bool) {
	s.release(c, acd.TalkEnded{}, causeTransferred)
	return c.taken(o, s), true
}

// settle ends a hold that was asked of us; that of a phone is its own.
func (h *holder) settle() {
	if h.asked {
		h.ask(false)
	}
}
