package call

import (
	"context"
	"errors"
	"strings"
	"time"

	"hotline/acd"
	"hotline/ivr"
	"hotline/media"
	"hotline/sip"
	"hotline/store"
)

// announceStage tells the caller who serves him (S2.108). The agent hears a
// short tone meanwhile, so that he knows that somebody is there.
type announceStage struct{ talk talkStage }

func (s announceStage) name() string { return "announce" }

func (s announceStage) run(ctx context.Context, c *Call) stage {
	s.talk.leg.start(c.eng.clips(c.lang, []string{"beep"}), media.Tone{}, false)
	clips := c.eng.clips(c.lang, ivr.AtYourService(c.lang, s.talk.agent))
	_, done := c.caller.start(clips, media.Tone{}, false)
	for {
		select {
		case <-done:
			return s.talk
		case <-s.talk.leg.ctx.Done():
			return s.talk.back(c, acd.TalkEnded{PhoneDied: s.talk.leg.ended().died})
		case <-c.caller.updated:
			c.journal()
		case <-s.talk.leg.updated:
			c.journal()
		case <-ctx.Done():
			s.talk.callerGone(c)
			return nil
		}
	}
}

// talkStage is the caller and a second leg, each hearing the other.
type talkStage struct {
	leg    *Leg
	agent  string // "" if the second party is no agent of a queue
	queue  string // "" outside of queues
	wait   waitStage
	record bool
	acd    bool // the ACD offered the call to the agent and counts him as in it
}

func (s talkStage) name() string { return "talk" }

func (s talkStage) run(ctx context.Context, c *Call) stage {
	if err := c.answer(ctx); err != nil {
		s.callerGone(c)
		return nil
	}
	c.caller.stop() // first: what is heard over a talk would make a mix of it
	s.leg.stop()
	c.seat(s.leg)
	now := time.Now().UnixNano()
	c.caller.talks.Store(now)
	s.leg.talks.Store(now)
	c.caller.change(func(m *mask) { m.talks = true })
	c.warn()
	if c.wish == nil && s.record || c.wish != nil && *c.wish {
		c.startRecording(s)
	}
	c.cdr.Talks = append(c.cdr.Talks, store.Talk{Agent: s.agent, Queue: s.queue, Began: time.Now()})
	c.journal()
	next := s.loop(ctx, c)
	c.held = false
	c.caller.talks.Store(0)
	c.caller.audible()
	c.caller.change(func(m *mask) { m.talks, m.wanted = false, false })
	c.cdr.Talks[len(c.cdr.Talks)-1].Ended = time.Now()
	c.stopRecording()
	return next
}

// conversation is the state of a talkStage. What came last stands in it, so that a call
// that waits, as it does for minutes, has a small stack: await and little more.
type conversation struct {
	talkStage
	c     *Call
	hold  holder
	pads  [2]*pad // of the caller's phone, if it is an agent's, and of the second leg's
	digit digit
	refer *sip.Refer
	order order
}

// happened is what a talk waits for.
type happened uint8

const (
	legGone happened = iota
	legDigit
	callerDigit
	callerKeysRest
	legKeysRest
	legRefers
	callerRefers
	ordered
	pauseOver
	holds
	callerQuiet
	legQuiet
	changed
	over
)

func (s talkStage) loop(ctx context.Context, c *Call) stage {
	x := &conversation{talkStage: s, c: c, hold: holder{c: c, legs: [2]*Leg{c.caller, s.leg}}}
	codes := c.eng.world.Load().keyCodes
	x.pads = [2]*pad{newPad(codes), newPad(codes)}
	defer x.withhold()()
	x.hold.look() // they may hold since before the talk
	for {
		if next, done := x.handle(ctx, x.await(ctx)); done {
			return next
		}
	}
}

// await returns what happens next.
func (x *conversation) await(ctx context.Context) happened {
	c, leg := x.c, x.leg
	select {
	case <-leg.ctx.Done():
		return legGone
	case x.digit = <-leg.digits:
		return legDigit
	case x.digit = <-c.caller.digits:
		return callerDigit
	case <-x.pads[0].pause():
		return callerKeysRest
	case <-x.pads[1].pause():
		return legKeysRest
	case x.refer = <-leg.refers:
		return legRefers
	case x.refer = <-c.caller.refers:
		return callerRefers
	case x.order = <-c.orders:
		return ordered
	case <-c.pause.over():
		return pauseOver
	case <-c.caller.holds:
	case <-leg.holds:
	case <-c.caller.quiet.changed:
		return callerQuiet
	case <-leg.quiet.changed:
		return legQuiet
	case <-c.caller.updated:
		return changed
	case <-leg.updated:
		return changed
	case <-ctx.Done():
		return over
	}
	return holds
}

