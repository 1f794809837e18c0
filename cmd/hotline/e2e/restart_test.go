package e2e_test

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hotline/call"
	"hotline/store"
)

func TestRegistrationSurvivesARestart(t *testing.T) {
	t.Parallel()
	h := center(t, "testdata/phones/center.yaml")
	h.apply("testdata/phones/nosurvey.yaml")
	ann := h.registered(baresipCmd{user: "1001", secret: h.secret("1001"), says: 440, expires: 3600})
	h.stop()
	h.start()
	h.agentState("1001", "ready")
	caller := h.talker()
	hearsTone(t, "the caller", caller.ear.heard, 440)
	caller.next()
	hearsTone(t, "the agent", ann.heard, 880)
	if n := strings.Count(ann.output(), "[1 binding]"); n != 1 {
		t.Errorf("the agent registered %d times, want once, before the restart", n)
	}
	ann.do("hangup")
	caller.passes(10 * time.Second)
	h.wantTrace(h.cdr(), "wait sales; offer 1: answered; announce; talk; end: agent hung up")
}

func TestStopInATalkEndsBothSidesInOrder(t *testing.T) {
	t.Parallel()
	h := center(t, "testdata/phones/center.yaml")
	ann := h.registered(baresipCmd{user: "1001", secret: h.secret("1001"), says: 440})
	caller := h.talker()
	hearsTone(t, "the caller", caller.ear.heard, 440)
	caller.next()
	hearsTone(t, "the agent", ann.heard, 880)
	h.stop()
	caller.passes(5 * time.Second) // it got a BYE
	ann.sees("CALL_CLOSED", 1)
	if code := h.p.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("hotline ended with %d, want 0", code)
	}
	h.start()
	cdr := h.cdr()
	h.wantTrace(cdr, "wait sales; offer 1: answered; announce; talk; end: shutdown")
	if cdr.Recovered {
		t.Error("the record is marked recovered, but the process ended in order")
	}
	h.wantRecording(cdr, 880, 440)
}

func TestAfterAKillInATalkBothAreHungUpAndTheRecordingPlays(t *testing.T) {
	t.Parallel()
	h := newHotline(t)
	h.args = []string{"--media", "inline"} // else the talk goes on
	h.start()
	h.apply("testdata/phones/center.yaml")
	ann := h.registered(baresipCmd{user: "1001", secret: h.secret("1001"), says: 440})
	caller := h.talker()
	hearsTone(t, "the caller", caller.ear.heard, 440)
	caller.next()
	hearsTone(t, "the agent", ann.heard, 880)
	talk := h.stage("talk")
	time.Sleep(2 * time.Second)
	killed := time.Now()
	h.kill()
	h.start()
	caller.passes(10 * time.Second) // it got a BYE
	ann.sees("CALL_CLOSED", 1)
	cdr := h.cdr()
	if cdr.ID != talk.ID || !cdr.Recovered || cdr.Cause.Blame != "us" {
		t.Errorf("the record is of %s, recovered: %v, cause: %+v; want %s, recovered, by us", cdr.ID, cdr.Recovered, cdr.Cause, talk.ID)
	}
	h.wantTrace(cdr, "wait sales; offer 1: answered; announce; talk; end: engine restarted")
	wantSaved(t, h, cdr, killed)
	h.agentState("1001", "ready")
	if calls := list[call.CallView](h, "call", "list"); len(calls) != 0 {
		t.Errorf("calls are left: %+v", calls)
	}
}

// wantSaved fails unless the recording of a talk that was cut off by a kill
// plays up to 2 s before that, with a tone on each side.
func wantSaved(t *testing.T, h *hotline, c store.CDR, killed time.Time) {
	t.Helper()
	path := h.recording(c)
	sides := readWAV(t, path)
	if lost := killed.Sub(c.Talks[0].Began) - sides[0].Length(); lost > 2*time.Second || lost < -200*time.Millisecond {
		t.Errorf("the recording misses %v of the talk, want 2 s at most", lost)
	}
	for i, hz := range []float64{880, 440} {
		if d := sides[i].ToneTime(hz); d < time.Second {
			t.Errorf("channel %d: %.0f Hz sounds for %v", i+1, hz, d)
		}
	}
	if out, err := exec.Command("sox", path, "-n", "stat").CombinedOutput(); err != nil || strings.Contains(string(out), "WARN") {
		t.Errorf("sox can't play %s: %v: %s", filepath.Base(path), err, out)
	}
}

func TestPhoneThatIsGoneLeavesTheCallToTheNextAgentAtOnce(t *testing.T) {
	t.Parallel()
	h := center(t, "testdata/phones/center.yaml")
	ann := h.linphone(linphoneCmd{user: "1001", secret: h.secret("1001"), says: 330})
	h.registered(baresipCmd{user: "1002", secret: h.secret("1002"), says: 440})
	h.stop()
	_ = ann.cmd.Process.Kill()
	<-ann.done
	h.start()
	h.cli("agent", "state", "1002", "ready") // idle for a shorter time than 1001
	caller := h.talker()
	began := time.Now()
	hearsTone(t, "the caller", caller.ear.heard, 440)
	if d := time.Since(began); d > 6*time.Second {
		t.Errorf("the caller hears the second agent after %v, want 6 s at most", d)
	}
	h.agentState("1001", "unreachable (phone does not answer)")
	if offers := h.stage("talk").Trace; !slices.Contains(offers, "offer 1: unreachable") {
		t.Errorf("the call went %q, want offer 1 unreachable", offers)
	}
}
