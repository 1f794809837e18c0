package sip

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hotline/internal/simnet"
)

// TestBadNetwork: two endpoints call each other over a network that loses,
// doubles and reorders; callers and callees do as they please. Every dialog ends
// once, with nothing left behind.
func TestBadNetwork(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				network := simnet.New(simnet.Options{
					Latency: 20 * time.Millisecond, Jitter: 10 * time.Millisecond,
					Loss: 0.15, Duplicate: 0.1, Reorder: 0.1, Seed: seed,
				})
				soak(t, network, seed, "")
			})
		})
	}
	t.Run("over connections cut into bytes", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			soak(t, simnet.New(simnet.Options{Latency: 20 * time.Millisecond, Segment: 7}), 1, ";transport=tcp")
		})
	})
}

func soak(t *testing.T, network *simnet.Network, seed uint64, param string) {
	rnd := rand.New(rand.NewPCG(seed, 1))
	var mu sync.Mutex // guards rnd and all
	var all []*actor
	act := func(d *Dialog, m Media) *actor {
		mu.Lock()
		defer mu.Unlock()
		a := &actor{Dialog: d, media: m, plan: rnd.IntN(6), wait: time.Duration(rnd.IntN(4000)) * time.Millisecond}
		all = append(all, a)
		return a
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	ends := map[string]*Endpoint{}
	for _, host := range []string{"10.0.0.1", "10.0.0.2"} {
		pc, err := network.ListenPacket(host + ":5060")
		if err != nil {
			t.Fatal(err)
		}
		ln, err := network.Listen(host + ":5060")
		if err != nil {
			t.Fatal(err)
		}
		e, err := New(Config{
			Packet: []net.PacketConn{pc}, Stream: []net.Listener{ln}, Dial: network.Dialer(netip.MustParseAddr(host)),
			MaxConnsPerIP: 1000, Burst: 1 << 30, Workers: 3,
			OnCall: func(in *Incoming) Inbox {
				a := act(in.Dialog, &words{name: host})
				go a.callee()
				return a
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		e.SetTrunks([]Trunk{{Name: "lan", Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}})
		wg.Go(func() { e.Run(ctx) })
		ends[host] = e
	}
	for i := range 60 {
		from, to := "10.0.0.1", "10.0.0.2"
		if i%2 == 1 {
			from, to = to, from
		}
		target, err := ParseTarget("sip:bob@" + to + ":5060" + param)
		if err != nil {
			t.Fatal(err)
		}
		a := act(nil, &words{name: "caller"})
		a.mu.Lock()
		a.Dialog = ends[from].Dial(Invite{Targets: []Target{target}, Media: a.media, Inbox: a, To: Address{User: "bob"}})
		a.mu.Unlock()
		go a.caller()
		time.Sleep(100 * time.Millisecond)
	}
	time.Sleep(200 * time.Second)
	mu.Lock()
	answered := 0
	for i, a := range all {
		if a.saw("sip.Answered") {
			answered++
		}
		if n := a.last(); n != 1 {
			t.Errorf("dialog %d (plan %d) ended %d times, want once: %v", i, a.plan, n, a.told)
		}
	}
	mu.Unlock()
	if answered < len(all)/4 {
		t.Errorf("%d of %d dialogs were answered", answered, len(all))
	}
	for host, e := range ends {
		s := e.Stats()
		if s.Dialogs.Load() != 0 || s.Transactions.Load() != 0 || s.Panics.Load() != 0 {
			t.Errorf("%s: %d dialogs, %d transactions left, %d panics", host, s.Dialogs.Load(), s.Transactions.Load(), s.Panics.Load())
		}
	}
	cancel()
	wg.Wait()
}

// actor is somebody with a dialog and a plan.
type actor struct {
	*Dialog
	media Media
	plan  int
	wait  time.Duration

	mu   sync.Mutex // guards told
	told []string
}

func (a *actor) Deliver(e Event) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.told = append(a.told, fmt.Sprintf("%T", e))
	if _, ok := e.(Answered); ok && a.plan == 3 {
		a.Reoffer()
	}
}

func (a *actor) saw(event string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Contains(a.told, event)
}

// last counts the events that end a dialog; nothing may follow.
func (a *actor) last() (n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, e := range a.told {
		if e == "sip.Ended" || e == "sip.Failed" {
			n++
			if i != len(a.told)-1 {
				return -1
			}
		}
	}
	return n
}

func (a *actor) callee() {
	a.Ring()
	time.Sleep(a.wait)
	if a.plan == 0 {
		a.End(Cause{Status: 486})
		return
	}
	if a.plan == 1 {
		a.Progress(a.media)
	}
	a.Answer(a.media)
	if a.plan > 3 {
		time.Sleep(a.wait)
		a.End(Cause{})
	}
}

// caller hangs up or cancels in any case, at last.
func (a *actor) caller() {
	time.Sleep(a.wait)
	if a.plan > 1 {
		time.Sleep(10 * time.Second)
	}
	a.End(Cause{})
}
