package phone

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"hotline/media"
)

const (
	sampleRate  = 8000
	frameTime   = 20 * time.Millisecond
	frameLen    = 160 // samples in a frame
	rtpHeader   = 12
	maxPacket   = 2048
	maxBehind   = 10 // frames: a sender later than that gives them up
	gapLength   = 3 * frameTime
	speakingMax = 1024 // clips waiting to be said; more are dropped
)

// Stats counts the audio of one call.
type Stats struct {
	In, Out    uint64        // RTP packets
	Lost       uint64        // missing by sequence number
	Duplicates uint64        // came twice
	Reordered  uint64        // came after a later one
	Gaps       uint64        // pauses above 60 ms in arrival
	LongestGap time.Duration // in arrival
	Strangers  uint64        // packets from elsewhere than the description says; not heard
	Unknown    uint64        // packets that were no RTP of ours
	Sources    uint64        // SSRCs heard
	First      time.Time     // arrival of the first packet
	Last       time.Time     // arrival of the last packet
}

// stream is the audio of one call: one socket, a sender that keeps the time and
// a receiver that keeps what it hears.
type stream struct {
	pc        net.PacketConn
	local     netip.AddrPort
	told      netip.Addr // instead of local's address
	symmetric bool
	dead      *atomic.Bool
	digit     func(rune) // called on the receiver, nothing locked
	closed    chan struct{}
	closing   sync.Once

	mu      sync.Mutex // guards all below
	a       agreement
	latched netip.AddrPort // where audio came from, when symmetric
	mute    bool           // nothing is sent

	ssrc    uint32
	seq     uint16
	ts      uint32
	started bool // a packet was sent since the last pause
	clips   []clip
	tone    oscillator
	keys    []press

	ear   ear
	stats Stats
	rx    sequence
	key   keyReader
}

// clip is speech to be said.
type clip struct {
	pcm  []int16
	at   int
	done chan struct{} // closed when said, or dropped
}

func newStream(p *Phone) (*stream, error) {
	pc, err := p.cfg.ListenRTP(netip.AddrPortFrom(p.cfg.Addr, 0))
	if err != nil {
		return nil, err
	}
	local, err := netip.ParseAddrPort(pc.LocalAddr().String())
	if err != nil {
		pc.Close()
		return nil, err
	}
	s := &stream{
		pc: pc, local: netip.AddrPortFrom(local.Addr().Unmap(), local.Port()), told: p.cfg.Private,
		symmetric: p.cfg.Symmetric, dead: &p.dead, closed: make(chan struct{}),
		ssrc: rand.Uint32(), seq: uint16(rand.Uint32()), ts: rand.Uint32(),
	}
	s.ear = newEar(time.Now(), int(p.cfg.Keep/time.Second)*sampleRate)
	return s, nil
}

// announced is the address that descriptions name.
func (s *stream) announced() netip.AddrPort {
	if s.told.IsValid() {
		return netip.AddrPortFrom(s.told, s.local.Port())
	}
	return s.local
}

func (s *stream) close() {
	s.closing.Do(func() {
		close(s.closed)
		s.pc.Close()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.quiet()
		for _, k := range s.keys {
			close(k.done)
		}
		s.keys = nil
	})
}

// agree takes what a description has settled.
func (s *stream) agree(a agreement) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a.addr != s.a.addr {
		s.latched = netip.AddrPort{}
	}
	s.a = a
}

// send keeps the time: a frame every 20 ms from now on.
func (s *stream) send() {
	next := time.Now()
	t := time.NewTimer(0)
	defer t.Stop()
	buf := make([]byte, rtpHeader+frameLen)
	for {
		select {
		case <-s.closed:
			return
		case <-t.C:
		}
		now := time.Now()
		if behind := int(now.Sub(next) / frameTime); behind > maxBehind {
			s.skip(behind)
			next = next.Add(time.Duration(behind) * frameTime)
		}
		for !next.After(now) {
			if n, to := s.frame(buf); n > 0 {
				// An error means that nobody listens there; a phone goes on.
				_, _ = s.pc.WriteTo(buf[:n], net.UDPAddrFromAddrPort(to))
			}
			next = next.Add(frameTime)
		}
		t.Reset(time.Until(next))
	}
}

func (s *stream) skip(frames int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ts += uint32(frames * frameLen)
}

// frame makes the packet that is due; 0 when nothing is to be sent. The
// timestamp follows the clock, sent or not.
func (s *stream) frame(buf []byte) (int, netip.AddrPort) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ts := s.ts
	s.ts += frameLen
	to := s.a.addr
	if s.symmetric && s.latched.IsValid() {
		to = s.latched
	}
	if !to.IsValid() {
		return 0, to // nobody to speak to yet: what is to be said waits
	}
	var pcm [frameLen]int16
	s.speak(pcm[:])
	event, pressing := s.pressing(ts)
	if !s.a.send || s.mute || s.dead.Load() || to.Addr().IsUnspecified() {
		s.started = false
		return 0, to
	}
	h := header{pt: s.a.codec, seq: s.seq, ts: ts, ssrc: s.ssrc, marker: !s.started}
	n := rtpHeader + frameLen
	if pressing {
		h.pt, h.ts, h.marker = s.a.event, event.ts, event.first
		n = rtpHeader + copy(buf[rtpHeader:], event.body[:])
	} else {
		s.started = true
		media.Codec(s.a.codec).Encode(buf[rtpHeader:n], pcm[:])
	}
	h.put(buf)
	s.seq++
	s.stats.Out++
	return n, to
}

