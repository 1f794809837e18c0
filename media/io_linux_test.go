package media

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestWhatComesAtOnceIsReadAtOnceUnlessThePacketsSayThatNoneIsBehind(t *testing.T) {
	pio, err := newPacketIO(Config{}, &Stats{}, clock{began: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	p := pio.(*epoll)
	defer p.stop()
	l := newLeg("a")
	sock, err := p.open(l, netip.MustParseAddrPort("127.0.0.1:0"), false)
	if err != nil {
		t.Fatal(err)
	}
	defer sock.close()
	s := sock.(*epollSocket)
	at := localOf(t, s.fd)
	peer, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(at))
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	sock.start()
	sock.connect(netip.MustParseAddrPort(peer.LocalAddr().String()))

	var heard []byte
	alone := false // what the packets say
	turn := func(say string) string {
		for i := range say {
			if _, err := peer.Write([]byte{say[i]}); err != nil {
				t.Fatal(err)
			}
		}
		heard = nil
		p.poll(0, func(l *leg, b []byte, _ netip.AddrPort, _ time.Duration, _ bool) {
			heard = append(heard, b...)
			l.more = !alone
		})
		return string(heard)
	}
	for _, step := range []struct {
		alone     bool
		say, want string
	}{
		{false, "abc", "abc"},                 // of all who may send
		{false, "def", "def"},                 // of the peer alone
		{true, "g", "g"},                      // one, and not looked for a second
		{true, "hi", "h"},                     // wrongly
		{false, "", ""},                       // not told again
		{false, "jkl", "ijkl"},                // with the next one
		{false, longText[:40], longText[:32]}, // as much as a turn may read
		{false, "", longText[32:40]},          // the rest in the next
		{false, "m", "m"},                     // and on
	} {
		alone = step.alone
		if got := turn(step.say); got != step.want {
			t.Errorf("%q was sent, alone %v: got %q, want %q", step.say, step.alone, got, step.want)
		}
	}

	// After a stall each socket has its turns, until all are empty.
	alone = true
	p.tick = p.clock.now() - time.Second
	if got := turn("nopq"); got != "nopq" {
		t.Errorf("after a stall: got %q, want all", got)
	}
}

const longText = "0123456789012345678901234567890123456789"

func localOf(t *testing.T, fd int) netip.AddrPort {
	t.Helper()
	sa, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(sa.(*unix.SockaddrInet4).Port))
}
