package media

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"hotline/internal/simnet"
)

// mostSilence is what an order may take from those who stay.
const mostSilence = 40 * time.Millisecond

// silence is the longest time for which a peer whose phone plays each packet as it
// comes, without any buffer, heard nothing: because nothing came, or because what
// came was silent.
func (p *peer) silence() (longest time.Duration) {
	const part = 20 // samples looked at in one, 2.5 ms
	var until time.Time
	for _, g := range p.packets() {
		if g.pt != uint8(PCMU) && g.pt != uint8(PCMA) {
			continue
		}
		pcm := Codec(g.pt).Decode(make([]int16, len(g.payload)), g.payload)
		for at := 0; at+part <= len(pcm); at += part {
			begins := g.at.Add(time.Duration(at) * time.Second / sampleRate)
			if Level(pcm[at:at+part]) < -30 {
				continue
			}
			if !until.IsZero() {
				longest = max(longest, begins.Sub(until))
			}
			if ends := begins.Add(part * time.Second / sampleRate); ends.After(until) {
				until = ends
			}
		}
	}
	return longest
}

// Four parties talk without a pause. Two come, go and take any role, in any order
// and at any moment; the others stay and hear each other all the time.
func TestWhoStaysHearsNoGapWhateverOthersDo(t *testing.T) {
	for _, jitter := range []time.Duration{0, 15 * time.Millisecond, 40 * time.Millisecond} {
		t.Run(fmt.Sprint("jitter ", jitter), func(t *testing.T) {
			for seed := range uint64(40) {
				simulatedOn(t, simnet.Options{Latency: 5 * time.Millisecond, Jitter: jitter, Seed: seed}, Config{}, func(r *rig) {
					anyRole(r, rand.New(rand.NewPCG(seed, 8)), mostSilence+2*jitter)
				})
			}
		})
	}
}

func anyRole(r *rig, random *rand.Rand, most time.Duration) {
	var all []*peer
	for i := range 4 {
		p, later := r.leg(LegID(rune('a'+i))), time.Duration(random.IntN(20))*time.Millisecond
		all = append(all, p)
		r.wg.Go(func() {
			time.Sleep(later)
			p.talk(8*time.Second, sine(toneOf(4*i), 0.2))
		})
	}
	seatTwo(r, "a", "b")
	time.Sleep(200 * time.Millisecond)
	all[0].forget()
	all[1].forget()
	began := time.Now()
	var orders []string
	for time.Since(began) < 7500*time.Millisecond {
		id, role := all[2+random.IntN(2)].id, Role(random.IntN(int(numRoles)+1))
		orders = append(orders, fmt.Sprintf("%v %s %d", time.Since(began), id, role))
		if role == numRoles {
			r.e.Do(Leave{Leg: id})
		} else {
			r.e.Do(Seat{Bridge: "b", Leg: id, Role: role})
		}
		time.Sleep(time.Duration(random.IntN(1000)) * time.Millisecond)
	}
	r.wg.Wait()
	for _, p := range all[:2] {
		if got := p.silence(); got > most {
			r.t.Errorf("%s heard nothing for %v, want %v at most: %v", p.id, got, most, orders)
		}
	}
}

// A supervisor listens, which nobody hears, so the buffers of both run already when
// he barges: who was passed through goes on without a click.
func TestAListenerWhoBargesMakesNoClick(t *testing.T) {
	const freq, loud = 437.0, 0.3
	for seed := range uint64(10) {
		random := rand.New(rand.NewPCG(seed, 3))
		simulatedOn(t, simnet.Options{Latency: 5 * time.Millisecond, Jitter: 5 * time.Millisecond, Seed: seed}, Config{}, func(r *rig) {
			a, b, c := r.leg("caller"), r.leg("agent"), r.leg("third")
			seatTwo(r, "caller", "agent")
			r.wg.Go(func() { a.talk(10*time.Second, sine(freq, loud)) })
			r.wg.Go(func() { b.talk(10*time.Second, constant(0)) })
			r.wg.Go(func() { c.talk(10*time.Second, constant(0)) })
			time.Sleep(500 * time.Millisecond)
			for i := range 12 {
				r.e.Do(Seat{Bridge: "b", Leg: "third", Role: []Role{Listener, Barger, Coach, Barger}[i%4]})
				time.Sleep(time.Duration(100+random.IntN(600)) * time.Millisecond)
			}
			r.wg.Wait()
			most := 2 * math.Pi * freq / sampleRate * loud * 32768
			if d := float64(steepest(b.heard()[800:])); d > most*3/2 {
				t.Errorf("seed %d: got a step of %.0f, the tone has %.0f", seed, d, most)
			}
		})
	}
}
