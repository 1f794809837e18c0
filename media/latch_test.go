package media

import (
	"net"
	"net/netip"
	"testing"
	"time"
)

func TestAThirdAddressIsNeverHeardAndNeverAnswered(t *testing.T) {
	everywhere(t, func(r *rig) {
		a, b := r.leg("a"), r.leg("b")
		seatTwo(r, "a", "b")
		a.talk(100*time.Millisecond, constant(1000))
		b.talk(100*time.Millisecond, constant(1000))
		spray := r.host()
		spray.to = a.to
		for range 20 {
			spray.ssrc = a.ssrc
			spray.seq, spray.ts = a.seq, a.ts
			spray.send([]byte{0, 0, 0, 0})
			a.send([]byte{1, 1, 1, 1})
			b.send([]byte{2, 2, 2, 2})
			time.Sleep(frameTime)
		}
		time.Sleep(20 * time.Millisecond)
		for _, g := range b.packets() {
			if len(g.payload) == 4 && g.payload[0] == 0 {
				t := r.t
				t.Fatal("the stranger was heard")
			}
		}
		if n := len(spray.packets()); n != 0 {
			r.t.Errorf("the stranger got %d packets", n)
		}
		if n := len(a.packets()); n != 25 {
			r.t.Errorf("the caller got %d packets, want 25", n)
		}
	})
}

func TestSpraysBeforeTheFirstPacketFindNoWayIn(t *testing.T) {
	simulated(t, func(r *rig) {
		a, b := r.leg("a"), r.leg("b")
		seatTwo(r, "a", "b")
		spray := r.host()
		spray.to = a.to
		spray.talk(time.Second, constant(9000))
		b.talk(100*time.Millisecond, constant(1000))
		a.talk(100*time.Millisecond, constant(1000))
		if n := len(spray.packets()); n != 0 {
			t.Errorf("the stranger got %d packets", n)
		}
		if n := len(a.packets()); n != 5 {
			t.Errorf("the caller got %d packets, want 5", n)
		}
		if n := len(b.packets()); n != 5 {
			t.Errorf("the agent got %d packets, want 5", n)
		}
		if n := r.e.Stats().Strangers.Load(); n != 50 {
			t.Errorf("got %d strangers, want 50", n)
		}
	})
}

func TestBehindNATTheLatchedPortGetsTheAudio(t *testing.T) {
	simulated(t, func(r *rig) {
		// The description names an address that leads nowhere; the signalling
		// source is allowed.
		a := r.leg("a", func(s *SetRemote) {
			s.Latch = []netip.Prefix{netip.PrefixFrom(s.Addr.Addr(), 32)}
			s.Addr = netip.MustParseAddrPort("192.168.1.9:5004")
		})
		b := r.leg("b")
		seatTwo(r, "a", "b")
		b.talk(100*time.Millisecond, constant(1000))
		if n := len(a.packets()); n != 0 {
			t.Errorf("got %d packets before it spoke, want none", n)
		}
		a.send(make([]byte, 160))
		time.Sleep(time.Millisecond)
		b.talk(100*time.Millisecond, constant(1000))
		if n := len(a.packets()); n != 5 {
			t.Errorf("got %d packets, want 5", n)
		}
	})
}

// second is another port of the same host as p, behind the same leg.
func (p *peer) second() *peer {
	p.r.t.Helper()
	listen := func(a string) (net.PacketConn, error) { return net.ListenPacket("udp", a) }
	if p.r.net != nil {
		listen = p.r.net.ListenPacket
	}
	conn, err := listen(netip.AddrPortFrom(p.addr.Addr(), 0).String())
	if err != nil {
		p.r.t.Fatal(err)
	}
	q := &peer{r: p.r, id: p.id, conn: conn, to: p.to, ssrc: 0x77, seq: 1000}
	q.addr = netip.MustParseAddrPort(conn.LocalAddr().String())
	go q.read()
	p.r.t.Cleanup(func() { conn.Close() })
	return q
}

