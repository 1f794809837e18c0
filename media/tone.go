package media

import "math"

// sineTable is one wave of 1024 samples at full scale.
var sineTable [1024]int16

func init() {
	for i := range sineTable {
		sineTable[i] = int16(math.Round(32767 * math.Sin(2*math.Pi*float64(i)/float64(len(sineTable)))))
	}
}

// oscillator adds up to two sines by stepping through the table.
type oscillator struct {
	phase, step [2]uint32 // 2^32 is a whole turn
	level       [2]int32  // 32768 is full scale
}

func (o *oscillator) set(i int, freq, level float64) {
	o.phase[i] = 0
	o.step[i] = uint32(freq / sampleRate * (1 << 32))
	o.level[i] = int32(level * 32768)
}

// keys sets the pair of a key (ITU-T Q.23): -12 and -10 dBFS, within the 2 dB by
// which Q.24 lets the upper one be louder.
func (o *oscillator) keys(code uint8) {
	at := keyAt[code]
	o.set(0, keyRows[at[0]], 0.25)
	o.set(1, keyColumns[at[1]], 0.30)
}

func (o *oscillator) sample() int16 {
	var sum int32
	for i := range o.phase {
		sum += int32(sineTable[o.phase[i]>>22]) * o.level[i] >> 15
		o.phase[i] += o.step[i]
	}
	return int16(sum)
}

// The tone pairs of ITU-T Q.23, in Hz, and where each event code stands.
var (
	keyRows    = [4]float64{697, 770, 852, 941}
	keyColumns = [4]float64{1209, 1336, 1477, 1633}
	keyAt      = [16][2]uint8{
		{3, 1}, {0, 0}, {0, 1}, {0, 2}, {1, 0}, {1, 1}, {1, 2}, {2, 0}, {2, 1}, {2, 2},
		{3, 0}, {3, 2}, {0, 3}, {1, 3}, {2, 3}, {3, 3},
	}
	keyGrid = [4][4]rune{
		{'1', '2', '3', 'A'}, {'4', '5', '6', 'B'}, {'7', '8', '9', 'C'}, {'*', '0', '#', 'D'},
	}
)

// cadences in samples on and off; 0 on means without a break.
var cadences = [...]struct {
	freq    float64 // Hz; 0 = the command's
	on, off int
}{
	ToneRingback: {425, sampleRate, 4 * sampleRate},
	ToneBusy:     {425, sampleRate / 2, sampleRate / 2},
	ToneSine:     {},
}

// toneLevel is -14 dBFS for a single tone.
const toneLevel = 0.2

// toner makes a Tone sample by sample.
type toner struct {
	osc     oscillator
	on, off int
	at      int // samples made
	left    int // samples to make; -1 = no end
}

// start prepares a tone; false for one that makes no sound.
func (t *toner) start(tone Tone) bool {
	if tone.Kind == ToneNone || int(tone.Kind) >= len(cadences) {
		return false
	}
	c := cadences[tone.Kind]
	*t = toner{on: c.on, off: c.off, left: -1}
	if tone.For > 0 {
		t.left = int(min(tone.For.Microseconds()/125, math.MaxInt32))
	}
	f1, f2 := tone.Freq1, tone.Freq2
	if c.freq > 0 {
		f1, f2 = c.freq, 0
	}
	if audible(f1) {
		t.osc.set(0, f1, toneLevel)
	}
	if audible(f2) {
		t.osc.set(1, f2, toneLevel)
	}
	return true
}

func audible(f float64) bool { return f > 0 && f < sampleRate/2 }

// fill makes the next samples and returns how many there were.
func (t *toner) fill(pcm []int16) int {
	n := len(pcm)
	if t.left >= 0 {
		n = min(n, t.left)
		t.left -= n
	}
	for i := range pcm[:n] {
		pcm[i] = t.osc.sample()
		if t.on > 0 && t.at%(t.on+t.off) >= t.on {
			pcm[i] = 0
		}
		t.at++
	}
	return n
}
