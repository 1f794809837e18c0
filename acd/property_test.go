package acd

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// rig feeds a Core and the model with the same random events, and looks for what
// is gone as an owner does.
type rig struct {
	core   *Core
	model  *model
	now    time.Time
	real   map[CallID]bool
	lost   map[CallID]time.Time  // calls that ended without a word
	dead   map[AgentID]time.Time // phones whose leg ended without a word
	doubts Reconciler
	look   time.Time
}

func newRig() *rig {
	return &rig{
		core: New(Config{Node: "n", Epoch: 3, Audit: true}), model: newModel(), now: t0, look: t0,
		real: map[CallID]bool{}, lost: map[CallID]time.Time{}, dead: map[AgentID]time.Time{},
	}
}

// apply gives an event to both and compares them.
func (r *rig) apply(t *rapid.T, at time.Time, ev Event) {
	if at.After(r.now) {
		r.now = at
	}
	out := r.core.Step(at, ev)
	t.Logf("%v %T%+v\n\t%v", r.now.Sub(t0), ev, ev, out)
	if err := r.judge(ev, out); err != nil {
		t.Fatalf("%v after %T%+v: %v\ncommands %v", r.now.Sub(t0), ev, ev, err, out)
	}
}

func (r *rig) judge(ev Event, out []Command) error {
	switch ev := ev.(type) {
	case CallQueued:
		r.real[ev.Call] = true
		delete(r.lost, ev.Call)
	case CallLeft:
		delete(r.real, ev.Call)
	case OfferAnswered: // by a phone that is there
		delete(r.dead, r.model.offers[ev.Offer].Agent)
	}
	r.model.hears(r.now, ev)
	for _, cmd := range out {
		if o, ok := cmd.(Offer); ok {
			delete(r.dead, o.Agent) // it is called again
		}
		if err := r.model.obeys(cmd); err != nil {
			return err
		}
	}
	r.model.ends()
	if err := r.core.Check(); err != nil {
		return err
	}
	if err := r.model.settled(r.core); err != nil {
		return err
	}
	return r.stuck()
}

// stuck: nothing is held for what has been gone for 5 s.
func (r *rig) stuck() error {
	for _, id := range slices.Sorted(maps.Keys(r.lost)) {
		if r.model.calls[id] == nil {
			delete(r.lost, id)
		} else if r.now.Sub(r.lost[id]) > 5*time.Second {
			return fmt.Errorf("call %s is gone since %v, but has its place", id, r.lost[id].Sub(t0))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(r.dead)) {
		if d := r.model.desks[id]; d == nil || len(d.rings)+len(d.talks) == 0 {
			delete(r.dead, id)
		} else if r.now.Sub(r.dead[id]) > 5*time.Second {
			return fmt.Errorf("agent %s is stuck: his phone has no leg since %v", id, r.dead[id].Sub(t0))
		}
	}
	return nil
}

// pass lets time go by, with the Ticks and looks that an owner makes.
func (r *rig) pass(t *rapid.T, d time.Duration) {
	until := r.now.Add(d)
	for {
		next := r.look.Add(ReconcileEvery)
		at, ok := r.core.Deadline()
		if ok = ok && !at.After(until) && !at.After(next); ok {
			r.apply(t, at, Tick{})
		} else if next.After(until) {
			break
		} else {
			r.look, r.now = next, later(next, r.core)
			for _, ev := range r.doubts.Look(r.core, next, r.reality()) {
				r.apply(t, next, ev)
			}
			r.model.now = r.now
			if err := r.stuck(); err != nil {
				t.Fatalf("%v after a look: %v", r.now.Sub(t0), err)
			}
		}
	}
	r.now = until
}

func (r *rig) reality() Reality {
	return Reality{
		Call:     func(id CallID) bool { return r.real[id] },
		Phone:    func(id AgentID) bool { return r.dead[id] == time.Time{} },
		Occupied: func(id AgentID) bool { return r.model.desks[id].occupied },
	}
}

// TestAgentsAndCallsAreWhereTheyShouldBe compares the Core with the model over
// random sequences of everything that can happen; see [model.settled] and rig.stuck
// for what has to hold. HOTLINE_SOAK=1 runs 100,000 (TestSoak...).
func TestAgentsAndCallsAreWhereTheyShouldBe(t *testing.T) {
	sequences(t, 2000)
	rapid.Check(t, whatever)
}

func TestSoakAgentsAndCallsAreWhereTheyShouldBe(t *testing.T) {
	if os.Getenv("HOTLINE_SOAK") == "" {
		t.Skip("HOTLINE_SOAK=1 runs 100,000 sequences")
	}
	sequences(t, 25_000)
	for i := range 4 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, whatever)
		})
	}
}

