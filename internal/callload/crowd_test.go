package callload

import (
	"encoding/binary"
	"math"
	"testing"

	"hotline/media"
)

// listened is what party 0 of four makes of a second of mixed packets; the change
// gets each packet's number and the parties that are in it.
func listened(change func(n int, in []bool, seq, ts *int)) Room {
	e := &ear{}
	at := int64(0)
	for n := range 50 {
		in := []bool{false, true, true, true}
		seq, ts := n, n*payloadBytes
		change(n, in, &seq, &ts)
		if seq < 0 {
			continue
		}
		b := make([]byte, packetBytes)
		binary.BigEndian.PutUint16(b[2:], uint16(65530+seq))
		binary.BigEndian.PutUint32(b[4:], uint32(ts))
		for i := range payloadBytes {
			v := 0.0
			for k, is := range in {
				if is {
					v += toneLevel * math.Sin(2*math.Pi*toneOf(k)*float64(i)/8000)
				}
			}
			b[headerBytes+i] = media.EncodeUlaw(int16(v))
		}
		at = int64(n) * 20e6
		e.take(b, at)
	}
	r := Room{Parties: 4}
	e.judge(&r, 4, 1)
	return r
}

func TestAPartyIsToldWhatItHeardOfTheOthers(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(n int, in []bool, seq, ts *int)
		want   Room
	}{
		{"all is well", func(int, []bool, *int, *int) {}, Room{Spans: 30, Packets: 50, Pause: 20}},
		{"one is not heard for a time", func(n int, in []bool, _, _ *int) { in[2] = n < 10 || n >= 20 }, Room{Spans: 30, Unheard: 2, Packets: 50, Pause: 20}},
		{"it hears itself", func(n int, in []bool, _, _ *int) { in[0] = n >= 45 }, Room{Spans: 30, Echo: 1, Packets: 50, Pause: 20}},
		{"packets are lost", func(n int, _ []bool, seq, _ *int) {
			if n == 7 || n == 8 {
				*seq = -1
			}
		}, Room{Spans: 27, Packets: 48, Lost: 2, Pause: 60}},
		{"nothing is sent for a time", func(n int, _ []bool, seq, ts *int) {
			if n == 7 {
				*seq = -1
			} else if n > 7 {
				*seq--
			}
		}, Room{Spans: 27, Packets: 49, Lost: 1, Pause: 40}},
	} {
		c.want.Parties = 4
		if got := listened(c.change); got != c.want {
			t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
		}
	}
}
