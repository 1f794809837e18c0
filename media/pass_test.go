package media

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"hotline/internal/simnet"
)

func seatTwo(r *rig, a, b LegID) {
	r.e.Do(Seat{Bridge: "b", Leg: a, Role: Caller})
	r.e.Do(Seat{Bridge: "b", Leg: b, Role: Agent})
	time.Sleep(30 * time.Millisecond)
	if r.net == nil {
		time.Sleep(100 * time.Millisecond) // the machine may be busy with other things
	}
}

func TestTwoLegsHearEachOtherBitForBit(t *testing.T) {
	everywhere(t, func(r *rig) {
		a, b := r.leg("a"), r.leg("b")
		seatTwo(r, "a", "b")
		var sent []byte
		for i := range 40 {
			payload := make([]byte, 160)
			for k := range payload {
				payload[k] = byte(rand.IntN(256))
			}
			sent = append(sent, payload...)
			a.send(payload)
			if i%2 == 0 {
				b.send(payload)
			}
			time.Sleep(frameTime)
		}
		time.Sleep(50 * time.Millisecond)
		var got []byte
		for _, g := range b.packets() {
			got = append(got, g.payload...)
		}
		if !bytes.Equal(got, sent) {
			t.Errorf("agent got %d bytes, want the %d sent", len(got), len(sent))
		}
		b.unbroken(30 * time.Millisecond)
		if n := len(a.packets()); n != 20 {
			t.Errorf("caller got %d packets, want 20", n)
		}
		if g := b.packets(); g[0].ssrc == a.ssrc {
			t.Error("the caller's SSRC went through to the agent")
		}
	})
}

func TestOtherPacketLengthsPassAsTheyAre(t *testing.T) {
	for _, size := range []int{80, 160, 240, 480, 77} {
		simulated(t, func(r *rig) {
			a, b := r.leg("a"), r.leg("b")
			seatTwo(r, "a", "b")
			a.talkIn(600*time.Millisecond, size, sine(440, 0.5))
			time.Sleep(20 * time.Millisecond)
			b.unbroken(30 * time.Millisecond)
			for _, g := range b.packets() {
				if len(g.payload) != size {
					t.Fatalf("got %d samples, want %d", len(g.payload), size)
				}
			}
		})
	}
}

func TestLegsOfDifferentCodecsHearEachOther(t *testing.T) {
	simulated(t, func(r *rig) {
		a := r.leg("a", func(s *SetRemote) { s.Codec = PCMA })
		b := r.leg("b")
		seatTwo(r, "a", "b")
		r.wg.Go(func() { a.talk(time.Second, sine(440, 0.5)) })
		b.talk(time.Second, sine(600, 0.5))
		time.Sleep(50 * time.Millisecond)
		for _, c := range []struct {
			p    *peer
			freq float64
			pt   Codec
		}{{b, 440, PCMU}, {a, 600, PCMA}} {
			if pt := c.p.packets()[0].pt; pt != uint8(c.pt) {
				t.Errorf("%s got payload type %d, want %d", c.p.id, pt, c.pt)
			}
			if level := Goertzel(c.p.heard(), sampleRate, c.freq); level < 15000 || level > 17500 {
				t.Errorf("%s hears %.0f of %.0f Hz, want about 16384", c.p.id, level, c.freq)
			}
		}
	})
}

func TestAPeerMayNumberItsCodecAndItsKeysAsItLikes(t *testing.T) {
	simulated(t, func(r *rig) {
		a := r.leg("a", func(s *SetRemote) { s.Codec, s.AudioType, s.EventType, s.EventIn = PCMA, 97, 96, 101 })
		b := r.leg("b")
		seatTwo(r, "a", "b")
		for i := range 10 {
			a.packet(97, i == 0, uint32(i)*160, make([]byte, 160))
			time.Sleep(20 * time.Millisecond)
		}
		b.talk(200*time.Millisecond, sine(600, 0.5))
		for _, pt := range []uint8{96, 101} { // what it declared, and what we did
			a.packet(pt, true, 5000+uint32(pt), []byte{5, 0, 0, 160})
			time.Sleep(time.Second)
		}
		if pt := a.packets()[0].pt; pt != 97 {
			t.Errorf("a got payload type %d, want its own 97", pt)
		}
		if pt := b.packets()[0].pt; pt != uint8(PCMU) {
			t.Errorf("b got payload type %d, want 0", pt)
		}
		if got := r.keys("a"); got != "55" {
			t.Errorf("got keys %q, want 55", got)
		}
	})
}

