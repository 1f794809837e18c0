package sip

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync/atomic"
	"time"
)

// udpSocket is one UDP socket of ours.
type udpSocket struct {
	pc    net.PacketConn
	fast  udpConn // pc, when it reads and writes without allocating
	local netip.AddrPort

	stun     stunClient
	external atomic.Pointer[External] // as STUN servers see it; nil: never asked
}

// udpConn is what *net.UDPConn can do.
type udpConn interface {
	ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error)
	WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error)
}

func newUDPSocket(pc net.PacketConn) *udpSocket {
	s := &udpSocket{pc: pc, local: addrPort(pc.LocalAddr())}
	s.fast, _ = pc.(udpConn)
	if b, ok := pc.(interface{ SetReadBuffer(int) error }); ok {
		b.SetReadBuffer(4 << 20) // as much as the kernel grants: bursts wait there
	}
	return s
}

// reaches says whether the socket's family can send to an address.
func (s *udpSocket) reaches(a netip.Addr) bool {
	l := s.local.Addr()
	return l.Is4() == a.Is4() || !l.Is4() && l.IsUnspecified()
}

// fits says whether both ends are on the loopback, or neither: what a socket of
// the wrong kind sends gets no answer.
func (s *udpSocket) fits(a netip.Addr) bool {
	return s.local.Addr().IsUnspecified() || s.local.Addr().IsLoopback() == a.IsLoopback()
}

func (s *udpSocket) write(to netip.AddrPort, b []byte) error {
	if s.fast != nil {
		_, err := s.fast.WriteToUDPAddrPort(b, to)
		return err
	}
	_, err := s.pc.WriteTo(b, net.UDPAddrFromAddrPort(to))
	return err
}

func (s *udpSocket) read(b []byte) (int, netip.AddrPort, error) {
	if s.fast != nil {
		n, from, err := s.fast.ReadFromUDPAddrPort(b)
		return n, netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), err
	}
	n, from, err := s.pc.ReadFrom(b)
	if err != nil {
		return n, netip.AddrPort{}, err
	}
	return n, addrPort(from), nil
}

// serve reads until the socket is closed. Other errors (ICMP, lack of memory)
// are waited out.
func (s *udpSocket) serve(ctx context.Context, e *Endpoint) {
	buf := make([]byte, maxMessage+1)
	for {
		n, from, err := s.read(buf)
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return
			}
			e.cfg.Log.Warn("sip: read failed", "err", err)
			pause(ctx, 10*time.Millisecond)
			continue
		}
		if isSTUN(buf[:n]) {
			s.stun.receive(buf[:n], from)
			continue
		}
		if n > maxMessage || n < 16 { // keep-alives are shorter than any message
			if n > 4 {
				e.stats.Junk.Add(1)
			}
			continue
		}
		e.receive(ctx, string(buf[:n]), hop{udp: s, addr: from})
	}
}

// pause waits d or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
