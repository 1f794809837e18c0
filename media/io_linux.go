package media

import (
	"errors"
	"fmt"
	"net/netip"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	epollBatch = 256 // sockets looked at per epoll_wait
	epollDrain = 32  // datagrams taken from one socket per tick when there may be a queue
	epollIdle  = 100 * time.Millisecond
)

// newPacketIO takes epoll for real sockets, and the portable way for injected
// ones or when asked for.
func newPacketIO(cfg Config, stats *Stats, c clock) (packetIO, error) {
	if cfg.Portable || cfg.Listen != nil {
		return newPortable(cfg, stats, c), nil
	}
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	slow, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		unix.Close(ep)
		return nil, fmt.Errorf("epoll: %w", err)
	}
	m, err := newMetronome(c)
	if err != nil {
		unix.Close(ep)
		unix.Close(slow)
		return nil, err
	}
	return &epoll{
		fd: ep, slowFD: slow, stats: stats, clock: c, metronome: m,
		wakes:  make(chan struct{}, 1),
		events: make([]unix.EpollEvent, epollBatch),
	}, nil
}

// epoll sleeps to an absolute tick of 5 ms and then reads what has come on raw
// non-blocking sockets: not waking per packet is what makes it cheap. No call of
// it tells the scheduler that it may block, because none does. All but wake and
// open belong to the shard.
type epoll struct {
	fd        int
	slowFD    int // control sockets, looked at some times a second
	stats     *Stats
	clock     clock
	metronome *metronome
	wakes     chan struct{}
	tick      time.Duration  // the last one
	socks     []*epollSocket // by descriptor
	count     int
	events    []unix.EpollEvent
	again     []*epollSocket // there may be more to read than was
	spare     []*epollSocket // the other half of again
	from      unix.RawSockaddrAny
	buf       [maxPacket + 1]byte
}

func (p *epoll) open(l *leg, at netip.AddrPort, control bool) (socket, error) {
	family := unix.AF_INET6
	if at.Addr().Unmap().Is4() {
		family = unix.AF_INET
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	s := &epollSocket{io: p, leg: l, fd: fd, v6: family == unix.AF_INET6, control: control}
	if control {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	}
	if s.v6 {
		// The unspecified address takes IPv4 too, as net.ListenUDP has it.
		only := 1
		if at.Addr().IsUnspecified() {
			only = 0
		}
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, only)
	}
	s.put(plain(at))
	if err := s.call(unix.SYS_BIND); err != 0 {
		unix.Close(fd)
		if err == unix.EADDRINUSE {
			return nil, fmt.Errorf("%w: %w", errPortBusy, err)
		}
		return nil, fmt.Errorf("bind %v: %w", at, err)
	}
	s.to = netip.AddrPort{}
	return s, nil
}

func (p *epoll) wake() {
	select {
	case p.wakes <- struct{}{}:
	default:
	}
}

// poll sleeps until the next tick, whatever the deadline, which is one too. A
// wake is only needed while there is no socket.
func (p *epoll) poll(_ time.Duration, f deliver) {
	if p.count == 0 {
		p.metronome.stop()
		select {
		case <-p.wakes:
		case <-time.After(epollIdle):
		}
		p.tick = p.clock.now()
		return
	}
	late := p.sleep()
	at, limit := p.clock.now(), tickTime
	if late {
		limit = catchUp
	}
	p.reread(at, late, f)
	for {
		n := p.ready()
		p.readAll(p.events[:n], at, late, f)
		switch {
		case p.clock.now()-at > limit:
			return // the kernel keeps what it has not told yet
		case n == len(p.events):
			// What has not been read at all goes first.
		case late && len(p.again) > 0:
			// After a stall all sockets are emptied in turns, so that what two legs
			// said at one time is handed over at one time.
			p.reread(at, late, f)
		default:
			return
		}
	}
}

// readAll reads the sockets of a batch, with their memory asked for in advance.
func (p *epoll) readAll(events []unix.EpollEvent, at time.Duration, turns bool, f deliver) {
	var line foreseen
	for i := -foresight; i < len(events); i++ {
		var next *epollSocket
		if i+foresight < len(events) {
			next = p.socks[events[i+foresight].Fd]
		}
		line.push(next)
		if i < 0 {
			continue
		}
		if s := p.socks[events[i].Fd]; s != nil && p.read(s, at, turns, f) {
			p.again = append(p.again, s)
		}
	}
}

