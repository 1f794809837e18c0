package callload

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
)

// Relay is the measure of the machine: the plainest program that does what a
// bridged call needs. Each call has two sockets, each with a goroutine that passes
// what comes to whoever last spoke to the other one.
type Relay struct {
	conns []*net.UDPConn
	Ends  [][2]netip.AddrPort // of each call: for the caller, for the agent
}

// NewRelay opens the sockets of n calls on the loopback address.
func NewRelay(n int) (*Relay, error) {
	r := &Relay{}
	for range n {
		var ends [2]netip.AddrPort
		for i := range ends {
			c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
			if err != nil {
				r.close()
				return nil, err
			}
			_ = c.SetReadBuffer(256 << 10)
			r.conns = append(r.conns, c)
			ends[i] = c.LocalAddr().(*net.UDPAddr).AddrPort()
		}
		r.Ends = append(r.Ends, ends)
	}
	return r, nil
}

func (r *Relay) close() {
	for _, c := range r.conns {
		_ = c.Close()
	}
}

// Run passes packets until ctx ends.
func (r *Relay) Run(ctx context.Context) {
	var wg sync.WaitGroup
	stop := context.AfterFunc(ctx, r.close)
	defer stop()
	for i := 0; i < len(r.conns); i += 2 {
		a, b := r.conns[i], r.conns[i+1]
		var toA, toB atomic.Pointer[netip.AddrPort]
		wg.Go(func() { pass(a, b, &toA, &toB) }) // both end when their socket is closed
		wg.Go(func() { pass(b, a, &toB, &toA) })
	}
	wg.Wait()
}

// pass sends what comes on in out of out; from remembers who speaks on in.
func pass(in, out *net.UDPConn, from, to *atomic.Pointer[netip.AddrPort]) {
	b := make([]byte, 1500)
	for {
		n, src, err := in.ReadFromUDPAddrPort(b)
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			continue
		}
		if last := from.Load(); last == nil || *last != src {
			from.Store(&src)
		}
		if dst := to.Load(); dst != nil {
			_, _ = out.WriteToUDPAddrPort(b[:n], *dst)
		}
	}
}
