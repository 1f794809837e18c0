package phone

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"hotline/ivr/prompts"
	"hotline/media"
)

// noise is seeded.
func noise(n int, seed uint64, amplitude float64) []int16 {
	r := rand.New(rand.NewPCG(seed, 1))
	out := make([]int16, n)
	for i := range out {
		out[i] = int16(r.NormFloat64() * amplitude)
	}
	return out
}

func TestCorrelateFindsSpeechInARecording(t *testing.T) {
	said := noise(8000, 1, 3000)
	heard := noise(40000, 2, 30)
	for i, s := range said {
		heard[12345+i] += s / 3
	}
	if score, lag := Correlate(said, heard); score < 0.99 || lag != 12345 {
		t.Errorf("got %.3f at %d, want 1 at 12345", score, lag)
	}
	if score, _ := Correlate(said, noise(40000, 3, 3000)); score > 0.1 {
		t.Errorf("other noise: got %.3f, want nearly 0", score)
	}
	if score, lag := Correlate(said, heard[:12345+6000]); score < 0.8 || lag != 12345 {
		t.Errorf("cut short: got %.3f at %d, want 0.87 at 12345", score, lag)
	}
	if score, _ := Correlate(said, make([]int16, 100)); score != 0 {
		t.Errorf("silence: got %.3f, want 0", score)
	}
}

func TestTonesAreHeardAndNothingElseIs(t *testing.T) {
	pcm := make([]int16, 16000)
	o := newOscillator(600, 3000)
	o.fill(pcm[4000:8000])
	r := Recording{Start: time.Now(), Samples: pcm}
	if !r.HasTone(600) || !r.HasTone(601) {
		t.Error("the tone is not heard")
	}
	for _, f := range []float64{300, 550, 650, 1200} {
		if r.HasTone(f) {
			t.Errorf("a tone of %g Hz is heard, there is none", f)
		}
	}
	if got := r.ToneTime(600); got < 400*time.Millisecond || got > 700*time.Millisecond {
		t.Errorf("tone time: got %v, want about 500ms", got)
	}
	if f := r.Dominant(); math.Abs(f-600) > 2 {
		t.Errorf("dominant: got %g, want 600", f)
	}
	if (Recording{Samples: noise(16000, 1, 3000)}).HasTone(600) {
		t.Error("a tone is heard in noise")
	}
	if f := (Recording{Samples: make([]int16, 8000)}).Dominant(); f != 0 {
		t.Errorf("dominant of silence: got %g, want 0", f)
	}
}

func TestSpeechIsToldFromMusicKeysAndTones(t *testing.T) {
	decoded := func(ulaw []byte) []int16 { return media.PCMU.Decode(make([]int16, len(ulaw)), ulaw) }
	keys := make([]int16, 0, 40000)
	for code := range keyNames {
		keys = append(keys, keySound(code)...)
	}
	tone := make([]int16, 40000)
	o := newOscillator(440, toneAmplitude)
	o.fill(tone)
	speech := map[string][]int16{}
	for _, lang := range prompts.Languages() {
		for _, name := range []string{"welcome", "menu-main", "demo-caller", "demo-agent"} {
			wav, _ := prompts.WAV(lang, name)
			pcm, _, _, err := media.ReadWAV(bytes.NewReader(wav))
			if err != nil {
				t.Fatal(err)
			}
			speech[lang+"/"+name] = pcm
		}
	}
	for name, pcm := range speech {
		if r := (Recording{Samples: pcm}); !r.HasSpeech() {
			t.Errorf("no speech heard in prompt %s (%v)", name, r.SpeechTime())
		}
	}
	for name, pcm := range map[string][]int16{"music": decoded(media.HoldMusic()), "keys": keys, "a tone": tone, "silence": make([]int16, 40000)} {
		if r := (Recording{Samples: pcm}); r.HasSpeech() {
			t.Errorf("speech heard in %s (%v)", name, r.SpeechTime())
		}
	}
}

func TestTheTimelineKeepsGapsAndNewSources(t *testing.T) {
	began := time.Now()
	e := newEar(began, 100*sampleRate)
	at := func(d time.Duration) time.Time { return began.Add(d) }
	one := func(v int16) []int16 {
		b := make([]int16, frameLen)
		for i := range b {
			b[i] = v
		}
		return b
	}
	e.put(at(100*ms), 7, 50000, one(1))
	e.put(at(185*ms), 7, 50000+4*160, one(2)) // three frames are missing
	e.put(at(190*ms), 7, 50000+2*160, one(3)) // one of them comes late
	e.put(at(500*ms), 8, 99, one(4))          // another source
	r := e.recording(at(600 * ms))
	for _, c := range []struct {
		at   time.Duration
		want int16
	}{{90 * ms, 0}, {110 * ms, 1}, {130 * ms, 0}, {150 * ms, 3}, {190 * ms, 2}, {300 * ms, 0}, {510 * ms, 4}, {590 * ms, 0}} {
		if got := r.Samples[int(c.at*sampleRate/time.Second)]; got != c.want {
			t.Errorf("at %v: got %d, want %d", c.at, got, c.want)
		}
	}
	if r.Length() != 600*ms {
		t.Errorf("length: got %v, want 600ms", r.Length())
	}
}

func TestTheTimelineIsBounded(t *testing.T) {
	began := time.Now()
	e := newEar(began, 10*sampleRate)
	one := make([]int16, frameLen)
	one[0] = 7
	now := began
	for i := range 50 * 120 { // two minutes without a break
		e.put(now, 1, uint32(i*frameLen), one)
		now = now.Add(20 * ms)
	}
	now = now.Add(24 * time.Hour)
	if r := e.recording(now); r.Length() > 20*time.Second || r.Start.Add(r.Length()).Sub(now) > 20*ms {
		t.Errorf("after a day: got %v from %v, want the last 20 s", r.Length(), r.Start)
	}
	e.put(now, 1, 5, one)
	r := e.recording(now)
	if n := cap(e.pcm); n > 30*sampleRate || r.Length() > 20*time.Second {
		t.Errorf("got %d samples kept, %v told; want at most 30 s and 20 s", n, r.Length())
	}
	if got := r.Samples[r.index(now)]; got != 7 {
		t.Errorf("the new packet: got %d at its place, want 7", got)
	}
}
