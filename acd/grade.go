package acd

import (
	"math"
	"slices"
	"time"
)

// Defaults of GradeRules.
const (
	defaultHalfLife    = 90 * 24 * time.Hour
	defaultPrior       = 4.0
	defaultPriorWeight = 6.0
	defaultSpan        = 1.2
	defaultSigma       = 0.9
	defaultBurst       = 10
)

// Limits of the gradebook.
const (
	leastHalfLife = 24 * time.Hour
	epochMost     = 300 // half-lives, before weights grow beyond what a float holds
	leastStars    = 1.0
	mostStars     = 5.0
	raterKeep     = 32      // latest ratings by one customer, and of one customer, that count
	contactKeep   = 1 << 20 // ratings of each side that can still be changed
	mostBurst     = 1000
	categoryKeep  = 16 // beside the overall grade; later names are left out
	categoryBytes = 64 // longest name of a category
	pairWeight    = 3  // how many ratings "nothing special" is worth in a pair's history
)

// gradebook holds the evaluations in force: the callers' of agents (scores) and
// the agents' of customers (regards). Each side is a function of its records, in
// whatever order they came, but for what was forgotten by the limits above.
type gradebook struct {
	rules GradeRules // defaults filled in
	keep  int        // ratings of each side that can still be changed
	// epoch makes weights comparable without touching old ones: a rating given at
	// t weighs 2^((t-epoch)/halfLife) here, and sums are scaled down when read.
	epoch int64
	// scaledAt is when scale, 1/weightAt, was taken last: one Step reads many grades.
	scaledAt int64
	scale    float64

	names []string // of categories by number; 0 is "", the overall grade
	index map[string]int

	scores    map[AgentID]*score
	customers map[string]*customer // as raters
	contacts  map[string]*rating
	order     []*rating // of contacts, oldest entry first; some may be gone
	touched   []*score  // whose grade moved since hooks were called

	regards  map[string]*regard // customers as those who are rated
	raters   map[AgentID]*rater
	opinions map[string]*opinion
	queue    []*opinion // of opinions, likewise
}

// tally is a weighted sum of stars.
type tally struct{ sum, weight float64 }

// mark is the stars in one category.
type mark struct {
	category int
	stars    float64
}

func newGradebook() gradebook {
	return gradebook{
		rules:     GradeRules{}.InForce(),
		keep:      contactKeep,
		names:     []string{""},
		index:     map[string]int{"": 0},
		scores:    make(map[AgentID]*score),
		customers: make(map[string]*customer),
		contacts:  make(map[string]*rating),
		regards:   make(map[string]*regard),
		raters:    make(map[AgentID]*rater),
		opinions:  make(map[string]*opinion),
	}
}

// InForce are the rules that grades are made by: with defaults in place of what is
// zero or out of range.
func (r GradeRules) InForce() GradeRules {
	within := func(v *float64, least, most, otherwise float64) {
		if !(*v >= least && *v <= most) {
			*v = otherwise
		}
	}
	if r.HalfLife < leastHalfLife {
		r.HalfLife = defaultHalfLife
	}
	within(&r.Prior, leastStars, mostStars, defaultPrior)
	within(&r.PriorWeight, 0.1, 1000, defaultPriorWeight)
	within(&r.Span, 0.1, 10, defaultSpan)
	within(&r.Sigma, 0.01, 4, defaultSigma)
	within(&r.Recovery, 0, 1, 0)
	if r.Burst < 1 || r.Burst > mostBurst {
		r.Burst = defaultBurst
	}
	return r
}

// weightAt is the weight of a rating given at t, and 1/weightAt(now) scales sums down.
func (g *gradebook) weightAt(t int64) float64 {
	return math.Exp2(float64(t-g.epoch) / float64(g.rules.HalfLife))
}

// scaleAt brings sums to their value at now.
func (g *gradebook) scaleAt(now int64) float64 {
	if g.scale == 0 || g.scaledAt != now {
		g.scaledAt, g.scale = now, 1/g.weightAt(now)
	}
	return g.scale
}

// category is the number of a category, 0 for one that nobody was rated in by
// name; make gives a new name a number while there is room.
func (g *gradebook) category(name string, make bool) (n int, ok bool) {
	if n, ok = g.index[name]; ok || !make || len(g.names) > categoryKeep || len(name) > categoryBytes {
		return n, ok
	}
	n = len(g.names)
	g.names = append(g.names, name)
	g.index[name] = n
	return n, true
}

// marks are what a rating says, overall first and then by name; false if it says
// nothing. Without overall stars the mean of the items stands for them.
func (g *gradebook) marks(stars float64, items map[string]float64) ([]mark, bool) {
	list := make([]mark, 1, 1+min(len(items), categoryKeep))
	sum, n := 0.0, 0.0
	names := make([]string, 0, len(items))
	for name, v := range items {
		if name != "" && v == v {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		v := inScale(items[name])
		sum, n = sum+v, n+1
		if at, ok := g.category(name, true); ok {
			list = append(list, mark{at, v})
		}
	}
	if stars == 0 && n > 0 {
		stars = sum / n
	}
	if stars == 0 || stars != stars {
		return nil, false
	}
	list[0].stars = inScale(stars)
	return list, true
}

func inScale(stars float64) float64 { return min(max(stars, leastStars), mostStars) }

// tally is what an agent's ratings in a category come to at now.
func (g *gradebook) tally(id AgentID, category string, now int64) tally {
	s := g.scores[id]
	n, ok := g.category(category, false)
	if s == nil || !ok || n >= len(s.tallies) {
		return tally{}
	}
	scale := g.scaleAt(now)
	return tally{s.tallies[n].sum * scale, max(s.tallies[n].weight*scale, 0)}
}

// shrunk is the mean of a tally and of the prior.
func (g *gradebook) shrunk(t tally) float64 {
	return (g.rules.PriorWeight*g.rules.Prior + t.sum) / (g.rules.PriorWeight + t.weight)
}

// stars is an agent's smoothed overall grade and the weight of the ratings behind it.
func (g *gradebook) stars(id AgentID, now int64) (stars, weight float64) {
	t := g.tally(id, "", now)
	return g.shrunk(t), t.weight
}

// posterior is what is believed of an agent in a category: mean and standard
// deviation in stars.
func (g *gradebook) posterior(id AgentID, category string, now int64) (mean, sd float64) {
	t := g.tally(id, category, now)
	return g.shrunk(t), g.rules.Sigma / math.Sqrt(g.rules.PriorWeight+t.weight)
}

// grade is g in 0..1: half a point for an agent of the prior's stars.
func (g *gradebook) grade(id AgentID, category string, now int64) float64 {
	return min(max(0.5+(g.shrunk(g.tally(id, category, now))-g.rules.Prior)/g.rules.Span, 0), 1)
}

// pair is how much more stars customer and agent have for each other than for
// and from others: the history of both sides, shrunk towards 0.
func (g *gradebook) pair(id AgentID, name string, now int64) float64 {
	if name == "" {
		return 0
	}
	var sum, weight float64
	if k := g.customers[name]; k != nil {
		scale := g.scaleAt(now)
		mean, _ := g.stars(id, now)
		for _, r := range k.ratings {
			if r.score.agent == id {
				w := r.weight * r.share * scale
				sum, weight = sum+w*(inScale(r.marks[0].stars-r.leniency)-mean), weight+w
			}
		}
	}
	if h := g.regards[name]; h != nil {
		s, w := g.regarded(h, id, now)
		sum, weight = sum+s, weight+w
	}
	return sum / (pairWeight + weight)
}
