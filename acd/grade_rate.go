package acd

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"
)

// score is what callers gave an agent.
type score struct {
	agent   AgentID
	tallies []tally   // by category; they hold the final ratings too
	ratings []*rating // that can be changed, oldest first
	finals  int       // ratings that cannot
	moved   bool      // in touched
	alarmed int64     // hour of the last alarm of a burst
}

// customer is a rater: his latest ratings, oldest first.
type customer struct {
	name    string
	ratings []*rating
	alarm   incident
}

// rating is what one caller said about one contact.
//
// Its weight in the score is weight * share * taper: by age; halved for each
// newer rating of this agent by the same customer, so that all of them together
// weigh at most two; and by its place among the agent's ratings of that clock
// hour: the first Burst in full, then half, a quarter and so on.
type rating struct {
	contact  string
	at       int64
	marks    []mark // the overall one first
	score    *score
	customer *customer // nil anonymous
	weight   float64
	share    float64
	taper    float64
	leniency float64 // of the customer, as his ratings of other agents show it
	used     tally   // weight and leniency that the sums hold: sum is the leniency
	edits    int
}

// older orders ratings by time, then contact.
func (r *rating) compare(o *rating) int {
	return cmp.Or(cmp.Compare(r.at, o.at), strings.Compare(r.contact, o.contact))
}

// rated puts a caller's rating in force, replacing an earlier one of the contact.
func (c *Core) rated(ev Rated) {
	g := &c.grades
	marks, ok := g.marks(ev.Stars, ev.Items)
	if !ok || ev.Contact == "" || ev.Agent == "" {
		c.stats.Ignored++
		return
	}
	r := &rating{contact: ev.Contact, at: c.given(ev.At), marks: marks, share: 1}
	if old := g.contacts[ev.Contact]; old != nil {
		if old.score.agent == ev.Agent && old.by(ev.Customer) {
			r.at, r.edits = min(r.at, old.at), old.edits+1
		}
		g.remove(old)
	}
	if float64(c.now-g.epoch) > epochMost*float64(g.rules.HalfLife) {
		g.reweigh(g.rules, c.now)
	}
	r.weight = g.weightAt(r.at)
	g.insert(r, ev.Agent, ev.Customer)
	c.suspect(r)
	c.callersChanged(ev.Customer)
}

func (c *Core) unrated(contact string) {
	r := c.grades.contacts[contact]
	if r == nil {
		c.stats.Ignored++
		return
	}
	c.grades.remove(r)
	if r.customer != nil {
		c.callersChanged(r.customer.name)
	} else {
		c.callersChanged("")
	}
}

// given is when a rating was given, at the latest now.
func (c *Core) given(at time.Time) int64 {
	if t := stamp(at); !at.IsZero() && t < c.now {
		return t
	}
	return c.now
}

func (r *rating) by(name string) bool {
	return r.customer == nil && name == "" || r.customer != nil && r.customer.name == name
}

// callersChanged tells the assignment whose grades moved, and that a customer's
// own last rating may be another one (GradeRules.Recovery).
func (c *Core) callersChanged(customer string) {
	g := &c.grades
	for _, s := range g.touched {
		s.moved = false
		c.gradeChanged(s.agent)
	}
	clear(g.touched)
	g.touched = g.touched[:0]
	if customer != "" && g.rules.Recovery > 0 {
		c.standingChanged(customer)
	}
}

// insert puts a rating in force.
func (g *gradebook) insert(r *rating, agent AgentID, name string) {
	s := g.scores[agent]
	if s == nil {
		s = &score{agent: agent, alarmed: math.MinInt64}
		g.scores[agent] = s
	}
	r.score = s
	s.ratings = insertSorted(s.ratings, r, (*rating).compare)
	g.contacts[r.contact] = r
	g.order = append(g.order, r)
	g.taper(s, r.at)
	if name == "" {
		g.settle(r)
	} else {
		k := g.customers[name]
		if k == nil {
			k = &customer{name: name}
			g.customers[name] = k
		}
		r.customer = k
		k.ratings = insertSorted(k.ratings, r, (*rating).compare)
		g.judge(k)
		if len(k.ratings) > raterKeep {
			g.remove(k.ratings[0])
		}
	}
	g.trim()
}

// remove takes a rating out of force, as if it had never been given.
func (g *gradebook) remove(r *rating) {
	g.book(r, -1)
	r.used = tally{}
	g.detach(r)
	g.taper(r.score, r.at)
	if r.customer != nil {
		g.judge(r.customer)
	}
	g.touch(r.score)
}

