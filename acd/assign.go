package acd

// assign offers calls until no eligible pair is left. The first call by key that
// anybody can take gives its queue the turn; the queue's strategy chooses who of
// its calls goes to whom. Only classes touched since the last assignment can
// hold a pair.
func (c *Core) assign() {
	for len(c.dirty) > 0 {
		first := c.first()
		if first == nil {
			break
		}
		p := c.pick(first)
		r := c.reason(&p)
		if c.cfg.Audit {
			c.audit(&p, &r)
		}
		c.offer(p.call, p.agents.nodes[0].item, r)
	}
	for _, k := range c.dirty {
		k.dirty = false
	}
	clear(c.dirty)
	c.dirty = c.dirty[:0]
	c.ringMore()
}

// first is the first call of all that an available agent can take.
func (c *Core) first() *call {
	var best *node[*call]
	for _, k := range c.dirty {
		if len(k.ready) == 0 {
			continue
		}
		for i := range k.lanes {
			if n := k.firstIn(i); n != nil && (best == nil || n.less(&best.rank)) {
				best = n
			}
		}
	}
	if best == nil {
		return nil
	}
	return best.item
}

// firstIn is the first call of a lane that an available agent can take.
func (k *class) firstIn(lane int) *node[*call] {
	head := k.lanes[lane].head
	if head == nil || !head.item.picky() {
		return head
	}
	for n := range k.lanes[lane].ascend {
		if !n.item.picky() || n.item.anyAgent() {
			return n
		}
	}
	return nil
}

// anyAgent tells whether an available agent can take k.
func (k *call) anyAgent() bool {
	for i := range k.class.ready {
		for n := range k.class.ready[i].agents.ascend {
			if !k.apart(n.item) {
				return true
			}
		}
	}
	return false
}

// pick is an assignment: a call, and the agents who could take it, the chosen
// one first.
type pick struct {
	call   *call
	agents agentList
	why    string // the choice of the call, if not that it is the oldest
}

// pick lets the strategy of the first call's queue choose. The first call itself
// keeps every bound, so it goes where the choice would break one.
func (c *Core) pick(first *call) pick {
	q := first.queue
	switch {
	case first.node.head:
	case q.Strategy == Accumulating && q.B > 1:
		if c.now-first.node.key >= int64(q.T) {
			return pick{first, c.agentsFor(first), FactorGuard}
		}
		if best := c.mostAccumulated(first); best != first {
			agents := c.agentsFor(best)
			if first.fits(agents.nodes[0].item) {
				return pick{best, agents, FactorAccumulated}
			}
		}
	case q.Strategy == Counted && q.overs > 0 && !first.Control:
		agents := c.agentsFor(first)
		a := agents.nodes[0].item
		best, why := c.bestMatch(first, a)
		if best != first && !c.skipsTooOften(best, a) {
			return pick{best, c.only(best, a, agents), why}
		}
		if why == FactorMatch || best != first {
			why = ""
		}
		return pick{first, agents, why}
	}
	return pick{call: first, agents: c.agentsFor(first)}
}

// fits tells whether an available agent could take k, which waits.
func (k *call) fits(a *agent) bool {
	if k.apart(a) || !a.holds(k.seat) {
		return false
	}
	for _, m := range a.members {
		if m.profile.serves(k.class) {
			return true
		}
	}
	return false
}

// mostAccumulated is the call of the first one's queue with the highest priority.
func (c *Core) mostAccumulated(first *call) *call {
	q, best := first.queue, &first.node
	most := q.priority(best, c.now)
	for _, k := range c.dirty {
		if k.queue != q || len(k.ready) == 0 {
			continue
		}
		for i := range k.lanes {
			if n := k.firstIn(i); n != nil {
				if p := q.priority(n, c.now); p > most || p == most && n.less(&best.rank) {
					best, most = n, p
				}
			}
		}
	}
	return best.item
}

// priority is what a call has accumulated, in ns.
func (q *queue) priority(n *node[*call], now int64) float64 {
	b := 1 + (q.B-1)*float64(laneOf(n.item.standing))/(lanes-1)
	return b * float64(now-n.key)
}

// bestMatch is who of the first one's queue goes to an agent: the first that was
// overtaken M times, else the best match among the first W.
func (c *Core) bestMatch(first *call, a *agent) (*call, string) {
	q := first.queue
	var over *node[*call]
	for k := range a.rivals(q) {
		for n := range k.lanes[0].markedFrom(q.overs) {
			if !n.item.apart(a) {
				if over == nil || n.less(&over.rank) {
					over = n
				}
				break
			}
		}
	}
	if over != nil {
		return over.item, FactorOvertaken
	}
	sight := c.inSight(q, a)
	best, most := first, c.match(first, a)
	for _, n := range sight {
		if k := n.item; k != first && !k.Control {
			if v := c.match(k, a); v > most {
				best, most = k, v
			}
		}
	}
	return best, FactorMatch
}

// match is the value of a call going to an agent, in stars.
func (c *Core) match(k *call, a *agent) float64 {
	mean, _ := c.grades.posterior(a.ID, k.class.category, c.now)
	v := mean + k.queue.lambda*k.standing
	if k.Customer != "" {
		v += c.grades.pair(a.ID, k.Customer, c.now)
	}
	return v
}

// inSight are the first W calls of a queue that an agent could take.
func (c *Core) inSight(q *queue, a *agent) []*node[*call] {
	list := c.sight[:0]
	for k := range a.rivals(q) {
		for n := range k.lanes[0].ascend {
			if n.item.apart(a) {
				continue
			}
			at := len(list)
			for at > 0 && n.less(&list[at-1].rank) {
				at--
			}
			if at == q.Sight {
				break
			}
			if len(list) < q.Sight {
				list = append(list, nil)
			}
			copy(list[at+1:], list[at:])
			list[at] = n
		}
	}
	c.sight = list
	return list
}

// countSkips counts, with Counted, whom an assignment passed over: calls of the
// queue that came before k and that a could take, and agents idle for longer
// who could take k. Calls that name their agents count no agents.
func (c *Core) countSkips(k *call, a *agent) {
	if k.queue.Strategy != Counted {
		return
	}
	from := k.class
	for other := range a.rivals(k.queue) {
		other.lanes[0].raiseBefore(&k.node.rank, 1)
	}
	if from.named != nil {
		return
	}
	n := a.members[0].nodes[c.orderFor(a.pool(), from.order)]
	for i := range from.ready {
		from.ready[i].agents.raiseBefore(&n.rank, 1)
	}
}

// skipsTooOften tells whether giving k to a would pass over an agent who was
// passed over L times.
func (c *Core) skipsTooOften(k *call, a *agent) bool {
	if k.class.named != nil {
		return false
	}
	n := a.members[0].nodes[c.orderFor(a.pool(), k.class.order)]
	for i := range k.class.ready {
		for o := range k.class.ready[i].agents.markedFrom(k.queue.skips) {
			if !o.less(&n.rank) {
				break
			}
			if !k.apart(o.item) {
				return true
			}
		}
	}
	return false
}
