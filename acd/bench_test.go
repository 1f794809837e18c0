package acd

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// BenchmarkDecision measures one decision in a center under load, for each
// strategy and for short and long queues: an agent's talk ends, he is offered one
// of the waiting calls and answers, and a new call starts to wait. Agents differ
// in queues, skills and languages. p50 and p99 are of single Steps.
func BenchmarkDecision(b *testing.B) {
	for _, s := range Strategies {
		for _, waiting := range []int{1_000, 10_000, 100_000} {
			b.Run(fmt.Sprintf("%s/waiting=%d", s, waiting), func(b *testing.B) { benchmarkDecision(b, s, 10_000, waiting) })
		}
	}
}

// BenchmarkIdle is the other half: 10,000 agents are idle, a call arrives, is
// answered, and ends.
func BenchmarkIdle(b *testing.B) {
	for _, s := range Strategies {
		b.Run(string(s), func(b *testing.B) {
			m := newMill(s, 10_000)
			m.took = m.took[:0]
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				m.cycle()
			}
			m.report(b)
		})
	}
}

// BenchmarkUniqueAgents10k gives every agent a profile of his own, the worst
// case for grouping.
func BenchmarkUniqueAgents10k(b *testing.B) {
	m := newMillOf(HeadStart, 10_000, func(i int, a *Agent) { a.Skills[fmt.Sprint("own", i)] = 1 })
	m.took = m.took[:0]
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		m.cycle()
	}
	m.report(b)
}

// BenchmarkChoices10k lists whom a caller may choose of 10,000 agents, all equal.
func BenchmarkChoices10k(b *testing.B) {
	m := newMill(HeadStart, 10_000)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		m.core.Choices(CallQueued{Call: "x", Queue: QueueID(fmt.Sprint("q", i%20)), Needs: map[string]int{"s": 1}}, 3, m.now)
	}
}

func benchmarkDecision(b *testing.B, s Strategy, agents, waiting int) {
	m := newMill(s, agents)
	for range agents {
		m.arrive() // busy everybody
	}
	for range waiting {
		m.arrive()
	}
	m.took = m.took[:0]
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		o := m.talks[i]
		m.step(TalkEnded{Agent: o.Agent, Call: o.Call, NoWrapUp: true})
		m.arrive()
	}
	m.report(b)
}

// mill feeds a core and answers what it offers.
type mill struct {
	core  *Core
	rnd   *rand.Rand
	now   time.Time
	calls int
	talks []Offer         // answered, in order
	took  []time.Duration // of Steps
}

func newMill(s Strategy, agents int) *mill { return newMillOf(s, agents, func(int, *Agent) {}) }

func newMillOf(s Strategy, agents int, change func(int, *Agent)) *mill {
	m := &mill{core: New(Config{}), rnd: rand.New(rand.NewPCG(1, 2)), now: t0}
	ev := Configure{}
	for q := range 20 {
		ev.Queues = append(ev.Queues, Queue{ID: QueueID(fmt.Sprint("q", q)), Strategy: s, H: 30 * time.Second, G: time.Minute, MaxWait: 1000 * time.Hour})
	}
	for i := range agents {
		a := Agent{ID: AgentID(fmt.Sprintf("a%05d", i)), Skills: map[string]int{"s": i % 4}, Languages: []string{"en", "zh"}[i%2:]}
		for n := range 4 {
			a.Queues = append(a.Queues, QueueID(fmt.Sprint("q", (i+5*n)%20)))
		}
		change(i, &a)
		ev.Agents = append(ev.Agents, a)
	}
	m.core.Step(m.now, ev)
	for _, a := range ev.Agents {
		m.step(Reachable{a.ID, true})
		m.step(Ready{a.ID})
	}
	return m
}

var began = time.Now()

// clock measures Steps; on a machine that does other work the time of the thread
// would be the better one.
var clock = func() time.Duration { return time.Since(began) }

// Steps beyond this number are not timed one by one.
const timedSteps = 1_000_000

func (m *mill) step(ev Event) {
	m.now = m.now.Add(time.Millisecond)
	start := clock()
	out := m.core.Step(m.now, ev)
	if len(m.took) < timedSteps {
		m.took = append(m.took, clock()-start)
	}
	for _, cmd := range out {
		o, ok := cmd.(Offer)
		if !ok {
			continue
		}
		if m.core.offers[o.ID] == nil { // another phone was faster
			continue
		}
		m.talks = append(m.talks, o)
		m.step(OfferAnswered{o.ID})
	}
}

// cycle is a call that arrives, is answered, and ends.
func (m *mill) cycle() {
	m.arrive()
	o := m.talks[len(m.talks)-1]
	m.step(TalkEnded{Agent: o.Agent, Call: o.Call, NoWrapUp: true})
}

func (m *mill) arrive() {
	m.calls++
	n := m.rnd.Uint32()
	m.step(CallQueued{
		Call: CallID(fmt.Sprintf("c%08d", m.calls)), Queue: QueueID(fmt.Sprint("q", n%20)), Since: m.now,
		Language: []string{"en", "zh"}[n>>8&1], Needs: map[string]int{"s": int(n >> 16 % 3)}, Standing: float64(n>>20%100) / 100, Customer: fmt.Sprint("u", n%100_000),
	})
}

func (m *mill) report(b *testing.B) {
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "decisions/s")
	slices.Sort(m.took)
	b.ReportMetric(float64(m.took[len(m.took)/2].Nanoseconds()), "p50-ns/step")
	b.ReportMetric(float64(m.took[len(m.took)*99/100].Nanoseconds()), "p99-ns/step")
}
