package media

import (
	"math"
	"time"
)

const (
	jitterRing  = 4096 // samples; a power of two
	jitterLeast = 20 * sampleRate / 1000
	jitterMost  = 120 * sampleRate / 1000
	jitterFirst = 60 * sampleRate / 1000  // before anything is known of the speaker
	jitterBurst = 200 * sampleRate / 1000 // more ahead than that is another time
	jitterSlack = blockSize               // off the target within which nothing is done
	shrinkEvery = 200 * sampleRate / 1000 // at most one pitch period is taken out in that time
	peakDecay   = 256                     // packets in which the peak of jitter falls to a third
	baseWindow  = 5 * sampleRate          // over which the fastest packet is looked for
	stretchMost = 60 * sampleRate / 1000  // put in at most when a buffer comes in
	frameSize   = 160                     // samples of a mixed frame, 20 ms
	frameTime   = 20 * time.Millisecond
	absent      = math.MinInt16 // no sample: G.711 does not reach it
)

// jitter holds a speaker's audio for the mixer, placed by timestamp, so that
// order and any packet length are of no matter. How long it holds it follows
// the speaker's jitter: 20 ms, and what the slowest packet of late was slower
// than the fastest, up to 120 ms. It grows at once, when something is missing,
// and shrinks by a pitch period now and then. What did not come is concealed.
type jitter struct {
	ring   [jitterRing]int16
	read   uint32 // timestamp of the next sample out
	write  uint32 // end of the newest audio
	ssrc   uint32
	begun  bool
	target int32  // delay wanted, samples
	shrunk uint32 // clock when a period was last taken out

	// Transit is arrival by our clock minus timestamp, in samples: only
	// differences mean anything.
	base     int32 // of the fastest packet
	nextBase int32 // of the fastest one in the running window
	window   uint32
	peak     int32 // slowest minus fastest, decaying

	hold    uint32 // not before that clock is anything taken; only while holding
	holding bool

	extra [stretchMost + pitchMost]int16 // put in before what is read next
	more  int                            // samples of it
	given int                            // of them already taken
	hide  concealer
}

// put takes a packet's audio that came at a clock in samples; late is true if
// some of it came too late to be heard.
func (j *jitter) put(h header, c Codec, payload []byte, clock uint32) (late bool) {
	n := len(payload)
	if n > jitterRing/4 {
		return false
	}
	transit := int32(clock - h.ts)
	d := int(int32(h.ts - j.read))
	starved := int32(j.read-j.write) >= 0
	if !j.begun || h.ssrc != j.ssrc || d > jitterBurst+n || d < -sampleRate || d+n <= 0 && starved {
		j.restart(h, transit, clock)
		d = int(j.target)
	}
	j.timing(transit, clock)
	if d+n <= 0 {
		return true
	}
	table := &ulawToPCM
	if c == PCMA {
		table = &alawToPCM
	}
	for i := max(0, -d); i < n; i++ {
		j.ring[(h.ts+uint32(i))%jitterRing] = table[payload[i]]
	}
	if end := h.ts + uint32(n); int32(end-j.write) > 0 {
		j.write = end
	}
	return d < 0
}

func (j *jitter) restart(h header, transit int32, clock uint32) {
	for i := range j.ring {
		j.ring[i] = absent
	}
	if j.target == 0 {
		j.target = jitterFirst
		j.peak = jitterFirst - jitterLeast
	}
	j.begun, j.ssrc, j.holding, j.more = true, h.ssrc, false, 0
	j.read, j.write = h.ts-uint32(j.target), h.ts
	j.base, j.nextBase, j.window = transit, transit, clock
}

// timing learns how fast packets come.
func (j *jitter) timing(transit int32, clock uint32) {
	j.base = min(j.base, transit)
	j.nextBase = min(j.nextBase, transit)
	if clock-j.window >= baseWindow {
		j.base, j.nextBase, j.window = j.nextBase, transit, clock
	}
	if dev := transit - j.base; dev > j.peak {
		j.peak = min(dev, jitterMost)
	} else {
		j.peak -= (j.peak - max(dev, 0) + peakDecay - 1) / peakDecay
	}
	j.target = min(max(jitterLeast+j.peak, jitterLeast), jitterMost)
}

