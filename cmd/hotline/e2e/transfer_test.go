package e2e_test

import (
	"regexp"
	"testing"
	"time"
)

func TestALinphoneAgentTransfersHisCallerToABaresip(t *testing.T) {
	t.Parallel()
	h := center(t, "testdata/phones/center.yaml")
	h.apply("testdata/phones/nosurvey.yaml")
	ann := h.linphone(linphoneCmd{user: "1001", secret: h.secret("1001"), says: 440})
	bob := h.registered(baresipCmd{user: "1002", secret: h.secret("1002"), says: 600})
	caller := h.talker()
	hearsTone(t, "the caller", caller.ear.heard, 440)
	caller.next()
	ann.do("transfer sip:1002@hotline")
	hearsTone(t, "the caller", caller.ear.heard, 600)
	hearsTone(t, "the new agent", bob.heard, 880)
	bob.do("hangup")
	caller.passes(10 * time.Second)
	c := h.cdr()
	h.wantTrace(c, "wait sales; offer 1: answered; announce; talk; transfer agent:1002; talk; end: agent hung up")
	if len(c.Talks) != 2 || c.Talks[0].Agent != "1001" || c.Talks[1].Agent != "1002" || len(c.Recordings) != 2 {
		t.Errorf("got talks %+v, recordings %q, want one of each agent", c.Talks, c.Recordings)
	}
}

func TestABaresipAgentTransfersHisCallerToALinphone(t *testing.T) {
	t.Parallel()
	h := center(t, "testdata/phones/center.yaml")
	h.apply("testdata/phones/nosurvey.yaml")
	ann := h.registered(baresipCmd{user: "1001", secret: h.secret("1001"), says: 440})
	bob := h.linphone(linphoneCmd{user: "1002", secret: h.secret("1002"), codec: "PCMU", says: 600})
	caller := h.talker()
	hearsTone(t, "the caller", caller.ear.heard, 440)
	caller.next()
	ann.do("transfer sip:1002@" + h.addr())
	hearsTone(t, "the caller", caller.ear.heard, 600)
	hearsTone(t, "the new agent", bob.heard, 880)
	bob.do("terminate")
	caller.passes(10 * time.Second)
	h.wantTrace(h.cdr(), "wait sales; offer 1: answered; announce; talk; transfer agent:1002; talk; end: agent hung up")
}

func TestATransferToAPhoneThatIsNotThereBringsTheCallerBack(t *testing.T) {
	t.Parallel()
	h := center(t, "testdata/phones/center.yaml")
	h.apply("testdata/phones/nosurvey.yaml")
	ann := h.linphone(linphoneCmd{user: "1001", secret: h.secret("1001"), says: 440, transport: "udp"})
	caller := h.talker()
	hearsTone(t, "the caller", caller.ear.heard, 440)
	caller.next()
	ann.do("transfer sip:1002@hotline")
	time.Sleep(time.Second)
	ann.do("resume 1") // some phones hold before they transfer
	hearsTone(t, "the caller", caller.ear.heard, 440)
	hearsTone(t, "the agent", ann.heard, 880)
	ann.do("terminate")
	caller.passes(10 * time.Second)
	h.wantTrace(h.cdr(), "wait sales; offer 1: answered; announce; talk; transfer agent:1002; transfer failed: unreachable; talk; end: agent hung up")
}

func TestALinphoneAgentAsksFirstAndThenJoinsTheTwo(t *testing.T) {
	t.Parallel()
	h := center(t, "testdata/phones/center.yaml")
	h.apply("testdata/phones/nosurvey.yaml")
	ann := h.linphone(linphoneCmd{user: "1001", secret: h.secret("1001"), says: 440})
	bob := h.registered(baresipCmd{user: "1002", secret: h.secret("1002"), says: 600})
	caller := h.talker()
	hearsTone(t, "the caller", caller.ear.heard, 440)
	caller.next()
	ann.do("pause 1")
	hearsMusic(t, "the caller", caller.ear.heard, 440)
	ann.do("call sip:1002@hotline")
	hearsTone(t, "the one who is asked", bob.heard, 440)
	ann.do("calls")
	ids := regexp.MustCompile(`(?m)^\s*(\d+)\s*\|`).FindAllStringSubmatch(ann.output(), -1)
	if len(ids) < 2 {
		time.Sleep(time.Second)
		ids = regexp.MustCompile(`(?m)^\s*(\d+)\s*\|`).FindAllStringSubmatch(ann.output(), -1)
	}
	if len(ids) < 2 {
		t.Fatalf("linphonec lists no two calls:\n%s", tail(ann.output(), 2000))
	}
	ann.do("transfer " + ids[0][1] + " --to-call " + ids[1][1])
	hearsTone(t, "the caller", caller.ear.heard, 600)
	hearsTone(t, "the one who was asked", bob.heard, 880)
	bob.do("hangup")
	caller.passes(10 * time.Second)
	cdrs := h.cdrs(2)
	h.wantTrace(cdrs[len(cdrs)-1], "wait sales; offer 1: answered; announce; talk; attended transfer; talk; end: agent hung up")
}

// A transfer to nowhere leaves caller and agent where they are; one to a queue
// lets the next agent serve him.
func TestALinphoneAgentTransfersHisCallerToNowhereAndThenToAQueue(t *testing.T) {
	t.Parallel()
	h := center(t, "testdata/phones/center.yaml")
	h.apply("testdata/phones/nosurvey.yaml")
	ann := h.linphone(linphoneCmd{user: "1001", secret: h.secret("1001"), codec: "PCMU", says: 440})
	bob := h.registered(baresipCmd{user: "1002", secret: h.secret("1002"), says: 600})
	caller := h.talks(ann.heard, 440)
	ann.do("transfer sip:9999@hotline")
	time.Sleep(time.Second)
	ann.do("resume 1") // some phones hold before they transfer
	hearsTone(t, "the caller", caller.ear.heard, 440)
	hearsTone(t, "the agent", ann.heard, 880)
	h.cli("agent", "state", "1001", "not-ready", "--reason", "lunch")
	h.cli("agent", "state", "1002", "ready")
	ann.do("transfer sip:4001@hotline")
	hearsTone(t, "the caller", caller.ear.heard, 600)
	hearsTone(t, "the next agent", bob.heard, 880)
	bob.do("hangup")
	caller.passes(10 * time.Second)
	c := h.cdr()
	want := `^wait sales; offer 1: answered; announce; talk; refer refused: 9999: .*; transfer to queue:sales; move queue:sales; wait sales; offer 1: answered; announce; talk; end: agent hung up$`
	if !regexp.MustCompile(want).MatchString(c.Trace) {
		t.Errorf("the call went:\n%s\nwant:\n%s", c.Trace, want)
	}
	if k := c.Talks; len(k) != 2 || k[0].Agent != "1001" || k[1].Agent != "1002" {
		t.Errorf("after %s: got talks %+v, want one of each agent", c.Trace, k)
	}
}
