package call

import (
	"context"
	"time"

	"hotline/acd"
	"hotline/media"
	"hotline/sip"
	"hotline/store"
)

// consultStage is an agent who asks somebody else while the caller hears music.
// He may talk with either, bring all three together, leave the two alone or come
// back. Who hangs up decides too: the agent leaves the two alone, the one whom he
// asked brings him back to the caller. What the caller hears and says is recorded as
// in the talk before.
type consultStage struct {
	talk talkStage
	to   destination
}

func (s consultStage) name() string { return "consult " + s.to.name }

// consulting is the state of a consultStage.
type consulting struct {
	consultStage
	c    *Call
	ring *dialled // the one who is asked
	leg  *Leg     // his
	up   bool     // he has answered
	with side     // whom the agent talks with
}

// side is whom a consulting agent talks with.
type side uint8

const (
	withOther side = iota
	withCaller
	withBoth
)

// room is the bridge where the agent and the one whom he asks are by themselves.
func (x *consulting) room() media.BridgeID { return media.BridgeID(x.c.id + "/consult") }

func (s consultStage) run(ctx context.Context, c *Call) stage {
	x := &consulting{consultStage: s, c: c}
	if !s.to.rings() {
		c.note("consult failed: %s does not answer like a phone", s.to.name)
		return s.talk
	}
	var err error
	if x.ring, err = c.dialFor(s.to.ring); err != nil {
		c.note("consult failed: %v", err)
		return s.talk
	}
	x.leg = x.ring.leg
	defer c.stopRecording()
	x.arrange(withOther)
	s.talk.leg.start(nil, media.Tone{Kind: media.ToneRingback}, true)
	ringOut := time.NewTimer(transferRings)
	defer ringOut.Stop()
	pad := newPad(c.eng.world.Load().keyCodes)
	for {
		select {
		case err := <-x.ringing():
			if err != nil && x.again(err) {
				break
			}
			ringOut.Stop()
			c.drainSilently(x.leg)
			if err != nil {
				x.ring.over()
				return x.back(err)
			}
			x.answered()
		case <-x.theirEnd():
			return x.part()
		case <-s.talk.leg.ctx.Done():
			return x.complete()
		case r := <-x.leg.ringing:
			x.early(r)
		case <-ringOut.C:
			x.ring.stop(ErrWithdrawn)
		case d := <-s.talk.leg.digits:
			if do, _, ok := pad.press(d.r, time.Now()); ok {
				if next, done := x.pressed(do); done {
					return next
				}
			}
		case o := <-c.orders:
			if next, done := x.order(o); done {
				return next
			}
		case <-c.pause.over():
			c.pauseForgotten()
		case <-c.caller.updated:
			c.journal()
		case <-s.talk.leg.updated:
			c.journal()
		case <-x.leg.updated:
			c.journal()
		case <-ctx.Done():
			x.drop()
			s.talk.callerGone(c)
			return nil
		}
	}
}

// ringing is the outcome of the ring; nil once it is known.
func (x *consulting) ringing() <-chan error {
	if x.up {
		return nil
	}
	return x.ring.result
}

// again rings over the next trunk, if one may do better.
func (x *consulting) again(err error) bool {
	if !x.ring.next(err) {
		return false
	}
	x.leg = x.ring.leg
	if x.with == withOther {
		x.talk.leg.start(nil, media.Tone{Kind: media.ToneRingback}, true)
	}
	return true
}

// theirEnd closes when the one who answered hangs up; before that the ring tells.
func (x *consulting) theirEnd() <-chan struct{} {
	if !x.up {
		return nil
	}
	return x.leg.ctx.Done()
}

// early lets the agent hear what the other side says before it answers.
func (x *consulting) early(r sip.Ringing) {
	if r.Early {
		x.talk.leg.stop()
		x.c.eng.media.Do(media.Seat{Bridge: x.room(), Leg: x.leg.id, Role: media.Agent})
	}
}

func (x *consulting) answered() {
	x.up = true
	if a := x.to.ring.agent; a != "" {
		x.c.eng.occupy(a, true)
	}
	x.talk.leg.stop()
	x.arrange(x.with)
}

