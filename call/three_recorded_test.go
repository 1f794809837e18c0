package call_test

import (
	"testing"
	"time"

	"hotline/call"
	"hotline/store"
)

// tracks are the tones that a recording must have on its sides, and no other one.
func (b *bed) tracks(c store.CDR, n int, left, right []float64) {
	b.t.Helper()
	if n >= len(c.Recordings) {
		b.t.Fatalf("recordings: got %q, want %d at least", c.Recordings, n+1)
	}
	r, sides := b.recorded(c.Recordings[n])
	for i, want := range [2][]float64{left, right} {
		pcm := sides[i]
		if len(pcm) < 3*8000 {
			b.t.Fatalf("recording %d lasts %v", n+1, r.Length)
		}
		pcm = pcm[len(pcm)/2 : len(pcm)/2+8000]
		for _, hz := range []float64{annHz, callerHz, bossHz, chiefHz} {
			is, should := loudness(pcm, hz) > 0.3, false
			for _, w := range want {
				should = should || w == hz
			}
			if is != should {
				b.t.Errorf("recording %d, channel %d: has %g Hz %v, want %v", n+1, i+1, hz, is, should)
			}
		}
	}
}

func TestAThreePartyCallIsRecordedWithAllVoices(t *testing.T) {
	withDesk(t, nil, func(d *desk) {
		d.asks(call.DoConsult, "agent:1002")
		time.Sleep(5 * time.Second)
		d.asks(call.DoJoin, "")
		time.Sleep(6 * time.Second)
		d.asks(call.DoPause, "")
		time.Sleep(time.Second)
		d.asks(call.DoResume, "")
		d.asks(call.DoToggle, "") // by themselves again: nobody's ears but theirs
		time.Sleep(4 * time.Second)
		d.asks(call.DoComplete, "")
		time.Sleep(6 * time.Second)
		d.caller.Hangup()
		c := d.oneCDR()
		if len(c.Recordings) != 3 {
			t.Fatalf("recordings: got %q, want of the talk, of the three and of the next talk", c.Recordings)
		}
		d.tracks(c, 1, []float64{callerHz}, []float64{annHz, bobHz})
		d.tracks(c, 2, []float64{callerHz}, []float64{bobHz})
	})
}

func TestWhoBargesIsOnTheAgentsChannel(t *testing.T) {
	inTalk(t, func(w *watchedCall) {
		w.supervise(w.boss, "1001", "9001", "barge")
		w.supervise(w.chief, "1001", "9002", "whisper")
		time.Sleep(10 * time.Second)
		w.caller.Hangup()
		w.tracks(w.oneCDR(), 0, []float64{callerHz}, []float64{annHz, bossHz})
	})
}

func TestARecordingThatWasStoppedStaysSoWhileAColleagueIsAsked(t *testing.T) {
	withDesk(t, nil, func(d *desk) {
		d.asks(call.DoStopRecord, "")
		d.asks(call.DoConsult, "agent:1002")
		time.Sleep(5 * time.Second)
		d.asks(call.DoJoin, "")
		time.Sleep(2 * time.Second)
		d.asks(call.DoCancel, "")
		time.Sleep(2 * time.Second)
		d.caller.Hangup()
		if c := d.oneCDR(); len(c.Recordings) != 1 {
			t.Errorf("recordings: got %q, want the one that was stopped", c.Recordings)
		}
	})
}
