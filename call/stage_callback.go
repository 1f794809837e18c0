package call

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"hotline/acd"
	"hotline/ivr"
	"hotline/media"
	"hotline/store"
)

// noLine is the result of a call to a customer that was not made for want of room on
// the trunks: it is no try.
const noLine = "no line free"

// callbackRings is how long the customer's phone rings.
const callbackRings = 45 * time.Second

// ringAgent begins the call of a callback: the agent's phone is its first leg.
func (e *Engine) ringAgent(b *callback, o acd.Offer, q store.Queue) (*Call, error) {
	r, cfg := *b.rec.Load(), *q.Callback
	way, err := e.world.Load().callbackWay(cfg, r.Number)
	if err != nil {
		way.trunk = cfg.Trunk // the customer's stage tells the agent
	}
	c := e.ownCall("trunk:"+way.trunk, r.Number)
	c.item, c.name, c.queue, c.agent = b, "Callback "+r.Name, r.Queue, string(o.Agent)
	if r.Language != "" {
		c.lang = r.Language
	}
	c.cdr.Called, c.cdr.Name, c.cdr.Callback, c.cdr.Category = r.Called, r.Name, r.ID, r.Category
	inv, err := c.agentInvite(string(o.Agent), q, r.Queue, c.told(o)...)
	if err != nil {
		return nil, err
	}
	s := callbackStage{eng: e, item: b, rec: r, offer: o, q: q, cfg: cfg}
	return c, e.launch(c, "agent", "agent:"+c.agent, c.agent, inv, s)
}

// callbackStage rings an agent for a callback and tells him of it.
type callbackStage struct {
	eng   *Engine
	item  *callback
	rec   store.Callback
	offer acd.Offer
	q     store.Queue
	cfg   store.QueueCallback
}

func (s callbackStage) name() string { return "callback" }

func (s callbackStage) run(ctx context.Context, c *Call) stage {
	reason, _ := json.Marshal(s.offer.Reason)
	c.cdr.Offers = append(c.cdr.Offers, store.Offer{ID: s.offer.ID.String(), For: c.givenFor(s.offer), Agent: c.agent,
		Queue: c.queue, Began: time.Now(), Reason: reason})
	rctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	key := c.eng.world.Load().confirms(c.agent)
	a := acceptance{key: key, decline: s.offer.MayDecline}
	if key {
		a.cue = s.cue(c)
	}
	result := c.answerOf(rctx, c.caller, a, nil)
	why, err := s.await(c, result, stop)
	if err == nil && !c.eng.disp.accept(ctx, s.offer) {
		err = ErrWithdrawn // too late: the offer had been taken back
	}
	if err != nil {
		s.refused(ctx, c, err, why)
		return nil
	}
	s.closeOffer(c, "answered")
	c.answers, c.cdr.Answered = true, time.Now()
	s.item.talk.Store(c)
	c.engaged = &talkStage{leg: c.caller, agent: c.agent, queue: c.queue, acd: true}
	c.seatCaller()
	return customerStage{s, key}
}

// abandon gives the offer back if the call ends before the stage has begun.
func (s callbackStage) abandon() {
	s.eng.disp.must(acd.OfferRefused{Offer: s.offer.ID, How: acd.CallerGone})
}

// await waits for the agent's answer; why is the ACD's word if it took the offer
// back.
func (s callbackStage) await(c *Call, result <-chan error, stop context.CancelCauseFunc) (why string, err error) {
	for {
		select {
		case err := <-result:
			return why, err
		case cmd := <-c.acd:
			if w, ok := cmd.(acd.Withdraw); ok && w.ID == s.offer.ID {
				why = w.Why
				stop(ErrWithdrawn)
			}
		case o := <-c.orders:
			o.done(ErrNotNow)
		case <-c.caller.ringing:
		case <-c.caller.updated:
			c.journal()
		}
	}
}

// refused ends the call because the agent did not take it.
func (s callbackStage) refused(ctx context.Context, c *Call, err error, why string) {
	c.stopMoving(ctx)
	if e := c.caller.ended(); e != nil && errors.Is(err, ErrCallerGone) {
		err = e
	}
	how, word := refusal(err)
	if how == acd.Busy && c.caller.rang.Load() {
		how, word = acd.Declined, "declined"
	}
	cause := causeElsewhere
	switch {
	case errors.Is(err, ErrWithdrawn) && why == acd.WithdrawElsewhere:
		word, cause = "answered elsewhere", causeCompleted
	case errors.Is(err, ErrWithdrawn) && why != acd.WithdrawNoAnswer, errors.Is(err, errCallbackCancel):
		word = "withdrawn"
	}
	s.closeOffer(c, word)
	if !errors.Is(err, ErrWithdrawn) {
		c.eng.disp.must(acd.OfferRefused{Offer: s.offer.ID, How: how})
	}
	if cause == causeElsewhere {
		cause.Text = "agent: " + word
	}
	c.blame(cause.Status, cause.Q850, cause.Text, "agent")
}

func (s callbackStage) closeOffer(c *Call, word string) {
	o := &c.cdr.Offers[len(c.cdr.Offers)-1]
	o.Ended, o.Result = time.Now(), word
	c.note("offer: %s", word)
	c.eng.metrics.offer(c.queue, word)
}

