package acd

import (
	"math"
	"slices"
)

// listLength is how many keys of calls and agents a Reason shows.
const listLength = 5

// maxSamples is among how many idle agents Counted draws; where there are more,
// half of them are those idle longest and half are taken at random.
const maxSamples = 64

// equalStars is how far below the best sample another one counts as equal: with
// fewer agents passed over for nothing, more calls are left for the best match.
const equalStars = 0.1

// agentList is the first agents who could take a call, the chosen one first.
type agentList struct {
	top[*agent]
	factor string              // what decided, if there is more than one
	score  [listLength]float64 // what it was decided by, where keys do not tell
}

// agentsFor lets the strategy of k's queue order the agents who could take it.
func (c *Core) agentsFor(k *call) agentList {
	q := k.queue
	switch {
	case k.Control:
		return agentList{top: k.agentsInSight(), factor: FactorLongest}
	case k.class.order.kind == byOccupancy:
		return c.agentsInBand(k)
	case q.Strategy == Counted:
		return c.agentsSampled(k)
	case q.Strategy == Random:
		return c.agentAtRandom(k)
	case q.Strategy == BySkill && k.class.named == nil:
		return k.agentsByLevel()
	}
	list := agentList{top: k.agentsInSight()}
	list.factor = list.plainFactor(k)
	return list
}

var kindFactors = map[orderKind]string{byRound: FactorRound, byCalls: FactorCalls, byTalk: FactorTalk, byLevel: FactorLevel}

// plainFactor says what put the first before the others: the strategy's measure,
// or where that is equal the idle time.
func (l *agentList) plainFactor(k *call) string {
	first, kind := l.nodes[0], k.class.order.kind
	switch {
	case kind == byIdle && k.passesOver(first):
		return FactorAgentStart
	case kind == byOrder:
		return FactorOrder
	case kindFactors[kind] != "" && l.n > 1 && first.key < l.nodes[1].key:
		return kindFactors[kind]
	}
	return FactorLongest
}

// passesOver tells whether an agent who could take k is idle for longer.
func (k *call) passesOver(n *node[*agent]) bool {
	for i := range k.class.ready {
		if at := &k.class.ready[i]; at.oldest < n.since && at.agents.root.older(n.since, func(a *agent) bool { return !k.apart(a) }) {
			return true
		}
	}
	return false
}

// agentsInSight are the first available agents who could take k.
func (k *call) agentsInSight() top[*agent] {
	var list top[*agent]
	picky := k.picky()
	for i := range k.class.ready {
		at := &k.class.ready[i]
		if list.n == listLength && at.key > list.nodes[listLength-1].key {
			continue
		}
		for n := range at.agents.ascend {
			if picky && k.apart(n.item) {
				continue
			}
			if !list.add(n) {
				break
			}
		}
	}
	return list
}

// agentsInBand: whoever lies below the band of occupancies around the mean goes
// first, the least occupied of them; else the best grade up to the band's upper
// edge; else, above it, again the least occupied.
func (c *Core) agentsInBand(k *call) agentList {
	q := k.queue
	list := agentList{top: k.agentsInSight(), factor: FactorLeastBusy}
	mean, window := c.meanOf(q), k.class.order.window
	edge := c.occupancyKey(mean+q.band, window)
	least := list.nodes[0].key
	if c.occupancyAt(least, window) >= mean-q.band && least <= edge {
		list.byGrade(k, edge)
	}
	for i, n := range list.nodes[:list.n] {
		list.score[i] = c.occupancyAt(n.key, window)
	}
	return list
}

// byGrade takes the best grades among the agents up to a key instead. Of equal
// grades the least occupied is first.
func (l *agentList) byGrade(k *call, edge int64) {
	first := l.nodes[0]
	for i := range k.class.ready {
		k.class.ready[i].agents.root.largest(edge, func(most int64) bool { return most <= first.mark }, func(n *node[*agent]) {
			if n.mark > first.mark && !k.apart(n.item) {
				first = n
			}
		})
	}
	if first == l.nodes[0] {
		if l.n > 1 && l.nodes[1].mark < first.mark {
			l.factor = FactorGrade
		}
		return
	}
	l.factor = FactorGrade
	for i := range k.class.ready {
		for n := range k.class.ready[i].agents.markedFrom(first.mark) {
			if !k.apart(n.item) {
				if n.less(&first.rank) {
					first = n
				}
				break
			}
		}
	}
	l.lead(first)
}

// lead puts a node in front of the others.
func (l *agentList) lead(n *node[*agent]) { l.leadBy(n, 0) }

// leadBy is lead with what was decided by.
func (l *agentList) leadBy(n *node[*agent], score float64) {
	at := slices.Index(l.nodes[:l.n], n)
	if at < 0 {
		l.n = min(l.n+1, listLength)
		at = l.n - 1
	}
	copy(l.nodes[1:at+1], l.nodes[:at])
	copy(l.score[1:at+1], l.score[:at])
	l.nodes[0], l.score[0] = n, score
}

// only is the list for another call that goes to a: a, and who of the list could
// take it as well.
func (c *Core) only(k *call, a *agent, from agentList) agentList {
	list := agentList{factor: from.factor}
	for i, n := range from.nodes[:from.n] {
		if n.item == a || k.fits(n.item) {
			list.nodes[list.n], list.score[list.n] = n, from.score[i]
			list.n++
		}
	}
	return list
}

