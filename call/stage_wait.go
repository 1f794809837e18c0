package call

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"hotline/acd"
	"hotline/ivr"
	"hotline/media"
	"hotline/sip"
	"hotline/store"
)

// waitStage is the caller in a queue until an agent has answered.
type waitStage struct {
	queue string
	needs map[string]int
	since time.Time // arrival: kept when the caller comes back
	head  bool      // to the head: his agent's phone died
	leave bool      // his flow has a way for when nobody is logged in
	lead  []string  // prompts to say first
}

func (s waitStage) name() string { return "wait " + s.queue }

// waiting is the state of one waitStage.
type waiting struct {
	waitStage
	c      *Call
	q      store.Queue
	music  []media.ClipID
	saying <-chan struct{} // closes when an announcement ends
	next   *time.Timer     // of announcements
	ring   *ring
	offers int
	taken  bool // an agent has the call: the ACD counts it as in talk
}

// ring is one try to reach an agent.
type ring struct {
	offer  acd.Offer
	n      int // of the CDR's offers
	leg    *Leg
	stop   context.CancelCauseFunc
	why    string       // it was withdrawn, in the ACD's words
	result <-chan error // nil: answered (and confirmed by the agent's key where asked)
}

func (s waitStage) run(ctx context.Context, c *Call) stage {
	w := c.eng.world.Load()
	q, ok := w.center.Queues[s.queue]
	if !ok {
		c.blame(404, 1, "queue "+s.queue+" is gone", "us")
		return c.sorry("nobody-available", "goodbye")
	}
	c.queue = s.queue
	if !q.Direct {
		if err := c.answer(ctx); err != nil {
			return nil
		}
	}
	x := &waiting{waitStage: s, c: c, q: q, music: c.eng.music(q)}
	if err := c.eng.disp.send(ctx, acd.CallQueued{Call: acd.CallID(c.id), Queue: acd.QueueID(s.queue), Since: s.since,
		Language: c.lang, Needs: s.needs, Customer: c.customer(), Standing: 0.5, Head: s.head,
		Leave: s.leave}); err != nil {
		return nil
	}
	defer x.leave()
	return x.loop(ctx)
}

// leave ends what the stage began, whichever way it is left.
func (x *waiting) leave() {
	c := x.c
	if x.next != nil {
		x.next.Stop()
	}
	if x.ring != nil {
		x.giveUp()
	}
	if !x.taken {
		c.eng.disp.must(acd.CallLeft{Call: acd.CallID(c.id)})
	}
	for { // commands for a call that no longer waits
		select {
		case <-c.acd:
		default:
			return
		}
	}
}

func (x *waiting) loop(ctx context.Context) stage {
	c := x.c
	var tick <-chan time.Time
	if !x.q.Direct {
		x.speak(x.lead)
		x.next = time.NewTimer(announceFirst(x.q))
		tick = x.next.C
	}
	for {
		var ringing chan sip.Ringing
		var result <-chan error
		if x.ring != nil {
			result = x.ring.result
			if x.q.Direct && x.ring.leg != nil {
				ringing = x.ring.leg.ringing
			}
		}
		select {
		case cmd := <-c.acd:
			if next, done := x.command(ctx, cmd); done {
				return next
			}
		case r := <-ringing:
			c.passRinging(r, x.ring.leg)
		case err := <-result:
			if next, done := x.outcome(ctx, err); done {
				return next
			}
		case <-x.saying:
			x.saying = nil
			x.playMusic()
		case <-tick:
			x.announce(ctx)
			x.next.Reset(announceEvery(x.q))
		case <-c.caller.updated:
			c.journal()
		case <-ctx.Done():
			return nil
		}
	}
}

