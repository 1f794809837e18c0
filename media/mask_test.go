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
				b.unbroken(25 * time.Millisecond)
				pcm := b.heard()
				if got := keyLevel(pcm); (got > 1000) != c.present {
					t.Errorf("b heard the key with %.0f, want it heard: %v", got, c.present)
				}
				for _, p := range b.packets() {
					if p.pt == 101 && c.mask {
						t.Fatal("b got a telephone-event of a masked key")
					}
				}
				for _, at := range []int{780, 1500} {
					if got := Goertzel(pcm[8*at:8*at+400], sampleRate, 250); got < 2500 && !c.events {
						t.Errorf("b at %d ms: got speech of %.0f, want it kept", at, got)
					}
				}
				if want := map[bool]string{true: "5"}[c.inBand || c.events]; r.keys("a") != want {
					t.Errorf("got keys %q told, want %q", r.keys("a"), want)
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

// Keys that begin anywhere in a packet, in packets of any length: those who hear
// the leg alone or in a mix get nothing of them.
func TestNothingOfAMaskedKeyReachesOtherEars(t *testing.T) {
	for _, size := range []int{80, 160, 240, 480} {
		for _, mixed := range []bool{false, true} {
			simulated(t, func(r *rig) {
				a, b := r.leg("a", func(s *SetRemote) { s.Codec = PCMA }), r.leg("b")
				seatTwo(r, "a", "b")
				if mixed {
					r.leg("c")
					r.e.Do(Seat{Bridge: "b", Leg: "c", Role: Agent})
				}
				r.e.Do(MaskDigits{Leg: "a", On: true})
				time.Sleep(time.Millisecond)
				r.wg.Go(func() { b.talk(6*time.Second, constant(0)) })
				var tones [16]func(int) int16
				for k := range tones {
					tones[k] = keyTone(5, 8000) // then at odd places of the packet
				}
				a.talkIn(6*time.Second, size, func(i int) int16 {
					// A key each 300 ms, each one 37 samples later in its packet.
					k := i / 2400
					if at := i - k*2400 - 37*k; k >= 2 && k < 18 && at >= 0 && at < 800 {
						return tones[k-2](8000 + at)
					}
					return 0
				})
				r.wg.Wait()
				most := 0.0
				pcm := b.heard()
				for at := 0; at+80 <= len(pcm); at += 40 {
					most = max(most, Goertzel(pcm[at:at+80], sampleRate, 770), Goertzel(pcm[at:at+80], sampleRate, 1336))
				}
				if most > 300 {
					t.Errorf("packets of %d samples, mixed %v: got %.0f of a key, want none", size, mixed, most)
				}
				b.unbroken(80 * time.Millisecond)
			})
		}
	}
}

func TestAMaskThatIsOverLeavesAudioAndKeysAsTheyAre(t *testing.T) {
	simulated(t, func(r *rig) {
		a, b := r.leg("a"), r.leg("b")
		seatTwo(r, "a", "b")
		for i := range 30 {
			switch i {
			case 10:
				r.e.Do(MaskDigits{Leg: "a", On: true})
			case 20:
				r.e.Do(MaskDigits{Leg: "a"})
			}
			a.talk(frameTime, constant(int16(100*(i+1))))
		}
		a.press('7', 100*time.Millisecond)
		time.Sleep(50 * time.Millisecond)
		b.unbroken(25 * time.Millisecond)
		var got []int16
		for _, p := range b.packets() {
			if p.pt == uint8(PCMU) {
				got = append(got, PCMU.Decode(make([]int16, len(p.payload)), p.payload)[0])
			}
		}
		events := 0
		for _, p := range b.packets() {
			if p.pt == 101 {
				events++
			}
		}
		if len(got) != 30 || events == 0 {
			t.Fatalf("got %d packets of audio and %d of a key, want 30 and some", len(got), events)
		}
		for i, v := range got {
			if v < int16(95*(i+1)) || v > int16(105*(i+1)) {
				t.Errorf("packet %d: got %d, want %d", i, v, 100*(i+1))
			}
		}
	})
}

func TestMaskedKeysAreSilence(t *testing.T) {
	everywhere(t, func(r *rig) {
		a, b := r.leg("a"), r.leg("b")
		seatTwo(r, "a", "b")
		r.e.Do(MaskDigits{Leg: "a", On: true})
		time.Sleep(50 * time.Millisecond)
		a.talk(400*time.Millisecond, keyTone(5, 1000))
		a.press('5', 100*time.Millisecond)
		a.talk(300*time.Millisecond, constant(0))
		r.settle()
		if got := keyLevel(b.heard()); got > 1000 || len(b.packets()) < 20 {
			r.t.Errorf("got the key with %.0f in %d packets, want silence for it", got, len(b.packets()))
		}
		if got := r.keys("a"); got != "5" {
			r.t.Errorf("got keys %q told, want 5", got)
		}
		b.unbroken(30 * time.Millisecond)
	})
}
