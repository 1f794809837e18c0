package acd

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// configure takes everything apart and puts it together under the new rules.
func (c *Core) configure(ev Configure) {
	c.gradeRules(ev.Grades)
	waiting := c.takeWaiting()
	offered := c.takeOffered()
	for _, a := range c.roster {
		if a.listed != (openness{}) {
			c.unlist(a)
		}
	}
	c.setQueues(ev.Queues)
	c.setAgents(ev.Agents)
	c.setWindows()
	for _, k := range offered {
		c.weigh(k)
		if len(k.offers) == 0 {
			waiting = append(waiting, k) // its offer went with the agent
			continue
		}
		c.limit(k)
		k.rekey()
		k.queue.offered.insert(&k.node)
		if !k.queue.gone {
			c.relax(k)
			c.enter(k)
		}
	}
	for _, a := range slices.Clone(c.roster) {
		c.refresh(a)
	}
	for _, k := range waiting {
		c.weigh(k)
		c.limit(k)
		c.wait(k)
	}
	c.emptied = append(c.emptied[:0], c.lines...)
}

// takeWaiting empties all classes; the calls keep their order.
func (c *Core) takeWaiting() []*call {
	var all []*call
	for _, q := range c.lines {
		for _, k := range c.waitingIn(q) {
			c.unwait(k)
			all = append(all, k)
		}
	}
	return all
}

// takeOffered empties the queues' offered trees; the offers go on.
func (c *Core) takeOffered() []*call {
	var all []*call
	take := func(o *offer) {
		if k := o.call; k.node.in {
			o.queue.offered.remove(&k.node)
			k.quit()
			all = append(all, k)
		}
	}
	for _, a := range c.roster {
		if a.offer != nil {
			take(a.offer)
		}
		for _, i := range a.items {
			if i.offer != nil {
				take(i.offer)
			}
		}
	}
	for _, q := range c.lines {
		q.classes = nil
	}
	clear(c.classes)
	clear(c.dirty)
	c.dirty, c.categories = c.dirty[:0], nil
	return all
}

// setQueues renews the queues; the first of two with one id counts. A queue that
// is gone lives on in its last offers and talks.
func (c *Core) setQueues(list []Queue) {
	old := c.queues
	c.queues = make(map[QueueID]*queue, len(list))
	for _, q := range list {
		if c.queues[q.ID] != nil {
			continue
		}
		line := old[q.ID]
		if line == nil {
			line = &queue{}
		}
		line.set(q)
		c.queues[q.ID] = line
	}
	for id, line := range old {
		line.gone = c.queues[id] == nil
	}
	c.lines = slices.SortedFunc(maps.Values(c.queues), func(a, b *queue) int { return cmp.Compare(a.ID, b.ID) })
	for _, q := range c.lines {
		q.loggedIn, q.ready = 0, 0
	}
}

// setAgents renews agents and profiles; the first of two with one id counts. The
// offers of agents who are gone are withdrawn.
func (c *Core) setAgents(list []Agent) {
	wanted := make(map[AgentID]Agent, len(list))
	for _, a := range list {
		if _, twice := wanted[a.ID]; !twice {
			wanted[a.ID] = a
		}
	}
	for _, a := range c.roster {
		_, ok := wanted[a.ID]
		a.listed, a.counted, a.gone = openness{}, false, !ok
		if !ok {
			for o := a.ringing(); o != nil; o = a.ringing() {
				c.withdraw(o, WithdrawRemoved)
			}
			a.dismiss(c)
		}
	}
	for id, rule := range wanted {
		a := c.agents[id]
		if a == nil {
			a = c.newAgent(id)
		}
		a.Agent = rule
	}
	c.roster = slices.SortedFunc(maps.Values(c.agents), func(a, b *agent) int { return cmp.Compare(a.ID, b.ID) })
	c.setProfiles()
}

// dismiss ends all that an agent wants; a talk he has goes on.
func (a *agent) dismiss(c *Core) {
	a.mode, a.Queues = modeLoggedOut, nil
	if a.pausedFor != pauseNone {
		c.endPause(a)
	}
	if a.activity == activityWrapUp {
		c.endWrapUp(a)
	}
}

func (c *Core) newAgent(id AgentID) *agent {
	a := &agent{}
	a.shown = AgentChanged{Agent: id, Since: instant(c.at)}
	a.wrapUp.fire = func() { c.endWrapUp(a); c.refresh(a) }
	a.pauseEnd.fire = func() { c.endPause(a); c.refresh(a) }
	c.agents[id] = a
	return a
}

// setProfiles groups the agents anew; none is listed yet.
func (c *Core) setProfiles() {
	c.profiles = nil
	same := make(map[string]*profile)
	for _, a := range c.roster {
		if a.prio == 0 {
			a.prio = c.priority()
		}
		queues := c.known(a.Queues)
		key := profileKey(queues, a.Agent)
		p := same[key]
		if p == nil {
			p = &profile{queues: queues, skills: a.Skills, languages: a.Languages}
			same[key] = p
			c.profiles = append(c.profiles, p)
		}
		m := &member{agent: a, profile: p}
		p.members = append(p.members, m)
		a.members = []*member{m}
	}
}

// known are the configured queues of a list, by id, each once.
func (c *Core) known(ids []QueueID) []*queue {
	var list []*queue
	for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) {
		if q := c.queues[id]; q != nil {
			list = append(list, q)
		}
	}
	return list
}

// profileKey is equal for agents who may take the same calls.
func profileKey(queues []*queue, a Agent) string {
	var b strings.Builder
	for _, q := range queues {
		b.WriteString(strconv.Quote(string(q.ID)))
	}
	b.WriteByte('/')
	writeLevels(&b, a.Skills)
	b.WriteByte('/')
	for _, l := range slices.Compact(slices.Sorted(slices.Values(a.Languages))) {
		b.WriteString(strconv.Quote(l))
	}
	return b.String()
}

// forget removes an agent who is gone and has nothing left to do.
func (c *Core) forget(a *agent) {
	c.timers.disarm(&a.pauseEnd)
	c.timers.disarm(&a.wrapUp)
	delete(c.agents, a.ID)
	if i, ok := slices.BinarySearchFunc(c.roster, a.ID, func(a *agent, id AgentID) int { return cmp.Compare(a.ID, id) }); ok {
		c.roster = slices.Delete(c.roster, i, i+1)
	}
}
