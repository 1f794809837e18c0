package media

import (
	"net/netip"
	"time"
)

var zeroSource netip.AddrPort

// deliver takes a datagram that came on a leg's socket.
func (s *shard) deliver(l *leg, b []byte, from netip.AddrPort, at time.Duration) {
	defer s.rescue()
	s.active = l
	l.more = true
	s.now = max(s.now, at) // the turn may have begun long before
	s.receive(l, b, from, at)
	s.active = nil
}

func (s *shard) receive(l *leg, b []byte, from netip.AddrPort, at time.Duration) {
	// The source is judged first: what a stranger sends is not even counted
	// against the peer.
	ok, moved := l.accepts(from, at)
	if !ok {
		l.strange++
		s.stats.Strangers.Add(1)
		return
	}
	if isRTCP(b) {
		if !moved || !l.source.IsValid() {
			s.takeControl(l, b, from, at)
		}
		return
	}
	if b, ok = s.unsealed(l, b); !ok {
		return
	}
	h, payload, ok := parseRTP(b)
	if !ok {
		l.dropped++
		s.stats.Malformed.Add(1)
		return
	}
	event := l.set.isEvent(h.pt)
	codec, audio := l.set.codecOf(h.pt)
	if !event && !audio && h.pt != ptCN {
		l.dropped++
		s.stats.UnknownPT.Add(1)
		s.skip(l, h)
		return
	}
	if moved {
		s.latch(l, from)
	}
	if !s.sequence(l, h, at) {
		return
	}
	switch {
	case !l.set.Receive:
		s.stats.Unheard.Add(1)
		s.skip(l, h)
	case event:
		s.keyPacket(l, h, payload, at)
	case h.pt == ptCN || len(payload) == 0:
		s.skip(l, h)
	default:
		l.more = !l.rx.alone(len(payload))
		s.audio(l, h, codec, payload, at)
	}
}

// latch makes a source the leg's only one.
func (s *shard) latch(l *leg, from netip.AddrPort) {
	if l.source.IsValid() {
		s.stats.Relatched.Add(1)
	} else {
		s.stats.Latched.Add(1)
	}
	if l.bound {
		l.bound = false
		l.sock.connect(zeroSource)
	}
	l.source = from
}

// sequence counts a packet and is false if it was here before.
func (s *shard) sequence(l *leg, h header, at time.Duration) bool {
	changes := l.rx.changes
	kind := l.rx.packet(h, at)
	if kind == double {
		l.dropped++
		s.stats.Duplicates.Add(1)
		return false
	}
	if kind == late {
		s.stats.Late.Add(1)
	}
	if l.rx.changes != changes {
		s.stats.SSRCs.Add(1)
	}
	l.in++
	s.passed.in++
	l.unbound = false
	if !l.bound && at >= l.movable {
		l.bound = true
		l.sock.connect(l.source)
	}
	l.lastIn, l.silentAt = at, at+s.e.cfg.SilenceAfter
	if !l.heard && l.set.Receive {
		l.heard = true
		s.emit(Heard{Leg: l.id})
	}
	return true
}

// skip keeps the hole of a packet that is not passed on out of the sequence of
// those who hear this leg.
func (s *shard) skip(l *leg, h header) {
	if l.mask != nil {
		s.maskFlush(l, s.now) // what came before goes first
	}
	for _, to := range l.passTo {
		to.tx.skip(voiceOf(l, h.ssrc), h)
	}
}

func (s *shard) audio(l *leg, h header, codec Codec, payload []byte, at time.Duration) {
	masked := s.masked(l, at)
	s.tapped(l, h, codec, payload, at)
	if l.detector != nil {
		if key, ok := l.detector.audio(codec, payload); ok {
			s.digit(l, key, "inband")
		}
	}
	if masked {
		s.maskAudio(l, h, codec, payload, at)
		return
	}
	s.pass(l, h, codec, payload, at)
}

// pass hands a packet to those who hear the leg.
func (s *shard) pass(l *leg, h header, codec Codec, payload []byte, at time.Duration) {
	if l.jitter != nil {
		if l.jitter.put(h, codec, payload, samples(at.Microseconds())) {
			s.stats.MixLate.Add(1)
		}
	}
	if len(l.passTo) > 0 {
		l.past.add(h, codec, payload, at)
	}
	for _, to := range l.passTo {
		s.forward(l, to, h, codec, payload)
	}
}

func (s *shard) keyPacket(l *leg, h header, payload []byte, at time.Duration) {
	k, ok := parseKey(payload)
	if !ok {
		l.dropped++
		s.stats.Malformed.Add(1)
		s.skip(l, h)
		return
	}
	if int(k.code) >= len(keyRunes) { // our descriptions have 0-15
		l.dropped++
		s.stats.UnknownPT.Add(1)
		s.skip(l, h)
		return
	}
	masked := s.masked(l, at)
	if masked {
		l.maskKey(at, 0)
	}
	key, press := l.keys.packet(h, k, at)
	if press {
		l.withheld = l.withholds
	}
	if masked || l.withheld || l.bridge != nil && l.role >= Listener { // a supervisor's keys are orders, for nobody's ears
		s.skip(l, h)
		if press {
			s.digit(l, key, "rfc4733")
		}
		return
	}
	for _, to := range l.passTo {
		s.forwardKey(l, to, h, k, payload[:4], press)
	}
	if !press {
		return
	}
	if l.bridge != nil {
		for _, to := range l.bridge.mixed {
			if hears[to.role][l.role] && to != l {
				s.press(to, k.code, pressDefault)
			}
		}
	}
	s.digit(l, key, "rfc4733")
}

func (s *shard) digit(l *leg, key rune, method string) {
	s.stats.Digits.Add(1)
	s.emit(Digit{Leg: l.id, Rune: key, Method: method})
}

// send puts the first n bytes of s.out on the wire. Callers have asked sendable
// before they took a sequence number.
func (s *shard) send(l *leg, n int) {
	b := s.out[:n]
	if l.secure != nil {
		var ok bool
		if b, ok = l.secure.protect(s.seal[:0], b); !ok {
			s.stats.SendErrors.Add(1)
			return
		}
	}
	if err := l.sock.send(b, l.target()); err != nil {
		s.stats.SendErrors.Add(1)
		return
	}
	l.out++
	l.outBytes += uint64(n - rtpHeader)
	s.passed.out++
}

// sendUlaw sends a packet of our own making; ulaw is s.frame or shorter.
func (s *shard) sendUlaw(l *leg, o origin, ulaw []byte) {
	if !l.sendable() {
		l.tx.pause()
		return
	}
	putRTP(s.out[:], l.tx.own(o, l.set.audioType(), len(ulaw), s.now))
	transcode(s.out[rtpHeader:], ulaw, PCMU, l.set.Codec)
	s.send(l, rtpHeader+len(ulaw))
}

// sendPCM sends a packet of sound.
func (s *shard) sendPCM(l *leg, o origin, pcm []int16) {
	if !l.sendable() {
		l.tx.pause()
		return
	}
	putRTP(s.out[:], l.tx.own(o, l.set.audioType(), len(pcm), s.now))
	l.set.Codec.Encode(s.out[rtpHeader:], pcm)
	s.send(l, rtpHeader+len(pcm))
}
