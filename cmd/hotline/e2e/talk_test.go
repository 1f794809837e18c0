package e2e_test

import (
	"testing"
	"time"

	"hotline/internal/phone"
	"hotline/store"
)

func TestSippCallerIsServedByABaresipAgentAndRatesHim(t *testing.T) {
	for _, c := range []struct{ transport, mode string }{{"udp", "u1"}, {"tcp", "t1"}} {
		t.Run(c.transport, func(t *testing.T) {
			t.Parallel()
			servedAndRated(t, c.transport, c.mode)
		})
	}
}

func servedAndRated(t *testing.T, transport, mode string) {
	h := center(t, "testdata/phones/center.yaml")
	ann := h.registered(baresipCmd{user: "1001", secret: h.secret("1001"), says: 440, transport: transport})
	caller := sippCmd{scenario: "menu", service: "4000", remote: h.addr(), tone: 880, steered: true, hears: true,
		args: []string{"-m", "1", "-t", mode}}.run(t)

	caller.answered()
	h.stage("menu")
	hears(t, "the caller", caller.ear.heard, "welcome")
	caller.next() // presses 1
	ann.sees("CALL_ESTABLISHED", 1)
	hearsTone(t, "the caller", caller.ear.heard, 440)
	h.agentState("1001", "talking")
	caller.next() // speaks
	hearsTone(t, "the agent", ann.heard, 880)
	ann.do("hangup")
	h.stage("survey")
	hears(t, "the caller", caller.ear.heard, "survey-service")
	caller.next() // presses 5
	caller.passes(20 * time.Second)

	heard(t, "the caller", caller.ear.heard(), "agent", "is-at-your-service", "goodbye")
	cdr := h.cdr()
	h.wantTrace(cdr, "menu; wait sales; offer 1: answered; announce; talk; survey; end: served")
	wantRating(t, cdr, 5)
	if cdr.Agent != "1001" || cdr.Caller != "4930123456" || cdr.Queue != "sales" {
		t.Errorf("the record says caller %q, queue %q, agent %q", cdr.Caller, cdr.Queue, cdr.Agent)
	}
	for _, l := range cdr.Legs {
		if l.Lost > l.In/20 || l.In == 0 || l.Out == 0 {
			t.Errorf("leg of %s: %d packets in, %d out, %d lost", l.Peer, l.In, l.Out, l.Lost)
		}
	}
	h.wantRecording(cdr, 880, 440)
	wantGap(t, h, cdr, caller.ear.heard(), "is-at-your-service", 440)
}

// wantGap fails unless the agent's tone begins within 200 ms of the end of the
// last prompt, and not before it. The recording, which begins with the talk,
// tells how late the agent's own phone was.
func wantGap(t *testing.T, h *hotline, c store.CDR, r phone.Recording, prompt string, hz float64) {
	t.Helper()
	pcm := promptPCM(t, prompt)
	_, at := phone.Correlate(pcm, r.Samples)
	phoneLate := firstTone(readWAV(t, h.recording(c))[1].Samples, hz)
	gap := firstTone(r.Samples[at:], hz) - time.Duration(len(pcm))*time.Second/8000
	t.Logf("the agent is heard %v after %s, his phone is %v late", gap, prompt, phoneLate)
	if gap > phoneLate+200*time.Millisecond || gap < -200*time.Millisecond {
		t.Errorf("the agent is heard %v after %s, want 200 ms at most and the %v of his phone", gap, prompt, phoneLate)
	}
}

// firstTone is when a tone begins, to 10 ms; a minute if it is not there.
func firstTone(pcm []int16, hz float64) time.Duration {
	const window, step = 1600, 80 // samples
	for i := 0; i+window < len(pcm); i += step {
		if (phone.Recording{Samples: pcm[i : i+window]}).HasTone(hz) {
			if i == 0 {
				return 0
			}
			return time.Duration(i+window/2) * time.Second / 8000 // a window counts from about its middle on
		}
	}
	return time.Minute
}

func wantRating(t *testing.T, c store.CDR, stars int) {
	t.Helper()
	if len(c.Ratings) != 1 || c.Ratings[0].Stars != stars {
		t.Errorf("ratings: got %+v, want one of %d", c.Ratings, stars)
	}
}

func TestLinphonesTalkOverTCPWithKeysByInfoAndDifferentCodecs(t *testing.T) {
	t.Parallel()
	h := center(t, "testdata/phones/center.yaml")
	ann := h.linphone(linphoneCmd{user: "1001", secret: h.secret("1001"), codec: "PCMA", says: 440})
	bob := h.linphone(linphoneCmd{user: "1002", secret: h.secret("1002"), codec: "PCMU", transport: "udp", info: true, says: 880})
	bob.do("call sip:4000@hotline")
	h.stage("menu")
	hears(t, "the caller", bob.heard, "welcome")
	bob.do("1")
	ann.says(`incoming call from "Sales: Bob" <sip:1002@`)
	hearsTone(t, "the caller", bob.heard, 440)
	hearsTone(t, "the agent", ann.heard, 880)
	time.Sleep(time.Second)
	ann.do("terminate")
	h.stage("survey")
	hears(t, "the caller", bob.heard, "survey-service")
	bob.do("4")
	cdr := h.cdr()
	h.wantTrace(cdr, "menu; wait sales; offer 1: answered; announce; talk; survey; end: served")
	wantRating(t, cdr, 4)
	for _, l := range cdr.Legs {
		want := map[string]string{"agent:1001": "PCMA", "agent:1002": "PCMU"}[l.Peer]
		if l.Codec != want {
			t.Errorf("codec of %s: got %s, want %s", l.Peer, l.Codec, want)
		}
	}
	h.wantRecording(cdr, 880, 440)
}
