package sip

import (
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"hotline/internal/simnet"
)

// Connections and sockets that misbehave.

func TestStreams(t *testing.T) {
	t.Run("a ping is answered", func(t *testing.T) {
		bubble(t, nil, func(r *rig) {
			p := r.tcp("10.0.0.2")
			p.send("\r\n\r\n")
			b := make([]byte, 8)
			if n, _ := p.conn.Read(b); string(b[:n]) != "\r\n" {
				t.Fatalf("pong %q", b[:n])
			}
		})
	})
	t.Run("a silent connection is closed after 10 s, one that spoke after 120 s", func(t *testing.T) {
		bubble(t, nil, func(r *rig) {
			for _, c := range []struct {
				text string
				want time.Duration
			}{{"", 10 * time.Second}, {"OPTIONS sip:x SIP/2.0\r\nVia:", 10 * time.Second}, {"\r\n\r\n", 120 * time.Second}} {
				p := r.tcp("10.0.0.2")
				begin := time.Now()
				p.send(c.text)
				for {
					if _, err := p.conn.Read(make([]byte, 100)); err != nil {
						break
					}
				}
				if took := time.Since(begin).Round(time.Second); took != c.want {
					t.Errorf("%q: closed after %v, want %v", c.text, took, c.want)
				}
			}
			synctest.Wait()
			if got := r.ep.Stats().Conns.Load(); got != 0 {
				t.Errorf("%d connections left", got)
			}
		})
	})
	t.Run("one byte now and then does not keep it open", func(t *testing.T) {
		bubble(t, nil, func(r *rig) {
			p := r.tcp("10.0.0.2")
			begin := time.Now()
			for {
				if _, err := p.conn.Write([]byte("x")); err != nil {
					break
				}
				time.Sleep(time.Second)
			}
			if took := time.Since(begin); took > 12*time.Second {
				t.Errorf("closed after %v", took)
			}
		})
	})
	t.Run("one that does not read is closed, and holds up nobody", func(t *testing.T) {
		bubble(t, nil, func(r *rig) {
			p, q := r.tcp("10.0.0.2"), r.udp("10.0.0.3:5060")
			text := p.ask("OPTIONS", "o", "o", ";tag=b", "", 1, "")
			for range 2000 {
				p.send(text)
			}
			q.send(q.ask("OPTIONS", "q", "q", ";tag=b", "", 1, ""))
			q.want("200 OPTIONS")
			time.Sleep(6 * time.Second)
			if got := r.ep.Stats().Conns.Load(); got != 0 {
				t.Errorf("%d connections left", got)
			}
		})
	})
	t.Run("one address has a limit", func(t *testing.T) {
		bubble(t, nil, func(r *rig) {
			for range 30 {
				r.tcp("10.0.0.2")
			}
			synctest.Wait()
			time.Sleep(10 * time.Millisecond)
			if got := r.ep.Stats().Conns.Load(); got != 20 {
				t.Errorf("%d connections, want 20", got)
			}
			q := r.tcp("10.0.0.3")
			q.send(q.ask("OPTIONS", "o", "o", ";tag=b", "", 1, ""))
			q.want("200 OPTIONS")
		})
	})
	t.Run("framing that is lost gets 400 and the end", func(t *testing.T) {
		bubble(t, nil, func(r *rig) {
			for _, l := range []string{"Content-Length: -1", "Content-Length: 5\r\nl: 6", "Content-Length: 99999999999", "Content-Length: x"} {
				p := r.tcp("10.0.0.2")
				text := strings.Replace(p.ask("OPTIONS", "o", "o", ";tag=b", "", 1, ""), "Content-Length: 0", l, 1)
				p.send(text)
				if got := p.read(time.Second); !strings.HasPrefix(got, "SIP/2.0 400") {
					t.Errorf("%s: got %.40q, want 400", l, got)
				}
				if _, err := p.conn.Read(make([]byte, 10)); err == nil {
					t.Errorf("%s: still open", l)
				}
			}
		})
	})
	t.Run("a lack of descriptors does not stop the listener", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var faulty *shortListener
			r := newRig(t, simnet.New(simnet.Options{}), func(c *Config) {
				faulty = &shortListener{Listener: c.Stream[0], left: 5}
				c.Stream[0] = faulty
			})
			defer r.stop()
			p := r.tcp("10.0.0.2")
			p.send(p.ask("OPTIONS", "o", "o", ";tag=b", "", 1, ""))
			p.want("200 OPTIONS")
			if got := r.ep.Stats().AcceptErrors.Load(); got != 5 {
				t.Errorf("AcceptErrors = %d, want 5", got)
			}
		})
	})
}

func TestUDPReadErrorsDoNotStopTheSocket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, simnet.New(simnet.Options{}), func(c *Config) { c.Packet[0] = &shortSocket{PacketConn: c.Packet[0], left: 3} })
		defer r.stop()
		p := r.udp("10.0.0.2:5060")
		p.send(p.ask("OPTIONS", "o", "o", ";tag=b", "", 1, ""))
		p.want("200 OPTIONS")
	})
}

// shortListener has no descriptors at first.
type shortListener struct {
	net.Listener
	left int
}

func (l *shortListener) Accept() (net.Conn, error) {
	if l.left > 0 {
		l.left--
		return nil, &net.OpError{Op: "accept", Err: errors.Join(syscall.EMFILE)}
	}
	return l.Listener.Accept()
}

type shortSocket struct {
	net.PacketConn
	left int
}

func (s *shortSocket) ReadFrom(b []byte) (int, net.Addr, error) {
	if s.left > 0 {
		s.left--
		return 0, nil, syscall.ENOBUFS
	}
	return s.PacketConn.ReadFrom(b)
}
