package media

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"hotline/internal/simnet"
)

// steady gives the loudness that a peer hears in the middle of what it heard.
func (p *peer) steady() int {
	h := p.heard()
	if len(h) < 800 {
		return -1
	}
	return int(h[len(h)-400])
}

// loud are values that mu-law carries nearly exactly: the sum tells who is heard.
const (
	callerLoud = 8
	agentLoud  = 100
	thirdLoud  = 1980
)

func TestWhoHearsWhom(t *testing.T) {
	for _, c := range []struct {
		third                Role
		caller, agent, hears int
	}{
		{Listener, agentLoud, callerLoud, callerLoud + agentLoud},
		{Coach, agentLoud, callerLoud + thirdLoud, callerLoud + agentLoud},
		{Barger, agentLoud + thirdLoud, callerLoud + thirdLoud, callerLoud + agentLoud},
	} {
		t.Run(fmt.Sprint(c.third), func(t *testing.T) {
			simulated(t, func(r *rig) {
				a, b, s := r.leg("caller"), r.leg("agent"), r.leg("third")
				seatTwo(r, "caller", "agent")
				r.e.Do(Seat{Bridge: "b", Leg: "third", Role: c.third})
				r.wg.Go(func() { a.talk(time.Second, constant(callerLoud)) })
				r.wg.Go(func() { b.talk(time.Second, constant(agentLoud)) })
				s.talk(time.Second, constant(thirdLoud))
				for _, w := range []struct {
					p    *peer
					want int
				}{{a, c.caller}, {b, c.agent}, {s, c.hears}} {
					got := w.p.steady()
					if d := got - w.want; d > w.want/16+4 || -d > w.want/16+4 {
						t.Errorf("%s hears %d, want %d", w.p.id, got, w.want)
					}
					w.p.unbroken(45 * time.Millisecond)
				}
			})
		})
	}
}

func TestAnotherRoleNeedsNoBreak(t *testing.T) {
	simulated(t, func(r *rig) {
		a, b, s := r.leg("caller"), r.leg("agent"), r.leg("third")
		seatTwo(r, "caller", "agent")
		r.wg.Go(func() { a.talk(5*time.Second, constant(callerLoud)) })
		r.wg.Go(func() { b.talk(5*time.Second, constant(agentLoud)) })
		r.wg.Go(func() { s.talk(5*time.Second, constant(thirdLoud)) })
		for i, role := range []Role{Listener, Coach, Barger, Listener} {
			r.e.Do(Seat{Bridge: "b", Leg: "third", Role: role})
			time.Sleep(time.Second)
			if got, want := a.steady() > 1000, role == Barger; got != want {
				t.Errorf("step %d: caller hears the third: %v, want %v", i, got, want)
			}
			if got, want := b.steady() > 1000, role != Listener; got != want {
				t.Errorf("step %d: agent hears the third: %v, want %v", i, got, want)
			}
		}
		r.e.Do(Leave{Leg: "third"})
		time.Sleep(900 * time.Millisecond)
		for _, p := range []*peer{a, b, s} {
			p.unbroken(90 * time.Millisecond)
		}
		if len(a.packets()) < 235 {
			t.Errorf("caller got %d packets, want about 243", len(a.packets()))
		}
	})
}

func TestTheMixSaturates(t *testing.T) {
	simulated(t, func(r *rig) {
		a, b, c := r.leg("a"), r.leg("b"), r.leg("c")
		for _, id := range []LegID{"a", "b", "c"} {
			r.e.Do(Seat{Bridge: "b", Leg: id, Role: Agent})
		}
		r.e.Do(Seat{Bridge: "b", Leg: "a", Role: Listener})
		r.wg.Go(func() { b.talk(time.Second, constant(30000)) })
		c.talk(time.Second, constant(30000))
		if got := a.steady(); got < 32000 {
			t.Errorf("got %d, want the greatest value", got)
		}
	})
}

func TestMixedLegsOfAnyPacketLengthAreHeardWhole(t *testing.T) {
	for _, size := range []int{80, 240, 480} {
		simulated(t, func(r *rig) {
			a, b, c := r.leg("a"), r.leg("b"), r.leg("c")
			for _, id := range []LegID{"b", "c"} {
				r.e.Do(Seat{Bridge: "b", Leg: id, Role: Agent})
			}
			r.e.Do(Seat{Bridge: "b", Leg: "a", Role: Listener})
			r.wg.Go(func() { b.talkIn(2*time.Second, size, sine(500, 0.2)) })
			c.talk(2*time.Second, constant(0))
			h := a.heard()
			if len(h) < 15000 {
				t.Fatalf("size %d: got %d samples", size, len(h))
			}
			mid := h[3000 : len(h)-1000]
			if got := Goertzel(mid, sampleRate, 500); got < 6200 || got > 6900 {
				t.Errorf("size %d: got %.0f, want 6553 of 500 Hz without a hole", size, got)
			}
		})
	}
}

