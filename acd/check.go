package acd

import (
	"cmp"
	"fmt"
	"slices"
)

// Check verifies every invariant, from the plain state and without the shortcuts
// that assignment takes. It is for tests: it looks at all calls and agents.
func (c *Core) Check() error {
	if c.broken != nil {
		return c.broken
	}
	for _, check := range []func() error{c.checkCalls, c.checkAgents, c.checkOffers, c.checkQueues, c.checkClasses, c.checkTimers, c.checkIdle} {
		if err := check(); err != nil {
			return fmt.Errorf("acd: check: %w", err)
		}
	}
	return nil
}

// checkCalls: a call waits in its class, or is offered, and never talks as well.
func (c *Core) checkCalls() error {
	for id, k := range c.calls {
		switch {
		case k.Call != id || !k.node.in:
			return fmt.Errorf("call %s is nowhere", id)
		case c.talks[id] != nil:
			return fmt.Errorf("call %s waits and talks", id)
		case len(k.offers) == 0 && k.class == nil:
			return fmt.Errorf("call %s is neither waiting nor offered", id)
		case slices.ContainsFunc(k.offers, func(o *offer) bool { return c.offers[o.id] != o }):
			return fmt.Errorf("call %s rings without an offer", id)
		case len(k.offers) > 1 && len(k.offers) > maxRingMost:
			return fmt.Errorf("call %s rings on %d phones", id, len(k.offers))
		case k.class != nil && (c.classes[k.class.key] != k.class || k.class.queue != k.queue || k.queue.gone):
			return fmt.Errorf("call %s waits in a class that is gone", id)
		case k.node.key > k.node.since || k.node.since-k.node.key > int64(k.queue.H+maxPriority):
			return fmt.Errorf("call %s has key %d for since %d: more than H and the priorities", id, k.node.key, k.node.since)
		case len(k.offers) == 0 && k.overdue:
			return fmt.Errorf("call %s waits beyond the limit", id)
		case len(k.offers) == 0 && k.held && !k.holdEnd.armed():
			return fmt.Errorf("call %s is held without an end", id)
		case len(k.offers) == 0 && k.relaxed != k.steps(c.now):
			return fmt.Errorf("call %s has %d relaxed steps, want %d", id, k.relaxed, k.steps(c.now))
		case k.indexed && !slices.Contains(c.customers[k.Customer], k):
			return fmt.Errorf("call %s is not known under its customer", id)
		}
		for _, p := range k.pairs {
			if p.call != k || !p.timer.armed() {
				return fmt.Errorf("call %s is kept from %s without an end", id, p.agent.ID)
			}
		}
	}
	return nil
}

// checkAgents: each agent is in one place, and what is shown is so.
func (c *Core) checkAgents() error {
	if len(c.roster) != len(c.agents) || !slices.IsSortedFunc(c.roster, func(a, b *agent) int { return cmp.Compare(a.ID, b.ID) }) {
		return fmt.Errorf("roster of %d does not match %d agents", len(c.roster), len(c.agents))
	}
	pairs := make(map[*agent]int)
	for _, k := range c.calls {
		for _, p := range k.pairs {
			pairs[p.agent]++
		}
	}
	for id, a := range c.agents {
		shown := a.show()
		shown.Agent, shown.Since = id, a.shown.Since
		switch {
		case a.ID != id || a.gone && a.activity != activityTalking && len(a.items) == 0:
			return fmt.Errorf("agent %s should be gone", id)
		case shown != a.shown:
			return fmt.Errorf("agent %s is shown as %v, is %v", id, a.shown, shown)
		case a.listed != a.open():
			return fmt.Errorf("agent %s is listed for %+v, open for %+v", id, a.listed, a.open())
		case a.activity != activityNone && a.activity != activityWrapUp && slices.ContainsFunc(a.items, func(i *item) bool { return i.offer != nil }):
			return fmt.Errorf("agent %s, who is wholly taken, is offered more", id)
		case (a.offer != nil) != (a.activity == activityOffered) || a.offer != nil && c.offers[a.offer.id] != a.offer:
			return fmt.Errorf("agent %s has a wrong offer", id)
		case (a.activity == activityTalking) != (a.talkOf != nil) || a.talkOf != nil && c.talks[a.call] != a:
			return fmt.Errorf("agent %s has a wrong talk", id)
		case (a.activity == activityNone) != (a.call == ""):
			return fmt.Errorf("agent %s does nothing, with call %q", id, a.call)
		case (a.activity == activityWrapUp) != a.wrapUp.armed():
			return fmt.Errorf("agent %s has a wrap-up without an end, or an end without one", id)
		case (a.pausedFor != pauseNone) != a.pauseEnd.armed():
			return fmt.Errorf("agent %s has a pause without an end, or an end without one", id)
		case a.pairs != pairs[a]:
			return fmt.Errorf("agent %s counts %d back-offs, has %d", id, a.pairs, pairs[a])
		}
		for _, m := range a.members {
			for i, n := range m.nodes {
				if want := a.holds(m.profile.orders[i].seat); n.in != want {
					return fmt.Errorf("agent %s: order %d has him: %v, want %v", id, i, n.in, want)
				}
			}
		}
	}
	return nil
}

