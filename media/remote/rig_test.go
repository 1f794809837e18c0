package remote

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hotline/internal/simnet"
	"hotline/media"
)

const serverAddr = "10.0.0.1:7000"

// rig is a media process, the network, and one control process at a time.
type rig struct {
	t      *testing.T
	net    *simnet.Network
	server *Server
	stop   context.CancelFunc
	done   chan error
}

func inBubble(t *testing.T, cfg ServerConfig, f func(r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t, net: simnet.New(simnet.Options{Latency: time.Millisecond})}
		r.start(cfg)
		f(r)
		r.end()
	})
}

func (r *rig) start(cfg ServerConfig) {
	r.t.Helper()
	l, err := r.net.Listen(serverAddr)
	if err != nil {
		r.t.Fatal(err)
	}
	cfg.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	cfg.Media.Listen = func(a netip.AddrPort) (net.PacketConn, error) { return r.net.ListenPacket(a.String()) }
	cfg.Media.Addr = netip.MustParseAddr("10.0.0.1")
	if r.server, err = NewServer(cfg); err != nil {
		r.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	r.stop, r.done = stop, make(chan error, 1)
	done, s := r.done, r.server
	go func() { done <- s.Run(ctx, l) }() // ends with end
	synctest.Wait()
}

// end stops the media process.
func (r *rig) end() {
	r.stop()
	select {
	case err := <-r.done:
		if err != nil {
			r.t.Errorf("media process ended with %v", err)
		}
	case <-time.After(time.Minute):
		r.t.Error("media process does not end")
	}
}

// control is a control process.
type tester struct {
	*Client
	r    *rig
	stop context.CancelFunc
	done chan struct{}
	conn net.Conn // the youngest

	mu     sync.Mutex // guards events
	events []media.Event
}

func (r *rig) dial(ctx context.Context) (net.Conn, error) { return r.net.Dial(ctx, "tcp", serverAddr) }

func (r *rig) connect(cfg ClientConfig) *tester {
	r.t.Helper()
	c := &tester{r: r, done: make(chan struct{})}
	cfg.Dial = func(ctx context.Context) (conn net.Conn, err error) {
		conn, err = r.dial(ctx)
		c.mu.Lock()
		c.conn = conn
		c.mu.Unlock()
		return conn, err
	}
	cfg.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	cfg.Events = func(ev media.Event) {
		c.mu.Lock()
		c.events = append(c.events, ev)
		c.mu.Unlock()
	}
	var err error
	if c.Client, err = Connect(context.Background(), cfg); err != nil {
		r.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	c.stop = stop
	go func() { defer close(c.done); c.Run(ctx) }() // ends with end or kill
	return c
}

// end stops the control process in order.
func (c *tester) end() {
	c.stop()
	<-c.done
}

// kill ends the connection as a dead process would, and keeps it from coming back.
func (c *tester) kill() {
	c.stop()
	_ = c.conn.Close()
	<-c.done
}

func (c *tester) open(id media.LegID) netip.AddrPort {
	c.r.t.Helper()
	l, err := c.Open(id)
	if err != nil {
		c.r.t.Fatal(err)
	}
	return l.Addr
}

// told gives the events so far of one type.
func told[E media.Event](c *tester) []E {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []E
	for _, ev := range c.events {
		if e, ok := ev.(E); ok {
			out = append(out, e)
		}
	}
	return out
}

// peer is a phone that sends and counts.
type peer struct {
	conn net.PacketConn
	mu   sync.Mutex // guards got and last
	got  int
	last time.Time
	gap  time.Duration // longest between two packets
}

// phone makes a peer that talks to a leg until the context ends.
func (r *rig) phone(ctx context.Context, wg *sync.WaitGroup, at string, to netip.AddrPort) *peer {
	r.t.Helper()
	conn, err := r.net.ListenPacket(at)
	if err != nil {
		r.t.Fatal(err)
	}
	p := &peer{conn: conn}
	wg.Go(func() { // ends when the socket is closed
		b := make([]byte, 2000)
		for {
			if _, _, err := conn.ReadFrom(b); err != nil {
				return
			}
			p.mu.Lock()
			now := time.Now()
			if p.got++; p.got > 1 {
				p.gap = max(p.gap, now.Sub(p.last))
			}
			p.last = now
			p.mu.Unlock()
		}
	})
	wg.Go(func() { // ends with ctx
		defer conn.Close()
		b := make([]byte, 172)
		b[0] = 0x80
		t := time.NewTicker(20 * time.Millisecond)
		defer t.Stop()
		for n := uint32(0); ; n++ {
			b[2], b[3] = byte(n>>8), byte(n)
			ts := n * 160
			b[4], b[5], b[6], b[7] = byte(ts>>24), byte(ts>>16), byte(ts>>8), byte(ts)
			_, _ = conn.WriteTo(b, net.UDPAddrFromAddrPort(to))
			select {
			case <-ctx.Done():
				return
			case <-t.C:
			}
		}
	})
	return p
}

func (p *peer) figures() (got int, gap time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.got, p.gap
}

// bridged opens two legs, seats them and lets two phones talk.
func (c *tester) bridged(ctx context.Context, wg *sync.WaitGroup) (a, b *peer) {
	for i, id := range []media.LegID{"a", "b"} {
		addr := c.open(id)
		at := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 1, byte(i + 1)}), 4000)
		c.Do(media.SetRemote{Leg: id, Addr: at, Send: true, Receive: true})
		c.Do(media.Seat{Bridge: "call", Leg: id, Role: media.Role(i)})
		p := c.r.phone(ctx, wg, at.String(), addr)
		if i == 0 {
			a = p
		} else {
			b = p
		}
	}
	return a, b
}
