package acd

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// minSweep is the least number of classes at which empty ones are cleared away.
const minSweep = 1024

// class is all waiting calls that the same agents may take: same queue, needs
// and language.
type class struct {
	key      string
	queue    *queue
	language string
	needs    map[string]int // the queue's and the calls' own
	calls    tree[*call]
	ready    []place // profiles that fit and have an available agent
	dirty    bool
}

// place is a profile in the ready list of a class. It repeats what a choice among
// thousands of profiles compares, so that the choice is one walk over a slice.
type place struct {
	key     int64 // of the first agent, in the order of the class's queue
	oldest  int64 // least IdleSince
	agents  *tree[*agent]
	profile *profile
	link    int // index of the profile's link back
}

// profile is all agents who may take the same calls: same queues, skills and
// languages. For each different G among the queues it keeps its available agents in order.
type profile struct {
	queues    []*queue
	skills    map[string]int
	languages []string
	orders    []order
	links     []link // to all classes that fit
}

// order is the available agents of a profile by their keys under one G.
type order struct {
	g      time.Duration
	agents tree[*agent]
	first  int64 // key of the first agent, if there is one
}

// link leads from a profile to a class that fits.
type link struct {
	class *class
	order int // which of the profile's orders has the queue's G
	pos   int // in the class's ready list, from 1; 0 not in
}

// serves tells whether agents of p may take calls of k. Level 0 of a skill is
// the same as not having it.
func (p *profile) serves(k *class) bool {
	if !slices.Contains(p.queues, k.queue) {
		return false
	}
	for skill, least := range k.needs {
		if p.skills[skill] < least {
			return false
		}
	}
	return k.language == "" || len(p.languages) == 0 || slices.Contains(p.languages, k.language)
}

func (p *profile) available() bool { return p.orders[0].agents.len() > 0 }

// newProfile has no agents yet; no queue comes twice.
func newProfile(queues []*queue, a Agent) *profile {
	p := &profile{queues: queues, skills: a.Skills, languages: a.Languages}
	for _, q := range queues {
		if !slices.ContainsFunc(p.orders, func(o order) bool { return o.g == q.G }) {
			p.orders = append(p.orders, order{g: q.G})
		}
	}
	if p.orders == nil {
		p.orders = []order{{}}
	}
	return p
}

// list makes an agent available under his present grade.
func (c *Core) list(a *agent) {
	p := a.profile
	a.listed = true
	a.grade = c.grades.grade(a.ID, "", c.now)
	first := !p.available()
	for i := range p.orders {
		n := &a.nodes[i]
		n.item, n.id, n.prio, n.since = a, string(a.ID), a.prio, a.idleSince
		n.key = a.idleSince - headStart(p.orders[i].g, a.grade)
		p.orders[i].agents.insert(n)
	}
	for i := range p.links {
		if first {
			p.attach(i)
		}
		if k := p.links[i].class; k.calls.len() > 0 {
			c.mark(k)
		}
	}
	p.publish()
	for _, q := range p.queues {
		q.ready++
	}
}

// unlist takes an agent out of the available ones.
func (c *Core) unlist(a *agent) {
	p := a.profile
	a.listed = false
	for i := range p.orders {
		p.orders[i].agents.remove(&a.nodes[i])
	}
	if !p.available() {
		for i := range p.links {
			p.links[i].detach()
		}
	}
	p.publish()
	for _, q := range p.queues {
		q.ready--
	}
}

// attach puts the profile into the ready list of the class of one of its links.
func (p *profile) attach(i int) {
	l := &p.links[i]
	l.class.ready = append(l.class.ready, place{agents: &p.orders[l.order].agents, profile: p, link: i})
	l.pos = len(l.class.ready)
}

// publish brings the profile's places up to date.
func (p *profile) publish() {
	if !p.available() {
		return
	}
	for i := range p.orders {
		p.orders[i].first = p.orders[i].agents.first().key
	}
	for i := range p.links {
		l := &p.links[i]
		at := &l.class.ready[l.pos-1]
		at.key, at.oldest = p.orders[l.order].first, at.agents.root.oldest
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

// gradeChanged lists an available agent by his new grade.
func (c *Core) gradeChanged(id AgentID) { c.relist(c.agents[id]) }

// relist gives an available agent the key of his present grade.
func (c *Core) relist(a *agent) {
	if a != nil && a.listed {
		c.unlist(a)
		c.list(a)
	}
}

// mark remembers that a class may hold a new pair.
func (c *Core) mark(k *class) {
	if !k.dirty {
		k.dirty = true
		c.dirty = append(c.dirty, k)
	}
}

// classOf finds or makes the class of a call.
func (c *Core) classOf(k *call) *class {
	key := classKey(k.queue.ID, k.Language, k.Needs)
	if found := c.classes[key]; found != nil {
		return found
	}
	if len(c.classes) >= c.sweepAt {
		c.sweep()
	}
	made := &class{key: key, queue: k.queue, language: k.Language, needs: k.queue.Needs}
	if len(k.Needs) > 0 {
		made.needs = maps.Clone(k.Needs)
		for skill, least := range k.queue.Needs {
			made.needs[skill] = max(made.needs[skill], least)
		}
	}
	c.classes[key] = made
	k.queue.classes = append(k.queue.classes, made)
	for _, p := range c.profiles {
		c.link(p, made)
	}
	return made
}

// link connects a profile with a class if they fit.
func (c *Core) link(p *profile, k *class) {
	if !p.serves(k) {
		return
	}
	l := link{class: k, order: slices.IndexFunc(p.orders, func(o order) bool { return o.g == k.queue.G })}
	p.links = append(p.links, l)
	if p.available() {
		p.attach(len(p.links) - 1)
		p.publish()
	}
}

// sweep clears empty classes away, so that callers with ever new needs cost no memory.
func (c *Core) sweep() {
	for key, k := range c.classes {
		if k.calls.len() == 0 {
			delete(c.classes, key)
		}
	}
	for _, q := range c.lines {
		q.classes = slices.DeleteFunc(q.classes, func(k *class) bool { return k.calls.len() == 0 })
	}
	for _, p := range c.profiles {
		p.links = slices.DeleteFunc(p.links, func(l link) bool { return l.class.calls.len() == 0 })
		for i, l := range p.links {
			if l.pos > 0 {
				l.class.ready[l.pos-1].link = i
			}
		}
	}
	c.sweepAt = max(minSweep, 2*len(c.classes))
}

// classKey is equal for calls of the same class.
func classKey(q QueueID, language string, needs map[string]int) string {
	var b strings.Builder
	b.WriteString(strconv.Quote(string(q)))
	b.WriteString(strconv.Quote(language))
	writeLevels(&b, needs)
	return b.String()
}

func writeLevels(b *strings.Builder, levels map[string]int) {
	for _, skill := range slices.Sorted(maps.Keys(levels)) {
		b.WriteString(strconv.Quote(skill))
		b.WriteString(strconv.Itoa(levels[skill]))
	}
}
