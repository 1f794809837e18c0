package call_test

import (
	"strings"
	"testing"
	"time"

	"hotline/internal/phone"
	"hotline/store"
)

// ratingCenter asks agents of sales by keys for their ratings, without a survey.
func ratingCenter() store.Center {
	c := wholeCenter()
	c.Settings.Survey = "none"
	q := c.Queues["sales"]
	q.RateCustomer = "keys"
	c.Queues["sales"] = q
	return c
}

// evaluation is what a side said of a call; empty if nothing.
func (b *bed) evaluation(call, side string) store.Evaluation {
	b.t.Helper()
	e, err := b.st.Evaluation(call + "." + side)
	if err != nil {
		return store.Evaluation{}
	}
	return e
}

// talks brings a caller and agent 1001 together.
func (b *bed) talks(ann, caller *phone.Phone) (c, leg *phone.Call) {
	b.t.Helper()
	c = b.dials(caller, "4001")
	must(b.t, c.WaitTone(b.ctx(), 440))
	time.Sleep(2 * time.Second)
	all := ann.Calls()
	return c, all[len(all)-1]
}

func TestAnAgentRatesTheCallerByKeysAfterTheCallerHasHungUp(t *testing.T) {
	inBubble(t, ratingCenter(), func(b *bed) {
		ann := b.agent("1001", "10.0.0.11:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(440))
		c, leg := b.talks(ann, b.phone("10.0.1.1:5060", phone.Config{User: "4930123456"}))
		c.Hangup()
		hung := time.Now()
		time.Sleep(3 * time.Second)
		heard(t, leg.Listen().Since(hung), "en", "rate-caller")
		if v := b.eng.Calls(); len(v) != 1 || v[0].Stage != "rate" {
			t.Errorf("got calls %+v, want one in stage rate", v)
		}
		b.agentState("1001", "wrap-up")
		leg.Press(b.ctx(), "74", 50*time.Millisecond) // 7 is no rating; the BYE may come while 4 is still down
		must(t, leg.WaitDone(b.ctx()))
		if d := time.Since(hung); d > 6*time.Second {
			t.Errorf("the agent was let go %v after the hang-up, want at once after his rating", d)
		}
		cdr := b.wantTrace("wait sales; offer 1: answered; announce; talk; rate; end: caller hung up")
		e := b.evaluation(cdr.ID, "agent")
		if e.Stars() != 4 || e.Agent != "1001" || e.Customer != "4930123456" || e.Queue != "sales" {
			t.Errorf("got evaluation %+v, want 4 stars by 1001 for 4930123456", e)
		}
		if d := cdr.Legs[0].Ended.Sub(cdr.Talks[0].Ended); d > 100*time.Millisecond {
			t.Errorf("the caller's leg ended %v after the talk, want at once", d)
		}
		b.agentState("1001", "ready")
	})
}

func TestAnAgentIsAskedForEightSecondsAndThenFree(t *testing.T) {
	inBubble(t, ratingCenter(), func(b *bed) {
		ann := b.agent("1001", "10.0.0.11:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(440))
		c, leg := b.talks(ann, b.phone("10.0.1.1:5060", phone.Config{User: "4930123456"}))
		c.Hangup()
		began := time.Now()
		must(t, leg.WaitDone(b.ctx()))
		if d := time.Since(began); d < 8*time.Second || d > 8100*time.Millisecond {
			t.Errorf("the agent was let go after %v, want 8 s", d)
		}
		b.agentState("1001", "ready")
		if e := b.evaluation(b.oneCDR().ID, "agent"); e.ID != "" {
			t.Errorf("got evaluation %+v, want none", e)
		}
		// Who hangs up himself, and who spoke with somebody anonymous, is not asked.
		c, leg = b.talks(ann, b.phone("10.0.1.2:5060", phone.Config{User: "anonymous"}))
		c.Hangup()
		must(t, leg.WaitDone(b.ctx()))
		c, leg = b.talks(ann, b.phone("10.0.1.3:5060", phone.Config{User: "4930777"}))
		leg.Hangup()
		must(t, c.WaitDone(b.ctx()))
		for _, cdr := range b.cdrs()[1:] {
			if strings.Contains(cdr.Trace, "rate") {
				t.Errorf("got trace %s, want no question", cdr.Trace)
			}
		}
	})
}

func TestAgentAndCallerRateAtTheSameTime(t *testing.T) {
	center := ratingCenter()
	center.Settings.Survey = "rating"
	inBubble(t, center, func(b *bed) {
		ann := b.agent("1001", "10.0.0.11:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(440))
		c, leg := b.talks(ann, b.phone("10.0.1.1:5060", phone.Config{User: "4930123456"}))
		must(t, leg.Press(b.ctx(), "**", 50*time.Millisecond))
		asked := time.Now()
		time.Sleep(3 * time.Second)
		heard(t, leg.Listen().Since(asked.Add(-time.Second)), "en", "rate-caller")
		leg.Press(b.ctx(), "2", 0) // the BYE may come before its end
		must(t, leg.WaitDone(b.ctx()))
		freed := time.Now()
		must(t, c.WaitSpeech(b.ctx()))
		time.Sleep(4 * time.Second)
		must(t, c.Press(b.ctx(), "5", 0))
		must(t, c.WaitDone(b.ctx()))
		cdr := b.wantTrace("wait sales; offer 1: answered; announce; talk; agent ended the talk by key; survey; end: served")
		if a, k := b.evaluation(cdr.ID, "agent"), b.evaluation(cdr.ID, "caller"); a.Stars() != 2 || k.Stars() != 5 || k.Items["service"] != 5 {
			t.Errorf("got %+v and %+v, want 2 by the agent and 5 by the caller", a, k)
		}
		for _, l := range cdr.Legs {
			if l.Role == "agent" && l.Ended.Sub(freed).Abs() > 100*time.Millisecond {
				t.Errorf("the agent's leg ended at %v, want %v", l.Ended, freed)
			}
		}
	})
}

func TestAnAgentRatesTheCallerOfHisLastCallByCode(t *testing.T) {
	center := ratingCenter()
	center.Queues["sales"] = store.Queue{}
	center.Settings.Survey = "rating"
	inBubble(t, center, func(b *bed) {
		ann := b.agent("1001", "10.0.0.11:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(440))
		code := func(number, prompt string) {
			t.Helper()
			k := b.dials(ann, number)
			must(t, k.WaitDone(b.ctx()))
			heard(t, k.Listen(), "en", prompt)
		}
		code("*513", "rating-refused") // he has served nobody
		c, leg := b.talks(ann, b.phone("10.0.1.1:5060", phone.Config{User: "4930123456"}))
		leg.Hangup()
		code("*513", "survey-thanks") // the caller is in the survey still
		c.Hangup()
		all := b.begun()
		id := all[1].ID
		if e := b.evaluation(id, "agent"); e.Stars() != 3 {
			t.Errorf("got evaluation %+v, want 3 stars", e)
		}
		code("*515", "survey-thanks")
		code("*516", "rating-refused")
		if e := b.evaluation(id, "agent"); e.Stars() != 5 || e.Edited.IsZero() {
			t.Errorf("got evaluation %+v, want it changed to 5 stars", e)
		}
	})
}

func TestACallerChangesAndDeletesHisRatingsLater(t *testing.T) {
	center := ratingCenter()
	center.Numbers["4050"] = store.Number{To: "flow:mine", Language: "zh"}
	center.Flows["mine"] = store.Flow{Start: "r", Nodes: []byte(`{
		"r": {"kind": "ratings", "items": [{"name": "solved", "prompts": ["survey-solved"]}], "next": "bye"},
		"bye": {"kind": "hangup", "prompts": ["goodbye"]}}`)}
	inBubble(t, center, func(b *bed) {
		ann := b.agent("1001", "10.0.0.11:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(440))
		caller := b.phone("10.0.1.1:5060", phone.Config{User: "4930123456"})
		c, _ := b.talks(ann, caller)
		c.Hangup()
		id := b.oneCDR().ID
		rates := func(number, keys, lang string, prompts ...string) {
			t.Helper()
			c := b.dials(caller, number)
			for _, k := range keys {
				time.Sleep(9 * time.Second)
				must(t, c.Press(b.ctx(), string(k), 0))
			}
			must(t, c.WaitDone(b.ctx()))
			for _, p := range prompts {
				heard(t, c.Listen(), lang, p)
			}
		}
		rates("*50", "120", "en", "today", "rating-new", "survey-thanks")
		if e := b.evaluation(id, "caller"); e.Items["overall"] != 2 || e.Agent != "1001" {
			t.Errorf("got evaluation %+v, want 2 overall", e)
		}
		rates("4050", "150", "zh", "you-gave", "survey-solved", "survey-thanks")
		if e := b.evaluation(id, "caller"); len(e.Items) != 1 || e.Items["solved"] != 5 {
			t.Errorf("got evaluation %+v, want solved 5 instead", e)
		}
		rates("*50", "100", "en", "rating-zero", "rating-deleted")
		if e := b.evaluation(id, "caller"); e.ID != "" {
			t.Errorf("got evaluation %+v, want none", e)
		}
		center.Settings.Ratings = &store.Ratings{Trusted: true} // a number over this trunk may be forged
		b.apply(center)
		rates("*50", "", "en", "ratings-none")
		stranger := b.phone("10.0.1.2:5060", phone.Config{User: "4930999"})
		k := b.dials(stranger, "*50")
		must(t, k.WaitDone(b.ctx()))
		heard(t, k.Listen(), "en", "ratings-none")
	})
}

func TestAnAgentChangesHisRatingsOfCallersLater(t *testing.T) {
	inBubble(t, ratingCenter(), func(b *bed) {
		ann := b.agent("1001", "10.0.0.11:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(440))
		for i, user := range []string{"4930123456", "4930777"} {
			c, leg := b.talks(ann, b.phone([]string{"10.0.1.1:5060", "10.0.1.2:5060"}[i], phone.Config{User: user}))
			c.Hangup()
			must(t, leg.WaitDone(b.ctx()))
			b.agentState("1001", "ready")
		}
		k := b.dials(ann, "*50")
		for _, key := range "240" { // the older one gets 4
			time.Sleep(6 * time.Second)
			must(t, k.Press(b.ctx(), string(key), 0))
		}
		must(t, k.WaitDone(b.ctx()))
		heard(t, k.Listen(), "en", "caller-ending")
		all := b.cdrs()
		if first, second := b.evaluation(all[0].ID, "agent"), b.evaluation(all[1].ID, "agent"); first.Stars() != 4 || second.ID != "" {
			t.Errorf("got %+v and %+v, want 4 stars for the older call only", first, second)
		}
	})
}

func TestTheControlGroupIsNotedWithTheCallAndItsRatings(t *testing.T) {
	for _, share := range []float64{0, 1} {
		center := ratingCenter()
		q := center.Queues["sales"]
		q.Control = &share
		center.Queues["sales"] = q
		inBubble(t, center, func(b *bed) {
			ann := b.agent("1001", "10.0.0.11:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(440))
			c, leg := b.talks(ann, b.phone("10.0.1.1:5060", phone.Config{User: "4930123456"}))
			c.Hangup()
			time.Sleep(3 * time.Second)
			leg.Press(b.ctx(), "3", 0) // the BYE may come before its end
			cdr := b.oneCDR()
			e := b.evaluation(cdr.ID, "agent")
			if want := share == 1; cdr.Control != want || e.Control != want || e.Strategy == "" {
				t.Errorf("share %v: the record says %v, the rating %v of strategy %q; want %v", share, cdr.Control, e.Control, e.Strategy, want)
			}
		})
	}
}
