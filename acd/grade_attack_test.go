package acd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// ordinary is a Core where ann has n ratings of 4 and 5 stars by as many
// customers, one every five hours, and the time after them.
func ordinary(n int) (*Core, time.Time) {
	c, at := New(Config{}), t0
	for i := range n {
		rate(c, at, "ann", fmt.Sprint("fair", i), fmt.Sprint("f", i), 4+float64(i%2))
		at = at.Add(5 * time.Hour)
	}
	return c, at
}

func alarms(out []Command) (list []RatingAlarm) {
	for _, cmd := range out {
		if a, ok := cmd.(RatingAlarm); ok {
			list = append(list, a)
		}
	}
	return list
}

// honest is the weight of ann's ratings by those of ordinary.
func honest(c *Core) (n float64) {
	for _, r := range c.grades.scores["ann"].ratings {
		if strings.HasPrefix(r.contact, "fair") {
			n += r.used.weight / c.grades.weightAt(c.now)
		}
	}
	return n
}

// TestARatingAttackMovesAGradeLittleAndRaisesOneAlarm: the limits are those of
// the package doc, n being the weight of the honest ratings.
func TestARatingAttackMovesAGradeLittleAndRaisesOneAlarm(t *testing.T) {
	for _, tt := range []struct {
		name   string
		limit  float64 // times 1/(6+n)
		why    string
		rating func(i int, start time.Time) Rated
		times  int
	}{
		{"one customer gives one star for each of 100 contacts", 8, "within a day by one customer", func(i int, start time.Time) Rated {
			return Rated{Customer: "enemy", Contact: fmt.Sprint("x", i), Stars: 1, At: start.Add(time.Duration(i) * time.Hour)}
		}, 100},
		{"one customer is patient and gives one star every second day", 8, "within 30 days by one customer", func(i int, start time.Time) Rated {
			return Rated{Customer: "enemy", Contact: fmt.Sprint("x", i), Stars: 1, At: start.Add(time.Duration(i) * 48 * time.Hour)}
		}, 14},
		{"one customer changes one rating to and fro", 4, "changed 10 times", func(i int, start time.Time) Rated {
			return Rated{Customer: "enemy", Contact: "x", Stars: 1 + 4*float64(i%2), At: start.Add(time.Duration(i) * time.Minute)}
		}, 201},
		{"500 numbers give one star within an hour", 44, "within an hour", func(i int, start time.Time) Rated {
			return Rated{Customer: fmt.Sprint("e", i), Contact: fmt.Sprint("x", i), Stars: 1, At: start.Truncate(time.Hour).Add(time.Duration(i) * 7 * time.Second)}
		}, 500},
		{"500 withheld numbers give one star within an hour", 44, "within an hour", func(i int, start time.Time) Rated {
			return Rated{Contact: fmt.Sprint("x", i), Stars: 1, At: start.Truncate(time.Hour).Add(time.Duration(i) * 7 * time.Second)}
		}, 500},
		{"500 numbers give one star within three hours", 3 * 44, "within an hour", func(i int, start time.Time) Rated {
			return Rated{Customer: fmt.Sprint("e", i), Contact: fmt.Sprint("x", i), Stars: 1, At: start.Truncate(time.Hour).Add(time.Duration(i) * 21 * time.Second)}
		}, 500},
	} {
		c, at := ordinary(60)
		before, n := c.grades.stars("ann", stamp(at))
		var seen []RatingAlarm
		for i := range tt.times {
			ev := tt.rating(i, at)
			ev.Agent = "ann"
			seen = append(seen, alarms(c.Step(ev.At, ev))...)
		}
		n = min(n, honest(c))
		if after := stars(c, "ann"); before-after > tt.limit/(6+n) || after >= before {
			t.Errorf("%s: %.3f became %.3f, which is %.3f; limit %.3f", tt.name, before, after, before-after, tt.limit/(6+n))
		}
		if len(seen) != 1 || seen[0].Agent != "ann" || !strings.Contains(seen[0].Why, tt.why) {
			t.Errorf("%s: alarms %v, want one for ann with %q", tt.name, seen, tt.why)
		}
	}
}