func TestTheMixEvensOutJitterAndOrder(t *testing.T) {
	o := simnet.Options{Latency: 10 * time.Millisecond, Jitter: 25 * time.Millisecond, Reorder: 0.1, ReorderBy: 25 * time.Millisecond, Seed: 1}
	simulatedOn(t, o, Config{}, func(r *rig) {
		a, b := r.leg("a"), r.leg("b")
		r.leg("c")
		for _, id := range []LegID{"b", "c"} {
			r.e.Do(Seat{Bridge: "b", Leg: id, Role: Agent})
		}
		r.e.Do(Seat{Bridge: "b", Leg: "a", Role: Listener})
		b.talk(10*time.Second, sine(500, 0.2))
		got := a.packets()
		slices.SortFunc(got, func(x, y packet) int { return int(int16(x.seq - y.seq)) })
		var h []int16
		for _, g := range got {
			h = append(h, PCMU.Decode(make([]int16, len(g.payload)), g.payload)...)
		}
		holes := 0
		for at := 8000; at+80 < len(h)-1600; at += 80 {
			if Level(h[at:at+80]) < -30 {
				holes++
			}
		}
		if holes > 0 {
			t.Errorf("got %d holes of 10 ms in 9 s", holes)
		}
	})
}

func TestKeysReachThoseWhoHearAMix(t *testing.T) {
	simulated(t, func(r *rig) {
		a, b := r.leg("caller"), r.leg("agent")
		r.leg("third")
		seatTwo(r, "caller", "agent")
		r.e.Do(Seat{Bridge: "b", Leg: "third", Role: Coach})
		a.press('7', 100*time.Millisecond)
		time.Sleep(300 * time.Millisecond)
		var k keyReader
		got := ""
		for _, g := range b.packets() {
			if ev, ok := parseKey(g.payload); g.pt == 101 && ok {
				if key, ok := k.packet(g.header, ev, 0); ok {
					got += string(key)
				}
			}
		}
		if got != "7" {
			t.Errorf("agent got %q, want 7", got)
		}
	})
}

func TestAPlayIsHeardByItsLegAlone(t *testing.T) {
	everywhere(t, func(r *rig) {
		clip := make([]byte, 8000)
		PCMU.Encode(clip, constantPCM(4000, 8000))
		r.e.AddClip("whisper", clip)
		a, b := r.leg("a"), r.leg("b")
		seatTwo(r, "a", "b")
		r.e.Do(Play{Leg: "b", ID: 9, Clips: []ClipID{"whisper"}})
		r.wg.Go(func() { a.talk(500*time.Millisecond, constant(callerLoud)) })
		b.talk(500*time.Millisecond, constant(agentLoud))
		if got, want := a.steady(), int(DecodeUlaw(EncodeUlaw(agentLoud))); got != want {
			r.t.Errorf("caller hears %d, want %d", got, want)
		}
		if got := b.steady(); got < 3800 || got > 4200 {
			r.t.Errorf("agent hears %d, want about 4000", got)
		}
	})
}

func constantPCM(v int16, n int) []int16 {
	out := make([]int16, n)
	for i := range out {
		out[i] = v
	}
	return out
}

func TestClipsJoinWithoutAGap(t *testing.T) {
	simulated(t, func(r *rig) {
		one, two := make([]byte, 250), make([]byte, 333)
		for i := range one {
			one[i] = 1
		}
		for i := range two {
			two[i] = 2
		}
		r.e.AddClip("one", one)
		r.e.AddClip("two", two)
		a := r.leg("a", func(s *SetRemote) { s.PTime = 30 * time.Millisecond })
		r.e.Do(Play{Leg: "a", ID: 1, Clips: []ClipID{"one", "missing", "two"}})
		time.Sleep(200 * time.Millisecond)
		var got []byte
		for _, g := range a.packets() {
			if len(g.payload) != 240 {
				t.Errorf("got a packet of %d samples, want 240", len(g.payload))
			}
			got = append(got, g.payload...)
		}
		if len(got) != 720 || got[249] != 1 || got[250] != 2 || got[582] != 2 || got[583] != ulawSilence {
			t.Errorf("got %d bytes, want 250 ones, 333 twos and silence to 720", len(got))
		}
		if n := len(told[Played](r)); n != 1 {
			t.Errorf("got %d Played, want 1", n)
		}
	})
}

