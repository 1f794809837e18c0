package call_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hotline/call"
	"hotline/internal/phone"
	"hotline/store"
	"hotline/store/bolt"
)

// backNumber is the number of who is called back; his phone stands at 10.0.2.9.
const backNumber = "4930123456"

// callbackCenter is wholeCenter whose queue calls back over a trunk.
func callbackCenter() store.Center {
	c := wholeCenter()
	off := false
	c.Trunks["out"] = store.Trunk{Peers: []string{"sip:10.0.2.9:5060"}, CallerID: "4930999"}
	q := c.Queues["sales"]
	q.AnnounceAgent, q.Survey = &off, "none"
	q.Announce = &store.Announce{Position: true, First: store.Duration(2 * time.Second)}
	q.Callback = &store.QueueCallback{Trunk: "out", Tries: 2, Pause: store.Duration(time.Minute), Prefixes: []string{"49"}}
	c.Queues["sales"] = q
	return c
}

// asksBack has a caller ask for a callback and hang up.
func (b *bed) asksBack(p *phone.Phone) {
	b.t.Helper()
	c := b.dials(p, "4001")
	time.Sleep(time.Second)
	must(b.t, c.Press(b.ctx(), "1", 0))
	time.Sleep(time.Second)
	must(b.t, c.Press(b.ctx(), "1", 0))
	must(b.t, c.WaitDone(b.ctx()))
	heard(b.t, c.Listen(), "en", "callback-done")
	time.Sleep(time.Second)
}

// callbackOf is the only callback.
func (b *bed) callbackOf() store.Callback {
	b.t.Helper()
	time.Sleep(time.Second)
	list, err := b.eng.Callbacks(true)
	if err != nil || len(list) != 1 {
		b.t.Fatalf("got %+v, %v, want one callback", list, err)
	}
	return list[0].Callback
}

func (b *bed) home(policy phone.Policy) *phone.Phone {
	return b.phone("10.0.2.9:5060", phone.Config{User: backNumber, Policy: policy})
}

func TestACallerHangsUpKeepsHisPlaceAndIsCalledAtHisTurn(t *testing.T) {
	inBubble(t, callbackCenter(), func(b *bed) {
		home := b.home(phone.Policy(phone.AnswerAfter(2 * time.Second)).Speaking(callerHz))
		b.asksBack(b.caller1())
		next := b.dials(b.phone("10.0.1.2:5060", phone.Config{User: "49302"}), "4001")
		time.Sleep(8 * time.Second)
		heard(t, next.Listen(), "en", "n-2") // he who is called back counts
		list, err := b.eng.Callbacks(false)
		if err != nil || len(list) != 1 || list[0].Position != 1 {
			t.Errorf("got %+v, %v, want one at place 1", list, err)
		}
		ann := b.agent("1001", "10.0.0.11:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(annHz))
		time.Sleep(3 * time.Second)
		agent := ann.Calls()[0]
		if name, _ := agent.Screen(); !strings.Contains(name, "Callback") {
			t.Errorf("Ann's phone shows %q, want that it is a callback", name)
		}
		time.Sleep(16 * time.Second)
		heard(t, agent.Listen(), "en", "callback-agent")
		if len(home.Calls()) != 1 {
			t.Fatalf("the customer's phone has %d calls, want 1", len(home.Calls()))
		}
		if _, number := home.Calls()[0].Screen(); number != "4930999" {
			t.Errorf("the customer sees %q, want the trunk's number", number)
		}
		hearOnly(t, "in talk", hears("customer", home.Calls()[0], annHz), hears("Ann", agent, callerHz))
		b.agentState("1001", "talking")
		for _, v := range b.eng.Agents() {
			if v.ID == "1001" && !runs(b.eng.Calls(), v.Call) {
				t.Errorf("Ann is in call %q, which nobody can find", v.Call)
			}
		}
		home.Calls()[0].Hangup()
		time.Sleep(time.Second)
		b.agentState("1001", "wrap-up")
		r := b.callbackOf()
		if r.State != store.CallbackDone || len(r.Tries) != 1 || r.Tries[0].Result != "answered" || r.Tries[0].Agent != "1001" {
			t.Errorf("got %+v", r)
		}
		time.Sleep(6 * time.Second) // the other one is served next
		next.Hangup()
		all := b.begun()
		if got, want := all[0].Trace, "wait sales; callback to 4930123456; goodbye; end: callback"; got != want {
			t.Errorf("got trace %s, want %s", got, want)
		}
		for _, c := range all[1:] {
			if c.Caller != backNumber {
				continue
			}
			if want := "callback; offer: answered; call customer; talk; end: caller hung up"; c.Trace != want {
				t.Errorf("got trace %s, want %s", c.Trace, want)
			}
			if c.Callback != r.ID || c.Agent != "1001" || c.Queue != "sales" || len(c.Recordings) != 1 {
				t.Errorf("got record %+v", c)
			}
			b.wantRecording(c, callerHz, annHz)
		}
	})
}

func TestACustomerWhoIsNotReachedIsTriedAgainAndGivenUp(t *testing.T) {
	for name, policy := range map[string]phone.Policy{"busy": phone.RejectAfter(time.Second, 486), "no answer": phone.RingForever()} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, callbackCenter(), func(b *bed) {
				b.home(policy)
				b.asksBack(b.caller1())
				b.agent("1001", "10.0.0.11:5060", phone.AnswerAfter(time.Second))
				time.Sleep(100 * time.Second)
				if r := b.callbackOf(); len(r.Tries) == 0 {
					t.Errorf("got %+v, want a try", r)
				}
				time.Sleep(4 * time.Minute)
				r := b.callbackOf()
				if r.State != store.CallbackGivenUp || len(r.Tries) != 2 || !strings.Contains(r.Why, "not reached") {
					t.Errorf("got %+v, want it given up after two tries", r)
				}
				if d := r.Tries[1].At.Sub(r.Tries[0].At); d < time.Minute {
					t.Errorf("got %v between the tries, want a minute", d)
				}
				b.agentState("1001", "ready")
				b.cdrs()
			})
		})
	}
}

