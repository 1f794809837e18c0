package media

import (
	"bytes"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// listen runs a detector over sound in packets of 20 ms, through a codec.
func listen(c Codec, pcm []int16) string {
	var d detector
	out := ""
	b := make([]byte, 160)
	for ; len(pcm) >= 160; pcm = pcm[160:] {
		if k, ok := d.audio(c, c.Encode(b, pcm[:160])); ok {
			out += string(k)
		}
	}
	return out
}

// dial makes keys with given lengths in ms, levels of the two tones and an
// error of their frequency.
func dial(keys string, on, off int, low, high, wrong float64) []int16 {
	var pcm []int16
	for n, k := range keys {
		code, _ := keyCode(k)
		var o oscillator
		o.set(0, keyRows[keyAt[code][0]]*(1+wrong), low)
		o.set(1, keyColumns[keyAt[code][1]]*(1+wrong), high)
		for range on * 8 {
			pcm = append(pcm, o.sample())
		}
		// Odd pauses move the keys against the blocks of the detector.
		pcm = append(pcm, make([]int16, off*8+13*n)...)
	}
	return append(pcm, make([]int16, 1600)...)
}

func TestInBandKeysWithinTheLimitsAreFound(t *testing.T) {
	for _, c := range []struct {
		name             string
		on, off          int
		low, high, wrong float64
	}{
		{"as made", 100, 60, 0.25, 0.30, 0},
		{"shortest", 40, 40, 0.25, 0.30, 0},
		{"1.5 % high", 60, 60, 0.25, 0.25, 0.015},
		{"1.5 % low", 60, 60, 0.25, 0.25, -0.015},
		{"low tone 6 dB stronger", 60, 60, 0.3, 0.15, 0},
		{"high tone 3 dB stronger", 60, 60, 0.2, 0.28, 0},
		{"soft", 60, 60, 0.015, 0.015, 0},
		{"loud", 60, 60, 0.49, 0.49, 0},
	} {
		for _, codec := range []Codec{PCMU, PCMA} {
			keys := keyRunes + keyRunes + "1155##"
			if got := listen(codec, dial(keys, c.on, c.off, c.low, c.high, c.wrong)); got != keys {
				t.Errorf("%s, codec %d: got %q, want %q", c.name, codec, got, keys)
			}
		}
	}
}

func TestALongPressIsOneKeyAndABriefBreakDoesNotDoubleIt(t *testing.T) {
	pcm := dial("5", 3000, 0, 0.25, 0.25, 0)
	clear(pcm[8000:8060])
	if got := listen(PCMU, pcm); got != "5" {
		t.Errorf("got %q, want one 5", got)
	}
}

func TestTooShortAndTooCrookedTonesAreNoKeys(t *testing.T) {
	for name, pcm := range map[string][]int16{
		"15 ms":             dial(keyRunes, 15, 60, 0.25, 0.25, 0),
		"6 % off":           dial(keyRunes, 80, 60, 0.25, 0.25, 0.06),
		"14 dB apart":       dial(keyRunes, 80, 60, 0.4, 0.08, 0),
		"only the low tone": dial(keyRunes, 80, 60, 0.4, 0, 0),
		"below the gate":    dial(keyRunes, 80, 60, 0.002, 0.002, 0),
		"hold music":        PCMU.Decode(make([]int16, len(HoldMusic())), HoldMusic()),
		"speech-like noise": babble(60),
		"white noise":       noise(60),
	} {
		if got := listen(PCMU, pcm); got != "" {
			t.Errorf("%s: got %q, want none", name, got)
		}
	}
}

func TestKeysAreFoundInNoise(t *testing.T) {
	keys := keyRunes + keyRunes
	pcm := dial(keys, 80, 60, 0.25, 0.25, 0)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range pcm {
		pcm[i] += int16(r.NormFloat64() * 600) // 20 dB below the tones
	}
	if got := listen(PCMU, pcm); got != keys {
		t.Errorf("got %q, want %q", got, keys)
	}
}

func noise(seconds int) []int16 {
	r := rand.New(rand.NewPCG(3, 4))
	pcm := make([]int16, seconds*sampleRate)
	for i := range pcm {
		pcm[i] = int16(r.NormFloat64() * 3000)
	}
	return pcm
}

// babble is voiced sound: a gliding pitch with formants that move, and breaks.
func babble(seconds int) []int16 {
	r := rand.New(rand.NewPCG(5, 6))
	pcm := make([]int16, seconds*sampleRate)
	phase, pitch, f1, f2 := 0.0, 120.0, 500.0, 1500.0
	to1, to2 := f1, f2
	for i := range pcm {
		if i%800 == 0 {
			pitch = min(max(pitch+r.NormFloat64()*15, 80), 300)
			to1, to2 = 300+r.Float64()*600, 900+r.Float64()*1400
		}
		f1, f2 = f1+(to1-f1)/600, f2+(to2-f2)/600
		phase += 2 * math.Pi * pitch / sampleRate
		var v float64
		for h := 1; float64(h)*pitch < 3800; h++ {
			f := float64(h) * pitch
			gain := 1/(1+math.Pow((f-f1)/90, 2)) + 0.7/(1+math.Pow((f-f2)/120, 2)) + 0.4/(1+math.Pow((f-2600)/150, 2)) + 0.02
			v += gain * math.Sin(float64(h)*phase)
		}
		if i/2400%5 != 4 {
			pcm[i] = int16(min(max(v*6000, -32000), 32000))
		}
	}
	return pcm
}

// spoken is a text with all sounds of English, numbers, and the sounds that come
// closest to keys.
const spoken = `Thank you for calling. Good morning, my name is Alice; I would like to ask about the bill
that came on the twenty third of May. Eleven, twelve, seventy seven, four oh nine. We owe you nothing, do we?
Please hold the line while I am looking it up, and tell me the number of your customer account if you know it.
Peter Piper picked a peck of pickled peppers. She sells sea shells by the sea shore. How now, brown cow? Beep, boop.`

// leastSpeech is how much of it no key may be found in.
const leastSpeech = 30 * time.Minute

// voices gives commands that speak the text to standard output.
func voices() (all [][]string) {
	if espeak, err := exec.LookPath("espeak-ng"); err == nil {
		for _, voice := range []string{"en", "en+f3", "en+m7", "en-us+f5", "de", "fr", "es+f2", "it+m3", "en-gb-scotland+f4"} {
			for i, pitch := range []string{"10", "35", "50", "70", "99"} {
				speed := []string{"120", "150", "175", "190", "140"}[i]
				all = append(all, []string{espeak, "-v", voice, "-p", pitch, "-s", speed, "--stdout", spoken})
			}
		}
	}
	if flite, err := exec.LookPath("flite"); err == nil {
		for _, voice := range []string{"kal", "kal16", "awb", "rms", "slt"} {
			all = append(all, []string{flite, "-voice", voice, "-t", spoken, "-o", "/dev/stdout"})
		}
	}
	return all
}

func TestHalfAnHourOfSpeechIsNotTakenForKeys(t *testing.T) {
	all := voices()
	if len(all) == 0 {
		t.Skip("neither espeak-ng nor flite is installed, so keys are not looked for in speech; try: make phones")
	}
	var mu sync.Mutex // guards total
	var total time.Duration
	heard := func(t *testing.T, wav []byte) {
		s, rate, _, err := ReadWAV(bytes.NewReader(wav))
		if err != nil {
			t.Fatal(err)
		}
		pcm := Resample(s, rate, sampleRate)
		mu.Lock()
		total += time.Duration(len(pcm)) * time.Second / sampleRate
		mu.Unlock()
		for _, codec := range []Codec{PCMU, PCMA} {
			if got := listen(codec, pcm); got != "" {
				t.Errorf("codec %d: got %q, want none", codec, got)
			}
		}
	}
	for _, v := range all {
		t.Run(strings.Join(v[:len(v)-1], " "), func(t *testing.T) {
			if wav, err := exec.Command(v[0], v[1:]...).Output(); err == nil { // not all voices are everywhere
				heard(t, wav)
			}
		})
	}
	prompts, err := filepath.Glob("../ivr/prompts/*/*.wav") // what we say ourselves
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range prompts {
		wav, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		if heard(t, wav); t.Failed() {
			t.Fatalf("in %s", p)
		}
	}
	t.Logf("%v of speech by %d voices and in %d prompts", total.Round(time.Second), len(all), len(prompts))
	if total < leastSpeech {
		t.Skipf("only %v of speech was heard, not %v, for want of voices; try: make phones", total, leastSpeech)
	}
}
