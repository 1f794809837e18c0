package media

import (
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// stalledIO hands over what a test has queued, as a system does after a stall.
type stalledIO struct {
	deafIO
	queue []func(f deliver)
}

func (s *stalledIO) poll(_ time.Duration, f deliver) {
	for _, hand := range s.queue {
		hand(f)
	}
	s.queue = nil
}

func TestARecordingLosesNothingWhileTheMachineIsElsewhere(t *testing.T) {
	for _, stall := range []time.Duration{200 * time.Millisecond, 600 * time.Millisecond, 1500 * time.Millisecond} {
		t.Run(stall.String(), func(t *testing.T) {
			s, a, b := quiet()
			in := &stalledIO{}
			s.io = in
			s.disk = newDisk(s.stats, func(Recorded) {})
			s.disk.start()
			path := filepath.Join(t.TempDir(), "r.wav")
			var sent int
			at := func(d time.Duration) { s.clock = clock{began: time.Now().Add(-d)} }
			queue := func() {
				for i, l := range []*leg{a, b} {
					var h [12]byte
					h[0], h[1], h[3] = 0x80, byte(8*i), byte(sent)
					h[2] = byte(sent >> 8)
					ts := uint32(sent * 160)
					h[4], h[5], h[6], h[7] = byte(ts>>24), byte(ts>>16), byte(ts>>8), byte(ts)
					h[11] = byte(i + 1)
					var pcm [160]int16
					for k := range pcm {
						pcm[k] = int16(8000 * math.Sin(2*math.Pi*float64(400+400*i)*float64(sent*160+k)/8000))
					}
					packet := append(h[:], make([]byte, 160)...)
					Codec(8*i).Encode(packet[12:], pcm[:])
					from := source(i)
					in.queue = append(in.queue, func(f deliver) { f(l, packet, from, s.now, false) })
				}
				sent++
			}
			at(0)
			s.turn()
			s.do(Record{ID: "r", Path: path, Left: "a", Right: "b"})
			now := time.Duration(0)
			step := func(d time.Duration) {
				for range d / (20 * time.Millisecond) {
					now += 20 * time.Millisecond
					queue()
					at(now)
					s.turn()
				}
			}
			step(time.Second)
			for range stall / (20 * time.Millisecond) { // nobody reads the sockets meanwhile
				now += 20 * time.Millisecond
				queue()
			}
			at(now)
			s.turn()
			step(time.Second)
			s.do(Finish{ID: "r"})
			s.disk.stop()
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			pcm, _, _, err := ReadWAV(f)
			if err != nil {
				t.Fatal(err)
			}
			for ch, hz := range []float64{400, 800} {
				for from := 8000 / 10; from+800 < 8000*int(now/time.Millisecond)/1000-1600; from += 800 {
					var part []int16
					for i := from; i < from+800; i++ {
						part = append(part, pcm[2*i+ch])
					}
					if got := Goertzel(part, 8000, hz); got < 5000 {
						t.Fatalf("channel %d lacks its tone at %d ms: %.0f", ch, from/8, got)
					}
				}
			}
		})
	}
}
