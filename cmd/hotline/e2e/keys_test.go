package e2e_test

import (
	"strings"
	"testing"
	"time"
)

// An agent asks a colleague, changes between the two, and leaves them alone, all by
// the keys of his phone.
func TestABaresipAgentConsultsTogglesAndCompletesByKeys(t *testing.T) {
	t.Parallel()
	h, _ := desk(t)
	ann := h.registered(baresipCmd{user: "1001", secret: h.secret("1001"), says: 440})
	bob := h.linphone(linphoneCmd{user: "1002", secret: h.secret("1002"), codec: "PCMU", says: 1300})
	caller := h.talks(ann.heard, 440)
	ann.press("*31002#")
	hearsMusic(t, "the caller", caller.ear.heard, 440)
	hearsMix(t, "the agent", ann.heard, []float64{1300}, 880)
	hearsMix(t, "the one who is asked", bob.heard, []float64{440}, 880)
	ann.press("*5")
	hearsMix(t, "the caller", caller.ear.heard, []float64{440}, 1300)
	hearsMix(t, "the agent", ann.heard, []float64{880}, 1300)
	ann.press("*5")
	hearsMix(t, "the agent", ann.heard, []float64{1300}, 880)
	ann.press("*7")
	ann.sees("CALL_CLOSED", 1)
	hearsMix(t, "the caller", caller.ear.heard, []float64{1300}, 440)
	hearsMix(t, "the one who was asked", bob.heard, []float64{880}, 440)
	bob.do("terminate")
	caller.passes(10 * time.Second)
	if k := h.cdr().Talks; k[0].Agent != "1001" || k[len(k)-1].Agent != "1002" {
		t.Errorf("got talks %+v, want 1001 first, 1002 last", k)
	}
}

// The caller goes on outside, over a trunk; his leg is there with the number that
// agent and trunk show, and is hidden where that is asked for.
func TestABaresipAgentTransfersByKeysToANumberOutside(t *testing.T) {
	t.Parallel()
	h, port := desk(t)
	ann := h.registered(baresipCmd{user: "1001", secret: h.secret("1001"), says: 440})
	outside := h.outside("4930", port, 1300, "")
	caller := h.talks(ann.heard, 440)
	ann.press("*24930#")
	hearsMix(t, "the caller", caller.ear.heard, []float64{1300}, 440)
	hearsMix(t, "the one outside", outside.heard, []float64{880}, 440)
	ann.sees("CALL_CLOSED", 1)
	outside.do("hangup")
	caller.passes(10 * time.Second)
	h.wantTrace(h.cdr(), "wait sales; offer 1: answered; talk; transfer 4930; talk; end: the other side hung up")
	ann.do("dial sip:*674930@hotline")
	if e := outside.sees("CALL_ESTABLISHED", 2); !strings.HasPrefix(e.Param, "sip:anonymous@") {
		t.Errorf("the phone outside shows %s, want nobody's number", e.Param)
	}
	outside.do("hangup")
}

// A recording is silent while it is paused by a key, and both voices are on it
// before and after.
func TestABaresipAgentPausesTheRecordingByAKey(t *testing.T) {
	t.Parallel()
	h, _ := desk(t)
	ann := h.registered(baresipCmd{user: "1001", secret: h.secret("1001"), says: 440})
	caller := h.talks(ann.heard, 440)
	time.Sleep(time.Second)
	ann.press("*9")
	time.Sleep(2 * time.Second)
	ann.press("*9")
	time.Sleep(2 * time.Second)
	ann.do("hangup")
	caller.passes(10 * time.Second)
	for i, side := range readWAV(t, h.recording(h.cdr())) {
		own := []float64{880, 440}[i]
		silent, longest := 0, 0
		for at := 0; at+800 <= len(side.Samples); at += 800 {
			if silent++; share(side.Between(side.Start.Add(time.Duration(at)*time.Second/8000), side.Start.Add(time.Duration(at+800)*time.Second/8000)), own) > 0.5 {
				silent = 0
			}
			longest = max(longest, silent)
		}
		if longest < 15 || longest > 40 || side.ToneTime(own) < 2*time.Second {
			t.Errorf("channel %d has %v of %.0f Hz and %.1f s of silence, want 2 s or more and about 2.5 s", i+1, side.ToneTime(own), own, float64(longest)/10)
		}
	}
}

func TestAnAgentWhoIsNoSupervisorHearsNothingOfACall(t *testing.T) {
	t.Parallel()
	h, _ := desk(t)
	ann := h.registered(baresipCmd{user: "1001", secret: h.secret("1001"), says: 440})
	bob := h.registered(baresipCmd{user: "1002", secret: h.secret("1002"), says: 1300})
	caller := h.talks(ann.heard, 440)
	for i, code := range []string{"*311001", "*341001", "*351001"} {
		bob.do("dial sip:" + code + "@hotline")
		bob.sees("CALL_CLOSED", i+1)
	}
	if all := bob.of("CALL_ESTABLISHED"); len(all) > 0 {
		t.Errorf("got %+v, want no call", all)
	}
	hearsMix(t, "the caller", caller.ear.heard, []float64{440}, 1300)
	hearsMix(t, "the agent", ann.heard, []float64{880}, 1300)
	ann.do("hangup")
	caller.passes(10 * time.Second)
}