// off is how far behind the target delay the buffer runs at a clock: it holds
// too much where that is positive.
func (j *jitter) off(clock uint32) int32 {
	return int32(clock-j.read) + int32(j.more-j.given) - j.base - j.target
}

// prime begins a buffer for a speaker who was heard without one until now: the
// last samples, which ended at a timestamp and came at a clock. Nothing is taken
// before hold. The delay is made by repeating the last pitch period.
func (j *jitter) prime(h header, last []int16, n int, clock uint32, spread int32, hold uint32) {
	j.target = min(jitterLeast+spread, stretchMost)
	j.restart(h, int32(clock-h.ts), clock)
	j.peak = j.target - jitterLeast
	j.read = h.ts + uint32(n)
	j.write = j.read
	j.holding, j.hold = true, hold
	copy(j.hide.hist[historySize-len(last):], last)
}

// running is true while there is a speaker: what comes next continues what is held.
func (j *jitter) running() bool {
	return j.begun && int32(j.write-j.read) >= 0 && j.hide.erased == 0
}

// take gives the next 20 ms at a clock; false if some of them are made up.
func (j *jitter) take(f *[frameSize]int16, clock uint32) bool {
	if !j.begun {
		clear(f[:])
		return false
	}
	if j.holding {
		if int32(j.hold-clock) > 0 {
			clear(f[:])
			return true
		}
		j.holding = false
		j.enter(int(-j.off(clock)))
	}
	heard := true
	for at := 0; at < frameSize; at += blockSize {
		if !j.block(f[at:at+blockSize], clock+uint32(at)) {
			heard = false
		}
	}
	return heard
}

// block gives the next 10 ms.
func (j *jitter) block(out []int16, clock uint32) bool {
	var in [blockSize]int16
	off := j.off(clock)
	if off < -jitterSlack && j.more == 0 && j.hide.erased == 0 && j.ready(blockSize) {
		j.stretch(1)
	}
	n := min(j.more-j.given, blockSize)
	switch {
	case !j.ready(blockSize - n):
		if off >= -jitterSlack || int32(j.write-j.read) > 0 || j.hide.erased >= mostErased {
			j.skip(blockSize)
		}
		j.hide.lost(out)
		return false
	case n == 0 && off > 3*jitterSlack/2 && int32(clock-j.shrunk) >= shrinkEvery && j.ready(pitchMost+blockSize):
		j.shrunk = clock
		j.shrink(in[:])
	default:
		j.fetch(in[j.pending(in[:]):])
	}
	j.hide.good(in[:], out)
	return true
}

// pending takes what was put in.
func (j *jitter) pending(in []int16) int {
	n := copy(in, j.extra[j.given:j.more])
	if j.given += n; j.given == j.more {
		j.given, j.more = 0, 0
	}
	return n
}

// ready is true if the next n samples have come.
func (j *jitter) ready(n int) bool {
	if int32(j.write-j.read) < int32(n) {
		return false
	}
	for i := range uint32(n) {
		if j.ring[(j.read+i)%jitterRing] == absent {
			return false
		}
	}
	return true
}

func (j *jitter) fetch(in []int16) {
	for i := range in {
		at := (j.read + uint32(i)) % jitterRing
		in[i] = j.ring[at]
		j.ring[at] = absent
	}
	j.read += uint32(len(in))
}

// skip goes on without looking; what was put in counts first.
func (j *jitter) skip(n int) {
	k := min(n, j.more-j.given)
	j.given += k
	for i := range uint32(n - k) {
		j.ring[(j.read+i)%jitterRing] = absent
	}
	j.read += uint32(n - k)
}