func TestPlaysEndCutAndAreReplaced(t *testing.T) {
	simulated(t, func(r *rig) {
		r.e.AddClip("c", make([]byte, 800))
		a := r.leg("a")
		r.e.Do(Play{Leg: "a", ID: 1, Clips: []ClipID{"c"}, Loop: true})
		time.Sleep(time.Second)
		r.e.Do(Play{Leg: "a", ID: 2, Tone: Tone{Kind: ToneSine, Freq1: 1000, For: 200 * time.Millisecond}})
		time.Sleep(time.Second)
		r.e.Do(Play{Leg: "a", ID: 3, Clips: []ClipID{"none"}})
		time.Sleep(time.Second)
		r.e.Do(Play{Leg: "a", ID: 4, Tone: Tone{Kind: ToneRingback}})
		time.Sleep(time.Second)
		r.e.Do(Stop{Leg: "a", ID: 3})
		time.Sleep(time.Second)
		r.e.Do(Close{Leg: "a"})
		r.e.Do(Play{Leg: "a", ID: 5, Clips: []ClipID{"c"}})
		time.Sleep(time.Second)
		want := []Played{{"a", 1, true}, {"a", 2, false}, {"a", 3, false}, {"a", 4, true}, {"a", 5, true}}
		if got := told[Played](r); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got %v, want %v", got, want)
		}
		a.unbroken(2 * time.Second)
	})
}

func TestRingbackIsOneSecondInFive(t *testing.T) {
	simulated(t, func(r *rig) {
		a := r.leg("a")
		r.e.Do(Play{Leg: "a", ID: 1, Tone: Tone{Kind: ToneRingback}})
		time.Sleep(11 * time.Second)
		h := a.heard()
		for i, want := range []bool{true, false, false, false, false, true, false} {
			level := Goertzel(h[8000*i+400:8000*i+7600], sampleRate, 425)
			if got := level > 5000; got != want {
				t.Errorf("second %d: got 425 Hz at %.0f, want sound %v", i, level, want)
			}
		}
	})
}

func TestHoldMusicIsSoftSteadyAndLoops(t *testing.T) {
	b := HoldMusic()
	if len(b) != 32*sampleRate {
		t.Fatalf("got %d samples, want 32 s", len(b))
	}
	pcm := PCMU.Decode(make([]int16, len(b)), b)
	if got := Level(pcm); got < -20.5 || got > -19.5 {
		t.Errorf("got %.1f dBFS, want -20", got)
	}
	for s := 0; s < len(pcm); s += 4000 {
		if got := Level(pcm[s : s+4000]); got < -27 || got > -14 {
			t.Errorf("at %.1f s: got %.1f dBFS", float64(s)/8000, got)
		}
	}
	if d := int(pcm[0]) - int(pcm[len(pcm)-1]); d > 2500 || d < -2500 {
		t.Errorf("the loop jumps by %d at its seam", d)
	}
}

func TestAHoldLeavesNoHoleInTheStream(t *testing.T) {
	simulated(t, func(r *rig) {
		r.e.AddClip("c", make([]byte, 800))
		a := r.leg("a")
		r.e.Do(Play{Leg: "a", ID: 1, Clips: []ClipID{"c"}, Loop: true})
		for _, send := range []bool{false, true, false, true} {
			time.Sleep(500 * time.Millisecond)
			r.e.Do(SetRemote{Leg: "a", Addr: a.addr, EventType: 101, Send: send, Receive: true})
			if !send {
				r.e.Do(SendDigit{Leg: "a", Digit: '1'})
			}
		}
		time.Sleep(500 * time.Millisecond)
		a.unbroken(25 * time.Millisecond)
		if n := len(a.packets()); n < 74 || n > 76 {
			t.Errorf("got %d packets, want 75", n)
		}
	})
}

func TestManySwitchesDoNotPushTheStreamAhead(t *testing.T) {
	simulated(t, func(r *rig) {
		r.e.AddClip("c", make([]byte, 80))
		a, b := r.leg("a"), r.leg("b")
		seatTwo(r, "a", "b")
		for range 100 {
			r.e.Do(Play{Leg: "a", ID: 1, Clips: []ClipID{"c"}})
			b.talk(100*time.Millisecond, constant(1000))
		}
		a.unbroken(25 * time.Millisecond)
	})
}
