package call_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hotline/call"
	"hotline/internal/phone"
	"hotline/store"
)

// confirmCenter is wholeCenter with an agent 1001 who accepts by key.
func confirmCenter(tell string) store.Center {
	c := wholeCenter()
	c.Settings.Survey = "none"
	yes := true
	a := c.Agents["1001"]
	a.Confirm, a.Tell = &yes, tell
	c.Agents["1001"] = a
	return c
}

// ringOf waits until one phone rings, and returns what its agent is told.
func (b *bed) ringOf(agent string) call.OfferView {
	b.t.Helper()
	for range 100 {
		for _, a := range b.eng.Agents() {
			if a.ID == agent && a.Offer != nil {
				return *a.Offer
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	b.t.Errorf("agent %s is offered nothing", agent)
	return call.OfferView{}
}

func TestAnAgentLearnsWhoWaitsBeforeHeAcceptsByKey(t *testing.T) {
	inBubble(t, confirmCenter(""), func(b *bed) {
		c := b.dials(b.phone("10.0.1.1:5060", phone.Config{User: "4930123456"}), "4001")
		time.Sleep(12 * time.Second)
		ann := b.agent("1001", "10.0.0.11:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(440))
		o := b.ringOf("1001")
		if o.Caller != "4930123456" || o.Queue != "sales" || o.Stars != 0 || o.Waited < 12*time.Second || !o.Decline || o.Deadline.IsZero() {
			t.Errorf("screens show %+v, want the caller, sales, 12 s and more, and that it may be declined", o)
		}
		v := b.eng.Calls()
		if len(v) != 1 || len(v[0].Offers) != 1 || v[0].Offers[0] != o {
			t.Errorf("the call shows %+v, want the offer that the agent has", v)
		}
		time.Sleep(14 * time.Second)
		synctest.Wait() // for what the phone's own goroutine has noted
		leg := ann.Calls()[0]
		for _, p := range []string{"call-from-queue", "queue-sales", "caller-rated", "no-ratings-yet", "caller-waited", "press-1-to-accept", "press-2-to-decline"} {
			heard(t, leg.Listen(), "en", p)
		}
		for name, want := range map[string]string{"X-Hotline-Queue": "sales", "X-Hotline-Waited": "12", "X-Hotline-May-Decline": "yes"} {
			if got := strings.Join(leg.Incoming().Headers(name), ","); got != want {
				t.Errorf("%s: got %q, want %q", name, got, want)
			}
		}
		must(t, leg.Press(b.ctx(), "1", 0))
		must(t, c.WaitTone(b.ctx(), 440))
		if o := b.eng.Calls()[0].Offers; len(o) > 0 {
			t.Errorf("in talk the call shows %+v, want no offer", o)
		}
		c.Hangup()
		b.wantTrace("wait sales; offer 1: answered; announce; talk; end: caller hung up")
	})
}

func TestAnAgentDeclinesByKeyAndTheCallerKeepsHisPlace(t *testing.T) {
	inBubble(t, confirmCenter("none"), func(b *bed) {
		ann := b.agent("1001", "10.0.0.11:5060", phone.AnswerAfter(time.Second))
		b.agent("1002", "10.0.0.12:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(500))
		c := b.dials(b.phone("10.0.1.1:5060", phone.Config{User: "4930123456"}), "4001")
		time.Sleep(6 * time.Second)
		leg := ann.Calls()[0]
		if score, _ := phone.Correlate(spoken(t, "en", "caller-rated"), leg.Listen().Samples); score > 0.5 {
			t.Errorf("the agent hears the caller's standing (%.2f), want only the question", score)
		}
		leg.Press(b.ctx(), "2", 0)
		must(t, leg.WaitDone(b.ctx()))
		time.Sleep(time.Second)
		b.agentState("1001", "ready")
		must(t, b.eng.SetAgentState("1002", "ready", "", "test"))
		must(t, c.WaitTone(b.ctx(), 500))
		c.Hangup()
		b.wantTrace("wait sales; offer 1: declined; offer 2: answered; announce; talk; end: caller hung up")
	})
}

func TestAnAgentSendsACallerOnByKeyWhereTheQueueLetsHim(t *testing.T) {
	for _, instead := range []string{"flow:sorry", ""} {
		center := confirmCenter("")
		q := center.Queues["sales"]
		q.Instead = instead
		center.Queues["sales"] = q
		inBubble(t, center, func(b *bed) {
			ann := b.agent("1001", "10.0.0.11:5060", phone.AnswerAfter(time.Second))
			c := b.dials(b.phone("10.0.1.1:5060", phone.Config{User: "4930123456"}), "4001")
			time.Sleep(14 * time.Second)
			synctest.Wait() // for what the phone's own goroutine has noted
			leg := ann.Calls()[0]
			score, _ := phone.Correlate(spoken(t, "en", "press-3-to-send-on"), leg.Listen().Samples)
			if told := score > 0.8; told != (instead != "") {
				t.Errorf("instead %q: the agent is told of key 3: %v (%.2f)", instead, told, score)
			}
			leg.Press(b.ctx(), "3", 0)
			must(t, leg.WaitDone(b.ctx()))
			want := "wait sales; offer 1: declined; end: caller hung up" // any other key declines
			if instead != "" {
				must(t, c.WaitDone(b.ctx()))
				heard(t, c.Listen(), "en", "nobody-available")
				want = "wait sales; offer 1: sent on; menu; end: flow ended"
			} else {
				time.Sleep(time.Second)
				c.Hangup()
			}
			b.wantTrace(want)
			b.agentState("1001", "ready")
		})
	}
}

func TestABusyKeyDeclinesButABusyPhoneDoesNot(t *testing.T) {
	for name, c := range map[string]struct {
		policy phone.Policy
		state  string
		result string
	}{
		"the key, after it rang": {phone.RejectAfter(2*time.Second, 486), "ready", "declined"},
		"603":                    {phone.RejectAfter(2*time.Second, 603), "ready", "declined"},
		"the phone, at once":     {func(c *phone.Call) { c.Reject(486) }, "ready (busy)", "busy"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, wholeCenter(), func(b *bed) {
				b.agent("1001", "10.0.0.11:5060", c.policy)
				k := b.dials(b.phone("10.0.1.1:5060", phone.Config{User: "4930123456"}), "4001")
				time.Sleep(4 * time.Second)
				b.agentState("1001", c.state)
				k.Hangup()
				b.wantTrace("wait sales; offer 1: " + c.result + "; end: caller hung up")
			})
		})
	}
}

func TestAQueueOutsideItsHoursSendsCallersOn(t *testing.T) {
	center := wholeCenter()
	center.Hours = map[string]store.Hours{"office": {Open: []store.Open{{Days: "mon-fri", From: "09:00", To: "18:00"}}}} // virtual time begins on a Saturday
	q := center.Queues["sales"]
	q.Hours, q.Closed = "office", "flow:sorry"
	center.Queues["sales"] = q
	center.Queues["shut"] = store.Queue{Hours: "office"}
	center.Numbers["4007"] = store.Number{To: "queue:shut"}
	inBubble(t, center, func(b *bed) {
		p := b.phone("10.0.1.1:5060", phone.Config{User: "4930123456"})
		for number, prompt := range map[string]string{"4001": "nobody-available", "4007": "closed"} {
			c := b.dials(p, number)
			must(t, c.WaitDone(b.ctx()))
			heard(t, c.Listen(), "en", prompt)
		}
		for _, c := range b.cdrs() {
			want := "wait sales; closed; menu; end: flow ended"
			if c.Called == "4007" {
				want = "wait shut; closed; goodbye; end: queue is closed"
			}
			if c.Trace != want {
				t.Errorf("got trace %s, want %s", c.Trace, want)
			}
		}
	})
}

func TestWhereDecliningIsNotAllowedNobodyIsToldOfItAndWhoDoesIsSetNotReady(t *testing.T) {
	center := confirmCenter("")
	none := 0
	q := center.Queues["sales"]
	q.Declines = &none
	center.Queues["sales"] = q
	inBubble(t, center, func(b *bed) {
		ann := b.agent("1001", "10.0.0.11:5060", phone.AnswerAfter(time.Second))
		c := b.dials(b.phone("10.0.1.1:5060", phone.Config{User: "4930123456"}), "4001")
		if o := b.ringOf("1001"); o.Decline {
			t.Errorf("screens show %+v, want that it may not be declined", o)
		}
		time.Sleep(12 * time.Second)
		synctest.Wait() // for what the phone's own goroutine has noted
		leg := ann.Calls()[0]
		heard(t, leg.Listen(), "en", "press-1-to-accept")
		if score, _ := phone.Correlate(spoken(t, "en", "press-2-to-decline"), leg.Listen().Samples); score > 0.6 {
			t.Errorf("the agent is told that he may decline (%.2f), want not", score)
		}
		leg.Press(b.ctx(), "2", 0)
		must(t, leg.WaitDone(b.ctx()))
		time.Sleep(time.Second)
		b.agentState("1001", "not ready (declined)")
		c.Hangup()
		b.wantTrace("wait sales; offer 1: declined; end: caller hung up")
	})
}
