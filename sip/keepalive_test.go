package sip

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

// noTCPOnly is the one address that takes no connections.
func (e *Endpoint) noTCPOnly() netip.AddrPort {
	e.noTCP.mu.Lock()
	defer e.noTCP.mu.Unlock()
	for a := range e.noTCP.known {
		return a
	}
	return netip.AddrPort{}
}

// synctestTCPHole is bubble with a network that swallows our connections.
func synctestTCPHole(t *testing.T, f func(r *rig)) {
	bubble(t, func(c *Config) {
		c.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
	}, f)
}

func TestNATsOfPhonesAreKeptOpen(t *testing.T) {
	for _, options := range []bool{false, true} {
		bubble(t, func(c *Config) {
			accounts(c)
			c.KeepAlive, c.KeepAliveOptions = 25*time.Second, options
		}, func(r *rig) {
			p := r.udp("198.51.100.7:40000")
			p.register("reg", 1, "Contact: <sip:bob@192.168.1.7:5060>", "Expires: 3600")
			n := 0
			for end := time.Now().Add(250 * time.Second); time.Now().Before(end); {
				text := p.read(time.Until(end))
				switch {
				case text == "":
				case !options && text == "\r\n\r\n":
					n++
				case options:
					m, err := parse(text, false)
					if err != nil || m.method != "OPTIONS" || m.target != "sip:bob@192.168.1.7:5060" {
						t.Fatalf("got %q", text)
					}
					p.send(p.answer(m, 200, "x", ""))
					n++
				default:
					t.Fatalf("got %q", text)
				}
			}
			if n < 9 || n > 11 {
				t.Errorf("options %v: %d keep-alives in 250 s", options, n)
			}
		})
	}
}

func TestConnectionsThatStopAnsweringAreClosed(t *testing.T) {
	bubble(t, func(c *Config) { accounts(c); c.KeepAlive = 25 * time.Second }, func(r *rig) {
		p := r.tcp("198.51.100.7")
		p.register("reg", 1)
		b := make([]byte, 100)
		for range 5 {
			if n, err := p.conn.Read(b); err != nil || string(b[:n]) != "\r\n\r\n" {
				t.Fatalf("got %q, %v, want a ping", b[:n], err)
			}
			p.send("\r\n")
		}
		begin := time.Now()
		for { // it answers no more
			if _, err := p.conn.Read(b); err != nil {
				break
			}
		}
		if took := time.Since(begin); took < 30*time.Second || took > 40*time.Second {
			t.Errorf("closed after %v, want 25 s and 10 s", took)
		}
		q := r.tcp("198.51.100.8") // one that never answered any is left alone
		q.register("reg2", 1)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if n := r.ep.Stats().Conns.Load(); n != 1 {
			t.Errorf("%d connections, want 1", n)
		}
	})
}