// command does what the ACD decided.
func (x *waiting) command(ctx context.Context, cmd acd.Command) (stage, bool) {
	switch cmd := cmd.(type) {
	case acd.Offer:
		if x.ring != nil {
			x.c.eng.disp.must(acd.OfferRefused{Offer: cmd.ID, How: acd.PhoneUnreachable})
			return nil, false
		}
		x.begin(ctx, cmd)
	case acd.Withdraw:
		if x.ring != nil && x.ring.offer.ID == cmd.ID {
			x.ring.why = cmd.Why
			x.ring.stop(ErrWithdrawn) // its result comes at once, the next offer perhaps as fast
			return x.outcome(ctx, <-x.ring.result)
		}
	case acd.Overflow:
		x.c.note("overflow: %s", cmd.Why)
		return x.c.overflow(x.waitStage, x.q, cmd.Why), true
	}
	return nil, false
}

// begin rings the agent's phone; the caller goes on listening meanwhile.
func (x *waiting) begin(ctx context.Context, o acd.Offer) {
	c := x.c
	x.offers++
	reason, _ := json.Marshal(o.Reason)
	c.cdr.Offers = append(c.cdr.Offers, store.Offer{ID: o.ID.String(), Agent: string(o.Agent), Queue: x.queue,
		Began: time.Now(), Reason: reason})
	rctx, stop := context.WithCancelCause(ctx)
	r := &ring{offer: o, n: len(c.cdr.Offers) - 1, stop: stop}
	x.ring = r
	leg, err := c.callAgent(string(o.Agent), x.q, x.queue)
	if err != nil {
		failed := make(chan error, 1)
		failed <- err
		r.result = failed
		return
	}
	r.leg = leg
	c.journal()
	r.result = c.answerOf(rctx, leg, c.eng.world.Load().confirms(string(o.Agent)))
}

// outcome takes the result of a ring.
func (x *waiting) outcome(ctx context.Context, err error) (stage, bool) {
	c, r := x.c, x.ring
	x.ring = nil
	r.stop(nil)
	if x.q.Direct && r.leg != nil {
		c.drainRinging(r.leg)
	}
	if err == nil {
		if c.eng.disp.accept(ctx, r.offer) {
			x.taken = true
			x.closeOffer(r, "answered")
			return x.connect(r), true
		}
		err = ErrWithdrawn // too late: the offer had been taken back
	}
	how, word := refusal(err)
	if errors.Is(err, ErrWithdrawn) && r.why != acd.WithdrawNoAnswer {
		word = "withdrawn"
	}
	x.closeOffer(r, word)
	if r.leg != nil {
		c.dropLeg(r.leg, causeElsewhere, "agent")
	}
	if !errors.Is(err, ErrWithdrawn) {
		c.eng.disp.must(acd.OfferRefused{Offer: r.offer.ID, How: how})
	}
	if ctx.Err() != nil {
		return nil, true
	}
	var e *legEnded
	if x.q.Direct && errors.As(err, &e) {
		to := passOn(e)
		c.blame(to.Status, to.Q850, to.Text, "agent")
		return nil, true
	}
	if x.q.Direct && errors.Is(err, ErrWithdrawn) {
		c.blame(causeNoAnswer.Status, causeNoAnswer.Q850, causeNoAnswer.Text, "agent")
		return nil, true
	}
	return nil, false
}

func (x *waiting) closeOffer(r *ring, word string) {
	o := &x.c.cdr.Offers[r.n]
	o.Ended, o.Result = time.Now(), word
	x.c.note("offer %d: %s", x.offers, word)
	x.c.eng.metrics.offer(x.queue, word)
}

// giveUp ends a ring whose caller has gone, or is sent elsewhere.
func (x *waiting) giveUp() {
	r := x.ring
	x.ring = nil
	r.stop(ErrWithdrawn)
	err := <-r.result
	word := "withdrawn"
	if x.c.caller.ctx.Err() != nil {
		word = "caller gone"
	}
	if err == nil {
		word += " as he answered"
	}
	x.closeOffer(r, word)
	if r.leg != nil {
		x.c.dropLeg(r.leg, causeElsewhere, "agent")
	}
	x.c.eng.disp.must(acd.OfferRefused{Offer: r.offer.ID, How: acd.CallerGone})
}

