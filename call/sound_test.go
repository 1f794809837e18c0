package call_test

import (
	"encoding/binary"
	"math"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"hotline/media"
)

// sound is a peer's audio: it sends what tests give it and keeps what comes.
type sound struct {
	b    *bed
	pc   net.PacketConn
	to   netip.AddrPort // where the engine expects it
	law  media.Codec    // what it sends
	kind uint8          // its payload type, if that is dynamic
	keys uint8          // payload type of its key presses; 0 is 101
	seq  uint16
	ts   uint32
	ssrc uint32

	mu  sync.Mutex // guards got
	got []rtp
}

// rtp is a packet that came.
type rtp struct {
	kind    uint8
	marker  bool
	seq     uint16
	ts      uint32
	payload []byte
}

// newSound opens audio at an address.
func (b *bed) newSound(addr string) *sound {
	b.t.Helper()
	pc, err := b.net.ListenPacket(addr)
	if err != nil {
		b.t.Fatal(err)
	}
	s := &sound{b: b, pc: pc, seq: 100, ssrc: 7}
	b.atEnd(func() { pc.Close() })
	go s.read() // ends when the socket is closed
	return s
}

func (s *sound) read() {
	buf := make([]byte, 2048)
	for {
		n, _, err := s.pc.ReadFrom(buf)
		if err != nil {
			return
		}
		if n < 12 || buf[1]&0x7f >= 72 && buf[1]&0x7f <= 76 { // RTCP
			continue
		}
		p := rtp{kind: buf[1] & 0x7f, marker: buf[1]&0x80 != 0, seq: binary.BigEndian.Uint16(buf[2:]),
			ts: binary.BigEndian.Uint32(buf[4:]), payload: append([]byte(nil), buf[12:n]...)}
		s.mu.Lock()
		s.got = append(s.got, p)
		s.mu.Unlock()
	}
}

// packets are those that came since the last forget.
func (s *sound) packets() []rtp {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]rtp(nil), s.got...)
}

func (s *sound) forget() {
	s.mu.Lock()
	s.got = nil
	s.mu.Unlock()
}

// audioAt reads where a description wants its audio.
func audioAt(t *testing.T, body string) netip.AddrPort {
	t.Helper()
	var host, port string
	for line := range strings.SplitSeq(body, "\r\n") {
		if v, ok := strings.CutPrefix(line, "c="); ok {
			host = strings.Fields(v)[2]
		}
		if v, ok := strings.CutPrefix(line, "m=audio "); ok {
			port, _, _ = strings.Cut(v, " ")
		}
	}
	a, err := netip.ParseAddrPort(net.JoinHostPort(host, port))
	if err != nil {
		t.Fatalf("no address of audio in %q: %v", body, err)
	}
	return a
}

// direction is what a description says of the way of its audio.
func direction(body string) string {
	for _, d := range []string{"sendrecv", "sendonly", "recvonly", "inactive"} {
		if strings.Contains(body, "a="+d+"\r\n") {
			return d
		}
	}
	return "none"
}

// version is the session version of a description's o= line.
func version(body string) int {
	_, o, _ := strings.Cut(body, "o=")
	n, _ := strconv.Atoi(strings.Fields(o)[2])
	return n
}

// frame sends one packet.
func (s *sound) frame(kind uint8, marker bool, ts uint32, payload []byte) {
	b := make([]byte, 12, 12+len(payload))
	b[0], b[1] = 0x80, kind
	if marker {
		b[1] |= 0x80
	}
	s.seq++
	binary.BigEndian.PutUint16(b[2:], s.seq)
	binary.BigEndian.PutUint32(b[4:], ts)
	binary.BigEndian.PutUint32(b[8:], s.ssrc)
	s.pc.WriteTo(append(b, payload...), net.UDPAddrFromAddrPort(s.to))
}

