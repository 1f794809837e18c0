package media

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
)

// keysOf makes keys of a suite: ours, and those of the peer.
func keysOf(suite string) SRTP {
	n := srtpSuites[suite].size
	c := SRTP{Suite: suite, Ours: make([]byte, n), Theirs: make([]byte, n)}
	for i := range n {
		c.Ours[i], c.Theirs[i] = byte(i), byte(100+i)
	}
	return c
}

// turned are the keys as the peer sees them.
func (c SRTP) turned() *secured {
	c.Ours, c.Theirs = c.Theirs, c.Ours
	p, err := (*secured)(nil).secure(c)
	if err != nil {
		panic(err)
	}
	return p
}

// sendSecured is peer.send by SRTP; it gives what went over the wire.
func (p *peer) sendSecured(key *secured, payload []byte) []byte {
	b := make([]byte, rtpHeader, rtpHeader+len(payload))
	putRTP(b, header{pt: uint8(p.codec), seq: p.seq, ts: p.ts, ssrc: p.ssrc})
	p.seq++
	p.ts += uint32(len(payload))
	out, ok := key.protect(nil, append(b, payload...))
	if !ok {
		p.r.t.Error("cannot secure a packet")
	}
	p.raw(out)
	return out
}

// clear opens a packet that the peer got.
func (g packet) clear(t *testing.T, key *secured) []byte {
	t.Helper()
	b := make([]byte, rtpHeader)
	putRTP(b, g.header)
	out, ok := key.open(nil, append(b, g.payload...))
	if !ok {
		t.Fatalf("packet %d cannot be opened", g.seq)
	}
	return out[rtpHeader:]
}

func TestSecuredAndPlainLegsHearEachOther(t *testing.T) {
	for suite := range srtpSuites {
		t.Run(suite, func(t *testing.T) {
			dir := t.TempDir()
			simulated(t, func(r *rig) {
				keys := keysOf(suite)
				theirs := keys.turned()
				a, b := r.leg("a", func(s *SetRemote) { s.SRTP = keys }), r.leg("b")
				c := a.reporter2()
				r.e.Do(Record{ID: "r", Path: filepath.Join(dir, "r.wav"), Left: "a", Right: "b"})
				seatTwo(r, "a", "b")
				said := bytes.Repeat([]byte("This is said in secret. "), 7)[:160]
				var wire [][]byte
				for range 200 {
					wire = append(wire, a.sendSecured(theirs, said))
					b.send(said)
					time.Sleep(frameTime)
				}
				got := b.packets()
				if len(got) != 200 || !bytes.Equal(got[99].payload, said) {
					t.Fatalf("b got %d packets, want 200 in the clear", len(got))
				}
				back := a.packets()
				if len(back) != 200 {
					t.Fatalf("a got %d packets, want 200", len(back))
				}
				for _, g := range back {
					wire = append(wire, g.payload)
					if !bytes.Equal(g.clear(t, theirs), said) {
						t.Fatal("a hears something else")
					}
				}
				for _, w := range append(wire, c()...) {
					if bytes.Contains(w, []byte("secret")) {
						t.Fatal("the wire shows what is said")
					}
				}
				if len(c()) == 0 {
					t.Error("a got no report")
				}
				for _, w := range c() {
					plain, ok := theirs.openControl(w)
					if _, err := readControl(plain); !ok || err != nil || bytes.Contains(w, plain[8:24]) {
						t.Errorf("a report cannot be opened, or lies open: %v", err)
					}
				}
				r.e.Do(Finish{ID: "r"})
				r.stop()
				if file, err := os.ReadFile(told[Recorded](r)[0].Path); err != nil || !bytes.Contains(file, []byte("TThhiiss  iiss")) {
					t.Errorf("the recording has no plain audio: %v", err)
				}
			})
		})
	}
}

