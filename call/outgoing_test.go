package call_test

import (
	"strings"
	"testing"
	"time"

	"hotline/call"
	"hotline/internal/phone"
	"hotline/store"
)

// rulesOf adds two trunks and rules for numbers outside: the first trunk is out of
// service. A number with 0900 is dialled by nobody.
func rulesOf(c store.Center) store.Center {
	c.Trunks["a"] = store.Trunk{Peers: []string{"sip:10.0.2.1:5060"}, CallerID: "49301"}
	c.Trunks["b"] = store.Trunk{Peers: []string{"sip:10.0.2.9:5060"}, CallerID: "49302"}
	c.Settings.Outbound = &store.Outbound{Country: "49", Rules: []store.Route{
		{Prefix: "0", Trunks: []store.RouteTrunk{{Trunk: "a"}, {Trunk: "b", Priority: 1}}}, {Prefix: "0900"}}}
	return c
}

// worlds are the far ends of the two trunks.
func (b *bed) worlds() (out, in *phone.Phone) {
	out = b.phone("10.0.2.1:5060", phone.Config{User: "a", Policy: phone.RejectAfter(100*time.Millisecond, 503)})
	return out, b.phone("10.0.2.9:5060", phone.Config{User: "b", Policy: phone.Policy(phone.AnswerAfter(time.Second)).Speaking(bobHz)})
}

// shows wants a phone to have one call that shows a number.
func (b *bed) shows(p *phone.Phone, want string) *phone.Call {
	b.t.Helper()
	if n := len(p.Calls()); n != 1 {
		b.t.Fatalf("%d calls came by the trunk, want 1", n)
	}
	c := p.Calls()[0]
	if _, number := c.Screen(); number != want {
		b.t.Errorf("the far end sees %q, want %q", number, want)
	}
	return c
}

func TestATransferAndAConsultationGoOverTheNextTrunkWhenOneIsOutOfService(t *testing.T) {
	for _, do := range []string{call.DoTransfer, call.DoConsult} {
		t.Run(do, func(t *testing.T) {
			inBubble(t, rulesOf(supervisedCenter()), func(b *bed) {
				_, far := b.worlds()
				d := &desk{watchedCall: b.watched()}
				if err := b.eng.Order("1001", call.Order{Do: do, To: "0900123"}, "agent:1001"); err == nil {
					t.Error("a number that the rules forbid was dialled")
				}
				d.asks(do, "030777")
				time.Sleep(3 * time.Second)
				if do == call.DoConsult {
					d.hear("consulted", hears("Ann", d.agent, bobHz))
					d.asks(call.DoComplete, "")
					time.Sleep(time.Second)
				}
				d.hear("led on", hears("caller", d.caller, bobHz), hears("far end", b.shows(far, "49302"), callerHz))
				d.caller.Hangup()
				if r := d.oneCDR(); !strings.Contains(r.Trace, "a failed: 503") {
					t.Errorf("got trace %s", r.Trace)
				}
			})
		})
	}
}

func TestWhoIsInvitedToAConferenceIsCalledOverTheNextTrunk(t *testing.T) {
	inMeetingOf(t, rulesOf, func(m *meeting) {
		_, far := m.worlds()
		_, err := m.eng.ConferenceInvite("large", "030777", "cli:root")
		must(t, err)
		time.Sleep(4 * time.Second)
		c := m.shows(far, "49302")
		must(t, c.Press(m.ctx(), "1", 0))
		time.Sleep(2 * time.Second)
		m.heardBy(0, "who was invited", bobHz, true)
		c.Hangup()
		time.Sleep(time.Second)
		for _, p := range m.in {
			p.Hangup()
		}
		for _, r := range m.cdrs() {
			if r.From == "trunk:b" && r.Trace != "ring; a failed: 503 Service Unavailable; conference large; end: caller hung up" {
				t.Errorf("got trace %s", r.Trace)
			}
			if r.From == "trunk:b" && len(r.Legs) != 2 {
				t.Errorf("got %d legs, want the one that failed, too", len(r.Legs))
			}
		}
	})
}