// TestAChangedRatingIsNotYoungerThanItsContact: who changes an old rating does
// not make it weigh more.
func TestAChangedRatingIsNotYoungerThanItsContact(t *testing.T) {
	c := New(Config{})
	rate(c, t0, "ann", "x", "u", 3)
	year := t0.Add(360 * dayLong)
	rate(c, year, "ann", "x", "u", 1)
	if got, want := stars(c, "ann"), (24+1.0/16)/(6+1.0/16); !near(got, want) {
		t.Errorf("stars %v, want %v", got, want)
	}
	rate(c, year, "bob", "x", "u", 1)
	if got, weight := c.grades.stars("ann", c.now); got != 4 || weight != 0 {
		t.Errorf("the contact went to another agent: stars %v of weight %v, want 4 of none", got, weight)
	}
}

func TestAnAgentWhoRatesOneCustomerAgainAndAgainMovesHimLittle(t *testing.T) {
	c := New(Config{})
	for i := range 20 {
		c.Step(t0, RatedCustomer{Agent: AgentID(fmt.Sprint("a", i)), Customer: "bob", Contact: fmt.Sprint("fair", i), Stars: 4 + float64(i%2)})
	}
	before, n := c.Reputation("bob", t0)
	var seen []RatingAlarm
	for i := range 11 {
		at := t0.Add(time.Duration(i) * time.Hour)
		seen = append(seen, alarms(c.Step(at, RatedCustomer{Agent: "eve", Customer: "bob", Contact: fmt.Sprint("x", i), Stars: 1}))...)
	}
	if after, _ := c.Reputation("bob", t0); before-after > 8/(6+n) || after >= before {
		t.Errorf("%.3f became %.3f, limit %.3f", before, after, 8/(6+n))
	}
	if len(seen) != 1 || seen[0].Agent != "eve" || seen[0].Customer != "bob" {
		t.Errorf("alarms %v, want one for eve and bob", seen)
	}
}

// TestAnOrdinaryQuarterRaisesNoAlarm: 20 agents with 2 to 6 ratings an hour, ten
// hours a day, by customers who call up to a few times.
func TestAnOrdinaryQuarterRaisesNoAlarm(t *testing.T) {
	c, rnd := New(Config{}), rand.New(rand.NewPCG(4, 5))
	n, seen := 0, 0
	for d := range 90 {
		for hour := range 10 {
			for a := range 20 {
				left := math.Exp(-(2 + float64(a%5))) // Poisson, by Knuth
				for p := rnd.Float64(); p > left; p *= rnd.Float64() {
					at := t0.Add(time.Duration(d)*dayLong + time.Duration(hour)*time.Hour + time.Duration(n%3600)*time.Second)
					ev := Rated{Agent: AgentID(fmt.Sprint("a", a)), Customer: fmt.Sprint("u", rnd.IntN(20000)), Contact: fmt.Sprint("x", n), Stars: 4 + float64(rnd.IntN(2)), At: at}
					seen += len(alarms(c.Step(later(at, c), ev)))
					n++
				}
			}
		}
	}
	if seen > 0 {
		t.Errorf("%d alarms for %d ratings, want none", seen, n)
	}
}

// later is the later of a time and the core's own.
func later(at time.Time, c *Core) time.Time {
	if now := instant(c.now); now.After(at) {
		return now
	}
	return at
}

// TestOldRecordsRaiseNoAlarm: an attack of last year or of this hour, fed again by
// the owner after ResetGrades, is no news.
func TestOldRecordsRaiseNoAlarm(t *testing.T) {
	for _, ago := range []time.Duration{400 * dayLong, 15 * time.Minute} {
		c := New(Config{})
		c.Step(t0, ResetGrades{})
		for i := range 100 {
			at := t0.Add(-ago).Add(time.Duration(i) * time.Second)
			for _, ev := range []Event{
				Rated{Agent: "ann", Customer: fmt.Sprint("u", i%2), Contact: fmt.Sprint("x", i), Stars: 1, At: at},
				RatedCustomer{Agent: "ann", Customer: fmt.Sprint("u", i%2), Contact: fmt.Sprint("x", i), Stars: 1, At: at},
			} {
				if seen := alarms(c.Step(t0, ev)); len(seen) > 0 {
					t.Fatalf("%v ago: alarm %v", ago, seen)
				}
			}
		}
	}
}
