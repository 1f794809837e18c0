package media

import "time"

const (
	// maskMargin is what goes with a key on either side of it.
	maskMargin = 100 * time.Millisecond

	// maskBack is how far back a key may have begun when it is known: its margin,
	// what the detector takes, a packet, and the skew of a channel. The ring of a
	// recording holds at least that much (recLag).
	maskBack = 180 * sampleRate / 1000

	// maskWait is how much audio must follow a packet before it is passed on, in
	// samples: within it the detector sees a key that began at the packet's end.
	maskWait = 160

	// maskHeld is how many packets may wait, whatever their length.
	maskHeld = 4
)

// mask keeps the keys of a leg out of recordings and from the ears of the others.
// Audio is passed on a packet later, when it is known that no key begins in it;
// a key is silence.
type mask struct {
	det   detector
	until time.Duration // nothing of the leg is heard or recorded before
	off   bool          // it ends with the key that is held
	wait  [maskHeld]held
	n     int // of these
}

// held is a packet of audio that waits for its verdict.
type held struct {
	h     header
	codec Codec
	key   bool // part of a key
	size  int
	b     [maxPacket]byte
}

// maskDigits begins or ends it.
func (s *shard) maskDigits(l *leg, on bool) {
	switch {
	case l.mask != nil:
		l.mask.off = !on
	case on:
		l.mask = new(mask)
	}
}

// masked is true while keys of the leg are masked, and ends that when it is time.
func (s *shard) masked(l *leg, at time.Duration) bool {
	switch m := l.mask; {
	case m == nil:
		return false
	case !m.off || at < m.until:
		return true
	}
	s.maskFlush(l, at)
	l.mask = nil
	return false
}

// tapped hands a packet to the recordings that hear the leg.
func (s *shard) tapped(l *leg, h header, codec Codec, payload []byte, at time.Duration) {
	muted := l.mask != nil && at < l.mask.until
	for _, t := range l.taps {
		s.tape(t, &l.rx, h, codec, payload, at, muted)
	}
}

// maskAudio looks for a key that sounds in a packet already recorded, and passes
// on what is known to hold none.
func (s *shard) maskAudio(l *leg, h header, codec Codec, payload []byte, at time.Duration) {
	m := l.mask
	m.det.hot = false
	m.det.audio(codec, payload)
	if m.det.key != 0 {
		l.maskKey(at, len(payload))
	}
	if m.n == maskHeld {
		s.maskNext(l, at)
	}
	w := &m.wait[m.n]
	m.n++
	w.h, w.codec, w.key, w.size = h, codec, at < m.until, copy(w.b[:], payload)
	if m.det.hot {
		m.silence()
	}
	after := 0
	for i := 1; i < m.n; i++ {
		after += m.wait[i].size
	}
	for m.n > 1 && after >= maskWait {
		after -= m.wait[1].size
		s.maskNext(l, at)
	}
}

// silence makes all that waits part of a key.
func (m *mask) silence() {
	for i := range m.n {
		m.wait[i].key = true
	}
}

// maskNext passes on the packet that waits longest.
func (s *shard) maskNext(l *leg, at time.Duration) {
	m := l.mask
	w := &m.wait[0]
	payload := w.b[:w.size]
	if w.key {
		hush(payload)
		transcode(payload, payload, PCMU, w.codec)
	}
	s.pass(l, w.h, w.codec, payload, at)
	copy(m.wait[:m.n-1], m.wait[1:m.n])
	m.n--
}

// maskFlush passes on all that waits.
func (s *shard) maskFlush(l *leg, at time.Duration) {
	for l.mask.n > 0 {
		s.maskNext(l, at)
	}
}

// maskKey takes a key that is held out of what was recorded, and what follows.
func (l *leg) maskKey(at time.Duration, n int) {
	l.mask.until = at + time.Duration(n)*(time.Second/sampleRate) + maskMargin
	l.mask.silence()
	for _, t := range l.taps {
		now := t.rec.clock(at)
		t.mute(now-maskBack, now+int64(n)+recSkew)
	}
}

// mute makes a span of what a leg said silent, as far as it is still in memory.
func (t tap) mute(from, to int64) {
	_, ring := t.track()
	for pos := max(from, t.rec.base); pos < min(to, t.rec.base+recRing); pos++ {
		ring[pos%recRing] = ulawSilence
	}
}