// handle does what it asks for; done is true when the talk is over.
func (x *conversation) handle(ctx context.Context, what happened) (next stage, done bool) {
	s, c := x.talkStage, x.c
	switch what {
	case legGone:
		return s.agentGone(ctx, c), true
	case legDigit:
		if next, done = s.pressed(ctx, c, &x.hold, x.pads[1], s.agent, x.digit); !done {
			x.passKeys(1)
		}
	case callerDigit:
		if next, done = s.pressed(ctx, c, &x.hold, x.pads[0], c.manned, x.digit); !done {
			x.passKeys(0)
		}
	case callerKeysRest:
		x.digit = digit{}
		x.pads[0].giveUp()
		x.passKeys(0)
	case legKeysRest:
		x.digit = digit{}
		x.pads[1].giveUp()
		x.passKeys(1)
	case legRefers:
		return s.refer(c, &x.hold, s.agent, x.refer)
	case callerRefers:
		return s.refer(c, &x.hold, c.manned, x.refer)
	case ordered:
		return s.order(ctx, c, &x.hold, x.order)
	case pauseOver:
		c.pauseForgotten()
	case holds:
		x.hold.look()
	case callerQuiet:
		c.listens(c.caller)
	case legQuiet:
		c.listens(s.leg)
	case changed:
		c.journal()
	case over:
		if errors.Is(context.Cause(ctx), ErrCallerGone) && s.asks(c) {
			s.leave(c)
		} else {
			s.callerGone(c)
		}
		return nil, true
	}
	return next, done
}

// holder plays music to whoever waits for a side that holds.
type holder struct {
	c     *Call
	legs  [2]*Leg
	held  [2]bool // as last seen
	asked bool    // of us: the agent's phone knows nothing of it
}

// look starts or ends the music that each side hears while the other holds.
func (h *holder) look() {
	for i, who := range h.legs {
		held, other := who.held.Load(), h.legs[1-i]
		switch {
		case held == h.held[i]:
		case h.asked && i == 1: // the music plays already
		case held:
			other.start(h.c.eng.music(store.Queue{}), media.Tone{}, true)
		default:
			other.stop()
		}
		h.held[i] = held
	}
	h.show()
}

// show lets operators see that somebody holds, or no longer.
func (h *holder) show() {
	if held := h.asked || h.held[0] || h.held[1]; held != h.c.held {
		h.c.held = held
		h.c.publish()
	}
}

// withhold keeps what agents press from the other side until end is called: it may
// be an order.
func (x *conversation) withhold() (end func()) {
	var legs []*Leg
	for i, leg := range x.hold.legs {
		if x.agents()[i] != "" {
			legs = append(legs, leg)
			x.c.eng.media.Do(media.WithholdDigits{Leg: leg.id, On: true})
		}
	}
	return func() {
		for _, leg := range legs {
			x.c.eng.media.Do(media.WithholdDigits{Leg: leg.id})
		}
	}
}

// agents are those on the two sides; "" where there is none.
func (x *conversation) agents() [2]string { return [2]string{x.c.manned, x.agent} }

// passKeys sends on what one side pressed and is no order: of agents all but what
// sounds and is heard anyway, of others what came by INFO.
func (x *conversation) passKeys(side int) {
	keys, d := x.pads[side].others(), x.digit
	switch agent := x.agents()[side]; {
	case d.sounds, side == 0 && x.c.caller.masked():
		return
	case agent == "" && !d.info:
		return
	case agent == "":
		keys = string(d.r)
	}
	to := x.hold.legs[1-side]
	for _, r := range keys {
		x.c.eng.media.Do(media.SendDigit{Leg: to.id, Digit: r, Duration: max(d.dur, 100*time.Millisecond)})
	}
}

// agentGone goes on after the second leg ended by itself.
func (s talkStage) agentGone(ctx context.Context, c *Call) stage {
	e := s.leg.ended()
	if e != nil && e.lost {
		s.release(c, acd.TalkEnded{}, causeMediaDied)
		c.blame(causeMediaDied.Status, causeMediaDied.Q850, causeMediaDied.Text, "us")
		return nil
	}
	if e != nil && e.died && s.queue != "" {
		return s.back(c, acd.TalkEnded{PhoneDied: true})
	}
	return s.finish(ctx, c)
}

// back sends a caller who was not served to the head of his queue: the agent's
// phone died, or he hung up while the caller was told of him.
func (s talkStage) back(c *Call, ev acd.TalkEnded) stage {
	cause := causeNormal
	if ev.PhoneDied {
		cause = causeVanished
		c.note("agent vanished: %s", s.leg.ended().sipWhy)
	} else {
		c.note("agent hung up before the talk")
	}
	s.release(c, ev, cause)
	wait := s.wait
	wait.head = true
	wait.lead = []string{"please-hold"}
	return wait
}

