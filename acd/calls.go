package acd

import (
	"slices"
	"time"
)

// maxPriority is the largest head start that a queue and a call have together.
const maxPriority = time.Hour

// mostOfCustomer is how many calls of one customer move when his standing changes:
// who has more of them waiting is no customer but a machine.
const mostOfCustomer = 1000

// call is a call that waits (its node is in its class) or is offered (its node
// is in its queue's offered tree).
type call struct {
	CallQueued
	node      node[*call]
	queue     *queue
	class     *class
	seat      seat
	offers    []*offer // that ring: several with RingAll
	pairs     []*pair
	limit     timer // MaxWait
	overdue   bool  // the limit passed while a phone rang
	standing  float64
	declined  int
	overtaken int64 // audit
	held      bool  // for its First agents
	holdEnd   timer
	relaxed   int // steps of the queue's Relax that apply
	relaxAt   timer
	entered   int64  // this queue
	step      uint64 // in which it was queued
	waited    bool   // longer than that step
	indexed   bool   // under its customer
	front     bool   // put in front by a supervisor
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
	if q == nil {
		c.overflow(ev.Call, OverflowNoQueue)
		return
	}
	k := &call{CallQueued: ev, queue: q, entered: c.now, step: c.stats.Steps, seat: seatOf(ev)}
	k.Only, k.Also, k.First, k.Never = names(ev.Only), names(ev.Also), names(ev.First), names(ev.Never)
	switch {
	case k.nobody(c):
		c.overflow(ev.Call, OverflowNobody)
		return
	case q.MaxLength > 0 && !ev.Head && !ev.Stay && q.waiting+q.offered.len() >= q.MaxLength:
		c.overflow(ev.Call, OverflowFull)
		return
	}
	k.node.item, k.node.id, k.node.prio = k, string(ev.Call), c.priority()
	k.node.head, k.node.since = ev.Head, c.now
	if since := stamp(ev.Since); !ev.Since.IsZero() && since < c.now {
		k.node.since = since
	}
	k.limit.fire = func() { c.waitedEnough(k) }
	c.limit(k)
	c.beginHold(k)
	c.weigh(k)
	c.calls[ev.Call] = k
	if ev.Customer != "" && len(c.customers[ev.Customer]) < mostOfCustomer {
		c.customers[ev.Customer], k.indexed = append(c.customers[ev.Customer], k), true
	}
	c.wait(k)
}

// limit sets the end of a call's wait by its queue's present MaxWait.
func (c *Core) limit(k *call) {
	k.overdue = false
	if k.queue.MaxWait > 0 && !k.Stay {
		c.timers.arm(&k.limit, k.entered+int64(k.queue.MaxWait))
		return
	}
	c.timers.disarm(&k.limit)
}

// weigh takes the customer's standing as it is now. The control group has that
// of an unknown customer, so that it neither gains nor pays.
func (c *Core) weigh(k *call) {
	k.standing = 0.5
	if !k.Control {
		k.standing = standing(c.grades.standing(k.Customer, standing(k.Standing), k.Tier, c.now))
	}
}

// standingChanged keys the calls of a customer anew.
func (c *Core) standingChanged(customer string) {
	for _, k := range c.customers[customer] {
		c.move(k, func() { c.weigh(k) })
	}
}

// rekey gives a waiting or offered call another priority, or puts it in front.
func (c *Core) rekey(ev Rekey) {
	k := c.calls[ev.Call]
	if k == nil {
		c.stats.Ignored++
		return
	}
	c.move(k, func() {
		k.Priority, k.Head, k.front = ev.Priority, k.Head || ev.Head, k.front || ev.Head
		k.node.head = k.Head
	})
}

// move changes what a call's place depends on, and puts it there.
func (c *Core) move(k *call, change func()) {
	if len(k.offers) == 0 {
		c.unwait(k)
		change()
		c.wait(k)
		return
	}
	k.queue.offered.remove(&k.node)
	change()
	k.rekey()
	k.queue.offered.insert(&k.node)
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
		c.limit(k)
	}
	q, why := k.queue, ""
	switch {
	case q.gone:
		why = OverflowNoQueue
	case k.overdue:
		why = OverflowMaxWait
	case k.nobody(c):
		why = OverflowNobody
	}
	if why != "" {
		c.drop(k)
		c.overflow(k.Call, why)
		return
	}
	k.rekey()
	c.relax(k)
	c.hold(k)
	c.enter(k)
	q.pace.run(c.now, q.waiting > 0)
	q.waiting++
	k.class.waiting++
	k.class.lane(k.standing).insert(&k.node)
	c.mark(k.class)
}

