package media

import (
	"fmt"
	"math"
	"testing"
	"time"

	"hotline/internal/simnet"
)

// fed is a jitter buffer driven by a list of arrivals.
type fed struct {
	j     jitter
	out   []int16
	under int
	late  int
}

// run feeds n packets of 20 ms of a tone; delay gives the transit of each one in
// samples, or less than 0 for a lost one.
func (f *fed) run(n int, freq float64, delay func(i int) int) {
	tone := sine(freq, 0.3)
	type sent struct {
		at uint32
		h  header
		b  []byte
	}
	var line []sent
	for i := range n {
		b := make([]byte, 160)
		for k := range b {
			b[k] = EncodeUlaw(tone(0))
		}
		if d := delay(i); d >= 0 {
			line = append(line, sent{uint32(160*i + d), header{seq: uint16(i), ts: uint32(160 * i), ssrc: 1}, b})
		}
	}
	for tick := range n + 10 {
		clock := uint32(160*tick + 40)
		for k := 0; k < len(line); k++ {
			if int32(clock-line[k].at) >= 0 {
				if f.j.put(line[k].h, PCMU, line[k].b, line[k].at) {
					f.late++
				}
				line = append(line[:k], line[k+1:]...)
				k--
			}
		}
		var frame [frameSize]int16
		if !f.j.take(&frame, clock) && tick > 10 && tick < n {
			f.under++
		}
		f.out = append(f.out, frame[:]...)
	}
}

func TestTheBufferFollowsTheJitterAndShrinksSlowly(t *testing.T) {
	var f fed
	noise := uint32(1)
	f.run(3000, 400, func(i int) int {
		noise = noise*1664525 + 1013904223
		if i >= 1000 && i < 1500 {
			return int(noise>>16) % (60 * 8) // up to 60 ms
		}
		return int(noise>>16) % (4 * 8)
	})
	if f.j.target > 40*8 {
		t.Errorf("got a target of %d ms long after the storm, want it small", f.j.target/8)
	}
	if f.under > 25 {
		t.Errorf("got %d frames made up of 3000", f.under)
	}
	var calm fed
	calm.run(1000, 400, func(i int) int { return 80 })
	if calm.under != 0 || calm.late != 0 || calm.j.target > 25*8 || calm.j.off(uint32(160*1009+40)) > 2000 {
		t.Errorf("without jitter: got %d made up, %d late, target %d ms", calm.under, calm.late, calm.j.target/8)
	}
	var wild fed
	wild.run(1000, 400, func(i int) int {
		noise = noise*1664525 + 1013904223
		return int(noise>>16) % (300 * 8)
	})
	if wild.j.target != jitterMost || wild.late == 0 {
		t.Errorf("with 300 ms of jitter: got a target of %d ms, %d late; want 120 and some", wild.j.target/8, wild.late)
	}
}

// A buffer that grows or shrinks takes whole periods, which a tone does not show.
func TestGrowingAndShrinkingDoNotClick(t *testing.T) {
	for _, freq := range []float64{200, 317, 440, 1000} {
		var f fed
		noise := uint32(7)
		f.run(1500, freq, func(i int) int {
			noise = noise*1664525 + 1013904223
			if i >= 300 && i < 600 {
				return int(noise>>16) % (50 * 8)
			}
			return 40
		})
		sound := f.out[20*160 : 1490*160]
		want := int(2 * math.Pi * freq / 8000 * 0.3 * 32768)
		if got := steepest(sound); got > want*3/2+600 {
			t.Errorf("%.0f Hz: got a step of %d, the tone has %d", freq, got, want)
		}
		for at := 0; at+80 < len(sound); at += 80 {
			if Level(sound[at:at+80]) < -30 {
				t.Fatalf("%.0f Hz: got a hole at %d ms", freq, at/8)
			}
		}
	}
}

func TestALostPacketIsConcealedAndOneThatIsLateCounted(t *testing.T) {
	var f fed
	f.run(500, 400, func(i int) int {
		if i%25 == 24 {
			return -1
		}
		return 40
	})
	sound := f.out[20*160 : 490*160]
	for at := 0; at+80 < len(sound); at += 80 {
		if Level(sound[at:at+80]) < -20 {
			t.Fatalf("got %.0f dB at %d ms, want no hole", Level(sound[at:at+80]), at/8)
		}
	}
	if f.under < 15 || f.under > 45 {
		t.Errorf("got %d frames made up, want about 20 to 40", f.under)
	}
}

// From pass-through to a mix and back: a tone stays a tone.
func TestAThirdPartyComesAndGoesWithoutAGapOrAClick(t *testing.T) {
	for _, jitter := range []time.Duration{0, 12 * time.Millisecond} {
		for phase := range 8 {
			t.Run(fmt.Sprint(jitter, phase), func(t *testing.T) {
				simulatedOn(t, simnet.Options{Latency: 5 * time.Millisecond, Jitter: jitter, Seed: 3}, Config{}, func(r *rig) {
					comeAndGo(t, r, time.Duration(phase)*2500*time.Microsecond, jitter)
				})
			})
		}
	}
}

