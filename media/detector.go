package media

import "math"

const (
	detBlock = 102 // samples, 12.75 ms
	detHop   = 51  // from block to block: they overlap by half
	detHits  = 4   // equal blocks in a row that make a key, 32 ms: 40 ms of tone hold that many
	detMiss  = 4   // blocks without it that end the key: as many as 40 ms of pause hold

	detFloor    = 3.5e4 // mean power below which a block is silence: -45 dBFS
	detNormal   = 6.3   // the upper tone may be 8 dB weaker than the lower one
	detReverse  = 2.5   // or 4 dB louder (ITU-T Q.24)
	detOthers   = 6.3   // 8 dB above every other tone of its group
	detShare    = 0.77  // of the block's power is in the two tones, which may be 1.5 % off
	detOvertone = 0.1   // second harmonics of speech: at most -10 dB of the tone
)

// detector finds keys in audio: eight tones by Goertzel behind a gate of energy,
// with checks of twist, of the other tones, of overtones and of what else sounds.
type detector struct {
	block [detBlock]float32
	n     int
	last  rune // of the last block; 0 none
	hits  int
	key   rune // being pressed; 0 none
	miss  int
	hot   bool // a block sounded like a key since somebody made it false
}

// bank is the eight tones and their second harmonics, as 2*cos(w).
var bank [16]float32

// bankNear is true where the overtone of a row lies so close to the column that
// a block cannot tell them apart.
var bankNear [4][4]bool

func init() {
	for i, row := range keyRows {
		for k, column := range keyColumns {
			bankNear[i][k] = math.Abs(2*row-column) < 1.5*sampleRate/detBlock
		}
	}
	for i, f := range [8]float64{697, 770, 852, 941, 1209, 1336, 1477, 1633} {
		bank[i] = float32(2 * math.Cos(2*math.Pi*f/sampleRate))
		bank[8+i] = float32(2 * math.Cos(4*math.Pi*f/sampleRate))
	}
}

// audio takes a packet; ok is true if a key press begins in it.
func (d *detector) audio(c Codec, payload []byte) (key rune, ok bool) {
	table := &ulawToPCM
	if c == PCMA {
		table = &alawToPCM
	}
	for _, b := range payload {
		d.block[d.n] = float32(table[b])
		if d.n++; d.n < detBlock {
			continue
		}
		if k := d.step(); k != 0 && !ok {
			key, ok = k, true
		}
		d.n = copy(d.block[:], d.block[detHop:])
	}
	return key, ok
}

// step takes a full block and gives the key that begins with it, or 0.
func (d *detector) step() rune {
	k := d.judge()
	if k != 0 && k == d.last {
		d.hits++
	} else {
		d.hits = 1
	}
	d.last = k
	d.hot = d.hot || k != 0
	if k == d.key && k != 0 {
		d.miss = 0
		return 0
	}
	if d.key != 0 {
		if d.miss++; d.miss >= detMiss {
			d.key = 0
		}
	}
	if k == 0 || d.hits < detHits {
		return 0
	}
	d.key, d.miss = k, 0
	return k
}

// judge gives the key that sounds in the block, or 0.
func (d *detector) judge() rune {
	var energy float32
	for _, s := range d.block {
		energy += s * s
	}
	if energy < detFloor*detBlock {
		return 0
	}
	var power [8]float32
	d.four(power[:4], bank[:4])
	d.four(power[4:], bank[4:8])
	row, column := strongest(power[:4]), strongest(power[4:])
	low, high := power[row], power[4+column]
	// A sine of amplitude a has the tone power (a*n/2)^2 and the energy n*a^2/2.
	whole := energy * detBlock / 2
	switch {
	case low == 0 || high == 0,
		low > high*detNormal, high > low*detReverse,
		!stands(power[:4], row), !stands(power[4:], column),
		low+high < detShare*whole,
		!bankNear[row][column] && d.tone(8+row) > detOvertone*low,
		d.tone(12+column) > detOvertone*high:
		return 0
	}
	return keyGrid[row][column]
}

// tone is the squared strength of one frequency of the bank in the block.
func (d *detector) tone(i int) float32 {
	k := bank[i]
	var a, b float32
	for _, s := range d.block {
		a, b = s+k*a-b, a
	}
	return a*a + b*b - k*a*b
}

// four is tone for four frequencies at once, which the processor can overlap.
func (d *detector) four(power, k []float32) {
	k0, k1, k2, k3 := k[0], k[1], k[2], k[3]
	var a0, a1, a2, a3, b0, b1, b2, b3 float32
	for _, s := range d.block {
		a0, b0 = s+k0*a0-b0, a0
		a1, b1 = s+k1*a1-b1, a1
		a2, b2 = s+k2*a2-b2, a2
		a3, b3 = s+k3*a3-b3, a3
	}
	power[0] = a0*a0 + b0*b0 - k0*a0*b0
	power[1] = a1*a1 + b1*b1 - k1*a1*b1
	power[2] = a2*a2 + b2*b2 - k2*a2*b2
	power[3] = a3*a3 + b3*b3 - k3*a3*b3
}

func strongest(p []float32) int {
	best := 0
	for i, v := range p {
		if v > p[best] {
			best = i
		}
	}
	return best
}

// stands is true if one tone is well above the others of its group.
func stands(p []float32, at int) bool {
	for i, v := range p {
		if i != at && v*detOthers > p[at] {
			return false
		}
	}
	return true
}
