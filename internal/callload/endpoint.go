package callload

import (
	"crypto/rand"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// Timers of RFC 3261 section 17: the first resend comes after t1, each next one
// after twice the time, up to t2.
const (
	t1 = 500 * time.Millisecond
	t2 = 4 * time.Second
)

// endpoint is one SIP socket.
type endpoint struct {
	conn *net.UDPConn
	addr netip.AddrPort
}

// socketBytes is the receive buffer of SIP sockets: a burst of set-ups waits in it.
const socketBytes = 4 << 20

func listen(at netip.AddrPort) (*endpoint, error) {
	if !at.Addr().IsLoopback() {
		return nil, fmt.Errorf("callload: listen: %s is no loopback address", at)
	}
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
	if err != nil {
		return nil, fmt.Errorf("callload: listen: %w", err)
	}
	_ = c.SetReadBuffer(socketBytes)
	_ = c.SetWriteBuffer(socketBytes)
	return &endpoint{c, c.LocalAddr().(*net.UDPAddr).AddrPort()}, nil
}

// read hands each message to f, in order, until the socket is closed.
func (e *endpoint) read(f func(m message, from netip.AddrPort)) {
	b := make([]byte, 1<<16)
	for {
		n, from, err := e.conn.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		if m, ok := parse(b[:n]); ok {
			f(m, from)
		}
	}
}

// send is UDP's best effort; what is lost is sent again by timers.
func (e *endpoint) send(to netip.AddrPort, text string) {
	_, _ = e.conn.WriteToUDPAddrPort([]byte(text), to)
}

// token is a fresh tag, branch or Call-ID.
func token() string { return rand.Text() }

// resend sends now and again until done is closed or 64 t1 have passed; it tells
// whether done came.
func (l *Load) resend(done <-chan struct{}, send func()) bool {
	wait := t1
	t := time.NewTimer(wait)
	defer t.Stop()
	limit := time.Now().Add(64 * t1)
	for first := true; ; first = false {
		if !first {
			l.resent.Add(1)
		}
		send()
		t.Reset(wait)
		select {
		case <-done:
			return true
		case <-l.closed:
			return false
		case <-t.C:
			if time.Now().After(limit) {
				return false
			}
			wait = min(2*wait, t2)
		}
	}
}
