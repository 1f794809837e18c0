package simnet

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"
)

const backlog = 1024 // connections that wait for Accept; more are refused

// Listener accepts streams.
type Listener struct {
	net   *Network
	local netip.AddrPort

	gate     // guards the fields below
	waiting  []*Conn
	closed   bool
	deadline time.Time
}

// Listen opens a stream listener at "host:port", as ListenPacket does for
// datagrams. The result is a *[Listener].
func (n *Network) Listen(addr string) (net.Listener, error) {
	a, err := resolve(addr)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: "tcp", Err: err}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	a, err = freePort(a, n.streamTaken)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: "tcp", Addr: net.TCPAddrFromAddrPort(a), Err: err}
	}
	l := &Listener{net: n, local: a}
	n.listeners[a] = l
	return l, nil
}

func (n *Network) streamTaken(a netip.AddrPort) bool { return n.listeners[a] != nil || n.streams[a] }

// Accept implements [net.Listener]. The result is a *[Conn].
func (l *Listener) Accept() (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		switch {
		case l.closed:
			return nil, l.fail("accept", net.ErrClosed)
		case passed(l.deadline, time.Now()):
			return nil, l.fail("accept", os.ErrDeadlineExceeded)
		case len(l.waiting) > 0:
			c := l.waiting[0]
			l.waiting = l.waiting[1:]
			return c, nil
		}
		l.wait(l.deadline)
	}
}

// Close frees the address and closes connections nobody accepted. Accepted ones
// live on.
func (l *Listener) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return l.fail("close", net.ErrClosed)
	}
	l.closed = true
	waiting := l.waiting
	l.waiting = nil
	l.notify()
	l.mu.Unlock()

	l.net.mu.Lock()
	delete(l.net.listeners, l.local)
	l.net.mu.Unlock()
	for _, c := range waiting {
		c.Close()
	}
	return nil
}

// Addr returns a *[net.TCPAddr].
func (l *Listener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.local) }

// SetDeadline limits Accept, like that of [net.TCPListener].
func (l *Listener) SetDeadline(t time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.deadline = t
	l.notify()
	return nil
}

func (l *Listener) fail(op string, err error) error {
	return &net.OpError{Op: op, Net: "tcp", Addr: l.Addr(), Err: err}
}

// Dial connects to a listener from 127.0.0.1 (::1 for IPv6) and a free port. It
// takes one round trip. Networks: tcp, tcp4, tcp6.
func (n *Network) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	return n.dial(ctx, netip.Addr{}, network, addr)
}

// Dialer returns a Dial that connects from the address given.
func (n *Network) Dialer(from netip.Addr) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		return n.dial(ctx, from, network, addr)
	}
}

func (n *Network) dial(ctx context.Context, from netip.Addr, network, addr string) (net.Conn, error) {
	switch network {
	case "tcp", "tcp4", "tcp6":
	default:
		return nil, &net.OpError{Op: "dial", Net: network, Err: net.UnknownNetworkError(network)}
	}
	to, err := resolve(addr)
	fail := func(err error) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: network, Addr: net.TCPAddrFromAddrPort(to), Err: err}
	}
	if err != nil {
		return fail(err)
	}
	if err := sleep(ctx, 2*n.opt.Latency); err != nil {
		return fail(err)
	}
	if !from.IsValid() {
		from = netip.IPv6Loopback()
		if to.Addr().Is4() {
			from = netip.AddrFrom4([4]byte{127, 0, 0, 1})
		}
	}
	n.mu.Lock()
	l := n.listeners[to]
	if l == nil {
		n.mu.Unlock()
		return fail(syscall.ECONNREFUSED)
	}
	local, err := freePort(netip.AddrPortFrom(from, 0), n.streamTaken)
	if err != nil {
		n.mu.Unlock()
		return fail(err)
	}
	n.streams[local] = true
	n.mu.Unlock()

	there, back := n.pipe(local, to), n.pipe(to, local)
	ours := &Conn{net: n, local: local, remote: to, in: back, out: there, dialled: true}
	theirs := &Conn{net: n, local: to, remote: local, in: there, out: back}
	if !l.offer(theirs) {
		ours.Close()
		return fail(syscall.ECONNREFUSED)
	}
	return ours, nil
}

func (l *Listener) offer(c *Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || len(l.waiting) >= backlog {
		return false
	}
	l.waiting = append(l.waiting, c)
	l.notify()
	return true
}

func (n *Network) pipe(from, to netip.AddrPort) *pipe {
	arrival := func() time.Time {
		n.mu.Lock()
		defer n.mu.Unlock()
		return n.delay(n.flowOf(flowKey{stream: true, from: from, to: to}), time.Now())
	}
	return &pipe{arrival: arrival, segment: n.opt.Segment, window: n.opt.Window}
}

// sleep waits d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// Conn is one end of a stream. Nothing is lost on it; latency, jitter and
// segments apply.
type Conn struct {
	net           *Network
	local, remote netip.AddrPort
	in, out       *pipe
	dialled       bool // the local address is to be freed
	once          sync.Once
}

// Read implements [net.Conn].
func (c *Conn) Read(b []byte) (int, error) {
	n, err := c.in.read(b)
	return n, c.wrap("read", err)
}

// Write implements [net.Conn]; it blocks while Options.Window bytes are unread.
func (c *Conn) Write(b []byte) (int, error) {
	n, err := c.out.write(b)
	return n, c.wrap("write", err)
}

// CloseWrite ends our direction: the peer reads what is left, then EOF.
func (c *Conn) CloseWrite() error {
	c.out.endWrite()
	return nil
}

// Close ends both directions. The peer reads what is left, then EOF; its writes
// fail. A second Close returns [net.ErrClosed].
func (c *Conn) Close() error {
	err := c.wrap("close", net.ErrClosed)
	c.once.Do(func() {
		err = nil
		c.out.endWrite()
		c.in.endRead()
		if c.dialled {
			c.net.mu.Lock()
			delete(c.net.streams, c.local)
			c.net.mu.Unlock()
		}
	})
	return err
}

// LocalAddr returns a *[net.TCPAddr].
func (c *Conn) LocalAddr() net.Addr { return net.TCPAddrFromAddrPort(c.local) }

// RemoteAddr returns a *[net.TCPAddr].
func (c *Conn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.remote) }

// SetDeadline implements [net.Conn].
func (c *Conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline implements [net.Conn]; it reaches a Read that waits.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.in.deadline(&c.in.readDeadline, t)
	return nil
}

// SetWriteDeadline implements [net.Conn]; it reaches a Write that waits.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	c.out.deadline(&c.out.writeDeadline, t)
	return nil
}

func (c *Conn) wrap(op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return &net.OpError{Op: op, Net: "tcp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}
