//go:build !linux

package callload

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// voice is an audio socket.
type voice struct{ conn *net.UDPConn }

func newVoice(ip netip.Addr) (*voice, netip.AddrPort, error) {
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip, 0)))
	if err != nil {
		return nil, netip.AddrPort{}, fmt.Errorf("callload: audio: %w", err)
	}
	_ = c.SetReadBuffer(256 << 10)
	return &voice{c}, c.LocalAddr().(*net.UDPAddr).AddrPort(), nil
}

// send is UDP's: a send that fails is a packet lost, and counted as one.
func (v *voice) send(b []byte, to netip.AddrPort) { _, _ = v.conn.WriteToUDPAddrPort(b, to) }

func (v *voice) close() { _ = v.conn.Close() }

// ears read what comes to all streams of a run, each with a goroutine.
type ears struct{}

func (e *ears) add(s *stream) {
	s.run.wg.Go(func() { s.hear() }) // owned by the run; ends when the stream is closed
}

func (e *ears) remove(*stream) {}

func (e *ears) keep(_ *run, done <-chan struct{}) { <-done }

// hear reads until the socket is closed.
func (s *stream) hear() {
	b := make([]byte, 1500)
	for {
		n, _, err := s.voice.conn.ReadFromUDPAddrPort(b)
		if err != nil { // or a passing one: ICMP, nobody listens there
			if errors.Is(err, net.ErrClosed) {
				return
			}
			time.Sleep(time.Millisecond)
			continue
		}
		s.take(b[:n], s.run.now())
	}
}
