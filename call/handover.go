package call

import (
	"context"
	"errors"
	"time"

	"hotline/media"
	"hotline/store"
)

// A leg can change its call: the two whom an agent has put in contact go on in
// one, a parked or ringing caller is taken by a phone that dialled for him. The
// call that gives a leg away forgets it; the one that gets it ends it.

// handover is a leg on its way from one call to another.
type handover struct {
	leg   *Leg
	agent string     // whose phone it is; "" if nobody's
	busy  bool       // he is counted as in a call, and stays so on the way
	way   *dialStage // it rings still, by that way; nil: it has answered
}

// give takes a second leg out of the call.
func (c *Call) give(l *Leg) {
	for i, x := range c.legs {
		if x == l {
			c.legs = append(c.legs[:i], c.legs[i+1:]...)
			break
		}
	}
	c.eng.media.Do(media.Leave{Leg: l.id})
	l.stop()
	l.moved = nil
}

// adopt takes a leg of another call as a second one.
func (c *Call) adopt(h *handover) {
	h.leg.role, h.leg.moved = "party", nil
	if h.agent != "" {
		h.leg.role = "agent"
	}
	h.leg.call.Store(c)
	c.legs = append(c.legs, h.leg)
	c.journal()
}

// taken is the talk of the caller with a leg that was brought.
func (c *Call) taken(o order, before talkStage) stage {
	c.caller.stop()
	c.adopt(o.hand)
	t := c.talkOn(o.hand, before)
	o.done(nil)
	return t
}

// talkOn is the talk of the caller with a leg that was adopted.
func (c *Call) talkOn(h *handover, before talkStage) talkStage {
	t := c.talkWith(h.leg, h.agent, before)
	if h.busy {
		c.eng.occupy(h.agent, false) // he was counted twice
	}
	return t
}

// swap makes the second leg the caller's and the caller's the second one: an agent
// who has called somebody leads him on and leaves.
func (c *Call) swap(l *Leg) (was *Leg) {
	was = c.caller
	c.unwatch()
	for i, x := range c.legs {
		if x == l {
			c.legs[i] = was
		}
	}
	was.role, was.moved = "agent", nil
	was.talks.Store(0)
	was.change(func(m *mask) { m.talks, m.wanted = false, false })
	l.role, l.moved = "caller", c.journal
	c.caller = l
	c.watchCaller()
	c.number, c.name = l.phone, ""
	c.eng.media.Do(media.Seat{Bridge: media.BridgeID(c.id), Leg: l.id, Role: media.Caller})
	c.eng.media.Do(media.Seat{Bridge: media.BridgeID(c.id), Leg: was.id, Role: media.Agent})
	return was
}

// errGivenAway ends a call whose caller's leg went on in another.
var errGivenAway = errors.New("went on in another call")

// joinStage gives the leg of an agent who dialled for it to another call: one that
// is parked, that rings elsewhere, that he takes over.
type joinStage struct {
	what  string // for the trace: "pick up", "unpark 701"
	call  string // the other's id
	order string // that it gets
	agent string
}

func (s joinStage) name() string { return s.what }

func (s joinStage) run(ctx context.Context, c *Call) stage {
	other := c.eng.call(s.call)
	if other == nil || other == c {
		c.blame(causeNotFound.Status, causeNotFound.Q850, "nothing to pick up", "us")
		return c.sorry("caller-gone", "goodbye")
	}
	if err := c.answer(ctx); err != nil {
		return nil
	}
	c.unwatch() // from here on its end is the other's concern, if that takes it
	was := c.caller.record(media.LegStats{}, store.Cause{}, time.Time{})
	c.eng.media.Do(media.Leave{Leg: c.caller.id})
	err := other.order(order{Order: Order{Do: s.order}, actor: "agent:" + s.agent, hand: &handover{leg: c.caller, agent: s.agent}})
	if err != nil {
		c.watchCaller()
		c.note("failed: %v", err)
		c.blame(causeNotFound.Status, causeNotFound.Q850, "nothing to pick up", "us")
		if c.eng.call(s.call) == nil {
			return c.sorry("caller-gone", "goodbye")
		}
		return c.sorry("number-busy", "goodbye") // somebody else has him
	}
	c.given = &was
	c.blame(0, 16, errGivenAway.Error()+": "+s.call, "us")
	return nil
}

// Orders that bring a leg; people have no words for them.
const (
	doTake      = "take"      // the leg talks with the caller instead of whoever does or is to
	doPickUp    = "pick up"   // the same of a caller with whom nobody talks: he rings somewhere or is parked
	doAttach    = "attach"    // the leg's owner talks with the caller instead of the agent who asks
	doSurrender = "surrender" // gives away who talks with the agent
)

// takenStage goes on with a leg that was brought from outside of the call.
type takenStage struct{ hand *handover }

func (s *takenStage) name() string { return "taken over by " + s.hand.agent }

func (s *takenStage) run(ctx context.Context, c *Call) stage {
	t := talkStage{queue: c.queue, wait: waitStage{queue: c.queue, since: c.arrival()}}
	if q, ok := c.eng.world.Load().center.Queues[c.queue]; ok {
		t.record = on(q.Record)
	}
	return c.taken(order{hand: s.hand}, t)
}

// abandon ends the leg if the call ends before the stage has begun.
func (s *takenStage) abandon() {
	s.hand.leg.d.End(causeNormal)
	s.hand.leg.close()
}

// abandoner is a stage that holds something even before it runs.
type abandoner interface{ abandon() }
