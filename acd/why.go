package acd

import (
	"slices"
	"time"
)

// reason explains an assignment that is about to be made.
func (c *Core) reason(p *pick) Reason {
	k, a := p.call, p.agents.nodes[0].item
	calls := c.callsInSight(k, a)
	r := Reason{Policy: k.queue.policy, Control: k.Control, Calls: make([]CallKey, calls.n), Agents: make([]AgentKey, p.agents.n)}
	for i, n := range calls.nodes[:calls.n] {
		r.Calls[i] = c.callKey(n, a)
	}
	for i := range r.Agents {
		r.Agents[i] = c.agentKey(p, i)
	}
	r.Factor = p.factor(&calls, c.overtakes(k, a))
	return r
}

// factor is what decided: the choice among calls if there was one, else that
// among agents.
func (p *pick) factor(calls *top[*call], overtakes bool) string {
	k := p.call
	switch {
	case k.held:
		return FactorHeld
	case calls.n == 1 && p.agents.n == 1:
		return FactorOnlyPair
	case calls.n == 1:
		return p.agents.factor
	case k.front:
		return FactorFront
	case k.Head:
		return FactorReturned
	case p.why != "":
		return p.why
	case !overtakes:
		return FactorOldestCall
	}
	mine := k.node.key + int64(k.early())
	for _, n := range calls.nodes[1:calls.n] {
		if n.key+int64(n.item.early()) < mine { // without priorities it would have gone first
			return FactorPriority
		}
	}
	return FactorCallStart
}

func (c *Core) callKey(n *node[*call], a *agent) CallKey {
	k := n.item
	key := CallKey{Call: k.Call, Since: instant(n.since), Key: instant(n.key), Standing: k.standing, Head: n.head}
	switch k.queue.Strategy {
	case Accumulating:
		key.Priority = k.queue.priority(n, c.now) / float64(time.Second)
	case Counted:
		key.Overtaken, key.Match = int(n.mark), c.match(k, a)
	}
	return key
}

func (c *Core) agentKey(p *pick, i int) AgentKey {
	n, q, score := p.agents.nodes[i], p.call.queue, p.agents.score[i]
	a := n.item
	key := AgentKey{Agent: a.ID, IdleSince: instant(n.since), Key: instant(n.since)}
	class := p.call.class
	if class.order.kind != byIdle {
		key.Grade = c.grades.grade(a.ID, class.category, c.now)
	}
	switch class.order.kind {
	case byIdle:
		key.Key, key.Grade = instant(n.key), n.share
		if q.Strategy == BySkill {
			key.Measure = score
		}
	case bySkips:
		key.Skipped, key.Sample = int(n.mark), score
	case byOccupancy:
		key.Occupancy = score
	case byRound:
		if a.lastOffer > 0 {
			key.Measure = time.Duration(c.now - a.lastOffer).Seconds()
		}
	case byCalls, byOrder:
		key.Measure = float64(n.key)
	case byTalk:
		key.Measure = time.Duration(n.key).Seconds()
	case byLevel:
		key.Measure = float64(-n.key)
	}
	return key
}

// callsInSight are the first calls that a could take, the chosen one in front.
// Where the strategy compares more than keys, only those of the same queue.
func (c *Core) callsInSight(chosen *call, a *agent) top[*call] {
	var list top[*call]
	for k := range a.rivals(chosen.queue) {
		for i := range k.lanes {
			if chosen.queue.Strategy == Accumulating {
				c.addByPriority(&list, &k.lanes[i], a)
			} else {
				addCalls(&list, &k.lanes[i], a)
			}
		}
	}
	at := slices.Index(list.nodes[:list.n], &chosen.node)
	if at < 0 {
		list.n = min(list.n+1, listLength)
		at = list.n - 1
	}
	copy(list.nodes[1:at+1], list.nodes[:at])
	list.nodes[0] = &chosen.node
	return list
}

// rivals are the classes whose calls a could take instead of one of this queue:
// where the strategy compares more than keys, those of the same queue.
func (a *agent) rivals(q *queue) func(func(*class) bool) {
	alone := q.Strategy == Accumulating || q.Strategy == Counted
	return func(yield func(*class) bool) {
		for _, m := range a.members {
			for i := range m.profile.links {
				k := m.profile.links[i].class
				if k.waiting > 0 && (!alone || k.queue == q) && a.holds(k.seat) && !yield(k) {
					return
				}
			}
		}
	}
}

// overtakes tells whether a call that a could take came before k.
func (c *Core) overtakes(k *call, a *agent) bool {
	for class := range a.rivals(k.queue) {
		for i := range class.lanes {
			if class.lanes[i].root.older(k.node.since, func(o *call) bool { return !o.apart(a) }) {
				return true
			}
		}
	}
	return false
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

// addCalls adds the first calls of a lane that a could take.
func addCalls(list *top[*call], lane *tree[*call], a *agent) {
	if lane.head == nil || list.n == listLength && !lane.head.less(&list.nodes[listLength-1].rank) {
		return
	}
	for n := range lane.ascend {
		if n.item.apart(a) {
			continue
		}
		if !list.add(n) {
			break
		}
	}
}

// addByPriority is addCalls for the order of what calls have accumulated.
func (c *Core) addByPriority(list *top[*call], lane *tree[*call], a *agent) {
	if lane.head == nil {
		return
	}
	q := lane.head.item.queue
	before := func(x, y *node[*call]) bool {
		px, py := q.priority(x, c.now), q.priority(y, c.now)
		return px > py || px == py && x.less(&y.rank)
	}
	if list.n == listLength && !before(lane.head, list.nodes[listLength-1]) {
		return
	}
	for n := range lane.ascend {
		if n.item.apart(a) {
			continue
		}
		at := list.n
		for at > 0 && before(n, list.nodes[at-1]) {
			at--
		}
		if at == listLength {
			break
		}
		list.n = min(list.n+1, listLength)
		copy(list.nodes[at+1:list.n], list.nodes[at:])
		list.nodes[at] = n
	}
}