// tone sends the next 20 ms of a sine.
func (s *sound) tone(hz float64) {
	payload := make([]byte, 160)
	pcm := make([]int16, 160)
	for i := range pcm {
		pcm[i] = int16(8000 * math.Sin(2*math.Pi*hz*float64(s.ts+uint32(i))/8000))
	}
	payload = s.law.Encode(payload, pcm)
	kind := s.kind
	if kind == 0 {
		kind = uint8(s.law)
	}
	s.frame(kind, false, s.ts, payload)
	s.ts += 160
}

// digit presses a key for 100 ms, as RFC 4733 has it.
func (s *sound) digit(event byte) {
	ts, kind := s.ts, s.keys
	if kind == 0 {
		kind = 101
	}
	for i := range 8 {
		n := min(i+1, 5)
		end := byte(0)
		if i >= 5 {
			end = 0x80
		}
		s.frame(kind, i == 0, ts, []byte{event, end | 10, byte(n * 160 >> 8), byte(n * 160 & 0xff)})
		if i < 5 {
			time.Sleep(20 * time.Millisecond)
		}
	}
	s.ts += 5 * 160
}

// converse lets peers speak at once, each his own tone, for a time.
func converse(d time.Duration, hz map[*sound]float64) {
	for range d / (20 * time.Millisecond) {
		for s, f := range hz {
			s.tone(f)
		}
		time.Sleep(20 * time.Millisecond)
	}
	time.Sleep(60 * time.Millisecond)
}

// power is the mean power of what came, and how much of it is a tone's.
func (s *sound) power(hz float64) (all, tone float64) {
	var pcm []int16
	for _, p := range s.packets() {
		law := media.Codec(p.kind)
		if s.kind != 0 && p.kind == s.kind {
			law = s.law
		}
		if law == media.PCMU || law == media.PCMA {
			pcm = append(pcm, law.Decode(make([]int16, len(p.payload)), p.payload)...)
		}
	}
	if len(pcm) == 0 {
		return 0, 0
	}
	coeff := 2 * math.Cos(2*math.Pi*hz/8000)
	var s1, s2 float64
	for _, x := range pcm {
		all += float64(x) * float64(x)
		s1, s2 = float64(x)+coeff*s1-s2, s1
	}
	n := float64(len(pcm))
	return all / n, 2 * (s1*s1 + s2*s2 - coeff*s1*s2) / (n * n)
}

// hears fails unless what came since the last forget is a tone, in a codec.
func (s *sound) hears(law media.Codec, hz float64) {
	s.b.t.Helper()
	want := uint8(law)
	if s.kind != 0 {
		want = s.kind
	}
	for _, p := range s.packets() {
		if p.kind != want {
			s.b.t.Errorf("%v got payload type %d, want %d", s.pc.LocalAddr(), p.kind, want)
			break
		}
	}
	all, tone := s.power(hz)
	if all < 1e6 || tone < 0.8*all {
		s.b.t.Errorf("%v got %d packets, power %.0f of which %.0f at %.0f Hz; want the tone", s.pc.LocalAddr(), len(s.packets()), all, tone, hz)
	}
}

// hearsMusic fails unless steady packets came that are no silence and no tone of the other side.
func (s *sound) hearsMusic(within time.Duration, other float64) {
	s.b.t.Helper()
	n := len(s.packets())
	if want := int(within / (20 * time.Millisecond)); n < want*9/10 {
		s.b.t.Errorf("%v got %d packets, want about %d", s.pc.LocalAddr(), n, want)
	}
	all, tone := s.power(other)
	if all < 1000 || tone > 0.2*all {
		s.b.t.Errorf("%v got power %.0f of which %.0f from the other side; want music", s.pc.LocalAddr(), all, tone)
	}
}

// hearsNothing fails if any audio came since the last forget.
func (s *sound) hearsNothing() {
	s.b.t.Helper()
	if n := len(s.packets()); n > 0 {
		s.b.t.Errorf("%v got %d packets, want none", s.pc.LocalAddr(), n)
	}
}
