package call_test

import (
	"testing"
	"time"

	"hotline/call"
	"hotline/internal/phone"
	"hotline/store"
)

func TestWhoIsCalledBackHearsWhoServesHimAndRatesHimAndIsRated(t *testing.T) {
	center := callbackCenter()
	q := center.Queues["sales"]
	q.AnnounceAgent, q.Survey, q.RateCustomer = nil, "", "keys"
	center.Queues["sales"] = q
	inBubble(t, center, func(b *bed) {
		home := b.home(phone.Policy(phone.AnswerAfter(time.Second)).Speaking(callerHz))
		b.asksBack(b.caller1())
		ann := b.agent("1001", "10.0.0.11:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(annHz))
		time.Sleep(10 * time.Second)
		for len(home.Calls()) == 0 {
			time.Sleep(time.Second)
		}
		c, agent := home.Calls()[0], ann.Calls()[0]
		must(t, c.WaitTone(b.ctx(), annHz))
		heard(t, c.Listen(), "en", "is-at-your-service")
		time.Sleep(3 * time.Second)
		hearOnly(t, "in talk", hears("customer", c, annHz), hears("Ann", agent, callerHz))
		must(t, b.eng.Order("1001", call.Order{Do: call.DoSurvey}, "agent:1001"))
		time.Sleep(3 * time.Second)
		agent.Press(b.ctx(), "4", 0) // the BYE may come while it is still down
		time.Sleep(4 * time.Second)
		must(t, c.Press(b.ctx(), "5", 0))
		must(t, c.WaitDone(b.ctx()))
		heard(t, c.Listen(), "en", "survey-service")
		time.Sleep(time.Second)
		r := b.callbackOf()
		if r.State != store.CallbackDone || r.Tries[0].Result != "answered" {
			t.Errorf("got %+v", r)
		}
		for _, c := range b.cdrs() {
			if len(c.Offers) == 0 {
				continue
			}
			if want := "callback; offer: answered; call customer; announce; talk; agent ended the talk; survey; end: served"; c.Trace != want {
				t.Errorf("got trace %s, want %s", c.Trace, want)
			}
			if c.Caller != backNumber || c.Agent != "1001" || c.Queue != "sales" || len(c.Ratings) != 1 || c.Ratings[0].Stars != 5 {
				t.Errorf("got record %+v", c)
			}
			if o := c.Offers[0]; o.For != r.ID || o.Given(c.ID) != r.ID {
				t.Errorf("got the offer of %q, want that of the callback %s", o.For, r.ID)
			}
			for side, want := range map[string]int{store.SideCaller: 5, store.SideAgent: 4} {
				if ev, err := b.st.Evaluation(c.ID + "." + side); err != nil || ev.Agent != "1001" || ev.Customer != backNumber || int(ev.Stars()) != want {
					t.Errorf("%s's rating: got %+v, %v, want %d stars", side, ev, err, want)
				}
			}
			b.wantRecording(c, callerHz, annHz)
		}
	})
}

func TestAnAgentWhoHangsUpInTheAnnouncementOfACallbackLeavesTheCustomerInLine(t *testing.T) {
	center := callbackCenter()
	q := center.Queues["sales"]
	q.AnnounceAgent = nil
	center.Queues["sales"] = q
	inBubble(t, center, func(b *bed) {
		home := b.home(phone.Policy(phone.AnswerAfter(time.Second)).Speaking(callerHz))
		b.asksBack(b.caller1())
		ann := b.agent("1001", "10.0.0.11:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(annHz))
		for len(home.Calls()) == 0 {
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(1500 * time.Millisecond)
		ann.Calls()[0].Hangup()
		time.Sleep(20 * time.Second) // her wrap-up is over, and she is offered him again
		c, agent := home.Calls()[0], ann.Calls()[0]
		hearOnly(t, "served after all", hears("customer", c, annHz), hears("Ann", agent, callerHz))
		c.Hangup()
		if r := b.callbackOf(); r.State != store.CallbackDone {
			t.Errorf("got %+v, want it done", r)
		}
		b.cdrs()
		time.Sleep(10 * time.Second)
		if err := b.eng.Idle(); err != nil {
			t.Error(err)
		}
	})
}
