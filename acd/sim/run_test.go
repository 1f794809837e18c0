package sim

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"hotline/acd"
)

// center is the one that the design was measured on: 20 agents whose quality is
// spread evenly over 3.4..4.6 stars, talks of 180 s, standings of 0..1, 30 % of
// the calls rated with noise 0.9.
func center(rho float64, rule acd.Queue, calls int) Center {
	const agents = 20
	rule.ID = "q"
	c := Center{Queues: []acd.Queue{rule}, Seed: 1, ByStart: true, Ratings: Ratings{Share: 0.3, Noise: 0.9}}
	for i := range agents {
		a := Agent{Agent: acd.Agent{ID: acd.AgentID(fmt.Sprintf("a%02d", i)), Queues: []acd.QueueID{"q"}}}
		a.Quality = map[string]float64{"": 3.4 + 1.2*float64(i)/(agents-1)}
		c.Agents = append(c.Agents, a)
	}
	perHour := rho * agents * 20
	c.Streams = []Stream{{Queue: "q", PerHour: perHour, Talk: Dist{Mean: 3 * time.Minute}, High: 1}}
	c.Open = time.Duration(float64(calls) / perHour * float64(time.Hour))
	return c
}

func run(t testing.TB, c Center) Result {
	t.Helper()
	r, err := Run(c)
	if err != nil {
		t.Fatal(err)
	}
	if r.Calls != r.Served+r.Abandoned+r.Overflowed+r.Waiting || r.Calls == 0 {
		t.Fatalf("calls are lost: %+v", r)
	}
	return r
}

func TestTheSameSeedGivesTheSameDay(t *testing.T) {
	c := center(0.85, acd.Queue{H: 30 * time.Second, G: time.Minute}, 2000)
	c.Keep = true
	a, b := run(t, c), run(t, c)
	if !slices.Equal(a.Visits, b.Visits) {
		t.Error("two runs of one seed differ")
	}
	c.Seed = 2
	if d := run(t, c); slices.Equal(a.Visits, d.Visits) {
		t.Error("another seed gives the same day")
	}
}

func TestADayFollowsErlangC(t *testing.T) {
	for _, rho := range []float64{0.5, 0.8} {
		var p, w Stat
		for seed := range uint64(8) {
			c := center(rho, acd.Queue{}, 6000)
			c.Seed, c.WarmUp, c.Ratings = seed, time.Hour, Ratings{}
			r := run(t, c)
			p.Add(r.Waited)
			w.Add(r.Wait.Seconds())
		}
		e := ErlangC(20, rho*20/180, 180, 20)
		if math.Abs(p.Mean-e.Wait) > 1.5*p.CI() || math.Abs(w.Mean-e.Mean) > 1.5*w.CI() {
			t.Errorf("load %v: P(wait) %.4f +- %.4f, want %.4f; wait %.2f +- %.2f s, want %.2f", rho, p.Mean, p.CI(), e.Wait, w.Mean, w.CI(), e.Mean)
		}
	}
}

func BenchmarkDayOf20000Calls(b *testing.B) {
	c := center(0.85, acd.Queue{H: 30 * time.Second, G: time.Minute}, 20000)
	for b.Loop() {
		run(b, c)
	}
}

func queueOf(p Policy) (q acd.Queue) {
	p.Apply(&q)
	return q
}
