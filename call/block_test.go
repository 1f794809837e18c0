package call_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"hotline/call"
	"hotline/internal/phone"
	"hotline/store"
)

// tries calls a number and gives the final status; 200 if it was answered.
func (b *bed) tries(p *phone.Phone, number string) (status int, c *phone.Call) {
	b.t.Helper()
	c, err := p.Call(b.ctx(), number)
	must(b.t, err)
	if c.WaitAnswered(b.ctx()) == nil {
		return 200, c
	}
	return c.End().Status, c
}

func TestABlockedCallerGetsBusyOrHearsWhyAndItIsInHisRecord(t *testing.T) {
	inBubble(t, wholeCenter(), func(b *bed) {
		one, two := b.callerAt(1), b.callerAt(2)
		_, err := b.eng.Block("4930123401", call.BlockRequest{Reason: "insults", For: store.Duration(time.Hour)}, "cli:root")
		must(t, err)
		_, err = b.eng.Block("493012340*", call.BlockRequest{Say: "not-allowed"}, "cli:root")
		must(t, err)
		if s, _ := b.tries(one, "4000"); s != 486 {
			t.Errorf("the blocked one: got %d, want 486", s)
		}
		_, c := b.tries(two, "4000")
		must(t, c.WaitDone(b.ctx()))
		heard(t, c.Listen(), "en", "not-allowed")
		must(t, b.eng.Unblock("493012340*", "cli:root"))
		if s, c := b.tries(two, "4000"); s != 200 {
			t.Errorf("after unblock: got %d, want an answer", s)
		} else {
			c.Hangup()
		}
		time.Sleep(time.Hour)
		if s, c := b.tries(one, "4000"); s != 200 || len(b.eng.Blocks()) != 0 {
			t.Errorf("after an hour: got %d and blocks %+v, want an answer and none", s, b.eng.Blocks())
		} else {
			c.Hangup()
		}
		var causes []string
		for _, r := range b.cdrs() {
			causes = append(causes, r.Cause.Text)
		}
		if !slices.Contains(causes, "blocked: insults") || !slices.Contains(causes, "blocked") {
			t.Errorf("got causes %q, want the reasons of the blocks", causes)
		}
	})
}

func TestBadBlocksAreRefused(t *testing.T) {
	inBubble(t, wholeCenter(), func(b *bed) {
		for number, want := range map[string]error{"*": call.ErrBadBlock, "": call.ErrBadBlock, "49*30*": call.ErrBadBlock, "a b": call.ErrBadBlock, "abc": call.ErrBadBlock, "+": call.ErrBadBlock,
			"1001": call.ErrOwnPhone} {
			if _, err := b.eng.Block(number, call.BlockRequest{}, "cli"); !errors.Is(err, want) {
				t.Errorf("%q: got %v, want %v", number, err, want)
			}
		}
		if _, err := b.eng.Block("4930", call.BlockRequest{Say: "no-such-prompt"}, "cli"); !errors.Is(err, call.ErrBadValue) {
			t.Errorf("a prompt that is not there: got %v", err)
		}
		if err := b.eng.Unblock("4930", "cli"); !errors.Is(err, call.ErrNotBlocked) {
			t.Errorf("unblock: got %v", err)
		}
		if _, err := b.eng.Nuisance("1001"); !errors.Is(err, call.ErrNoLast) {
			t.Errorf("a mark without a call: got %v", err)
		}
	})
}

