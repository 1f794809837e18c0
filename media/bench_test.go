package media

import (
	"encoding/binary"
	"testing"
	"time"
)

// paths are the ways of a packet that must not allocate: each prepares a shard
// and returns the step for packet i.
var paths = map[string]func() func(i int){
	"pass":              func() func(int) { return passing(Codec(PCMA)) },
	"pass in one codec": func() func(int) { return passing(PCMU) },
	"pass with tap": func() func(int) {
		return passing(PCMU, Record{ID: "r", Path: "none", Left: "a", Right: "b"})
	},
	"pass with detector": func() func(int) {
		return passing(PCMU, SetRemote{Leg: "a", Addr: source(0), Send: true, Receive: true, InBandDTMF: true})
	},
	"pass secured": func() func(int) {
		return passing(PCMU, SetRemote{Leg: "b", Addr: source(1), Send: true, Receive: true, SRTP: keysOf("AES_CM_128_HMAC_SHA1_80")})
	},
	"pass secured by GCM": func() func(int) {
		return passing(PCMU, SetRemote{Leg: "b", Addr: source(1), Send: true, Receive: true, SRTP: keysOf("AEAD_AES_256_GCM")})
	},
	"play": func() func(int) {
		s, l, _ := quiet()
		s.e.clips.add("c", HoldMusic())
		s.do(Play{Leg: "a", ID: 1, Clips: []ClipID{"c"}, Loop: true})
		return func(int) {
			s.now += frameTime
			s.playFrame(l, 160)
		}
	},
	"play over another": func() func(int) {
		s, l, to := quiet()
		s.e.clips.add("c", HoldMusic())
		s.do(Play{Leg: "b", ID: 1, Clips: []ClipID{"c"}, Loop: true, Over: true})
		pkt := speech()
		return func(i int) {
			advance(pkt, i)
			s.deliver(l, pkt, source(0), time.Duration(i)*frameTime)
			s.mixFrame(to.bridge)
			to.bridge.next += frameTime
		}
	},
	"conference of ten": func() func(int) { return conference(10) },
	"mix of three": func() func(int) {
		s, l, _ := quiet()
		c := newLeg("c")
		c.sock, c.port = &deafSocket{}, 4
		s.do(opened{c})
		s.do(SetRemote{Leg: "c", Addr: source(2), Send: true, Receive: true})
		s.do(Seat{Bridge: "x", Leg: "c", Role: Barger})
		pkt := speech()
		return func(i int) {
			advance(pkt, i)
			s.deliver(l, pkt, source(0), time.Duration(i)*frameTime)
			s.mixFrame(l.bridge)
			l.bridge.next += frameTime
		}
	},
}

// passing feeds one leg; the other one speaks the codec.
func passing(to Codec, more ...Command) func(i int) {
	s, l, other := quiet()
	s.do(SetRemote{Leg: "a", Addr: source(0), EventType: 101, Send: true, Receive: true})
	s.do(SetRemote{Leg: "b", Addr: source(1), Codec: to, EventType: 101, Send: true, Receive: true})
	for _, c := range more {
		s.do(c)
	}
	pkt := speech()
	return func(i int) {
		advance(pkt, i)
		s.deliver(l, pkt, source(0), time.Duration(i)*frameTime)
		if other.out == 0 {
			panic("nothing was passed")
		}
		for _, r := range s.recs {
			if r.clock(s.now)-r.base > recChunk {
				r.base += recChunk // the disk's part is not measured here
			}
		}
	}
}

// speech is a packet of noise at the loudness of speech.
func speech() []byte {
	b := make([]byte, rtpHeader+160)
	putRTP(b, header{pt: uint8(PCMU), ssrc: 7})
	x := uint32(1)
	for i := range b[rtpHeader:] {
		x = x*1664525 + 1013904223
		b[rtpHeader+i] = EncodeUlaw(int16(x>>16) / 8)
	}
	return b
}

func advance(b []byte, i int) {
	binary.BigEndian.PutUint16(b[2:], uint16(i))
	binary.BigEndian.PutUint32(b[4:], uint32(160*i))
}

func BenchmarkPath(b *testing.B) {
	for name, prepare := range paths {
		b.Run(name, func(b *testing.B) {
			step := prepare()
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				step(i)
			}
		})
	}
}

func TestThePathOfAPacketAllocatesNothing(t *testing.T) {
	for name, prepare := range paths {
		step, i := prepare(), 0
		if got := testing.AllocsPerRun(2000, func() { step(i); i++ }); got != 0 {
			t.Errorf("%s: got %v allocations per packet, want 0", name, got)
		}
	}
}