// checkOffers: nobody is in two offers, and each has an end.
func (c *Core) checkOffers() error {
	agents := make(map[*agent]bool)
	for id, o := range c.offers {
		switch {
		case o.id != id || !slices.Contains(o.call.offers, o):
			return fmt.Errorf("offer %v is not known to its call", id)
		case o.item != nil && (o.item.offer != o || !slices.Contains(o.agent.items, o.item)):
			return fmt.Errorf("offer %v is not known to its agent", id)
		case o.item == nil && (o.agent.offer != o || agents[o.agent] || o.agent.call != o.call.Call):
			return fmt.Errorf("offer %v shares its agent with another", id)
		case !o.ring.armed():
			return fmt.Errorf("offer %v has no end", id)
		case c.calls[o.call.Call] != o.call:
			return fmt.Errorf("offer %v is for a call that is gone", id)
		}
		if o.item == nil {
			agents[o.agent] = true
		}
	}
	for id, a := range c.talks {
		i := a.item(id)
		if i == nil && (a.call != id || a.activity != activityTalking) || i != nil && i.offer != nil || c.agents[a.ID] != a {
			return fmt.Errorf("call %s talks with %s, who does not", id, a.ID)
		}
	}
	return nil
}

// checkQueues: the queues' numbers are those of a count, and limits hold.
func (c *Core) checkQueues() error {
	type numbers struct{ waiting, offered, talking, loggedIn, ready int }
	want := make(map[*queue]numbers)
	for _, k := range c.calls {
		n := want[k.queue]
		if len(k.offers) > 0 {
			n.offered++
		} else {
			n.waiting++
		}
		want[k.queue] = n
	}
	for _, a := range c.agents {
		if a.talkOf != nil {
			n := want[a.talkOf]
			n.talking++
			want[a.talkOf] = n
		}
		for _, i := range a.items {
			if i.offer == nil {
				n := want[i.queue]
				n.talking++
				want[i.queue] = n
			}
		}
		for _, q := range a.pool().queues {
			n := want[q]
			if a.in() {
				n.loggedIn++
			}
			if a.available() {
				n.ready++
			}
			want[q] = n
		}
	}
	for _, q := range c.lines {
		if got := (numbers{q.waiting, q.offered.len(), q.talking, q.loggedIn, q.ready}); got != want[q] {
			return fmt.Errorf("queue %s counts %+v, has %+v", q.ID, got, want[q])
		}
		for _, k := range c.waitingIn(q) {
			if k.nobody(c) {
				return fmt.Errorf("queue %s lets %s wait for nobody", q.ID, k.Call)
			}
		}
		if err := q.offered.check(); err != nil {
			return fmt.Errorf("queue %s offered: %w", q.ID, err)
		}
	}
	return nil
}

// checkClasses: trees and ready lists are whole.
func (c *Core) checkClasses() error {
	inQueues := 0
	for _, q := range c.lines {
		inQueues += len(q.classes)
	}
	if inQueues != len(c.classes) || len(c.dirty) != 0 {
		return fmt.Errorf("%d classes, %d in queues, %d dirty", len(c.classes), inQueues, len(c.dirty))
	}
	for key, k := range c.classes {
		if err := c.checkClass(k); err != nil {
			return fmt.Errorf("class %s: %w", key, err)
		}
	}
	for _, a := range c.roster {
		for _, m := range a.members {
			for _, o := range m.profile.orders {
				if err := o.agents.check(); err != nil {
					return fmt.Errorf("profile of %s: %w", a.ID, err)
				}
			}
		}
	}
	return nil
}

