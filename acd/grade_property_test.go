package acd

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// records are the evaluations in force as a store would keep them.
type records struct {
	callers map[string]Rated
	agents  map[string]RatedCustomer
}

func (r records) keep(ev Event) {
	switch ev := ev.(type) {
	case Rated:
		if old, ok := r.callers[ev.Contact]; ok && old.Agent == ev.Agent && old.Customer == ev.Customer && old.At.Before(ev.At) {
			ev.At = old.At
		}
		r.callers[ev.Contact] = ev
	case RatedCustomer:
		if old, ok := r.agents[ev.Contact]; ok && old.Agent == ev.Agent && old.Customer == ev.Customer && old.At.Before(ev.At) {
			ev.At = old.At
		}
		r.agents[ev.Contact] = ev
	case Unrated:
		delete(r.callers, ev.Contact)
	case UnratedCustomer:
		delete(r.agents, ev.Contact)
	}
}

var (
	ratedAgents    = []AgentID{"ann", "bob", "cid"}
	ratedCustomers = []string{"u0", "u1", "u2", "u3", ""}
	ratedItems     = []string{"attitude", "knowledge", "time"}
)

// drawRating is a random evaluation at now or before, or one taken back.
func drawRating(t *rapid.T, now time.Time) Event {
	contact := fmt.Sprint("x", rapid.IntRange(0, 29).Draw(t, "contact"))
	agent := rapid.SampledFrom(ratedAgents).Draw(t, "agent")
	customer := rapid.SampledFrom(ratedCustomers).Draw(t, "customer")
	at := now.Add(-time.Duration(rapid.IntRange(0, 1).Draw(t, "backdated")*rapid.IntRange(0, 200).Draw(t, "hours")) * time.Hour / 2)
	stars := rapid.Float64Range(1, 5).Draw(t, "stars")
	items := map[string]float64{}
	for _, name := range ratedItems {
		if rapid.Bool().Draw(t, "rated") {
			items[name] = float64(rapid.IntRange(1, 5).Draw(t, "item"))
		}
	}
	switch rapid.IntRange(0, 9).Draw(t, "kind") {
	case 0:
		return Unrated{contact}
	case 1:
		return UnratedCustomer{contact}
	case 2, 3, 4:
		if customer == "" {
			customer = "u0"
		}
		return RatedCustomer{Agent: agent, Customer: customer, Contact: contact, Stars: stars, At: at}
	}
	return Rated{Agent: agent, Customer: customer, Contact: contact, Stars: stars, Items: items, At: at}
}

// sameGrades compares all that two gradebooks tell.
func sameGrades(a, b *Core, now time.Time) error {
	a.Step(now, Tick{})
	b.Step(now, Tick{})
	close := func(x, y float64) bool { return math.Abs(x-y) < 1e-9 }
	ga, gb := a.Grades(now), b.Grades(now)
	if len(ga) != len(gb) {
		return fmt.Errorf("%d grades, want %d", len(ga), len(gb))
	}
	for i, x := range ga {
		if y := gb[i]; x.Agent != y.Agent || x.Category != y.Category || !close(x.Stars, y.Stars) || !close(x.SD, y.SD) || !close(x.Weight, y.Weight) {
			return fmt.Errorf("grade %+v, want %+v", x, y)
		}
	}
	for _, name := range ratedCustomers {
		if x, y := a.grades.standing(name, 0.5, 0, a.now), b.grades.standing(name, 0.5, 0, b.now); !close(x, y) {
			return fmt.Errorf("standing of %q %v, want %v", name, x, y)
		}
		for _, agent := range ratedAgents {
			if x, y := a.grades.pair(agent, name, a.now), b.grades.pair(agent, name, b.now); !close(x, y) {
				return fmt.Errorf("pair %s %q %v, want %v", agent, name, x, y)
			}
		}
	}
	return nil
}

