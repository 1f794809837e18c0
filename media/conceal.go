package media

import "math"

// Sizes of ITU-T G.711, Appendix I, in samples.
const (
	pitchLeast   = 40  // 200 Hz
	pitchMost    = 120 // 66 Hz
	pitchOver    = pitchMost / 4
	pitchWindow  = 160 // compared with itself a pitch earlier
	blockSize    = 80  // 10 ms, the step of concealment
	historySize  = 3*pitchMost + pitchOver
	fadePerBlock = 32  // by which the way back grows with each lost block
	fadeStep     = 0.2 // attenuation per block, after the first
	mostErased   = 6   // blocks; then it is silent
)

// concealer fills holes in speech by repeating its last pitch periods, as ITU-T
// G.711, Appendix I describes: one period for 10 ms, two and three for the next
// ones, fainter with each block and silent after 60 ms, joined on both sides by
// overlap and add. Everything goes through it and comes out 30 samples later.
type concealer struct {
	hist   [historySize]int16 // the last samples, of which 30 have not come out yet
	cycle  [historySize]int16 // what is repeated, at its end
	tail   [pitchOver]int16   // the end of cycle as it was
	pitch  int
	over   int // a quarter of the pitch
	length int // of cycle in use: one to three pitches
	at     int // next sample of it
	erased int // blocks concealed in a row
}

// good takes a block that came and gives the next one out.
func (c *concealer) good(in, out []int16) {
	if c.erased > 0 {
		c.blend(in)
		c.erased = 0
	}
	c.shift(in, out)
}

// lost makes a block for one that did not come.
func (c *concealer) lost(out []int16) {
	var block [blockSize]int16
	switch {
	case c.erased == 0:
		c.begin()
		c.synth(block[:])
	case c.erased < 3:
		c.widen(block[:])
		c.fade(block[:])
	case c.erased < mostErased:
		c.synth(block[:])
		c.fade(block[:])
	}
	c.erased = min(c.erased+1, mostErased+1)
	c.shift(block[:], out)
}

func (c *concealer) shift(in, out []int16) {
	copy(c.hist[:], c.hist[blockSize:])
	copy(c.hist[historySize-blockSize:], in)
	copy(out, c.hist[historySize-blockSize-pitchOver:historySize-pitchOver])
}

// begin finds the period to repeat and joins its end to its begin.
func (c *concealer) begin() {
	c.cycle = c.hist
	c.pitch = pitchOf(&c.hist)
	c.over = c.pitch / 4
	copy(c.tail[:], c.cycle[historySize-c.over:])
	c.length, c.at = c.pitch, 0
	c.join()
	// These have not come out yet: they lead over to the repetition.
	copy(c.hist[historySize-c.over:], c.cycle[historySize-c.over:])
}

// join makes the end of the cycle flow into its begin.
func (c *concealer) join() {
	before := c.cycle[historySize-c.length-c.over:]
	crossfade(c.cycle[historySize-c.over:], c.tail[:c.over], before[:c.over])
}

// widen goes on with one period more, so that no buzz arises.
func (c *concealer) widen(out []int16) {
	var old [pitchOver]int16
	at := c.at
	c.synth(old[:c.over])
	c.at = at
	for c.at > c.pitch {
		c.at -= c.pitch
	}
	c.length += c.pitch
	c.join()
	c.synth(out)
	crossfade(out[:c.over], old[:c.over], out[:c.over])
}

// synth gives the next samples of the repetition.
func (c *concealer) synth(out []int16) {
	from := historySize - c.length
	for i := range out {
		out[i] = c.cycle[from+c.at]
		if c.at++; c.at == c.length {
			c.at = 0
		}
	}
}

// fade makes a block fainter, from what the one before ended with.
func (c *concealer) fade(block []int16) {
	g := 1 - fadeStep*float32(c.erased-1)
	for i := range block {
		block[i] = int16(float32(block[i]) * g)
		g -= fadeStep / blockSize
	}
}

// blend lets the repetition go over into what came at last.
func (c *concealer) blend(in []int16) {
	n := min(c.over+(c.erased-1)*fadePerBlock, blockSize)
	var old [blockSize]int16
	g := max(0, 1-fadeStep*float32(c.erased-1))
	if g > 0 {
		c.synth(old[:n])
	}
	for i := range old[:n] {
		old[i] = int16(float32(old[i]) * g)
	}
	crossfade(in[:n], old[:n], in[:n])
}

// crossfade goes from a to b over the length of dst, which may be either.
func crossfade(dst, a, b []int16) {
	step := 1 / float32(len(dst)+1)
	w := step
	for i := range dst {
		dst[i] = int16(float32(a[i])*(1-w) + float32(b[i])*w)
		w += step
	}
}

// pitchOf finds the lag at which the end of the history is most like itself.
func pitchOf(h *[historySize]int16) int {
	end := h[historySize-pitchWindow:]
	return bestLag(func(lag int) []int16 { return h[historySize-pitchWindow-lag:] }, end)
}

// bestLag tries each pitch, every second one first, by normalized correlation
// of every second sample; the neighbours of the best are then looked at in full.
func bestLag(at func(lag int) []int16, x []int16) int {
	score := func(lag, step int) float32 { return alike(x, at(lag), step) }
	best, most := pitchMost, float32(0)
	for lag := pitchMost; lag >= pitchLeast; lag -= 2 {
		if v := score(lag, 2); v > most {
			best, most = lag, v
		}
	}
	coarse := best
	most = 0
	for lag := max(coarse-1, pitchLeast); lag <= min(coarse+1, pitchMost); lag++ {
		if v := score(lag, 1); v > most {
			best, most = lag, v
		}
	}
	return best
}

// alike is the normalized correlation of x and the begin of y, of every step-th sample.
func alike(x, y []int16, step int) float32 {
	var corr, power float32
	y = y[:len(x)]
	for i := 0; i < len(x); i += step {
		v := float32(y[i])
		corr += float32(x[i]) * v
		power += v * v
	}
	if corr <= 0 {
		return 0
	}
	return corr / float32(math.Sqrt(float64(max(power, 250))))
}
