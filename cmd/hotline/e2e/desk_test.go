package e2e_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"hotline/call"
	"hotline/internal/phone"
	"hotline/store"
)

// share is how much of r's power a tone has.
func share(r phone.Recording, hz float64) float64 {
	k := 2 * math.Cos(2*math.Pi*hz/8000)
	var a, b, energy float64
	for _, s := range r.Samples {
		v := float64(s)
		a, b = v+k*a-b, a
		energy += v * v
	}
	if energy < 1e6 {
		return 0
	}
	return (a*a + b*b - k*a*b) * 2 / float64(len(r.Samples)) / energy
}

// hearsMix waits until somebody has heard all of some tones for a second and none
// of the others.
func hearsMix(t *testing.T, who string, heard func() phone.Recording, tones []float64, others ...float64) {
	t.Helper()
	var last string
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		r, ok := heard().Last(time.Second), true
		last = ""
		for _, hz := range tones {
			s := share(r, hz)
			last += fmt.Sprintf(" %.0f Hz %.3f", hz, s)
			ok = ok && s > 0.1
		}
		for _, hz := range others {
			s := share(r, hz)
			last += fmt.Sprintf(" %.0f Hz %.3f", hz, s)
			ok = ok && s < 0.01
		}
		if ok {
			return
		}
	}
	t.Fatalf("%s does not hear %v and not %v: shares of power%s", who, tones, others, last)
}

// talks has a sipp caller, who says 880 Hz, served by an agent.
func (h *hotline) talks(agent func() phone.Recording, says float64) *sipp {
	h.t.Helper()
	caller := h.talker()
	hearsTone(h.t, "the caller", caller.ear.heard, says)
	caller.next()
	hearsTone(h.t, "the agent", agent, 880)
	return caller
}

func TestABaresipAgentParksHisCallerAndALinphoneTakesHimOut(t *testing.T) {
	t.Parallel()
	h, _ := desk(t)
	ann := h.registered(baresipCmd{user: "1001", secret: h.secret("1001"), says: 440})
	bob := h.linphone(linphoneCmd{user: "1002", secret: h.secret("1002"), codec: "PCMU", says: 600})
	caller := h.talks(ann.heard, 440)
	ann.press("*0")
	hearsMusic(t, "the caller", caller.ear.heard, 440)
	hears(t, "the agent", ann.heard, "parked-at")
	h.stage("park 701")
	ann.sees("CALL_CLOSED", 1)
	bob.do("call sip:701@hotline")
	hearsTone(t, "the caller", caller.ear.heard, 600)
	hearsTone(t, "who took him out", bob.heard, 880)
	bob.do("terminate")
	caller.passes(10 * time.Second)
	cdrs := h.cdrs(2)
	h.wantTrace(cdrs[1], "wait sales; offer 1: answered; talk; park 701; talk; end: agent hung up")
	if k := cdrs[1].Talks; len(k) != 2 || k[0].Agent != "1001" || k[1].Agent != "1002" {
		t.Errorf("got talks %+v, want one of each agent", k)
	}
}

// Who picks up has the caller; the phone that rang is told that the call was
// completed elsewhere (RFC 3326), so that it shows no missed call.
func TestALinphonePicksUpWhatRingsElsewhere(t *testing.T) {
	t.Parallel()
	h, _ := desk(t)
	port := freePort(t)
	h.apply("testdata/phones/rings.yaml", "@RINGS@", fmt.Sprint(port))
	bob := h.linphone(linphoneCmd{user: "1002", secret: h.secret("1002"), codec: "PCMU", says: 600})
	rings := sippCmd{scenario: "elsewhere", ip: "127.0.0.1", port: port, args: []string{"-m", "1"}}.run(t)
	h.cli("agent", "state", "1003", "ready")
	caller := h.talker()
	h.agentState("1003", "offered")
	bob.do("call sip:*8@hotline")
	hearsTone(t, "the caller", caller.ear.heard, 600)
	caller.next()
	hearsTone(t, "who picked up", bob.heard, 880)
	rings.passes(10 * time.Second) // it has seen the reason
	bob.do("terminate")
	caller.passes(10 * time.Second)
	cdrs := h.cdrs(2)
	h.wantTrace(cdrs[1], "wait sales; picked up by agent:1002; offer 1: answered elsewhere; talk; end: agent hung up")
}

// By command, with a phone that answers by itself: it picks up, and a transfer to a
// phone that is not there tells so and leaves the caller with it.
func TestABaresipIsRungToPickUpAndItsTransferTellsWhyItFailed(t *testing.T) {
	t.Parallel()
	h, _ := desk(t)
	port := freePort(t)
	h.apply("testdata/phones/rings.yaml", "@RINGS@", fmt.Sprint(port))
	ann := h.registered(baresipCmd{user: "1001", secret: h.secret("1001"), says: 440})
	h.cli("agent", "state", "1001", "not-ready")
	rings := sippCmd{scenario: "elsewhere", ip: "127.0.0.1", port: port, args: []string{"-m", "1"}}.run(t)
	h.cli("agent", "state", "1003", "ready")
	caller := h.talker()
	h.agentState("1003", "offered")
	h.cli("call", "pickup", "1003", "--as", "1001")
	hearsTone(t, "the caller", caller.ear.heard, 440)
	caller.next()
	hearsTone(t, "who picked up", ann.heard, 880)
	rings.passes(10 * time.Second)
	_, err := h.try("call", "transfer", "1001", "agent:1002")
	if err == nil || !strings.Contains(err.Error(), "unreachable; the caller goes back to the agent") {
		t.Errorf("a transfer to a phone that is not there: got %v", err)
	}
	ann.do("hangup")
	caller.passes(10 * time.Second)
	h.cdrs(2)
}

