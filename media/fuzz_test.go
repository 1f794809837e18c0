package media

import (
	"encoding/binary"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pion/rtp"
)

// torture gives the datagrams of sets of the test data beside the project.
func torture(t testing.TB, sets ...string) [][]byte {
	var files []string
	for _, set := range sets {
		found, err := filepath.Glob("../../shared/data/torture/" + set + "/*")
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	if len(files) == 0 {
		t.Log("../../shared/data/torture is absent")
	}
	var out [][]byte
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b)
	}
	return out
}

// quiet is a shard without goroutines or network, with two legs in a bridge.
func quiet() (*shard, *leg, *leg) {
	e := &Engine{ports: newPorts(2, 9)}
	e.cfg.Events = func(Event) {}
	e.cfg.SilenceAfter = time.Hour
	e.cfg.Log = slog.New(slog.DiscardHandler)
	s := newShard(e, deafIO{}, clock{began: time.Now()})
	var legs [2]*leg
	for i, id := range []LegID{"a", "b"} {
		l := newLeg(id)
		l.sock, l.port = &deafSocket{}, 2
		s.do(opened{l})
		s.do(SetRemote{Leg: id, Addr: source(i), Codec: Codec(8 * i), EventType: 101, Send: true, Receive: true, InBandDTMF: true})
		s.do(Seat{Bridge: "x", Leg: id, Role: Caller})
		legs[i] = l
	}
	return s, legs[0], legs[1]
}

func source(i int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}), 4000)
}

type deafIO struct{ packetIO }

func (deafIO) wake()        {}
func (deafIO) slow(deliver) {}

type deafSocket struct{ n, bytes int }

func (*deafSocket) start()                 {}
func (*deafSocket) detach()                {}
func (*deafSocket) attach(packetIO)        {}
func (*deafSocket) connect(netip.AddrPort) {}
func (*deafSocket) close()                 {}
func (d *deafSocket) send(b []byte, _ netip.AddrPort) error {
	d.n++
	d.bytes += len(b)
	return nil
}

func FuzzRTP(f *testing.F) {
	for _, b := range torture(f, "webrtc-rtp") {
		f.Add(b)
	}
	f.Add([]byte{0x80, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 2, 3, 4})
	f.Add([]byte{0xB1, 101, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 9, 9, 9, 9, 0, 0, 0, 1, 8, 8, 8, 8, 5, 0x80, 1, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		h, payload, ok := parseRTP(b)
		var p rtp.Packet
		err := p.Unmarshal(b)
		if ok && len(b) <= maxPacket && err == nil {
			if h.seq != p.SequenceNumber || h.ts != p.Timestamp || h.ssrc != p.SSRC || h.pt != p.PayloadType || h.marker != p.Marker {
				t.Errorf("got %+v, want %+v", h, p.Header)
			}
			if !p.Extension && string(payload) != string(p.Payload) {
				t.Errorf("got %d bytes, want %d", len(payload), len(p.Payload))
			}
		}
		// The same bytes again and again through a whole engine, with every tap on.
		s, l, _ := quiet()
		s.do(Seat{Bridge: "x", Leg: "b", Role: Agent})
		for i := range 3 {
			s.receive(l, b, source(0), time.Duration(i)*frameTime)
			if len(b) >= 4 {
				binary.BigEndian.PutUint16(b[2:], binary.BigEndian.Uint16(b[2:])+1)
			}
		}
		s.now = 60 * time.Millisecond
		s.tick()
	})
}

func TestTortureMakesNoSound(t *testing.T) {
	sets := torture(t, "webrtc-rtp")
	s, l, _ := quiet()
	for i, b := range sets {
		for cut := range len(b) {
			s.receive(l, b[:cut], source(0), time.Duration(i)*frameTime)
		}
		s.receive(l, b, source(0), time.Duration(i)*frameTime)
	}
	if n := s.stats.Panics.Load(); n != 0 {
		t.Errorf("got %d panics", n)
	}
}

func FuzzKeys(f *testing.F) {
	f.Add([]byte{5, 0x8A, 3, 0x20}, uint32(160))
	f.Add([]byte{16, 0, 0, 0, 1}, uint32(0))
	f.Fuzz(func(t *testing.T, b []byte, ts uint32) {
		var r keyReader
		for i := range 3 {
			if k, ok := parseKey(b); ok {
				if key, press := r.packet(header{ts: ts * uint32(i)}, k, time.Duration(i)*frameTime); press && key == 0 {
					t.Error("got a press of no key")
				}
			}
		}
	})
}
