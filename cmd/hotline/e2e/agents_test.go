package e2e_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hotline/call"
)

func TestBaresipCallsLinphone(t *testing.T) {
	t.Parallel()
	h := center(t, "testdata/phones/center.yaml")
	bob := h.linphone(linphoneCmd{user: "1002", secret: h.secret("1002"), codec: "PCMU", says: 440})
	ann := h.registered(baresipCmd{user: "1001", secret: h.secret("1001"), codec: "PCMA", says: 880})
	ann.do("dial sip:1002@hotline")
	bob.says(`incoming call from .*1001@`)
	hearsTone(t, "the baresip", ann.heard, 440)
	hearsTone(t, "the linphone", bob.heard, 880)
	h.agentState("1001", "ready (in another call)")
	ann.do("hangup")
	h.wantTrace(h.cdr(), "dial agent 1002; talk; end: caller hung up")
	h.agentState("1001", "ready")
}

func TestPhonesThatRingForEverDeclineOrAreBusyLeaveTheCallToTheNextAgent(t *testing.T) {
	t.Parallel()
	h := center(t, "testdata/phones/center.yaml")
	port := freePort(t)
	h.apply("testdata/phones/agents.yaml", "@BUSY@", fmt.Sprint(port))
	h.registered(baresipCmd{user: "1001", secret: h.secret("1001"), answer: "manual"})
	bob := h.linphone(linphoneCmd{user: "1002", secret: h.secret("1002"), manual: true})
	sippCmd{scenario: "busy", ip: "127.0.0.1", port: port, args: []string{"-m", "1"}}.run(t)
	h.registered(baresipCmd{user: "1004", secret: h.secret("1004"), says: 440})
	for _, id := range []string{"1001", "1002", "1003", "1004"} { // longest idle first
		h.cli("agent", "state", id, "ready")
		h.agentState(id, "ready")
	}
	caller := h.talker()
	h.agentState("1001", "offered")
	bob.says("incoming call")
	h.agentState("1001", "not ready (missed)")
	bob.do("terminate")
	hearsTone(t, "the caller", caller.ear.heard, 440)
	caller.next()
	var states []string
	for _, a := range list[call.AgentView](h, "agent", "list") {
		states = append(states, strings.TrimSpace(a.ID+" "+a.State+" "+a.Reason))
	}
	want := []string{"1001 not ready missed", "1002 ready", "1003 ready busy", "1004 talking"}
	if !slices.Equal(states, want) {
		t.Errorf("agents: got %q, want %q", states, want)
	}
	h.cli("call", "hangup", h.stage("talk").ID)
	caller.passes(10 * time.Second)
	h.wantTrace(h.cdr(), "wait sales; offer 1: no answer; offer 2: declined; offer 3: busy; offer 4: answered; talk; end: ended by an operator")
}

func TestKeysOfAPhoneChangeItsAgentsStateAndEndATalk(t *testing.T) {
	t.Parallel()
	h := center(t, "testdata/phones/center.yaml")
	ann := h.registered(baresipCmd{user: "1001", secret: h.secret("1001"), says: 440})
	for i, c := range []struct{ code, state string }{{"*422", "not ready (lunch)"}, {"*41", "ready"}} {
		ann.do("dial " + c.code)
		ann.sees("CALL_CLOSED", i+1)
		h.agentState("1001", c.state)
	}
	caller := h.talker()
	hearsTone(t, "the caller", caller.ear.heard, 440)
	caller.next()
	ann.press("**")
	ann.sees("CALL_CLOSED", 3)
	hears(t, "the caller", caller.ear.heard, "survey-service")
	h.cli("call", "hangup", h.stage("survey").ID)
	caller.passes(10 * time.Second)
	h.wantTrace(h.cdrs(3)[0], "wait sales; offer 1: answered; announce; talk; agent ended the talk by key; survey; end: served")
}
