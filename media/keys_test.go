package media

import (
	"testing"
	"time"

	"hotline/internal/simnet"
)

func TestEachKeyPressIsToldOnce(t *testing.T) {
	everywhere(t, func(r *rig) {
		a := r.leg("a")
		for _, k := range "1#55*0" {
			a.press(k, 100*time.Millisecond)
			time.Sleep(60 * time.Millisecond)
		}
		if got := r.keys("a"); got != "1#55*0" {
			r.t.Errorf("got %q, want %q", got, "1#55*0")
		}
	})
}

func TestKeysSurviveLoss(t *testing.T) {
	simulatedOn(t, simnet.Options{Loss: 0.2, Seed: 3}, Config{}, func(r *rig) {
		a := r.leg("a")
		want := ""
		for i := range 50 {
			k := rune(keyRunes[i%16])
			want += string(k)
			a.press(k, 100*time.Millisecond)
			time.Sleep(60 * time.Millisecond)
		}
		if got := r.keys("a"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestKeyReaderKnowsPressesApart(t *testing.T) {
	type step struct {
		ts   uint32
		ev   keyEvent
		ms   int
		want rune
	}
	for name, steps := range map[string][]step{
		"lost end, next key": {{100, keyEvent{code: 1, duration: 160}, 0, '1'}, {100, keyEvent{code: 1, duration: 320}, 20, 0}, {2000, keyEvent{code: 2, duration: 160}, 300, '2'}},
		"lost end, same key": {{100, keyEvent{code: 1, duration: 160}, 0, '1'}, {100, keyEvent{code: 1, duration: 320}, 20, 0}, {1200, keyEvent{code: 1, duration: 160}, 140, '1'}},
		"only the end came":  {{100, keyEvent{code: 7, end: true, duration: 800}, 0, '7'}, {100, keyEvent{code: 7, end: true, duration: 800}, 20, 0}},
		"timestamp moves":    {{100, keyEvent{code: 3, duration: 160}, 0, '3'}, {260, keyEvent{code: 3, duration: 320}, 20, 0}, {420, keyEvent{code: 3, end: true, duration: 480}, 40, 0}, {580, keyEvent{code: 3, duration: 160}, 60, '3'}},
		"straggler":          {{5000, keyEvent{code: 3, duration: 160}, 0, '3'}, {4000, keyEvent{code: 2, end: true, duration: 320}, 20, 0}, {5000, keyEvent{code: 3, duration: 320}, 40, 0}},
		"nine seconds":       {{100, keyEvent{code: 3, duration: 0xFFF0}, 0, '3'}, {100 + 0xFFFF, keyEvent{code: 3, duration: 160}, 20, 0}},
		"hook flash":         {{100, keyEvent{code: 16, duration: 160}, 0, 0}},
	} {
		var r keyReader
		for i, s := range steps {
			got, ok := r.packet(header{ts: s.ts}, s.ev, time.Duration(s.ms)*time.Millisecond)
			if ok != (s.want != 0) || got != s.want {
				t.Errorf("%s, step %d: got %q, want %q", name, i, got, s.want)
			}
		}
	}
}

func TestKeysPassToTheOtherSideAsOneEvent(t *testing.T) {
	simulated(t, func(r *rig) {
		a, b := r.leg("a"), r.leg("b", func(s *SetRemote) { s.EventType = 96 })
		seatTwo(r, "a", "b")
		a.talk(100*time.Millisecond, constant(1000))
		a.press('5', 100*time.Millisecond)
		a.talk(100*time.Millisecond, constant(1000))
		var events []packet
		for _, g := range b.packets() {
			if g.pt == 96 {
				events = append(events, g)
			}
		}
		if len(events) != 8 {
			t.Fatalf("got %d event packets, want 8", len(events))
		}
		for i, g := range events {
			if g.ts != events[0].ts || g.seq != events[0].seq+uint16(i) || g.marker != (i == 0) {
				t.Errorf("event %d: got timestamp +%d, sequence +%d, marker %v", i, g.ts-events[0].ts, g.seq-events[0].seq, g.marker)
			}
		}
		if got := b.packets(); got[13].ts-got[0].ts != 10*160 {
			t.Errorf("audio after the key: got timestamp +%d, want +1600", got[13].ts-got[0].ts)
		}
	})
}

func TestWithoutTelephoneEventTheOtherSideHearsTheTone(t *testing.T) {
	everywhere(t, func(r *rig) {
		a, b := r.leg("a"), r.leg("b", func(s *SetRemote) { s.EventType = 0 })
		seatTwo(r, "a", "b")
		for _, k := range "19#" {
			a.talk(60*time.Millisecond, constant(0))
			a.press(k, 100*time.Millisecond)
			a.talk(160*time.Millisecond, constant(0))
		}
		time.Sleep(50 * time.Millisecond)
		var d detector
		got := ""
		for _, g := range b.packets() {
			if k, ok := d.audio(PCMU, g.payload); ok {
				got += string(k)
			}
		}
		if got != "19#" {
			r.t.Errorf("the other side heard %q, want %q", got, "19#")
		}
		b.unbroken(45 * time.Millisecond)
	})
}

func TestWePressKeysByEventAndByTone(t *testing.T) {
	everywhere(t, func(r *rig) {
		a, b := r.leg("a"), r.leg("b", func(s *SetRemote) { s.EventType, s.Codec = 0, PCMA })
		for _, k := range "4*D" {
			r.e.Do(SendDigit{Leg: "a", Digit: k, Duration: 90 * time.Millisecond})
			r.e.Do(SendDigit{Leg: "b", Digit: k})
		}
		time.Sleep(900 * time.Millisecond)
		var reader keyReader
		var d detector
		byEvent, byTone, ends := "", "", 0
		for _, g := range a.packets() {
			k, ok := parseKey(g.payload)
			if !ok || g.pt != 101 {
				r.t.Fatalf("got payload type %d", g.pt)
			}
			if key, ok := reader.packet(g.header, k, 0); ok {
				byEvent += string(key)
			}
			if k.end {
				if ends++; k.duration != 720 {
					r.t.Errorf("got a duration of %d, want 720", k.duration)
				}
			}
		}
		for _, g := range b.packets() {
			if k, ok := d.audio(PCMA, g.payload); ok {
				byTone += string(k)
			}
		}
		if byEvent != "4*D" || byTone != "4*D" || ends != 9 {
			r.t.Errorf("got %q by event with %d ends, %q by tone; want 4*D, 9, 4*D", byEvent, ends, byTone)
		}
	})
}

func TestInBandKeysAreHeardWhenAskedFor(t *testing.T) {
	simulated(t, func(r *rig) {
		a := r.leg("a", func(s *SetRemote) { s.EventType, s.InBandDTMF = 0, true })
		b := r.leg("b", func(s *SetRemote) { s.EventType = 0 })
		for _, p := range []*peer{a, b} {
			for i := range keyRunes {
				var o oscillator
				o.keys(uint8(i))
				p.talk(60*time.Millisecond, func(int) int16 { return o.sample() })
				p.talk(60*time.Millisecond, constant(0))
			}
		}
		if got := r.keys("a"); got != keyRunes {
			t.Errorf("got %q, want %q", got, keyRunes)
		}
		if got := r.keys("b"); got != "" {
			t.Errorf("got %q of a leg that did not ask, want none", got)
		}
	})
}

func TestWithheldKeysAreToldToTheirOwnerAlone(t *testing.T) {
	everywhere(t, func(r *rig) {
		a, b := r.leg("a"), r.leg("b")
		seatTwo(r, "a", "b")
		say := func(keys string) {
			for _, k := range keys {
				a.talk(60*time.Millisecond, constant(1000))
				a.press(k, 100*time.Millisecond)
			}
			a.talk(60*time.Millisecond, constant(1000))
			time.Sleep(20 * time.Millisecond)
		}
		say("1")
		r.e.Do(WithholdDigits{Leg: "a", On: true})
		time.Sleep(20 * time.Millisecond)
		say("2*3")
		r.e.Do(WithholdDigits{Leg: "a"})
		time.Sleep(20 * time.Millisecond)
		say("4")
		if got := r.keys("a"); got != "12*34" {
			r.t.Errorf("told: got %q, want 12*34", got)
		}
		var reader keyReader
		heard := ""
		seqs := map[uint16]bool{}
		var first, last uint16
		for i, g := range b.packets() {
			if i == 0 {
				first = g.seq
			}
			last = g.seq
			seqs[g.seq] = true
			if k, ok := parseKey(g.payload); ok && g.pt == 101 {
				if key, press := reader.packet(header{ts: g.ts}, k, 0); press {
					heard += string(key)
				}
			}
		}
		if heard != "14" {
			r.t.Errorf("the other side heard %q, want 14", heard)
		}
		if n := int(last-first) + 1; n != len(seqs) {
			r.t.Errorf("got %d packets of %d: withheld keys left holes", len(seqs), n)
		}
	})
}
