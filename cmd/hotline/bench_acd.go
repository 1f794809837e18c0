package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"hotline/acd"
)

// decisionRow is how fast the ACD decides in a center of this size.
type decisionRow struct {
	Agents    int     `json:"agents"`
	PerSecond float64 `json:"decisions_per_second"`
	P99       float64 `json:"p99_ms"` // of the step that frees an agent and offers him the next call
}

// mill is a busy center: whoever is offered a call takes it.
type mill struct {
	core   *acd.Core
	random *rand.Rand
	now    time.Time
	calls  int
	offers []acd.Offer
}

// decide runs a center where all agents talk and ten times as many callers wait:
// talks end, agents are offered the next caller and take him, others arrive.
func decide(agents int, long time.Duration) decisionRow {
	m := newMill(agents)
	for range 11 * agents {
		m.arrive()
	}
	var took []time.Duration
	began := time.Now()
	for i := 0; time.Since(began) < long; i++ {
		o := m.offers[i]
		start := time.Now()
		m.step(acd.TalkEnded{Agent: o.Agent, Call: o.Call, NoWrapUp: true})
		took = append(took, time.Since(start))
		m.arrive()
	}
	all := time.Since(began)
	slices.Sort(took)
	return decisionRow{Agents: agents, PerSecond: float64(len(took)) / all.Seconds(), P99: float64(took[(len(took)-1)*99/100]) / 1e6}
}

// millQueues is the number of queues; each agent serves four of them.
const millQueues = 20

func newMill(agents int) *mill {
	m := &mill{core: acd.New(acd.Config{}), random: rand.New(rand.NewPCG(1, 2)), now: time.Unix(1_700_000_000, 0)}
	var c acd.Configure
	for q := range millQueues {
		c.Queues = append(c.Queues, acd.Queue{ID: millQueue(q), H: 30 * time.Second, G: time.Minute})
	}
	for i := range agents {
		a := acd.Agent{ID: acd.AgentID(fmt.Sprintf("a%05d", i)), Skills: map[string]int{"s": i % 4}, Languages: []string{"en", "zh"}[i%2:]}
		for n := range 4 {
			a.Queues = append(a.Queues, millQueue(i+5*n))
		}
		c.Agents = append(c.Agents, a)
	}
	m.step(c)
	for _, a := range c.Agents {
		m.step(acd.Reachable{Agent: a.ID, Yes: true})
		m.step(acd.Ready{Agent: a.ID})
	}
	return m
}

func millQueue(n int) acd.QueueID { return acd.QueueID(fmt.Sprint("q", n%millQueues)) }

// step takes a millisecond of the center's time and answers what is offered.
func (m *mill) step(ev acd.Event) {
	m.now = m.now.Add(time.Millisecond)
	for _, cmd := range m.core.Step(m.now, ev) {
		if o, ok := cmd.(acd.Offer); ok {
			m.offers = append(m.offers, o)
			m.step(acd.OfferAnswered{Offer: o.ID})
		}
	}
}

// arrive queues a caller of any queue, language, need and standing.
func (m *mill) arrive() {
	m.calls++
	n := m.random.Uint32()
	m.step(acd.CallQueued{
		Call: acd.CallID(fmt.Sprintf("c%08d", m.calls)), Queue: millQueue(int(n % millQueues)), Since: m.now,
		Language: []string{"en", "zh"}[n>>8&1], Needs: map[string]int{"s": int(n >> 16 % 3)}, Standing: float64(n>>20%100) / 100,
	})
}
