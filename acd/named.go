package acd

import (
	"slices"
	"time"
)

// mostNamed is how many names of each list of a call count; the others are as if
// they had not been given.
const mostNamed = 256

// names is a list of a call as the core uses it: sorted, each once, bounded.
func names[T ~string](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	list = slices.Compact(slices.Sorted(slices.Values(list)))
	return list[:min(len(list), mostNamed)]
}

// nameAgents gives a class its own profile: the agents whom its calls name and
// who have the skills and the language. Those of Only need not serve the queue.
func (c *Core) nameAgents(k *class, like *call) {
	p := &profile{of: k}
	k.named = p
	k.order = k.orderOf()
	list := like.Only
	k.names = list
	if like.held {
		list = like.First
		k.names = slices.Concat(like.Only, like.First)
	}
	for _, id := range list {
		a := c.agents[id]
		if a == nil || a.gone || !able(a.Skills, a.Languages, k.needs, k.language) || !like.wants(a) {
			continue
		}
		m := &member{agent: a, profile: p}
		p.members = append(p.members, m)
		a.members = append(a.members, m)
	}
	c.link(p, k)
}

// wants tells whether a call may go to an agent by its queues or its Only.
func (k *call) wants(a *agent) bool {
	if len(k.Only) > 0 {
		return slices.Contains(k.Only, a.ID)
	}
	return slices.ContainsFunc(a.pool().queues, func(q *queue) bool { return q == k.queue || slices.Contains(k.Also, q.ID) })
}

// unname lets the agents of a class forget that it named them.
func (c *Core) unname(k *class) {
	if k.named == nil {
		return
	}
	for _, m := range k.named.members {
		m.agent.members = slices.DeleteFunc(m.agent.members, func(o *member) bool { return o == m })
	}
}

// present tells whether a call may be held for an agent: he is logged in and his
// phone can be rung.
func (a *agent) present() bool {
	return a.in() && a.registered && a.pausedFor != pauseUnreachable && !a.gone
}

// in tells whether an agent counts as logged in.
func (a *agent) in() bool {
	return a.mode != modeLoggedOut || a.activity != activityNone || len(a.items) > 0
}

// hold decides whether a call that begins to wait is held for its First agents.
// It is held while one of them is present, could take it and has not failed to.
func (c *Core) hold(k *call) {
	if !k.held {
		return
	}
	needs := k.needs()
	for _, id := range k.First {
		a := c.agents[id]
		if a != nil && a.present() && k.wants(a) && able(a.Skills, a.Languages, needs, k.Language) && !k.apart(a) {
			return
		}
	}
	c.release(k)
}

// release ends a call's hold; whoever moves it puts it into its new class.
func (c *Core) release(k *call) {
	k.held = false
	c.timers.disarm(&k.holdEnd)
}

// held begins the hold of a new call.
func (c *Core) beginHold(k *call) {
	if len(k.First) == 0 || k.FirstFor <= 0 {
		return
	}
	k.held = true
	k.holdEnd.fire = func() {
		k.held = false
		c.again(k)
	}
	c.timers.arm(&k.holdEnd, c.now+int64(min(k.FirstFor, 24*time.Hour)))
}

// again puts a call into the class that fits it now, at its old place. One that
// rings looks there for further agents.
func (c *Core) again(k *call) {
	if len(k.offers) == 0 {
		c.unwait(k)
		c.wait(k)
		return
	}
	if k.class != nil {
		k.quit()
		c.relax(k)
		c.enter(k)
		k.queue.more = true
	}
}

// abandoned lets go the calls that were held, or wait, for named agents only,
// of whom the last is no longer there.
func (c *Core) abandoned() {
	for len(c.left) > 0 {
		a := c.left[len(c.left)-1]
		c.left = c.left[:len(c.left)-1]
		names := func(k *class) bool { return k.waiting > 0 && slices.Contains(k.names, a.ID) }
		for _, q := range c.lines {
			if !slices.ContainsFunc(q.classes, names) {
				continue
			}
			for _, k := range slices.Clone(q.classes) { // calls may move to new ones
				if !names(k) {
					continue
				}
				for _, i := range k.list() {
					if i.held || i.nobody(c) {
						c.again(i)
					}
				}
			}
		}
	}
}

// list is the waiting calls of a class, in order within each lane.
func (k *class) list() []*call {
	list := make([]*call, 0, k.waiting)
	for i := range k.lanes {
		for n := range k.lanes[i].ascend {
			list = append(list, n.item)
		}
	}
	return list
}