func TestAnotherPortOfTheSameHostMustWaitForSilence(t *testing.T) {
	simulated(t, func(r *rig) {
		a, b := r.leg("a"), r.leg("b")
		seatTwo(r, "a", "b")
		a.talk(100*time.Millisecond, constant(1000))
		q := a.second()
		q.talk(time.Second, constant(1000))
		if n := len(b.packets()); n != 5 {
			t.Errorf("agent got %d packets, want 5", n)
		}
		time.Sleep(600 * time.Millisecond)
		q.talk(100*time.Millisecond, constant(1000))
		b.talk(100*time.Millisecond, constant(1000))
		if n := len(b.packets()); n != 10 {
			t.Errorf("agent got %d packets, want 10", n)
		}
		if n := len(q.packets()); n != 5 {
			t.Errorf("the new port got %d packets, want 5", n)
		}
		if n := r.e.Stats().Relatched.Load(); n != 1 {
			t.Errorf("got %d relatched, want 1", n)
		}
	})
}

func TestANewDescriptionMovesTheLegAtOnce(t *testing.T) {
	simulated(t, func(r *rig) {
		a, b := r.leg("a"), r.leg("b")
		seatTwo(r, "a", "b")
		a.talk(100*time.Millisecond, constant(1000))
		q := a.second()
		r.e.Do(SetRemote{Leg: "a", Addr: q.addr, EventType: 101, Send: true, Receive: true})
		time.Sleep(time.Millisecond)
		a.send(make([]byte, 160)) // still on its way when the re-INVITE was answered
		q.talk(100*time.Millisecond, constant(1000))
		a.forget()
		b.talk(100*time.Millisecond, constant(1000))
		if n := len(q.packets()); n != 5 {
			t.Errorf("the new port got %d packets, want 5", n)
		}
		if n := len(a.packets()); n != 0 {
			t.Errorf("the old port got %d packets, want none", n)
		}
		// The straggler and the first of the new port fall into the same frame.
		if n := len(b.packets()); n != 10 {
			t.Errorf("agent got %d packets, want 10", n)
		}
	})
}

func TestTheSameDescriptionAgainKeepsTheLatchedPort(t *testing.T) {
	simulated(t, func(r *rig) {
		r.e.AddClip("music", make([]byte, 8000))
		a := r.leg("a")
		q := a.second() // the NAT's port, not the described one
		q.send(make([]byte, 160))
		time.Sleep(time.Millisecond)
		r.e.Do(SetRemote{Leg: "a", Addr: a.addr, EventType: 101, Send: true})
		r.e.Do(Play{Leg: "a", ID: 1, Clips: []ClipID{"music"}, Loop: true})
		time.Sleep(3 * time.Second)
		if n := len(a.packets()); n != 0 {
			t.Errorf("the described port got %d packets, want none", n)
		}
		if n := len(q.packets()); n < 149 {
			t.Errorf("the latched port got %d packets, want 150", n)
		}
	})
}

func TestSilenceIsToldAgainAndAgainAndHeardOnceAfter(t *testing.T) {
	simulated(t, func(r *rig) {
		a := r.leg("a")
		time.Sleep(11 * time.Second)
		if n := told[Silent](r); len(n) != 2 || n[1].For < 10*time.Second {
			t.Errorf("got %v, want two", n)
		}
		a.talk(time.Second, constant(1))
		if n := len(told[Heard](r)); n != 1 {
			t.Errorf("got %d Heard, want 1", n)
		}
		time.Sleep(6 * time.Second)
		a.talk(time.Second, constant(1))
		if s, h := len(told[Silent](r)), len(told[Heard](r)); s != 3 || h != 2 {
			t.Errorf("got %d Silent and %d Heard, want 3 and 2", s, h)
		}
		r.e.Do(SetRemote{Leg: "a", Addr: a.addr, Send: true})
		time.Sleep(20 * time.Second)
		if s := len(told[Silent](r)); s != 3 {
			t.Errorf("got %d Silent while on hold, want 3", s)
		}
	})
}