// finish ends the agent's part; the caller goes on to the survey where there is one.
func (s talkStage) finish(ctx context.Context, c *Call) stage {
	s.leave(c)
	if s.queue == "" {
		text, q850 := "the other side hung up", 16
		if e := s.leg.ended(); e != nil && e.died {
			text, q850 = "the other side vanished: "+e.sipWhy, causeVanished.Q850
		}
		c.blame(0, q850, text, blameOf(s.leg.role, s.leg.peer))
		return nil
	}
	if c.caller.ctx.Err() == nil {
		if next := c.resume(ivr.Served); next != nil {
			return next
		}
	}
	w := c.eng.world.Load()
	if flow := w.survey(s.queue); flow != "" && c.caller.ctx.Err() == nil {
		return surveyStage{flow: flow}
	}
	if s.agent == "" { // the caller had been led to somebody outside
		c.blame(0, 16, "the other side hung up", blameOf(s.leg.role, s.leg.peer))
		return nil
	}
	c.blame(0, 16, "agent hung up", "agent")
	return nil
}

// callerGone ends the agent's leg because the call is over.
func (s talkStage) callerGone(c *Call) {
	cause := causeNormal
	if errors.Is(c.caller.ctx.Err(), context.Canceled) {
		cause = sip.Cause{Q850: 16, Text: "caller hung up"}
	}
	s.release(c, acd.TalkEnded{}, cause)
}

// release frees the second leg and tells the ACD.
func (s talkStage) release(c *Call, ev acd.TalkEnded, cause sip.Cause) {
	c.engaged = nil
	c.unseat(s.leg)
	c.dropLeg(s.leg, cause, blameOf(s.leg.role, s.leg.peer))
	s.free(c, ev)
}

// free tells the ACD that the agent's part in the call is over.
func (s talkStage) free(c *Call, ev acd.TalkEnded) {
	switch {
	case s.acd:
		ev.Agent, ev.Call = acd.AgentID(s.agent), c.acdID()
		c.eng.wrapUps.served(s.agent, c.id)
		c.eng.disp.must(ev)
	case s.agent != "":
		c.eng.occupy(s.agent, false)
	}
}

// seat puts caller and second leg into the call's bridge.
func (c *Call) seat(l *Leg) {
	b := media.BridgeID(c.id)
	c.eng.media.Do(media.Seat{Bridge: b, Leg: c.caller.id, Role: media.Caller})
	c.eng.media.Do(media.Seat{Bridge: b, Leg: l.id, Role: media.Agent})
}

// unseat takes the second leg out again; the bridge remains the caller's.
func (c *Call) unseat(l *Leg) {
	c.eng.media.Do(media.Leave{Leg: l.id})
	c.caller.stop() // hold music
}

// startRecording records the talk from its first word.
func (c *Call) startRecording(s talkStage) {
	if c.eng.recs == nil {
		return
	}
	now := time.Now()
	c.recs++
	id := recordingID(c.id, c.recs)
	_, path, err := c.eng.recs.Path(id, now)
	if err != nil {
		c.log.Error("recording cannot begin; the call goes on without", "call", c.id, "err", err)
		c.eng.stats.RecordingErrors.Add(1)
		return
	}
	c.rec = &store.Recording{ID: id, Call: c.id, Path: c.eng.recs.Rel(path), Agent: s.agent, Queue: s.queue, Began: now}
	c.cdr.Recording = id
	c.cdr.Recordings = append(c.cdr.Recordings, id)
	c.eng.records.Store(media.RecordingID(id), *c.rec)
	c.eng.media.Do(media.Record{ID: media.RecordingID(id), Path: path, Left: c.caller.id, Right: s.leg.id})
	if c.pause.on { // in an earlier talk: who paused it still means it
		c.eng.media.Do(media.Pause{ID: media.RecordingID(id), On: true})
	}
}

// recordingID names the n-th recording of a call.
func recordingID(call string, n int) string {
	if n == 1 {
		return call
	}
	return call + "-" + itoa(n)
}

// callOf is the call that a recording is named after.
func callOf(recording string) string {
	call, _, _ := strings.Cut(recording, "-")
	return call
}

// stopRecording ends the recording; its record is stored when the file is whole.
func (c *Call) stopRecording() {
	if c.rec == nil {
		return
	}
	c.eng.media.Do(media.Finish{ID: media.RecordingID(c.rec.ID)})
	c.rec = nil
}
