package acd

import (
	"fmt"
	"testing"
	"time"
)

// nothing is a reality without calls and phones.
var nothing = Reality{
	Call:     func(CallID) bool { return false },
	Phone:    func(AgentID) bool { return false },
	Occupied: func(AgentID) bool { return false },
}

// beds is a Core with ann in talk with c1, bob offered c2, cid in a call outside,
// and c3 waiting.
func beds() *Core {
	c := New(Config{})
	ev := Configure{Queues: []Queue{{ID: "q", RingTimeout: time.Hour}}}
	for _, id := range []AgentID{"ann", "bob", "cid"} {
		ev.Agents = append(ev.Agents, Agent{ID: id, Queues: []QueueID{"q"}})
	}
	c.Step(t0, ev)
	for _, id := range []AgentID{"ann", "bob", "cid"} {
		c.Step(t0, Reachable{id, true})
	}
	c.Step(t0, Occupied{"cid", true})
	for i, id := range []AgentID{"ann", "bob", "cid"} {
		c.Step(t0, Ready{id})
		for _, cmd := range c.Step(t0, CallQueued{Call: CallID(fmt.Sprint("c", i+1)), Queue: "q"}) {
			if o, ok := cmd.(Offer); ok && id == "ann" {
				c.Step(t0, OfferAnswered{o.ID})
			}
		}
	}
	return c
}

func TestWhatIsGoneIsFreedAfterTwoLooks(t *testing.T) {
	calls := func(CallID) bool { return true }
	for _, tt := range []struct {
		name string
		real Reality
		want string
	}{
		{"all is well", Reality{calls, func(AgentID) bool { return true }, func(AgentID) bool { return true }}, "[]"},
		{"no phone is in a call", Reality{calls, nothing.Phone, func(AgentID) bool { return true }},
			"[acd.TalkEnded{ann c1} acd.OfferRefused{unreachable}]"},
		{"the call outside has ended", Reality{calls, func(AgentID) bool { return true }, nothing.Occupied}, "[acd.Occupied{cid false}]"},
		{"nothing is there", nothing, "[acd.CallLeft{c1} acd.CallLeft{c2} acd.CallLeft{c3} acd.Occupied{cid false}]"},
	} {
		c, r := beds(), Reconciler{}
		for i, at := range []time.Duration{0, time.Second, 2*time.Second - 1} {
			if evs := r.Look(c, t0.Add(at), tt.real); len(evs) > 0 {
				t.Errorf("%s: look %d gives %v already", tt.name, i, evs)
			}
		}
		evs := r.Look(c, t0.Add(2*time.Second), tt.real)
		if got := told(evs); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
		for _, ev := range evs {
			c.Step(t0.Add(2*time.Second), ev)
		}
		if err := c.Check(); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if got := c.Stats(); got.Ignored+got.StaleOffers > 0 {
			t.Errorf("%s: %d events ignored, %d stale offers; want each to free something", tt.name, got.Ignored, got.StaleOffers)
		}
	}
}

// told writes events in short.
func told(evs []Event) string {
	list := []string{}
	for _, ev := range evs {
		switch ev := ev.(type) {
		case CallLeft:
			list = append(list, fmt.Sprintf("acd.CallLeft{%s}", ev.Call))
		case TalkEnded:
			list = append(list, fmt.Sprintf("acd.TalkEnded{%s %s}", ev.Agent, ev.Call))
		case OfferRefused:
			list = append(list, fmt.Sprintf("acd.OfferRefused{%v}", ev.How))
		case Occupied:
			list = append(list, fmt.Sprintf("acd.Occupied{%s %v}", ev.Agent, ev.Yes))
		default:
			list = append(list, fmt.Sprintf("%#v", ev))
		}
	}
	return fmt.Sprint(list)
}

func TestWhatComesBackInTimeIsLeftAlone(t *testing.T) {
	c, r := beds(), Reconciler{}
	there := Reality{func(CallID) bool { return true }, func(AgentID) bool { return true }, func(AgentID) bool { return true }}
	for i := range 10 {
		real := nothing
		if i%2 > 0 {
			real = there
		}
		if evs := r.Look(c, t0.Add(time.Duration(i)*time.Second), real); len(evs) > 0 {
			t.Fatalf("look %d gives %v", i, evs)
		}
	}
}

// TestWorkWithoutAPhoneIsNotMissed: a chat needs no leg.
func TestWorkWithoutAPhoneIsNotMissed(t *testing.T) {
	c, r := New(Config{}), Reconciler{}
	c.Step(t0, Configure{Queues: []Queue{{ID: "q"}}, Agents: []Agent{{ID: "ann", Queues: []QueueID{"q"}, Capacity: map[string]int{"chat": 2}}}})
	c.Step(t0, Reachable{"ann", true})
	c.Step(t0, Ready{"ann"})
	c.Step(t0, CallQueued{Call: "c1", Queue: "q", Channel: "chat"})
	c.Step(t0, OfferAnswered{OfferID{N: 1}})
	c.Step(t0, CallQueued{Call: "c2", Queue: "q", Channel: "chat"})
	real := Reality{func(CallID) bool { return true }, nothing.Phone, nothing.Occupied}
	for i := range 3 {
		if evs := r.Look(c, t0.Add(time.Duration(i)*ReconcileEvery), real); len(evs) > 0 {
			t.Fatalf("look %d gives %s", i, told(evs))
		}
	}
}