func TestALegOnHoldIsNotHeard(t *testing.T) {
	simulated(t, func(r *rig) {
		a, b := r.leg("a", func(s *SetRemote) { s.Receive = false }), r.leg("b", func(s *SetRemote) { s.Send = false })
		seatTwo(r, "a", "b")
		a.talk(100*time.Millisecond, constant(1000))
		r.e.Do(SetRemote{Leg: "a", Addr: a.addr, Send: true, Receive: true})
		a.talk(100*time.Millisecond, constant(1000))
		if n := len(b.packets()); n != 0 {
			t.Errorf("agent on hold got %d packets", n)
		}
		r.e.Do(SetRemote{Leg: "b", Addr: b.addr, Send: true, Receive: true})
		time.Sleep(time.Millisecond)
		a.talk(100*time.Millisecond, constant(1000))
		if n := len(b.packets()); n != 5 {
			t.Errorf("agent got %d packets, want 5", n)
		}
		b.unbroken(25 * time.Millisecond)
	})
}

func TestPortsAreEvenInRangeAndRunOut(t *testing.T) {
	simulatedPorts(t, 30001, 30007, func(r *rig) {
		seen := map[uint16]bool{}
		for i := range 3 {
			l, err := r.e.Open(LegID(rune('a' + i)))
			if err != nil {
				t.Fatal(err)
			}
			p := l.Addr.Port()
			if p%2 != 0 || p < 30002 || p > 30006 || seen[p] {
				t.Errorf("got port %d", p)
			}
			seen[p] = true
		}
		r.e.Do(Close{Leg: "a"})
		time.Sleep(time.Millisecond)
		if _, err := r.e.Open("d"); err != nil {
			t.Errorf("got %v, want the port just freed as the only one left", err)
		}
		if _, err := r.e.Open("f"); err != ErrNoPorts {
			t.Errorf("got %v, want ErrNoPorts", err)
		}
	})
}

func TestAClosedPortRestsWhileOthersAreFree(t *testing.T) {
	p := newPorts(100, 105)
	now := time.Now()
	first, _ := p.take(now)
	p.release(first, now)
	second, _ := p.take(now)
	third, _ := p.take(now)
	if second == first || third == first {
		t.Errorf("got %d again at once", first)
	}
	if again, ok := p.take(now); !ok || again != first {
		t.Errorf("got %d %v, want %d", again, ok, first)
	}
	if _, ok := p.take(now); ok {
		t.Error("got a port of none")
	}
}

// A phone whose NAT gives it another port in mid-call is heard again within 2 s,
// though the socket was connected to the old one; a third address is not.
func TestAPhoneWhoseNATMovesItIsHeardAgainWithin2s(t *testing.T) {
	everywhere(t, func(r *rig) {
		a, b := r.leg("a"), r.leg("b")
		seatTwo(r, "a", "b")
		a.talk(2500*time.Millisecond, constant(1000)) // so long that the source is final
		moved := a.second()
		moved.ssrc, moved.seq, moved.ts = a.ssrc, a.seq, a.ts
		b.forget()
		began := time.Now()
		limit := 2 * time.Second
		if r.net == nil {
			limit *= 2 // the machine may be busy with other things
		}
		for time.Since(began) < limit && len(b.packets()) == 0 {
			moved.talk(frameTime, constant(1000))
		}
		b.talk(100*time.Millisecond, constant(0))
		r.settle()
		got := b.packets()
		if len(got) == 0 {
			r.t.Fatal("the phone is not heard again")
		}
		if after := got[0].at.Sub(began); after < time.Second || after > limit {
			r.t.Errorf("the phone is heard again after %v, want more than 1 s and within %v", after, limit)
		}
		if len(moved.packets()) == 0 {
			r.t.Error("the phone hears nothing at its new port")
		}
		if len(a.packets()) != 0 {
			r.t.Error("the old port still gets audio")
		}
	})
}
