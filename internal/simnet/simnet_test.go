package simnet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

const ms = time.Millisecond

func packet(t *testing.T, n *Network, addr string) *PacketConn {
	t.Helper()
	c, err := n.ListenPacket(addr)
	if err != nil {
		t.Fatalf("listen %s: %v", addr, err)
	}
	t.Cleanup(func() { c.Close() })
	return c.(*PacketConn)
}

func pair(t *testing.T, n *Network) (dialled, accepted net.Conn) {
	t.Helper()
	l, err := n.Listen("10.0.0.1:5060")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dialled, err = n.Dial(t.Context(), "tcp", "10.0.0.1:5060")
	if err != nil {
		t.Fatal(err)
	}
	if accepted, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dialled.Close(); accepted.Close() })
	return dialled, accepted
}

func TestDatagramArrivesAfterTheLatencyWithItsSender(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(Options{Latency: 20 * ms})
		a, b := packet(t, n, "10.0.0.1:5060"), packet(t, n, "10.0.0.2:0")
		began := time.Now()
		if _, err := a.WriteTo([]byte("hello"), b.LocalAddr()); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 3)
		k, from, err := b.ReadFrom(buf)
		if err != nil || string(buf[:k]) != "hel" || from.String() != "10.0.0.1:5060" {
			t.Errorf("read: got %q from %v, %v, want hel from 10.0.0.1:5060", buf[:k], from, err)
		}
		if d := time.Since(began); d != 20*ms {
			t.Errorf("took %v, want 20ms", d)
		}
		if _, ok := b.LocalAddr().(*net.UDPAddr); !ok {
			t.Errorf("local address is %T, want *net.UDPAddr", b.LocalAddr())
		}
	})
}

// arrivals sends count datagrams 20 ms apart from two senders at once and tells
// in which order they came and when.
func arrivals(t *testing.T, o Options, count int) string {
	var out strings.Builder
	synctest.Test(t, func(t *testing.T) {
		n := New(o)
		dst := packet(t, n, "10.0.0.9:1000")
		began := time.Now()
		var wg sync.WaitGroup
		for s := range 2 {
			src := packet(t, n, fmt.Sprintf("10.0.0.%d:1000", s+1))
			wg.Go(func() {
				for i := range count {
					src.WriteTo(fmt.Appendf(nil, "%d.%d", s+1, i), dst.LocalAddr())
					time.Sleep(20 * ms)
				}
			})
		}
		dst.SetReadDeadline(began.Add(time.Minute))
		buf := make([]byte, 100)
		for {
			k, _, err := dst.ReadFrom(buf)
			if err != nil {
				break
			}
			fmt.Fprintf(&out, "%s@%v ", buf[:k], time.Since(began))
		}
		wg.Wait()
	})
	return out.String()
}

func TestSameSeedGivesTheSameFates(t *testing.T) {
	o := Options{Latency: 10 * ms, Jitter: 50 * ms, Loss: 0.2, Duplicate: 0.1, Reorder: 0.1, Seed: 7}
	first := arrivals(t, o, 100)
	for range 10 {
		if again := arrivals(t, o, 100); again != first {
			t.Fatalf("got %s\nwant %s", again, first)
		}
	}
	o.Seed = 8
	if arrivals(t, o, 100) == first {
		t.Error("another seed gave the same fates")
	}
}

func TestJitterKeepsTheOrderOfAFlowAndReorderDoesNot(t *testing.T) {
	inOrder := func(s string) bool {
		last := -1
		for f := range strings.FieldsSeq(s) {
			var from, i int
			fmt.Sscanf(f, "%d.%d@", &from, &i)
			if from == 1 {
				if i < last {
					return false
				}
				last = i
			}
		}
		return true
	}
	if s := arrivals(t, Options{Jitter: 200 * ms}, 50); !inOrder(s) {
		t.Errorf("jitter reordered: %s", s)
	}
	if s := arrivals(t, Options{Latency: ms, Reorder: 0.3}, 50); inOrder(s) {
		t.Errorf("nothing was reordered: %s", s)
	}
}

func TestLossAndDuplicatesComeInTheShareAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(Options{Loss: 0.25, Duplicate: 0.1, Seed: 3})
		a, b := packet(t, n, "1.1.1.1:1"), packet(t, n, "1.1.1.2:1")
		for range 4000 {
			a.WriteTo([]byte("x"), b.LocalAddr())
		}
		b.SetReadDeadline(time.Now().Add(ms))
		for {
			if _, _, err := b.ReadFrom(make([]byte, 1)); err != nil {
				break
			}
		}
		if lost := n.Stats().Lost.Load(); lost < 900 || lost > 1100 {
			t.Errorf("lost %d of 4000, want about 1000", lost)
		}
		if got := n.Stats().Delivered.Load(); got < 3200 || got > 3400 {
			t.Errorf("delivered %d, want about 3300", got)
		}
	})
}

func TestFilterSeesAndDropsDatagrams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(Options{})
		a, b := packet(t, n, "1.1.1.1:1"), packet(t, n, "1.1.1.2:2")
		n.Filter(func(from, to string, b []byte) bool {
			return from != "1.1.1.1:1" || to != "1.1.1.2:2" || string(b) != "no"
		})
		a.WriteTo([]byte("no"), b.LocalAddr())
		a.WriteTo([]byte("yes"), b.LocalAddr())
		buf := make([]byte, 10)
		if k, _, _ := b.ReadFrom(buf); string(buf[:k]) != "yes" {
			t.Errorf("got %q, want yes", buf[:k])
		}
		if got := n.Stats().Filtered.Load(); got != 1 {
			t.Errorf("filtered %d, want 1", got)
		}
	})
}

func TestDeadlinesAndCloseWakeReaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(Options{})
		c := packet(t, n, "127.0.0.1:0")
		errs := make(chan error, 1)
		read := func() { _, _, err := c.ReadFrom(nil); errs <- err }

		c.SetReadDeadline(time.Now().Add(time.Second))
		go read()
		if err := <-errs; !errors.Is(err, os.ErrDeadlineExceeded) || !err.(net.Error).Timeout() {
			t.Errorf("got %v, want a time-out", err)
		}
		c.SetReadDeadline(time.Time{})
		go read()
		synctest.Wait()
		c.SetReadDeadline(time.Unix(1, 0)) // how servers are woken
		if err := <-errs; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("got %v, want a time-out", err)
		}
		c.SetReadDeadline(time.Time{})
		go read()
		synctest.Wait()
		c.Close()
		if err := <-errs; !errors.Is(err, net.ErrClosed) {
			t.Errorf("got %v, want net.ErrClosed", err)
		}
		if _, err := c.WriteTo([]byte("x"), c.LocalAddr()); !errors.Is(err, net.ErrClosed) {
			t.Errorf("write: got %v, want net.ErrClosed", err)
		}
	})
}

func TestAddressesAreTakenOnceAndFreedByClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(Options{})
		a := packet(t, n, ":0")
		if got := a.LocalAddr().String(); got != "127.0.0.1:49152" {
			t.Errorf("got %s, want 127.0.0.1:49152", got)
		}
		if _, err := n.ListenPacket("127.0.0.1:49152"); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("got %v, want EADDRINUSE", err)
		}
		a.Close()
		if b, err := n.ListenUDP(netip.MustParseAddrPort("127.0.0.1:49152")); err != nil {
			t.Error(err)
		} else {
			b.Close()
		}
		if _, err := n.ListenPacket("host.example:1"); err == nil {
			t.Error("a name was accepted")
		}
	})
}

