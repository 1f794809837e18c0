package media

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	portableQueue = 8192 // datagrams waiting for the shard; more are dropped
	portableBatch = 256  // datagrams handed over before the clock is looked at
)

// portable reads each socket in a goroutine of its own and hands datagrams to
// the shard over a bounded queue. It works with any net.PacketConn.
type portable struct {
	listen func(netip.AddrPort) (net.PacketConn, error)
	stats  *Stats
	clock  clock
	queue  chan *datagram
	free   chan *datagram // spent datagrams, for reuse
	wakes  chan struct{}
	timer  *time.Timer
	armed  time.Duration // what timer is set to; 0 = not set
	wg     sync.WaitGroup
}

type datagram struct {
	sock *portableSocket
	from netip.AddrPort
	at   time.Duration
	n    int
	b    [maxPacket + 1]byte
}

func newPortable(cfg Config, stats *Stats, c clock) *portable {
	p := &portable{
		listen: cfg.Listen,
		stats:  stats,
		clock:  c,
		queue:  make(chan *datagram, portableQueue),
		free:   make(chan *datagram, portableQueue),
		wakes:  make(chan struct{}, 1),
	}
	if p.listen == nil {
		p.listen = func(a netip.AddrPort) (net.PacketConn, error) {
			return net.ListenUDP("udp", net.UDPAddrFromAddrPort(a))
		}
	}
	return p
}

func (p *portable) open(l *leg, at netip.AddrPort, control bool) (socket, error) {
	conn, err := p.listen(at)
	if err != nil {
		if errors.Is(err, syscall.EADDRINUSE) {
			return nil, fmt.Errorf("%w: %w", errPortBusy, err)
		}
		return nil, err
	}
	s := &portableSocket{io: p, leg: l, conn: conn, control: control}
	s.owner.Store(p)
	s.fast, _ = conn.(addrPortConn)
	return s, nil
}

func (p *portable) wake() {
	select {
	case p.wakes <- struct{}{}:
	default:
	}
}

func (p *portable) poll(deadline time.Duration, f deliver) {
	d := deadline - p.clock.now()
	if d > 0 {
		if p.timer == nil {
			p.timer = time.NewTimer(d)
		} else if p.armed != deadline {
			p.timer.Reset(d)
		}
		p.armed = deadline
		select {
		case dg := <-p.queue:
			p.hand(dg, f)
		case <-p.wakes:
		case <-p.timer.C:
			p.armed = 0
		}
	}
	for range portableBatch {
		select {
		case dg := <-p.queue:
			p.hand(dg, f)
		default:
			return
		}
	}
}

func (p *portable) hand(dg *datagram, f deliver) {
	owner := dg.sock.owner.Load()
	if owner != p {
		// The leg went to another shard, or is on its way.
		if owner == nil {
			owner = p
		}
		owner.enqueue(dg)
		return
	}
	if !dg.sock.closed {
		f(dg.sock.leg, dg.b[:dg.n], dg.from, dg.at, dg.sock.control)
	}
	dg.sock = nil
	select {
	case p.free <- dg:
	default:
	}
}

// slow has nothing to do: poll hands over everything.
func (p *portable) slow(deliver) {}

func (p *portable) stop() {
	p.wg.Wait()
	if p.timer != nil {
		p.timer.Stop()
	}
}

// addrPortConn is what real and simulated UDP sockets can do without allocating.
type addrPortConn interface {
	ReadFromUDPAddrPort([]byte) (int, netip.AddrPort, error)
	WriteToUDPAddrPort([]byte, netip.AddrPort) (int, error)
}

type portableSocket struct {
	io      *portable                // that began to read it
	owner   atomic.Pointer[portable] // whose shard has the leg; nil between two
	leg     *leg
	conn    net.PacketConn
	fast    addrPortConn // nil if conn is another kind
	control bool         // for RTCP
	closed  bool         // the shard's
	to      netip.AddrPort
	toAddr  net.Addr // to, as conn wants it without fast
}

func (s *portableSocket) start() {
	// Owned by the shard, which waits for it in stop; ends when close closes conn.
	s.io.wg.Go(s.read)
}

func (s *portableSocket) read() {
	dg := s.io.blank()
	for {
		n, from, err := s.readOne(dg.b[:])
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			// A broken socket must not spin; an ICMP answer is over at once.
			time.Sleep(10 * time.Millisecond)
			continue
		}
		dg.sock, dg.n, dg.from, dg.at = s, n, plain(from), s.io.clock.now()
		io := s.owner.Load()
		for ; io == nil; io = s.owner.Load() {
			time.Sleep(time.Millisecond) // between two shards
		}
		io.enqueue(dg)
		dg = s.io.blank()
	}
}

// enqueue hands a datagram to the shard, or drops it when there is no room.
func (p *portable) enqueue(dg *datagram) {
	select {
	case p.queue <- dg:
	default:
		p.stats.QueueDrops.Add(1)
	}
}

func (s *portableSocket) readOne(b []byte) (int, netip.AddrPort, error) {
	if s.fast != nil {
		return s.fast.ReadFromUDPAddrPort(b)
	}
	n, addr, err := s.conn.ReadFrom(b)
	if u, ok := addr.(*net.UDPAddr); ok {
		return n, u.AddrPort(), err
	}
	return n, netip.AddrPort{}, err
}

func (p *portable) blank() *datagram {
	select {
	case dg := <-p.free:
		return dg
	default:
		return new(datagram)
	}
}

func (s *portableSocket) send(b []byte, to netip.AddrPort) error {
	if s.fast != nil {
		_, err := s.fast.WriteToUDPAddrPort(b, to)
		return err
	}
	if to != s.to {
		s.to, s.toAddr = to, net.UDPAddrFromAddrPort(to)
	}
	_, err := s.conn.WriteTo(b, s.toAddr)
	return err
}

func (s *portableSocket) detach() { s.owner.Store(nil) }

func (s *portableSocket) attach(to packetIO) { s.owner.Store(to.(*portable)) }

func (s *portableSocket) connect(netip.AddrPort) {}

func (s *portableSocket) close() {
	s.closed = true
	s.conn.Close()
}

// plain takes the IPv4 out of an IPv6-mapped address, so that addresses compare.
func plain(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}
