package media

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"hotline/internal/simnet"
)

const (
	talkHz   = 500.0
	promptHz = 1100.0
)

// addPrompt makes a clip of a steady tone.
func addPrompt(r *rig, id ClipID, d time.Duration, hz float64) {
	pcm := make([]int16, d*sampleRate/time.Second)
	sound := sine(hz, 0.2)
	for i := range pcm {
		pcm[i] = sound(i)
	}
	r.e.AddClip(id, PCMU.Encode(make([]byte, len(pcm)), pcm))
}

// manyBytes are packets in which every value is another one.
func manyBytes(n int) (all [][]byte) {
	for i := range n {
		p := make([]byte, frameSize)
		for k := range p {
			p[k] = byte(i*7 + k*(1+i%5))
		}
		all = append(all, p)
	}
	return all
}

// payloads is the audio that came, in the order of arrival, as it is coded.
func (p *peer) payloads() (all []byte) {
	for _, g := range p.packets() {
		if g.pt == uint8(p.codec) {
			all = append(all, g.payload...)
		}
	}
	return all
}

// toneIn is how loud a tone is in the middle one of spans of 50 ms: on a busy machine
// one that is concealed or stretched somewhere has no single phase.
func toneIn(pcm []int16, hz float64) float64 {
	var all []float64
	for span := range slices.Chunk(pcm, 400) {
		all = append(all, Goertzel(span, sampleRate, hz))
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[len(all)/2]
}

func TestAPromptIsHeardOverTheOther(t *testing.T) {
	everywhere(t, func(r *rig) {
		addPrompt(r, "prompt", time.Second, promptHz)
		a, b := r.leg("caller"), r.leg("agent")
		seatTwo(r, "caller", "agent")
		said, spoken := make(chan bool), manyBytes(150)
		r.wg.Go(func() {
			defer close(said)
			next := time.Now()
			for _, p := range spoken {
				b.send(p)
				next = next.Add(frameTime)
				time.Sleep(time.Until(next))
			}
		})
		r.wg.Go(func() { a.talk(3*time.Second, sine(talkHz, 0.2)) })
		time.Sleep(500 * time.Millisecond)
		r.e.Do(Play{Leg: "agent", ID: 1, Clips: []ClipID{"prompt"}, Over: true})
		time.Sleep(200 * time.Millisecond)
		b.forget()
		time.Sleep(600 * time.Millisecond)
		during := b.heard()
		time.Sleep(800 * time.Millisecond)
		b.forget()
		r.wg.Wait()
		r.settle()
		for hz, want := range map[float64]float64{talkHz: 0.4, promptHz: 1} {
			if got := toneIn(during, hz) / 6553; got < want*0.8 || got > want*1.2 {
				r.t.Errorf("meanwhile the agent hears %.0f Hz at %.2f, want %.2f", hz, got, want)
			}
		}
		after := b.heard()
		if got := toneIn(after, talkHz) / 6553; got < 0.9 {
			r.t.Errorf("afterwards the agent hears the caller at %.2f, want 1", got)
		}
		if got := toneIn(after, promptHz) / 6553; got > 0.05 {
			r.t.Errorf("afterwards the agent hears the prompt at %.2f", got)
		}
		if got, want := a.payloads(), slices.Concat(spoken...); !bytes.Equal(got, want) {
			r.t.Errorf("the caller got %d bytes, not the %d that the agent said", len(got), len(want))
		}
		if got := told[Played](r); len(got) != 1 || got[0].Cut {
			r.t.Errorf("got %v, want one play that was not cut", got)
		}
		b.unbroken(45 * time.Millisecond)
	})
}

// After the play the leg gets the very bytes of the other one again.
func TestAfterAPlayOverTheOtherHeIsPassedThrough(t *testing.T) {
	simulated(t, func(r *rig) {
		a, b := r.leg("caller"), r.leg("agent")
		seatTwo(r, "caller", "agent")
		all := manyBytes(100)
		for i, p := range all {
			if i == 20 {
				r.e.Do(Play{Leg: "agent", ID: 1, Tone: Tone{Kind: ToneSine, Freq1: 440, For: 200 * time.Millisecond}, Over: true})
			}
			a.send(p)
			time.Sleep(frameTime)
		}
		got := b.payloads()
		for i, want := range map[int][]byte{0: slices.Concat(all[:20]...), len(got) - 60*frameSize: slices.Concat(all[40:]...)} {
			if !bytes.Equal(got[i:i+len(want)], want) {
				t.Errorf("from %d of %d on the agent did not get what the caller said", i, len(got))
			}
		}
	})
}

// Plays come over a talk at any moment, end, are cut and replace each other: nobody
// misses anything of it, and there is no click.
func TestPlaysOverATalkLeaveNoGapAndMakeNoClick(t *testing.T) {
	for _, jitter := range []time.Duration{0, 15 * time.Millisecond, 40 * time.Millisecond} {
		t.Run(fmt.Sprint("jitter ", jitter), func(t *testing.T) {
			for seed := range uint64(20) {
				simulatedOn(t, simnet.Options{Latency: 5 * time.Millisecond, Jitter: jitter, Seed: seed}, Config{}, func(r *rig) {
					playsOver(r, rand.New(rand.NewPCG(seed, 9)), jitter)
				})
			}
		})
	}
}

func playsOver(r *rig, random *rand.Rand, jitter time.Duration) {
	const talkHz, promptHz, loud = 210.0, 330.0, 0.2       // low, so that a click is steeper
	addPrompt(r, "prompt", 300*time.Millisecond, promptHz) // 99 waves: it joins itself
	a, b := r.leg("caller"), r.leg("agent")
	r.wg.Go(func() { a.talk(8*time.Second, sine(talkHz, loud)) })
	time.Sleep(time.Duration(random.IntN(20)) * time.Millisecond)
	r.wg.Go(func() { b.talk(8*time.Second, sine(talkHz, loud)) })
	seatTwo(r, "caller", "agent")
	time.Sleep(200 * time.Millisecond)
	a.forget()
	b.forget()
	began := time.Now()
	for n := 1; time.Since(began) < 7*time.Second; n++ {
		switch random.IntN(4) {
		case 0:
			r.e.Do(Play{Leg: "agent", ID: PlayID(n), Clips: []ClipID{"prompt", "prompt"}, Over: true})
		case 1:
			r.e.Do(Play{Leg: "agent", ID: PlayID(n), Tone: Tone{Kind: ToneSine, Freq1: promptHz, For: time.Duration(random.IntN(300)) * time.Millisecond}, Over: true})
		case 2:
			r.e.Do(Play{Leg: "agent", ID: PlayID(n), Clips: []ClipID{"prompt"}, Loop: true, Over: true})
		default:
			r.e.Do(Stop{Leg: "agent"})
		}
		time.Sleep(time.Duration(random.IntN(600)) * time.Millisecond)
	}
	r.e.Do(Stop{Leg: "agent"})
	r.wg.Wait()
	most := mostSilence + 2*jitter
	for _, p := range []*peer{a, b} {
		if got := p.silence(); got > most {
			r.t.Errorf("%s heard nothing for %v, want %v at most", p.id, got, most)
		}
	}
	if jitter > 0 {
		return // what is out of order here is no click at a phone
	}
	slope := 2 * math.Pi * (talkHz + promptHz) / sampleRate * loud * 32768
	if d := float64(steepest(b.heard())); d > slope*3/2 {
		r.t.Errorf("got a step of %.0f, the tones have %.0f", d, slope)
	}
}

// Others join and leave, in any role, while plays come over the talk.
func TestPlaysOverATalkLeaveNoGapWhoeverJoinsIt(t *testing.T) {
	for seed := range uint64(40) {
		simulatedOn(t, simnet.Options{Latency: 5 * time.Millisecond, Seed: seed}, Config{}, func(r *rig) {
			random := rand.New(rand.NewPCG(seed, 10))
			addPrompt(r, "prompt", 300*time.Millisecond, promptHz)
			a, b, c := r.leg("caller"), r.leg("agent"), r.leg("third")
			for i, p := range []*peer{a, b, c} {
				later := time.Duration(random.IntN(20)) * time.Millisecond
				r.wg.Go(func() {
					time.Sleep(later)
					p.talk(8*time.Second, sine(toneOf(4*i), 0.2))
				})
			}
			seatTwo(r, "caller", "agent")
			time.Sleep(200 * time.Millisecond)
			a.forget()
			b.forget()
			began := time.Now()
			var orders []string
			for n := 1; time.Since(began) < 7*time.Second; n++ {
				leg := []LegID{"caller", "agent"}[random.IntN(2)]
				c := []Command{
					Play{Leg: leg, ID: PlayID(n), Clips: []ClipID{"prompt"}, Over: true},
					Stop{Leg: leg},
					Seat{Bridge: "b", Leg: "third", Role: Role(random.IntN(int(numRoles)))},
					Leave{Leg: "third"},
				}[random.IntN(4)]
				orders = append(orders, fmt.Sprintf("%v %T%v", time.Since(began), c, c))
				r.e.Do(c)
				time.Sleep(time.Duration(random.IntN(300)) * time.Millisecond)
			}
			r.wg.Wait()
			for _, p := range []*peer{a, b} {
				if got := p.silence(); got > mostSilence {
					t.Errorf("seed %d: %s heard nothing for %v, want %v at most: %v", seed, p.id, got, mostSilence, orders)
				}
			}
		})
	}
}

// What an over play is over may come and go: the play goes on, once, to its end.
func TestAPlayGoesOnWhoeverComesAndGoesBeneathIt(t *testing.T) {
	everywhere(t, func(r *rig) {
		addPrompt(r, "prompt", 2*time.Second, promptHz)
		a, b := r.leg("caller"), r.leg("barger")
		r.e.Do(Seat{Bridge: "b", Leg: "caller", Role: Caller})
		r.wg.Go(func() { b.talk(2500*time.Millisecond, sine(talkHz, 0.2)) })
		time.Sleep(100 * time.Millisecond)
		from := time.Now()
		r.e.Do(Play{Leg: "caller", ID: 1, Clips: []ClipID{"prompt"}, Over: true})
		for i, step := range []struct {
			c    Command
			want string
		}{{nil, "prompt"}, {Seat{Bridge: "b", Leg: "barger", Role: Barger}, "prompt talk"}, {Seat{Bridge: "b", Leg: "barger", Role: Listener}, "prompt"},
			{Seat{Bridge: "b", Leg: "barger", Role: Barger}, "prompt talk"}} {
			if step.c != nil {
				r.e.Do(step.c)
			}
			time.Sleep(250 * time.Millisecond)
			a.forget()
			time.Sleep(200 * time.Millisecond)
			var got []string
			for _, tone := range []struct {
				name string
				hz   float64
			}{{"prompt", promptHz}, {"talk", talkHz}} {
				if toneIn(a.heard(), tone.hz) > 1000 {
					got = append(got, tone.name)
				}
			}
			if got := strings.Join(got, " "); got != step.want {
				r.t.Errorf("step %d: the caller hears %q, want %q", i, got, step.want)
			}
		}
		if len(told[Played](r)) > 0 {
			r.t.Error("the play is over too early")
		}
		r.wg.Wait()
		r.settle()
		if got := told[Played](r); len(got) != 1 || got[0].Cut {
			r.t.Errorf("got %v after %v, want one play that was not cut", got, time.Since(from))
		}
	})
}

// Whoever can't be sent to does not hold a play up, and one that is not over the
// others takes the leg as ever.
func TestPlaysOverOthersEndAsAnyOther(t *testing.T) {
	simulated(t, func(r *rig) {
		addPrompt(r, "prompt", 500*time.Millisecond, promptHz)
		a, b := r.leg("caller"), r.leg("agent")
		seatTwo(r, "caller", "agent")
		r.wg.Go(func() { a.talk(4*time.Second, sine(talkHz, 0.2)) })
		time.Sleep(200 * time.Millisecond)
		r.e.Do(Play{Leg: "agent", ID: 1, Clips: []ClipID{"prompt"}, Over: true})
		time.Sleep(100 * time.Millisecond)
		r.e.Do(SetRemote{Leg: "agent", Addr: b.addr, EventType: 101, Receive: true})
		time.Sleep(500 * time.Millisecond)
		r.e.Do(SetRemote{Leg: "agent", Addr: b.addr, EventType: 101, Send: true, Receive: true})
		r.e.Do(Play{Leg: "agent", ID: 2, Clips: []ClipID{"prompt"}, Over: true})
		time.Sleep(100 * time.Millisecond)
		r.e.Do(Play{Leg: "agent", ID: 3, Clips: []ClipID{"prompt"}})
		time.Sleep(100 * time.Millisecond)
		b.forget()
		time.Sleep(300 * time.Millisecond)
		if got := Goertzel(b.heard(), sampleRate, talkHz); got > 100 {
			t.Errorf("a play that takes the leg lets the other be heard at %.0f", got)
		}
		time.Sleep(300 * time.Millisecond)
		r.e.Do(Play{Leg: "agent", ID: 4, Clips: []ClipID{"prompt"}, Over: true})
		time.Sleep(100 * time.Millisecond)
		r.e.Do(SendDigit{Leg: "agent", Digit: '5'})
		time.Sleep(700 * time.Millisecond)
		r.e.Do(Play{Leg: "agent", ID: 5, Clips: []ClipID{"prompt"}, Over: true})
		time.Sleep(100 * time.Millisecond)
		r.e.Do(Leave{Leg: "agent"})
		time.Sleep(600 * time.Millisecond)
		r.e.Do(Play{Leg: "agent", ID: 6, Clips: []ClipID{"none"}, Over: true})
		time.Sleep(100 * time.Millisecond)
		r.wg.Wait()
		want := []Played{{"agent", 1, false}, {"agent", 2, true}, {"agent", 3, false}, {"agent", 4, false}, {"agent", 5, false}, {"agent", 6, false}}
		if got := told[Played](r); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}
