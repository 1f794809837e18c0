package acd

import (
	"fmt"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const dayLong = 24 * time.Hour

// rate puts a rating in force at the time it is given.
func rate(c *Core, at time.Time, agent AgentID, contact, customer string, stars float64) {
	c.Step(at, Rated{Agent: agent, Customer: customer, Contact: contact, Stars: stars, At: at})
}

func stars(c *Core, agent AgentID) float64 {
	s, _ := c.grades.stars(agent, c.now)
	return s
}

func near(a, b float64) bool { return math.Abs(a-b) < 1e-9 }

func TestGradeIsTheShrunkMeanOfRatings(t *testing.T) {
	c := New(Config{})
	for i, y := range []float64{5, 4, 3} {
		rate(c, t0, "ann", fmt.Sprint("x", i), "", y)
	}
	if got, want := stars(c, "ann"), (6*4.0+5+4+3)/(6+3); !near(got, want) {
		t.Errorf("stars %v, want %v", got, want)
	}
	if got, want := c.grades.grade("ann", "", c.now), 0.5; !near(got, want) {
		t.Errorf("g %v, want %v", got, want)
	}
	if got, want := stars(c, "bob"), 4.0; got != want {
		t.Errorf("unrated agent has %v stars, want %v", got, want)
	}
}

func TestARatingLosesHalfItsWeightInNinetyDays(t *testing.T) {
	c := New(Config{})
	rate(c, t0, "ann", "x1", "", 5)
	rate(c, t0.Add(90*dayLong), "ann", "x2", "", 2)
	if got, want := stars(c, "ann"), (24+0.5*5+2)/(6+1.5); !near(got, want) {
		t.Errorf("stars %v, want %v", got, want)
	}
	c.Step(t0.Add(20*365*dayLong), Tick{})
	if got := stars(c, "ann"); math.Abs(got-4) > 1e-6 {
		t.Errorf("after 20 years %v stars, want the prior's 4", got)
	}
}

func TestASevereCustomersRatingsAreCorrected(t *testing.T) {
	c := New(Config{})
	for i := range 20 { // gives everybody one star
		rate(c, t0, AgentID(fmt.Sprint("other", i)), fmt.Sprint("s", i), "severe", 1)
	}
	rate(c, t0, "ann", "x1", "severe", 1)
	rate(c, t0, "bob", "x2", "", 1)
	// residuals are -3 each: b = -3*21/(6+21)
	if got, want := stars(c, "ann"), (24+1+3.0*21/27)/7; !near(got, want) {
		t.Errorf("stars %v, want %v", got, want)
	}
	if got, want := stars(c, "bob"), 25.0/7; !near(got, want) {
		t.Errorf("by an anonymous caller: stars %v, want %v", got, want)
	}
}

func TestAHundredOneStarRatingsOfOneCustomerAreDampened(t *testing.T) {
	c, d := New(Config{}), New(Config{})
	for i := range 100 {
		rate(c, t0, "ann", fmt.Sprint("x", i), "enemy", 1)
		rate(d, t0, "ann", fmt.Sprint("x", i), fmt.Sprint("u", i), 1)
	}
	if one, many := stars(c, "ann"), stars(d, "ann"); one < many+0.3 {
		t.Errorf("one enemy brings her to %v, a hundred customers to %v; want a clear difference", one, many)
	}
}

// TestOneRatingMovesAGradeLittle: given, replaced or taken back, a rating moves
// its agent by at most 4/(m+n), and the opposite brings the old grade back.
func TestOneRatingMovesAGradeLittle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := New(Config{})
		for i := range rapid.IntRange(0, 60).Draw(t, "ratings") {
			agent := AgentID(fmt.Sprint("a", rapid.IntRange(0, 2).Draw(t, "agent")))
			customer := fmt.Sprint("u", rapid.IntRange(0, 2).Draw(t, "customer"))
			rate(c, t0.Add(time.Duration(i)*dayLong), agent, fmt.Sprint("x", i), customer, rapid.Float64Range(1, 5).Draw(t, "stars"))
		}
		before, weight := c.grades.stars("a0", c.now)
		rate(c, instant(c.now), "a0", "new", "u0", rapid.Float64Range(-1, 7).Draw(t, "stars"))
		after, _ := c.grades.stars("a0", c.now)
		if limit := 4 / (priorWeight + weight + 1); math.Abs(after-before) > limit+1e-9 {
			t.Fatalf("one rating moved %v to %v, limit %v", before, after, limit)
		}
		c.Step(instant(c.now), Unrated{"new"})
		if back, _ := c.grades.stars("a0", c.now); len(c.grades.contacts) < customerKeep && !near(back, before) {
			t.Fatalf("taken back, the grade is %v, was %v", back, before)
		}
		if before < 1 || before > 5 {
			t.Fatalf("grade %v is not in 1..5", before)
		}
	})
}

func TestANewRatingRekeysAnIdleAgent(t *testing.T) {
	c := New(Config{})
	c.Step(t0, Configure{Queues: []Queue{{ID: "q", G: time.Minute}}, Agents: []Agent{{ID: "ann", Queues: []QueueID{"q"}}}})
	c.Step(t0, Reachable{"ann", true})
	c.Step(t0, Ready{"ann"})
	before := c.agents["ann"].nodes[0].key
	rate(c, t0, "ann", "x", "", 5)
	if after := c.agents["ann"].nodes[0].key; after >= before {
		t.Errorf("key %d after five stars, was %d; want less", after, before)
	}
	if err := c.Check(); err != nil {
		t.Error(err)
	}
}

func TestRatingsStayBounded(t *testing.T) {
	c := New(Config{})
	for i := range 10 * customerKeep {
		rate(c, t0, "ann", fmt.Sprint("x", i), "u", 5)
	}
	if got := len(c.grades.contacts); got != customerKeep {
		t.Errorf("%d contacts of one customer are kept, want %d", got, customerKeep)
	}
	for i := range 1000 {
		rate(c, t0, "ann", fmt.Sprint("y", i%3), fmt.Sprint("v", i), 5)
	}
	if got, most := len(c.grades.order), 3*(customerKeep+3)+customerKeep; got > most {
		t.Errorf("%d entries of order are kept, want at most %d", got, most)
	}
	if got := len(c.grades.customers); got != 4 {
		t.Errorf("%d customers are kept, want 4", got)
	}
	c.Step(t0, Rated{Agent: "ann", Contact: "", Stars: 5})
	c.Step(t0, Rated{Agent: "ann", Contact: "z", Stars: math.NaN()})
	if got := c.Stats().Ignored; got != 2 {
		t.Errorf("%d events ignored, want 2", got)
	}
}
