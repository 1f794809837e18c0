package media

import (
	"fmt"
	"testing"
	"time"
)

const parties = 50

// toneOf is the pitch by which a party of a conference is known.
func toneOf(i int) float64 { return 300 + 50*float64(i) }

func TestFiftyPartiesHearAllOthersAndNotThemselves(t *testing.T) {
	simulated(t, func(r *rig) {
		const level = 0.015
		var all []*peer
		for i := range parties {
			id := LegID(fmt.Sprint("p", i))
			all = append(all, r.leg(id))
			r.e.Do(Seat{Bridge: "conference", Leg: id, Role: Caller})
		}
		listener := r.leg("listener")
		r.e.Do(Seat{Bridge: "conference", Leg: "listener", Role: Listener})
		for i, p := range all {
			r.wg.Go(func() { p.talk(3*time.Second, sine(toneOf(i), level)) })
		}
		r.wg.Wait()
		time.Sleep(50 * time.Millisecond)
		check := func(p *peer, own int) {
			h := p.heard()
			if len(h) < 20000 {
				t.Fatalf("%s heard %d samples", p.id, len(h))
			}
			mid := h[8000:16000] // one second: the tones are whole numbers of Hz
			for i := range parties {
				got := Goertzel(mid, sampleRate, toneOf(i)) / (level * 32768)
				switch {
				case i == own && got > 0.1:
					t.Errorf("%s hears %.2f of itself", p.id, got)
				case i != own && (got < 0.8 || got > 1.2):
					t.Errorf("%s hears party %d with %.2f of its loudness", p.id, i, got)
				}
			}
			p.unbroken(60 * time.Millisecond)
		}
		check(listener, -1)
		for _, i := range []int{0, 17, parties - 1} {
			check(all[i], i)
		}
	})
}

func TestPartiesComeAndGoWithoutABreakForTheOthers(t *testing.T) {
	everywhere(t, func(r *rig) {
		var all []*peer
		for i := range 6 {
			id := LegID(fmt.Sprint("p", i))
			p := r.leg(id)
			all = append(all, p)
			r.wg.Go(func() { p.talk(1200*time.Millisecond, sine(toneOf(i), 0.05)) })
			r.e.Do(Seat{Bridge: "c", Leg: id, Role: Barger})
			time.Sleep(50 * time.Millisecond)
		}
		for _, p := range all[:4] {
			time.Sleep(50 * time.Millisecond)
			r.e.Do(Leave{Leg: p.id})
		}
		r.wg.Wait()
		for _, p := range all[4:] {
			p.unbroken(120 * time.Millisecond)
		}
		if n := r.e.Stats().Panics.Load(); n != 0 {
			r.t.Errorf("got %d panics", n)
		}
	})
}

// conference is a bridge of n speakers on a shard without network; each step is
// 20 ms of all: a packet in from each, a frame out to each.
func conference(n int) (step func(i int)) {
	s, _, _ := quiet()
	s.do(Close{Leg: "a"})
	s.do(Close{Leg: "b"})
	for i := range n {
		l := newLeg(LegID(fmt.Sprint(i)))
		l.sock, l.port = &deafSocket{}, 4
		s.do(opened{l})
		s.do(SetRemote{Leg: l.id, Addr: source(i), Send: true, Receive: true})
		s.do(Seat{Bridge: "c", Leg: l.id, Role: Agent})
	}
	b := s.bridges["c"]
	pkt := speech()
	return func(i int) {
		at := time.Duration(i) * frameTime
		advance(pkt, i)
		for k, l := range b.seats {
			s.deliver(l, pkt, source(k), at)
		}
		s.now = max(s.now, b.next)
		s.mixFrame(b)
		b.next += frameTime
	}
}

func BenchmarkConference(b *testing.B) {
	for _, n := range []int{3, 10, 50} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			step := conference(n)
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				step(i)
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(n)*50/1000, "CPU-ms/party-s")
		})
	}
}