func TestWhoIsToldOfAMessageIsCalledByTheRules(t *testing.T) {
	center := rulesOf(mailCenter())
	box := center.Voicemail["ann"]
	box.Notify = &store.Notify{To: "030777"}
	center.Voicemail["ann"] = box
	inBubble(t, center, func(b *bed) {
		_, far := b.worlds()
		b.leaves(b.caller1(), "4023", callerHz, 3*time.Second).Hangup()
		time.Sleep(5 * time.Second)
		c := b.shows(far, "49302")
		must(t, c.WaitSpeech(b.ctx()))
		must(t, c.Press(b.ctx(), "1", 0))
		must(t, c.WaitTone(b.ctx(), callerHz))
		c.Hangup()
		b.cdrs()
	})
	box.Notify.To = "0900123"
	if list := call.Check(center); len(list) != 1 || list[0].Path != "$.voicemail.ann.notify.to" {
		t.Errorf("a number that the rules forbid: got %+v, want it told", list)
	}
}

func TestACallbackGoesByTheRulesToTheNextTrunk(t *testing.T) {
	center := rulesOf(callbackCenter())
	q := center.Queues["sales"]
	q.Callback = &store.QueueCallback{}
	center.Queues["sales"] = q
	inBubble(t, center, func(b *bed) {
		_, far := b.worlds()
		p := b.phone("10.0.1.1:5060", phone.Config{User: "030777"})
		b.asksBack(p)
		b.agent("1001", "10.0.0.11:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(annHz))
		time.Sleep(25 * time.Second)
		c := b.shows(far, "49302")
		hearOnly(t, "in talk", hears("customer", c, annHz))
		c.Hangup()
		if r := b.callbackOf(); r.State != store.CallbackDone || r.Number != "030777" {
			t.Errorf("got %+v", r)
		}
		for _, r := range b.cdrs() {
			if r.Callback != "" && r.Offers != nil && !strings.Contains(r.Trace, "call customer; a failed: 503 Service Unavailable; talk") {
				t.Errorf("got trace %s", r.Trace)
			}
		}
	})
}

func TestACallbackForWhichNoLineIsFreeIsNoTry(t *testing.T) {
	center := callbackCenter()
	out := center.Trunks["out"]
	out.Most = 1
	center.Trunks["out"] = out
	bob := center.Agents["1002"]
	bob.Outbound, bob.Queues = []string{"out"}, nil
	center.Agents["1002"] = bob
	inBubble(t, center, func(b *bed) {
		home := b.home(phone.Policy(phone.AnswerAfter(time.Second)))
		line := b.dials(b.agent("1002", "10.0.0.12:5060", nil), "49777")
		b.asksBack(b.caller1())
		b.agent("1001", "10.0.0.11:5060", phone.AnswerAfter(time.Second))
		time.Sleep(40 * time.Second)
		if r := b.callbackOf(); len(r.Tries) != 0 || r.State != store.CallbackPaused {
			t.Errorf("got %+v, want it to pause without a try", r)
		}
		line.Hangup()
		time.Sleep(90 * time.Second)
		if r := b.callbackOf(); len(r.Tries) != 1 || r.State != store.CallbackTalking {
			t.Errorf("got %+v, want the customer on the line", r)
		}
		for _, c := range home.Calls() {
			c.Hangup()
		}
		b.cdrs()
	})
}

func TestWhoWantsToBeCalledBackAtAForbiddenNumberHearsThatHeCanNot(t *testing.T) {
	center := rulesOf(callbackCenter())
	for _, number := range []string{"0900123", "+33123", "0033123"} {
		q := center.Queues["sales"]
		q.Callback = &store.QueueCallback{Trunk: "b"}
		center.Queues["sales"] = q
		inBubble(t, center, func(b *bed) {
			c := b.dials(b.phone("10.0.1.1:5060", phone.Config{User: number}), "4001")
			time.Sleep(time.Second)
			must(t, c.Press(b.ctx(), "1", 0))
			time.Sleep(5 * time.Second)
			heard(t, c.Listen(), "en", "callback-refused")
			if list, err := b.eng.Callbacks(true); err != nil || len(list) != 0 {
				t.Errorf("%s: got %+v, %v, want no callback", number, list, err)
			}
			c.Hangup()
			b.cdrs()
		})
	}
}
