package acd

import "slices"

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
		k := best.item
		a := k.class.agentFor(k).item
		c.offer(k, a, c.reason(k, a))
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
		if len(n.item.pairs) == 0 || k.agentFor(n.item) != nil {
			return n
		}
	}
	return nil
}

// agentFor is the first available agent for a call of the class.
func (k *class) agentFor(call *call) *node[*agent] {
	var best *node[*agent]
	for _, r := range k.ready {
		for n := range r.agents().ascend {
			if best != nil && best.less(&n.rank) {
				break
			}
			if call.pairWith(n.item) == nil {
				best = n
				break
			}
		}
	}
	return best
}

// agents are those of the place's profile, in the order of the class's queue.
func (r place) agents() *tree[*agent] {
	p := r.profile
	return &p.orders[p.links[r.link].order].agents
}

// reason explains the choice of k and a, both still free.
func (c *Core) reason(k *call, a *agent) Reason {
	calls, older := a.callsInSight(k)
	agents, longer := k.agentsInSight(a)
	r := Reason{Policy: k.queue.policy, Calls: calls, Agents: agents}
	switch {
	case len(calls) == 1 && len(agents) == 1:
		r.Factor = FactorOnlyPair
	case len(calls) > 1 && k.Head:
		r.Factor = FactorReturned
	case len(calls) > 1 && older:
		r.Factor = FactorCallStart
	case len(calls) > 1:
		r.Factor = FactorOldestCall
	case longer:
		r.Factor = FactorAgentStart
	default:
		r.Factor = FactorLongest
	}
	return r
}

// callsInSight are the first calls a could take, and whether one that he could
// take is older than the chosen one. Where back-offs hide some calls from him,
// the second answer looks at the first calls only.
func (a *agent) callsInSight(chosen *call) (keys []CallKey, older bool) {
	var list top[*call]
	for i := range a.profile.links {
		calls := &a.profile.links[i].class.calls
		if calls.root == nil {
			continue
		}
		older = older || a.pairs == 0 && calls.root.oldest < chosen.node.since
		for n := range calls.ascend {
			if a.pairs > 0 && n.item.pairWith(a) != nil {
				continue
			}
			if !list.add(n) {
				break
			}
		}
	}
	keys = make([]CallKey, list.n)
	for i, n := range list.nodes[:list.n] {
		older = older || n.since < chosen.node.since
		keys[i] = CallKey{n.item.Call, instant(n.since), instant(n.key), n.item.standing, n.head}
	}
	return keys, older
}

// agentsInSight are the first agents who could take k, and whether one of them
// is idle longer than the chosen one; the same limit holds.
func (k *call) agentsInSight(chosen *agent) (keys []AgentKey, longer bool) {
	var list top[*agent]
	for _, r := range k.class.ready {
		agents := r.agents()
		longer = longer || len(k.pairs) == 0 && agents.root.oldest < chosen.idleSince
		for n := range agents.ascend {
			if k.pairWith(n.item) != nil {
				continue
			}
			if !list.add(n) {
				break
			}
		}
	}
	keys = make([]AgentKey, list.n)
	for i, n := range list.nodes[:list.n] {
		longer = longer || n.since < chosen.idleSince
		keys[i] = AgentKey{n.item.ID, instant(n.since), instant(n.key), n.item.grade}
	}
	return keys, longer
}

// top collects the first few nodes of several trees.
type top[T any] struct {
	nodes [listLength]*node[T]
	n     int
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
	return true
}