// reporter2 takes RTCP down as it is, and gives it.
func (p *peer) reporter2() func() [][]byte {
	conn, err := p.r.net.ListenPacket(fmt.Sprintf("%v:%d", p.addr.Addr(), p.addr.Port()+1))
	if err != nil {
		p.r.t.Fatal(err)
	}
	p.r.t.Cleanup(func() { conn.Close() })
	c := &peer{r: p.r, conn: conn, quit: make(chan struct{})}
	go c.read()
	return func() [][]byte {
		c.mu.Lock()
		defer c.mu.Unlock()
		return append([][]byte(nil), c.reports...)
	}
}

func TestForgedPacketsAreCountedAndTheCallLives(t *testing.T) {
	simulated(t, func(r *rig) {
		keys := keysOf("AES_CM_128_HMAC_SHA1_80")
		theirs := keys.turned()
		a, b := r.leg("a", func(s *SetRemote) { s.SRTP = keys }), r.leg("b")
		seatTwo(r, "a", "b")
		good := a.sendSecured(theirs, speech()[rtpHeader:])
		for i := range 2000 {
			a.send(make([]byte, 160)) // in the clear
			bad := bytes.Clone(good)
			bad[20+i%160] ^= 1
			a.raw(bad)
			a.raw(good) // again
			a.raw(bad[:i%len(bad)])
			a.raw(append([]byte{0x81, 201}, bad[2:]...))
			if i%50 == 0 {
				a.sendSecured(theirs, speech()[rtpHeader:])
				time.Sleep(frameTime)
			}
		}
		time.Sleep(time.Millisecond)
		if n := len(b.packets()); n != 41 {
			t.Errorf("b got %d packets, want the 41 good ones", n)
		}
		r.e.Do(Close{Leg: "a"})
		time.Sleep(time.Millisecond)
		if st := told[Closed](r)[0].Stats; st.Forged < 6000 || st.PacketsIn != 41 {
			t.Errorf("got %d forged, %d in, want most of 10000 and 41", st.Forged, st.PacketsIn)
		}
		if n := r.e.Stats().Panics.Load(); n != 0 {
			t.Errorf("got %d panics", n)
		}
	})
}

func TestAForgedPacketLatchesNothing(t *testing.T) {
	simulated(t, func(r *rig) {
		keys := keysOf("AES_CM_128_HMAC_SHA1_80")
		a := r.leg("a", func(s *SetRemote) { s.SRTP = keys })
		a.send(make([]byte, 160))
		time.Sleep(time.Millisecond)
		if n := r.e.Stats().Latched.Load(); n != 0 {
			t.Errorf("got %d sources latched, want none", n)
		}
		a.sendSecured(keys.turned(), make([]byte, 160))
		time.Sleep(time.Millisecond)
		if n := r.e.Stats().Latched.Load(); n != 1 {
			t.Errorf("got %d sources latched, want the peer", n)
		}
	})
}

func TestNewKeysAreTakenInMidCallAndOldOnesGoOn(t *testing.T) {
	simulated(t, func(r *rig) {
		keys := keysOf("AES_CM_128_HMAC_SHA1_32")
		theirs := keys.turned()
		a, b := r.leg("a", func(s *SetRemote) { s.SRTP = keys }), r.leg("b")
		seatTwo(r, "a", "b")
		talk := func(n int) {
			for range n {
				a.sendSecured(theirs, speech()[rtpHeader:])
				b.send(make([]byte, 160))
				time.Sleep(frameTime)
			}
		}
		set := SetRemote{Leg: "a", Addr: a.addr, EventType: 101, Send: true, Receive: true, SRTP: keys}
		talk(10)
		r.e.Do(set) // a re-INVITE that changes nothing
		time.Sleep(time.Millisecond)
		talk(10)
		old := theirs
		keys.Theirs = bytes.Repeat([]byte{9}, 30) // the peer takes a new key for its side
		set.SRTP = keys
		r.e.Do(set)
		time.Sleep(time.Millisecond)
		theirs = keys.turned()
		talk(10)
		if n := len(b.packets()); n != 30 {
			t.Errorf("b got %d packets, want 30", n)
		}
		a.sendSecured(old, make([]byte, 160))
		time.Sleep(time.Millisecond)
		if n := len(b.packets()); n != 30 {
			t.Errorf("b got %d packets, want none with the old key", n-30)
		}
		// Our key stayed: one context opens the whole stream, with no packet doubled.
		for _, g := range a.packets() {
			g.clear(t, old)
		}
		set.SRTP.Suite = "NONE"
		r.e.Do(set)
		time.Sleep(time.Millisecond)
		a.forget()
		talk(5)
		if n := len(a.packets()); n != 0 {
			t.Errorf("a got %d packets, want none rather than plain ones", n)
		}
		if n := r.e.Stats().SRTPErrors.Load(); n != 1 {
			t.Errorf("got %d errors, want 1", n)
		}
	})
}

