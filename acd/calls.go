package acd

import (
	"slices"
	"time"
)

// What queues use where the configuration says 0.
const (
	defaultRingTimeout = 15 * time.Second
	defaultBackOff     = 30 * time.Second
)

// queue is a configured queue with what happens in it.
type queue struct {
	Queue
	policy   string
	gone     bool     // no longer configured; its last offers and talks still run
	classes  []*class // of its waiting calls
	offered  tree[*call]
	waiting  int
	talking  int
	loggedIn int // agents of this queue
	ready    int // of them, available
	starts   uint64
	pace     pace
}

// call is a call that waits (its node is in its class) or is offered (its node
// is in its queue's offered tree).
type call struct {
	CallQueued
	node     node[*call]
	queue    *queue
	class    *class
	offer    *offer
	pairs    []*pair
	limit    timer // MaxWait
	overdue  bool  // the limit passed while a phone rang
	standing float64
	entered  int64  // this queue
	step     uint64 // in which it was queued
	waited   bool   // longer than that step
}

// pair keeps a call and an agent apart for a while.
type pair struct {
	call  *call
	agent *agent
	timer timer
}

// enqueue lets a call wait, or sends it on at once.
func (c *Core) enqueue(ev CallQueued) {
	c.leave(ev.Call, WithdrawRequeued)
	q := c.queues[ev.Queue]
	switch {
	case q == nil:
		c.overflow(ev.Call, OverflowNoQueue)
		return
	case (q.LeaveWhenNobody || ev.Leave) && q.loggedIn == 0:
		c.overflow(ev.Call, OverflowNobody)
		return
	case q.MaxLength > 0 && !ev.Head && q.waiting+q.offered.len() >= q.MaxLength:
		c.overflow(ev.Call, OverflowFull)
		return
	}
	k := &call{CallQueued: ev, queue: q, entered: c.now, step: c.stats.Steps, standing: c.grades.standing(ev.Customer, ev.Standing, ev.Tier, c.now)}
	k.node.item, k.node.id, k.node.prio = k, string(ev.Call), c.priority()
	k.node.head, k.node.since = ev.Head, c.now
	if since := stamp(ev.Since); !ev.Since.IsZero() && since < c.now {
		k.node.since = since
	}
	k.limit.fire = func() { c.waitedEnough(k) }
	c.limit(k)
	c.calls[ev.Call] = k
	c.wait(k)
}

// limit sets the end of a call's wait by its queue's present MaxWait.
func (c *Core) limit(k *call) {
	k.overdue = false
	if k.queue.MaxWait > 0 {
		c.timers.arm(&k.limit, k.entered+int64(k.queue.MaxWait))
		return
	}
	c.timers.disarm(&k.limit)
}

// standing is a customer's c as the keys use it.
func standing(s float64) float64 {
	if s != s {
		return 0.5
	}
	return min(max(s, 0), 1)
}

// wait puts a call into its class; its place is that of its arrival.
func (c *Core) wait(k *call) {
	if again := c.queues[k.queue.ID]; k.queue.gone && again != nil {
		k.queue = again
	}
	q, why := k.queue, ""
	switch {
	case q.gone:
		why = OverflowNoQueue
	case k.overdue:
		why = OverflowMaxWait
	case (q.LeaveWhenNobody || k.Leave) && q.loggedIn == 0:
		why = OverflowNobody
	}
	if why != "" {
		c.drop(k)
		c.overflow(k.Call, why)
		return
	}
	k.rekey()
	k.class = c.classOf(k)
	q.pace.run(c.now, q.waiting > 0)
	q.waiting++
	k.class.calls.insert(&k.node)
	c.mark(k.class)
}

// rekey sets a call's place by its queue's present H; its node is in no tree.
func (k *call) rekey() {
	n := &k.node
	n.key, n.tie = n.since-headStart(k.queue.H, k.standing), n.since
	if n.head {
		n.key = n.since
	}
}

// rekey gives a waiting or offered call another priority, or puts it in front.
func (c *Core) rekey(ev Rekey) {
	k := c.calls[ev.Call]
	if k == nil {
		c.stats.Ignored++
		return
	}
	k.Priority, k.Head = ev.Priority, k.Head || ev.Head
}

// headStart is the part of a head start that a share of 0..1 earns, in ns.
func headStart(whole time.Duration, share float64) int64 { return int64(float64(whole) * share) }

// unwait takes a call out of its class.
func (c *Core) unwait(k *call) {
	k.queue.pace.run(c.now, k.queue.waiting > 0)
	k.queue.waiting--
	k.class.calls.remove(&k.node)
	k.class = nil
}

// drop forgets a call that neither waits nor is offered.
func (c *Core) drop(k *call) {
	c.timers.disarm(&k.limit)
	for _, p := range k.pairs {
		c.timers.disarm(&p.timer)
		p.agent.pairs--
	}
	k.pairs = nil
	delete(c.calls, k.Call)
}

// leave takes a call out of wherever it is; false if it is nowhere.
func (c *Core) leave(id CallID, why string) bool {
	if a := c.talks[id]; a != nil {
		c.endTalk(a, false)
		return true
	}
	k := c.calls[id]
	if k == nil {
		return false
	}
	if o := k.offer; o != nil {
		c.withdraw(o, why)
		c.drop(k)
		c.refresh(o.agent)
		return true
	}
	c.unwait(k)
	c.drop(k)
	return true
}

func (c *Core) overflow(id CallID, why string) {
	c.stats.Overflowed++
	c.emit(Overflow{id, why})
}

// waitedEnough is the end of MaxWait; a phone that rings may ring on.
func (c *Core) waitedEnough(k *call) {
	if k.offer != nil {
		k.overdue = true
		return
	}
	c.unwait(k)
	c.drop(k)
	c.overflow(k.Call, OverflowMaxWait)
}

// leaveWhenNobody empties the queues that lost their last agent, of all callers
// if the queue says so, else of those who do.
func (c *Core) leaveWhenNobody() {
	for _, q := range c.emptied {
		if q.gone || q.loggedIn > 0 {
			continue
		}
		for _, k := range c.waitingIn(q) {
			if !q.LeaveWhenNobody && !k.Leave {
				continue
			}
			c.unwait(k)
			c.drop(k)
			c.overflow(k.Call, OverflowNobody)
		}
	}
	c.emptied = c.emptied[:0]
}

// waitingIn lists a queue's waiting calls in order.
func (c *Core) waitingIn(q *queue) []*call {
	list := make([]*call, 0, q.waiting)
	for _, class := range q.classes {
		for n := range class.calls.ascend {
			list = append(list, n.item)
		}
	}
	slices.SortFunc(list, func(a, b *call) int { return a.node.compare(&b.node.rank) })
	return list
}

// keepApart starts the back-off of a pair.
func (c *Core) keepApart(k *call, a *agent, d time.Duration) {
	p := k.pairWith(a)
	if p == nil {
		p = &pair{call: k, agent: a}
		p.timer.fire = func() { c.together(p) }
		k.pairs = append(k.pairs, p)
		a.pairs++
	}
	c.timers.arm(&p.timer, c.now+int64(d))
}

// together ends the back-off of a pair.
func (c *Core) together(p *pair) {
	k := p.call
	k.pairs = slices.DeleteFunc(k.pairs, func(q *pair) bool { return q == p })
	p.agent.pairs--
	if k.offer == nil {
		c.mark(k.class)
	}
}

func (k *call) pairWith(a *agent) *pair {
	if a.pairs == 0 {
		return nil
	}
	for _, p := range k.pairs {
		if p.agent == a {
			return p
		}
	}
	return nil
}
