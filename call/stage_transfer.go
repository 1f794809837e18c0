package call

import (
	"context"
	"errors"
	"time"

	"hotline/acd"
	"hotline/media"
	"hotline/sip"
)

// referral is a phone's REFER that wants to know how it goes (RFC 3515).
type referral interface {
	Progress(status int, reason string) // 1xx while it goes on, a final one at its end
}

// transferRings is how long the one rings to whom a call is transferred.
const transferRings = 30 * time.Second

// transferStage leads the caller from an agent to somebody whose phone has to be
// answered. Until then the agent stays, unless he hangs up; if nobody answers the
// caller is brought back to him.
type transferStage struct {
	talk  talkStage // the agent's
	to    destination
	refer referral // nil: nobody asks
	ring  *dialled // rings already; nil: not yet
	gone  bool     // the agent has been freed
	told  outcome  // nil: nobody waits
}

func (s transferStage) name() string { return "transfer " + s.to.name }

// transfer is the stage that leads the caller on from a talk.
func (s talkStage) transfer(c *Call, to destination, refer referral, told outcome) stage {
	if to.rings() {
		return transferStage{talk: s, to: to, refer: refer, told: told}
	}
	told.give(TransferView{State: TransferLed})
	if refer != nil {
		refer.Progress(200, "OK")
	}
	c.note("transfer to %s", to.name)
	s.release(c, acd.TalkEnded{}, causeTransferred)
	return leadStage{to}
}

// causeTransferred tells an agent's phone why its call ends.
var causeTransferred = sip.Cause{Q850: 16, Text: "transferred"}

// dialled is a phone that rings for a call whatever the call's stage is: who began
// it hands it on or gives it up.
type dialled struct {
	c      *Call
	way    dialStage
	leg    *Leg
	result <-chan error
	stop   context.CancelCauseFunc
}

// dialFor rings somebody, over the first trunk that takes a call.
func (c *Call) dialFor(s dialStage) (*dialled, error) {
	for {
		leg, err := s.dial(c)
		if err == nil {
			return c.dialledBy(s, leg), nil
		}
		next, ok := s.after(err)
		if !ok {
			return nil, err
		}
		c.note("%s failed: %v", s.trunk, err)
		s = next
	}
}

// dialledBy is a leg of the call that rings by the first part of a way.
func (c *Call) dialledBy(s dialStage, leg *Leg) *dialled {
	ctx, stop := context.WithCancelCause(c.life)
	d := &dialled{c: c, way: s, leg: leg, stop: stop}
	d.result = c.answerOf(ctx, leg, acceptance{key: s.agent != "" && c.eng.world.Load().confirms(s.agent)}, nil)
	c.journal()
	return d
}

// next rings over the next trunk after a result that came; false if there is none
// that may do better. The leg is another one then.
func (d *dialled) next(err error) bool {
	way, ok := d.way.after(err)
	if !ok || d.c.life.Err() != nil {
		return false
	}
	d.c.note("%s failed: %v", d.way.trunk, err)
	more, err := d.c.dialFor(way)
	if err != nil {
		return false
	}
	d.over()
	*d = *more
	return true
}

// over ends the ringing phone's leg after its result has come.
func (d *dialled) over() {
	d.stop(nil)
	d.c.dropLeg(d.leg, causeElsewhere, blameOf(d.leg.role, d.leg.peer))
}

// giveUp ends it before.
func (d *dialled) giveUp() {
	d.stop(ErrWithdrawn)
	<-d.result
	d.over()
}

// transferring is the state of a transferStage.
type transferring struct {
	transferStage
	c     *Call
	stays bool   // the agent is still there
	why   string // we stopped ringing
}

func (s transferStage) run(ctx context.Context, c *Call) stage {
	x := &transferring{transferStage: s, c: c, stays: !s.gone}
	if x.stays {
		c.unseat(s.talk.leg)
		s.talk.leg.start(nil, media.Tone{Kind: media.ToneRingback}, true)
	}
	c.seatCaller()
	if x.ring == nil {
		var err error
		if x.ring, err = c.dialFor(s.to.ring); err != nil {
			return x.failed(err)
		}
	}
	c.caller.start(nil, media.Tone{Kind: media.ToneRingback}, true)
	ringOut := time.NewTimer(transferRings)
	defer ringOut.Stop()
	pad := newPad(c.eng.world.Load().keyCodes)
	for {
		select {
		case err := <-x.ring.result:
			if err == nil {
				return x.arrived()
			}
			if x.ring.next(err) {
				c.caller.start(nil, media.Tone{Kind: media.ToneRingback}, true)
				break
			}
			x.ring.over()
			return x.failed(err)
		case r := <-x.ring.leg.ringing:
			x.rings(r)
		case <-ringOut.C:
			x.giveUp("no answer")
		case <-x.agentGone():
			x.left()
		case d := <-s.talk.leg.digits:
			if do, _, ok := pad.press(d.r, time.Now()); ok && do == DoCancel {
				x.giveUp("cancelled")
			}
		case o := <-c.orders:
			if o.Do == DoCancel {
				x.giveUp("cancelled")
				o.done(nil)
				break
			}
			o.done(ErrNotNow)
		case <-c.caller.updated:
			c.journal()
		case <-x.ring.leg.updated:
			c.journal()
		case <-ctx.Done():
			x.ring.giveUp()
			x.tell(TransferGone, stopped(ctx))
			if x.stays {
				s.talk.callerGone(c)
			}
			return nil
		}
	}
}