// shrink takes one pitch period out.
func (j *jitter) shrink(in []int16) {
	var x [pitchMost + blockSize]int16
	for i := range x {
		x[i] = j.ring[(j.read+uint32(i))%jitterRing]
	}
	lag := bestLag(func(lag int) []int16 { return x[lag:] }, x[:blockSize])
	crossfade(in, x[:blockSize], x[lag:lag+blockSize])
	j.skip(blockSize + lag)
}

// stretch puts whole pitch periods in, as many as come nearest to n samples but
// one at least: what follows them then goes on where the last one ends.
func (j *jitter) stretch(n int) {
	h := &j.hide.hist
	pitch := pitchOf(h)
	periods := min(max((n+pitch/2)/pitch, 1), stretchMost/pitch)
	over := pitch / 4
	var tail [pitchOver]int16
	copy(tail[:over], h[historySize-over:])
	// The end of each period leads over to the begin of the next one; what has
	// not come out of the history yet leads over to the first.
	crossfade(h[historySize-over:], tail[:over], h[historySize-pitch-over:historySize-pitch])
	j.given, j.more = 0, 0
	for range periods {
		j.more += copy(j.extra[j.more:], h[historySize-pitch:])
	}
	copy(j.extra[j.more-over:], tail[:over])
}

// enter does the same where all of the history has come out already, and the 30
// samples that the concealer keeps back have to be made as well.
func (j *jitter) enter(n int) {
	h := &j.hide.hist
	pitch := pitchOf(h)
	periods := min(max((n+pitch/2)/pitch, 1), stretchMost/pitch)
	over := pitch / 4
	j.given, j.more = 0, 0
	for range periods {
		j.more += copy(j.extra[j.more:], h[historySize-pitch:])
		crossfade(j.extra[j.more-over:j.more], h[historySize-over:], h[historySize-pitch-over:historySize-pitch])
	}
	copy(j.extra[j.more-over:], h[historySize-over:])
	// The first period cannot be led over to: its offset fades away.
	jump := float32(h[historySize-1]) - float32(h[historySize-pitch-1])
	for i := range over {
		v := float32(j.extra[i]) + jump*(1-float32(i+1)/float32(over+1))
		j.extra[i] = int16(min(max(v, -32767), 32767))
	}
	copy(h[:], h[pitchOver:])
	j.given = copy(h[historySize-pitchOver:], j.extra[:pitchOver])
}

// rest gives what the buffer still holds, concealing what is missing in it, and
// leaves nothing. It gives at most len(out) samples.
func (j *jitter) rest(out []int16) []int16 {
	n := 0
	var in [blockSize]int16
	for n+blockSize+pitchOver+blockSize <= len(out) {
		left := j.more - j.given + int(int32(j.write-j.read))
		if left < blockSize {
			break
		}
		k := j.pending(in[:])
		if j.ready(blockSize - k) {
			j.fetch(in[k:])
			j.hide.good(in[:], out[n:])
		} else {
			j.skip(blockSize - k)
			j.hide.lost(out[n:])
		}
		n += blockSize
	}
	n += copy(out[n:], j.hide.hist[historySize-pitchOver:])
	k := j.pending(out[n:min(len(out), n+blockSize)])
	n += k
	if left := int(int32(j.write - j.read)); left > 0 && left < blockSize && j.ready(left) && n+left <= len(out) {
		j.fetch(out[n : n+left])
		n += left
	}
	return out[:n]
}

// splice cuts at least n samples out of the begin of sound, where that is most
// like itself, if there are as many.
func splice(pcm []int16, n int) []int16 {
	most := min(n+pitchMost, len(pcm)-blockSize)
	if n <= 0 || most < pitchLeast {
		return pcm
	}
	best, like := most, float32(0)
	for lag := min(n, most); lag <= most; lag += 2 {
		if v := alike(pcm[:blockSize], pcm[lag:], 2); v > like {
			best, like = lag, v
		}
	}
	crossfade(pcm[best:best+blockSize], pcm[:blockSize], pcm[best:best+blockSize])
	return pcm[best:]
}