func TestAMasterKeyIdentifierIsRead(t *testing.T) {
	simulated(t, func(r *rig) {
		keys := keysOf("AES_CM_128_HMAC_SHA1_80")
		keys.MKI = []byte{0, 0, 0, 1}
		a, b := r.leg("a", func(s *SetRemote) { s.SRTP = keys }), r.leg("b")
		seatTwo(r, "a", "b")
		out, err := srtp.CreateContext(keys.Theirs[:16], keys.Theirs[16:], srtp.ProtectionProfileAes128CmHmacSha1_80, srtp.MasterKeyIndicator(keys.MKI))
		if err != nil {
			t.Fatal(err)
		}
		a.sendSecured(&secured{out: out}, make([]byte, 160))
		time.Sleep(time.Millisecond)
		if got := b.packets(); len(got) != 1 || len(got[0].payload) != 160 {
			t.Errorf("got %v, want one packet without the MKI", got)
		}
	})
}

func FuzzSRTP(f *testing.F) {
	for _, b := range torture(f, "webrtc-rtp", "webrtc-rtcp") {
		f.Add(b)
	}
	good, _ := keysOf("AES_CM_128_HMAC_SHA1_80").turned().protect(nil, speech())
	f.Add(good)
	var shards []*shard
	for suite := range srtpSuites {
		s, l, _ := quiet()
		s.do(SetRemote{Leg: "a", Addr: source(0), Send: true, Receive: true, SRTP: keysOf(suite)})
		shards = append(shards, s)
		l.control.name = suite
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, s := range shards {
			l := s.legs["a"]
			l.control.burst = 0
			s.arrive(l, b, source(0), time.Second, false)
			s.arrive(l, b, source(0), time.Second, true)
			if n := s.stats.Panics.Load(); n != 0 || l.closed {
				t.Fatalf("got %d panics", n)
			}
		}
		var h rtp.Header
		_, _ = h.Unmarshal(b)
	})
}

func TestSecuredAudioGoesBothWays(t *testing.T) {
	for suite := range srtpSuites {
		t.Run(suite, func(t *testing.T) {
			everywhere(t, func(r *rig) {
				keys := keysOf(suite)
				theirs := keys.turned()
				a, b := r.leg("a", func(s *SetRemote) { s.SRTP = keys }), r.leg("b")
				seatTwo(r, "a", "b")
				said := bytes.Repeat([]byte("This is said in secret. "), 7)[:160]
				for range 20 {
					a.sendSecured(theirs, said)
					b.send(said)
					time.Sleep(frameTime)
				}
				r.settle()
				there, back := b.packets(), a.packets()
				if len(there) != 20 || len(back) != 20 {
					r.t.Fatalf("got %d and %d packets, want 20 each way", len(there), len(back))
				}
				for i := range there {
					if !bytes.Equal(there[i].payload, said) || !bytes.Equal(back[i].clear(r.t, theirs), said) {
						r.t.Fatalf("packet %d is not what was said", i)
					}
				}
			})
		})
	}
}