// TestGradesAreAFunctionOfTheRecords: whatever was given, changed, taken back and
// configured in between, the grades are those of a new book that got the records
// in another order, and those that the formula gives from the plain records.
func TestGradesAreAFunctionOfTheRecords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, now := New(Config{}), t0
		kept := records{map[string]Rated{}, map[string]RatedCustomer{}}
		rules := GradeRules{}
		for range rapid.IntRange(1, 120).Draw(t, "events") {
			now = now.Add(time.Duration(rapid.SampledFrom([]int{0, 1, 60, 6000}).Draw(t, "minutes")) * time.Minute)
			if rapid.IntRange(0, 19).Draw(t, "configure") == 0 {
				rules = GradeRules{
					HalfLife: time.Duration(rapid.IntRange(0, 3).Draw(t, "half-life")) * 20 * dayLong, Prior: float64(rapid.IntRange(0, 5).Draw(t, "prior")),
					PriorWeight: float64(rapid.IntRange(0, 9).Draw(t, "m")), Recovery: 0.1, Burst: rapid.IntRange(0, 4).Draw(t, "burst"),
				}
				c.Step(now, Configure{Grades: rules})
			}
			ev := drawRating(t, now)
			kept.keep(ev)
			c.Step(now, ev)
		}
		var evs []Event
		for _, id := range slices.Sorted(maps.Keys(kept.callers)) {
			evs = append(evs, kept.callers[id])
		}
		for _, id := range slices.Sorted(maps.Keys(kept.agents)) {
			evs = append(evs, kept.agents[id])
		}
		again := New(Config{})
		again.Step(now, Configure{Grades: rules})
		for _, ev := range rapid.Permutation(evs).Draw(t, "order") {
			again.Step(now, ev)
		}
		if err := sameGrades(c, again, now); err != nil {
			t.Fatalf("grown against rebuilt: %v", err)
		}
		for _, agent := range ratedAgents {
			for _, category := range append(ratedItems, "") {
				got, _ := c.grades.posterior(agent, category, c.now)
				if want := plainGrade(kept, rules.InForce(), agent, category, now); math.Abs(got-want) > 1e-9 {
					t.Fatalf("%s in %q has %v, the formula gives %v", agent, category, got, want)
				}
			}
		}
		c.Step(now, ResetGrades{})
		for _, ev := range evs {
			c.Step(now, ev)
		}
		if err := sameGrades(c, again, now); err != nil {
			t.Fatalf("rebuilt in place: %v", err)
		}
	})
}

// plainGrade is the formula of the package doc, from the records.
func plainGrade(kept records, rules GradeRules, agent AgentID, category string, now time.Time) float64 {
	before := func(a, b Rated) bool { return a.At.Before(b.At) || a.At.Equal(b.At) && a.Contact < b.Contact }
	sum, weight := rules.PriorWeight*rules.Prior, rules.PriorWeight
	for _, r := range kept.callers {
		y, ok := r.Items[category]
		if category == "" {
			y, ok = r.Stars, true
		}
		if r.Agent != agent || !ok {
			continue
		}
		w := math.Exp2(-float64(now.Sub(r.At)) / float64(rules.HalfLife))
		place, residuals, others := 0, 0.0, 0.0
		for _, o := range kept.callers {
			if o.Agent == agent && o.At.Truncate(time.Hour).Equal(r.At.Truncate(time.Hour)) && before(o, r) {
				place++
			}
			if o.Customer != r.Customer || r.Customer == "" {
				continue
			}
			if o.Agent == agent && before(r, o) {
				w /= 2
			}
			if o.Agent != agent {
				residuals, others = residuals+o.Stars-rules.Prior, others+1
			}
		}
		if place >= rules.Burst {
			w /= math.Exp2(float64(place - rules.Burst + 1))
		}
		b := residuals / (rules.PriorWeight + others)
		sum, weight = sum+w*min(max(y-b, 1), 5), weight+w
	}
	return sum / weight
}

// TestFinalRatingsKeepTheirWeight: beyond the limit of ratings that can be
// changed the oldest stay in the grade, also when the rules change.
func TestFinalRatingsKeepTheirWeight(t *testing.T) {
	c, all := New(Config{}), New(Config{})
	c.grades.keep = 5
	for i := range 40 {
		at := t0.Add(time.Duration(i) * dayLong)
		for _, core := range []*Core{c, all} {
			rate(core, at, "ann", fmt.Sprint("x", i), fmt.Sprint("u", i), float64(1+i%5))
			core.Step(at, RatedCustomer{Agent: "ann", Customer: fmt.Sprint("u", i), Contact: fmt.Sprint("x", i), Stars: 3})
		}
	}
	if got, want := stars(c, "ann"), stars(all, "ann"); !near(got, want) {
		t.Errorf("with five that can be changed %v stars, with all %v", got, want)
	}
	if got := []int{len(c.grades.contacts), len(c.grades.customers), len(c.grades.opinions), len(c.grades.regards)}; fmt.Sprint(got) != "[5 5 5 5]" {
		t.Errorf("%v contacts, customers, opinions, regards are kept, want 5 of each", got)
	}
	before, weight := c.grades.stars("ann", c.now)
	c.Step(instant(c.now), Configure{Grades: GradeRules{HalfLife: 91 * dayLong}})
	if after, w := c.grades.stars("ann", c.now); math.Abs(after-before) > 0.001 || math.Abs(w-weight) > 0.01 {
		t.Errorf("a half-life of 91 days makes %v of weight %v, was %v of %v", after, w, before, weight)
	}
	c.Step(instant(c.now), Unrated{"x39"})
	c.Step(instant(c.now), Unrated{"x0"})
	if got := c.Stats().Ignored; got != 1 {
		t.Errorf("%d events ignored, want 1: x0 is final", got)
	}
}
