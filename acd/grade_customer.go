package acd

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"
)

// regard is what agents think of a customer: their latest ratings, oldest first.
type regard struct {
	opinions []*opinion
	alarm    incident
}

// rater is an agent who rates customers: how far his stars lie from the prior,
// summed over his ratings in force.
type rater struct {
	agent     AgentID
	residuals float64
	count     float64
}

// opinion is what an agent said of the customer of one contact.
type opinion struct {
	contact  string
	customer string
	at       int64
	stars    float64
	rater    *rater
	edits    int
}

func (o *opinion) compare(p *opinion) int {
	return cmp.Or(cmp.Compare(o.at, p.at), strings.Compare(o.contact, p.contact))
}

// ratedCustomer puts an agent's rating in force, replacing an earlier one of the contact.
func (c *Core) ratedCustomer(ev RatedCustomer) {
	g := &c.grades
	stars, ok := overall(ev.Stars, ev.Items)
	if !ok || ev.Contact == "" || ev.Agent == "" || ev.Customer == "" {
		c.stats.Ignored++
		return
	}
	o := &opinion{contact: ev.Contact, customer: ev.Customer, at: c.given(ev.At), stars: stars}
	if old := g.opinions[ev.Contact]; old != nil {
		if old.rater.agent == ev.Agent && old.customer == ev.Customer {
			o.at, o.edits = min(o.at, old.at), old.edits+1
		}
		g.dropOpinion(old)
		if old.customer != ev.Customer {
			c.standingChanged(old.customer)
		}
	}
	h := g.addOpinion(o, ev.Agent)
	c.suspectAgent(h, o)
	c.standingChanged(ev.Customer)
}

func (c *Core) unratedCustomer(contact string) {
	o := c.grades.opinions[contact]
	if o == nil {
		c.stats.Ignored++
		return
	}
	c.grades.dropOpinion(o)
	c.standingChanged(o.customer)
}

// overall is the stars of an agent's rating; the mean of its items stands for them.
func overall(stars float64, items map[string]float64) (float64, bool) {
	if stars == 0 && len(items) > 0 {
		values := make([]float64, 0, len(items))
		for _, v := range items {
			values = append(values, inScale(v))
		}
		slices.Sort(values) // the sum may not depend on the order of a map
		for _, v := range values {
			stars += v
		}
		stars /= float64(len(values))
	}
	return inScale(stars), stars != 0 && stars == stars
}

func (g *gradebook) addOpinion(o *opinion, by AgentID) *regard {
	a := g.raters[by]
	if a == nil {
		a = &rater{agent: by}
		g.raters[by] = a
	}
	o.rater = a
	a.residuals += o.stars - g.rules.Prior
	a.count++
	h := g.regards[o.customer]
	if h == nil {
		h = &regard{}
		g.regards[o.customer] = h
	}
	h.opinions = insertSorted(h.opinions, o, (*opinion).compare)
	g.opinions[o.contact] = o
	g.queue = append(g.queue, o)
	if len(h.opinions) > raterKeep {
		g.dropOpinion(h.opinions[0])
	}
	for len(g.opinions) > g.keep {
		if old := g.queue[0]; g.opinions[old.contact] == old {
			g.dropOpinion(old)
		}
		g.queue = g.queue[1:]
	}
	if len(g.queue) > 2*len(g.opinions)+raterKeep {
		g.queue = slices.DeleteFunc(g.queue, func(o *opinion) bool { return g.opinions[o.contact] != o })
	}
	return h
}

func (g *gradebook) dropOpinion(o *opinion) {
	delete(g.opinions, o.contact)
	a, h := o.rater, g.regards[o.customer]
	a.residuals -= o.stars - g.rules.Prior
	if a.count--; a.count == 0 {
		delete(g.raters, a.agent)
	}
	if h.opinions = deleteSorted(h.opinions, o, (*opinion).compare); len(h.opinions) == 0 {
		delete(g.regards, o.customer)
	}
}

// weigh gives the corrected stars and the weight at now of a customer's i-th
// rating: as on the callers' side each newer one by the same agent halves it, and
// the agent's leniency is drawn from his ratings of other customers.
func (g *gradebook) weigh(h *regard, i int, now int64) (stars, weight float64) {
	o := h.opinions[i]
	sum, count, newer := o.rater.residuals, o.rater.count, 0
	for j, p := range h.opinions {
		if p.rater != o.rater {
			continue
		}
		sum, count = sum-(p.stars-g.rules.Prior), count-1
		if j > i {
			newer++
		}
	}
	stars = o.stars
	if count > 0 {
		stars -= sum / (g.rules.PriorWeight + count)
	}
	return inScale(stars), math.Exp2(float64(o.at-now)/float64(g.rules.HalfLife) - float64(newer))
}

// customerStars is what agents' ratings of a customer come to, and their weight;
// zeros if nobody rated him.
func (g *gradebook) customerStars(name string, now int64) (stars, weight float64) {
	h := g.regards[name]
	if h == nil {
		return 0, 0
	}
	var t tally
	for i := range h.opinions {
		y, w := g.weigh(h, i, now)
		t.sum, t.weight = t.sum+w*y, t.weight+w
	}
	return g.shrunk(t), t.weight
}

// regarded is the agent's part of a pair's history: the weighted sum of how much
// more stars he gave the customer than all agents together, and the weight.
func (g *gradebook) regarded(h *regard, by AgentID, now int64) (sum, weight float64) {
	a := g.raters[by]
	if a == nil {
		return 0, 0
	}
	for i, o := range h.opinions {
		if o.rater == a {
			mean, _ := g.customerStars(o.customer, now)
			y, w := g.weigh(h, i, now)
			sum, weight = sum+w*(y-mean), weight+w
		}
	}
	return sum, weight
}

// standing is a customer's c in 0..1: base if no agent rated him, else moved by
// his reputation, plus his tier, plus Recovery if he was let down lately.
func (g *gradebook) standing(name string, base, tier float64, now int64) float64 {
	c := standing(base)
	if name != "" {
		if g.regards[name] != nil {
			stars, _ := g.customerStars(name, now)
			c += (stars - g.rules.Prior) / g.rules.Span
		}
		if g.letDown(name, now) {
			c += g.rules.Recovery
		}
	}
	if tier == tier {
		c += tier
	}
	return standing(c)
}

// letDown: the customer's own last rating was 2 stars or less, within a half-life.
func (g *gradebook) letDown(name string, now int64) bool {
	k := g.customers[name]
	if k == nil || g.rules.Recovery == 0 {
		return false
	}
	last := k.ratings[len(k.ratings)-1]
	return last.marks[0].stars <= 2 && time.Duration(now-last.at) <= g.rules.HalfLife
}
