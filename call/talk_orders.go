package call

import (
	"context"
	"errors"
	"strings"
	"time"

	"hotline/acd"
	"hotline/media"
	"hotline/store"
)

// order does what somebody asks of a talk; done is true when the talk is over and
// next takes the call.
func (s talkStage) order(ctx context.Context, c *Call, hold *holder, o order) (next stage, done bool) {
	switch o.Do {
	case DoHold, DoRetrieve:
		o.done(hold.ask(o.Do == DoHold))
	case DoTransfer:
		hold.settle()
		s = s.led(c, o.actor)
		o.done(nil)
		return s.transfer(c, o.dest, nil, o.told), true
	case DoConsult:
		hold.settle()
		s = s.led(c, o.actor)
		s.record = c.rec != nil // as it was asked for last
		o.done(nil)
		return consultStage{talk: s, to: o.dest}, true
	case DoPark:
		hold.settle()
		s = s.led(c, o.actor)
		slot, err := c.eng.slots.take(c.id)
		o.done(err)
		if err == nil {
			return s.park(ctx, c, slot), true
		}
	case DoSurvey:
		if s.queue == "" {
			o.done(ErrNotNow)
			break
		}
		o.done(nil)
		c.note("agent ended the talk")
		return s.finish(ctx, c), true
	case DoRecord, DoStopRecord, DoPause, DoResume:
		o.done(s.recorder(c, o))
	case doTake:
		s.release(c, acd.TalkEnded{}, causeNormal)
		return c.taken(o, s), true
	case doAttach:
		return s.attached(c, o)
	case doSurrender:
		return s.surrender(c, o)
	case DoToggle, DoJoin, DoComplete, DoCancel:
		o.done(ErrNoConsult)
	default:
		o.done(ErrNotNow)
	}
	return nil, false
}

// pressed takes a key of an agent on either side; done is true when it ends the talk.
func (s talkStage) pressed(ctx context.Context, c *Call, hold *holder, p *pad, agent string, d digit) (next stage, done bool) {
	if agent == "" {
		return nil, false
	}
	do, number, ok := p.press(d.r, time.Now())
	if !ok {
		return nil, false
	}
	o := order{Order: Order{Do: do, To: number}, actor: "agent:" + agent}
	switch do {
	case doMask:
		if agent == s.agent {
			s.maskKeys(c)
		}
		return nil, false
	case DoSurvey:
		if s.queue != "" {
			c.note("agent ended the talk by key")
			return s.finish(ctx, c), true
		}
		return nil, false
	case DoHold:
		if hold.asked {
			o.Do = DoRetrieve
		}
	case DoPause:
		if c.pause.on {
			o.Do = DoResume
		}
	case DoRecord:
		if c.rec != nil {
			o.Do = DoStopRecord
		}
	case DoTransfer, DoConsult:
		var err error
		if o.dest, err = c.eng.destinationOf(o.Order, o.actor); err != nil {
			s.refuse(c, agent, err)
			return nil, false
		}
	}
	reply := make(chan error, 1)
	o.reply = reply
	next, done = s.order(ctx, c, hold, o)
	select {
	case err := <-reply:
		if err != nil {
			s.refuse(c, agent, err)
			break
		}
		c.eng.auditCall(c, o.actor, actOrder, strings.TrimSpace(o.Do+" "+number))
	default:
	}
	return next, done
}

// refuse tells an agent why what he pressed can't be done; he hears his caller
// meanwhile, who hears nothing of it.
func (s talkStage) refuse(c *Call, agent string, err error) {
	c.log.Info("keys refused", "call", c.id, "agent", agent, "err", err)
	leg := s.leg
	if agent != s.agent {
		leg = c.caller
	}
	leg.tell(c.eng.clips(c.lang, []string{sayNo(err)}), media.Tone{})
}

// sayNo is what is said of an order that can't be carried out.
func sayNo(err error) string {
	switch {
	case errors.Is(err, ErrNowhere), errors.Is(err, ErrUnknown), errors.Is(err, ErrNoRule):
		return "number-not-in-service"
	case errors.Is(err, ErrNotAllowed), errors.Is(err, ErrForeign):
		return "not-allowed"
	case errors.Is(err, ErrClosed):
		return "closed"
	}
	return "invalid-choice"
}

