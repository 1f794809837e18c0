package acd

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"
)

func TestRulesOutOfRangeBecomeSafeOnes(t *testing.T) {
	mad := Queue{
		ID: "q", Strategy: "astrology", Priority: -time.Hour, H: -1, G: -1, B: math.NaN(), T: -1, Band: ptr(math.NaN()), Window: -1,
		Overtakes: ptr(-3), Skips: ptr(-3), Sight: -1, Lambda: ptr(math.Inf(1)), RingMost: -1, Declines: -1, DeclinesPerCall: -1,
		Relax: []Relax{{-time.Hour, map[string]int{"x": -5}}},
	}
	var q queue
	q.set(mad)
	if q.Strategy != HeadStart || q.Priority != 0 || q.H != 0 || q.G != 0 || q.B != defaultB || q.T != defaultT || q.band != defaultBand ||
		q.Window != defaultWindow || q.overs != 0 || q.skips != 0 || q.Sight != defaultSight || q.lambda != 10 || q.RingMost != defaultRingMost ||
		q.Declines != 0 || q.DeclinesPerCall != 0 {
		t.Errorf("became %+v with band %v, M %d, L %d, lambda %v", q.Queue, q.band, q.overs, q.skips, q.lambda)
	}
	q.set(Queue{B: 0.2, Priority: 100 * time.Hour, Band: ptr(7.0), Window: time.Second, Sight: 1 << 40, RingMost: 1 << 40})
	if q.B != 1 || q.Priority != maxPriority || q.band != 1 || q.Window != minWindow || q.Sight != maxSight || q.RingMost != maxRingMost {
		t.Errorf("became %+v with band %v", q.Queue, q.band)
	}
	for _, s := range Strategies { // and all strategies live with the rest of it
		mad.Strategy = s
		c := New(Config{Audit: true})
		c.Step(t0, Configure{Queues: []Queue{mad, {ID: "empty", Strategy: s}}, Agents: []Agent{{ID: "ann", Queues: []QueueID{"q", "nowhere"}}}})
		c.Step(t0, Reachable{"ann", true})
		c.Step(t0, Ready{"ann"})
		for i, ev := range []CallQueued{
			{Call: "c1", Queue: "empty"},
			{Call: "c2", Queue: "q", Tier: math.NaN(), Priority: -time.Hour, Weight: -1, Channel: "fax", Also: []QueueID{"nowhere"}},
			{Call: "c3", Queue: "q", First: []AgentID{"nobody"}, FirstFor: -1, Standing: math.Inf(1), Priority: math.MaxInt64},
			{Call: "c4", Queue: "q", First: []AgentID{"nobody"}, FirstFor: math.MaxInt64, Only: []AgentID{"nobody", "ann"}},
		} {
			c.Step(t0.Add(time.Duration(i)*time.Second), ev)
			if err := c.Check(); err != nil {
				t.Fatalf("%s: %v", s, err)
			}
		}
		if len(c.offers) != 1 || c.queues["empty"].waiting != 1 {
			t.Errorf("%s: %d offers, %d wait in the queue without agents", s, len(c.offers), c.queues["empty"].waiting)
		}
	}
}

// TestWhoLogsInIsNotFlooded: a newcomer, and who comes back from a break, has his
// share and not all calls until he has caught up.
func TestWhoLogsInIsNotFlooded(t *testing.T) {
	d := newDayOf(Queue{Strategy: Accumulating}, 10, 0.7)
	d.step(NotReady{agentName(5), "break"})
	d.step(LogOut{agentName(6)})
	d.run(600)
	d.step(Ready{agentName(5)})
	d.step(Ready{agentName(6)})
	worked, from := map[AgentID]int{}, len(d.starts)
	d.offered = func(_ time.Time, o Offer) {
		if len(d.starts)-from < 200 {
			worked[o.Agent]++
		}
	}
	next := d.now
	for n := range 250 {
		next = next.Add(exponential(mix(uint64(n)), 26*time.Second))
		d.until(next)
		d.now = next
		d.step(CallQueued{Call: callName(10000 + n), Queue: "q", Since: d.now, Standing: 0.5})
	}
	for _, i := range []int{5, 6} {
		if got := worked[agentName(i)]; got < 8 || got > 45 || d.err != nil {
			t.Errorf("%s took %d of 200 calls among ten agents, %v", agentName(i), got, d.err)
		}
	}
}

// TestRandomIsFairAndRepeats: all agents about equally often, and the same for the
// same seed only.
func TestRandomIsFairAndRepeats(t *testing.T) {
	draw := func(seed uint64) (list []AgentID, count map[AgentID]int) {
		c := New(Config{Seed: seed, Audit: true})
		ev := Configure{Queues: []Queue{{ID: "q", Strategy: Random}}}
		for i := range 5 {
			ev.Agents = append(ev.Agents, Agent{ID: agentName(i), Queues: []QueueID{"q"}, Skills: map[string]int{fmt.Sprint(i % 2): 1}})
		}
		c.Step(t0, ev)
		for i := range 5 {
			c.Step(t0, Reachable{agentName(i), true})
			c.Step(t0, Ready{agentName(i)})
		}
		count = map[AgentID]int{}
		for range 1000 {
			o := c.Step(t0, CallQueued{Call: "c", Queue: "q"})[0].(Offer)
			c.Step(t0, CallLeft{"c"})
			list = append(list, o.Agent)
			count[o.Agent]++
		}
		if err := c.Check(); err != nil {
			t.Fatal(err)
		}
		return list, count
	}
	first, count := draw(1)
	again, _ := draw(1)
	other, _ := draw(2)
	if !slices.Equal(first, again) || slices.Equal(first, other) {
		t.Error("a seed does not give its own sequence")
	}
	for i := range 5 {
		if n := count[agentName(i)]; n < 140 || n > 260 {
			t.Errorf("%s was drawn %d times of 1000, want about 200", agentName(i), n)
		}
	}
}

// TestBoundsOutliveAConfiguration: what a call and an agent have counted counts on
// when rules, skills or queues change.
func TestBoundsOutliveAConfiguration(t *testing.T) {
	d := newDayOf(Queue{Strategy: Counted}, 12, 1.05)
	rules := []Queue{{ID: "q", Strategy: Counted}, {ID: "q", Strategy: Counted, Lambda: ptr(3.0)}}
	agents := []Agent{}
	for i := range 12 {
		agents = append(agents, Agent{ID: agentName(i), Queues: []QueueID{"q"}})
	}
	n := 0
	d.offered = func(time.Time, Offer) { n++ }
	next := t0
	for i := range 1500 {
		next = next.Add(exponential(mix(uint64(i)), 14*time.Second))
		d.until(next)
		d.now = next
		d.step(CallQueued{Call: callName(i), Queue: "q", Since: d.now, Standing: d.c(i)})
		if i%7 == 0 {
			d.step(Configure{Queues: rules[i%2 : i%2+1], Agents: agents})
		}
	}
	if d.err != nil || n < 1000 {
		t.Errorf("%d offers, %v", n, d.err)
	}
}
