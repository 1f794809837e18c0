package media

import (
	"encoding/binary"
	"time"
)

// keyRunes are the events 0 to 15 of RFC 4733, section 3.2.
const keyRunes = "0123456789*#ABCD"

// keyCode is the event of a key.
func keyCode(r rune) (uint8, bool) {
	if r >= 'a' && r <= 'd' {
		r -= 'a' - 'A'
	}
	for i, k := range keyRunes {
		if k == r {
			return uint8(i), true
		}
	}
	return 0, false
}

// keyEvent is the payload of a telephone-event packet (RFC 4733, section 2.3).
type keyEvent struct {
	code     uint8
	end      bool
	volume   uint8  // -dBm0, 0 to 63
	duration uint16 // timestamp units
}

func parseKey(b []byte) (keyEvent, bool) {
	if len(b) < 4 {
		return keyEvent{}, false
	}
	return keyEvent{b[0], b[1]&0x80 != 0, b[1] & 0x3F, binary.BigEndian.Uint16(b[2:])}, true
}

func putKey(b []byte, k keyEvent) {
	_ = b[3]
	b[0], b[1] = k.code, k.volume&0x3F
	if k.end {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint16(b[2:], k.duration)
}

// keyGap is the time without packets after which an event that was never ended
// is over (its end packets were lost).
const keyGap = 200 * time.Millisecond

// keyReader finds key presses in telephone-event packets. A press is known by
// its timestamp, is reported with its first packet, and may lose any of the others.
type keyReader struct {
	begun    bool
	ssrc, ts uint32
	code     uint8
	ended    bool
	duration uint16
	at       time.Duration // of the last packet
}

// packet takes one event; press is true if a new press begins with it.
func (r *keyReader) packet(h header, k keyEvent, now time.Duration) (key rune, press bool) {
	if k.code > 15 {
		return 0, false
	}
	if r.begun && h.ssrc == r.ssrc {
		d := int32(h.ts - r.ts)
		switch {
		case d == 0:
			r.ended = r.ended || k.end
			r.duration, r.at = k.duration, now
			return 0, false
		case d < 0 && d > -2*sampleRate:
			return 0, false // a straggler of an earlier press
		case r.same(d, k, now):
			r.ts, r.ended, r.duration, r.at = h.ts, k.end, k.duration, now
			return 0, false
		}
	}
	*r = keyReader{begun: true, ssrc: h.ssrc, ts: h.ts, code: k.code, ended: k.end, duration: k.duration, at: now}
	return rune(keyRunes[k.code]), true
}

// same is true for a new timestamp that still belongs to the running press: the
// next segment of a press longer than 8.2 s (RFC 4733, section 2.5.1.3), or a
// phone that moves the timestamp on with each packet while the duration grows.
func (r *keyReader) same(d int32, k keyEvent, now time.Duration) bool {
	if r.ended || k.code != r.code || now-r.at > keyGap {
		return false
	}
	return d == 0xFFFF || d <= sampleRate/10 && k.duration > r.duration
}