// sequences sets how many rapid runs in this test, unless the command line says so.
func sequences(t *testing.T, n int) {
	for name, value := range map[string]string{"rapid.checks": fmt.Sprint(n), "rapid.steps": "60"} {
		given := false
		flag.Visit(func(f *flag.Flag) { given = given || f.Name == name })
		if given {
			continue
		}
		old := flag.Lookup(name).Value.String()
		if err := flag.CommandLine.Lookup(name).Value.Set(value); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = flag.CommandLine.Lookup(name).Value.Set(old) })
	}
}

// whatever is one sequence: a center, whatever happens in it, and its end.
func whatever(t *rapid.T) {
	r := newRig()
	d := drawer{t, r}
	r.apply(t, t0, d.configuration())
	for i := range mostAgents {
		r.apply(t, t0, Reachable{agentN(i), true})
		if d.chance(80) {
			r.apply(t, t0, Ready{agentN(i)})
		}
	}
	t.Repeat(d.actions())
	r.finish(t)
}

// finish hangs up everything: whoever is logged in must be free again, and
// nothing may be left.
func (r *rig) finish(t *rapid.T) {
	for _, id := range slices.Sorted(maps.Keys(r.model.calls)) {
		r.apply(t, r.now, CallLeft{id})
	}
	for _, id := range slices.Sorted(maps.Keys(r.model.desks)) {
		for _, ev := range []Event{Reachable{id, true}, Occupied{id, false}, Ready{id}} {
			r.apply(t, r.now, ev)
		}
	}
	r.pass(t, 5*time.Minute)
	c := r.core
	if n := cmp.Or(len(c.calls), len(c.talks), len(c.offers), len(c.timers.heap), len(c.dirty)); n > 0 {
		t.Fatalf("%d calls, %d talks, %d offers, %d timers, %d classes are left", len(c.calls), len(c.talks), len(c.offers), len(c.timers.heap), len(c.dirty))
	}
	for _, a := range c.Agents() {
		if !a.Available {
			t.Fatalf("agent %s is %v (%s), should be available", a.ID, a.State, a.Reason)
		}
	}
}

// TestAQueueThatComesBackKeepsItsLimit: found by the above. A call that rang while
// its queue was removed and configured again waits on under the new rule.
func TestAQueueThatComesBackKeepsItsLimit(t *testing.T) {
	ann := []Agent{{ID: "ann", Queues: []QueueID{"q"}}}
	c := New(Config{})
	c.Step(t0, Configure{Queues: []Queue{{ID: "q", RingTimeout: time.Minute}}, Agents: ann})
	c.Step(t0, Reachable{"ann", true})
	c.Step(t0, Ready{"ann"})
	c.Step(t0, CallQueued{Call: "c", Queue: "q"})
	at := t0.Add(20 * time.Second)
	c.Step(at, Configure{Agents: ann})
	c.Step(at, Configure{Queues: []Queue{{ID: "q", MaxWait: 5 * time.Second}}, Agents: ann})
	out := c.Step(at, OfferRefused{OfferID{N: 1}, Declined})
	if got, want := fmt.Sprint(out), "[ann is ready overflow c (max wait)]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
