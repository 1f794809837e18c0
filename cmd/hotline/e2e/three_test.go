package e2e_test

import (
	"testing"
	"time"

	"hotline/internal/phone"
	"hotline/media"
)

// sounding are the tones, of the three, that are in samples, each 40 dB below full
// scale at least.
func sounding(pcm []int16) (got [3]bool) {
	for i, hz := range [3]float64{880, 440, 600} {
		got[i] = len(pcm) >= 4000 && media.Goertzel(pcm[len(pcm)-4000:], 8000, hz) > 300
	}
	return got
}

// hearsTones waits until somebody hears these of the caller's, Ann's and Bob's voice.
func hearsTones(t *testing.T, who string, heard func() phone.Recording, want [3]bool) {
	t.Helper()
	var got [3]bool
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if got = sounding(heard().Last(time.Second).Samples); got == want {
			return
		}
	}
	t.Fatalf("%s hears caller, Ann, Bob: %v, want %v", who, got, want)
}

func TestThreeRealPhonesTalkTogetherAndAllThreeAreRecorded(t *testing.T) {
	t.Parallel()
	h := center(t, "testdata/phones/center.yaml")
	h.apply("testdata/phones/nosurvey.yaml")
	ann := h.registered(baresipCmd{user: "1001", secret: h.secret("1001"), says: 440})
	bob := h.linphone(linphoneCmd{user: "1002", secret: h.secret("1002"), codec: "PCMU", says: 600})
	caller := h.talker()
	hearsTone(t, "the caller", caller.ear.heard, 440)
	caller.next()
	h.cli("call", "consult", "1001", "agent:1002")
	hearsTone(t, "the one who is asked", bob.heard, 440)
	h.cli("call", "join", "1001")
	hearsTones(t, "the caller", caller.ear.heard, [3]bool{false, true, true})
	hearsTones(t, "Ann", ann.heard, [3]bool{true, false, true})
	hearsTones(t, "Bob", bob.heard, [3]bool{true, true, false})
	time.Sleep(time.Second)
	ann.do("hangup")
	hearsTone(t, "the caller", caller.ear.heard, 600)
	bob.do("terminate")
	caller.passes(10 * time.Second)
	c := h.cdr()
	if len(c.Recordings) != 3 {
		t.Fatalf("got recordings %q, want of the talk, of the three and of the two left alone", c.Recordings)
	}
	c.Recording = c.Recordings[1]
	for i, side := range readWAV(t, h.recording(c)) {
		want := [2][3]bool{{true, false, false}, {false, true, true}}[i]
		if got := sounding(side.Samples[:len(side.Samples)*3/4]); got != want {
			t.Errorf("channel %d has caller, Ann, Bob: %v, want %v", i+1, got, want)
		}
	}
}