// speak fills the next samples: clips first, then the tone, then silence.
func (s *stream) speak(pcm []int16) {
	n := 0
	for n < len(pcm) && len(s.clips) > 0 {
		c := &s.clips[0]
		k := copy(pcm[n:], c.pcm[c.at:])
		c.at += k
		n += k
		if c.at == len(c.pcm) {
			close(c.done)
			s.clips = s.clips[1:]
		}
	}
	if n == 0 {
		s.tone.fill(pcm)
	}
}

// quiet ends what is being said.
func (s *stream) quiet() {
	for _, c := range s.clips {
		close(c.done)
	}
	s.clips = nil
	s.tone = oscillator{}
}

// receive listens until the socket is closed.
func (s *stream) receive() {
	buf := make([]byte, maxPacket)
	var pcm [maxPacket]int16
	for {
		n, from, err := s.pc.ReadFrom(buf)
		if err != nil {
			select {
			case <-s.closed:
				return
			default:
			}
			if errors.Is(err, net.ErrClosed) {
				return
			}
			continue // ICMP: nobody listens at the peer's address
		}
		if s.dead.Load() {
			continue
		}
		at, err := netip.ParseAddrPort(from.String())
		if err != nil {
			continue
		}
		at = netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
		if r := s.take(time.Now(), at, buf[:n], pcm[:]); r != 0 {
			s.digit(r)
		}
	}
}

// take hears one packet; it returns a key that begins with it, or 0.
func (s *stream) take(now time.Time, from netip.AddrPort, b []byte, pcm []int16) rune {
	s.mu.Lock()
	defer s.mu.Unlock()
	h, payload, ok := parseRTP(b)
	if !ok {
		s.stats.Unknown++
		return 0
	}
	// Audio may come before the answer that names its source.
	if !s.symmetric && s.a.addr.IsValid() && !s.a.addr.Addr().IsUnspecified() && from.Addr() != s.a.addr.Addr() {
		s.stats.Strangers++
		return 0
	}
	s.latched = from
	s.count(now, h)
	switch {
	case h.pt == 0 || h.pt == 8:
		s.ear.put(now, h.ssrc, h.ts, media.Codec(h.pt).Decode(pcm[:len(payload)], payload))
	case h.pt == s.a.event || h.pt == ourEvent:
		return s.key.take(h, payload)
	default:
		s.stats.Unknown++
	}
	return 0
}

func (s *stream) count(now time.Time, h header) {
	st := &s.stats
	if st.First.IsZero() {
		st.First = now
	} else {
		gap := now.Sub(st.Last)
		st.LongestGap = max(st.LongestGap, gap)
		if gap > gapLength {
			st.Gaps++
		}
	}
	st.Last = now
	st.In++
	s.rx.take(h.ssrc, h.seq, st)
}

// sequence finds losses by sequence number (RFC 3550, A.3, without its probation).
type sequence struct {
	on   bool
	ssrc uint32
	next uint16
}

func (q *sequence) take(ssrc uint32, seq uint16, st *Stats) {
	if !q.on || q.ssrc != ssrc {
		q.on, q.ssrc, q.next = true, ssrc, seq+1
		st.Sources++
		return
	}
	switch ahead := int16(seq - q.next); {
	case ahead == -1:
		st.Duplicates++
	case ahead < 0:
		st.Reordered++
		st.Lost -= min(st.Lost, 1)
	default:
		st.Lost += uint64(ahead)
		q.next = seq + 1
	}
}

// header is the fixed part of an RTP packet (RFC 3550, 5.1).
type header struct {
	pt     uint8
	marker bool
	seq    uint16
	ts     uint32
	ssrc   uint32
}

func (h header) put(b []byte) {
	b[0] = 2 << 6
	b[1] = h.pt & 0x7F
	if h.marker {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint16(b[2:], h.seq)
	binary.BigEndian.PutUint32(b[4:], h.ts)
	binary.BigEndian.PutUint32(b[8:], h.ssrc)
}

// parseRTP finds header and payload, without padding and extension.
func parseRTP(b []byte) (h header, payload []byte, ok bool) {
	if len(b) < rtpHeader || b[0]>>6 != 2 || b[1] >= 192 && b[1] <= 223 { // RTCP: RFC 5761, 4
		return h, nil, false
	}
	h = header{
		pt: b[1] & 0x7F, marker: b[1]&0x80 != 0, seq: binary.BigEndian.Uint16(b[2:]),
		ts: binary.BigEndian.Uint32(b[4:]), ssrc: binary.BigEndian.Uint32(b[8:]),
	}
	at, end := rtpHeader+4*int(b[0]&0x0F), len(b)
	if b[0]&0x10 != 0 {
		if end < at+4 {
			return h, nil, false
		}
		at += 4 + 4*int(binary.BigEndian.Uint16(b[at+2:]))
	}
	if b[0]&0x20 != 0 {
		end -= int(b[len(b)-1])
	}
	if at > end {
		return h, nil, false
	}
	return h, b[at:end], true
}
