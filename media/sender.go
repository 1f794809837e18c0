package media

import (
	"math/rand/v2"
	"time"
)

// What fills the stream towards a peer at the moment.
const (
	fromNothing = iota
	fromPlay
	fromDigit
	fromMix
	fromLeg
)

// origin names what fills a stream; a change of it begins a new run.
type origin struct {
	leg  *leg   // fromLeg: who speaks
	ssrc uint32 // fromLeg: his SSRC
	kind uint8
}

// voiceOf is the origin of what a leg says.
func voiceOf(l *leg, ssrc uint32) origin { return origin{kind: fromLeg, leg: l, ssrc: ssrc} }

// sender makes the one stream that a peer gets from us: one SSRC, sequence
// numbers without a hole of our making, timestamps that follow the clock.
//
// Packets passed through keep the spacing of their sequence numbers and
// timestamps, so loss and pauses of the speaker stay visible; each run of one
// origin is set behind the last by new offsets.
type sender struct { // 64 bytes, a cache line
	origin origin
	inAt   time.Duration // when the last audio packet in order came
	ssrc   uint32
	base   uint32 // timestamp at time 0 of the shard
	lead   int32  // how far a run that was handed over is ahead of the clock
	slew   int32  // what base is off a speaker's clock, summed up
	next   uint32 // the first timestamp not yet used
	tsOff  uint32 // out = in + tsOff
	inTS   uint32 // timestamp of the last audio packet in order
	seq    uint16 // of the next packet
	seqOff uint16 // out = in + seqOff
	inHigh uint16 // highest incoming sequence number of the run
	back   uint16 // how far behind inHigh a late packet still belongs to the run
	begun  bool
}

func newSender() sender {
	return sender{ssrc: rand.Uint32(), seq: uint16(rand.Uint32() & 0x7FFF), base: rand.Uint32()}
}

// clock is the timestamp that belongs to an instant.
func (t *sender) clock(now time.Duration) uint32 { return t.base + samples(now.Microseconds()) }

// crowded is true while what was sent last still sounds and something of another
// origin, in packets of n samples, must wait: else each switch would push the
// stream a little further ahead of the clock.
func (t *sender) crowded(o origin, n int, now time.Duration) bool {
	if t.origin == o || !t.begun {
		return false
	}
	ahead := int32(t.next - t.clock(now))
	return ahead > int32(n/2) && ahead < mostAhead
}

// follow lets the clock of the stream run with the speaker's, which may be off
// ours by some 100 ppm, so that the next switch finds no gap and no overlap.
func (t *sender) follow(ts uint32, now time.Duration) {
	t.slew += min(max(int32(ts-t.clock(now))-t.lead, -mostAhead), mostAhead)
	step := t.slew / followWeight
	t.slew -= step * followWeight
	t.base += uint32(step)
}

const (
	mostAhead    = sampleRate / 5 // samples; beyond that nothing waits
	followWeight = 64             // packets over which a speaker's clock is learned
)

// stamp is the timestamp for something that begins now: the clock's, but never
// one that was used.
func (t *sender) stamp(now time.Duration) uint32 {
	ts := t.clock(now)
	if t.begun && int32(ts-t.next) < 0 {
		return t.next
	}
	return ts
}

// own gives the header of a packet of n samples that we make ourselves.
func (t *sender) own(o origin, pt uint8, n int, now time.Duration) header {
	h := header{pt: pt, seq: t.seq, ts: t.next, ssrc: t.ssrc}
	behind := int32(t.clock(now) - t.next)
	if t.origin != o || !t.begun || behind > sampleRate/5 {
		// A mix goes on where the speaker was who was heard until now.
		if !(o.kind == fromMix && t.origin.kind == fromLeg && t.begun && behind < frameSize) {
			h.ts = t.stamp(now)
		}
		h.marker = true
		t.origin, t.lead = o, 0
	}
	t.seq++
	t.use(h.ts, n)
	return h
}

// use notes that timestamps up to ts+n are taken.
func (t *sender) use(ts uint32, n int) {
	if end := ts + uint32(n); !t.begun || int32(end-t.next) > 0 {
		t.next = end
	}
	t.begun = true
}

// pass maps the header of an incoming packet of n samples into our stream; ok
// is false if it belongs to a time before the run and must not be sent. audio
// is false for telephone-events, whose timestamps stand still.
func (t *sender) pass(o origin, in header, pt uint8, n int, audio bool, now time.Duration) (h header, ok bool) {
	h = header{pt: pt, marker: in.marker, ssrc: t.ssrc}
	d := int(int16(in.seq - t.inHigh))
	switch {
	case t.origin != o || !t.begun:
		if audio && t.crowded(o, n, now) {
			return h, false
		}
		t.origin, t.back = o, 0
		t.anchor(in, now)
		h.marker = true
	case d > maxDropout || d < -maxMisorder || d > 0 && t.leaps(in.ts, now):
		t.back = 0
		t.anchor(in, now)
		h.marker = true
	case d <= 0:
		if uint16(-d) > t.back || d == 0 {
			return h, false
		}
		h.seq, h.ts = in.seq+t.seqOff, in.ts+t.tsOff
		return h, true
	default:
		t.back = min(t.back+uint16(d), maxMisorder)
	}
	t.inHigh = in.seq
	h.seq, h.ts = in.seq+t.seqOff, in.ts+t.tsOff
	t.seq = h.seq + 1
	if audio {
		t.inTS, t.inAt = in.ts, now
		t.follow(h.ts, now)
	}
	t.use(h.ts, n)
	return h, true
}

// anchor sets the offsets so that the packet continues our stream now.
func (t *sender) anchor(in header, now time.Duration) {
	t.seqOff = t.seq - in.seq
	t.tsOff = t.stamp(now) - in.ts
	t.lead = 0
	t.inTS, t.inAt = in.ts, now
}

// adopt lets a run of a speaker go on that was heard up to the packet last and
// the timestamp end by other means: his next packet follows without a break, and
// will be so far ahead of the clock as lead says.
func (t *sender) adopt(o origin, last header, end uint32, lead int32, now time.Duration) {
	t.origin, t.back, t.inHigh = o, 0, last.seq
	t.seqOff = t.seq - (last.seq + 1)
	t.tsOff = t.next - end
	t.inTS, t.inAt = end, now
	t.lead = max(lead, 0)
}

// leaps is true for a timestamp that time does not explain: more than 1 s back,
// or more than 2 s further on than the clock went since the last packet.
func (t *sender) leaps(ts uint32, now time.Duration) bool {
	d := int64(int32(ts - t.inTS))
	gone := int64(samples((now - t.inAt).Microseconds()))
	return d < -sampleRate || d-gone > 2*sampleRate
}

// skip takes an incoming packet out of the run without leaving a hole.
func (t *sender) skip(o origin, in header) {
	if t.origin != o || !t.begun || int16(in.seq-t.inHigh) <= 0 {
		return
	}
	t.seqOff--
	t.seq = in.seq + 1 + t.seqOff
	t.inHigh, t.back = in.seq, 0
}

// pause forgets the origin: whatever comes next begins a new run.
func (t *sender) pause() { t.origin = origin{} }
