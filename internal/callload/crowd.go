package callload

import (
	"context"
	"encoding/binary"
	"math"
	"sync"
	"time"

	"hotline/media"
)

// Parties of a conference speak with tones of their own, all at the same time: the
// periods of all fit into a packet, so each is told from all others in any tenth of
// a second.
const (
	maxParties  = 50
	firstTone   = 300  // Hz
	toneStep    = 50   // Hz
	toneLevel   = 490  // of a party; the sum of all stays within 16 bits
	tenth       = 800  // samples
	heardLevel  = 0.5  // of toneLevel: at least so loud are the others
	echoLevel   = 0.25 // at most so loud is a party to itself
	tonesPerSec = 8000 / tenth
)

// Room is what the parties of a conference heard within the window.
type Room struct {
	Parties int     `json:"parties"`
	Spans   uint64  `json:"spans"`   // tenths of a second, times the others of each party, that were looked at
	Unheard uint64  `json:"unheard"` // of them, in how many the other was not heard
	Echo    uint64  `json:"echo"`    // tenths of a second in which a party heard itself
	Packets uint64  `json:"packets"` // that came to all parties
	Lost    uint64  `json:"lost"`    // of those that should have come: holes in the numbers, or never sent
	Pause   float64 `json:"pause"`   // ms, longest between two packets to a party
}

// ear is what a party heard within the window; the stream's mutex guards it.
type ear struct {
	tone   int // of the party itself
	begun  bool
	seq    uint16
	ts     uint32 // of the next packet
	at     int64  // when the last one came
	pause  int64
	lost   uint64
	got    uint64
	sounds []byte // PCMU
}

func (e *ear) take(b []byte, now int64) {
	seq, ts := binary.BigEndian.Uint16(b[2:]), binary.BigEndian.Uint32(b[4:])
	payload := b[headerBytes:]
	if e.begun {
		switch d := int16(seq - e.seq); {
		case d < 0: // what was counted as lost came late
			e.lost -= min(e.lost, 1)
			return
		case d > 0:
			e.lost += uint64(d)
		case ts != e.ts: // nothing was sent for a time
			e.lost += uint64(max(int32(ts-e.ts), 0)+payloadBytes-1) / payloadBytes
		}
		e.pause = max(e.pause, now-e.at)
	}
	e.begun, e.seq, e.ts, e.at = true, seq+1, ts+uint32(len(payload)), now
	e.got++
	e.sounds = append(e.sounds, payload...)
}

// party makes a stream that of a party: it speaks its tone and listens to others.
func (s *stream) party(n int) {
	var sound [payloadBytes]byte
	for i := range sound {
		sound[i] = media.EncodeUlaw(int16(toneLevel * math.Sin(2*math.Pi*toneOf(n)*float64(i)/8000)))
	}
	s.sound, s.ear = &sound, &ear{tone: n}
}

func toneOf(n int) float64 { return float64(firstTone + toneStep*n) }

// judge looks for the tones of n parties in what one of them heard in so many seconds.
func (e *ear) judge(r *Room, n int, seconds float64) {
	r.Packets += e.got
	r.Pause = max(r.Pause, ms(time.Duration(e.pause)))
	due := uint64(max(seconds*perSecond-2, 0)) // the window begins and ends anywhere
	r.Lost += e.lost
	if all := e.got + e.lost; all < due {
		r.Lost += due - all
	}
	pcm := media.PCMU.Decode(make([]int16, len(e.sounds)), e.sounds)
	for ; len(pcm) >= tenth; pcm = pcm[tenth:] {
		for other := range n {
			loud := media.Goertzel(pcm[:tenth], 8000, toneOf(other)) / toneLevel
			switch {
			case other == e.tone:
				if loud > echoLevel {
					r.Echo++
				}
				continue
			case loud < heardLevel:
				r.Unheard++
			}
			r.Spans++
		}
	}
	if short := int(seconds*tonesPerSec) - 1 - len(e.sounds)/tenth; short > 0 { // what never came was not heard
		r.Spans += uint64(short * (n - 1))
		r.Unheard += uint64(short * (n - 1))
	}
}

// perSecond is how many packets a party gets in a second.
const perSecond = 50

// Crowd is Media with one conference beside the calls, in which so many parties
// speak all the time.
func (l *Load) Crowd(ctx context.Context, p Plan, parties int, room string) (Result, error) {
	parties = min(parties, maxParties)
	var t tally
	var mu sync.Mutex // guards all
	var all []*Call
	spread(ctx, parties, p.PerSec, func(i int) {
		if c := t.dial(ctx, l, room, func(s *stream) { s.party(i) }); c != nil {
			mu.Lock()
			all = append(all, c)
			mu.Unlock()
		}
	})
	r, err := l.Media(ctx, p)
	if err != nil {
		return r, err
	}
	r.Room = &Room{Parties: len(all)}
	for _, c := range all {
		c.stream.mu.Lock()
		e := *c.stream.ear
		c.stream.mu.Unlock()
		e.judge(r.Room, parties, r.Seconds)
		if c.Hangup() != nil {
			t.failed++
		}
	}
	r.Failed += t.failed
	for why, n := range t.why {
		if r.Why == nil {
			r.Why = map[string]int{}
		}
		r.Why["conference: "+why] += n
	}
	return r, nil
}
