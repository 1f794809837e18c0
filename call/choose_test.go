package call_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hotline/call"
	"hotline/internal/phone"
	"hotline/store"
)

// chooseCenter lets callers of 4010 choose; the call is held for 10 s.
func chooseCenter() store.Center {
	c := wholeCenter()
	c.Settings.Survey = "none"
	c.Agents["1002"] = store.Agent{Name: "Bob", Queues: []string{"sales"}, State: "ready"}
	c.Numbers["4010"] = store.Number{To: "flow:pick"}
	c.Flows["pick"] = store.Flow{Start: "who", Nodes: []byte(`{
		"who": {"kind": "choose", "queue": "sales", "hold": "10s", "category": "solved"}}`)}
	return c
}

// graded gives an agent ratings of a category by customers of earlier calls.
func (b *bed) graded(agent, category string, stars ...int) {
	b.t.Helper()
	for i, s := range stars {
		at := time.Now().Add(-time.Hour)
		id := store.NewID(at)
		number := fmt.Sprintf("49%s%03d", agent, i)
		must(b.t, b.st.PutCDR(store.CDR{ID: id, Began: at, Ended: at.Add(time.Minute), Caller: number, From: "trunk:world", Agent: agent, Queue: "sales",
			Stages: []store.Stage{{Name: "talk", Began: at, Ended: at.Add(time.Minute)}}, Trace: "refused; earlier",
			Cause: store.Cause{Text: "served", Blame: "us"}, Talks: []store.Talk{{Agent: agent, Queue: "sales", Began: at, Ended: at.Add(time.Minute)}}}))
		_, err := b.eng.Evaluate(call.Actor{Kind: call.ActorCaller, ID: number}, call.EvaluationRequest{Call: id, Side: store.SideCaller, Items: map[string]int{category: s}})
		must(b.t, err)
	}
}

func TestACallerHearsGradesAndWaitsAndChoosesHisAgent(t *testing.T) {
	inBubble(t, chooseCenter(), func(b *bed) {
		b.agent("1001", "10.0.0.11:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(440))
		b.agent("1002", "10.0.0.12:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(500))
		b.graded("1001", "solved", 5, 5, 5, 5)
		b.graded("1002", "solved", 2, 2, 2)
		c := b.dials(b.phone("10.0.1.1:5060", phone.Config{User: "4930123456"}), "4010")
		time.Sleep(22 * time.Second)
		for _, p := range []string{"choice-intro", "stars", "n-point", "choice-free", "press"} {
			heard(t, c.Listen(), "en", p)
		}
		must(t, c.Press(b.ctx(), "2", 0)) // the better one is named first
		must(t, c.WaitTone(b.ctx(), 500))
		heard(t, c.Listen(), "en", "choice-made")
		c.Hangup()
		cdr := b.begun()[0]
		if want := "menu; wait sales; offer 1: answered; announce; talk; end: caller hung up"; cdr.Trace != want {
			t.Errorf("got trace %s, want %s", cdr.Trace, want)
		}
		if cdr.Chosen != "1002" || cdr.Agent != "1002" || cdr.Category != "solved" {
			t.Errorf("the record says chosen %q, agent %q, category %q; want 1002, 1002, solved", cdr.Chosen, cdr.Agent, cdr.Category)
		}
	})
}

func TestACallerWhoseAgentIsNotFreeIsServedByTheNextOneAndHearsSo(t *testing.T) {
	inBubble(t, chooseCenter(), func(b *bed) {
		b.agent("1001", "10.0.0.11:5060", phone.Policy(phone.AnswerAfter(6*time.Second)).Speaking(440))
		b.agent("1002", "10.0.0.12:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(500))
		must(t, b.eng.SetAgentState("1001", "not ready", "", "test"))
		first := b.dials(b.phone("10.0.1.1:5060", phone.Config{User: "4930111"}), "4001")
		must(t, first.WaitTone(b.ctx(), 500)) // 1002 is in talk
		must(t, b.eng.SetAgentState("1001", "ready", "", "test"))
		b.graded("1002", "solved", 5, 5, 5, 5)
		c := b.dials(b.phone("10.0.1.2:5060", phone.Config{User: "4930222"}), "4010")
		time.Sleep(time.Second)
		must(t, c.Press(b.ctx(), "1", 0)) // 1002, by his grade
		chose := time.Now()
		time.Sleep(9 * time.Second)
		b.agentState("1001", "ready") // the call is not his yet
		must(t, c.WaitTone(b.ctx(), 440))
		heard(t, c.Listen().Since(chose), "en", "choice-over")
		c.Hangup()
		first.Hangup()
		i := slices.IndexFunc(b.begun(), func(c store.CDR) bool { return c.Caller == "4930222" })
		cdr := b.begun()[i]
		if cdr.Chosen != "1002" || cdr.Agent != "1001" || !strings.Contains(cdr.Trace, "chosen agent 1002 not available") {
			t.Errorf("got %s, chosen %q, agent %q; want 1002 chosen, 1001 at last", cdr.Trace, cdr.Chosen, cdr.Agent)
		}
		if wait := cdr.Talks[0].Began.Sub(chose); wait < 10*time.Second || wait > 25*time.Second {
			t.Errorf("he talked %v after his choice, want after the 10 s", wait)
		}
	})
}

func TestACallerLeavesTheChoiceToTheQueue(t *testing.T) {
	for name, key := range map[string]string{"silence": "", "zero": "0", "star": "*"} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, chooseCenter(), func(b *bed) {
				b.agent("1001", "10.0.0.11:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(440))
				c := b.dials(b.phone("10.0.1.1:5060", phone.Config{User: "4930222"}), "4010")
				if key != "" {
					time.Sleep(2 * time.Second)
					must(t, c.Press(b.ctx(), key, 0))
				}
				must(t, c.WaitTone(b.ctx(), 440))
				c.Hangup()
				if cdr := b.oneCDR(); cdr.Chosen != "" || cdr.Agent != "1001" {
					t.Errorf("the record says chosen %q, agent %q; want nobody chosen", cdr.Chosen, cdr.Agent)
				}
			})
		})
	}
}

