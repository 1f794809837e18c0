package acd

import "slices"

// ringMore rings further phones for calls of RingAll queues that ring already,
// the first by key first. Calls without a phone have had their turn before.
func (c *Core) ringMore() {
	for _, q := range c.lines {
		if !q.more || q.Strategy != RingAll {
			continue
		}
		q.more = false
		for k := c.ringsToo(q); k != nil; k = c.ringsToo(q) {
			p := pick{call: k, agents: agentList{top: k.agentsInSight()}}
			p.agents.n = 1 // the keys of the others are in the reason of the first phone
			r := c.reason(&p)
			r.Factor = FactorTogether
			c.offer(k, p.agents.nodes[0].item, r)
			q.more = false
		}
	}
}

// ringsToo is the first call of a queue that rings, on fewer phones than it may,
// and that another available agent could take.
func (c *Core) ringsToo(q *queue) *call {
	if !slices.ContainsFunc(q.classes, func(k *class) bool { return k.calls > k.waiting && len(k.ready) > 0 }) {
		return nil
	}
	for n := range q.offered.ascend {
		if k := n.item; k.seat == (seat{}) && len(k.offers) < q.RingMost && k.class != nil && k.anyAgent() {
			return k
		}
	}
	return nil
}
