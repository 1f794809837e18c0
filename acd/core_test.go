package acd

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

// small is a core with one queue and ready agents.
func small(q Queue, agents ...AgentID) *Core {
	c := New(Config{Node: "n", Epoch: 3})
	ev := Configure{Queues: []Queue{q}}
	for _, id := range agents {
		ev.Agents = append(ev.Agents, Agent{ID: id, Queues: []QueueID{q.ID}})
	}
	c.Step(t0, ev)
	for _, id := range agents {
		c.Step(t0, Reachable{id, true})
		c.Step(t0, Ready{id})
	}
	return c
}

func TestDeadlineIsTheNextThingDue(t *testing.T) {
	c := small(Queue{ID: "q", MaxWait: time.Minute, RingTimeout: 20 * time.Second, WrapUp: 5 * time.Second}, "ann")
	if at, ok := c.Deadline(); ok {
		t.Errorf("an idle core is due at %v", at)
	}
	offer := c.Step(t0, CallQueued{Call: "c1", Queue: "q"})[0].(Offer)
	want := func(d time.Duration) {
		t.Helper()
		if at, ok := c.Deadline(); !ok || !at.Equal(t0.Add(d)) {
			t.Errorf("due at %v %v, want after %v", at, ok, d)
		}
	}
	want(20 * time.Second)
	if !offer.Deadline.Equal(t0.Add(20 * time.Second)) {
		t.Errorf("offer's deadline is %v", offer.Deadline)
	}
	c.Step(t0, OfferAnswered{offer.ID})
	if at, ok := c.Deadline(); ok {
		t.Errorf("in talk, due at %v", at)
	}
	c.Step(t0, CallQueued{Call: "c2", Queue: "q"})
	want(time.Minute)
	c.Step(t0, TalkEnded{Agent: "ann", Call: "c1"})
	want(5 * time.Second)
}

func TestAnAnswerThatRacesTheDeadlineWins(t *testing.T) {
	c := small(Queue{ID: "q"}, "ann")
	o := c.Step(t0, CallQueued{Call: "c1", Queue: "q"})[0].(Offer)
	c.Step(o.Deadline.Add(time.Second), OfferAnswered{o.ID})
	if got := c.Agents()[0].State; got != Talking {
		t.Errorf("agent is %v, want talking", got)
	}
}

func TestAClockSetBackDoesNotTurnTimeBack(t *testing.T) {
	c := small(Queue{ID: "q"}, "ann")
	c.Step(t0.Add(time.Hour), Tick{})
	o := c.Step(t0, CallQueued{Call: "c1", Queue: "q", Since: t0.Add(2 * time.Hour)})[0].(Offer)
	if want := t0.Add(time.Hour + defaultRingTimeout); !o.Deadline.Equal(want) || !o.Reason.Calls[0].Since.Equal(t0.Add(time.Hour)) {
		t.Errorf("deadline %v, since %v; want %v and an arrival not in the future", o.Deadline, o.Reason.Calls[0].Since, want)
	}
}

func TestStrangeNumbersDoNoHarm(t *testing.T) {
	c := small(Queue{ID: "q", H: -time.Hour, G: -1, RingTimeout: -1, BackOff: -5, MaxLength: -1, WrapUp: -1}, "ann")
	for i, s := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), -3, 7} {
		c.Step(t0, CallQueued{Call: CallID(fmt.Sprint("c", i)), Queue: "q", Standing: s, Since: time.Unix(-1<<40, 0)})
		if err := c.Check(); err != nil {
			t.Fatal(err)
		}
	}
	c.Step(time.Unix(1<<50, 0), Tick{})
	if err := c.Check(); err != nil {
		t.Fatal(err)
	}
}

func TestUnknownNamesAreCountedAndIgnored(t *testing.T) {
	c := small(Queue{ID: "q"})
	for _, ev := range []Event{
		LogIn{Agent: "x"}, Ready{"x"}, NotReady{"x", ""}, LogOut{"x"}, Reachable{"x", true}, Occupied{"x", true}, WrapUpDone{"x"}, WrapUpExtended{"x", time.Second},
		TalkEnded{Agent: "x"}, CallLeft{"x"}, Unrated{"x"},
	} {
		if out := c.Step(t0, ev); len(out) > 0 {
			t.Errorf("%T of a stranger gave %v", ev, out)
		}
	}
	if got := c.Stats().Ignored; got != 11 {
		t.Errorf("%d events ignored, want 11", got)
	}
	if _, _, ok := c.Position("x"); ok {
		t.Error("an unknown call has a position")
	}
}