func TestAnAgentMarksTheCallerOfHisLastCallAsANuisance(t *testing.T) {
	inBubble(t, noteCenter(), func(b *bed) {
		ann := b.agent("1001", "10.0.0.11:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(440))
		one := b.callerAt(1)
		c, _ := b.talks(ann, one)
		c.Hangup()
		time.Sleep(time.Second)
		must(t, b.dials(ann, "*66").WaitDone(b.ctx()))
		all := b.eng.Blocks()
		if len(all) != 1 || all[0].Number != "4930123401" || all[0].By != "agent:1001" || all[0].Reason != "nuisance" || all[0].Call == "" {
			t.Fatalf("got blocks %+v, want the caller's, by agent:1001, after his call", all)
		}
		if s, _ := b.tries(one, "4000"); s != 486 {
			t.Errorf("the marked caller: got %d, want 486", s)
		}
		marked := false
		must(t, b.st.Audits(store.Filter{Caller: "4930123401"}, func(a store.Audit) bool {
			marked = marked || a.Act == "block" && a.Actor == "agent:1001"
			return true
		}))
		if !marked {
			t.Error("the mark is not in the audit log")
		}
		time.Sleep(24 * time.Hour)
		if s, c := b.tries(one, "4000"); s != 200 {
			t.Errorf("a day later: got %d, want an answer", s)
		} else {
			c.Hangup()
		}
	})
}

func TestLimitsAndNuisanceMarksOutliveAKill(t *testing.T) {
	center := wholeCenter()
	center.Numbers["4000"] = store.Number{To: "flow:main", Limit: &store.Limit{Calls: 3, Per: store.Duration(10 * time.Minute)}}
	inBubble(t, center, func(b *bed) {
		one, two, ann := b.callerAt(1), b.callerAt(2), b.agent("1001", "10.0.0.11:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(440))
		for range 2 {
			_, c := b.tries(one, "4000")
			time.Sleep(time.Second)
			c.Hangup()
		}
		nasty, _ := b.talks(ann, two)
		nasty.Hangup()
		time.Sleep(time.Second)
		if _, err := b.eng.Nuisance("1001"); err != nil {
			t.Fatal(err)
		}
		if s, _ := b.tries(one, "4000"); s != 200 { // and it runs when the process dies
			t.Errorf("the third call: got %d, want an answer", s)
		}
		again := b.killed()
		defer again.end()
		one = again.phone("10.0.1.101:5060", phone.Config{User: "4930123401"})
		two = again.phone("10.0.1.102:5060", phone.Config{User: "4930123402"})
		time.Sleep(time.Second)
		if s, _ := again.tries(one, "4000"); s != 486 {
			t.Errorf("a fourth call after a kill: got %d, want 486", s)
		}
		if s, _ := again.tries(two, "4000"); s != 486 {
			t.Errorf("a marked caller after a kill: got %d, want 486", s)
		}
		time.Sleep(10 * time.Minute)
		if s, c := again.tries(one, "4000"); s != 200 {
			t.Errorf("ten minutes later: got %d, want an answer", s)
		} else {
			c.Hangup()
		}
		again.cdrs()
	})
}

func TestOneCallerMayCallANumberSoOftenAndNoMore(t *testing.T) {
	center := wholeCenter()
	center.Numbers["4000"] = store.Number{To: "flow:main", Limit: &store.Limit{Calls: 3, Per: store.Duration(time.Minute), AtOnce: 2}}
	inBubble(t, center, func(b *bed) {
		one, two := b.callerAt(1), b.callerAt(2)
		_, a := b.tries(one, "4000")
		_, c := b.tries(one, "4000")
		if s, _ := b.tries(one, "4000"); s != 486 {
			t.Errorf("a third at once: got %d, want 486", s)
		}
		if s, c := b.tries(two, "4000"); s != 200 {
			t.Errorf("another caller: got %d, want an answer", s)
		} else {
			c.Hangup()
		}
		a.Hangup()
		c.Hangup()
		time.Sleep(time.Second)
		_, d := b.tries(one, "4000")
		d.Hangup()
		time.Sleep(time.Second)
		if s, _ := b.tries(one, "4000"); s != 486 {
			t.Errorf("a fourth in a minute: got %d, want 486", s)
		}
		time.Sleep(time.Minute)
		if s, c := b.tries(one, "4000"); s != 200 {
			t.Errorf("a minute later: got %d, want an answer", s)
		} else {
			c.Hangup()
		}
		var causes []string
		for _, r := range b.cdrs() {
			causes = append(causes, r.Cause.Text)
		}
		for _, want := range []string{"limit: 2 calls of one caller at once", "limit: 3 calls of one caller in 1m0s"} {
			if !slices.Contains(causes, want) {
				t.Errorf("got causes %q, want one %q", causes, want)
			}
		}
	})
}
