package acd

import (
	"math"
	"slices"
)

// listLength is how many keys of calls and agents a Reason shows.
const listLength = 5

// assign offers calls until no eligible pair is left. The first call by key that
// anybody can take goes first, to the first agent by key who can take it. So a
// single freed agent takes the smallest key among his calls, and a single
// arriving call the smallest key among its agents. Only classes touched since
// the last assignment can hold a pair.
func (c *Core) assign() {
	for len(c.dirty) > 0 {
		var best *node[*call]
		for _, k := range c.dirty {
			if n := k.first(); n != nil && (best == nil || n.less(&best.rank)) {
				best = n
			}
		}
		if best == nil {
			break
		}
		agents := best.item.agentsInSight()
		c.offer(best.item, agents.nodes[0].item, reason(best.item, &agents))
	}
	for _, k := range c.dirty {
		k.dirty = false
	}
	clear(c.dirty)
	c.dirty = c.dirty[:0]
}

// first is the first call of the class that an available agent can take.
func (k *class) first() *node[*call] {
	if len(k.ready) == 0 {
		return nil
	}
	for n := range k.calls.ascend {
		if len(n.item.pairs) == 0 {
			return n
		}
		if agents := n.item.agentsInSight(); agents.n > 0 {
			return n
		}
	}
	return nil
}

// reason explains why k goes to the first of the agents; both are still free.
func reason(k *call, agents *top[*agent]) Reason {
	a := agents.nodes[0].item
	calls := a.callsInSight(k)
	r := Reason{Policy: k.queue.policy, Calls: make([]CallKey, calls.n), Agents: make([]AgentKey, agents.n)}
	for i, n := range calls.nodes[:calls.n] {
		r.Calls[i] = CallKey{Call: n.item.Call, Since: instant(n.since), Key: instant(n.key), Standing: n.item.standing, Head: n.head}
	}
	for i, n := range agents.nodes[:agents.n] {
		r.Agents[i] = AgentKey{Agent: n.item.ID, IdleSince: instant(n.since), Key: instant(n.key), Grade: n.item.grade}
	}
	switch {
	case calls.n == 1 && agents.n == 1:
		r.Factor = FactorOnlyPair
	case calls.n > 1 && k.Head:
		r.Factor = FactorReturned
	case calls.n > 1 && calls.oldest < k.node.since:
		r.Factor = FactorCallStart
	case calls.n > 1:
		r.Factor = FactorOldestCall
	case agents.oldest < a.idleSince:
		r.Factor = FactorAgentStart
	default:
		r.Factor = FactorLongest
	}
	return r
}

// callsInSight are the first calls a could take, with the chosen one.
func (a *agent) callsInSight(chosen *call) top[*call] {
	list := top[*call]{oldest: chosen.node.since}
	for i := range a.profile.links {
		calls := &a.profile.links[i].class.calls
		if calls.root == nil {
			continue
		}
		if a.pairs == 0 {
			list.oldest = min(list.oldest, calls.root.oldest)
		}
		for n := range calls.ascend {
			if a.pairs > 0 && n.item.pairWith(a) != nil {
				continue
			}
			if !list.add(n) {
				break
			}
		}
	}
	return list
}

// agentsInSight are the first available agents who could take k.
func (k *call) agentsInSight() top[*agent] {
	list := top[*agent]{oldest: math.MaxInt64}
	for i := range k.class.ready {
		at := &k.class.ready[i]
		if len(k.pairs) == 0 {
			list.oldest = min(list.oldest, at.oldest)
		}
		if list.n == listLength && at.key > list.nodes[listLength-1].key {
			continue
		}
		for n := range at.agents.ascend {
			if len(k.pairs) > 0 && k.pairWith(n.item) != nil {
				continue
			}
			if !list.add(n) {
				break
			}
		}
	}
	return list
}

// top collects the first few nodes of several trees. Its oldest is the least
// since of all of them; where back-offs hide some, only of those that are kept.
type top[T any] struct {
	nodes  [listLength]*node[T]
	n      int
	oldest int64
}

// add keeps n in order; false if it comes after all that are kept.
func (t *top[T]) add(n *node[T]) bool {
	at, _ := slices.BinarySearchFunc(t.nodes[:t.n], n, func(a, b *node[T]) int { return a.compare(&b.rank) })
	if at == listLength {
		return false
	}
	t.n = min(t.n+1, listLength)
	copy(t.nodes[at+1:t.n], t.nodes[at:])
	t.nodes[at] = n
	t.oldest = min(t.oldest, n.since)
	return true
}
