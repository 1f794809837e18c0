package acd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// class of agents whose true grades are spread evenly over 3.4..4.6, rated by 30 %
// of their contacts, 20 contacts a day, with a standard deviation of 0.9.
type school struct {
	core *Core
	rnd  *rand.Rand
	true map[AgentID]float64
	now  time.Time
	n    int
}

func newSchool(seed uint64, agents int) *school {
	s := &school{core: New(Config{}), rnd: rand.New(rand.NewPCG(seed, 3)), true: map[AgentID]float64{}, now: t0}
	for i := range agents {
		s.true[AgentID(fmt.Sprintf("a%02d", i))] = 3.4 + 1.2*float64(i)/float64(agents-1)
	}
	return s
}

// contact is one contact of an agent, half an hour long; each customer has his
// own leniency of sd 0.3.
func (s *school) contact(id AgentID) {
	s.n++
	customer := s.rnd.IntN(5000)
	if s.rnd.Float64() > 0.3 {
		return
	}
	lenient := 0.3 * rand.New(rand.NewPCG(uint64(customer), 9)).NormFloat64()
	stars := math.Round(s.true[id] + lenient + 0.9*s.rnd.NormFloat64())
	rate(s.core, s.now, id, fmt.Sprint("x", s.n), fmt.Sprint("u", customer), min(max(stars, 1), 5))
}

func (s *school) days(n int) {
	for range n {
		for range 20 {
			for i := range len(s.true) {
				if id := AgentID(fmt.Sprintf("a%02d", i)); s.true[id] > 0 {
					s.contact(id)
				}
			}
			s.now = s.now.Add(30 * time.Minute)
		}
		s.now = s.now.Add(14 * time.Hour)
	}
}

// rank is how many agents have better stars.
func (s *school) rank(id AgentID) (better int) {
	for other := range s.true {
		if other != id && stars(s.core, other) > stars(s.core, id) {
			better++
		}
	}
	return better
}

// TestANewGoodAgentReachesHisRankWithin150Contacts: among 20 agents known for a
// quarter, one whose true grade is 4.6 starts at the prior's 4.0 and is among
// the best five after 150 contacts, of which 45 are rated: a week and a half.
func TestANewGoodAgentReachesHisRankWithin150Contacts(t *testing.T) {
	const seeds = 20
	reached, first := 0, 0
	for seed := range uint64(seeds) {
		s := newSchool(seed, 20)
		s.days(60)
		s.true["new"] = 4.6
		if rank := s.rank("new"); rank < 5 {
			t.Fatalf("without a rating he has rank %d already", rank)
		}
		seen := false
		for range 150 {
			s.contact("new")
			s.now = s.now.Add(30 * time.Minute)
			if seen = seen || s.rank("new") < 5; !seen {
				first++
			}
		}
		if s.rank("new") < 5 {
			reached++
		}
	}
	if reached < seeds*8/10 {
		t.Errorf("%d of %d are among the best five after 150 contacts, want eight in ten", reached, seeds)
	}
	t.Logf("%d of %d are among the best five after 150 contacts; first after %d in the mean", reached, seeds, first/seeds)
}

// TestABadAgentWhoImprovedRecoversWithinTwoHalfLives: rated as 3.4 for a year, as
// 4.4 since: after two half-lives what is left of the bad time is a quarter, and
// he is within 0.25 stars of an agent who was always that good.
func TestABadAgentWhoImprovedRecoversWithinTwoHalfLives(t *testing.T) {
	for seed := range uint64(5) {
		s := newSchool(seed, 2)
		s.true = map[AgentID]float64{"a00": 3.4, "a01": 4.4}
		s.days(365)
		before := stars(s.core, "a00")
		s.true["a00"] = 4.4
		s.days(180)
		if got, want := stars(s.core, "a00"), stars(s.core, "a01"); want-got > 0.25 {
			t.Errorf("%.2f after two half-lives, was %.2f; want nearly %.2f", got, before, want)
		} else {
			t.Logf("%.2f became %.2f, the other has %.2f", before, got, want)
		}
	}
}

// TestEstimateFindsWhatTheRatingsWereDrawnFrom also wants the prior weight of the
// package doc for agents as different as in ROUTING's model: 0.9 within, 0.36 between.
func TestEstimateFindsWhatTheRatingsWereDrawnFrom(t *testing.T) {
	s := newSchool(1, 30)
	if _, ok := s.core.Estimate(); ok {
		t.Error("an estimate without ratings")
	}
	s.days(60)
	e, ok := s.core.Estimate()
	if !ok || e.Agents != 30 || math.Abs(e.Prior-3.95) > 0.1 || math.Abs(e.Between-0.36) > 0.08 || math.Abs(e.Sigma-0.9) > 0.12 || e.PriorWeight < 4 || e.PriorWeight > 10 {
		t.Errorf("estimate %+v, ok %v; want about 4.0, 0.36 between, 0.9 within, weight 6", e, ok)
	}
	same := New(Config{})
	for i := range 2000 {
		rate(same, t0.Add(time.Duration(i)*time.Hour), AgentID(fmt.Sprint("a", i%10)), fmt.Sprint("x", i), "", 4+float64(i/10%2))
	}
	if e, ok := same.Estimate(); !ok || e.PriorWeight != 100 {
		t.Errorf("agents who do not differ: %+v, ok %v; want the highest weight, 100", e, ok)
	}
}

// BenchmarkRated is a rating in a book of 1,000 agents and 100,000 ratings.
func BenchmarkRated(b *testing.B) {
	c := New(Config{})
	ev := func(i int) Rated {
		return Rated{
			Agent: AgentID(fmt.Sprint("a", i%1000)), Customer: fmt.Sprint("u", i*7919%30000), Contact: fmt.Sprint("x", i),
			Items: map[string]float64{"attitude": 5, "knowledge": 3, "time": 4, "solved": 5}, Stars: 4, At: t0.Add(time.Duration(i) * time.Second),
		}
	}
	for i := range 100_000 {
		e := ev(i)
		c.Step(e.At, e)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		e := ev(100_000 + i)
		c.Step(e.At, e)
	}
}

// BenchmarkGrade reads a category's grade of one of 100,000 agents.
func BenchmarkGrade(b *testing.B) {
	c := New(Config{})
	ids := make([]AgentID, 100_000)
	for i := range ids {
		ids[i] = AgentID(fmt.Sprint("a", i))
		c.Step(t0, Rated{Agent: ids[i], Contact: fmt.Sprint("x", i), Items: map[string]float64{"attitude": 5, "knowledge": 3}})
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		c.grades.posterior(ids[i*7919%len(ids)], "knowledge", c.now)
	}
}

// BenchmarkStanding reads the standing of a customer with as many ratings as are kept.
func BenchmarkStanding(b *testing.B) {
	c := New(Config{})
	for i := range raterKeep {
		c.Step(t0, RatedCustomer{Agent: AgentID(fmt.Sprint("a", i)), Customer: "u", Contact: fmt.Sprint("x", i), Stars: 4})
	}
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		c.grades.standing("u", 0.5, 0, c.now)
	}
}
