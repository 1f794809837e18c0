package sip

import (
	"context"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"hotline/internal/simnet"
)

// BenchmarkCallSetup is INVITE, 100, 180, 200, ACK, BYE, 200 between two
// endpoints: both sides' work, 7 messages sent and read.
func BenchmarkCallSetup(b *testing.B) {
	network := simnet.New(simnet.Options{})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	open := func(addr string, onCall func(*Incoming) Inbox) *Endpoint {
		pc, err := network.ListenPacket(addr)
		if err != nil {
			b.Fatal(err)
		}
		e, err := New(Config{Packet: []net.PacketConn{pc}, OnCall: onCall, Workers: 2})
		if err != nil {
			b.Fatal(err)
		}
		e.SetTrunks([]Trunk{{Name: "lan", Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}})
		go e.Run(ctx)
		return e
	}
	open("10.0.0.2:5060", func(in *Incoming) Inbox {
		in.Ring()
		in.Answer(&words{name: "callee"})
		return nobody{}
	})
	a := open("10.0.0.1:5060", nil)
	target, err := ParseTarget("sip:bob@10.0.0.2:5060")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	window := make(chan struct{}, 64) // calls under way
	var failed atomic.Int64
	for range b.N {
		window <- struct{}{}
		h := &hangUpWhenAnswered{done: func(ok bool) {
			if !ok {
				failed.Add(1)
			}
			<-window
		}}
		h.d.Store(a.Dial(Invite{Targets: []Target{target}, From: Address{User: "a"}, To: Address{User: "b"}, Media: &words{name: "caller"}, Inbox: h}))
	}
	for range cap(window) {
		window <- struct{}{}
	}
	b.StopTimer()
	if n := failed.Load(); n > 0 {
		b.Errorf("%d calls failed", n)
	}
}

// hangUpWhenAnswered is the Inbox of a short call.
type hangUpWhenAnswered struct {
	d    atomic.Pointer[Dialog]
	done func(ok bool)
}

func (h *hangUpWhenAnswered) Deliver(e Event) {
	switch e := e.(type) {
	case Answered:
		for h.d.Load() == nil {
			time.Sleep(time.Microsecond)
		}
		h.d.Load().End(Cause{})
	case Ended:
		h.done(e.Why == whyUs)
	case Failed:
		h.done(false)
	}
}

// BenchmarkParse reads an INVITE of a common size.
func BenchmarkParse(b *testing.B) {
	p := &peer{addr: "10.0.0.2:5060"}
	text := p.ask("INVITE", "call-id@host", "branch", ";tag=b", "", 1, "v=0\r\n",
		"Allow: INVITE, ACK, BYE", "Supported: timer, 100rel", "User-Agent: x")
	b.ReportAllocs()
	for range b.N {
		if _, err := parse(text, false); err != nil {
			b.Fatal(err)
		}
	}
}