func TestABaresipAgentIsRungAndThenWhomHeClicked(t *testing.T) {
	t.Parallel()
	h, port := desk(t)
	ann := h.registered(baresipCmd{user: "1001", secret: h.secret("1001"), says: 440})
	customer := h.outside("4930", port, 880, "")
	h.cli("agent", "dial", "1001", "4930", "--show", "4930888")
	ann.sees("CALL_ESTABLISHED", 1)
	if e := customer.sees("CALL_ESTABLISHED", 1); !strings.HasPrefix(e.Param, "sip:4930888@") {
		t.Errorf("the customer's phone shows %s, want 4930888", e.Param)
	}
	hearsTone(t, "the customer", customer.heard, 440)
	hearsTone(t, "the agent", ann.heard, 880)
	customer.do("hangup")
	ann.sees("CALL_CLOSED", 1)
	h.wantTrace(h.cdr(), "ring; dial out; talk; end: the other side hung up")
	if _, err := h.try("agent", "dial", "1001", "4930", "--show", "4930777"); err == nil {
		t.Error("a number that is not his may be shown")
	}
}

// From a supervisor's phone: he listens, whispers, joins, takes the call over,
// and ends another one.
func TestALinphoneSupervisorListensJoinsTakesOverAndEndsCalls(t *testing.T) {
	t.Parallel()
	h, _ := desk(t)
	ann := h.registered(baresipCmd{user: "1001", secret: h.secret("1001"), says: 440})
	sue := h.linphone(linphoneCmd{user: "9001", secret: h.secret("9001"), codec: "PCMU", says: 1300})
	caller := h.talks(ann.heard, 440)
	sue.do("call sip:*311001@hotline")
	hearsMix(t, "who listens", sue.heard, []float64{440, 880})
	hearsMix(t, "the caller", caller.ear.heard, []float64{440}, 1300)
	sue.do("2")
	hearsMix(t, "the agent", ann.heard, []float64{880, 1300})
	hearsMix(t, "the caller", caller.ear.heard, []float64{440}, 1300)
	sue.do("3")
	hearsMix(t, "the caller", caller.ear.heard, []float64{440, 1300})
	sue.do("4")
	hearsMix(t, "the caller", caller.ear.heard, []float64{1300}, 440)
	hearsMix(t, "who took over", sue.heard, []float64{880}, 440)
	ann.sees("CALL_CLOSED", 1)
	sue.do("terminate")
	caller.passes(10 * time.Second)

	caller = h.talks(ann.heard, 440)
	sue.do("call sip:*351001@hotline")
	caller.passes(15 * time.Second)
	ann.sees("CALL_CLOSED", 2)
	var acts []string
	for _, a := range list[store.Audit](h, "audit", "list") {
		acts = append(acts, a.Act)
	}
	if all := strings.Join(acts, ";"); !strings.Contains(all, "take over") || !strings.Contains(all, "supervise") || !strings.Contains(all, "hang") {
		t.Errorf("the audit log has %q", acts)
	}
}

func TestThreePhonesInAConferenceAreMutedAndKicked(t *testing.T) {
	t.Parallel()
	h, port := desk(t)
	ann := h.linphone(linphoneCmd{user: "1001", secret: h.secret("1001"), codec: "PCMU", says: 440})
	bob := h.registered(baresipCmd{user: "1002", secret: h.secret("1002"), says: 600, transport: "tcp"})
	customer := h.outside("4930", port, 880, "")
	ann.do("call sip:4100@hotline")
	bob.do("dial sip:4100@hotline")
	customer.do("dial sip:4100@hotline")
	hearsMix(t, "Ann", ann.heard, []float64{600, 880}, 440)
	hearsMix(t, "Bob", bob.heard, []float64{440, 880}, 600)
	hearsMix(t, "the customer", customer.heard, []float64{440, 600}, 880)
	members := list[call.ConferenceView](h, "conference", "show", "team")[0].Members
	who := map[string]string{}
	for _, m := range members {
		who[m.From] = m.Call
	}
	h.cli("conference", "mute", "team", who["agent:1002"])
	hearsMix(t, "Ann", ann.heard, []float64{880}, 440, 600)
	hearsMix(t, "Bob", bob.heard, []float64{440, 880}, 600)
	h.cli("conference", "unmute", "team", who["agent:1002"])
	hearsMix(t, "Ann", ann.heard, []float64{600, 880}, 440)
	h.cli("conference", "kick", "team", who["trunk:out"])
	customer.sees("CALL_CLOSED", 1)
	hearsMix(t, "Ann", ann.heard, []float64{600}, 440, 880)
	hearsMix(t, "Bob", bob.heard, []float64{440}, 600, 880)
	bob.do("hangup")
	ann.do("terminate")
	h.cdrs(3)
}