// stopMoving ends a call that somebody wants elsewhere: its caller is not there
// yet.
func (c *Call) stopMoving(ctx context.Context) {
	var m *Moved
	if errors.As(context.Cause(ctx), &m) {
		c.cancel(ErrOperator)
	}
}

// cue tells the agent what it is about.
func (s callbackStage) cue(c *Call) []string {
	out := append([]string{"callback-agent"}, ivr.Digits(c.lang, s.rec.Number)...)
	if waited := time.Since(s.rec.Since); waited >= time.Second {
		out = append(append(out, "caller-waited"), ivr.Duration(c.lang, waited)...)
	}
	return out
}

// customerStage calls the customer for an agent who has accepted. The ACD counts
// the agent as in talk.
type customerStage struct {
	callbackStage
	told bool // the agent knows what it is about
}

func (s customerStage) name() string { return "call customer" }

func (s customerStage) run(ctx context.Context, c *Call) stage {
	if !s.told && c.caller.play(ctx, c.eng.clips(c.lang, s.cue(c)), true) != nil {
		return s.over(ctx, c, "")
	}
	way, err := c.eng.mayStillCall(s.rec, s.cfg)
	if err != nil {
		return s.over(ctx, c, err.Error())
	}
	way.show = s.cfg.Show
	ring, err := c.dialFor(way)
	if err != nil {
		return s.missed(ctx, c, err)
	}
	ringOut := time.NewTimer(callbackRings)
	defer ringOut.Stop()
	c.caller.start(nil, media.Tone{Kind: media.ToneRingback}, true)
	for {
		select {
		case err := <-ring.result:
			if err == nil && ctx.Err() == nil {
				ring.stop(nil)
				return s.reached(c, ring.leg)
			}
			c.unseatSecond(ring.leg)
			if err != nil && ring.next(err) {
				c.caller.start(nil, media.Tone{Kind: media.ToneRingback}, true)
				break
			}
			ring.over()
			if ctx.Err() != nil { // the agent hung up, or somebody ended it
				return s.over(ctx, c, "")
			}
			return s.missed(ctx, c, err)
		case <-ctx.Done():
			ring.giveUp()
			c.caller.stop()
			return s.over(ctx, c, "")
		case r := <-ring.leg.ringing:
			c.passRinging(r, ring.leg)
		case <-ringOut.C:
			ring.stop(ErrWithdrawn)
		case <-c.acd: // of other agents' offers
		case o := <-c.orders:
			o.done(ErrNotNow)
		case <-c.caller.updated:
			c.journal()
		case <-ring.leg.updated:
			c.journal()
		}
	}
}

// unseatSecond takes a second leg's early audio off the agent's ear.
func (c *Call) unseatSecond(l *Leg) {
	c.eng.media.Do(media.Leave{Leg: l.id})
	c.caller.stop()
}

// reached makes the customer the caller, known by the number that he gave, however
// it was dialled; the rest is a talk like any other, announced like one.
func (s customerStage) reached(c *Call, leg *Leg) stage {
	c.drainSilently(leg)
	was := c.swap(leg)
	c.number, c.name = s.rec.Number, s.rec.Name
	t := talkStage{leg: was, agent: c.agent, queue: c.queue, acd: true, record: on(s.q.Record),
		wait: waitStage{queue: c.queue, needs: s.rec.Needs, since: s.rec.Since, category: s.rec.Category}}
	c.engaged = &t
	e, b := c.eng, s.item
	e.agenda.jobs.add(func() { e.reached(b, c) })
	if on(s.q.AnnounceAgent) {
		e.media.Do(media.Leave{Leg: was.id}) // he hears a tone meanwhile
		return announceStage{talk: t}
	}
	return t
}

// missed tells the agent that the customer was not reached.
func (s customerStage) missed(ctx context.Context, c *Call, err error) stage {
	result := "unreachable"
	var e *legEnded
	switch {
	case errors.Is(err, ErrTooMany):
		result = noLine
	case errors.Is(err, ErrWithdrawn):
		result = "no answer"
	case errors.As(err, &e) && e.text != "":
		result = e.text
	case errors.As(err, &e):
		result = "failed"
	}
	c.say(ctx, "callback-failed") // whether he hears it to the end or not
	return s.over(ctx, c, result)
}

// over frees the agent without a talk; result is how the call to the customer
// ended, "" if there was none.
func (s customerStage) over(ctx context.Context, c *Call, result string) stage {
	c.stopMoving(ctx)
	again := !errors.Is(context.Cause(c.life), ErrOperator)
	c.engaged.release(c, acd.TalkEnded{NoWrapUp: true}, causeNormal)
	e, b := c.eng, s.item
	e.agenda.jobs.add(func() { e.tried(b, c, result, again) })
	c.note("customer: %s", map[bool]string{true: "not called", false: result}[result == ""])
	if result == "" {
		c.blame(0, 16, "customer was not called", "agent")
	} else {
		c.blame(0, 16, "customer not reached: "+result, "caller")
	}
	return nil
}
