package e2e_test

import (
	"testing"
	"time"

	"hotline/store"
)

// keysCaller places a call from the outside that presses three keys when told,
// and says 880 Hz after the first.
func (h *hotline) keysCaller(number string, keys ...string) *sipp {
	h.t.Helper()
	vars := []string{}
	for i, k := range keys {
		vars = append(vars, "[key"+string(rune('1'+i))+"]", k)
	}
	s := sippCmd{scenario: "keys", service: number, remote: h.addr(), tone: 880, steered: true, hears: true, vars: vars,
		args: []string{"-m", "1"}}.run(h.t)
	s.answered()
	return s
}

// evaluations are all that is in force, by id.
func (h *hotline) evaluations() map[string]store.Evaluation {
	h.t.Helper()
	out := map[string]store.Evaluation{}
	for _, e := range list[store.Evaluation](h, "evaluation", "list") {
		out[e.ID] = e
	}
	return out
}

func TestASippCallerChoosesABaresipAgentAndBothRateEachOtherAndChangeItLater(t *testing.T) {
	t.Parallel()
	h := center(t, "testdata/phones/evaluations.yaml")
	h.registered(baresipCmd{user: "1001", secret: h.secret("1001"), says: 440})
	bob := h.registered(baresipCmd{user: "1002", secret: h.secret("1002"), says: 500})

	caller := h.keysCaller("4010", "2", "4", "5")
	hears(t, "the caller", caller.ear.heard, "choice-intro")
	hears(t, "the caller", caller.ear.heard, "choice-free")
	caller.next() // chooses the second
	bob.sees("CALL_ESTABLISHED", 1)
	hearsTone(t, "the caller", caller.ear.heard, 500)
	heard(t, "the caller", caller.ear.heard(), "choice-unrated", "choice-made")
	caller.next() // speaks
	hearsTone(t, "the agent", bob.heard, 880)
	bob.press("**")
	hears(t, "the agent", bob.heard, "rate-caller")
	bob.press("4")
	bob.sees("CALL_CLOSED", 1)
	hears(t, "the caller", caller.ear.heard, "survey-attitude")
	caller.next() // 4
	hears(t, "the caller", caller.ear.heard, "survey-solved")
	caller.next() // 5
	hears(t, "the caller", caller.ear.heard, "survey-thanks")
	caller.passes(20 * time.Second)
	cdr := h.cdr()
	h.wantTrace(cdr, "menu; wait sales; offer 1: answered; talk; agent ended the talk by key; survey; end: served")
	if cdr.Chosen != "1002" || cdr.Agent != "1002" {
		t.Errorf("the record says chosen %q, agent %q; want 1002 both", cdr.Chosen, cdr.Agent)
	}
	h.wantRecording(cdr, 880, 500)
	all := h.evaluations()
	if e := all[cdr.ID+".caller"]; e.Items["attitude"] != 4 || e.Items["solved"] != 5 || e.Agent != "1002" {
		t.Errorf("the caller gave %+v, want attitude 4, solved 5", e)
	}
	if e := all[cdr.ID+".agent"]; e.Stars() != 4 || e.Customer != "4930123456" {
		t.Errorf("the agent gave %+v, want 4 to 4930123456", e)
	}

	// Later both change what they gave, known by number and account.
	caller = h.keysCaller("4050", "1", "2", "0")
	hears(t, "the caller", caller.ear.heard, "you-gave")
	caller.next() // the contact
	hears(t, "the caller", caller.ear.heard, "rating-new")
	caller.next() // his tone is no key
	time.Sleep(300 * time.Millisecond)
	caller.next() // 2
	hears(t, "the caller", caller.ear.heard, "survey-thanks")
	hears(t, "the caller", caller.ear.heard, "ratings-intro")
	caller.next() // that is all
	caller.passes(20 * time.Second)
	bob.do("dial *50")
	hears(t, "the agent", bob.heard, "caller-ending")
	bob.press("1")
	hears(t, "the agent", bob.heard, "rating-zero")
	bob.press("0")
	hears(t, "the agent", bob.heard, "rating-deleted")
	bob.do("hangup")
	h.cdrs(3)
	all = h.evaluations()
	if e := all[cdr.ID+".caller"]; e.Items["overall"] != 2 || len(e.Items) != 1 || e.Edited.IsZero() {
		t.Errorf("the caller's rating is %+v, want it changed to 2", e)
	}
	if e, ok := all[cdr.ID+".agent"]; ok {
		t.Errorf("the agent's rating is %+v, want it deleted", e)
	}
}

func TestABaresipAgentWhomTheCallerChoseDeclinesAndTheNextOneServesHim(t *testing.T) {
	t.Parallel()
	h := center(t, "testdata/phones/evaluations.yaml")
	ann := h.registered(baresipCmd{user: "1001", secret: h.secret("1001"), says: 440, answer: "manual"})
	bob := h.registered(baresipCmd{user: "1002", secret: h.secret("1002"), says: 500})
	caller := h.keysCaller("4010", "1", "0", "0")
	hears(t, "the caller", caller.ear.heard, "choice-free")
	caller.next()
	ann.sees("CALL_INCOMING", 1)
	h.agentState("1001", "offered")
	ann.do("hangup") // the key that declines
	bob.sees("CALL_ESTABLISHED", 1)
	hearsTone(t, "the caller", caller.ear.heard, 500)
	heard(t, "the caller", caller.ear.heard(), "choice-made")
	h.agentState("1001", "ready")
	caller.next()
	hearsTone(t, "the agent", bob.heard, 880)
	h.cli("call", "hangup", h.stage("talk").ID)
	cdr := h.cdr()
	h.wantTrace(cdr, "menu; wait sales; offer 1: declined; chosen agent 1001 not available; offer 2: answered; talk; end: ended by an operator")
	if cdr.Chosen != "1001" || cdr.Agent != "1002" {
		t.Errorf("the record says chosen %q, agent %q; want 1001 and 1002", cdr.Chosen, cdr.Agent)
	}
	if wait := cdr.Talks[0].Began.Sub(cdr.Offers[0].Ended); wait > 8*time.Second {
		t.Errorf("the caller waited %v after the decline, want a few rings at most", wait)
	}
}
