package acd

import "time"

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
	id    OfferID
	call  *call
	agent *agent
	queue *queue
	ring  timer
}

// offer rings a for k, which waits.
func (c *Core) offer(k *call, a *agent, why Reason) {
	c.unwait(k)
	c.offered++
	o := &offer{id: OfferID{c.cfg.Node, c.cfg.Epoch, c.offered}, call: k, agent: a, queue: k.queue}
	o.ring.fire = func() {
		c.emit(Withdraw{o.id, WithdrawNoAnswer})
		c.refused(o, NoAnswer)
	}
	c.timers.arm(&o.ring, c.now+int64(o.queue.RingTimeout))
	c.offers[o.id] = o
	k.waited = k.waited || k.step != c.stats.Steps
	k.offer, a.offer = o, o
	o.queue.offered.insert(&k.node)
	a.activity, a.call = activityOffered, k.Call
	c.stats.Offers++
	c.emit(Offer{ID: o.id, Call: k.Call, Agent: a.ID, Queue: o.queue.ID, Deadline: instant(o.ring.at), Reason: why,
		MayDecline: true, Standing: k.standing, Waited: time.Duration(c.now - k.node.since), Category: k.Category})
	c.refresh(a)
}

// closeOffer parts call and agent; the caller of it says where both go.
func (c *Core) closeOffer(o *offer) {
	c.timers.disarm(&o.ring)
	delete(c.offers, o.id)
	o.queue.offered.remove(&o.call.node)
	o.call.offer, o.agent.offer = nil, nil
	o.agent.activity, o.agent.call = activityNone, ""
}

// withdraw closes an offer that the owner believes to be alive; the agent keeps
// his place among the idle.
func (c *Core) withdraw(o *offer, why string) {
	c.stats.Refused++
	c.closeOffer(o)
	c.emit(Withdraw{o.id, why})
}

func (c *Core) answered(o *offer) {
	a, k, q := o.agent, o.call, o.queue
	c.closeOffer(o)
	c.drop(k)
	c.stats.Answered++
	q.starts++
	q.talking++
	q.pace.run(c.now, q.waiting > 0)
	if k.waited {
		q.pace.starts++
	}
	a.refusals = 0
	a.activity, a.call, a.talkOf = activityTalking, k.Call, q
	c.talks[k.Call] = a
	c.refresh(a)
}

// refused applies the table of the package doc.
func (c *Core) refused(o *offer, how Refusal) {
	a, k, q := o.agent, o.call, o.queue
	c.stats.Refused++
	c.closeOffer(o)
	if how == CallerGone {
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
	default:
		if a.refusals++; a.refusals >= maxRefusals {
			a.refusals = 0
			c.pause(a, pauseDeclining, q.BackOff)
		}
	}
	c.wait(k)
	c.refresh(a)
}
