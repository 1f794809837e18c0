package simnet

import (
	"net"
	"net/netip"
	"os"
	"slices"
	"syscall"
	"time"
)

// PacketConn is a datagram socket. Sending never blocks.
type PacketConn struct {
	net   *Network
	local netip.AddrPort

	gate                     // guards the fields below
	queue         []datagram // by arrival, sender, order of sending
	closed        bool
	readDeadline  time.Time
	writeDeadline time.Time
}

type datagram struct {
	due  time.Time
	from netip.AddrPort
	seq  uint64
	data []byte
}

func (d datagram) compare(e datagram) int {
	if c := d.due.Compare(e.due); c != 0 {
		return c
	}
	if c := d.from.Compare(e.from); c != 0 {
		return c
	}
	if d.seq < e.seq {
		return -1
	}
	return 1
}

// ListenPacket opens a datagram socket at "host:port"; port 0 takes the next
// free one, an unspecified host means 127.0.0.1. The result is a *[PacketConn].
func (n *Network) ListenPacket(addr string) (net.PacketConn, error) {
	a, err := resolve(addr)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: "udp", Err: err}
	}
	return n.ListenUDP(a)
}

// ListenUDP is ListenPacket for an address already parsed.
func (n *Network) ListenUDP(addr netip.AddrPort) (net.PacketConn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	a, err := freePort(normal(addr), func(a netip.AddrPort) bool { return n.packets[a] != nil })
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: "udp", Addr: net.UDPAddrFromAddrPort(a), Err: err}
	}
	c := &PacketConn{net: n, local: a}
	n.packets[a] = c
	return c, nil
}

// ReadFrom implements [net.PacketConn]. A datagram longer than b is cut.
func (c *PacketConn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := c.ReadFromUDPAddrPort(b)
	if err != nil {
		return 0, nil, err
	}
	return n, net.UDPAddrFromAddrPort(from), nil
}

// ReadFromUDPAddrPort is like that of [net.UDPConn].
func (c *PacketConn) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		now := time.Now()
		var next time.Time
		switch {
		case c.closed:
			return 0, netip.AddrPort{}, c.fail("read", net.ErrClosed)
		case passed(c.readDeadline, now):
			return 0, netip.AddrPort{}, c.fail("read", os.ErrDeadlineExceeded)
		case len(c.queue) > 0 && !c.queue[0].due.After(now):
			d := c.queue[0]
			c.queue[0] = datagram{}
			c.queue = c.queue[1:]
			c.net.stats.Delivered.Add(1)
			return copy(b, d.data), d.from, nil
		case len(c.queue) > 0:
			next = c.queue[0].due
		}
		c.wait(next, c.readDeadline)
	}
}

// WriteTo implements [net.PacketConn].
func (c *PacketConn) WriteTo(b []byte, addr net.Addr) (int, error) {
	var to netip.AddrPort
	if u, ok := addr.(*net.UDPAddr); ok && u != nil {
		to = u.AddrPort()
	} else if addr == nil {
		return 0, c.fail("write", syscall.EDESTADDRREQ)
	} else {
		var err error
		if to, err = resolve(addr.String()); err != nil {
			return 0, c.fail("write", err)
		}
	}
	return c.WriteToUDPAddrPort(b, to)
}

// WriteToUDPAddrPort is like that of [net.UDPConn]. As on a real network,
// nothing tells the sender that a datagram did not arrive.
func (c *PacketConn) WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error) {
	now := time.Now()
	c.mu.Lock()
	closed, late := c.closed, passed(c.writeDeadline, now)
	c.mu.Unlock()
	switch {
	case closed:
		return 0, c.fail("write", net.ErrClosed)
	case late:
		return 0, c.fail("write", os.ErrDeadlineExceeded)
	case len(b) > maxDatagram:
		return 0, c.fail("write", syscall.EMSGSIZE)
	case to.Port() == 0 || !to.Addr().IsValid():
		return 0, c.fail("write", syscall.EINVAL)
	}
	c.net.send(c.local, normal(to), b, now)
	return len(b), nil
}

// send decides the fate of one datagram and queues it at its receiver.
func (n *Network) send(from, to netip.AddrPort, b []byte, now time.Time) {
	n.stats.Sent.Add(1)
	if f := n.filter.Load(); f != nil && !(*f)(from.String(), to.String(), b) {
		n.stats.Filtered.Add(1)
		return
	}
	n.mu.Lock()
	f := n.flowOf(flowKey{from: from, to: to})
	f.sent++
	// Always the same number of draws, so that one option does not shift another's.
	lost, twice, held := f.rnd.Float64(), f.rnd.Float64(), f.rnd.Float64()
	d := datagram{due: n.delay(f, now), from: from, seq: f.sent, data: slices.Clone(b)}
	dst := n.packets[to]
	n.mu.Unlock()

	if lost < n.opt.Loss {
		n.stats.Lost.Add(1)
		return
	}
	if held < n.opt.Reorder {
		d.due = d.due.Add(n.opt.ReorderBy)
	}
	if dst == nil {
		n.stats.Unreachable.Add(1)
		return
	}
	dst.queueUp(d)
	if twice < n.opt.Duplicate {
		dst.queueUp(d)
	}
}

func (c *PacketConn) queueUp(d datagram) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		c.net.stats.Unreachable.Add(1)
		return
	case len(c.queue) >= maxQueued:
		c.net.stats.Overflowed.Add(1)
		return
	}
	i := len(c.queue)
	for i > 0 && d.compare(c.queue[i-1]) < 0 {
		i--
	}
	c.queue = slices.Insert(c.queue, i, d)
	if i == 0 {
		c.notify()
	}
}

// Close frees the address; what is on its way is gone. Readers get
// [net.ErrClosed], and so does a second Close.
func (c *PacketConn) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return c.fail("close", net.ErrClosed)
	}
	c.closed, c.queue = true, nil
	c.notify()
	c.mu.Unlock()

	c.net.mu.Lock()
	delete(c.net.packets, c.local)
	c.net.mu.Unlock()
	return nil
}

// LocalAddr returns a *[net.UDPAddr].
func (c *PacketConn) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(c.local) }

// SetDeadline implements [net.PacketConn].
func (c *PacketConn) SetDeadline(t time.Time) error { return c.deadlines(&t, &t) }

// SetReadDeadline implements [net.PacketConn]; it reaches a Read that waits.
func (c *PacketConn) SetReadDeadline(t time.Time) error { return c.deadlines(&t, nil) }

// SetWriteDeadline implements [net.PacketConn].
func (c *PacketConn) SetWriteDeadline(t time.Time) error { return c.deadlines(nil, &t) }

func (c *PacketConn) deadlines(read, write *time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return c.fail("set", net.ErrClosed)
	}
	if read != nil {
		c.readDeadline = *read
	}
	if write != nil {
		c.writeDeadline = *write
	}
	c.notify()
	return nil
}

// SetReadBuffer and SetWriteBuffer exist for callers who tune real sockets.
func (c *PacketConn) SetReadBuffer(int) error { return nil }

// SetWriteBuffer does nothing; see SetReadBuffer.
func (c *PacketConn) SetWriteBuffer(int) error { return nil }

func (c *PacketConn) fail(op string, err error) error {
	return &net.OpError{Op: op, Net: "udp", Addr: c.LocalAddr(), Err: err}
}
