package acd

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// minSweep is the least number of classes at which empty ones are cleared away.
const minSweep = 1024

// lanes is how many levels of standing Accumulating tells apart: 0, 1/15, ... 1.
const lanes = 16

// class is all waiting calls that the same agents may take.
type class struct {
	key      string
	queue    *queue
	also     []*queue // whose agents may take them too
	language string
	category string
	control  bool
	held     bool // for their First agents
	seat     seat
	needs    map[string]int // the queue's and the calls' own, relaxed
	order    orderKey       // by which agents are chosen
	named    *profile       // the agents named by the calls; nil all who serve the queue
	names    []AgentID      // in Only, and while held in First
	lanes    []tree[*call]  // one, or with Accumulating one for each level of standing
	waiting  int
	calls    int     // that wait, or ring and come back here
	ready    []place // profiles that fit and have an available agent
	dirty    bool
}

// place is a profile in the ready list of a class. It repeats what a choice among
// thousands of profiles compares, so that the choice is one walk over a slice.
type place struct {
	key     int64 // of the first agent, in the order of the class
	oldest  int64 // least IdleSince
	level   int64 // sum of the levels of the skills needed
	agents  *tree[*agent]
	profile *profile
	link    int // index of the profile's link back
}

// profile is all agents who may take the same calls: same queues, skills and
// languages; or those whom the calls of one class name.
type profile struct {
	queues    []*queue
	skills    map[string]int
	languages []string
	of        *class // that names them; nil: whoever is like this
	members   []*member
	orders    []*order
	links     []link // to all classes that fit
}

// link leads from a profile to a class that fits.
type link struct {
	class *class
	order int // which of the profile's orders the class uses
	pos   int // in the class's ready list, from 1; 0 not in
}

// serves tells whether agents of p may take calls of k.
func (p *profile) serves(k *class) bool {
	if k.named != nil {
		return p == k.named
	}
	if p.of != nil || !slices.Contains(p.queues, k.queue) && !slices.ContainsFunc(k.also, func(q *queue) bool { return slices.Contains(p.queues, q) }) {
		return false
	}
	return able(p.skills, p.languages, k.needs, k.language)
}

// able tells whether skills and languages are enough. Level 0 of a skill is the
// same as not having it.
func able(skills map[string]int, languages []string, needs map[string]int, language string) bool {
	for skill, least := range needs {
		if skills[skill] < least {
			return false
		}
	}
	return language == "" || len(languages) == 0 || slices.Contains(languages, language)
}

// levels is the sum of the levels that an agent has of the skills needed.
func levels(skills, needs map[string]int) (sum int64) {
	for skill := range needs {
		sum += int64(skills[skill])
	}
	return sum
}

// lane is where a call of this standing waits.
func (k *class) lane(standing float64) *tree[*call] {
	if len(k.lanes) == 1 {
		return &k.lanes[0]
	}
	return &k.lanes[laneOf(standing)]
}

func laneOf(standing float64) int { return int(standing*(lanes-1) + 0.5) }

// mark remembers that a class may hold a new pair.
func (c *Core) mark(k *class) {
	if !k.dirty {
		k.dirty = true
		c.dirty = append(c.dirty, k)
	}
}

// classOf finds or makes the class of a call.
func (c *Core) classOf(k *call) *class {
	key := k.classKey()
	if found := c.classes[key]; found != nil {
		return found
	}
	if len(c.classes) >= c.sweepAt {
		c.sweep()
	}
	made := &class{
		key: key, queue: k.queue, language: k.Language, category: c.category(k.Category), control: k.Control, seat: k.seat,
		needs: k.needs(), held: k.held, lanes: make([]tree[*call], 1),
	}
	if k.queue.Strategy == Accumulating {
		made.lanes = make([]tree[*call], lanes)
	}
	for _, id := range k.Also {
		if q := c.queues[id]; q != nil && q != k.queue {
			made.also = append(made.also, q)
		}
	}
	c.classes[key] = made
	k.queue.classes = append(k.queue.classes, made)
	if k.held || len(k.Only) > 0 {
		c.nameAgents(made, k)
		return made
	}
	made.order = made.orderOf()
	for _, p := range c.profiles {
		c.link(p, made)
	}
	return made
}

// link connects a profile with a class if they fit.
func (c *Core) link(p *profile, k *class) {
	if p.serves(k) {
		p.links = append(p.links, link{class: k, order: c.orderFor(p, k.order)})
		c.publish(p)
	}
}

// maxCategories is how many categories of grades are told apart; calls of
// further ones go by the overall grade.
const maxCategories = 16

// category is a call's category as orders know it.
func (c *Core) category(name string) string {
	if name == "" || slices.Contains(c.categories, name) {
		return name
	}
	if len(c.categories) == maxCategories {
		return ""
	}
	c.categories = append(c.categories, name)
	return name
}

// sweep clears empty classes away, so that callers with ever new needs cost no memory.
func (c *Core) sweep() {
	for key, k := range c.classes {
		if k.calls == 0 {
			delete(c.classes, key)
			c.unname(k)
		}
	}
	for _, q := range c.lines {
		q.classes = slices.DeleteFunc(q.classes, func(k *class) bool { return k.calls == 0 })
	}
	for _, p := range c.profiles {
		p.links = slices.DeleteFunc(p.links, func(l link) bool { return l.class.calls == 0 })
		for i, l := range p.links {
			if l.pos > 0 {
				l.class.ready[l.pos-1].link = i
			}
		}
	}
	c.sweepAt = max(minSweep, 2*len(c.classes))
}

// classKey is equal for calls of the same class.
func (k *call) classKey() string {
	var b strings.Builder
	b.WriteString(strconv.Quote(string(k.queue.ID)))
	b.WriteString(strconv.Quote(k.Language))
	writeLevels(&b, k.Needs)
	if k.relaxed > 0 {
		b.WriteString("relaxed")
		b.WriteString(strconv.Itoa(k.relaxed))
	}
	if k.Category != "" {
		b.WriteString("for")
		b.WriteString(strconv.Quote(k.Category))
	}
	if k.Control {
		b.WriteString("control")
	}
	if k.seat != (seat{}) {
		b.WriteString("by")
		b.WriteString(strconv.Quote(k.seat.channel))
		b.WriteString(strconv.Itoa(k.seat.weight))
	}
	writeNames(&b, "also", k.Also)
	writeNames(&b, "only", k.Only)
	if k.held {
		writeNames(&b, "first", k.First)
	}
	return b.String()
}

func writeLevels(b *strings.Builder, levels map[string]int) {
	for _, skill := range slices.Sorted(maps.Keys(levels)) {
		b.WriteString(strconv.Quote(skill))
		b.WriteString(strconv.Itoa(levels[skill]))
	}
}

func writeNames[T ~string](b *strings.Builder, what string, names []T) {
	if len(names) == 0 {
		return
	}
	b.WriteString(what)
	for _, name := range names {
		b.WriteString(strconv.Quote(string(name)))
	}
}
