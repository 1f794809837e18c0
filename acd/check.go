package acd

import (
	"cmp"
	"fmt"
	"slices"
)

// Check verifies every invariant, from the plain state and without the shortcuts
// that assignment takes. It is for tests: it looks at all calls and agents.
func (c *Core) Check() error {
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
		case (k.offer == nil) != (k.class != nil):
			return fmt.Errorf("call %s is both waiting and offered, or neither", id)
		case k.offer != nil && c.offers[k.offer.id] != k.offer:
			return fmt.Errorf("call %s rings without an offer", id)
		case k.class != nil && (c.classes[k.class.key] != k.class || k.class.queue != k.queue || k.queue.gone):
			return fmt.Errorf("call %s waits in a class that is gone", id)
		case k.node.key > k.node.since || k.node.since-k.node.key > int64(k.queue.H):
			return fmt.Errorf("call %s has key %d for since %d: more than H", id, k.node.key, k.node.since)
		case k.class != nil && k.overdue:
			return fmt.Errorf("call %s waits beyond the limit", id)
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
		case a.ID != id || a.gone && a.activity != activityTalking:
			return fmt.Errorf("agent %s should be gone", id)
		case shown != a.shown:
			return fmt.Errorf("agent %s is shown as %v, is %v", id, a.shown, shown)
		case a.listed != a.available():
			return fmt.Errorf("agent %s: listed is %v, available is %v", id, a.listed, a.available())
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
		for i := range a.nodes {
			if a.nodes[i].in != a.listed {
				return fmt.Errorf("agent %s: order %d has him: %v, want %v", id, i, a.nodes[i].in, a.listed)
			}
		}
	}
	return nil
}

// checkOffers: nobody is in two offers, and each has an end.
func (c *Core) checkOffers() error {
	calls, agents := make(map[*call]bool), make(map[*agent]bool)
	for id, o := range c.offers {
		switch {
		case o.id != id || o.call.offer != o || o.agent.offer != o:
			return fmt.Errorf("offer %v is not known to both sides", id)
		case calls[o.call] || agents[o.agent]:
			return fmt.Errorf("offer %v shares its call or agent with another", id)
		case !o.ring.armed():
			return fmt.Errorf("offer %v has no end", id)
		case o.agent.call != o.call.Call || c.calls[o.call.Call] != o.call:
			return fmt.Errorf("offer %v is for a call that is gone", id)
		}
		calls[o.call], agents[o.agent] = true, true
	}
	for id, a := range c.talks {
		if a.call != id || a.activity != activityTalking || c.agents[a.ID] != a {
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
		if k.offer != nil {
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
		for _, q := range a.profile.queues {
			n := want[q]
			if a.mode != modeLoggedOut || a.activity != activityNone {
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
		if q.LeaveWhenNobody && q.loggedIn == 0 && q.waiting > 0 {
			return fmt.Errorf("queue %s lets %d calls wait for nobody", q.ID, q.waiting)
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
		if err := k.calls.check(); err != nil {
			return fmt.Errorf("class %s: %w", key, err)
		}
		serving := 0
		for _, p := range c.profiles {
			if p.serves(k) && p.available() {
				serving++
			}
		}
		if serving != len(k.ready) {
			return fmt.Errorf("class %s has %d ready profiles, want %d", key, len(k.ready), serving)
		}
		for i, r := range k.ready {
			if l := r.profile.links[r.link]; l.class != k || l.pos != i+1 || r.profile.orders[l.order].g != k.queue.G {
				return fmt.Errorf("class %s: ready profile %d is linked wrongly", key, i)
			}
			if first := r.agents.first(); r.agents != &r.profile.orders[r.profile.links[r.link].order].agents ||
				r.key != first.key || r.oldest != r.agents.root.oldest {
				return fmt.Errorf("class %s: ready profile %d is not up to date", key, i)
			}
		}
	}
	for _, p := range c.profiles {
		for i := range p.orders {
			if err := p.orders[i].agents.check(); err != nil {
				return fmt.Errorf("profile: %w", err)
			}
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

// checkIdle: no available agent beside a waiting call that he may take.
func (c *Core) checkIdle() error {
	for _, k := range c.calls {
		if k.offer != nil {
			continue
		}
		for _, a := range c.roster {
			if a.available() && a.mayTake(k) && !slices.ContainsFunc(k.pairs, func(p *pair) bool { return p.agent == a }) {
				return fmt.Errorf("agent %s is idle while call %s waits", a.ID, k.Call)
			}
		}
	}
	return nil
}

// mayTake is eligibility by the plain configuration.
func (a *agent) mayTake(k *call) bool {
	if !slices.Contains(a.Queues, k.queue.ID) {
		return false
	}
	for _, needs := range []map[string]int{k.queue.Needs, k.Needs} {
		for skill, least := range needs {
			if a.Skills[skill] < least {
				return false
			}
		}
	}
	return k.Language == "" || len(a.Languages) == 0 || slices.Contains(a.Languages, k.Language)
}
