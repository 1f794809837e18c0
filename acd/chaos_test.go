package acd

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// world draws random events and follows the commands as an owner would.
type world struct {
	t      *rapid.T
	core   *Core
	now    time.Time
	live   map[OfferID]Offer // offers that ring, by the commands alone
	states map[AgentID]AgentChanged
	past   []OfferID
	calls  map[CallID]time.Time // every call that was queued, with its arrival
	log    []stamped
	out    [][]Command
}

type stamped struct {
	at time.Time
	ev Event
}

func newWorld(t *rapid.T) *world {
	return &world{
		t: t, core: New(Config{Node: "n", Epoch: 7, Audit: true}), now: t0, live: map[OfferID]Offer{},
		states: map[AgentID]AgentChanged{}, calls: map[CallID]time.Time{},
	}
}

var (
	someQueues    = []QueueID{"q1", "q2", "q3"}
	someLanguages = []string{"", "en", "zh"}
	someSkills    = []string{"sell", "bill"}
)

func (w *world) agentID() AgentID {
	return AgentID(fmt.Sprintf("a%d", rapid.IntRange(0, 9).Draw(w.t, "agent")))
}

func (w *world) callID() CallID {
	return CallID(fmt.Sprintf("c%d", rapid.IntRange(0, 39).Draw(w.t, "call")))
}

func (w *world) seconds(most int) time.Duration {
	return time.Duration(rapid.IntRange(0, most).Draw(w.t, "seconds")) * time.Second
}

func (w *world) chance(percent int) bool {
	return rapid.IntRange(1, 100).Draw(w.t, "chance") <= percent
}

// number is a pointer to a small number, or nil.
func (w *world) number(most int) *int {
	n := rapid.IntRange(-1, most).Draw(w.t, "number")
	if n < 0 {
		return nil
	}
	return &n
}

// names draws some agents now and then.
func (w *world) names() []AgentID {
	if !w.chance(10) {
		return nil
	}
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) AgentID {
		return AgentID(fmt.Sprintf("a%d", rapid.IntRange(0, 10).Draw(t, "agent")))
	}), 1, 3).Draw(w.t, "names")
}

func (w *world) queued() CallQueued {
	ev := CallQueued{
		Call: w.callID(), Queue: rapid.SampledFrom(someQueues).Draw(w.t, "queue"), Since: w.now.Add(-w.seconds(30)),
		Language: rapid.SampledFrom(someLanguages).Draw(w.t, "language"), Needs: w.levels(),
		Standing: rapid.Float64Range(0, 1).Draw(w.t, "c"), Head: w.chance(5), Leave: w.chance(10), Control: w.chance(10),
		Only: w.names(), First: w.names(), FirstFor: w.seconds(30), Never: w.names(),
		Category: rapid.SampledFrom([]string{"", "attitude", "knowledge"}).Draw(w.t, "category"),
	}
	if w.chance(50) {
		ev.Customer = fmt.Sprint("u", rapid.IntRange(0, 4).Draw(w.t, "customer"))
	}
	if w.chance(15) {
		ev.Channel, ev.Weight = "chat", rapid.IntRange(0, 3).Draw(w.t, "weight")
	}
	if w.chance(10) {
		ev.Also = []QueueID{rapid.SampledFrom(someQueues).Draw(w.t, "also")}
	}
	if w.chance(10) {
		ev.Priority = w.seconds(60)
	}
	return ev
}

func (w *world) levels() map[string]int {
	m := map[string]int{}
	for _, s := range someSkills {
		if w.chance(25) {
			m[s] = rapid.IntRange(0, 2).Draw(w.t, "level")
		}
	}
	return m
}

