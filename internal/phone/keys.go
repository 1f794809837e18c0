package phone

import (
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

const (
	keyNames  = "0123456789*#ABCD" // by event code (RFC 4733, 3.2)
	keyLength = 5 * frameLen       // samples a key is pressed: 100 ms
	keyPause  = 5 * frameLen       // samples between two keys at least
	keyLevel  = 10                 // -dBm0
	keyEnds   = 3                  // end packets of an event (RFC 4733, 2.5.1.4)
)

// press is a key to be sent by RFC 4733.
type press struct {
	code  uint8
	gone  int // samples of the key already told
	ends  int // end packets sent
	pause int // samples of the pause that have gone by
	ts    uint32
	done  chan struct{} // closed when the pause is over, or the call
}

// eventPacket is one packet of a key.
type eventPacket struct {
	first bool
	ts    uint32
	body  [4]byte
}

// pressing makes the next packet of the key being pressed; ts is that of the
// frame it replaces. In the pause between two keys there is none.
func (s *stream) pressing(ts uint32) (eventPacket, bool) {
	if len(s.keys) == 0 {
		return eventPacket{}, false
	}
	k := &s.keys[0]
	if k.ends == keyEnds {
		if k.pause += frameLen; k.pause >= keyPause {
			close(k.done)
			s.keys = s.keys[1:]
		}
		return eventPacket{}, false
	}
	ev := eventPacket{first: k.gone == 0}
	if ev.first {
		k.ts = ts
	}
	k.gone = min(k.gone+frameLen, keyLength)
	ev.ts = k.ts
	ev.body[0], ev.body[1] = k.code, keyLevel
	if k.gone == keyLength {
		ev.body[1] |= 0x80
		k.ends++
	}
	binary.BigEndian.PutUint16(ev.body[2:], uint16(k.gone))
	return ev, true
}

// keyReader reports each key once, by the first packet of its timestamp, so that
// a lost end packet loses no key.
type keyReader struct {
	on   bool
	ts   uint32
	ssrc uint32
}

func (r *keyReader) take(h header, payload []byte) rune {
	if len(payload) < 4 || int(payload[0]) >= len(keyNames) {
		return 0
	}
	if r.on && r.ts == h.ts && r.ssrc == h.ssrc {
		return 0
	}
	*r = keyReader{true, h.ts, h.ssrc}
	return rune(keyNames[payload[0]])
}

// Press presses keys by RFC 4733 where the peer takes them, else as sound, gap
// apart (at least 100 ms), and returns when the last one is released.
func (c *Call) Press(ctx context.Context, keys string, gap time.Duration) error {
	return c.press(ctx, keys, gap, func(code int) error {
		if c.Events() == 0 {
			return c.sound(ctx, code)
		}
		k := press{code: uint8(code), done: make(chan struct{})}
		c.s.mu.Lock()
		select {
		case <-c.s.closed:
			c.s.mu.Unlock()
			return errNotUp
		default:
		}
		c.s.keys = append(c.s.keys, k)
		c.s.mu.Unlock()
		return c.await(ctx, k.done)
	})
}

// PressSound presses keys as sound in the audio, whatever was agreed.
func (c *Call) PressSound(ctx context.Context, keys string, gap time.Duration) error {
	return c.press(ctx, keys, gap, func(code int) error { return c.sound(ctx, code) })
}

// PressInfo presses keys by INFO with application/dtmf-relay.
func (c *Call) PressInfo(ctx context.Context, keys string, gap time.Duration) error {
	return c.press(ctx, keys, gap, func(code int) error {
		c.dialog().Info("application/dtmf-relay", fmt.Appendf(nil, "Signal=%c\r\nDuration=100\r\n", keyNames[code]))
		if !c.pause(100 * time.Millisecond) {
			return errNotUp
		}
		return nil
	})
}

func (c *Call) press(ctx context.Context, keys string, gap time.Duration, one func(code int) error) error {
	for i, r := range keys {
		code := strings.IndexRune(keyNames, r)
		if code < 0 {
			return fmt.Errorf("phone: no key %q", r)
		}
		if i > 0 && !c.pause(gap) {
			return errNotUp
		}
		if err := one(code); err != nil {
			return err
		}
	}
	return nil
}

// sound says the two tones of a key (ITU-T Q.23), then a pause.
func (c *Call) sound(ctx context.Context, code int) error {
	return c.await(ctx, c.Say(keySound(code)))
}

func keySound(code int) []int16 {
	const rows, columns = "123A456B789C*0#D", 4
	at := strings.IndexByte(rows, keyNames[code])
	low := [4]float64{697, 770, 852, 941}[at/columns]
	high := [4]float64{1209, 1336, 1477, 1633}[at%columns]
	pcm := make([]int16, keyLength+keyPause)
	a, b := newOscillator(low, 8000), newOscillator(high, 9000)
	for i := range keyLength {
		pcm[i] = a.sample() + b.sample()
	}
	return pcm
}

// await waits for something to be sent.
func (c *Call) await(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
	case <-ctx.Done():
		return fmt.Errorf("phone: %w", context.Cause(ctx))
	}
	if c.Over() {
		return errNotUp
	}
	return nil
}
