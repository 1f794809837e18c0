package phone

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func FuzzDescriptions(f *testing.F) {
	d := newDescription(netip.MustParseAddrPort("10.0.0.1:4000"), Config{Codecs: []uint8{0, 8}})
	f.Add(d.offer())
	f.Add([]byte("v=0\r\nc=IN IP6 ::1\r\nm=audio 5 RTP/AVP 8 96\r\na=rtpmap:96 telephone-event/8000\r\na=inactive\r\n"))
	names, _ := filepath.Glob("../../../shared/data/torture/sdp-transform/*")
	if len(names) == 0 {
		f.Log("the torture set of descriptions is absent")
	}
	for _, name := range names {
		if b, err := os.ReadFile(name); err == nil {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d := newDescription(netip.MustParseAddrPort("10.0.0.1:4000"), Config{Codecs: []uint8{0, 8}})
		answer, err := d.answer(b)
		if err != nil {
			return
		}
		r, err := readDescription(answer)
		if err != nil || len(r.codecs) != 1 || r.at != d.at {
			t.Errorf("our answer %q reads as %+v, %v", answer, r, err)
		}
		if s, v := may(r.dir, d.agreed.theirs); s != d.agreed.send || v != d.agreed.receive {
			t.Errorf("answer %q to %q: we may send %v, receive %v; want %v, %v", answer, b, d.agreed.send, d.agreed.receive, s, v)
		}
	})
}

func FuzzPackets(f *testing.F) {
	b := make([]byte, rtpHeader+frameLen)
	header{pt: 8, seq: 65535, ts: 1 << 31, ssrc: 5}.put(b)
	f.Add(b, int64(0))
	f.Add([]byte{0xB0, 101, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0x8A, 0, 160}, int64(20))
	f.Fuzz(func(t *testing.T, b []byte, after int64) {
		if len(b) > maxPacket {
			return
		}
		began := time.Now()
		s := &stream{ear: newEar(began, sampleRate)}
		var pcm [maxPacket]int16
		now := began
		for range 3 { // the same packet again is a duplicate, later it is a new clock
			s.take(now, netip.MustParseAddrPort("10.0.0.2:4000"), b, pcm[:])
			now = now.Add(time.Duration(after%100_000) * time.Millisecond)
		}
		if most := 200*sampleRate*2 + maxPacket; len(s.ear.pcm) > most {
			t.Errorf("%d samples are kept of 3 packets, want at most %d", len(s.ear.pcm), most)
		}
	})
}
