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
func rate(c *Core, at time.Time, agent AgentID, contact, customer string, stars float64) []Command {
	return c.Step(at, Rated{Agent: agent, Customer: customer, Contact: contact, Stars: stars, At: at})
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

func TestEachCategoryHasItsOwnGrade(t *testing.T) {
	c := New(Config{})
	c.Step(t0, Rated{Agent: "ann", Contact: "x", Items: map[string]float64{"knowledge": 5, "attitude": 2}})
	for _, tt := range []struct {
		category   string
		mean, want float64 // weight
	}{{"", (24 + 3.5) / 7, 1}, {"knowledge", 29.0 / 7, 1}, {"attitude", 26.0 / 7, 1}, {"time", 4, 0}} {
		mean, sd := c.grades.posterior("ann", tt.category, c.now)
		if want := 0.9 / math.Sqrt(6+tt.want); !near(mean, tt.mean) || !near(sd, want) {
			t.Errorf("%q: %v with sd %v, want %v with %v", tt.category, mean, sd, tt.mean, want)
		}
	}
	got := c.Grades(t0)
	if len(got) != 3 || got[0].Category != "" || got[1].Category != "attitude" || got[2].Category != "knowledge" {
		t.Errorf("grades %+v, want those of overall, attitude, knowledge", got)
	}
	many := map[string]float64{}
	for i := range 100 {
		many[fmt.Sprint("made up ", i)] = 1
	}
	c.Step(t0, Rated{Agent: "ann", Contact: "y", Items: many})
	if got := len(c.grades.names); got != 1+categoryKeep {
		t.Errorf("%d categories are kept, want %d", got, 1+categoryKeep)
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

func TestASevereCustomersRatingsAreCorrectedByThoseOfOthers(t *testing.T) {
	c := New(Config{})
	for i := range 20 { // gives everybody one star
		rate(c, t0, AgentID(fmt.Sprint("other", i)), fmt.Sprint("s", i), "severe", 1)
	}
	rate(c, t0, "ann", "x1", "severe", 1)
	rate(c, t0, "bob", "x2", "", 1)
	rate(c, t0, "cid", "x3", "disappointed", 1)
	// 20 residuals of -3: b = -60/(6+20)
	if got, want := stars(c, "ann"), (24+1+60.0/26)/7; !near(got, want) {
		t.Errorf("stars %v, want %v", got, want)
	}
	for _, id := range []AgentID{"bob", "cid"} {
		if got, want := stars(c, id), 25.0/7; !near(got, want) {
			t.Errorf("%s: by a caller who rated nobody else: stars %v, want %v", id, got, want)
		}
	}
}

// TestOneRatingMovesAGradeLittle: given or replaced, a rating moves its agent by
// at most 4/(m+n), and the opposite brings the old grade back.
func TestOneRatingMovesAGradeLittle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := New(Config{})
		for i := range rapid.IntRange(0, 60).Draw(t, "ratings") {
			agent := AgentID(fmt.Sprint("a", rapid.IntRange(0, 2).Draw(t, "agent")))
			customer := rapid.SampledFrom([]string{"", "u0", "u1", "u2"}).Draw(t, "customer")
			at := t0.Add(time.Duration(i*rapid.IntRange(0, 1).Draw(t, "days")) * dayLong)
			c.Step(at, Rated{Agent: agent, Customer: customer, Contact: fmt.Sprint("x", i), Stars: rapid.Float64Range(1, 5).Draw(t, "stars"), At: at})
		}
		kept := len(c.grades.contacts)
		before, weight := c.grades.stars("a0", c.now)
		for _, again := range []string{"given", "changed"} {
			was, n := c.grades.stars("a0", c.now)
			rate(c, instant(c.now), "a0", "zzz", "u0", rapid.Float64Range(-1, 7).Draw(t, "stars"))
			after, _ := c.grades.stars("a0", c.now)
			if limit := 4 / (defaultPriorWeight + min(n, weight)); math.Abs(after-was) > limit+1e-9 {
				t.Fatalf("one rating, %s, moved %v to %v, limit %v", again, was, after, limit)
			}
		}
		c.Step(instant(c.now), Unrated{"zzz"})
		if back, _ := c.grades.stars("a0", c.now); len(c.grades.contacts) == kept && !near(back, before) {
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
	c.Step(t0, CallQueued{Call: "c", Queue: "q"}) // agents are ordered as calls ask for it
	c.Step(t0, CallLeft{"c"})
	c.Step(t0, Reachable{"ann", true})
	c.Step(t0, Ready{"ann"})
	before := c.agents["ann"].members[0].nodes[0].key
	rate(c, t0.Add(time.Second), "ann", "x", "", 5)
	if after := c.agents["ann"].members[0].nodes[0].key; after >= before {
		t.Errorf("key %d after five stars, was %d; want less", after, before)
	}
	if err := c.Check(); err != nil {
		t.Error(err)
	}
}

func TestAnAgentsRatingRekeysTheCustomersWaitingCall(t *testing.T) {
	c := New(Config{})
	c.Step(t0, Configure{Queues: []Queue{{ID: "q", H: time.Minute}}})
	c.Step(t0, CallQueued{Call: "c", Queue: "q", Customer: "bob", Standing: 0.5})
	before := c.calls["c"].node.key
	c.Step(t0, RatedCustomer{Agent: "ann", Customer: "bob", Contact: "x", Stars: 5})
	if after := c.calls["c"].node.key; after >= before {
		t.Errorf("key %d after five stars, was %d; want less", after, before)
	}
	c.Step(t0, UnratedCustomer{"x"})
	if after := c.calls["c"].node.key; after != before {
		t.Errorf("key %d after the rating was taken back, want %d", after, before)
	}
	c.Step(t0, Configure{Queues: []Queue{{ID: "q", H: time.Minute}}, Grades: GradeRules{Recovery: 0.5}})
	rate(c, t0, "ann", "y", "bob", 1)
	if after := c.calls["c"].node.key; after != before-int64(30*time.Second) {
		t.Errorf("let down, the key is %d, want half of H before %d", after, before)
	}
	c.Step(t0, ResetGrades{})
	if after := c.calls["c"].node.key; after != before {
		t.Errorf("key %d after all ratings were forgotten, want %d", after, before)
	}
	rate(c, t0, "ann", "y", "bob", 1)
	c.Step(t0, Configure{Queues: []Queue{{ID: "q", H: time.Minute}}})
	if after := c.calls["c"].node.key; after != before {
		t.Errorf("key %d under rules without recovery, want %d", after, before)
	}
	if err := c.Check(); err != nil {
		t.Error(err)
	}
}

func TestStandingHasReputationTierAndRecovery(t *testing.T) {
	c := New(Config{})
	c.Step(t0, Configure{Grades: GradeRules{Recovery: 0.2}})
	c.Step(t0, RatedCustomer{Agent: "ann", Customer: "good", Contact: "x1", Stars: 5})
	c.Step(t0, RatedCustomer{Agent: "ann", Customer: "bad", Contact: "x2", Items: map[string]float64{"attitude": 1, "time": 2}})
	rate(c, t0, "ann", "x3", "unhappy", 2)
	c.Step(t0, Rated{Agent: "ann", Contact: "x4", Customer: "again happy", Stars: 1, At: t0.Add(-time.Hour)})
	rate(c, t0, "ann", "x5", "again happy", 4)
	b := 1.0 / 7 // leniency of ann for good is that of -2.5 for bad, and the other way round
	for _, tt := range []struct {
		name       string
		base, tier float64
		want       float64
	}{
		{"unknown", 0.5, 0, 0.5}, {"", 0.3, 0, 0.3}, {"unknown", 0.5, 0.2, 0.7}, {"unknown", 0.5, 2, 1}, {"unknown", math.NaN(), math.NaN(), 0.5},
		{"good", 0.5, 0, 0.5 + (min(5+2.5*b, 5)-4)/7/1.2}, {"bad", 0.5, 0, 0.5 + (1.5-b-4)/7/1.2},
		{"unhappy", 0.5, 0, 0.7}, {"again happy", 0.5, 0, 0.5},
	} {
		if got := c.grades.standing(tt.name, tt.base, tt.tier, c.now); !near(got, tt.want) {
			t.Errorf("%s with base %v and tier %v: %v, want %v", tt.name, tt.base, tt.tier, got, tt.want)
		}
	}
	if got := c.grades.standing("unhappy", 0.5, 0, c.now+int64(91*dayLong)); got != 0.5 {
		t.Errorf("after a half-life %v, want 0.5: recovery ends", got)
	}
	if stars, weight := c.Reputation("good", t0); !near(stars, 29.0/7) || !near(weight, 1) {
		t.Errorf("reputation %v of weight %v, want %v of 1", stars, weight, 29.0/7)
	}
}

func TestPairHistoryIsWhatBothThoughtOfEachOther(t *testing.T) {
	c := New(Config{})
	if got := c.grades.pair("ann", "bob", c.now); got != 0 {
		t.Errorf("strangers have %v, want 0", got)
	}
	rate(c, t0, "ann", "x1", "bob", 5)
	if got, want := c.grades.pair("ann", "bob", c.now), (5-stars(c, "ann"))/4; !near(got, want) {
		t.Errorf("after five stars %v, want %v", got, want)
	}
	if got := c.grades.pair("eve", "bob", c.now); got != 0 {
		t.Errorf("bob and another agent have %v, want 0", got)
	}
	c.Step(t0, RatedCustomer{Agent: "ann", Customer: "bob", Contact: "x1", Stars: 1})
	if got := c.grades.pair("ann", "bob", c.now); got >= 0 {
		t.Errorf("after one star by the agent %v, want less than 0", got)
	}
}

func TestRatingsStayBounded(t *testing.T) {
	c := New(Config{})
	for i := range 10 * raterKeep {
		rate(c, t0, "ann", fmt.Sprint("x", i), "u", 5)
		c.Step(t0, RatedCustomer{Agent: AgentID(fmt.Sprint(i)), Customer: "u", Contact: fmt.Sprint("x", i), Stars: 5})
	}
	if got := []int{len(c.grades.contacts), len(c.grades.opinions), len(c.grades.raters)}; fmt.Sprint(got) != "[32 32 32]" {
		t.Errorf("%d ratings by and of one customer are kept, want 32 of each", got)
	}
	for i := range 1000 {
		rate(c, t0, "ann", fmt.Sprint("y", i%3), fmt.Sprint("v", i), 5)
		c.Step(t0, RatedCustomer{Agent: "ann", Customer: fmt.Sprint("v", i), Contact: fmt.Sprint("y", i%3), Stars: 5})
	}
	for _, got := range []int{len(c.grades.order), len(c.grades.queue)} {
		if most := 3*(raterKeep+3) + raterKeep; got > most {
			t.Errorf("%d entries of order are kept, want at most %d", got, most)
		}
	}
	if got := []int{len(c.grades.customers), len(c.grades.regards), len(c.grades.scores)}; fmt.Sprint(got) != "[4 4 1]" {
		t.Errorf("%d customers, customers rated and agents are kept, want [4 4 1]", got)
	}
}

func TestSenselessRatingsAreIgnored(t *testing.T) {
	c := New(Config{})
	bad := []Event{
		Rated{Agent: "ann", Stars: 5}, Rated{Contact: "z", Stars: 5}, Rated{Agent: "ann", Contact: "z"},
		Rated{Agent: "ann", Contact: "z", Stars: math.NaN()}, Rated{Agent: "ann", Contact: "z", Items: map[string]float64{"": 3}},
		Unrated{"z"}, UnratedCustomer{"z"}, RatedCustomer{Agent: "ann", Contact: "z", Stars: 3},
		RatedCustomer{Customer: "u", Contact: "z", Stars: 3}, RatedCustomer{Agent: "ann", Customer: "u", Contact: "z", Stars: math.NaN()},
	}
	for _, ev := range bad {
		c.Step(t0, ev)
	}
	if got := c.Stats().Ignored; got != uint64(len(bad)) || len(c.grades.scores)+len(c.grades.regards) > 0 {
		t.Errorf("%d events ignored, want %d", got, len(bad))
	}
	rate(c, t0, "ann", "z", "u", 1e300)
	if got := stars(c, "ann"); got != 29.0/7 {
		t.Errorf("out of scale: %v stars, want as if 5 were given", got)
	}
}