// A pause of the speaker while he is mixed, with timestamps that follow the
// clock or that stand still, does not push the stream of his hearer off.
func TestAPauseInTheMixLeavesTheTimestampsOnTheClock(t *testing.T) {
	for _, stands := range []bool{false, true} {
		for _, pause := range []time.Duration{70 * time.Millisecond, 500 * time.Millisecond, 1500 * time.Millisecond, 5 * time.Second} {
			simulated(t, func(r *rig) {
				a, b := r.leg("caller"), r.leg("agent")
				r.leg("third")
				seatTwo(r, "caller", "agent")
				a.talk(time.Second, sine(400, 0.3))
				r.e.Do(Seat{Bridge: "b", Leg: "third", Role: Barger})
				a.talk(time.Second, sine(400, 0.3))
				time.Sleep(pause)
				r.e.Do(Leave{Leg: "third"})
				time.Sleep(20 * time.Millisecond)
				if !stands {
					a.ts += samples((pause + 20*time.Millisecond).Microseconds())
				}
				a.talk(time.Second, sine(400, 0.3))
				time.Sleep(20 * time.Millisecond)
				b.unbroken(80 * time.Millisecond)
				if n := len(b.packets()); n < 145 {
					t.Errorf("stands %v, pause %v: got %d packets", stands, pause, n)
				}
			})
		}
	}
}

func comeAndGo(t *testing.T, r *rig, phase, jitter time.Duration) {
	freq := 400.0
	a, b := r.leg("caller"), r.leg("agent")
	r.leg("third")
	seatTwo(r, "caller", "agent")
	r.wg.Go(func() { b.talk(9*time.Second, constant(0)) })
	r.wg.Go(func() { a.talk(9*time.Second, sine(freq, 0.3)) })
	for range 3 {
		time.Sleep(time.Second + phase)
		r.e.Do(Seat{Bridge: "b", Leg: "third", Role: Barger})
		time.Sleep(2*time.Second - phase)
		r.e.Do(Leave{Leg: "third"})
	}
	r.wg.Wait()
	time.Sleep(100 * time.Millisecond)
	got := b.packets()
	var sound []int16
	next, extra := got[0].ts, 0
	for i, g := range got {
		if i > 0 && g.seq != got[i-1].seq+1 {
			t.Fatalf("packet %d: got sequence +%d", i, g.seq-got[i-1].seq)
		}
		if g.ts != next && jitter == 0 {
			t.Errorf("packet %d at %v: timestamps jump by %d samples", i, g.at.Sub(got[0].at), int32(g.ts-next))
		}
		next = g.ts + uint32(len(g.payload))
		sound = append(sound, PCMU.Decode(make([]int16, len(g.payload)), g.payload)...)
	}
	extra = len(sound) - 9*8000
	t.Logf("%d packets, %d ms more than were said", len(got), extra/8)
	if extra < -160*3 || extra > 3*60*8 {
		t.Errorf("got %d ms more than were said, want 0 to 180", extra/8)
	}
	want := int(2 * math.Pi * freq / 8000 * 0.3 * 32768)
	if d := steepest(sound[160:]); d > want*3/2 {
		t.Errorf("got a step of %d, the tone has %d", d, want)
	}
	for at := 160; at+80 <= len(sound); at += 40 {
		if l := Level(sound[at : at+80]); l < -15.5 || l > -12 {
			t.Fatalf("got %.1f dB at %d ms, want -13.5: no hole, no bump", l, at/8)
		}
	}
}

// Whatever timestamps, lengths and arrivals come: no panic, and silence or sound
// of the size that came in, never what was not there.
func FuzzJitter(f *testing.F) {
	f.Add([]byte{0, 160, 0, 160, 1, 160, 40, 0, 200, 255, 7, 7, 7, 7})
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20})
	f.Fuzz(func(t *testing.T, b []byte) {
		var j jitter
		var frame [frameSize]int16
		var ts, clock uint32
		payload := make([]byte, 1024)
		for i := range payload {
			payload[i] = EncodeUlaw(1000)
		}
		var last [historySize]int16
		for len(b) >= 4 {
			op, n, dts, dclock := b[0], int(b[1])*4, int32(int8(b[2])), uint32(b[3])
			b = b[4:]
			if op&1 != 0 {
				dts <<= op >> 1 & 24
			}
			ts += uint32(dts * 40)
			clock += dclock * 20
			switch {
			case op&0xE0 == 0xE0:
				j = jitter{}
				j.prime(header{ts: ts, ssrc: 1}, last[:], n, clock, int32(op)*2, clock+uint32(n))
			case op&0xE0 == 0xC0:
				k := j
				var room [2 * jitterMost]int16
				if got := k.rest(room[:]); len(got) > len(room) {
					t.Fatalf("got %d samples", len(got))
				}
			default:
				j.put(header{ts: ts, ssrc: uint32(op >> 7), seq: uint16(i16(op))}, PCMU, payload[:n], clock)
			}
			j.take(&frame, clock)
			for i, v := range frame {
				if v > 1100 || v < -1100 {
					t.Fatalf("sample %d: got %d, want at most 1000", i, v)
				}
			}
		}
	})
}

func i16(b byte) int { return int(b) * 3 }