// recorder carries out what is asked of the recording.
func (s talkStage) recorder(c *Call, o order) error {
	switch {
	case o.Do == DoRecord && c.rec != nil:
		return ErrRecording
	case o.Do == DoRecord:
		c.startRecording(s)
		if c.rec == nil {
			return ErrNoRecorder
		}
		c.wish = new(true)
	case c.rec == nil:
		return ErrNoRecording
	case o.Do == DoStopRecord:
		if c.pause.on {
			c.pauseRecording(false, o.actor)
		}
		c.stopRecording()
		c.wish = new(false)
	case o.Do == DoPause && c.pause.on:
		return ErrPaused
	case o.Do == DoResume && !c.pause.on:
		return ErrNotPaused
	case o.Do == DoPause:
		c.pauseRecording(true, o.actor)
	default:
		c.pauseRecording(false, o.actor)
	}
	c.note("%s", o.Do)
	return nil
}

// pause is that of a recording. It survives a transfer and ends by itself.
type pause struct {
	on    bool
	limit *time.Timer
}

// pauseLimit ends a pause that somebody has forgotten.
const pauseLimit = 5 * time.Minute

// over tells when the pause has lasted too long; nil while there is none.
func (p *pause) over() <-chan time.Time {
	if !p.on {
		return nil
	}
	return p.limit.C
}

// pauseRecording writes silence from now on, or the voices again.
func (c *Call) pauseRecording(on bool, actor string) {
	c.pause.on = on
	if on {
		c.pause.limit = time.NewTimer(orDefault(c.eng.world.Load().center.Settings.PauseLimit.D(), pauseLimit))
	} else {
		c.pause.limit.Stop()
	}
	if c.rec != nil {
		c.eng.media.Do(media.Pause{ID: media.RecordingID(c.rec.ID), On: on})
	}
	c.publish()
	c.log.Info("recording", "call", c.id, "paused", on, "actor", actor)
}

// pauseForgotten takes the recording up again and says so to whoever watches.
func (c *Call) pauseForgotten() {
	c.pauseRecording(false, "hotline")
	c.note("pause of the recording ended by itself")
	c.log.Warn("pause of the recording was forgotten; it records again", "call", c.id, "agent", c.agent)
	c.eng.auditCall(c, "hotline", actOrder, "resume: the pause was too long")
}

// led makes the talk one in which the agent who asks is the second leg: the
// caller's leg is the one that stays.
func (s talkStage) led(c *Call, actor string) talkStage {
	if c.manned == "" || actor == "agent:"+s.agent {
		return s
	}
	if actor != "agent:"+c.manned && s.agent != "" { // an operator: who was called is led on
		return s
	}
	agent := c.manned
	c.manned = "" // the talk frees him from here on
	was := c.swap(s.leg)
	if s.agent != "" { // who is the caller now, a phone of ours
		c.manned = s.agent
	}
	if s.acd { // he is led on and serves nobody: a call of his phone from now on
		c.eng.occupy(s.agent, true)
		c.eng.wrapUps.served(s.agent, c.id)
		c.eng.disp.must(acd.TalkEnded{Agent: acd.AgentID(s.agent), Call: c.acdID()})
	}
	s.leg, s.agent, s.acd = was, agent, false
	c.engaged = &s
	return s
}

// hold on our side: the agent's phone knows nothing of it.
func (h *holder) ask(on bool) error {
	switch {
	case on && h.asked:
		return ErrHeld
	case !on && !h.asked:
		return ErrNotHeld
	}
	h.asked = on
	agent := h.legs[1]
	if on {
		h.c.eng.media.Do(media.Leave{Leg: agent.id})
		h.legs[0].start(h.c.eng.music(store.Queue{}), media.Tone{}, true)
	} else {
		h.legs[0].stop()
		h.c.seat(agent)
	}
	h.c.note("%s", map[bool]string{true: "hold", false: "retrieve"}[on])
	h.show()
	return nil
}