// nobody tells whether a call that leaves when nobody is logged in should do so:
// nobody of its queues, or of those that it names.
func (k *call) nobody(c *Core) bool {
	if k.Stay || !k.queue.LeaveWhenNobody && !k.Leave {
		return false
	}
	if len(k.Only) > 0 {
		return !slices.ContainsFunc(k.Only, func(id AgentID) bool { return c.agents[id] != nil && !c.agents[id].gone && c.agents[id].in() })
	}
	return k.queue.loggedIn == 0 && !slices.ContainsFunc(k.Also, func(id QueueID) bool { return c.queues[id] != nil && c.queues[id].loggedIn > 0 })
}

// rekey sets a call's place by its queue's present rule; its node is in no tree.
func (k *call) rekey() {
	n := &k.node
	n.key, n.tie = n.since, n.since
	if n.head {
		return
	}
	n.key -= int64(k.early())
	if k.queue.Strategy == HeadStart {
		n.key -= headStart(k.queue.H, k.standing)
	}
}

// early is the head start that queue and call give by configuration.
func (k *call) early() time.Duration {
	return min(k.queue.Priority+min(max(k.Priority, 0), maxPriority), maxPriority)
}

// headStart is the part of a head start that a share of 0..1 earns, in ns.
func headStart(whole time.Duration, share float64) int64 { return int64(float64(whole) * share) }

// enter and quit say in which class a call waits, or looks for further agents
// while it rings.
func (c *Core) enter(k *call) {
	k.class = c.classOf(k)
	k.class.calls++
}

func (k *call) quit() {
	if k.class != nil {
		k.class.calls--
		k.class = nil
	}
}

// unwait takes a call out of its class.
func (c *Core) unwait(k *call) {
	c.pull(k)
	k.quit()
}

// pull takes a call out of those of its class that wait.
func (c *Core) pull(k *call) {
	k.queue.pace.run(c.now, k.queue.waiting > 0)
	k.queue.waiting--
	k.class.waiting--
	k.class.lane(k.standing).remove(&k.node)
}

// drop forgets a call that neither waits nor is offered.
func (c *Core) drop(k *call) {
	c.timers.disarm(&k.limit)
	c.timers.disarm(&k.holdEnd)
	c.timers.disarm(&k.relaxAt)
	for _, p := range k.pairs {
		c.timers.disarm(&p.timer)
		p.agent.pairs--
	}
	k.pairs = nil
	delete(c.calls, k.Call)
	if !k.indexed {
		return
	}
	left := slices.DeleteFunc(c.customers[k.Customer], func(o *call) bool { return o == k })
	if c.customers[k.Customer] = left; len(left) == 0 {
		delete(c.customers, k.Customer)
	}
}

// leave takes a call out of wherever it is; false if it is nowhere.
func (c *Core) leave(id CallID, why string) bool {
	if a := c.talks[id]; a != nil {
		c.endTalk(a, id, false)
		return true
	}
	k := c.calls[id]
	if k == nil {
		return false
	}
	if len(k.offers) == 0 {
		c.unwait(k)
	}
	c.withdrawAll(k, why)
	c.drop(k)
	return true
}

func (c *Core) overflow(id CallID, why string) {
	c.stats.Overflowed++
	c.emit(Overflow{id, why})
}

// waitedEnough is the end of MaxWait; a phone that rings may ring on.
func (c *Core) waitedEnough(k *call) {
	if len(k.offers) > 0 {
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
		for _, line := range c.lines {
			if line.waiting == 0 || line != q && !slices.ContainsFunc(line.classes, func(k *class) bool { return slices.Contains(k.also, q) }) {
				continue
			}
			for _, k := range c.waitingIn(line) {
				if k.nobody(c) {
					c.again(k)
				}
			}
		}
	}
	c.emptied = c.emptied[:0]
}

// waitingIn lists a queue's waiting calls in order.
func (c *Core) waitingIn(q *queue) []*call {
	list := make([]*call, 0, q.waiting)
	for _, class := range q.classes {
		list = append(list, class.list()...)
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
	if len(k.offers) == 0 {
		c.mark(k.class)
	}
	k.queue.more = true
}

// apart tells whether a pair is in back-off, or the call may never go to a.
func (k *call) apart(a *agent) bool {
	return len(k.pairs) > 0 && k.pairWith(a) != nil || len(k.Never) > 0 && slices.Contains(k.Never, a.ID)
}

// picky tells whether some agents are apart from the call.
func (k *call) picky() bool { return len(k.pairs) > 0 || len(k.Never) > 0 }

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