func TestAnAgentWhoHangsUpBeforeTheCustomerAnswersPutsTheCallbackBack(t *testing.T) {
	inBubble(t, callbackCenter(), func(b *bed) {
		b.home(phone.RingForever())
		b.asksBack(b.caller1())
		ann := b.agent("1001", "10.0.0.11:5060", phone.AnswerAfter(time.Second))
		time.Sleep(20 * time.Second)
		ann.Calls()[0].Hangup()
		time.Sleep(100 * time.Millisecond)
		ann.SetPolicy(phone.RingForever())
		time.Sleep(2 * time.Second)
		if r := b.callbackOf(); r.State != store.CallbackWaiting || len(r.Tries) != 0 {
			t.Errorf("got %+v, want it waiting without a try", r)
		}
		must(t, b.eng.CancelCallback(b.callbackOf().ID, "test"))
		if err := b.eng.CancelCallback(b.callbackOf().ID, "test"); !errors.Is(err, call.ErrCallbackOver) {
			t.Errorf("second cancel: got %v, want that it is over", err)
		}
		if err := b.eng.CancelCallback("none", "test"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("cancel of none: got %v, want not found", err)
		}
		time.Sleep(2 * time.Second)
		b.agentState("1001", "ready")
		b.cdrs()
	})
}

func TestAnotherNumberIsTakenIfItIsAllowedAndElseRefused(t *testing.T) {
	inBubble(t, callbackCenter(), func(b *bed) {
		c := b.dials(b.caller1(), "4001")
		time.Sleep(time.Second)
		press := func(keys string) {
			must(t, c.Press(b.ctx(), keys, 50*time.Millisecond))
			time.Sleep(5 * time.Second)
		}
		press("1")
		press("2")
		press("0019005550100#") // not allowed
		heard(t, c.Listen(), "en", "callback-refused")
		press("4001#") // ours
		press("49777123#")
		press("1")
		must(t, c.WaitDone(b.ctx()))
		if r := b.callbackOf(); r.Number != "49777123" || r.Caller != backNumber {
			t.Errorf("got %+v, want 49777123", r)
		}
		again := b.dials(b.phone("10.0.1.3:5060", phone.Config{User: "49777123"}), "4001")
		time.Sleep(10 * time.Second)
		heard(t, again.Listen(), "en", "callback-waits")
		again.Hangup()
		b.cdrs()
	})
}

