package acd

import (
	"math"
	"slices"
	"time"
)

// Constants of the smoothed grade.
const (
	halfLife     = 90 * 24 * time.Hour // of a rating's weight
	priorStars   = 4.0                 // mu: the grade of an agent nobody rated
	priorWeight  = 6.0                 // m: how many ratings the prior is worth
	gradeSpan    = 1.2                 // stars between g = 0 and g = 1
	leastStars   = 1.0
	mostStars    = 5.0
	customerKeep = 32      // a customer's latest ratings that stay editable
	contactKeep  = 1 << 20 // all ratings that stay editable
)

// gradeEpoch makes weights comparable without touching old ones: a rating given
// at t weighs 2^((t-epoch)/halfLife) here, and sums are scaled down when read.
var gradeEpoch = stamp(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC))

// gradebook holds the evaluations in force.
type gradebook struct {
	scores    map[AgentID]*score
	customers map[string]*customer
	contacts  map[string]*rating
	order     []*rating // of contacts, oldest entry first; some may be replaced
}

// score is the weighted sum of an agent's ratings.
type score struct {
	agent       AgentID
	sum, weight float64
}

// customer is a rater with his leniency: the shrunk mean of how much more stars
// he gave than his agents' grades before him.
type customer struct {
	residuals float64 // sum over all his ratings in force
	count     float64 // of them
	leniency  float64
	ratings   []*rating // editable ones, oldest first
}

// rating is one contact's stars.
type rating struct {
	contact   string
	score     *score
	customer  *customer // nil anonymous
	name      string    // of the customer
	stars     float64
	residual  float64 // stars minus the agent's grade before this rating
	weight    float64
	corrected float64 // stars minus leniency, within 1..5: what the sum holds
}

func newGradebook() gradebook {
	return gradebook{
		scores:    make(map[AgentID]*score),
		customers: make(map[string]*customer),
		contacts:  make(map[string]*rating),
	}
}

// weightAt is the weight of a rating given at t, and 1/weightAt(now) scales sums down.
func weightAt(t int64) float64 { return math.Exp2(float64(t-gradeEpoch) / float64(halfLife)) }

// stars is an agent's smoothed grade and the weight of the ratings behind it.
func (g *gradebook) stars(id AgentID, now int64) (stars, weight float64) {
	s := g.scores[id]
	if s == nil {
		return priorStars, 0
	}
	scale := 1 / weightAt(now)
	weight = max(s.weight*scale, 0)
	return (priorWeight*priorStars + s.sum*scale) / (priorWeight + weight), weight
}

// grade is g in 0..1: half a point for an agent of the prior's stars.
func (g *gradebook) grade(id AgentID, _ string, now int64) float64 {
	stars, _ := g.stars(id, now)
	return min(max(0.5+(stars-priorStars)/gradeSpan, 0), 1)
}

// rated puts one rating in force, replacing an earlier one of the contact.
func (c *Core) rated(ev Rated) {
	if ev.Contact == "" || ev.Agent == "" || ev.Stars != ev.Stars {
		c.stats.Ignored++
		return
	}
	g := &c.grades
	if old := g.contacts[ev.Contact]; old != nil {
		c.takeBack(old)
	}
	at := c.now
	if t := stamp(ev.At); !ev.At.IsZero() && t < at {
		at = t
	}
	before, _ := g.stars(ev.Agent, c.now)
	s := g.scores[ev.Agent]
	if s == nil {
		s = &score{agent: ev.Agent}
		g.scores[ev.Agent] = s
	}
	r := &rating{contact: ev.Contact, score: s, name: ev.Customer, weight: weightAt(at)}
	r.stars = min(max(ev.Stars, leastStars), mostStars)
	r.residual, r.corrected = r.stars-before, r.stars
	s.sum += r.weight * r.corrected
	s.weight += r.weight
	g.contacts[r.contact] = r
	g.order = append(g.order, r)
	if ev.Customer != "" {
		r.customer = g.customer(ev.Customer)
		r.customer.ratings = append(r.customer.ratings, r)
		r.customer.add(r, 1)
		c.judge(r.customer)
	}
	c.gradeChanged(s.agent)
	g.trim(r.customer)
}

func (c *Core) unrated(contact string) {
	r := c.grades.contacts[contact]
	if r == nil {
		c.stats.Ignored++
		return
	}
	c.takeBack(r)
}

// takeBack removes a rating as if it had never been given.
func (c *Core) takeBack(r *rating) {
	r.score.sum -= r.weight * r.corrected
	r.score.weight -= r.weight
	if r.customer != nil {
		r.customer.add(r, -1)
	}
	c.grades.forget(r)
	if r.customer != nil {
		c.judge(r.customer)
	}
	c.gradeChanged(r.score.agent)
}

func (g *gradebook) customer(name string) *customer {
	k := g.customers[name]
	if k == nil {
		k = &customer{}
		g.customers[name] = k
	}
	return k
}

// add counts a rating's residual in or (sign -1) out.
func (k *customer) add(r *rating, sign float64) {
	k.residuals += sign * r.residual
	k.count += sign
}

// judge takes a customer's leniency anew and corrects his ratings by it.
func (c *Core) judge(k *customer) {
	k.leniency = k.residuals / (priorWeight + k.count)
	for _, r := range k.ratings {
		corrected := min(max(r.stars-k.leniency, leastStars), mostStars)
		if corrected == r.corrected {
			continue
		}
		r.score.sum += r.weight * (corrected - r.corrected)
		r.corrected = corrected
		c.gradeChanged(r.score.agent)
	}
}

// trim lets the oldest ratings become final: they keep their weight, but can no
// longer be replaced. So memory stays bounded.
func (g *gradebook) trim(k *customer) {
	if k != nil && len(k.ratings) > customerKeep {
		g.forget(k.ratings[0])
	}
	for len(g.contacts) > contactKeep {
		if r := g.order[0]; g.contacts[r.contact] == r {
			g.forget(r)
		}
		g.order = g.order[1:]
	}
	if len(g.order) > 2*len(g.contacts)+customerKeep {
		g.order = slices.DeleteFunc(g.order, func(r *rating) bool { return g.contacts[r.contact] != r })
	}
}

// forget makes a rating final or gone; its sums are the caller's.
func (g *gradebook) forget(r *rating) {
	delete(g.contacts, r.contact)
	if k := r.customer; k != nil {
		k.ratings = slices.DeleteFunc(k.ratings, func(o *rating) bool { return o == r })
		if len(k.ratings) == 0 {
			delete(g.customers, r.name)
		}
	}
}
