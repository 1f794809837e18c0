package media

import (
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"
)

// Both address families on real sockets, and IPv4 peers at a socket of both.
func TestAnyAddressFamilyIsHeardAndAnswered(t *testing.T) {
	for _, c := range []struct{ name, local, peer string }{
		{"IPv4", "127.0.0.1", "127.0.0.1"},
		{"any IPv4", "0.0.0.0", "127.0.0.1"},
		{"IPv6", "::1", "::1"},
		{"any, IPv6 peer", "::", "::1"},
		{"any, IPv4 peer", "::", "127.0.0.1"},
	} {
		for _, portable := range []bool{false, true} {
			t.Run(c.name, func(t *testing.T) {
				conn, err := net.ListenPacket("udp", net.JoinHostPort(c.peer, "0"))
				if err != nil {
					t.Skipf("no such address here: %v", err)
				}
				defer conn.Close()
				r := newRig(t, Config{Addr: netip.MustParseAddr(c.local), Portable: portable, PortMin: 20000, PortMax: 29998})
				defer r.stop()
				r.e.AddClip("c", make([]byte, 800))
				local, err := r.e.Open("a")
				if err != nil {
					t.Fatal(err)
				}
				peer := conn.LocalAddr().(*net.UDPAddr).AddrPort()
				r.e.Do(SetRemote{Leg: "a", Addr: peer, Send: true, Receive: true})
				r.e.Do(Play{Leg: "a", ID: 1, Clips: []ClipID{"c"}, Loop: true})
				b := make([]byte, 2000)
				var from net.Addr
				for range 3 {
					if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
						t.Fatal(err)
					}
					if _, from, err = conn.ReadFrom(b); err != nil {
						t.Fatalf("got no packet: %v", err)
					}
				}
				if got := from.(*net.UDPAddr).Port; got != int(local.Addr.Port()) {
					t.Errorf("got packets from port %d, want %d", got, local.Addr.Port())
				}
				if _, err := conn.WriteTo(speech(), from); err != nil {
					t.Fatal(err)
				}
				for try := 0; len(told[Heard](r)) == 0; try++ {
					if try == 1000 {
						t.Fatal("was not heard")
					}
					time.Sleep(10 * time.Millisecond)
				}
			})
		}
	}
}

func TestAPortThatSomebodyHoldsIsPassedOver(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	held := uint16(conn.LocalAddr().(*net.UDPAddr).Port) &^ 1
	other, err := net.ListenPacket("udp", netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), held).String())
	if err == nil {
		defer other.Close()
	}
	for _, portable := range []bool{false, true} {
		r := newRig(t, Config{Portable: portable, PortMin: held, PortMax: held + 1})
		if _, err := r.e.Open("a"); err != ErrNoPorts {
			t.Errorf("portable %v: got %v, want ErrNoPorts", portable, err)
		}
		if n := r.e.Stats().PortsBusy.Load(); n == 0 {
			t.Errorf("portable %v: the busy port was not counted", portable)
		}
		r.stop()
	}
}

func TestNothingIsOpenedAfterTheEnd(t *testing.T) {
	everywhere(t, func(r *rig) {
		r.leg("a")
		r.stop()
		want := ErrClosed
		if r.child {
			want = ErrDown
		}
		if _, err := r.e.Open("b"); !errors.Is(err, want) {
			r.t.Errorf("got %v, want %v", err, want)
		}
		r.e.Do(Close{Leg: "a"})
		if n := len(told[Closed](r)); n != 1 {
			r.t.Errorf("got %d Closed, want 1", n)
		}
		if n := r.e.Stats().Legs.Load(); n != 0 && !r.child { // nobody tells of a process that has ended

			r.t.Errorf("got %d legs, want none", n)
		}
	})
}
