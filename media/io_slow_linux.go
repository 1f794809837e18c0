package media

import (
	"encoding/binary"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// slow reads the control sockets. Their datagrams may have waited for a while,
// so the kernel notes when each came: a round trip is measured by that.
func (p *epoll) slow(f deliver) {
	n, err := unix.EpollWait(p.slowFD, p.events, 0)
	if err != nil {
		return // EINTR: the next look sees what waits
	}
	for _, ev := range p.events[:n] {
		p.readSlow(int(ev.Fd), f)
	}
}

func (p *epoll) readSlow(fd int, f deliver) {
	var oob [64]byte
	for range controlBurst {
		s := p.socks[fd]
		if s == nil {
			return // closed by what came on it
		}
		n, k, _, from, err := unix.Recvmsg(fd, p.buf[:], oob[:], 0)
		switch {
		case err == unix.ECONNREFUSED:
			continue // an ICMP answer to something we sent
		case err != nil:
			return
		}
		f(s.leg, p.buf[:n], sourceOf(from), p.stamped(oob[:k]), true)
	}
}

// stamped is when the kernel took a datagram; now where it does not say.
func (p *epoll) stamped(oob []byte) time.Duration {
	now := p.clock.now()
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return now
	}
	for _, m := range messages {
		if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SCM_TIMESTAMPNS && len(m.Data) == 16 {
			at := time.Unix(int64(binary.NativeEndian.Uint64(m.Data)), int64(binary.NativeEndian.Uint64(m.Data[8:])))
			// Wall clocks may be set; a wait is never long.
			return now - min(max(time.Since(at), 0), 2*houseTime)
		}
	}
	return now
}

func sourceOf(sa unix.Sockaddr) netip.AddrPort {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(sa.Addr).Unmap(), uint16(sa.Port))
	}
	return netip.AddrPort{}
}