func TestAllPhonesRingAndTheFirstAnswerWins(t *testing.T) {
	center := func(transport string) store.Center {
		c := twoAgents(transport)
		q := c.Queues["sales"]
		q.Strategy = "ring-all"
		c.Queues["sales"] = q
		return c
	}
	overBothWith(t, center, func(b *bed, A, B *peer) {
		C := b.newPeer(B.transport, addrC)
		a := A.call("4001", A.sdp(30000))
		one, two := B.rings(time.Second), C.rings(time.Second)
		if v := b.eng.Calls(); len(v) != 1 || len(v[0].Offers) != 2 {
			t.Errorf("the call shows %+v, want two phones that ring", v)
		}
		one.reply(one.invite, 180, "Ringing", "")
		two.reply(two.invite, 180, "Ringing", "")
		two.reply(two.invite, 200, "OK", C.sdp(41000))
		two.acked(time.Second)
		cancel := one.gets("CANCEL", time.Second)
		if got := cancel.get("Reason"); got != `SIP;cause=200;text="Call completed elsewhere"` {
			t.Errorf("the CANCEL has Reason %q", got)
		}
		one.reply(cancel, 200, "OK", "")
		one.reply(one.invite, 487, "Request Terminated", "")
		one.gets("ACK", time.Second)
		b.agentState("1001", "ready")
		b.agentState("1002", "talking")
		a.answered(time.Second)
		a.bye()
		two.hungUp(time.Second)
		b.wantTrace("wait sales; offer 2: answered; offer 1: answered elsewhere; talk; end: caller hung up")
	})
}

func TestTwoPhonesThatAnswerAtOnceLeaveOneInTheCall(t *testing.T) {
	center := func(transport string) store.Center {
		c := twoAgents(transport)
		q := c.Queues["sales"]
		q.Strategy = "ring-all"
		c.Queues["sales"] = q
		return c
	}
	overBothWith(t, center, func(b *bed, A, B *peer) {
		C := b.newPeer(B.transport, addrC)
		a := A.call("4001", A.sdp(30000))
		one, two := B.rings(time.Second), C.rings(time.Second)
		one.reply(one.invite, 200, "OK", B.sdp(40000))
		two.reply(two.invite, 200, "OK", C.sdp(41000))
		one.acked(time.Second)
		two.acked(time.Second)
		time.Sleep(100 * time.Millisecond)
		talks := map[string]int{}
		for _, v := range b.eng.Agents() {
			talks[v.State]++
		}
		if talks["talking"] != 1 || talks["ready"] != 1 {
			t.Errorf("agents are %v, want one talking and one ready", talks)
		}
		a.answered(time.Second)
		a.bye()
		one.hungUp(2 * time.Second)
		two.hungUp(2 * time.Second)
		if cdr := b.oneCDR(); len(cdr.Talks) != 1 || !strings.Contains(cdr.Trace, "answered elsewhere") {
			t.Errorf("got %s, want one talk and the other answered elsewhere", cdr.Trace)
		}
	})
}

