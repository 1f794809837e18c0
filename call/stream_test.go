package call_test

import (
	"encoding/binary"
	"strings"
	"sync"
	"testing"
	"time"

	"hotline/internal/phone"
	"hotline/media"
)

// arrivals watches what the engine sends to phones, packet by packet.
type arrivals struct {
	mu sync.Mutex // guards to
	to map[string]*arriving
}

// arriving is one stream: its audio must fill the time without a hole and come
// without a long pause.
type arriving struct {
	packets, holes int
	seq            uint16
	next           uint32 // timestamp
	last           time.Time
	longest        time.Duration
	until          time.Time     // what was heard sounds so long, in a phone that plays all at once
	silence        time.Duration // longest time in which such a phone had nothing to play, or silence
}

// hear takes note of what sounds in a packet, in parts of 2.5 ms.
func (s *arriving) hear(law media.Codec, payload []byte, now time.Time) {
	const part, span = 20, 2500 * time.Microsecond
	if law != media.PCMU && law != media.PCMA {
		return
	}
	pcm := law.Decode(make([]int16, len(payload)), payload)
	for ; len(pcm) >= part; pcm, now = pcm[part:], now.Add(span) {
		if level(pcm[:part]) < 100 { // -50 dB
			continue
		}
		if !s.until.IsZero() {
			s.silence = max(s.silence, now.Sub(s.until))
		}
		if end := now.Add(span); end.After(s.until) {
			s.until = end
		}
	}
}

// mostSilence is what an order may take from those who stay.
const mostSilence = 40 * time.Millisecond

// steady fails if a phone had nothing to play for longer.
func (a *arrivals) steady(t *testing.T, name string, c *phone.Call) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	switch s := a.to[c.LocalRTP()]; {
	case s == nil || s.packets < 50:
		t.Errorf("%s got no stream", name)
	case s.silence > mostSilence:
		t.Errorf("%s heard nothing for %v, want %v at most", name, s.silence, mostSilence)
	}
}

// watch looks at all streams from now on.
func (b *bed) watch() *arrivals {
	a := &arrivals{to: map[string]*arriving{}}
	b.net.Filter(func(from, to string, p []byte) bool {
		if strings.HasPrefix(from, "10.0.0.1:2") && len(p) > 12 && p[0] == 0x80 && p[1]&0x7F < 64 {
			a.take(to, p)
		}
		return true
	})
	return a
}

func (a *arrivals) take(to string, p []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.to[to]
	seq, ts, now := binary.BigEndian.Uint16(p[2:]), binary.BigEndian.Uint32(p[4:]), time.Now()
	if s == nil {
		s = &arriving{}
		a.to[to] = s
	} else {
		if ts != s.next || seq != s.seq+1 {
			s.holes++
		}
		s.longest = max(s.longest, now.Sub(s.last))
	}
	s.hear(media.Codec(p[1]&0x7F), p[12:], now)
	s.packets++
	s.seq, s.next, s.last = seq, ts+uint32(len(p)-12), now
}

// longestPause is what a switch may delay a stream: a jitter buffer that comes in
// conceals up to 60 ms, and a packet takes 20.
const longestPause = 80 * time.Millisecond

// unbroken fails if what a phone got since then had a hole: audio that never
// came, by its timestamps or sequence numbers, or a pause that a phone's own
// buffer could not bridge.
func (a *arrivals) unbroken(t *testing.T, name string, c *phone.Call) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.to[c.LocalRTP()]
	if s == nil || s.packets < 50 {
		t.Errorf("%s got no stream", name)
		return
	}
	if s.holes > 0 || s.longest > longestPause {
		t.Errorf("%s: %d holes in %d packets, longest pause %v; want none, %v at most", name, s.holes, s.packets, s.longest, longestPause)
	}
	if st := c.Stats(); st.Sources > 1 || st.Lost > 0 || st.Strangers > 0 {
		t.Errorf("%s: %d sources, %d lost, %d strangers; want 1, 0, 0", name, st.Sources, st.Lost, st.Strangers)
	}
}
