package e2e_test

import (
	"testing"
	"time"

	"hotline/internal/phone"
)

// hearsMusic waits until somebody has heard music on hold for 1.5 s.
func hearsMusic(t *testing.T, who string, listen func() phone.Recording, tones ...float64) {
	t.Helper()
	var r phone.Recording
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if r = listen().Last(1500 * time.Millisecond); music(r, tones...) {
			return
		}
	}
	t.Fatalf("%s hears no music: mostly %.0f Hz, at %.0f dB", who, r.Dominant(), r.Loudness())
}

// talker is a sipp caller of the queue, who says 880 Hz.
func (h *hotline) talker() *sipp {
	c := sippCmd{scenario: "talk", service: "4001", remote: h.addr(), tone: 880, steered: true, hears: true, args: []string{"-m", "1"}}.run(h.t)
	c.answered()
	return c
}

func TestCallerHearsMusicWhileABaresipAgentHoldsAndThenTheAgentAgain(t *testing.T) {
	t.Parallel()
	h := center(t, "testdata/phones/center.yaml")
	h.apply("testdata/phones/nosurvey.yaml")
	ann := h.registered(baresipCmd{user: "1001", secret: h.secret("1001"), says: 440})
	held(t, h, ann.heard, func() { ann.do("hold") }, func() { ann.do("resume") }, func() { ann.do("hangup") })
}

func TestCallerHearsMusicWhileALinphoneAgentHoldsAndThenTheAgentAgain(t *testing.T) {
	t.Parallel()
	h := center(t, "testdata/phones/center.yaml")
	h.apply("testdata/phones/nosurvey.yaml")
	ann := h.linphone(linphoneCmd{user: "1001", secret: h.secret("1001"), says: 440})
	held(t, h, ann.heard, func() { ann.do("pause") }, func() { ann.do("resume") }, func() { ann.do("terminate") })
}

// held calls, and lets the agent hold, resume and hang up.
func held(t *testing.T, h *hotline, agentHeard func() phone.Recording, hold, resume, hangup func()) {
	t.Helper()
	caller := h.talker()
	hearsTone(t, "the caller", caller.ear.heard, 440)
	caller.next()
	hearsTone(t, "the agent", agentHeard, 880)
	for range 2 {
		hold()
		hearsMusic(t, "the caller", caller.ear.heard, 440)
		resume()
		hearsTone(t, "the caller", caller.ear.heard, 440)
		hearsTone(t, "the agent", agentHeard, 880)
	}
	hangup()
	caller.passes(10 * time.Second)
	h.wantTrace(h.cdr(), "wait sales; offer 1: answered; announce; talk; end: agent hung up")
}

func TestAgentHearsMusicWhileTheCallerHolds(t *testing.T) {
	t.Parallel()
	h := center(t, "testdata/phones/center.yaml")
	h.apply("testdata/phones/nosurvey.yaml")
	ann := h.registered(baresipCmd{user: "1001", secret: h.secret("1001"), says: 440, transport: "tcp"})
	bob := h.linphone(linphoneCmd{user: "1002", secret: h.secret("1002"), codec: "PCMU", says: 880})
	bob.do("call sip:4001@hotline")
	hearsTone(t, "the caller", bob.heard, 440)
	hearsTone(t, "the agent", ann.heard, 880)
	bob.do("pause")
	hearsMusic(t, "the agent", ann.heard, 880)
	bob.do("resume")
	hearsTone(t, "the agent", ann.heard, 880)
	hearsTone(t, "the caller", bob.heard, 440)
	bob.do("terminate")
	h.wantTrace(h.cdr(), "wait sales; offer 1: answered; announce; talk; end: caller hung up")
}