func TestACallerWhoseCallbackWaitsTakesItsPlaceOrCancelsIt(t *testing.T) {
	for _, key := range []string{"1", "2"} {
		t.Run(key, func(t *testing.T) {
			inBubble(t, callbackCenter(), func(b *bed) {
				p := b.caller1()
				b.asksBack(p)
				other := b.dials(b.phone("10.0.1.2:5060", phone.Config{User: "49302"}), "4001")
				time.Sleep(time.Second)
				c := b.dials(p, "4001")
				time.Sleep(4 * time.Second)
				must(t, c.Press(b.ctx(), key, 0))
				time.Sleep(2 * time.Second)
				if r := b.callbackOf(); r.State != store.CallbackCancelled {
					t.Errorf("got %+v, want it cancelled", r)
				}
				if key == "2" {
					must(t, c.WaitDone(b.ctx()))
					heard(t, c.Listen(), "en", "callback-cancelled")
					other.Hangup()
					b.cdrs()
					return
				}
				b.agent("1001", "10.0.0.11:5060", phone.AnswerAfter(time.Second))
				time.Sleep(3 * time.Second)
				for _, v := range b.eng.Calls() {
					if want := map[string]string{backNumber: "talk", "49302": "wait sales"}[v.Caller]; v.Stage != want {
						t.Errorf("caller %s: got stage %s, want %s", v.Caller, v.Stage, want)
					}
				}
				c.Hangup()
				other.Hangup()
				b.cdrs()
			})
		})
	}
}

func TestACallbackSurvivesAKill(t *testing.T) {
	inBubble(t, callbackCenter(), func(b *bed) {
		b.asksBack(b.caller1())
		was := b.callbackOf()
		again := b.killed()
		defer again.end()
		home := again.home(phone.Policy(phone.AnswerAfter(time.Second)))
		again.agent("1001", "10.0.0.11:5060", phone.AnswerAfter(time.Second))
		time.Sleep(25 * time.Second)
		if len(home.Calls()) != 1 {
			t.Fatalf("the customer has %d calls, want 1", len(home.Calls()))
		}
		home.Calls()[0].Hangup()
		if r := again.callbackOf(); r.ID != was.ID || !r.Since.Equal(was.Since) || r.State != store.CallbackDone {
			t.Errorf("got %+v, want %s done", r, was.ID)
		}
		again.cdrs()
	})
}

func TestAClosedQueueOffersACallbackForWhenItOpens(t *testing.T) {
	center := callbackCenter()
	center.Hours = map[string]store.Hours{"office": {Open: []store.Open{{Days: "mon-sun", From: "09:00", To: "17:00"}}}}
	q := center.Queues["sales"]
	q.Hours, q.Closed = "office", "flow:later"
	center.Queues["sales"] = q
	center.Flows["later"] = store.Flow{Start: "c", Nodes: []byte(`{
		"c": {"kind": "callback", "queue": "sales", "prompts": ["closed"], "failed": "bye"},
		"bye": {"kind": "hangup", "prompts": ["goodbye"]}}`)}
	inBubble(t, center, func(b *bed) { // it is midnight
		home := b.home(phone.Policy(phone.AnswerAfter(time.Second)))
		b.agent("1001", "10.0.0.11:5060", phone.AnswerAfter(time.Second))
		c := b.dials(b.caller1(), "4001")
		time.Sleep(8 * time.Second)
		must(t, c.Press(b.ctx(), "1", 0))
		must(t, c.WaitDone(b.ctx()))
		if r := b.callbackOf(); r.State != store.CallbackClosed {
			t.Errorf("got %+v, want it to wait for the hours", r)
		}
		time.Sleep(time.Hour)
		if n := len(home.Calls()); n != 0 {
			t.Errorf("called %d times at night", n)
		}
		time.Sleep(8*time.Hour + 30*time.Second)
		if n := len(home.Calls()); n != 1 {
			t.Fatalf("the customer has %d calls in the morning, want 1", n)
		}
		home.Calls()[0].Hangup()
		b.callbackOf()
		b.cdrs()
		synctest.Wait()
	})
}

