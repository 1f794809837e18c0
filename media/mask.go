package media

import "time"

// maskMargin is what goes with a key on either side of it.
const maskMargin = 100 * time.Millisecond

// maskBack is how far back a key may have begun when it is known: its margin,
// what the detector takes, a packet, and the skew of a channel. The ring of a
// recording holds at least that much (recLag).
const maskBack = 180 * sampleRate / 1000

// mask keeps the keys of a leg out of recordings.
type mask struct {
	det   detector      // where the leg has none of its own
	until time.Duration // nothing of the leg is recorded before
}

// maskDigits begins or ends it.
func (l *leg) maskDigits(on bool) {
	switch {
	case !on:
		l.mask = nil
	case l.mask == nil:
		l.mask = new(mask)
	}
}

// tapped hands a packet to the recordings that hear the leg.
func (s *shard) tapped(l *leg, h header, codec Codec, payload []byte, at time.Duration) {
	muted := l.mask != nil && at < l.mask.until
	for _, t := range l.taps {
		t.rec.audio(t.channel, h, codec, payload, at, muted)
	}
}

// maskAudio looks for a key that sounds in a packet already recorded.
func (l *leg) maskAudio(codec Codec, payload []byte, at time.Duration) {
	d := l.detector
	if d == nil {
		d = &l.mask.det
		d.audio(codec, payload)
	}
	if d.key != 0 {
		l.maskKey(at, len(payload))
	}
}

// maskKey takes a key that is held out of what was recorded, and what follows.
func (l *leg) maskKey(at time.Duration, n int) {
	l.mask.until = at + time.Duration(n)*(time.Second/sampleRate) + maskMargin
	for _, t := range l.taps {
		now := t.rec.clock(at)
		t.rec.mute(t.channel, now-maskBack, now+int64(n)+recSkew)
	}
}

// mute makes a span of a channel silent, as far as it is still in memory.
func (r *recording) mute(ch uint8, from, to int64) {
	for pos := max(from, r.base); pos < min(to, r.base+recRing); pos++ {
		r.ring[ch][pos%recRing] = ulawSilence
	}
}
