package media

import (
	"crypto/rand"
	"encoding/binary"
	"path/filepath"
	"testing"
	"time"
)

// bad is a kind of input that no phone should send, or that only some do.
type bad struct {
	name    string
	send    func(p *peer, i int)
	counted func(s *Stats) uint64 // nil: it is taken, and heard as what it is
	long    time.Duration         // of one; 0 is 20 ms
}

func malformed(s *Stats) uint64 { return s.Malformed.Load() }
func unknown(s *Stats) uint64   { return s.UnknownPT.Load() }

// withHeader gives a packet of audio with another first byte.
func withHeader(first byte, rest ...byte) func(p *peer, i int) {
	return func(p *peer, i int) {
		b := make([]byte, rtpHeader)
		putRTP(b, header{seq: p.seq, ts: p.ts, ssrc: p.ssrc})
		b[0] = first
		p.raw(append(b, rest...))
	}
}

var badInputs = []bad{
	{"one byte", func(p *peer, i int) { p.raw([]byte{0x80}) }, malformed, 0},
	{"eleven bytes", func(p *peer, i int) { p.raw(make([]byte, 11)) }, malformed, 0},
	{"noise", func(p *peer, i int) {
		b := make([]byte, 200)
		_, _ = rand.Read(b)
		b[0] = 0x40 // another version
		p.raw(b)
	}, malformed, 0},
	{"more sources than bytes", withHeader(0x8F, 1, 2, 3), malformed, 0},
	{"an extension longer than the packet", withHeader(0x90, 0xBE, 0xDE, 0xFF, 0xFF, 1, 2), malformed, 0},
	{"more padding than bytes", withHeader(0xA0, 1, 2, 255), malformed, 0},
	{"1501 bytes", func(p *peer, i int) {
		b := make([]byte, 1501)
		putRTP(b, header{seq: p.seq, ts: p.ts, ssrc: p.ssrc})
		p.raw(b)
	}, malformed, 0},
	{"1500 bytes of silence", func(p *peer, i int) { p.send(silence[:1488]) }, nil, 186 * time.Millisecond},
	{"nothing but a header", func(p *peer, i int) { p.packet(0, false, p.ts, nil) }, nil, 0},
	{"a payload type of nobody", func(p *peer, i int) { p.packet(34, false, p.ts, make([]byte, 160)) }, unknown, 0},
	{"comfort noise", func(p *peer, i int) { p.packet(ptCN, false, p.ts, []byte{40}) }, nil, 0},
	{"an event of three bytes", func(p *peer, i int) { p.packet(101, true, p.ts, []byte{5, 10, 0}) }, malformed, 0},
	{"an event that is no key", func(p *peer, i int) { p.packet(101, true, p.ts, []byte{200, 10, 0, 160}) }, unknown, 0},
	{"wild timestamps", func(p *peer, i int) {
		p.packet(0, false, p.ts^uint32(0x9E3779B9*(i+1)), silence[:160])
	}, nil, 0},
	{"another SSRC now and then", func(p *peer, i int) {
		was := p.ssrc
		p.ssrc ^= uint32(i % 2)
		p.send(silence[:160])
		p.ssrc = was
	}, func(s *Stats) uint64 { return s.SSRCs.Load() }, 0},
	{"sequence numbers that leap", func(p *peer, i int) {
		p.seq += uint16(7919 * i)
		p.send(silence[:160])
	}, nil, 0},
	{"packets of 10 ms", func(p *peer, i int) { p.send(silence[:80]) }, nil, 10 * time.Millisecond},
	{"packets of 30 ms", func(p *peer, i int) { p.send(silence[:240]) }, nil, 30 * time.Millisecond},
	{"packets of 60 ms", func(p *peer, i int) { p.send(silence[:480]) }, nil, 60 * time.Millisecond},
	{"packets of one sample", func(p *peer, i int) { p.send(silence[:1]) }, nil, 0},
	{"the other codec", func(p *peer, i int) {
		b := make([]byte, 160)
		p.codec.Encode(b, make([]int16, 160))
		p.packet(uint8(PCMA), false, p.ts, PCMA.Encode(b, make([]int16, 160)))
		p.ts += 160
	}, nil, 0},
	{"the same packet again", func(p *peer, i int) {
		p.seq--
		p.packet(0, false, p.ts-160, silence[:160])
	}, func(s *Stats) uint64 { return s.Duplicates.Load() }, 0},
	{"RTCP that is none", func(p *peer, i int) {
		b := []byte{0x81, 201, 0, 99, 0, 0, 0, 0}
		binary.BigEndian.PutUint32(b[4:], p.ssrc)
		p.raw(b)
	}, func(s *Stats) uint64 { return s.RTCPBad.Load() }, 0},
}

// A tone, twenty pieces of bad input, the tone again: whoever hears the leg, alone
// or in a mix, and the recording have the tone before and after, one stream without
// a break, and what was dropped is counted.
func TestBadInputIsHeardRightOrCountedAndDropped(t *testing.T) {
	for _, c := range badInputs {
		for _, mixed := range []bool{false, true} {
			name := c.name + map[bool]string{true: ", in a mix"}[mixed]
			path := filepath.Join(t.TempDir(), "r.wav")
			t.Run(name, func(t *testing.T) {
				simulated(t, func(r *rig) {
					a, b := r.leg("a"), r.leg("b")
					seatTwo(r, "a", "b")
					if mixed {
						r.leg("c")
						r.e.Do(Seat{Bridge: "b", Leg: "c", Role: Barger})
					}
					r.e.Do(Record{ID: "r", Path: path, Left: "a", Right: "b"})
					tone := sine(440, 0.5)
					a.talk(time.Second, tone)
					ts, long := a.ts, c.long
					if long == 0 {
						long = frameTime
					}
					for i := range 20 {
						a.ts = ts + samples((time.Duration(i) * long).Microseconds())
						c.send(a, i)
						time.Sleep(long)
					}
					a.ts = ts + samples((20 * long).Microseconds()) // its clock went on
					a.talk(time.Second, tone)
					time.Sleep(100 * time.Millisecond)
					b.unbroken(400 * time.Millisecond) // a burst of 1500 bytes is 186 ms
					pcm := b.heard()
					for where, at := range map[string]int{"before": 2000, "after": len(pcm) - 5600} {
						if got := Goertzel(pcm[at:at+3200], sampleRate, 440); got < 14000 {
							t.Errorf("%s: got the tone with %.0f, want it whole", where, got)
						}
					}
					st := r.e.Stats()
					if c.counted != nil && c.counted(st) < 19 {
						t.Errorf("got %d counted, want 19 at least", c.counted(st))
					}
					if st.Panics.Load() != 0 || st.Legs.Load() < 2 {
						t.Errorf("got %d panics, %d legs left", st.Panics.Load(), st.Legs.Load())
					}
					r.e.Do(Finish{ID: "r"})
					r.stop()
				})
				left, _ := readBack(t, path)
				for where, at := range map[string]int{"before": 2000, "after": len(left) - 5600} {
					if got := Goertzel(left[at:at+3200], sampleRate, 440); got < 14000 {
						t.Errorf("recording, %s: got the tone with %.0f, want it whole", where, got)
					}
				}
			})
		}
	}
}