// reread reads the sockets once more that may have more.
func (p *epoll) reread(at time.Duration, turns bool, f deliver) {
	if len(p.again) == 0 {
		return
	}
	again := p.again
	p.again = p.spare[:0]
	for _, s := range again {
		if s.alive() && p.read(s, at, turns, f) {
			p.again = append(p.again, s)
		}
	}
	clear(again)
	p.spare = again
}

// sleep waits for the next tick; late is true if that has long passed, so that
// queues may have built up.
func (p *epoll) sleep() (late bool) {
	next := p.tick - p.tick%tickTime + tickTime
	if now := p.clock.now(); now >= next {
		p.tick = now
		return now-next > tickTime
	}
	p.tick = next
	p.metronome.wait(next)
	return false
}

// ready asks for the sockets with something to read. It never blocks, so the
// scheduler need not know: its watchdog would wake for each call that may.
func (p *epoll) ready() int {
	n, _, err := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.fd),
		uintptr(unsafe.Pointer(&p.events[0])), uintptr(len(p.events)), 0, 0, 0)
	if err != 0 {
		return 0 // the next tick sees what waits
	}
	return int(n)
}

// catchUp is how long the queues of all sockets may be read after a stall.
const catchUp = 100 * time.Millisecond

// read empties a socket's queue, of which the kernel tells but once, as far as
// one tick may: it is true if there may be more. From a connected socket one
// datagram is enough, as a rule: there is no second one behind an audio packet
// that came in time. In turns it takes one at a time.
func (p *epoll) read(s *epollSocket, at time.Duration, turns bool, f deliver) bool {
	for range epollDrain {
		n, err := p.receive(s)
		pure := s.pure
		switch {
		case err == unix.ECONNREFUSED:
			continue // an ICMP answer to something we sent
		case err != 0:
			s.pure = s.connected
			return false
		case pure:
			f(s.leg, p.buf[:n], s.peer, at, false)
		default:
			f(s.leg, p.buf[:n], addrOf(&p.from), at, false)
		}
		switch {
		case !s.alive():
			return false
		case pure && turns:
			return true
		case pure && !s.leg.more:
			return false
		}
	}
	return true
}

// receive takes a datagram into buf and, unless only the peer's can be there,
// its source into from.
func (p *epoll) receive(s *epollSocket) (int, unix.Errno) {
	if s.pure {
		n, _, err := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(s.fd),
			uintptr(unsafe.Pointer(&p.buf[0])), uintptr(len(p.buf)), 0, 0, 0)
		return int(n), err
	}
	size := uint32(unix.SizeofSockaddrAny)
	n, _, err := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(s.fd),
		uintptr(unsafe.Pointer(&p.buf[0])), uintptr(len(p.buf)), 0,
		uintptr(unsafe.Pointer(&p.from)), uintptr(unsafe.Pointer(&size)))
	return int(n), err
}

func (p *epoll) stop() {
	p.metronome.close()
	unix.Close(p.fd)
	unix.Close(p.slowFD)
}

// addrOf reads a source address as the kernel wrote it.
func addrOf(sa *unix.RawSockaddrAny) netip.AddrPort {
	switch sa.Addr.Family {
	case unix.AF_INET:
		in := (*unix.RawSockaddrInet4)(unsafe.Pointer(sa))
		return netip.AddrPortFrom(netip.AddrFrom4(in.Addr), swap(in.Port))
	case unix.AF_INET6:
		in := (*unix.RawSockaddrInet6)(unsafe.Pointer(sa))
		return netip.AddrPortFrom(netip.AddrFrom16(in.Addr).Unmap(), swap(in.Port))
	}
	return netip.AddrPort{}
}

// swap turns a port between network order in memory and a number.
func swap(port uint16) uint16 {
	b := (*[2]byte)(unsafe.Pointer(&port))
	return uint16(b[0])<<8 | uint16(b[1])
}

// epollSocket is a raw socket. The address it last sent to is kept as the
// kernel wants it.
type epollSocket struct {
	leg       *leg
	io        *epoll
	fd        int
	v6        bool
	control   bool
	started   bool // before that the socket is its opener's, later the shard's
	connected bool
	pure      bool           // connected, and what strangers sent before has been read
	peer      netip.AddrPort // while connected
	to        netip.AddrPort // what sa holds
	sa        unix.RawSockaddrInet6
}

