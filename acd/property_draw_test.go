package acd

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"pgregory.net/rapid"
)

// The center is small, so that everything meets everything else.
const (
	mostAgents = 5
	mostCalls  = 16
)

func agentN(i int) AgentID { return AgentID(fmt.Sprint("a", i)) }

// drawer draws what happens.
type drawer struct {
	t   *rapid.T
	rig *rig
}

func (d drawer) number(what string, least, most int) int {
	return rapid.IntRange(least, most).Draw(d.t, what)
}

// chance is true in so many of a hundred; it shrinks to false.
func (d drawer) chance(percent int) bool {
	return rapid.IntRange(0, 99).Draw(d.t, "chance") >= 100-percent
}

func (d drawer) agent() AgentID { return agentN(d.number("agent", 0, mostAgents-1)) }

func (d drawer) call() CallID { return CallID(fmt.Sprint("c", d.number("call", 0, mostCalls-1))) }

func (d drawer) agents(percent int) (list []AgentID) {
	if d.chance(percent) {
		for range d.number("agents", 1, 2) {
			list = append(list, d.agent())
		}
	}
	return list
}

func (d drawer) queue() QueueID { return rapid.SampledFrom(someQueues).Draw(d.t, "queue") }

func (d drawer) seconds(percent, least, most int) time.Duration {
	if !d.chance(percent) {
		return 0
	}
	return time.Duration(d.number("seconds", least, most)) * time.Second
}

func (d drawer) levels(percent int) map[string]int {
	m := map[string]int{}
	for _, s := range someSkills {
		if d.chance(percent) {
			m[s] = d.number("level", 0, 2)
		}
	}
	return m
}

func (d drawer) optional(most int) *int {
	if d.chance(50) {
		n := d.number("optional", 0, most)
		return &n
	}
	return nil
}

func (d drawer) configuration() Configure {
	var ev Configure
	for _, id := range someQueues {
		if d.chance(5) {
			continue
		}
		q := Queue{
			ID: id, Strategy: rapid.SampledFrom(Strategies).Draw(d.t, "strategy"), Priority: d.seconds(20, 0, 100), H: d.seconds(50, 0, 60), G: d.seconds(50, 0, 90),
			Overtakes: d.optional(3), Skips: d.optional(3), Sight: d.number("sight", 0, 3), RingMost: d.number("ring most", 0, 3),
			RingTimeout: d.seconds(50, 1, 20), WrapUp: d.seconds(50, 1, 10), BackOff: d.seconds(50, 1, 40), MaxWait: d.seconds(15, 5, 90),
			MaxLength: d.number("limit", 0, 1) * d.number("length", 0, 4), Needs: d.levels(10), Declines: d.number("declines", -1, 3), DeclinesPerCall: d.number("per call", -1, 2),
			LeaveWhenNobody: d.chance(15), MissedNotReady: d.chance(30),
		}
		for range d.number("steps", 0, 2) {
			q.Relax = append(q.Relax, Relax{d.seconds(90, 1, 30), d.levels(60)})
		}
		if d.chance(30) {
			band := 0.0
			q.Band = &band
		}
		ev.Queues = append(ev.Queues, q)
	}
	for i := range mostAgents {
		if !d.chance(5) {
			ev.Agents = append(ev.Agents, d.agentRule(i))
		}
	}
	ev.Grades = GradeRules{Burst: d.number("burst", 0, 2), Recovery: 0.2}
	return ev
}

func (d drawer) agentRule(i int) Agent {
	a := Agent{ID: agentN(i), Skills: map[string]int{"sell": i % 3, "bill": i % 2 * 2}, Order: d.number("order", 0, 2)}
	if i == 3 {
		a.Languages = someLanguages[1:2]
	}
	for _, q := range someQueues {
		if d.chance(70) {
			a.Queues = append(a.Queues, q)
		}
	}
	if d.chance(20) {
		wrapUp := d.seconds(70, 1, 10)
		a.WrapUp = &wrapUp
	}
	if d.chance(40) {
		a.Capacity = map[string]int{"chat": d.number("capacity", 1, 3)}
	}
	return a
}

func (d drawer) queued(id CallID) CallQueued {
	ev := CallQueued{
		Call: id, Queue: d.queue(), Since: d.rig.now.Add(-d.seconds(30, 0, 40)), Needs: d.levels(15), Standing: float64(d.number("standing", 0, 4)) / 4,
		Head: d.chance(5), Leave: d.chance(5), Priority: d.seconds(10, 0, 60), Control: d.chance(10),
		Only: d.agents(8), First: d.agents(30), Never: d.agents(10), FirstFor: d.seconds(90, 1, 20),
	}
	if d.chance(20) {
		ev.Language = rapid.SampledFrom(someLanguages).Draw(d.t, "language")
	}
	if d.chance(15) {
		ev.Also = []QueueID{d.queue()}
	}
	if d.chance(25) {
		ev.Channel, ev.Weight = "chat", d.number("weight", 0, 2)
	}
	if d.chance(30) {
		ev.Customer = fmt.Sprint("u", d.number("customer", 0, 2))
	}
	if d.chance(30) {
		ev.Category = rapid.SampledFrom(ratedItems).Draw(d.t, "category")
	}
	return ev
}

