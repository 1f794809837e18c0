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
	c.seat(s.leg)
	c.caller.stop()
	s.leg.stop()
	now := time.Now().UnixNano()
	c.caller.talks.Store(now)
	s.leg.talks.Store(now)
	c.caller.change(func(m *mask) { m.talks = true })
	if s.record {
		c.startRecording(s)
	}
	c.cdr.Talks = append(c.cdr.Talks, store.Talk{Agent: s.agent, Queue: s.queue, Began: time.Now()})
	c.journal()
	next := s.loop(ctx, c)
	c.caller.talks.Store(0)
	c.caller.audible()
	c.caller.change(func(m *mask) { m.talks, m.wanted = false, false })
	c.cdr.Talks[len(c.cdr.Talks)-1].Ended = time.Now()
	c.stopRecording()
	return next
}

func (s talkStage) loop(ctx context.Context, c *Call) stage {
	w := c.eng.world.Load()
	pads := [2]*pad{newPad(w.keys()), newPad(w.keys())}
	hold := holder{c: c, legs: [2]*Leg{c.caller, s.leg}}
	hold.look() // they may hold since before the talk
	for {
		select {
		case <-s.leg.ctx.Done():
			return s.agentGone(ctx, c)
		case d := <-s.leg.digits:
			if next, done := s.pressed(ctx, c, &hold, pads[1], s.agent, d); done {
				return next
			}
			c.passDigit(d, c.caller)
		case d := <-c.caller.digits:
			if next, done := s.pressed(ctx, c, &hold, pads[0], c.manned, d); done {
				return next
			}
			if !c.caller.masked() {
				c.passDigit(d, s.leg)
			}
		case r := <-s.leg.refers:
			if next, done := s.refer(c, &hold, s.agent, r); done {
				return next
			}
		case r := <-c.caller.refers:
			if next, done := s.refer(c, &hold, c.manned, r); done {
				return next
			}
		case o := <-c.orders:
			if next, done := s.order(ctx, c, &hold, o); done {
				return next
			}
		case <-c.pause.over():
			c.pauseForgotten()
		case <-c.caller.holds:
			hold.look()
		case <-s.leg.holds:
			hold.look()
		case <-c.caller.quiet.changed:
			c.listens(c.caller)
		case <-s.leg.quiet.changed:
			c.listens(s.leg)
		case <-c.caller.updated:
			c.journal()
		case <-s.leg.updated:
			c.journal()
		case <-ctx.Done():
			if errors.Is(context.Cause(ctx), ErrCallerGone) && s.asks(c) {
				s.leave(c)
			} else {
				s.callerGone(c)
			}
			return nil
		}
	}
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
}

// passDigit sends on a key that came by INFO; others went through as audio.
func (c *Call) passDigit(d digit, to *Leg) {
	if d.info {
		c.eng.media.Do(media.SendDigit{Leg: to.id, Digit: d.r, Duration: max(d.dur, 100*time.Millisecond)})
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
	switch {
	case s.acd:
		ev.Agent, ev.Call = acd.AgentID(s.agent), acd.CallID(c.id)
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
