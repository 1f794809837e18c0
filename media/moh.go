package media

import (
	"math"
	"sync"
)

// holdBars are the chords of the hold music, each arpeggiated for four seconds:
// Am7, Fmaj7, Cmaj7, G6, Dm7, Fmaj7, Cmaj7, Em7; MIDI note numbers.
var holdBars = [8][4]int{
	{57, 60, 64, 67}, {53, 57, 60, 64}, {55, 60, 64, 71}, {55, 59, 62, 64},
	{50, 57, 60, 65}, {53, 57, 60, 64}, {52, 55, 60, 71}, {52, 55, 59, 62},
}

// holdSteps is the order in which the notes of a chord come, one each half second.
var holdSteps = [8]int{0, 2, 1, 3, 2, 1, 3, 2}

const (
	holdBar   = 4 * sampleRate
	holdLoop  = len(holdBars) * holdBar // 32 s
	holdLevel = -20                     // dBFS, RMS of the whole loop
)

// HoldMusic is music on hold: mu-law, 8 kHz mono, 32 s that join to a loop
// without a seam. It is made by code, is the same each time and belongs to
// nobody else. The caller must not change it.
var HoldMusic = sync.OnceValue(func() []byte {
	mix := make([]float64, holdLoop)
	for bar, chord := range holdBars {
		for step, note := range holdSteps {
			strike(mix, bar*holdBar+step*holdBar/len(holdSteps), chord[note]+12, 1)
		}
		strike(mix, bar*holdBar, chord[0], 1.2)
	}
	var sum float64
	for _, v := range mix {
		sum += v * v
	}
	gain := 32768 * math.Pow(10, holdLevel/20.0) / math.Sqrt(sum/float64(holdLoop))
	out := make([]byte, holdLoop)
	for i, v := range mix {
		out[i] = EncodeUlaw(int16(math.Round(min(max(v*gain, -32000), 32000))))
	}
	return out
})

// strike adds a soft plucked note that rings for three seconds; what rings past
// the end rings on at the begin, which makes the loop seamless.
func strike(mix []float64, at, note int, level float64) {
	freq := 440 * math.Pow(2, float64(note-69)/12)
	const ring = 3 * sampleRate
	for i := range ring {
		t := float64(i) / sampleRate
		env := level * min(1, t/0.02) * math.Exp(-1.6*t) * min(1, float64(ring-i)/400)
		w := 2 * math.Pi * freq * t
		mix[(at+i)%len(mix)] += env * (math.Sin(w) + 0.35*math.Sin(2*w)*math.Exp(-2*t) + 0.12*math.Sin(3*w)*math.Exp(-4*t))
	}
}