// giveUp stops ringing; the result comes as that of any phone.
func (x *transferring) giveUp(why string) {
	x.why = why
	x.ring.stop(ErrWithdrawn)
}

// rings tells the caller and who asked how far it is.
func (x *transferring) rings(r sip.Ringing) {
	x.c.passRinging(r, x.ring.leg)
	if x.refer != nil {
		x.refer.Progress(r.Status, "")
	}
}

// agentGone closes when the agent who transfers hangs up; nil once he has.
func (x *transferring) agentGone() <-chan struct{} {
	if !x.stays {
		return nil
	}
	return x.talk.leg.ctx.Done()
}

// left frees the agent, who did not wait for the outcome (RFC 5589, 6.2).
func (x *transferring) left() {
	x.stays = false
	x.talk.release(x.c, acd.TalkEnded{}, causeTransferred)
	x.c.publish()
	x.c.journal()
}

// arrived goes on to the talk with the one who answered.
func (x *transferring) arrived() stage {
	c := x.c
	if x.refer != nil {
		x.refer.Progress(200, "OK")
	}
	x.tell(TransferAnswered, "")
	if x.stays {
		x.left()
	}
	x.ring.stop(nil)
	return c.talkWith(x.ring.leg, x.to.ring.agent, x.talk)
}

// talkWith is the talk with one who has answered, after an earlier talk.
func (c *Call) talkWith(l *Leg, agent string, before talkStage) talkStage {
	if agent != "" {
		c.eng.occupy(agent, true)
		c.agent = agent
	}
	t := talkStage{leg: l, agent: agent, queue: before.queue, wait: before.wait, record: before.record}
	c.engaged = &t
	return t
}

// failed brings the caller back: to the agent, who is there or is rung, or to the
// head of the queue.
func (x *transferring) failed(err error) stage {
	c := x.c
	status, why := 480, "Temporarily Unavailable"
	var e *legEnded
	if errors.As(err, &e) && e.status >= 300 {
		status, why = e.status, e.text
	}
	if x.refer != nil {
		x.refer.Progress(status, why)
	}
	if x.why == "" {
		x.why = err.Error()
	}
	x.tell(TransferBack, x.why)
	c.caller.stop()
	c.note("transfer failed: %v", err)
	if x.stays {
		x.talk.leg.stop()
		return x.talk
	}
	return returnStage{talk: x.talk}
}

// returnStage rings the agent whose transfer failed after he had hung up. If he
// does not answer the caller goes to the head of the queue that he came from.
type returnStage struct{ talk talkStage }

func (s returnStage) name() string { return "return to agent " + s.talk.agent }

func (s returnStage) run(ctx context.Context, c *Call) stage {
	next := s.elsewhere(c)
	if s.talk.agent == "" {
		return next
	}
	ring, err := c.dialFor(dialStage{agent: s.talk.agent})
	if err != nil {
		return next
	}
	c.caller.start(nil, media.Tone{Kind: media.ToneRingback}, true)
	ringOut := time.NewTimer(transferRings)
	defer ringOut.Stop()
	for {
		select {
		case err := <-ring.result:
			if err == nil {
				c.drainSilently(ring.leg)
				ring.stop(nil)
				return c.talkWith(ring.leg, s.talk.agent, s.talk)
			}
			ring.over()
			return next
		case <-ring.leg.ringing:
		case <-ringOut.C:
			ring.stop(ErrWithdrawn)
		case <-c.caller.updated:
			c.journal()
		case <-ctx.Done():
			ring.giveUp()
			return nil
		}
	}
}

// elsewhere is where a caller goes whom no agent takes back.
func (s returnStage) elsewhere(c *Call) stage {
	if s.talk.queue == "" {
		c.blame(causeNoAnswer.Status, causeNoAnswer.Q850, "nobody took the call back", "agent")
		return c.sorry("ringing-failed", "goodbye")
	}
	wait := s.talk.wait
	wait.queue, wait.head, wait.lead = s.talk.queue, true, []string{"please-hold"}
	return wait
}

// drainSilently forgets what a phone said before its final answer.
func (c *Call) drainSilently(l *Leg) {
	for {
		select {
		case <-l.ringing:
		default:
			return
		}
	}
}

// seatCaller keeps the caller in the bridge while nobody else is.
func (c *Call) seatCaller() {
	c.eng.media.Do(media.Seat{Bridge: media.BridgeID(c.id), Leg: c.caller.id, Role: media.Caller})
}