// offer is mostly one that rings.
func (d drawer) offer() OfferID {
	ringing := slices.SortedFunc(maps.Keys(d.rig.model.offers), func(a, b OfferID) int { return cmp.Compare(a.N, b.N) })
	if len(ringing) == 0 || d.chance(5) {
		return OfferID{"n", 3, uint64(d.number("stale offer", 0, 40))}
	}
	return rapid.SampledFrom(ringing).Draw(d.t, "offer")
}

// talk is mostly one that goes on.
func (d drawer) talk() (AgentID, CallID) {
	var talks []*ticket
	for _, id := range slices.Sorted(maps.Keys(d.rig.model.calls)) {
		if k := d.rig.model.calls[id]; k.agent != "" {
			talks = append(talks, k)
		}
	}
	if len(talks) == 0 || d.chance(5) {
		return d.agent(), d.call()
	}
	k := talks[d.number("talk", 0, len(talks)-1)]
	return k.agent, k.Call
}

// actions are what can happen; a name stands twice where it shall be frequent.
// Most happen at the instant of the one before.
func (d drawer) actions() map[string]func(*rapid.T) {
	r := d.rig
	at := func(f func() Event) func(*rapid.T) {
		return func(t *rapid.T) { r.apply(t, r.now, f()) }
	}
	join := at(func() Event { return d.queued(d.call()) })
	answer := at(func() Event { return OfferAnswered{d.offer()} })
	wait := func(t *rapid.T) { r.pass(t, time.Duration(d.number("ms", 0, 6000))*time.Millisecond) }
	return map[string]func(*rapid.T){
		"join": join, "join again": join, "join too": join, "answer": answer, "answer too": answer,
		"wait": wait, "wait again": wait, "wait long": func(t *rapid.T) { r.pass(t, time.Duration(d.number("s", 1, 60))*time.Second) },
		"hang up": at(func() Event { return CallLeft{d.call()} }),
		"decline": at(func() Event { return OfferRefused{d.offer(), Declined} }),
		"refuse": at(func() Event {
			return OfferRefused{d.offer(), []Refusal{Declined, Busy, NoAnswer, PhoneUnreachable, CallerGone, SentOn}[d.number("how", 0, 5)]}
		}),
		"ready":      at(func() Event { return Ready{d.agent()} }),
		"log in":     at(func() Event { return LogIn{d.agent(), d.chance(80)} }),
		"not ready":  at(func() Event { return NotReady{d.agent(), "lunch"} }),
		"log out":    at(func() Event { return LogOut{d.agent()} }),
		"reachable":  at(func() Event { return Reachable{d.agent(), d.chance(70)} }),
		"occupied":   at(func() Event { return Occupied{d.agent(), d.chance(40)} }),
		"wrapped up": at(func() Event { return WrapUpDone{d.agent()} }),
		"end": at(func() Event {
			agent, call := d.talk()
			return TalkEnded{agent, call, d.chance(20), d.chance(10)}
		}),
		"transfer": at(func() Event {
			_, call := d.talk()
			return d.queued(call)
		}),
		"configure": at(func() Event { return d.configuration() }),
		"rekey":     at(func() Event { return Rekey{d.call(), d.seconds(80, 0, 4000), d.chance(30)} }),
		"rate": at(func() Event {
			return Rated{Agent: d.agent(), Customer: "u0", Contact: fmt.Sprint("x", d.number("contact", 0, 9)), Stars: float64(d.number("stars", 1, 5))}
		}),
		"rate customer": at(func() Event {
			return RatedCustomer{Agent: d.agent(), Customer: fmt.Sprint("u", d.number("customer", 0, 2)), Contact: fmt.Sprint("x", d.number("contact", 0, 9)), Stars: float64(d.number("stars", 1, 5))}
		}),
		"vanish": func(*rapid.T) {
			if id := d.call(); r.model.calls[id] != nil {
				delete(r.real, id)
				r.lost[id] = r.now
			}
		},
		"phone dies": func(*rapid.T) { d.phoneDies() },
		"clock set back": func(t *rapid.T) {
			r.apply(t, r.now.Add(-time.Hour), Tick{})
		},
	}
}

// phoneDies takes away the leg of an agent who has a voice call.
func (d drawer) phoneDies() {
	id := d.agent()
	if desk := d.rig.model.desks[id]; desk != nil {
		if _, call := d.rig.model.whole(desk); call != "" && desk.wraps == "" && d.rig.dead[id] == (time.Time{}) {
			d.rig.dead[id] = d.rig.now
		}
	}
}