func TestKnownAgentsComeFirstAndUnwantedOnesNever(t *testing.T) {
	center := chooseCenter()
	q := center.Queues["sales"]
	q.LastAgent, q.Preferred = store.Duration(20*time.Second), store.Duration(20*time.Second)
	wrap := store.Duration(time.Second)
	q.WrapUp = &wrap
	center.Queues["sales"] = q
	center.Numbers["4011"] = store.Number{To: "queue:sales", Agents: []string{"1002"}}
	inBubble(t, center, func(b *bed) {
		b.agent("1001", "10.0.0.11:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(440))
		b.agent("1002", "10.0.0.12:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(500))
		p := b.phone("10.0.1.1:5060", phone.Config{User: "4930222"})
		served := func(number, want string) {
			t.Helper()
			c := b.dials(p, number)
			must(t, c.WaitTone(b.ctx(), map[string]float64{"1001": 440, "1002": 500}[want]))
			c.Hangup()
			time.Sleep(3 * time.Second)
		}
		served("4011", "1002") // the number's only agent
		served("4001", "1002") // who served him last, though 1001 is idle longer
		served("4001", "1002")
		cu, err := b.st.Customer("4930222")
		must(t, err)
		cu.Preferred = "1001"
		must(t, b.st.PutCustomer(cu))
		served("4001", "1001")
		cu, _ = b.st.Customer("4930222")
		cu.Preferred, cu.Never = "", []string{"1001"}
		must(t, b.st.PutCustomer(cu))
		served("4001", "1002") // 1001 served him last
	})
}

func TestThePhonesDisplayShowsTheStandingWhereTheAgentWantsIt(t *testing.T) {
	inBubble(t, confirmCenter("display"), func(b *bed) {
		caller := b.phone("10.0.1.1:5060", phone.Config{User: "4930123456"})
		ann := b.agent("1001", "10.0.0.11:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(440))
		for i, want := range []string{"Sales: 4930123456", "Sales: 4930123456 (3.7*)"} {
			c := b.dials(caller, "4001")
			time.Sleep(5 * time.Second)
			synctest.Wait() // for what the phone's own goroutine has noted
			leg := ann.Calls()[len(ann.Calls())-1]
			if name, _ := leg.Screen(); name != want {
				t.Errorf("call %d: the phone shows %q, want %q", i, name, want)
			}
			leg.Press(b.ctx(), "1", 0)
			must(t, c.WaitTone(b.ctx(), 440))
			c.Hangup()
			must(t, leg.WaitDone(b.ctx()))
			time.Sleep(time.Second)
			b.agentState("1001", "ready")
			if i > 0 {
				continue
			}
			k := b.dials(ann, "*512")
			must(t, k.WaitDone(b.ctx()))
		}
	})
}

func TestTheCallersRegionAndWhatHisFlowLearnedDecideWhoServesHim(t *testing.T) {
	center := chooseCenter()
	center.Settings.Categories = []string{"attitude", "solved"}
	center.Queues["north"] = store.Queue{}
	a := center.Agents["1002"]
	a.Queues = []string{"north"}
	center.Agents["1002"] = a
	center.Numbers["4012"] = store.Number{To: "queue:sales", Regions: []store.Region{{Prefixes: []string{"4930"}, Queues: []string{"north"}}}}
	center.Numbers["4013"] = store.Number{To: "flow:topic"}
	center.Flows["topic"] = store.Flow{Start: "learn", Nodes: []byte(`{
		"learn": {"kind": "set", "set": {"category": "solved"}, "next": "sales"},
		"sales": {"kind": "queue", "queue": "sales"}}`)}
	inBubble(t, center, func(b *bed) {
		b.agent("1001", "10.0.0.11:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(440))
		b.agent("1002", "10.0.0.12:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(500))
		for i, x := range []struct {
			user, number    string
			hz              float64
			queue, category string
		}{{"4930222", "4012", 500, "north", ""}, {"4989333", "4012", 440, "sales", ""}, {"4989444", "4013", 440, "sales", "solved"}} {
			c := b.dials(b.phone(fmt.Sprintf("10.0.1.%d:5060", i+1), phone.Config{User: x.user}), x.number)
			must(t, c.WaitTone(b.ctx(), x.hz))
			c.Hangup()
			time.Sleep(7 * time.Second) // wrap-up
			all := b.cdrs()
			if cdr := all[len(all)-1]; cdr.Queue != x.queue || cdr.Category != x.category {
				t.Errorf("%s to %s: got queue %q, category %q; want %q, %q", x.user, x.number, cdr.Queue, cdr.Category, x.queue, x.category)
			}
			time.Sleep(15 * time.Second)
		}
	})
}