// arrange seats the three by whom the agent talks with.
func (x *consulting) arrange(with side) {
	c := x.c
	x.with = with
	main, agent := media.BridgeID(c.id), x.talk.leg
	do := c.eng.media.Do
	if with == withOther {
		c.stopRecording()
		c.caller.start(c.eng.music(store.Queue{}), media.Tone{}, true)
		do(media.Seat{Bridge: x.room(), Leg: agent.id, Role: media.Caller})
		if x.up {
			do(media.Seat{Bridge: x.room(), Leg: x.leg.id, Role: media.Agent})
			x.leg.stop()
		}
		return
	}
	c.caller.stop()
	do(media.Seat{Bridge: main, Leg: agent.id, Role: media.Agent})
	switch {
	case !x.up:
	case with == withBoth:
		x.leg.stop()
		do(media.Seat{Bridge: main, Leg: x.leg.id, Role: media.Agent})
	default:
		do(media.Leave{Leg: x.leg.id})
		x.leg.start(c.eng.music(store.Queue{}), media.Tone{}, true)
	}
	if x.talk.record && c.rec == nil {
		c.startRecording(x.talk)
	}
}

// order does what the agent or somebody else asks.
func (x *consulting) order(o order) (stage, bool) {
	switch {
	case o.Do == DoCancel && x.up:
		o.done(nil)
		return x.part(), true
	case o.Do == DoCancel:
		o.done(nil)
		x.ring.giveUp()
		return x.back(ErrWithdrawn), true
	case o.Do == DoComplete:
		o.done(nil)
		return x.complete(), true
	case (o.Do == DoToggle || o.Do == DoJoin) && !x.up:
		o.done(ErrNoAnswerYet)
	case o.Do == DoToggle:
		with := withOther
		if x.with == withOther {
			with = withCaller
		}
		x.arrange(with)
		x.c.note("toggle")
		o.done(nil)
	case o.Do == DoJoin:
		x.arrange(withBoth)
		x.c.note("join")
		o.done(nil)
	case x.with != withOther && (o.Do == DoRecord || o.Do == DoStopRecord || o.Do == DoPause || o.Do == DoResume):
		err := x.talk.recorder(x.c, o)
		x.talk.record = x.c.rec != nil
		o.done(err)
	default:
		o.done(ErrNotNow)
	}
	return nil, false
}

// pressed does what the agent asks by keys.
func (x *consulting) pressed(do string) (next stage, done bool) {
	if do == DoPause && x.c.pause.on {
		do = DoResume
	}
	reply := make(chan error, 1)
	o := order{Order: Order{Do: do}, actor: "agent:" + x.talk.agent, reply: reply}
	next, done = x.order(o)
	select {
	case err := <-reply:
		if err != nil {
			x.talk.refuse(x.c, x.talk.agent, err)
			break
		}
		x.c.eng.auditCall(x.c, o.actor, actOrder, do)
	default:
	}
	return next, done
}

// complete leaves the caller with the one who was asked, or lets his phone ring on
// for him.
func (x *consulting) complete() stage {
	c := x.c
	if !x.up {
		x.talk.release(c, acd.TalkEnded{}, causeTransferred)
		return transferStage{talk: x.talk, to: x.to, ring: x.ring, gone: true}
	}
	c.note("complete")
	x.talk.release(c, acd.TalkEnded{}, causeTransferred)
	if a := x.to.ring.agent; a != "" {
		c.agent = a
	}
	x.leg.stop()
	t := talkStage{leg: x.leg, agent: x.to.ring.agent, queue: x.talk.queue, wait: x.talk.wait, record: x.talk.record}
	c.engaged = &t
	return t
}

// part ends the consultation; agent and caller talk on.
func (x *consulting) part() stage {
	x.drop()
	return x.back(nil)
}

func (x *consulting) back(err error) stage {
	if err != nil {
		x.c.note("consult failed: %v", err)
	}
	x.c.caller.stop()
	x.talk.leg.stop()
	return x.talk
}

// drop ends the leg of the one who is asked.
func (x *consulting) drop() {
	if !x.up {
		x.ring.giveUp()
		return
	}
	if a := x.to.ring.agent; a != "" {
		x.c.eng.occupy(a, false)
	}
	x.ring.over()
}