// TestNewNeedsForeverCostNoMemory: callers with ever new needs leave no classes behind.
func TestNewNeedsForeverCostNoMemory(t *testing.T) {
	c := small(Queue{ID: "q"}, "ann", "bob")
	c.Step(t0, CallQueued{Call: "stays", Queue: "q", Needs: map[string]int{"rare": 1}})
	c.Step(t0, NotReady{Agent: "ann"})
	for i := range 3 * minSweep {
		c.Step(t0, CallQueued{Call: "c", Queue: "q", Needs: map[string]int{fmt.Sprint("s", i): 0}})
		c.Step(t0, CallLeft{"c"})
		if i%500 == 0 {
			if err := c.Check(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := len(c.classes); got > minSweep {
		t.Errorf("%d classes, want at most %d", got, minSweep)
	}
	if pos, _, ok := c.Position("stays"); !ok || pos != 1 {
		t.Errorf("the waiting call is at %d, %v", pos, ok)
	}
	if err := c.Check(); err != nil {
		t.Fatal(err)
	}
}

func TestSnapshotShowsAgentsAndQueues(t *testing.T) {
	c := small(Queue{ID: "q", WrapUp: 10 * time.Second}, "ann", "bob")
	o := c.Step(t0, CallQueued{Call: "c1", Queue: "q"})[0].(Offer)
	c.Step(t0, OfferAnswered{o.ID})
	c.Step(t0, CallQueued{Call: "c2", Queue: "q"})
	c.Step(t0, CallQueued{Call: "c3", Queue: "q", Since: t0.Add(-time.Minute)})
	c.Step(t0.Add(5*time.Second), LogOut{"ann"})
	s := c.Snapshot()
	q := s.Queues[0]
	if q.Waiting != 1 || q.Offered != 1 || q.Talking != 1 || q.LoggedIn != 2 || q.Ready != 0 || q.Longest != 65*time.Second || q.Starts != 1 {
		t.Errorf("queue is %+v", q)
	}
	ann, bob := s.Agents[0], s.Agents[1]
	if ann.State != Talking || ann.Next != LoggedOut || ann.Call != "c1" || bob.State != Offered || bob.Offer.N != 2 || bob.Offer.String() != "n-3-2" {
		t.Errorf("agents are %+v and %+v", ann, bob)
	}
	if !s.At.Equal(t0.Add(5 * time.Second)) {
		t.Errorf("snapshot is of %v", s.At)
	}
}

// TestPositionsAreTheOrderOfKeys: all waiting calls together have the positions
// 1..n behind the offered ones, over classes too.
func TestPositionsAreTheOrderOfKeys(t *testing.T) {
	c := small(Queue{ID: "q", H: time.Minute, RingTimeout: time.Hour}, "ann")
	c.Step(t0, CallQueued{Call: "rings", Queue: "q"})
	for i := range 20 {
		c.Step(t0.Add(time.Duration(i)*time.Second), CallQueued{
			Call: CallID(fmt.Sprint("c", i)), Queue: "q", Standing: float64(i%4) / 3, Language: []string{"", "en", "zh"}[i%3], Head: i == 13,
		})
	}
	for i, k := range c.waitingIn(c.queues["q"]) {
		if pos, _, ok := c.Position(k.Call); !ok || pos != i+2 {
			t.Errorf("%s is at %d, want %d", k.Call, pos, i+2)
		}
	}
	if pos, _, _ := c.Position("rings"); pos != 1 {
		t.Errorf("the offered call is at %d, want 1", pos)
	}
	if pos, _, _ := c.Position("c13"); pos != 2 {
		t.Errorf("the returned call is at %d, want 2", pos)
	}
}

func TestEveryEventSurvivesTheJournal(t *testing.T) {
	wrapUp, half, seven := 7*time.Second, 0.5, 7
	for _, ev := range []Event{
		Configure{
			[]Queue{{
				"q", Accumulating, 1, time.Second, time.Minute, 1.5, 5, &half, 6, &seven, &seven, 9, &half, 3, 15 * time.Second, 1, 2, 3, 4,
				map[string]int{"s": 2}, []Relax{{time.Minute, map[string]int{"s": 1}}}, 5, 2, true, true,
			}},
			[]Agent{{"ann", map[string]int{"s": 3}, []string{"en"}, []QueueID{"q"}, &wrapUp, 2, map[string]int{"chat": 3}}},
			GradeRules{time.Hour, 4, 6, 1.2, 0.1, 0.8, 9},
		},
		CallQueued{
			"c", "q", t0, "zh", map[string]int{"s": 1}, "bob", 0.25, true, true, "chat", 2, time.Second, "knowledge", 0.1,
			[]AgentID{"ann"}, []QueueID{"r"}, []AgentID{"ann"}, time.Minute, []AgentID{"bob"}, true, true,
		},
		CallLeft{"c"}, LogIn{"ann", true}, Ready{"ann"},
		NotReady{"ann", "lunch"}, LogOut{"ann"}, Reachable{"ann", true}, Occupied{"ann", true}, OfferAnswered{OfferID{"n", 1, 2}},
		OfferRefused{OfferID{"n", 1, 2}, PhoneUnreachable}, TalkEnded{"ann", "c", true, true}, WrapUpDone{"ann"}, WrapUpExtended{"ann", time.Minute},
		Rated{"ann", "bob", "x", 4.5, map[string]float64{"time": 3}, t0}, Unrated{"x"},
		RatedCustomer{"ann", "bob", "x", 4.5, map[string]float64{"attitude": 3}, t0}, UnratedCustomer{"x"}, ResetGrades{},
		Rekey{"c", time.Second, true}, Tick{},
	} {
		line, err := EncodeEvent(ev)
		if err != nil {
			t.Errorf("%T: %v", ev, err)
			continue
		}
		if got, err := DecodeEvent(line); err != nil || !reflect.DeepEqual(got, ev) {
			t.Errorf("%s came back as %+v, %v", line, got, err)
		}
	}
	if got := len(eventTypes); got != 21 {
		t.Errorf("%d event types, this test has 21", got)
	}
	for _, bad := range []string{``, `{}`, `{"type":"Nothing"}`, `{"type":"Ready","data":{"agent":1}}`, `{"type":"OfferRefused","data":{"how":"why"}}`} {
		if ev, err := DecodeEvent([]byte(bad)); err == nil || !strings.HasPrefix(err.Error(), "acd: decode") {
			t.Errorf("%s decodes as %v, %v", bad, ev, err)
		}
	}
	if _, err := EncodeEvent(nil); err == nil {
		t.Error("no event was encoded")
	}
}

// FuzzDecodeEvent: whatever decodes can be stepped and encoded again.
func FuzzDecodeEvent(f *testing.F) {
	f.Add([]byte(`{"type":"CallQueued","data":{"call":"c1","queue":"q","since":"2030-01-07T08:00:00Z","standing":0.5}}`))
	f.Add([]byte(`{"type":"Configure","data":{"queues":[{"id":"q","h":-5}],"agents":[{"id":"ann","queues":["q","q"]}]}}`))
	f.Add([]byte(`{"type":"Rated","data":{"agent":"ann","contact":"x","stars":1e300,"at":"0001-01-01T00:00:00Z"}}`))
	f.Add([]byte(`{"type":"OfferRefused","data":{"offer":{"node":"n","epoch":3,"n":1},"how":"busy"}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		ev, err := DecodeEvent(b)
		if err != nil {
			return
		}
		if _, err := EncodeEvent(ev); err != nil {
			t.Fatal(err)
		}
		c := small(Queue{ID: "q", H: time.Minute}, "ann")
		c.Step(t0, CallQueued{Call: "c", Queue: "q"})
		c.Step(t0, ev)
		if err := c.Check(); err != nil {
			t.Fatalf("after %s: %v", b, err)
		}
	})
}

// TestEqualKeysGoByAgentID however many profiles the agents are spread over.
func TestEqualKeysGoByAgentID(t *testing.T) {
	c := New(Config{})
	ev := Configure{Queues: []Queue{{ID: "q"}}}
	for i := range 9 {
		ev.Agents = append(ev.Agents, Agent{ID: agentName(i), Queues: []QueueID{"q"}, Skills: map[string]int{fmt.Sprint("own", i): 1}})
	}
	c.Step(t0, ev)
	for i := range 9 {
		c.Step(t0, Reachable{agentName(8 - i), true})
		c.Step(t0, Ready{agentName(8 - i)})
	}
	for i := range 9 {
		o := c.Step(t0, CallQueued{Call: callName(i), Queue: "q"})[0].(Offer)
		if o.Agent != agentName(i) {
			t.Errorf("call %d goes to %s, want %s", i, o.Agent, agentName(i))
		}
		if got, want := len(o.Reason.Agents), min(listLength, 9-i); got != want {
			t.Errorf("reason of call %d shows %d agents, want %d", i, got, want)
		}
	}
}
