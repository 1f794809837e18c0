package acd

import (
	"slices"
	"time"
)

// Why an offer is withdrawn.
const (
	WithdrawNoAnswer   = "no answer"
	WithdrawCallerGone = "caller gone"
	WithdrawRequeued   = "queued again"
	WithdrawNotReady   = "agent not ready"
	WithdrawLoggedOut  = "agent logged out"
	WithdrawRemoved    = "agent removed"
	WithdrawElsewhere  = "answered elsewhere"
)

// maxRefusals is how many offers in a row an agent may decline before he is left
// alone for a back-off: a phone that rejects by itself must not cost every caller a ring.
const maxRefusals = 5

// offer is a phone that rings for a call.
type offer struct {
	id         OfferID
	call       *call
	agent      *agent
	queue      *queue
	item       *item // of a call that shares the agent
	mayDecline bool
	ring       timer
}

// offer rings a for k, which waits, or rings with RingAll.
func (c *Core) offer(k *call, a *agent, why Reason) {
	if len(k.offers) == 0 {
		c.pull(k)
		c.countSkips(k, a)
		k.queue.offered.insert(&k.node)
		k.queue.more = true
	}
	c.offered++
	o := &offer{id: OfferID{c.cfg.Node, c.cfg.Epoch, c.offered}, call: k, agent: a, queue: k.queue}
	o.mayDecline = a.declined < k.queue.Declines && k.declined < k.queue.DeclinesPerCall
	o.ring.fire = func() {
		c.emit(Withdraw{o.id, WithdrawNoAnswer})
		c.refused(o, NoAnswer)
	}
	c.timers.arm(&o.ring, c.now+int64(o.queue.RingTimeout))
	c.offers[o.id] = o
	k.waited = k.waited || k.step != c.stats.Steps
	k.offers = append(k.offers, o)
	a.lastOffer = c.now
	if k.seat == (seat{}) {
		a.offer = o
		a.activity, a.call = activityOffered, k.Call
	} else {
		o.item = &item{id: k.Call, queue: k.queue, seat: k.seat, offer: o}
		a.carry(o.item)
	}
	c.stats.Offers++
	stars, ratings := c.grades.customerStars(k.Customer, c.now)
	if ratings == 0 {
		stars = 0 // the prior would read like an opinion
	}
	c.emit(Offer{ID: o.id, Call: k.Call, Agent: a.ID, Queue: o.queue.ID, Deadline: instant(o.ring.at), Reason: why,
		MayDecline: o.mayDecline, Standing: k.standing, CustomerStars: stars, CustomerRatings: ratings,
		Waited: time.Duration(c.now - k.node.since), Category: k.Category})
	c.refresh(a)
}

// closeOffer parts call and agent; the caller of it says where both go.
func (c *Core) closeOffer(o *offer) {
	k, a := o.call, o.agent
	c.timers.disarm(&o.ring)
	delete(c.offers, o.id)
	k.offers = slices.DeleteFunc(k.offers, func(other *offer) bool { return other == o })
	if len(k.offers) == 0 && k.node.in {
		o.queue.offered.remove(&k.node)
		k.quit()
	}
	o.queue.more = true
	if o.item != nil {
		a.remove(o.item)
		return
	}
	a.offer = nil
	a.activity, a.call = activityNone, ""
}

// withdraw closes an offer that the owner believes to be alive; the agent keeps
// his place among the idle.
func (c *Core) withdraw(o *offer, why string) {
	c.stats.Refused++
	c.closeOffer(o)
	c.emit(Withdraw{o.id, why})
}

// withdrawAll withdraws what rings for a call.
func (c *Core) withdrawAll(k *call, why string) {
	for len(k.offers) > 0 {
		o := k.offers[0]
		c.withdraw(o, why)
		c.refresh(o.agent)
	}
}

func (c *Core) answered(o *offer) {
	a, k, q := o.agent, o.call, o.queue
	c.closeOffer(o)
	c.withdrawAll(k, WithdrawElsewhere)
	c.drop(k)
	c.stats.Answered++
	q.starts++
	q.talking++
	q.pace.run(c.now, q.waiting > 0)
	if k.waited {
		q.pace.starts++
	}
	a.refusals = 0
	a.served++
	if o.item != nil {
		o.item.offer, o.item.began = nil, c.now
		a.carry(o.item)
	} else {
		a.activity, a.call, a.talkOf, a.began = activityTalking, k.Call, q, c.now
	}
	c.talks[k.Call] = a
	c.refresh(a)
}

// refused applies the table of the package doc.
func (c *Core) refused(o *offer, how Refusal) {
	a, k, q := o.agent, o.call, o.queue
	c.stats.Refused++
	c.closeOffer(o)
	if how == CallerGone || how == SentOn {
		if how == SentOn {
			c.declined(o)
		}
		c.withdrawAll(k, WithdrawCallerGone)
		c.drop(k)
		c.refresh(a)
		return
	}
	c.keepApart(k, a, q.BackOff)
	switch how {
	case Busy:
		c.pause(a, pauseBusy, q.BackOff)
	case NoAnswer:
		a.idleSince = c.at
		if q.MissedNotReady {
			a.mode, a.reason = modeNotReady, ReasonMissed
		}
	case PhoneUnreachable:
		c.pause(a, pauseUnreachable, q.BackOff)
	case Failed:
		c.strike(a, q)
	default:
		c.declined(o)
	}
	if len(k.offers) == 0 {
		c.wait(k)
	}
	c.refresh(a)
}

// declined counts against the quotas; beyond them the agent gets a rest.
func (c *Core) declined(o *offer) {
	a := o.agent
	if !o.mayDecline {
		a.mode, a.reason, a.refusals = modeNotReady, ReasonDeclined, 0
		return
	}
	a.declined++
	o.call.declined++
	c.strike(a, o.queue)
}

// strike counts offers in a row that came to nothing at once.
func (c *Core) strike(a *agent, q *queue) {
	if a.refusals++; a.refusals >= maxRefusals {
		a.refusals = 0
		c.pause(a, pauseDeclining, q.BackOff)
	}
}