func TestStreamsCarryBytesBothWaysAndCloseHalf(t *testing.T) {
	for _, seg := range []int{0, 1, 7} {
		t.Run(fmt.Sprint("segment ", seg), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := pair(t, New(Options{Latency: 10 * ms, Jitter: 5 * ms, Segment: seg, Window: 16}))
				want := strings.Repeat("INVITE sip:x ", 10) // much more than the window
				go func() {
					io.WriteString(a, want)
					a.(*Conn).CloseWrite()
				}()
				got, err := io.ReadAll(b)
				if string(got) != want || err != nil {
					t.Errorf("got %q, %v, want %q", got, err, want)
				}
				io.WriteString(b, "ok") // the other direction is still open
				b.Close()
				if got, err := io.ReadAll(a); string(got) != "ok" || err != nil {
					t.Errorf("got %q, %v, want ok", got, err)
				}
				if _, err := a.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
					t.Errorf("write after CloseWrite: got %v, want net.ErrClosed", err)
				}
			})
		})
	}
}

func TestSegmentsBoundEachRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pair(t, New(Options{Segment: 1}))
		io.WriteString(a, "abc")
		buf := make([]byte, 10)
		if n, _ := b.Read(buf); n != 1 {
			t.Errorf("read %d bytes, want 1", n)
		}
	})
}

func TestStreamDeadlinesCloseAndRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(Options{Window: 4, Latency: ms})
		a, b := pair(t, n)
		a.SetDeadline(time.Now().Add(time.Second))
		if _, err := a.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read: got %v, want a time-out", err)
		}
		a.SetDeadline(time.Now().Add(time.Second))
		if k, err := a.Write(make([]byte, 9)); k != 4 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("write: got %d, %v, want 4 and a time-out", k, err)
		}
		a.SetDeadline(time.Time{})
		errs := make(chan error, 1)
		go func() { _, err := a.Write(make([]byte, 9)); errs <- err }()
		synctest.Wait()
		b.Close()
		if err := <-errs; !errors.Is(err, syscall.EPIPE) {
			t.Errorf("write to a closed peer: got %v, want EPIPE", err)
		}
		if _, err := n.Dial(t.Context(), "tcp", "10.0.0.1:5060"); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("dial: got %v, want ECONNREFUSED", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := n.Dial(ctx, "tcp", "10.0.0.1:5060"); !errors.Is(err, context.Canceled) {
			t.Errorf("dial: got %v, want context.Canceled", err)
		}
		if _, err := n.Dial(t.Context(), "udp", "10.0.0.1:5060"); err == nil {
			t.Error("dialled udp")
		}
	})
}

func TestListenerCloseWakesAcceptAndClosesWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(Options{})
		l, _ := n.Listen("[::1]:5060")
		from := netip.MustParseAddr("fd00::7")
		c, err := n.Dialer(from)(t.Context(), "tcp6", "[::1]:5060")
		if err != nil {
			t.Fatal(err)
		}
		if got := c.LocalAddr().String(); got != "[fd00::7]:49152" {
			t.Errorf("local: got %s, want [fd00::7]:49152", got)
		}
		l.Close()
		if _, err := c.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("got %v, want EOF", err)
		}
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("got %v, want net.ErrClosed", err)
		}
		c.Close()

		l, _ = n.Listen("127.0.0.1:0")
		errs := make(chan error, 1)
		go func() { _, err := l.Accept(); errs <- err }()
		synctest.Wait()
		l.Close()
		if err := <-errs; !errors.Is(err, net.ErrClosed) {
			t.Errorf("got %v, want net.ErrClosed", err)
		}
	})
}

func BenchmarkDatagram(b *testing.B) {
	n := New(Options{})
	x, _ := n.ListenPacket("127.0.0.1:1")
	y, _ := n.ListenPacket("127.0.0.1:2")
	to := y.LocalAddr().(*net.UDPAddr).AddrPort()
	buf := make([]byte, 172)
	b.ReportAllocs()
	for b.Loop() {
		x.(*PacketConn).WriteToUDPAddrPort(buf, to)
		y.(*PacketConn).ReadFromUDPAddrPort(buf)
	}
}
