package sip

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// A few things over real sockets of the loopback, in real time.

// real runs an endpoint on sockets of its own.
func real(t *testing.T, change func(*Config)) (e *Endpoint, addr string) {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", pc.LocalAddr().String())
	if err != nil {
		pc.Close()
		t.Skip("the port is taken for TCP: ", err)
	}
	c := Config{Packet: []net.PacketConn{pc}, Stream: []net.Listener{ln}, Workers: 2}
	if change != nil {
		change(&c)
	}
	if e, err = New(c); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { e.Run(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
	return e, pc.LocalAddr().String()
}

func TestTransfersAndLargeRequestsOverRealSockets(t *testing.T) {
	for _, tp := range []string{"udp", "tcp"} {
		t.Run(tp, func(t *testing.T) {
			in := newLeg("callee")
			calls := make(chan *Incoming, 1)
			server, addr := real(t, func(c *Config) { c.OnCall = func(i *Incoming) Inbox { calls <- i; return in } })
			client, _ := real(t, nil)
			server.SetTrunks([]Trunk{{Name: "client", Addresses: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Trusted: true}})
			client.SetTrunks([]Trunk{{Name: "server", Peers: []string{"sip:" + addr + ";transport=" + tp}, KeepAlive: time.Hour}})
			targets, _ := client.Trunk("server", "4000")
			out := newLeg("caller")
			out.Dialog = client.Dial(Invite{Targets: targets, From: Address{User: "x"}, Headers: [][2]string{{"X-Long", strings.Repeat("x", 2000)}}, Media: out.media, Inbox: out})
			var got *Incoming
			select {
			case got = <-calls:
			case <-time.After(10 * time.Second):
				t.Fatal("no call")
			}
			if got.Transport != "tcp" { // too large for UDP
				t.Errorf("it came over %s", got.Transport)
			}
			got.Answer(in.media)
			event[Answered](t, out)
			event[Answered](t, in)
			out.Refer(ReferTarget{URI: "sip:carol@example.com"})
			ref := event[Referred](t, in)
			if ref.Target.User != "carol" {
				t.Errorf("refer %+v", ref.Refer)
			}
			ref.Accept()
			for _, want := range []int{100, 202} { // in either order
				if e := event[ReferProgress](t, out); e.Done || e.Status != 100 && e.Status != 202 {
					t.Errorf("progress %+v, want %d", e, want)
				}
			}
			ref.Progress(200, "")
			if e := event[ReferProgress](t, out); e.Status != 200 || !e.Done {
				t.Errorf("progress %+v", e)
			}
			out.End(Cause{})
			event[Ended](t, in)
			event[Ended](t, out)
			check := client.Checkup(t.Context())
			if len(check.Trunks) != 1 || check.Trunks[0].Status != 200 || check.Trunks[0].RTT <= 0 {
				t.Errorf("checkup %+v", check)
			}
			var s PeerState
			for range 200 { // the first OPTIONS goes out within a second
				if s = client.Trunks()[0].Peers[0]; !s.Since.IsZero() {
					break
				}
				time.Sleep(10 * time.Millisecond)
			}
			if !s.Up || s.Since.IsZero() || s.Latency <= 0 {
				t.Errorf("trunk %+v", s)
			}
		})
	}
}

func TestSTUNOverRealSockets(t *testing.T) {
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := server.ReadFrom(buf)
			if err != nil {
				return
			}
			server.WriteTo(binding(buf[:n], netip.MustParseAddrPort("198.51.100.99:45060")), from)
		}
	}()
	pc, err := net.ListenPacket("udp4", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	e, _ := real(t, func(c *Config) {
		c.Packet[0].Close()
		c.Packet[0] = pc
		c.STUN = []string{server.LocalAddr().String()}
	})
	for range 200 {
		if x := e.External(); x.Addr.IsValid() {
			if x.Addr.String() != "198.51.100.99:45060" || x.Err != nil {
				t.Errorf("external %+v", x)
			}
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("nothing found: %+v", e.External())
}