func (c *Core) checkClass(k *class) error {
	waiting, all, serving := 0, 0, 0
	for i := range k.lanes {
		if err := k.lanes[i].check(); err != nil {
			return err
		}
		waiting += k.lanes[i].len()
	}
	for _, i := range c.calls {
		if i.class == k {
			all++
		}
	}
	if waiting != k.waiting || all != k.calls {
		return fmt.Errorf("counts %d waiting of %d calls, has %d of %d", k.waiting, k.calls, waiting, all)
	}
	for _, p := range append(slices.Clone(c.profiles), k.named) {
		if p != nil && p.serves(k) && slices.ContainsFunc(p.members, func(m *member) bool { return m.agent.holds(k.seat) }) {
			serving++
		}
	}
	if serving != len(k.ready) {
		return fmt.Errorf("has %d ready profiles, want %d", len(k.ready), serving)
	}
	for i, r := range k.ready {
		l := r.profile.links[r.link]
		if l.class != k || l.pos != i+1 || r.profile.orders[l.order].orderKey != k.order {
			return fmt.Errorf("ready profile %d is linked wrongly", i)
		}
		if first := r.agents.head; r.agents != &r.profile.orders[l.order].agents || r.key != first.key || r.oldest != r.agents.root.oldest {
			return fmt.Errorf("ready profile %d is not up to date", i)
		}
	}
	return nil
}

// checkTimers: the heap is a heap, and nothing that is due is left.
func (c *Core) checkTimers() error {
	for i, t := range c.timers.heap {
		switch {
		case t.pos != i+1:
			return fmt.Errorf("timer %d thinks it is %d", i+1, t.pos)
		case i > 0 && c.timers.Less(i, (i-1)/2):
			return fmt.Errorf("timer %d is earlier than its parent", i)
		case t.at <= c.now:
			return fmt.Errorf("timer %d was due %d ns ago", i, c.now-t.at)
		}
	}
	return nil
}

// checkIdle: no available agent beside a waiting call that he may take, or with
// RingAll beside one that rings on fewer phones than it may.
func (c *Core) checkIdle() error {
	for _, k := range c.calls {
		if len(k.offers) > 0 && (k.queue.gone || k.queue.Strategy != RingAll || k.seat != (seat{}) || len(k.offers) >= k.queue.RingMost) {
			continue
		}
		for _, a := range c.roster {
			if c.mayTake(a, k) {
				return fmt.Errorf("agent %s is idle while call %s waits", a.ID, k.Call)
			}
		}
	}
	return nil
}

// mayTake is eligibility by the plain configuration: a is free for k, which
// waits, and nothing keeps them apart.
func (c *Core) mayTake(a *agent, k *call) bool {
	switch {
	case !a.willing() || k.seat == (seat{}) && len(a.items) > 0:
		return false
	case k.seat != (seat{}) && a.load(k.seat.channel)+k.seat.weight > a.Capacity[k.seat.channel]:
		return false
	case slices.Contains(k.Never, a.ID) || slices.ContainsFunc(k.pairs, func(p *pair) bool { return p.agent == a }):
		return false
	case k.held && !slices.Contains(k.First, a.ID):
		return false
	case len(k.Only) > 0 && !slices.Contains(k.Only, a.ID):
		return false
	case len(k.Only) == 0 && !slices.ContainsFunc(append([]QueueID{k.queue.ID}, k.Also...), func(q QueueID) bool {
		return c.queues[q] != nil && slices.Contains(a.Queues, q)
	}):
		return false
	}
	for skill := range k.everyNeed() {
		if a.Skills[skill] < k.need(skill, c.now) {
			return false
		}
	}
	return k.Language == "" || len(a.Languages) == 0 || slices.Contains(a.Languages, k.Language)
}

// everyNeed is the skills that queue and call ask for.
func (k *call) everyNeed() map[string]bool {
	all := make(map[string]bool)
	for _, needs := range []map[string]int{k.queue.Needs, k.Needs} {
		for skill := range needs {
			all[skill] = true
		}
	}
	return all
}

// need is the level of one skill after the wait so far.
func (k *call) need(skill string, now int64) int {
	least := max(k.queue.Needs[skill], k.Needs[skill])
	for _, step := range k.queue.Relax {
		if level, ok := step.Needs[skill]; ok && int64(step.After) <= now-k.node.since {
			least = min(least, level)
		}
	}
	return least
}

// steps is how many steps of Relax apply.
func (k *call) steps(now int64) (n int) {
	for _, step := range k.queue.Relax {
		if int64(step.After) <= now-k.node.since {
			n++
		}
	}
	return n
}
