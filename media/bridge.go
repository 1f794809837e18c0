package media

import (
	"slices"
	"time"
)

// bridge lets the legs seated in it hear each other by the table hears. A leg
// that hears one other gets that one's packets passed through; a leg that hears
// more gets a mix on the 20 ms clock. So a listener or coach changes nothing
// for those who do not hear him.
type bridge struct {
	id     BridgeID
	seats  []*leg
	mixed  []*leg // those who hear a mix
	voices []*leg // those heard in a mix
	phase  time.Duration
	next   time.Duration // when the next frame is due
}

// seat puts a leg into a bridge or changes its role there.
func (s *shard) seat(l *leg, c Seat) {
	if c.Role >= numRoles {
		s.stats.UnknownIDs.Add(1)
		return
	}
	b := s.bridges[c.Bridge]
	if l.bridge != nil && l.bridge != b {
		s.leave(l)
	}
	if b == nil {
		b = &bridge{id: c.Bridge, phase: s.newPhase()}
		s.bridges[c.Bridge] = b
		s.stats.Bridges.Add(1)
	}
	if l.bridge == nil {
		l.bridge = b
		b.seats = append(b.seats, l)
	}
	l.role = c.Role
	s.rewire(b)
}

// leave takes a leg out of its bridge; an empty bridge is forgotten.
func (s *shard) leave(l *leg) {
	b := l.bridge
	if b == nil {
		return
	}
	b.seats = slices.DeleteFunc(b.seats, func(o *leg) bool { return o == l })
	l.bridge = nil
	l.passTo, l.mixOf, l.jitter = nil, nil, nil
	s.rewire(b)
	if len(b.seats) == 0 {
		delete(s.bridges, b.id)
		s.stats.Bridges.Add(-1)
	}
}

// rewire works out who is passed through to whom and who hears a mix.
func (s *shard) rewire(b *bridge) {
	wasMixing := len(b.mixed) > 0
	b.mixed, b.voices = b.mixed[:0], b.voices[:0]
	for _, l := range b.seats {
		l.passTo, l.mixOf = l.passTo[:0], l.mixOf[:0]
	}
	for _, l := range b.seats {
		for _, o := range b.seats {
			if o != l && hears[l.role][o.role] {
				l.mixOf = append(l.mixOf, o)
			}
		}
		switch len(l.mixOf) {
		case 0:
		case 1:
			l.mixOf[0].passTo = append(l.mixOf[0].passTo, l)
			l.mixOf = l.mixOf[:0]
		default:
			b.mixed = append(b.mixed, l)
		}
	}
	for _, l := range b.seats {
		voice := slices.ContainsFunc(b.mixed, func(o *leg) bool { return slices.Contains(o.mixOf, l) })
		switch {
		case voice:
			b.voices = append(b.voices, l)
			if l.jitter == nil {
				l.jitter = &jitterVoice{}
			}
		default:
			l.jitter = nil
		}
	}
	switch mixing := len(b.mixed) > 0; {
	case mixing && !wasMixing:
		b.next = align(s.now, b.phase, frameTime)
		s.mixing = append(s.mixing, b)
	case !mixing && wasMixing:
		s.mixing = slices.DeleteFunc(s.mixing, func(o *bridge) bool { return o == b })
	}
}

// jitterVoice is a speaker's store and what it gave for the present frame.
type jitterVoice struct {
	jitter
	frame [frameSize]int16
}

// mix makes the frames of a bridge that are due.
func (s *shard) mix(b *bridge) {
	defer s.rescueBridge(b)
	for n := 0; s.now >= b.next; n++ {
		if n == mostCatchUp {
			b.next = align(s.now, b.phase, frameTime)
			return
		}
		s.mixFrame(b)
		b.next += frameTime
	}
}

func (s *shard) mixFrame(b *bridge) {
	for _, l := range b.voices {
		if !l.jitter.take(&l.jitter.frame) {
			s.stats.MixUnderruns.Add(1)
		}
	}
	for _, l := range b.mixed {
		o := origin{kind: fromMix}
		if l.play.on || l.pressing.busy() || !l.sendable() || l.tx.crowded(o, frameSize, s.now) {
			continue
		}
		var sum [frameSize]int32
		for _, o := range l.mixOf {
			for i, v := range &o.jitter.frame {
				sum[i] += int32(v)
			}
		}
		pcm := s.pcm[:frameSize]
		for i, v := range &sum {
			pcm[i] = int16(min(max(v, -32768), 32767))
		}
		s.stats.MixFrames.Add(1)
		s.sendPCM(l, o, pcm)
	}
}

// forward passes a packet of audio to a leg that hears its speaker alone.
func (s *shard) forward(from, to *leg, h header, c Codec, payload []byte) {
	if !s.openTo(to) {
		return
	}
	out, ok := to.tx.pass(origin{fromLeg, from, h.ssrc}, h, to.set.audioType(), len(payload), true, s.now)
	if !ok {
		return
	}
	putRTP(s.out[:], out)
	transcode(s.out[rtpHeader:], payload, c, to.set.Codec)
	s.send(to, rtpHeader+len(payload))
}

// forwardKey passes a telephone-event packet; press is true for the first one of a key.
func (s *shard) forwardKey(from, to *leg, h header, k keyEvent, payload []byte, press bool) {
	o := origin{fromLeg, from, h.ssrc}
	switch {
	case to.set.EventType == 0:
		to.tx.skip(o, h)
		if press {
			s.press(to, k.code, pressDefault)
		}
		return
	case !s.openTo(to):
		return
	}
	out, ok := to.tx.pass(o, h, to.set.EventType, 0, false, s.now)
	if !ok {
		return
	}
	putRTP(s.out[:], out)
	n := copy(s.out[rtpHeader:], payload)
	s.send(to, rtpHeader+n)
}

// openTo is true if passed packets may go to a leg now: it does not hear
// something else, and we may send.
func (s *shard) openTo(to *leg) bool {
	if to.play.on || to.pressing.busy() {
		return false
	}
	if !to.sendable() {
		to.tx.pause()
		return false
	}
	return true
}
