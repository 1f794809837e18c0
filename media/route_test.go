package media

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"hotline/internal/simnet"
)

func TestALegGoesToTheShardOfItsBridge(t *testing.T) {
	simulatedOn(t, simnet.Options{}, Config{Shards: 4}, func(r *rig) {
		path := filepath.Join(t.TempDir(), "r.wav")
		a, b, c := r.leg("a"), r.leg("b"), r.leg("c")
		r.e.Do(Play{Leg: "b", ID: 5, Tone: Tone{Kind: ToneSine, Freq1: 700}})
		time.Sleep(time.Second)
		r.e.Do(Seat{Bridge: "b", Leg: "a", Role: Caller})
		r.e.Do(Seat{Bridge: "b", Leg: "b", Role: Agent}) // it plays on
		r.e.Do(Record{ID: "r", Path: path, Left: "a", Right: "b"})
		r.e.Do(Seat{Bridge: "other", Leg: "c", Role: Agent})
		r.wg.Go(func() { a.talk(4*time.Second, sine(400, 0.3)) })
		r.wg.Go(func() { c.talk(4*time.Second, sine(600, 0.3)) })
		r.wg.Go(func() { b.talk(4*time.Second, sine(500, 0.3)) })
		time.Sleep(time.Second)
		r.e.Do(Stop{Leg: "b", ID: 5})
		time.Sleep(time.Second)
		r.e.Do(Seat{Bridge: "b", Leg: "c", Role: Barger})
		time.Sleep(1900 * time.Millisecond)
		r.e.Do(Finish{ID: "r"})
		b.unbroken(60 * time.Millisecond)
		a.unbroken(60 * time.Millisecond)
		for _, x := range []struct {
			p    *peer
			from int // ms of what it heard
			freq float64
		}{{b, 300, 700}, {b, 2200, 400}, {b, 3200, 400}, {b, 3200, 600}, {a, 500, 500}, {a, 2400, 600}} {
			h := x.p.heard()
			if got := Goertzel(h[8*x.from:8*x.from+1600], sampleRate, x.freq); got < 3000 {
				t.Errorf("%s at %d ms: got %.0f of %.0f Hz", x.p.id, x.from, got, x.freq)
			}
		}
		if n := r.e.Stats().Moves.Load(); n != 2 {
			t.Errorf("got %d moves, want b's and c's", n)
		}
		r.stop()
		left, right := readBack(t, path)
		if l, rt := Goertzel(left[8000:24000], sampleRate, 400), Goertzel(right[8000:24000], sampleRate, 500); l < 9000 || rt < 9000 {
			t.Errorf("the recording has %.0f and %.0f, want both", l, rt)
		}
	})
}

// Legs wander between bridges of several shards while they talk, play, press
// keys and are closed: each ends once, its events keep their order, nothing stays.
func TestWanderingLegsEndOnceAndInOrder(t *testing.T) {
	everywhereInShards(t, func(r *rig) {
		dir := r.t.TempDir()
		const legs, turns = 24, 60
		clip := make([]byte, 800)
		r.e.AddClip("c", clip)
		var all []*peer
		for i := range legs {
			all = append(all, r.leg(LegID(fmt.Sprint(i))))
		}
		var wg sync.WaitGroup
		for i, p := range all {
			rnd := rand.New(rand.NewPCG(uint64(i), 1))
			wg.Go(func() { p.talk(turns*5*time.Millisecond, constant(1000)) })
			wg.Go(func() {
				for n := range turns {
					switch rnd.IntN(6) {
					case 0, 1:
						r.e.Do(Seat{Bridge: BridgeID(fmt.Sprint(rnd.IntN(8))), Leg: p.id, Role: Role(rnd.IntN(5))})
					case 2:
						r.e.Do(Leave{Leg: p.id})
					case 3:
						r.e.Do(Play{Leg: p.id, ID: PlayID(n + 1), Clips: []ClipID{"c"}})
					case 4:
						r.e.Do(SendDigit{Leg: p.id, Digit: '5'})
					case 5:
						id := RecordingID(fmt.Sprint("r", i, "-", n))
						r.e.Do(Record{ID: id, Path: filepath.Join(dir, string(id)+".wav"), Left: p.id, Right: LegID(fmt.Sprint((i + 1) % legs))})
						r.e.Do(Tap{ID: id, Left: p.id, Right: LegID(fmt.Sprint(rnd.IntN(legs)))})
						r.e.Do(Finish{ID: id})
					}
					time.Sleep(5 * time.Millisecond)
				}
				if i%2 == 0 {
					r.e.Do(Close{Leg: p.id})
				}
			})
		}
		wg.Wait()
		r.stop()
		if n := r.e.Stats().Moves.Load(); n == 0 {
			r.t.Error("nobody moved")
		}
		ended := map[LegID]int{}
		plays := map[LegID]PlayID{}
		for _, ev := range r.events {
			switch ev := ev.(type) {
			case Closed:
				ended[ev.Leg]++
			case Played:
				if ended[ev.Leg] > 0 || ev.ID <= plays[ev.Leg] {
					r.t.Errorf("leg %s: got the end of play %d after %d, ended %d", ev.Leg, ev.ID, plays[ev.Leg], ended[ev.Leg])
				}
				plays[ev.Leg] = ev.ID
			case Recorded:
				if ev.Err != nil {
					r.t.Error(ev.Err)
				}
			}
		}
		if len(ended) != legs {
			r.t.Errorf("got %d legs ended, want %d", len(ended), legs)
		}
		for id, n := range ended {
			if n != 1 {
				r.t.Errorf("leg %s ended %d times", id, n)
			}
		}
		s := r.e.Stats()
		if s.Legs.Load() != 0 || s.Bridges.Load() != 0 || s.Recordings.Load() != 0 || s.Panics.Load() != 0 {
			r.t.Errorf("got %d legs, %d bridges, %d recordings left, %d panics", s.Legs.Load(), s.Bridges.Load(), s.Recordings.Load(), s.Panics.Load())
		}
		router := &r.e.(*Engine).router
		if n := len(router.legs) + len(router.bridges) + len(router.recs); n != 0 {
			r.t.Errorf("the router still knows of %d things", n)
		}
	})
}

func everywhereInShards(t *testing.T, f func(r *rig)) {
	t.Run("simulated", func(t *testing.T) { simulatedOn(t, simnet.Options{}, Config{Shards: 3}, f) })
	for _, portable := range []bool{true, false} {
		t.Run(fmt.Sprint("real sockets, portable ", portable), func(t *testing.T) {
			r := newRig(t, Config{PortMin: 20000, PortMax: 29998, Portable: portable, Shards: 3})
			defer r.stop()
			r.t = t
			f(r)
		})
	}
}