func TestLossAndOrderOfTheSpeakerStayVisible(t *testing.T) {
	simulated(t, func(r *rig) {
		a, b := r.leg("a"), r.leg("b")
		seatTwo(r, "a", "b")
		// 0 1 2 . 4 6 5 7 7: one lost, two swapped, one doubled
		seq, ts := a.seq, a.ts
		for _, i := range []uint16{0, 1, 2, 4, 6, 5, 7, 7} {
			a.seq = seq + i
			a.packet(0, false, ts+160*uint32(i), []byte{byte(i)})
			time.Sleep(frameTime)
		}
		got := b.packets()
		want := []uint16{0, 1, 2, 4, 6, 5, 7}
		if len(got) != len(want) {
			t.Fatalf("got %d packets, want %d", len(got), len(want))
		}
		for i, g := range got {
			if g.seq-got[0].seq != want[i] || g.ts-got[0].ts != 160*uint32(want[i]) || g.payload[0] != byte(want[i]) {
				t.Errorf("packet %d: got sequence +%d, timestamp +%d, payload %d, want %d", i, g.seq-got[0].seq, g.ts-got[0].ts, g.payload[0], want[i])
			}
		}
		r.e.Do(Close{Leg: "a"})
		time.Sleep(time.Millisecond)
		c := told[Closed](r)[0].Stats
		if c.Lost != 1 || c.Late != 1 || c.Dropped != 1 || c.PacketsIn != 7 {
			t.Errorf("got lost %d late %d dropped %d in %d, want 1 1 1 7", c.Lost, c.Late, c.Dropped, c.PacketsIn)
		}
	})
}

func TestSwitchingFromPromptToTalkAndBackKeepsOneStream(t *testing.T) {
	everywhere(t, func(r *rig) {
		r.e.AddClip("clip", make([]byte, 1600))
		a, b := r.leg("a"), r.leg("b")
		r.e.Do(Play{Leg: "a", ID: 1, Clips: []ClipID{"clip"}})
		time.Sleep(300 * time.Millisecond)
		seatTwo(r, "a", "b")
		b.talk(300*time.Millisecond, sine(440, 0.5))
		r.e.Do(Play{Leg: "a", ID: 2, Clips: []ClipID{"clip"}, Loop: true})
		b.talk(300*time.Millisecond, sine(440, 0.5))
		r.e.Do(Stop{Leg: "a", ID: 2})
		b.ssrc, b.seq, b.ts = 77, 5, 99
		b.talk(300*time.Millisecond, sine(440, 0.5))
		a.unbroken(45 * time.Millisecond)
		marks := 0
		for _, g := range a.packets() {
			if g.marker {
				marks++
			}
		}
		if marks != 4 && r.net != nil {
			t.Errorf("got %d marker bits, want 4: prompt, talk, music, talk", marks)
		}
		plays := told[Played](r)
		if len(plays) != 2 || plays[0] != (Played{Leg: "a", ID: 1}) || plays[1] != (Played{Leg: "a", ID: 2, Cut: true}) {
			t.Errorf("got %v, want play 1 to its end and play 2 cut", plays)
		}
	})
}

func TestANewSSRCOfTheSpeakerGoesOnInTheSameStream(t *testing.T) {
	simulated(t, func(r *rig) {
		a, b := r.leg("a"), r.leg("b")
		seatTwo(r, "a", "b")
		a.talk(200*time.Millisecond, constant(1000))
		a.ssrc, a.seq, a.ts = 9, 40000, 12345
		a.talk(200*time.Millisecond, constant(1000))
		time.Sleep(20 * time.Millisecond)
		b.unbroken(25 * time.Millisecond)
		if n := len(b.packets()); n != 20 {
			t.Errorf("got %d packets, want 20", n)
		}
		if n := r.e.Stats().SSRCs.Load(); n != 1 {
			t.Errorf("got %d SSRC changes, want 1", n)
		}
	})
}

func TestAnHourOfTalkStaysWhole(t *testing.T) {
	simulatedOn(t, simnet.Options{Latency: 20 * time.Millisecond, Jitter: 10 * time.Millisecond}, Config{}, func(r *rig) {
		a, b := r.leg("a"), r.leg("b")
		seatTwo(r, "a", "b")
		r.wg.Go(func() { a.talk(longTalk, constant(1000)) })
		b.talk(longTalk, constant(2000))
		time.Sleep(time.Second)
		for _, p := range []*peer{a, b} {
			if n := len(p.packets()); n != int(longTalk/frameTime) {
				t.Errorf("%s got %d packets, want %d", p.id, n, int(longTalk/frameTime))
			}
			p.unbroken(40 * time.Millisecond)
		}
	})
}

func TestComfortNoiseAndUnknownTypesLeaveNoHole(t *testing.T) {
	everywhere(t, func(r *rig) {
		a, b := r.leg("a"), r.leg("b")
		seatTwo(r, "a", "b")
		for i := range 30 {
			switch i % 3 {
			case 0:
				a.send(make([]byte, 160))
			case 1:
				a.packet(ptCN, false, a.ts, []byte{40})
			case 2:
				a.packet(97, false, a.ts, make([]byte, 160))
			}
			time.Sleep(frameTime)
		}
		r.settle()
		got := b.packets()
		if len(got) != 10 {
			r.t.Fatalf("got %d packets, want 10", len(got))
		}
		for i, g := range got {
			if g.seq != got[0].seq+uint16(i) {
				r.t.Fatalf("packet %d: got sequence +%d", i, g.seq-got[0].seq)
			}
		}
		if n := r.e.Stats().UnknownPT.Load(); n != 10 {
			r.t.Errorf("got %d of unknown type, want 10", n)
		}
	})
}