// detach takes a rating out of all lists; the sums are the caller's.
func (g *gradebook) detach(r *rating) {
	delete(g.contacts, r.contact)
	s, k := r.score, r.customer
	s.ratings = deleteSorted(s.ratings, r, (*rating).compare)
	if len(s.ratings) == 0 && s.finals == 0 {
		delete(g.scores, s.agent)
	}
	if k != nil {
		if k.ratings = deleteSorted(k.ratings, r, (*rating).compare); len(k.ratings) == 0 {
			delete(g.customers, k.name)
		}
	}
}

// judge takes a customer's leniency anew and weighs his ratings by it. What he
// thinks of one agent is not leniency, so it is drawn from his ratings of the
// others: how far they lie from the prior, shrunk by PriorWeight ratings of 0.
func (g *gradebook) judge(k *customer) {
	var all tally
	for _, r := range k.ratings {
		all.sum += r.marks[0].stars - g.rules.Prior
		all.weight++
	}
	for i, r := range k.ratings {
		others, newer := all, 0
		for j, o := range k.ratings {
			if o.score != r.score {
				continue
			}
			others.sum -= o.marks[0].stars - g.rules.Prior
			others.weight--
			if j > i {
				newer++
			}
		}
		r.leniency = 0
		if others.weight > 0 {
			r.leniency = others.sum / (g.rules.PriorWeight + others.weight)
		}
		r.share = math.Exp2(-float64(newer))
		g.settle(r)
	}
}

// taper weighs the ratings of an agent's clock hour by their places.
func (g *gradebook) taper(s *score, at int64) {
	hour := at - at%int64(time.Hour)
	first, _ := slices.BinarySearchFunc(s.ratings, hour, func(r *rating, t int64) int { return cmp.Compare(r.at, t) })
	for i, r := range s.ratings[first:] {
		if r.at >= hour+int64(time.Hour) {
			return
		}
		was := r.taper
		r.taper = taper(i, g.rules.Burst)
		g.settle(r)
		if was == 0 && r.taper == 0 {
			return // so are all that follow
		}
	}
}

// taper is the weight of the rating at place i, from 0, of an hour. All together
// are less than burst+1.
func taper(i, burst int) float64 {
	switch {
	case i < burst:
		return 1
	case i < burst+20:
		return math.Exp2(float64(burst - i - 1))
	}
	return 0
}

// settle brings what the sums hold of a rating up to date.
func (g *gradebook) settle(r *rating) {
	now := tally{r.leniency, r.weight * r.share * r.taper}
	if now == r.used {
		return
	}
	g.book(r, -1)
	r.used = now
	g.book(r, 1)
	g.touch(r.score)
}

// book adds what a rating counts to the sums, or takes it out (sign -1).
func (g *gradebook) book(r *rating, sign float64) {
	s := r.score
	for _, m := range r.marks {
		if m.category >= len(s.tallies) {
			s.tallies = append(s.tallies, make([]tally, m.category+1-len(s.tallies))...)
		}
		t := &s.tallies[m.category]
		t.sum += sign * r.used.weight * inScale(m.stars-r.used.sum)
		t.weight += sign * r.used.weight
	}
}

func (g *gradebook) touch(s *score) {
	if !s.moved {
		s.moved = true
		g.touched = append(g.touched, s)
	}
}

// trim makes the oldest ratings final: they keep their weight, but can no longer
// be changed. So memory stays bounded.
func (g *gradebook) trim() {
	for len(g.contacts) > g.keep {
		if r := g.order[0]; g.contacts[r.contact] == r {
			r.score.finals++
			g.detach(r)
		}
		g.order = g.order[1:]
	}
	if len(g.order) > 2*len(g.contacts)+raterKeep {
		g.order = slices.DeleteFunc(g.order, func(r *rating) bool { return g.contacts[r.contact] != r })
	}
}

func insertSorted[T any](list []T, item T, compare func(a, b T) int) []T {
	at, _ := slices.BinarySearchFunc(list, item, compare)
	return slices.Insert(list, at, item)
}

func deleteSorted[T any](list []T, item T, compare func(a, b T) int) []T {
	at, ok := slices.BinarySearchFunc(list, item, compare)
	if !ok {
		return list
	}
	return slices.Delete(list, at, at+1)
}
