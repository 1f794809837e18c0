package acd

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// naive is the strategy as one would write it on a napkin: two slices, sorted
// anew for each assignment, and every pair tried. It knows arrivals, answers,
// declines and ends of talks, and gives the offers as "call agent".
type naive struct {
	h, g   time.Duration
	calls  []naiveCall
	agents []naiveAgent
	apart  map[[2]string]time.Time // back-off ends
}

type naiveCall struct {
	id     string
	since  time.Time
	c      float64
	skill  int
	queue  string
	before bool // Head
}

type naiveAgent struct {
	id     string
	idle   time.Time
	g      float64
	skill  int
	queues []string
}

func (c naiveCall) key(h time.Duration) int64 {
	if c.before {
		return c.since.UnixNano()
	}
	return c.since.UnixNano() - int64(float64(h)*c.c)
}

// assign takes the first pair off again and again.
func (n *naive) assign(now time.Time) (offers []string) {
	first := func(b bool) int {
		if b {
			return 0
		}
		return 1
	}
	slices.SortFunc(n.calls, func(a, b naiveCall) int {
		return cmp.Or(cmp.Compare(first(a.before), first(b.before)), cmp.Compare(a.key(n.h), b.key(n.h)), a.since.Compare(b.since), cmp.Compare(a.id, b.id))
	})
	slices.SortFunc(n.agents, func(a, b naiveAgent) int {
		ka, kb := a.idle.UnixNano()-int64(float64(n.g)*a.g), b.idle.UnixNano()-int64(float64(n.g)*b.g)
		return cmp.Or(cmp.Compare(ka, kb), cmp.Compare(a.id, b.id))
	})
	for i := 0; i < len(n.calls); i++ {
		k := n.calls[i]
		j := slices.IndexFunc(n.agents, func(a naiveAgent) bool {
			return a.skill >= k.skill && slices.Contains(a.queues, k.queue) && !n.apart[[2]string{k.id, a.id}].After(now)
		})
		if j < 0 {
			continue
		}
		offers = append(offers, k.id+" "+n.agents[j].id)
		n.agents = slices.Delete(n.agents, j, j+1)
		n.calls = slices.Delete(n.calls, i, i+1)
		i--
	}
	return offers
}

// napkin drives a Core and the naive strategy through the same random day.
type napkin struct {
	t      *testing.T
	rnd    *rand.Rand
	core   *Core
	naive  *naive
	now    time.Time
	agents []naiveAgent
	calls  map[string]naiveCall
	open   []Offer  // not answered yet
	talks  [][2]any // agent index, call id
	next   int
}

func newNapkin(t *testing.T, seed uint64, h, g time.Duration) *napkin {
	p := &napkin{
		t: t, rnd: rand.New(rand.NewPCG(seed, 1)), core: New(Config{}), now: t0,
		naive: &naive{h: h, g: g, apart: map[[2]string]time.Time{}}, calls: map[string]naiveCall{},
	}
	ev := Configure{}
	for _, q := range []QueueID{"q0", "q1"} {
		ev.Queues = append(ev.Queues, Queue{ID: q, H: h, G: g, BackOff: 20 * time.Second, RingTimeout: time.Hour, Declines: 1 << 30, DeclinesPerCall: 1 << 30})
	}
	for i := range 8 {
		a := naiveAgent{id: fmt.Sprint("a", i), skill: i % 3, queues: []string{"q0", "q1"}[i%2:]}
		p.agents = append(p.agents, a)
		queues := []QueueID{"q0", "q1"}[i%2:]
		ev.Agents = append(ev.Agents, Agent{ID: AgentID(a.id), Skills: map[string]int{"s": a.skill}, Queues: queues})
	}
	p.step(ev)
	for i := range p.agents {
		for n := range i {
			p.step(Rated{Agent: AgentID(p.agents[i].id), Customer: fmt.Sprint("u", n), Contact: fmt.Sprint("x", i, n), Stars: float64(1 + p.rnd.IntN(5)), At: t0})
		}
	}
	for i := range p.agents {
		p.step(Reachable{AgentID(p.agents[i].id), true})
		p.free(i)
		p.step(Ready{AgentID(p.agents[i].id)})
	}
	return p
}

