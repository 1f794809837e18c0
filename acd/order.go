package acd

import (
	"math"
	"slices"
	"time"
)

// orderKind is by what available agents are compared.
type orderKind uint8

const (
	byIdle      orderKind = iota // IdleSince less the head start of the grade
	bySkips                      // IdleSince; marks count how often they were passed over
	byOccupancy                  // share of time in work; marks are grades
	byRound                      // last offer
	byCalls                      // calls since log-in
	byTalk                       // time in talk since log-in
	byOrder                      // Agent.Order
	byLevel                      // skill level, of named agents only: those of a profile are equal
)

// orderKey tells orders apart.
type orderKey struct {
	kind     orderKind
	g        time.Duration // byIdle
	window   int           // byOccupancy: index in Core.windows
	category string        // byIdle, byOccupancy
	seat                   // what is carried
}

// seat is what a call takes of an agent: the zero one all of him.
type seat struct {
	channel string
	weight  int
}

// orderOf is the order by which calls of a class choose their agents.
func (k *class) orderOf() orderKey {
	q, key := k.queue, orderKey{seat: k.seat}
	switch {
	case q.Strategy == Counted:
		key.kind = bySkips
	case k.control:
	case q.Strategy == HeadStart && q.G > 0:
		key.g, key.category = q.G, k.category
	case q.Strategy == Accumulating && q.band > 0:
		key.kind, key.window, key.category = byOccupancy, q.window, k.category
	case q.Strategy == RoundRobin:
		key.kind = byRound
	case q.Strategy == FewestCalls:
		key.kind = byCalls
	case q.Strategy == LeastTalk:
		key.kind = byTalk
	case q.Strategy == InOrder:
		key.kind = byOrder
	case q.Strategy == BySkill && k.named != nil:
		key.kind = byLevel
	}
	return key
}

// order is the available agents of a profile in one order.
type order struct {
	orderKey
	agents tree[*agent]
	first  int64 // key of the first agent, if there is one
}

// member is an agent's place in a profile: that of all agents like him, or one
// made for calls that name him.
type member struct {
	agent   *agent
	profile *profile
	nodes   []*node[*agent] // one for each order of the profile
}

// place sets what an agent is ordered by.
func (c *Core) place(m *member, i int) {
	a, o, n := m.agent, &m.profile.orders[i].orderKey, m.nodes[i]
	n.since, n.key, n.tie = a.idleSince, a.idleSince, 0
	switch o.kind {
	case bySkips:
		n.mark = 0
		if a.skippedAt == a.idleSince && m.profile.of == nil && o.seat == (seat{}) {
			n.mark = a.skipped
		}
	case byIdle:
		n.share = c.grades.grade(a.ID, o.category, a.listedAt)
		n.key = a.idleSince - headStart(o.g, n.share)
	case byOccupancy:
		a.work.runTo(c.now, c.windows)
		stars, _ := c.grades.posterior(a.ID, o.category, a.listedAt)
		n.mark = int64(math.Round(stars * 1e6))
		n.key = c.occupancyKey(a.work.share[o.window], o.window)
		n.tie = a.idleSince
	case byRound:
		n.key, n.tie = a.lastOffer, a.idleSince
	case byCalls:
		n.key, n.tie = int64(a.served), a.idleSince
	case byTalk:
		n.key, n.tie = a.talked, a.idleSince
	case byOrder:
		n.key = int64(a.Order)
	case byLevel:
		n.key, n.tie = -levels(a.Skills, m.profile.of.needs), a.idleSince
	}
}

// list makes an agent available in all orders, under his present grade.
func (c *Core) list(a *agent) {
	a.listed, a.listedAt = a.open(), c.now
	for _, m := range a.members {
		for i := range m.profile.orders {
			if a.holds(m.profile.orders[i].seat) {
				c.place(m, i)
				m.profile.orders[i].agents.insert(m.nodes[i])
			}
		}
		c.publish(m.profile)
		for i := range m.profile.links {
			l := &m.profile.links[i]
			if l.pos == 0 || l.class.calls == 0 {
				continue
			}
			l.class.queue.more = true
			if l.class.waiting > 0 {
				c.mark(l.class)
			}
		}
	}
	if a.listed.voice {
		for _, q := range a.pool().queues {
			q.ready++
		}
	}
}

// unlist takes an agent out of all orders.
func (c *Core) unlist(a *agent) {
	if a.listed.voice {
		for _, q := range a.pool().queues {
			q.ready--
		}
	}
	a.listed = openness{}
	for _, m := range a.members {
		for i, n := range m.nodes {
			if n.in {
				m.profile.orders[i].agents.remove(n)
				if o := m.profile.orders[i]; o.kind == bySkips && o.seat == (seat{}) && m.profile.of == nil {
					a.skipped, a.skippedAt = n.mark, n.since
				}
			}
		}
		c.publish(m.profile)
	}
}

// publish brings the profile's places in its classes up to date.
func (c *Core) publish(p *profile) {
	for _, o := range p.orders {
		if n := o.agents.head; n != nil {
			o.first = n.key
		}
	}
	for i := range p.links {
		l := &p.links[i]
		o := p.orders[l.order]
		switch {
		case o.agents.root == nil && l.pos > 0:
			l.detach()
		case o.agents.root != nil:
			if l.pos == 0 {
				l.class.ready = append(l.class.ready, place{agents: &o.agents, profile: p, link: i, level: levels(p.skills, l.class.needs)})
				l.pos = len(l.class.ready)
			}
			at := &l.class.ready[l.pos-1]
			at.key, at.oldest = o.first, o.agents.root.oldest
		}
	}
}

// detach takes the profile out of the class's ready list.
func (l *link) detach() {
	k, last := l.class, len(l.class.ready)-1
	moved := k.ready[last]
	k.ready[l.pos-1] = moved
	moved.profile.links[moved.link].pos = l.pos
	k.ready[last] = place{}
	k.ready = k.ready[:last]
	l.pos = 0
}

// orderFor finds or makes an order of the profile.
func (c *Core) orderFor(p *profile, key orderKey) int {
	if i := slices.IndexFunc(p.orders, func(o *order) bool { return o.orderKey == key }); i >= 0 {
		return i
	}
	p.orders = append(p.orders, &order{orderKey: key})
	i := len(p.orders) - 1
	for _, m := range p.members {
		a := m.agent
		n := &node[*agent]{item: a, prio: a.prio}
		n.id = string(a.ID)
		m.nodes = append(m.nodes, n)
		if a.listed != (openness{}) && a.holds(key.seat) {
			c.place(m, i)
			p.orders[i].agents.insert(n)
		}
	}
	return i
}

// gradeChanged lists an available agent by his new grade.
func (c *Core) gradeChanged(id AgentID) {
	if a := c.agents[id]; a != nil && a.listed != (openness{}) {
		c.unlist(a)
		c.list(a)
	}
}
