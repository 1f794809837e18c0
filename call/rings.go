package call

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"hotline/acd"
	"hotline/media"
	"hotline/sip"
	"hotline/store"
)

// ring is one try to reach an agent.
type ring struct {
	offer  acd.Offer
	number int // of the call's offers in this stage
	n      int // of the CDR's offers
	leg    *Leg
	stop   context.CancelCauseFunc
	why    string       // it was withdrawn, in the ACD's words
	result <-chan error // nil: answered (and confirmed by the agent's key where asked)
}

// begin rings the agent's phone; the caller goes on listening meanwhile.
func (x *waiting) begin(ctx context.Context, o acd.Offer) {
	c := x.c
	x.offers++
	reason, _ := json.Marshal(o.Reason)
	c.cdr.Offers = append(c.cdr.Offers, store.Offer{ID: o.ID.String(), For: c.givenFor(o), Agent: string(o.Agent), Queue: x.queue,
		Began: time.Now(), Reason: reason})
	rctx, stop := context.WithCancelCause(ctx)
	r := &ring{offer: o, number: x.offers, n: len(c.cdr.Offers) - 1, stop: stop}
	x.rings = append(x.rings, r)
	defer x.show()
	leg, err := c.callAgent(string(o.Agent), x.q, x.queue, c.told(o)...)
	if err != nil {
		failed := make(chan error, 1)
		failed <- err
		r.result = failed
		signal(x.woken)
		return
	}
	r.leg = leg
	c.journal()
	r.result = c.answerOf(rctx, leg, c.acceptance(o, x.queue), func() { signal(x.woken) })
	if x.q.Direct && len(x.rings) > 1 && !c.answers {
		c.inc.Ring() // what each of several phones says can't be passed on
	}
}

// alone is the ring whose progress the caller of a direct queue hears: the only
// one.
func (x *waiting) alone() chan sip.Ringing {
	if !x.q.Direct || len(x.rings) != 1 || x.rings[0].leg == nil {
		return nil
	}
	return x.rings[0].leg.ringing
}

// settle takes the results that are there.
func (x *waiting) settle(ctx context.Context) (stage, bool) {
	for i := 0; i < len(x.rings); {
		r := x.rings[i]
		select {
		case err := <-r.result:
			if next, done := x.outcome(ctx, r, err); done {
				return next, true
			}
			i = 0 // the rings are others now
		default:
			i++
		}
	}
	return nil, false
}

// ringOf finds the ring of an offer.
func (x *waiting) ringOf(id acd.OfferID) *ring {
	for _, r := range x.rings {
		if r.offer.ID == id {
			return r
		}
	}
	return nil
}

// show shows operators and screens what rings.
func (x *waiting) show() { x.c.ringing(x.rings) }

// ringing publishes the offers that ring for the call.
func (c *Call) ringing(rings []*ring) {
	if len(rings) == 0 && len(c.offers) == 0 {
		return
	}
	c.offers = nil // the old list may be read
	for _, r := range rings {
		o := r.offer
		if o.CustomerRatings <= 0 {
			o.CustomerStars = 0 // what he has is the prior, not a rating
		}
		c.offers = append(c.offers, OfferView{ID: o.ID.String(), Call: c.id, Agent: string(o.Agent), Queue: string(o.Queue),
			Caller: c.number, Name: c.name, Stars: o.CustomerStars, Ratings: o.CustomerRatings, Waited: o.Waited,
			Category: o.Category, Decline: o.MayDecline, Began: c.cdr.Offers[r.n].Began, Deadline: o.Deadline})
	}
	c.publish()
}

// drop forgets a ring.
func (x *waiting) drop(r *ring) {
	x.rings = slices.DeleteFunc(x.rings, func(o *ring) bool { return o == r })
	r.stop(nil)
}

// outcome takes the result of a ring.
func (x *waiting) outcome(ctx context.Context, r *ring, err error) (stage, bool) {
	c := x.c
	direct := x.q.Direct && len(x.rings) == 1 // its end is the call's
	x.drop(r)
	defer x.show()
	if direct && r.leg != nil {
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
	if how == acd.Busy && r.leg != nil && r.leg.rang.Load() {
		how, word = acd.Declined, "declined" // it rang: somebody pressed the busy key
	}
	cause := causeElsewhere
	switch {
	case errors.Is(err, ErrWithdrawn) && r.why == acd.WithdrawElsewhere:
		word, cause = "answered elsewhere", causeCompleted
	case errors.Is(err, ErrWithdrawn) && r.why != acd.WithdrawNoAnswer:
		word = "withdrawn"
	}
	x.closeOffer(r, word)
	if r.leg != nil {
		c.dropLeg(r.leg, cause, "agent")
	}
	if !errors.Is(err, ErrWithdrawn) {
		c.eng.disp.must(acd.OfferRefused{Offer: r.offer.ID, How: how})
	}
	if ctx.Err() != nil {
		return nil, true
	}
	if how == acd.SentOn {
		return x.c.sendOn(x.waitStage, x.q.Instead), true
	}
	if x.held != nil && string(r.offer.Agent) == x.chosen && x.held.Stop() {
		x.over = true // he said no: the ACD holds the call no longer
	}
	var e *legEnded
	if direct && errors.As(err, &e) {
		to := passOn(e)
		c.blame(to.Status, to.Q850, to.Text, "agent")
		return nil, true
	}
	if direct && errors.Is(err, ErrWithdrawn) {
		c.blame(causeNoAnswer.Status, causeNoAnswer.Q850, causeNoAnswer.Text, "agent")
		return nil, true
	}
	return nil, false
}

func (x *waiting) closeOffer(r *ring, word string) {
	o := &x.c.cdr.Offers[r.n]
	o.Ended, o.Result = time.Now(), word
	x.c.note("offer %d: %s", r.number, word)
	x.c.eng.metrics.offer(x.queue, word)
}

// giveUp ends a ring whose call has been taken by another agent, or whose caller
// has gone or is sent elsewhere.
func (x *waiting) giveUp(r *ring) {
	r.stop(ErrWithdrawn)
	err := <-r.result
	x.drop(r)
	word, cause := "withdrawn", causeElsewhere
	switch {
	case x.taken, x.stolen:
		word, cause = "answered elsewhere", causeCompleted
	case x.c.caller.ctx.Err() != nil:
		word = "caller gone"
	}
	if err == nil {
		word += " as he answered"
	}
	x.closeOffer(r, word)
	if r.leg != nil {
		x.c.dropLeg(r.leg, cause, "agent")
	}
	if !x.taken { // else the ACD has taken the offer back already
		x.c.eng.disp.must(acd.OfferRefused{Offer: r.offer.ID, How: acd.CallerGone})
	}
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
	case errors.Is(err, errSentOn):
		return acd.SentOn, "sent on"
	case errors.Is(err, errUnreachable), errors.Is(err, media.ErrDown):
		return acd.PhoneUnreachable, "unreachable"
	case errors.Is(err, media.ErrNoPorts): // not the agent's fault: only this pair waits
		return acd.Failed, "no capacity"
	case errors.As(err, &e):
		switch {
		case e.lost:
			return acd.CallerGone, "media engine died"
		case e.nobody || e.status == 403 || e.status == 500 || e.status == 404 || e.status == 410 || e.status == 503 || e.status == 408:
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