// agentsSampled: the longest idle of those who were passed over L times, else
// the best sample of grade and pair history; of nearly equal ones the longest idle.
func (c *Core) agentsSampled(k *call) agentList {
	var over *node[*agent]
	for i := range k.class.ready {
		for n := range k.class.ready[i].agents.markedFrom(k.queue.skips) {
			if !k.apart(n.item) {
				if over == nil || n.less(&over.rank) {
					over = n
				}
				break
			}
		}
	}
	if over != nil {
		list := agentList{top: k.agentsInSight(), factor: FactorSkipped}
		if k.queue.skips == 0 {
			list.factor = FactorLongest
		}
		list.lead(over)
		return list
	}
	list, chance := agentList{factor: FactorSample}, c.rnd.Uint64()
	var drawn [maxSamples]float64
	among := c.candidates(k)
	for i, n := range among {
		mean, sd := c.grades.posterior(n.item.ID, k.class.category, c.now)
		drawn[i] = mean + sd*normal(chance^n.prio)
		if k.Customer != "" {
			drawn[i] += c.grades.pair(n.item.ID, k.Customer, c.now)
		}
		list.rank(n, drawn[i])
	}
	least, first := list.score[0]-equalStars, 0
	for i, n := range among {
		if drawn[i] >= least && (drawn[first] < least || n.less(&among[first].rank)) {
			first = i
		}
	}
	list.leadBy(among[first], drawn[first])
	return list
}

// normal turns random bits into a number of the standard normal distribution.
// What an agent draws follows from one draw and himself, not from the order in
// which agents are asked, which a new configuration may change.
func normal(bits uint64) float64 {
	u := float64(mix(bits)>>11)*0x1p-53 + 0x1p-54
	v := float64(mix(bits+1)>>11) * 0x1p-53
	return math.Sqrt(-2*math.Log(u)) * math.Cos(2*math.Pi*v)
}

// rank keeps the highest scores.
func (l *agentList) rank(n *node[*agent], v float64) {
	at := l.n
	for at > 0 && v > l.score[at-1] {
		at--
	}
	if at == listLength {
		return
	}
	l.n = min(l.n+1, listLength)
	copy(l.nodes[at+1:l.n], l.nodes[at:])
	copy(l.score[at+1:l.n], l.score[at:])
	l.nodes[at], l.score[at] = n, v
}

// candidates are the agents among whom to draw for k.
func (c *Core) candidates(k *call) []*node[*agent] {
	list, all := c.drawn[:0], 0
	for i := range k.class.ready {
		all += k.class.ready[i].agents.len()
	}
	if all <= maxSamples {
		for i := range k.class.ready {
			for n := range k.class.ready[i].agents.ascend {
				if !k.apart(n.item) {
					list = append(list, n)
				}
			}
		}
		c.drawn = list
		return list
	}
	list = k.longestIdle(list, maxSamples/2)
	for range maxSamples - len(list) {
		n := k.agentAt(c.rnd.IntN(all))
		if !k.apart(n.item) && !slices.Contains(list, n) {
			list = append(list, n)
		}
	}
	c.drawn = list
	return list
}

// longestIdle collects the first agents for k in the order of its class.
func (k *call) longestIdle(list []*node[*agent], most int) []*node[*agent] {
	for i := range k.class.ready {
		at := &k.class.ready[i]
		if len(list) == most && at.key > list[most-1].key {
			continue
		}
		for n := range at.agents.ascend {
			if k.apart(n.item) {
				continue
			}
			pos := len(list)
			for pos > 0 && n.less(&list[pos-1].rank) {
				pos--
			}
			if pos == most {
				break
			}
			if len(list) < most {
				list = append(list, nil)
			}
			copy(list[pos+1:], list[pos:])
			list[pos] = n
		}
	}
	return list
}

// agentAt is the agent at a position of all ready for k.
func (k *call) agentAt(pos int) *node[*agent] {
	for i := range k.class.ready {
		agents := k.class.ready[i].agents
		if pos < agents.len() {
			return agents.at(pos)
		}
		pos -= agents.len()
	}
	return nil
}

// agentAtRandom: each agent who could take k is as likely as any other.
func (c *Core) agentAtRandom(k *call) agentList {
	list, all := agentList{top: k.agentsInSight(), factor: FactorRandom}, 0
	for i := range k.class.ready {
		all += k.class.ready[i].agents.len()
	}
	for all > maxSamples { // so many that few of them can be apart from the call, mostly
		if n := k.agentAt(c.rnd.IntN(all)); !k.apart(n.item) {
			list.lead(n)
			return list
		}
		if c.rnd.IntN(maxSamples) == 0 {
			break
		}
	}
	var best *node[*agent]
	least, chance := uint64(math.MaxUint64), c.rnd.Uint64()
	for i := range k.class.ready {
		for n := range k.class.ready[i].agents.ascend {
			if draw := mix(chance ^ n.prio); !k.apart(n.item) && draw <= least {
				best, least = n, draw
			}
		}
	}
	list.lead(best)
	return list
}

// agentsByLevel: the highest sum of levels of the skills needed, then the
// longest idle.
func (k *call) agentsByLevel() agentList {
	list := agentList{factor: FactorLongest}
	picky := k.picky()
	for i := range k.class.ready {
		at := &k.class.ready[i]
		level := float64(at.level)
		for n := range at.agents.ascend {
			if picky && k.apart(n.item) {
				continue
			}
			pos := list.n
			for pos > 0 && (level > list.score[pos-1] || level == list.score[pos-1] && n.less(&list.nodes[pos-1].rank)) {
				pos--
			}
			if pos == listLength {
				break
			}
			list.n = min(list.n+1, listLength)
			copy(list.nodes[pos+1:list.n], list.nodes[pos:])
			copy(list.score[pos+1:list.n], list.score[pos:])
			list.nodes[pos], list.score[pos] = n, level
		}
	}
	if list.n > 1 && list.score[0] > list.score[1] {
		list.factor = FactorLevel
	}
	return list
}