// connect goes on to the talk with the agent who answered.
func (x *waiting) connect(r *ring) stage {
	c := x.c
	c.agent = string(r.offer.Agent)
	t := talkStage{leg: r.leg, agent: c.agent, queue: x.queue, wait: x.waitStage, record: on(x.q.Record), acd: true}
	if x.q.Direct {
		t.record = x.q.Record != nil && *x.q.Record
	}
	c.engaged = &t
	if x.q.Direct {
		return t
	}
	c.caller.stop()
	if !on(x.q.AnnounceAgent) {
		return t
	}
	return announceStage{talk: t}
}

// refusal says what a failed ring means for the ACD, and in a word.
func refusal(err error) (acd.Refusal, string) {
	var e *legEnded
	switch {
	case errors.Is(err, ErrWithdrawn):
		return acd.NoAnswer, "no answer"
	case errors.Is(err, errDeclined):
		return acd.Declined, "declined"
	case errors.Is(err, errUnreachable), errors.Is(err, media.ErrDown):
		return acd.PhoneUnreachable, "unreachable"
	case errors.Is(err, media.ErrNoPorts): // not the agent's fault: only this pair waits
		return acd.Declined, "no capacity"
	case errors.As(err, &e):
		switch {
		case e.lost:
			return acd.CallerGone, "media engine died"
		case e.nobody || e.status == 404 || e.status == 410 || e.status == 503 || e.status == 408:
			return acd.PhoneUnreachable, "unreachable"
		case e.status == 486 || e.status == 600:
			return acd.Busy, "busy"
		case e.status == 480 || e.status == 487:
			return acd.NoAnswer, "no answer"
		}
		return acd.Declined, "declined"
	}
	return acd.CallerGone, "caller gone"
}

// announce tells position and expected wait, and ends in the music.
func (x *waiting) announce(ctx context.Context) {
	a := announced(x.q)
	if x.saying != nil || !a.Position && !a.Wait {
		return
	}
	pos, ewt, ok := x.c.eng.disp.position(ctx, acd.CallID(x.c.id))
	if !ok {
		return
	}
	var names []string
	if a.Position {
		names = append(names, ivr.Position(x.c.lang, pos)...)
	}
	if a.Wait && ewt > 0 {
		names = append(names, ivr.Wait(x.c.lang, ewt)...)
	}
	x.speak(names)
}

// speak says prompts to the waiting caller, then goes on with the music.
func (x *waiting) speak(names []string) {
	clips := x.c.eng.clips(x.c.lang, names)
	if len(clips) == 0 {
		x.playMusic()
		return
	}
	_, x.saying = x.c.caller.start(clips, media.Tone{}, false)
}

func (x *waiting) playMusic() {
	if len(x.music) > 0 {
		x.c.caller.start(x.music, media.Tone{}, true)
	}
}

// overflow is where a caller goes whom the queue sends on: where the flow says
// that brought him here, else where the queue says.
func (c *Call) overflow(from waitStage, q store.Queue, why string) stage {
	event := ivr.Overflow
	to := q.Overflow
	if why == acd.OverflowNobody {
		event, to = ivr.Nobody, q.Nobody
	}
	if next := c.resume(event); next != nil {
		return next
	}
	if to == "" || to == "hangup" {
		c.blame(480, 20, "queue sent on: "+why, "us")
		return c.sorry("nobody-available", "call-back-later", "goodbye")
	}
	next := c.eng.stageFor(c, to)
	if w, ok := next.(waitStage); ok { // he arrived when he arrived in the first one
		w.since = from.since
		return w
	}
	return next
}

// sorry says something to a caller whom we have answered; others get a status.
func (c *Call) sorry(prompts ...string) stage {
	if !c.answers {
		return nil
	}
	return goodbyeStage{prompts: prompts}
}

// goodbyeStage says something and hangs up.
type goodbyeStage struct{ prompts []string }

func (s goodbyeStage) name() string { return "goodbye" }

func (s goodbyeStage) run(ctx context.Context, c *Call) stage {
	if c.answer(ctx) == nil {
		c.say(ctx, s.prompts...)
	}
	return nil
}