func (p *napkin) free(i int) {
	a := p.agents[i]
	a.idle, a.g = p.now, p.core.grades.grade(AgentID(a.id), "", p.now.UnixNano())
	p.naive.agents = append(p.naive.agents, a)
}

// step compares the offers of one event, which the naive side has already applied.
func (p *napkin) step(ev Event) {
	p.t.Helper()
	var got []string
	for _, cmd := range p.core.Step(p.now, ev) {
		if o, ok := cmd.(Offer); ok {
			got = append(got, string(o.Call)+" "+string(o.Agent))
			p.open = append(p.open, o)
		}
	}
	if want := p.naive.assign(p.now); !slices.Equal(got, want) {
		p.t.Fatalf("at %v after %+v: offers %q, want %q", p.now.Sub(t0), ev, got, want)
	}
}

func (p *napkin) index(a AgentID) int {
	return slices.IndexFunc(p.agents, func(n naiveAgent) bool { return n.id == string(a) })
}

func (p *napkin) run(events int) {
	for range events {
		p.now = p.now.Add(time.Duration(p.rnd.IntN(4000)) * time.Millisecond)
		switch n := p.rnd.IntN(10); {
		case n < 3:
			p.arrive()
		case n < 6 && len(p.open) > 0:
			p.settle(p.rnd.IntN(4) > 0)
		case n < 9 && len(p.talks) > 0:
			i := p.rnd.IntN(len(p.talks))
			talk := p.talks[i]
			p.talks = slices.Delete(p.talks, i, i+1)
			p.free(talk[0].(int))
			p.step(TalkEnded{Agent: AgentID(p.agents[talk[0].(int)].id), Call: talk[1].(CallID)})
		default:
			p.step(Tick{})
		}
	}
}

func (p *napkin) arrive() {
	p.next++
	k := naiveCall{
		id: fmt.Sprintf("c%06d", p.next), since: p.now, c: p.rnd.Float64(), skill: p.rnd.IntN(3),
		queue: []string{"q0", "q1"}[p.rnd.IntN(2)], before: p.rnd.IntN(20) == 0,
	}
	p.calls[k.id] = k
	p.naive.calls = append(p.naive.calls, k)
	ev := CallQueued{Call: CallID(k.id), Queue: QueueID(k.queue), Since: k.since, Standing: k.c, Head: k.before}
	if k.skill > 0 {
		ev.Needs = map[string]int{"s": k.skill}
	}
	p.step(ev)
}

// settle answers or declines an open offer; four declines in a row never happen
// here, for that would pause an agent.
func (p *napkin) settle(answer bool) {
	i := p.rnd.IntN(len(p.open))
	o := p.open[i]
	p.open = slices.Delete(p.open, i, i+1)
	j := p.index(o.Agent)
	if answer || p.core.agents[o.Agent].refusals >= 3 {
		p.talks = append(p.talks, [2]any{j, o.Call})
		p.step(OfferAnswered{o.ID})
		return
	}
	a := p.agents[j]
	a.idle = instant(p.core.agents[o.Agent].idleSince) // a declined offer keeps it
	a.g = p.core.grades.grade(o.Agent, "", p.now.UnixNano())
	p.naive.agents = append(p.naive.agents, a)
	p.naive.calls = append(p.naive.calls, p.calls[string(o.Call)])
	p.naive.apart[[2]string{string(o.Call), a.id}] = p.now.Add(20 * time.Second)
	p.step(OfferRefused{o.ID, Declined})
}

func TestZeroHeadStartsAreFirstComeFirstServedAndLongestIdle(t *testing.T) {
	for seed := range uint64(10) {
		newNapkin(t, seed, 0, 0).run(1000)
	}
}

func TestHeadStartsChooseWhatTheNaiveStrategyChooses(t *testing.T) {
	for seed := range uint64(10) {
		newNapkin(t, seed, 30*time.Second, time.Minute).run(1000)
	}
}
