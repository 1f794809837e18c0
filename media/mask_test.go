package media

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"
)

// keyTone is a key of 120 ms that sounds from a sample on, over soft speech of 250 Hz.
func keyTone(code uint8, from int) func(int) int16 {
	var key, speech oscillator
	key.keys(code)
	speech.set(0, 250, 0.1)
	return func(i int) int16 {
		if i >= from && i < from+960 {
			return key.sample()
		}
		return speech.sample()
	}
}

// keyLevel is the greatest strength of the key 5 in windows of 20 ms.
func keyLevel(pcm []int16) float64 {
	most := 0.0
	for at := 0; at+160 <= len(pcm); at += 80 {
		w := pcm[at : at+160]
		most = max(most, min(Goertzel(w, sampleRate, 770), Goertzel(w, sampleRate, 1336)))
	}
	return most
}

func TestKeysAreKeptOutOfTheRecording(t *testing.T) {
	for _, c := range []struct {
		name    string
		mask    bool
		inBand  bool // the leg has a detector of its own
		events  bool // the key comes as events, after 40 ms of its tone
		present bool
	}{
		{"unmasked", false, false, false, true},
		{"sounding", true, false, false, false},
		{"sounding and detected", true, true, false, false},
		{"as events with a leak", true, false, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "r.wav")
			simulated(t, func(r *rig) {
				a, b := r.leg("a", func(s *SetRemote) { s.InBandDTMF = c.inBand }), r.leg("b")
				seatTwo(r, "a", "b")
				r.e.Do(Record{ID: "r", Path: path, Left: "a", Right: "b"})
				r.e.Do(MaskDigits{Leg: "a", On: c.mask})
				time.Sleep(time.Millisecond)
				r.wg.Go(func() { b.talk(3*time.Second, sine(770, 0.3)) })
				if c.events {
					a.talk(1040*time.Millisecond, keyTone(5, 8000))
					a.press('5', 200*time.Millisecond)
					a.talk(1700*time.Millisecond, sine(250, 0.1))
				} else {
					a.talk(3*time.Second, keyTone(5, 8000))
				}
				r.wg.Wait()
				heard := keyLevel(b.heard()) > 3000
				if !heard {
					t.Error("b did not hear the key: the mask is for recordings only")
				}
				r.e.Do(Finish{ID: "r"})
				r.stop()
			})
			left, right := readBack(t, path)
			if got := keyLevel(left); (got > 1000) != c.present {
				t.Errorf("got the key with %.0f in the recording, want it there: %v", got, c.present)
			}
			for _, at := range []int{780, 1450} { // ms: some 200 before and after
				if got := Goertzel(left[8*at:8*at+400], sampleRate, 250); got < 2500 {
					t.Errorf("at %d ms: got speech of %.0f, want it kept", at, got)
				}
			}
			if got := Goertzel(right[4000:20000], sampleRate, 770); got < 9000 {
				t.Errorf("the other channel has %.0f, want it untouched", got)
			}
		})
	}
}

func TestARecordingHasItsOutlineBesideIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.wav")
	simulated(t, func(r *rig) {
		a := r.leg("a")
		r.e.Do(Record{ID: "r", Path: path, Left: "a"})
		time.Sleep(500 * time.Millisecond)
		a.talk(time.Second, constant(16000))
		time.Sleep(550 * time.Millisecond)
		r.e.Do(Finish{ID: "r"})
		r.stop()
	})
	p, err := ReadPeaks(path)
	if err != nil || p.PerSecond != 10 || len(p.Channels) != 2 || len(p.Channels[0]) != 21 || len(p.Channels[1]) != 21 {
		t.Fatalf("got %+v %v, want 21 peaks of each channel", p, err)
	}
	for i, v := range p.Channels[0] {
		if want := i >= 5 && i < 15; (v > 120 && v < 130) != want || !want && v != 0 {
			t.Errorf("got peak %d of %d, want sound: %v", i, v, want)
		}
	}
	info, err := os.Stat(PeaksPath(path))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v %v, want mode 0600", info, err)
	}
	if err := os.Remove(PeaksPath(path)); err != nil {
		t.Fatal(err)
	}
	if again, err := ReadPeaks(path); err != nil || !reflect.DeepEqual(again, p) {
		t.Errorf("got %v from the recording itself, want the same", err)
	}
	if _, err := ReadPeaks(filepath.Join("..", "ivr", "prompts", "en", "welcome.wav")); err == nil {
		t.Error("a file that is no recording of ours has peaks")
	}
}
