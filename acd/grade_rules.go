package acd

import (
	"maps"
	"math"
	"slices"
	"time"
)

// AgentGrade is an agent's smoothed grade in a category; "" is overall.
type AgentGrade struct {
	Agent    AgentID `json:"agent"`
	Category string  `json:"category,omitempty"`
	Stars    float64 `json:"stars"`
	SD       float64 `json:"sd"`     // how unsure it is, in stars
	Weight   float64 `json:"weight"` // of the ratings behind it
}

// Grades lists what callers' ratings of agents come to, by agent and category,
// the overall grade first. Agents of the configuration whom nobody rated have
// that of the prior.
func (c *Core) Grades(now time.Time) []AgentGrade {
	g, at := &c.grades, stamp(now)
	ids := slices.Collect(maps.Keys(g.scores))
	for _, a := range c.roster {
		ids = append(ids, a.ID)
	}
	slices.Sort(ids)
	names := slices.Sorted(slices.Values(g.names))
	var list []AgentGrade
	for _, id := range slices.Compact(ids) {
		for _, name := range names {
			t := g.tally(id, name, at)
			if name != "" && t.weight < 1e-9 {
				continue
			}
			mean, sd := g.posterior(id, name, at)
			list = append(list, AgentGrade{Agent: id, Category: name, Stars: mean, SD: sd, Weight: t.weight})
		}
	}
	return list
}

// Reputation is what agents' ratings of a customer come to; zeros if nobody did.
func (c *Core) Reputation(customer string, now time.Time) (stars, weight float64) {
	return c.grades.customerStars(customer, stamp(now))
}

// resetGrades forgets all evaluations; the rules stay.
func (c *Core) resetGrades() {
	known := slices.Collect(maps.Keys(c.grades.regards))
	if c.grades.rules.Recovery > 0 {
		known = slices.AppendSeq(known, maps.Keys(c.grades.customers))
	}
	slices.Sort(known)
	rules := c.grades.rules
	c.grades = newGradebook()
	c.grades.rules = rules
	for _, a := range c.roster {
		c.gradeChanged(a.ID)
	}
	for _, name := range slices.Compact(known) {
		c.standingChanged(name)
	}
}

// gradeRules puts rules in force, before configure lists agents and calls anew.
func (c *Core) gradeRules(rules GradeRules) {
	if rules = rules.InForce(); rules != c.grades.rules {
		c.grades.reweigh(rules, c.now)
		c.callersChanged("")
	}
}

// reweigh books all ratings that can be changed under other rules and with now as
// epoch; final ratings keep what they are worth at this moment.
func (g *gradebook) reweigh(rules GradeRules, now int64) {
	scale := 1 / g.weightAt(now)
	g.rules, g.epoch, g.scale = rules, now, 0
	for _, id := range slices.Sorted(maps.Keys(g.scores)) {
		s := g.scores[id]
		for _, r := range s.ratings {
			g.book(r, -1)
			r.used, r.weight = tally{}, g.weightAt(r.at)
		}
		for i := range s.tallies {
			s.tallies[i] = s.tallies[i].finals(s.finals, scale)
		}
		for i, r := range s.ratings {
			if i == 0 || r.at/int64(time.Hour) != s.ratings[i-1].at/int64(time.Hour) {
				g.taper(s, r.at)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(g.customers)) {
		g.judge(g.customers[name])
	}
	for _, a := range g.raters {
		a.residuals = 0
	}
	for _, name := range slices.Sorted(maps.Keys(g.regards)) {
		for _, o := range g.regards[name].opinions {
			o.rater.residuals += o.stars - g.rules.Prior
		}
	}
}

// finals is a tally of n final ratings in weights of another epoch.
func (t tally) finals(n int, scale float64) tally {
	if n == 0 {
		return tally{} // what is left is rounding
	}
	return tally{t.sum * scale, t.weight * scale}
}

// Estimate is what the ratings in force say about GradeRules.
type Estimate struct {
	Prior       float64 `json:"prior"`        // mean over all ratings, leniency corrected
	PriorWeight float64 `json:"prior_weight"` // m = within / between
	Sigma       float64 `json:"sigma"`        // standard deviation within an agent's ratings
	Between     float64 `json:"between"`      // standard deviation of agents' true grades
	Agents      int     `json:"agents"`       // with at least two ratings
	Ratings     int     `json:"ratings"`      // of them
}

// Least evidence of an Estimate.
const (
	estimateAgents  = 5
	estimateRatings = 100
)

// Estimate is the empirical Bayes estimate of prior, its weight and sigma: a
// one-way analysis of variance over the callers' overall stars that can still be
// changed. ok is false with fewer than 5 agents or 100 ratings. The owner asks
// once a month and tells a person; who agrees puts the result into the GradeRules
// of the next Configure, so that the journal has it and a replay decides alike.
// PriorWeight is held within 1..100: agents who do not differ must not make it
// infinite. It looks at all ratings: 1 ms for each 10,000 or so.
func (c *Core) Estimate() (e Estimate, ok bool) {
	var sum, squares, total float64 // over agents: of n*mean, n*n and n
	var within, between float64
	type group struct{ n, mean float64 }
	var groups []group
	for _, id := range slices.Sorted(maps.Keys(c.grades.scores)) {
		s := c.grades.scores[id]
		n := float64(len(s.ratings))
		if n < 2 {
			continue
		}
		mean := 0.0
		for _, r := range s.ratings {
			mean += inScale(r.marks[0].stars-r.leniency) / n
		}
		for _, r := range s.ratings {
			d := inScale(r.marks[0].stars-r.leniency) - mean
			within += d * d
		}
		groups = append(groups, group{n, mean})
		sum, squares, total = sum+n*mean, squares+n*n, total+n
	}
	e.Agents, e.Ratings = len(groups), int(total)
	if e.Agents < estimateAgents || e.Ratings < estimateRatings {
		return e, false
	}
	k := float64(len(groups))
	e.Prior = sum / total
	for _, o := range groups {
		between += o.n * (o.mean - e.Prior) * (o.mean - e.Prior)
	}
	within /= total - k
	size := (total - squares/total) / (k - 1)
	spread := max((between/(k-1)-within)/size, 0)
	e.Sigma, e.Between = math.Sqrt(within), math.Sqrt(spread)
	e.PriorWeight = min(max(within/max(spread, 1e-9), 1), 100)
	return e, true
}