func TestACallerIsServedThoughHeAsksForACallbackJustThen(t *testing.T) {
	for wait := time.Duration(0); wait < 4*time.Second; wait += 500 * time.Millisecond {
		t.Run(fmt.Sprint(wait), func(t *testing.T) {
			inBubble(t, callbackCenter(), func(b *bed) {
				ann := b.agent("1001", "10.0.0.11:5060", phone.AnswerAfter(2*time.Second))
				must(t, b.eng.SetAgentState("1001", "not ready", "", "test"))
				home := b.home(phone.Policy(phone.AnswerAfter(time.Second)))
				c := b.dials(b.caller1(), "4001")
				time.Sleep(time.Second)
				must(t, c.Press(b.ctx(), "1", 0))
				time.Sleep(500 * time.Millisecond)
				must(t, b.eng.SetAgentState("1001", "ready", "", "test"))
				time.Sleep(wait)
				c.Press(b.ctx(), "1", 0)
				time.Sleep(30 * time.Second)
				if n := len(ann.Calls()); n != 1 {
					t.Fatalf("Ann has %d calls, want 1", n)
				}
				b.agentState("1001", "talking")
				if inLine, called := !c.Over(), len(home.Calls()) == 1; inLine == called {
					t.Errorf("in line %v, called back %v, want one of them", inLine, called)
				}
				ann.Calls()[0].Hangup()
				b.cdrs()
				time.Sleep(40 * time.Second)
				if err := b.eng.Idle(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func runs(list []call.CallView, id string) bool {
	return slices.ContainsFunc(list, func(v call.CallView) bool { return v.ID == id })
}

func TestACallbackThatIsTalkedOfAtTheEndIsDone(t *testing.T) {
	inBubble(t, callbackCenter(), func(b *bed) {
		home := b.home(phone.Policy(phone.AnswerAfter(time.Second)))
		b.asksBack(b.caller1())
		b.agent("1001", "10.0.0.11:5060", phone.AnswerAfter(time.Second))
		time.Sleep(25 * time.Second)
		if len(home.Calls()) != 1 {
			t.Fatalf("the customer has %d calls, want 1", len(home.Calls()))
		}
		id := b.callbackOf().ID
		dir := b.dir
		b.end()
		st, err := bolt.Open(filepath.Join(dir, "hotline.db"), bolt.Options{})
		must(t, err)
		defer st.Close()
		if r, err := st.Callback(id); err != nil || r.State != store.CallbackDone {
			t.Errorf("got %+v, %v, want it done", r, err)
		}
	})
}

// All agents' phones ring for a callback; those that did not get it show no missed
// call.
func TestACallbackThatRingsAllTellsTheOthersWhoHasIt(t *testing.T) {
	center := callbackCenter()
	q := center.Queues["sales"]
	q.Strategy = "ring-all"
	center.Queues["sales"] = q
	inBubble(t, center, func(b *bed) {
		home := b.home(phone.Policy(phone.AnswerAfter(time.Second)).Speaking(callerHz))
		b.asksBack(b.caller1())
		must(t, b.eng.SetAgentState("1002", "ready", "", "test"))
		b.agent("1001", "10.0.0.11:5060", phone.RingForever())
		b.agent("1002", "10.0.0.12:5060", phone.Policy(phone.AnswerAfter(3*time.Second)).Speaking(bobHz))
		time.Sleep(20 * time.Second)
		home.Calls()[0].Hangup()
		time.Sleep(time.Second)
		found := false
		for _, c := range b.begun() {
			if c.Trace == "callback; offer: answered elsewhere; end: Call completed elsewhere" {
				found = true
				if c.Cause.Status != 200 || c.Cause.Q850 != 0 {
					t.Errorf("got cause %+v, want status 200 alone", c.Cause)
				}
			}
		}
		if !found {
			t.Error("no phone was told that the call was completed elsewhere")
		}
	})
}
