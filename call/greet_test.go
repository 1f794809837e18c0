package call_test

import (
	"strings"
	"testing"
	"time"

	"hotline/call"
	"hotline/internal/phone"
	"hotline/store"
)

func greetingCenter() store.Center {
	c := wholeCenter()
	c.Trunks["world"] = store.Trunk{Addresses: []string{"10.0.1.0/24"}}
	c.Numbers["4000"] = store.Number{To: "flow:main", Greeting: []string{"welcome"}, Known: []string{"thank-you"}, Early: true}
	c.Numbers["4010"] = store.Number{To: "agent:1001", Greeting: []string{"office-hours"}, Early: true}
	return c
}

func TestAGreetingIsHeardBeforeTheCallIsAnswered(t *testing.T) {
	inBubble(t, greetingCenter(), func(b *bed) {
		c, err := b.callerAt(1).Call(b.ctx(), "4000")
		must(t, err)
		time.Sleep(time.Second)
		if !c.Early() || c.Over() {
			t.Fatal("no early audio after a second")
		}
		select {
		case <-c.Answered():
			t.Fatal("answered while the greeting plays")
		default:
		}
		must(t, c.WaitAnswered(b.ctx()))
		heard(t, c.Listen(), "en", "welcome")
		c.Hangup()
		r := b.oneCDR()
		if !strings.HasPrefix(r.Trace, "greet; menu; ") || r.Answered.Sub(r.Began) < time.Second {
			t.Errorf("got trace %s and an answer after %v, want greet; menu and some seconds", r.Trace, r.Answered.Sub(r.Began))
		}
	})
}

func TestACallerWhoHangsUpInTheEarlyGreetingIsNotAnswered(t *testing.T) {
	inBubble(t, greetingCenter(), func(b *bed) {
		c, err := b.callerAt(1).Call(b.ctx(), "4000")
		must(t, err)
		time.Sleep(500 * time.Millisecond)
		c.Hangup()
		must(t, c.WaitDone(b.ctx()))
		if r := b.oneCDR(); !r.Answered.IsZero() || r.Trace != "greet; end: caller hung up" || r.Cause.Blame != "caller" {
			t.Errorf("got %+v, answered %v", r.Cause, r.Answered)
		}
	})
}

func TestAfterAnEarlyGreetingThePhoneThatRingsIsHeardRinging(t *testing.T) {
	inBubble(t, greetingCenter(), func(b *bed) {
		b.agent("1001", "10.0.0.11:5060", phone.Policy(phone.AnswerAfter(20*time.Second)).Speaking(440))
		c, err := b.callerAt(1).Call(b.ctx(), "4010")
		must(t, err)
		must(t, c.WaitTone(b.ctx(), 425))
		select {
		case <-c.Answered():
			t.Fatal("answered before the agent was")
		default:
		}
		must(t, c.WaitTone(b.ctx(), 440))
		c.Hangup()
		b.cdrs()
	})
}

func TestACustomerIsGreetedAsWhoHeIsInHisLanguage(t *testing.T) {
	inBubble(t, greetingCenter(), func(b *bed) {
		one := b.callerAt(1)
		first := b.dials(one, "4000")
		first.Hangup()
		time.Sleep(time.Second)
		second := b.dials(one, "4000")
		heard(t, second.Listen(), "en", "thank-you")
		second.Hangup()
		time.Sleep(time.Second)
		zh, prompt, name := "zh", "please-hold", "王芳"
		_, err := b.eng.SetCustomer(call.Actor{Kind: call.ActorOperator, ID: "cli"}, "4930123401", call.CustomerChange{Language: &zh, Greeting: &prompt, Name: &name})
		must(t, err)
		third := b.dials(one, "4000")
		heard(t, third.Listen(), "zh", "please-hold")
		third.Hangup()
		time.Sleep(time.Second)
		var last store.CDR
		must(t, b.st.CDRs(store.Filter{Limit: 1}, func(c store.CDR) bool { last = c; return false }))
		if last.Language != "zh" || last.LanguageBy != "customer" || last.Name != name {
			t.Errorf("got language %s by %s, name %s; want zh by customer, %s", last.Language, last.LanguageBy, last.Name, name)
		}
		english := b.dials(b.callerAt(2), "4008") // of the number, which is not kept of him
		english.Hangup()
		time.Sleep(time.Second)
		cu, err := b.st.Customer("4930123402")
		must(t, err)
		if cu.Language != "" {
			t.Errorf("a caller who chose no language has %q", cu.Language)
		}
		bad := "no-such-prompt"
		if _, err := b.eng.SetCustomer(call.Actor{Kind: call.ActorOperator, ID: "cli"}, "4930123401", call.CustomerChange{Greeting: &bad}); err == nil {
			t.Error("a greeting that is not there is set")
		}
	})
}

func TestOperatorsSeeWhoHoldsConsultsParksAndPauses(t *testing.T) {
	withDesk(t, nil, func(d *desk) {
		see := func(what string, held, paused bool, consulting, slot string) {
			t.Helper()
			time.Sleep(100 * time.Millisecond)
			v := d.eng.Calls()[0]
			if v.Held != held || v.Paused != paused || v.Consulting != consulting || v.Slot != slot {
				t.Errorf("%s: call is held %v, paused %v, consulting %q, slot %q", what, v.Held, v.Paused, v.Consulting, v.Slot)
			}
			for _, a := range d.eng.Agents() {
				if a.ID != "1001" {
					continue
				}
				if a.Held != held || a.Consulting != consulting || len(a.Parked) != len(slot)/3 || slot == "" && a.Paused != paused {
					t.Errorf("%s: agent holds %v, pauses %v, consults %q, parked %q", what, a.Held, a.Paused, a.Consulting, a.Parked)
				}
			}
		}
		see("talk", false, false, "", "")
		d.asks(call.DoHold, "")
		see("hold", true, false, "", "")
		d.asks(call.DoRetrieve, "")
		see("retrieved", false, false, "", "")
		d.asks(call.DoPause, "")
		see("paused", false, true, "", "")
		d.asks(call.DoConsult, "agent:1002")
		see("consultation", false, true, "agent:1002", "")
		d.asks(call.DoCancel, "")
		time.Sleep(2 * time.Second)
		d.asks(call.DoResume, "")
		see("resumed", false, false, "", "")
		d.asks(call.DoPark, "")
		time.Sleep(6 * time.Second)
		see("parked", false, false, "", "701")
		d.caller.Hangup()
		d.cdrs()
	})
}