func (w *world) configuration() Configure {
	var ev Configure
	for _, id := range someQueues {
		if w.chance(10) {
			continue
		}
		ev.Queues = append(ev.Queues, Queue{
			ID: id, H: w.seconds(60), G: w.seconds(2) * 30, RingTimeout: w.seconds(20), WrapUp: w.seconds(15), BackOff: w.seconds(40),
			MaxWait: w.seconds(1) * 90, MaxLength: rapid.IntRange(0, 1).Draw(w.t, "limited") * 15, Needs: w.levels(),
			LeaveWhenNobody: w.chance(20), MissedNotReady: w.chance(50),
			Strategy: rapid.SampledFrom(Strategies).Draw(w.t, "strategy"), Priority: w.seconds(1) * 20, T: w.seconds(100), Window: w.seconds(1) * 600,
			Overtakes: w.number(3), Skips: w.number(3), Sight: rapid.IntRange(0, 4).Draw(w.t, "sight"), RingMost: rapid.IntRange(0, 3).Draw(w.t, "most"),
			Declines: rapid.IntRange(-1, 3).Draw(w.t, "declines"), Relax: []Relax{{w.seconds(60), w.levels()}, {w.seconds(60), w.levels()}},
		})
	}
	for i := range 10 {
		if w.chance(10) {
			continue
		}
		a := Agent{ID: AgentID(fmt.Sprintf("a%d", i)), Skills: map[string]int{"sell": i % 3, "bill": i % 2 * 2}}
		if i%3 > 0 {
			a.Languages = someLanguages[1 : 1+i%3]
		}
		for _, q := range someQueues {
			if w.chance(60) {
				a.Queues = append(a.Queues, q)
			}
		}
		if w.chance(30) {
			d := w.seconds(10)
			a.WrapUp = &d
		}
		if w.chance(40) {
			a.Capacity = map[string]int{"chat": rapid.IntRange(0, 4).Draw(w.t, "capacity")}
		}
		a.Order = rapid.IntRange(0, 2).Draw(w.t, "order")
		ev.Agents = append(ev.Agents, a)
	}
	return ev
}

// offerID is mostly one that rings.
func (w *world) offerID() OfferID {
	var ringing []OfferID
	for n := uint64(1); n <= w.core.offered; n++ {
		if id := (OfferID{"n", 7, n}); w.core.offers[id] != nil {
			ringing = append(ringing, id)
		}
	}
	if len(ringing) == 0 || w.chance(5) {
		return OfferID{"n", 7, uint64(rapid.IntRange(0, 50).Draw(w.t, "offer"))}
	}
	return rapid.SampledFrom(ringing).Draw(w.t, "offer")
}

func (w *world) draw() Event {
	switch n := rapid.IntRange(0, 99).Draw(w.t, "event"); {
	case n < 1:
		return w.configuration()
	case n < 25:
		return w.queued()
	case n < 30:
		return CallLeft{w.callID()}
	case n < 34:
		return LogIn{w.agentID(), w.chance(70)}
	case n < 44:
		return Ready{w.agentID()}
	case n < 47:
		return NotReady{w.agentID(), "lunch"}
	case n < 48:
		return LogOut{w.agentID()}
	case n < 56:
		return Reachable{w.agentID(), w.chance(90)}
	case n < 60:
		return Occupied{w.agentID(), w.chance(40)}
	case n < 70:
		return OfferAnswered{w.offerID()}
	case n < 78:
		return OfferRefused{w.offerID(), Refusal(rapid.IntRange(0, 6).Draw(w.t, "how"))}
	case n < 88:
		return w.end()
	case n < 89:
		return WrapUpDone{w.agentID()}
	case n < 90:
		return WrapUpExtended{w.agentID(), 20 * time.Second}
	case n < 94:
		return Rated{
			Agent: w.agentID(), Customer: fmt.Sprint("u", rapid.IntRange(0, 4).Draw(w.t, "customer")),
			Contact: fmt.Sprint("x", rapid.IntRange(0, 50).Draw(w.t, "contact")), Stars: float64(rapid.IntRange(1, 5).Draw(w.t, "stars")), At: w.now,
		}
	case n < 95:
		return Unrated{fmt.Sprint("x", rapid.IntRange(0, 50).Draw(w.t, "contact"))}
	case n < 96:
		return Rekey{w.callID(), w.seconds(60), w.chance(20)}
	case n < 97:
		return RatedCustomer{
			Agent: w.agentID(), Customer: fmt.Sprint("u", rapid.IntRange(0, 4).Draw(w.t, "customer")),
			Contact: fmt.Sprint("x", rapid.IntRange(0, 50).Draw(w.t, "contact")), Stars: float64(rapid.IntRange(1, 5).Draw(w.t, "stars")), At: w.now,
		}
	}
	return Tick{}
}

