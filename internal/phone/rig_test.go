package phone

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"hotline/internal/simnet"
)

// pair is two phones, ann at 10.0.0.1 and bob at 10.0.0.2, that call each other
// without anybody between them.
type pair struct {
	t        *testing.T
	net      *simnet.Network
	ann, bob *Phone
	bobURI   string
}

// bubble runs a test with two phones in virtual time; change may alter their
// configs.
func bubble(t *testing.T, o simnet.Options, change func(ann, bob *Config), test func(p *pair, ctx context.Context)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(o)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		a, b := config(t, n, "10.0.0.1", "ann"), config(t, n, "10.0.0.2", "bob")
		if change != nil {
			change(&a, &b)
		}
		p := &pair{t: t, net: n, ann: run(t, ctx, a), bob: run(t, ctx, b), bobURI: "sip:bob@10.0.0.2:5060;transport=" + b.Transport}
		test(p, ctx)
		stop()
		synctest.Wait()
	})
}

func config(t *testing.T, n *simnet.Network, host, user string) Config {
	t.Helper()
	pc, err := n.ListenPacket(host + ":5060")
	if err != nil {
		t.Fatal(err)
	}
	l, err := n.Listen(host + ":5060")
	if err != nil {
		t.Fatal(err)
	}
	return Config{
		Packet: []net.PacketConn{pc}, Stream: []net.Listener{l}, Dial: n.Dialer(netip.MustParseAddr(host)),
		ListenRTP: n.ListenUDP, Addr: netip.MustParseAddr(host), User: user, Transport: "udp",
	}
}

// run starts a phone, which the end of the test waits for.
func run(t *testing.T, ctx context.Context, c Config) *Phone {
	t.Helper()
	p, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); p.Run(ctx) }()
	t.Cleanup(func() { <-ended })
	return p
}

// call makes ann call bob, who answers by his policy; both ends are returned.
func (p *pair) call(ctx context.Context) (ann, bob *Call) {
	p.t.Helper()
	policy := AnswerAfter(time.Second)
	got := make(chan *Call, 1)
	p.bob.SetPolicy(func(c *Call) { got <- c; policy(c) })
	ann, err := p.ann.Call(ctx, p.bobURI)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := ann.WaitAnswered(ctx); err != nil {
		p.t.Fatal(err)
	}
	bob = <-got
	<-bob.Answered()
	return ann, bob
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
