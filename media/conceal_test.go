package media

import (
	"math"
	"os"
	"path/filepath"
	"testing"
)

// voice reads a spoken prompt as test speech.
func voice(t *testing.T, name string) []int16 {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "ivr", "prompts", "en", name+".wav"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	pcm, _, _, err := ReadWAV(f)
	if err != nil {
		t.Fatal(err)
	}
	return pcm
}

// likeness is the normalized correlation of two stretches of sound.
func likeness(a, b []int16) float64 {
	var ab, aa, bb float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return ab / math.Sqrt(aa*bb)
}

// steepest is the greatest step from one sample to the next.
func steepest(pcm []int16) int {
	most := 0
	for i := 1; i < len(pcm); i++ {
		d := int(pcm[i]) - int(pcm[i-1])
		most = max(most, d, -d)
	}
	return most
}

// throughHoles sends speech through a concealer, losing the blocks that lose names.
func throughHoles(pcm []int16, lose func(block int) bool) []int16 {
	var c concealer
	out := make([]int16, len(pcm)/blockSize*blockSize)
	in := make([]int16, blockSize)
	for at := 0; at+blockSize <= len(out); at += blockSize {
		if lose(at / blockSize) {
			c.lost(out[at : at+blockSize])
			continue
		}
		copy(in, pcm[at:])
		c.good(in, out[at:at+blockSize])
	}
	return out[pitchOver:] // it comes out 30 samples later
}

func TestWithoutLossNothingIsChanged(t *testing.T) {
	pcm := voice(t, "welcome")
	out := throughHoles(pcm, func(int) bool { return false })
	for i, v := range out {
		if v != pcm[i] {
			t.Fatalf("sample %d: got %d, want %d", i, v, pcm[i])
		}
	}
}

func TestConcealedSpeechIsMoreLikeTheOriginalThanSilenceOrRepetition(t *testing.T) {
	pcm := voice(t, "welcome")
	lost := func(b int) bool { return b%12 == 10 || b%12 == 11 } // 20 ms of each 120
	out := throughHoles(pcm, lost)
	silence, repeated := make([]int16, len(pcm)), make([]int16, len(pcm))
	copy(silence, pcm)
	copy(repeated, pcm)
	for b := 0; (b+1)*blockSize <= len(pcm); b++ {
		if lost(b) {
			clear(silence[b*blockSize : (b+1)*blockSize])
			copy(repeated[b*blockSize:(b+1)*blockSize], pcm[(b-2)*blockSize:])
		}
	}
	n := len(out)
	got, quiet, again := likeness(out, pcm[:n]), likeness(silence[:n], pcm[:n]), likeness(repeated[:n], pcm[:n])
	t.Logf("correlation with the original: concealed %.4f, silence %.4f, repeated %.4f", got, quiet, again)
	if got <= quiet || got <= again {
		t.Errorf("got %.4f, want more than silence %.4f and repetition %.4f", got, quiet, again)
	}
	if got, most := steepest(out), steepest(pcm); got > most*5/4 {
		t.Errorf("got a step of %d, want no click: speech itself has %d", got, most)
	}
}

func TestAToneIsConcealedWithoutAClickAndFadesIn60ms(t *testing.T) {
	for _, freq := range []float64{200, 333, 440, 1000} {
		tone := sine(freq, 0.3)
		pcm := make([]int16, 8000)
		for i := range pcm {
			pcm[i] = tone(i)
		}
		out := throughHoles(pcm, func(b int) bool { return b >= 20 && b < 32 })
		if got, most := steepest(out), steepest(pcm); got > most*3/2 {
			t.Errorf("%.0f Hz: got a step of %d, want at most %d", freq, got, most*3/2)
		}
		if got := likeness(out[20*80:22*80], pcm[20*80:22*80]); got < 0.9 {
			t.Errorf("%.0f Hz: the first 20 ms have a likeness of %.2f", freq, got)
		}
		if got := Level(out[27*80 : 31*80]); got > -99 {
			t.Errorf("%.0f Hz: got %.0f dB after 60 ms, want silence", freq, got)
		}
		if got := likeness(out[34*80:90*80], pcm[34*80:90*80]); got < 0.9999 {
			t.Errorf("%.0f Hz: got a likeness of %.4f after the hole", freq, got)
		}
	}
}

func BenchmarkConcealer(b *testing.B) {
	var c concealer
	var in, out [blockSize]int16
	b.Run("good", func(b *testing.B) {
		for range b.N {
			c.good(in[:], out[:])
		}
	})
	b.Run("lost", func(b *testing.B) {
		for i := range b.N {
			if i%3 == 0 {
				c.good(in[:], out[:])
			}
			c.lost(out[:])
		}
	})
}