// sa4 is sa for an IPv4 socket, in the same room.
func (s *epollSocket) sa4() *unix.RawSockaddrInet4 {
	return (*unix.RawSockaddrInet4)(unsafe.Pointer(&s.sa))
}

// put writes an address into sa4 or sa6.
func (s *epollSocket) put(a netip.AddrPort) {
	s.to = a
	if s.v6 {
		s.sa = unix.RawSockaddrInet6{Family: unix.AF_INET6, Port: swap(a.Port()), Addr: a.Addr().As16()}
		return
	}
	sa := s.sa4()
	*sa = unix.RawSockaddrInet4{Family: unix.AF_INET, Port: swap(a.Port())}
	if a.Addr().Is4() {
		sa.Addr = a.Addr().As4()
	}
}

// sockaddr is the address in sa as system calls take it.
func (s *epollSocket) sockaddr() (unsafe.Pointer, uintptr) {
	if s.v6 {
		return unsafe.Pointer(&s.sa), unix.SizeofSockaddrInet6
	}
	return unsafe.Pointer(&s.sa), unix.SizeofSockaddrInet4
}

// call does bind or connect with the address in sa.
func (s *epollSocket) call(trap uintptr) unix.Errno {
	sa, size := s.sockaddr()
	_, _, err := unix.RawSyscall(trap, uintptr(s.fd), uintptr(sa), size)
	return err
}

func (s *epollSocket) start() {
	s.started = true
	for len(s.io.socks) <= s.fd {
		s.io.socks = append(s.io.socks, nil)
	}
	s.io.socks[s.fd] = s
	s.io.count++
	// Of audio the kernel tells once, when it comes: else it would look at each
	// socket a second time, to find that it has been read.
	ev := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: int32(s.fd)}
	ep := s.io.fd
	if s.control {
		ep, ev.Events = s.io.slowFD, unix.EPOLLIN
	}
	if err := unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, s.fd, &ev); err != nil {
		s.io.stats.SendErrors.Add(1)
	}
}

func (s *epollSocket) send(b []byte, to netip.AddrPort) error {
	if s.connected && to == s.peer {
		err := s.write(b, nil, 0)
		if err == unix.ECONNREFUSED {
			err = s.write(b, nil, 0) // that was an answer to an earlier packet
		}
		if err != 0 {
			return err
		}
		return nil
	}
	if to != s.to {
		if !s.v6 && !to.Addr().Is4() {
			return errFamily
		}
		s.put(to)
	}
	sa, size := s.sockaddr()
	if err := s.write(b, sa, size); err != 0 {
		return err
	}
	return nil
}

var errFamily = errors.New("an IPv4 socket cannot send to IPv6")

func (s *epollSocket) write(b []byte, sa unsafe.Pointer, size uintptr) unix.Errno {
	_, _, err := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(s.fd),
		uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), 0, uintptr(sa), size)
	return err
}

func (s *epollSocket) connect(to netip.AddrPort) {
	if !to.IsValid() {
		if s.connected {
			s.connected, s.pure = false, false
			s.sa, s.to = unix.RawSockaddrInet6{Family: unix.AF_UNSPEC}, netip.AddrPort{}
			_, _, _ = unix.RawSyscall(unix.SYS_CONNECT, uintptr(s.fd), uintptr(unsafe.Pointer(&s.sa)), unix.SizeofSockaddrInet4)
		}
		return
	}
	if !s.v6 && !to.Addr().Is4() {
		return
	}
	s.put(to)
	if s.call(unix.SYS_CONNECT) == 0 {
		s.connected, s.pure, s.peer = true, false, to
	}
}

// alive is false once the socket was closed or given away.
func (s *epollSocket) alive() bool {
	return s.started && s.fd < len(s.io.socks) && s.io.socks[s.fd] == s
}

func (s *epollSocket) detach() {
	s.io.socks[s.fd] = nil
	s.io.count--
	ep := s.io.fd
	if s.control {
		ep = s.io.slowFD
	}
	_ = unix.EpollCtl(ep, unix.EPOLL_CTL_DEL, s.fd, nil)
}

func (s *epollSocket) attach(to packetIO) {
	s.io = to.(*epoll)
	s.start()
}

func (s *epollSocket) close() {
	if s.alive() {
		s.io.socks[s.fd] = nil
		s.io.count--
	}
	unix.Close(s.fd)
}