func (w *world) end() Event {
	id := w.agentID()
	ev := TalkEnded{Agent: id, Call: w.callID(), NoWrapUp: w.chance(20), PhoneDied: w.chance(20)}
	if a := w.core.agents[id]; a != nil && len(a.items) > 0 {
		ev.Call = a.items[0].id
	} else if a != nil && a.activity == activityTalking {
		ev.Call = a.call
	}
	return ev
}

// step advances up to five seconds, with the Ticks that an owner would give. Now
// and then the clock jumps by an hour.
func (w *world) step(ev Event) {
	if w.chance(1) {
		w.apply(w.now.Add(time.Hour-2*time.Hour*time.Duration(rapid.IntRange(0, 1).Draw(w.t, "back"))), Tick{})
	}
	until := w.now.Add(time.Duration(rapid.IntRange(0, 5000).Draw(w.t, "ms")) * time.Millisecond)
	for at, ok := w.core.Deadline(); ok && at.Before(until); at, ok = w.core.Deadline() {
		w.apply(at, Tick{})
	}
	w.apply(until, ev)
	if k, ok := ev.(TalkEnded); ok && k.PhoneDied && w.calls[k.Call] != (time.Time{}) {
		w.apply(until, CallQueued{Call: k.Call, Queue: "q1", Since: w.calls[k.Call], Standing: 0.5, Head: true})
	}
}

func (w *world) apply(at time.Time, ev Event) {
	w.now = at
	if k, ok := ev.(CallQueued); ok {
		w.calls[k.Call] = k.Since
	}
	out := w.core.Step(at, ev)
	w.log, w.out = append(w.log, stamped{at, ev}), append(w.out, out)
	if err := w.core.Check(); err != nil {
		w.t.Fatalf("after %#v: %v", ev, err)
	}
	w.follow(ev, out)
}

// follow keeps the owner's picture by the commands and compares it with the core's.
func (w *world) follow(ev Event, out []Command) {
	switch ev := ev.(type) {
	case OfferAnswered:
		delete(w.live, ev.Offer)
	case OfferRefused:
		delete(w.live, ev.Offer)
	}
	for _, cmd := range out {
		switch cmd := cmd.(type) {
		case Offer:
			if len(w.past) > 0 && w.past[len(w.past)-1].N >= cmd.ID.N {
				w.t.Fatalf("offer %v is not new", cmd.ID)
			}
			w.past = append(w.past, cmd.ID)
			w.live[cmd.ID] = cmd
		case Withdraw:
			if _, ok := w.live[cmd.ID]; !ok {
				w.t.Fatalf("withdraws offer %v, which does not ring", cmd.ID)
			}
			delete(w.live, cmd.ID)
		case AgentChanged:
			w.states[cmd.Agent] = cmd
			if cmd.Reason == ReasonRemoved {
				delete(w.states, cmd.Agent)
			}
		}
	}
	if len(w.live) != len(w.core.offers) {
		w.t.Fatalf("owner believes in %d offers, core has %d", len(w.live), len(w.core.offers))
	}
	for _, a := range w.core.Agents() {
		if s, ok := w.states[a.ID]; ok && (s.State != a.State || s.Reason != a.Reason || s.Call != a.Call || !s.Since.Equal(a.Since)) {
			w.t.Fatalf("owner believes %v, core has %+v", s, a)
		}
	}
}

// TestWhateverHappensTheInvariantsHold also replays each history through the
// journal and wants the same commands.
func TestWhateverHappensTheInvariantsHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		w.apply(t0, w.configuration())
		for i := range 10 {
			w.apply(t0, Reachable{AgentID(fmt.Sprintf("a%d", i)), true})
		}
		for range rapid.IntRange(100, 1200).Draw(t, "events") {
			w.step(w.draw())
		}
		again := New(Config{Node: "n", Epoch: 7})
		for i, s := range w.log {
			line, err := EncodeEvent(s.ev)
			if err != nil {
				t.Fatal(err)
			}
			ev, err := DecodeEvent(line)
			if err != nil {
				t.Fatal(err)
			}
			if got := again.Step(s.at, ev); !reflect.DeepEqual(got, w.out[i]) {
				t.Fatalf("replay of %s gave\n%v\nwant\n%v", line, got, w.out[i])
			}
		}
	})
}
