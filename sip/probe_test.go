package sip

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Trunks that are watched by OPTIONS, that have many addresses, that send us elsewhere.

// changes collects what OnTrunk tells.
type changes struct {
	mu  sync.Mutex // guards all
	all []TrunkChange
}

func (c *changes) take() []TrunkChange {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.all
	c.all = nil
	return all
}

func (c *changes) tell(ch TrunkChange) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, ch)
}

func TestATrunkIsDownAfterThreeSilencesAndUpAfterTwoAnswers(t *testing.T) {
	for _, tp := range []string{"udp", "tcp"} {
		t.Run(tp, func(t *testing.T) {
			var told changes
			bubble(t, func(c *Config) { c.OnTrunk = told.tell }, func(r *rig) {
				var p *peer
				if tp == "udp" {
					p = r.udp("10.0.0.2:5060")
				} else {
					p = r.listen("10.0.0.2:5060")
				}
				uri := strings.Replace(p.uri(), "bob@", "", 1)
				r.ep.SetTrunks([]Trunk{{Name: "acme", Peers: []string{uri, "sip:10.0.0.9"}, KeepAlive: 30 * time.Second}})
				state := func() PeerState { synctest.Wait(); return r.ep.Trunks()[0].Peers[0] }
				if s := state(); !s.Watched || !s.Up || !s.Since.IsZero() {
					t.Errorf("before the first answer %+v", s)
				}
				m := p.want("OPTIONS")
				if m.target != uri {
					t.Errorf("Request-URI %q, want %q", m.target, uri)
				}
				time.Sleep(20 * time.Millisecond)
				p.send(p.answer(m, 404, "x", "")) // any answer is one
				time.Sleep(10 * time.Millisecond)
				if s := state(); !s.Up || s.Since.IsZero() || s.Latency < 20*time.Millisecond || s.Latency > 30*time.Millisecond {
					t.Errorf("after the first answer %+v", s)
				}
				if got := told.take(); len(got) != 1 || !got[0].Up || got[0].Trunk != "acme" || got[0].Peer != uri {
					t.Errorf("told %+v", got)
				}
				for n := range 3 {
					id := p.want("OPTIONS").callID
					for m := p.get(probeWait - time.Millisecond); m != nil; m = p.get(2 * time.Second) {
						if m.callID != id {
							t.Fatal("two at once")
						}
					}
					time.Sleep(probeWait / 2)
					for p.get(time.Millisecond) != nil {
					}
					if s := state(); s.Up != (n < 2) {
						t.Fatalf("after %d silences %+v", n+1, s)
					}
				}
				time.Sleep(time.Minute) // the second peer is silent from the start
				got := told.take()
				if len(got) != 2 || got[0].Up || got[1].Up || got[0].Error == "" {
					t.Fatalf("told %+v", got)
				}
				for p.get(time.Millisecond) != nil {
				}
				for n := range 2 {
					p.send(p.answer(p.want("OPTIONS"), 200, "x", ""))
					time.Sleep(10 * time.Millisecond)
					if s := state(); s.Up != (n == 1) {
						t.Errorf("after %d answers %+v", n+1, s)
					}
				}
				if got := told.take(); len(got) != 1 || !got[0].Up || got[0].Error != "" {
					t.Errorf("told %+v", got)
				}
				ts, _ := r.ep.Trunk("acme", "1")
				if len(ts) != 2 || ts[0].Addr.Addr().String() != "10.0.0.2" {
					t.Errorf("targets %+v", ts)
				}
			})
		})
	}
}

func TestATrunkThatIsDownIsTriedLast(t *testing.T) {
	bubble(t, nil, func(r *rig) {
		p := r.udp("10.0.0.3:5060")
		r.ep.SetTrunks([]Trunk{{Name: "acme", Peers: []string{"sip:10.0.0.2", "sip:10.0.0.3"}, KeepAlive: 10 * time.Second}})
		end := time.Now().Add(time.Minute)
		for time.Now().Before(end) {
			if m := p.get(time.Until(end)); m != nil {
				p.send(p.answer(m, 200, "x", ""))
			}
		}
		ts, _ := r.ep.Trunk("acme", "1")
		if len(ts) != 2 || ts[0].Addr.Addr().String() != "10.0.0.3" {
			t.Errorf("targets %+v, want the one that lives first", ts)
		}
		s := r.ep.Trunks()[0].Peers
		if s[0].Up || !s[1].Up || s[0].Error == "" {
			t.Errorf("states %+v", s)
		}
		r.ep.SetTrunks(nil)
		for p.get(10*time.Second) != nil {
		}
		p.silent(time.Minute)
	})
}

func TestATrunkThatServesNobodyRests(t *testing.T) {
	bubble(t, nil, func(r *rig) {
		p := r.udp("10.0.0.2:5060")
		r.ep.SetTrunks([]Trunk{{Name: "acme", Peers: []string{"sip:10.0.0.2"}, KeepAlive: 100 * time.Second}})
		p.send(p.answer(p.want("OPTIONS"), 503, "x", "", "Retry-After: 60"))
		time.Sleep(10 * time.Millisecond)
		s := r.ep.Trunks()[0].Peers[0]
		if left := time.Until(s.DownUntil).Round(time.Second); left != time.Minute {
			t.Errorf("rests for %v, want 60 s: %+v", left, s)
		}
	})
}

func TestSRVRecordsAreTriedByPriorityAndWeight(t *testing.T) {
	at := func(s string) []netip.AddrPort { return []netip.AddrPort{netip.MustParseAddrPort(s)} }
	groups := []group{{1, 30, at("10.0.0.1:1"), ""}, {1, 10, at("10.0.0.2:1"), ""}, {1, 0, at("10.0.0.3:1"), ""}, {2, 0, at("10.0.0.4:1"), ""}}
	first := map[string]int{}
	seed := 0
	for range 41 { // each lot once
		calls := 0
		all := inOrder(groups, func(n int) int {
			if calls++; calls == 1 {
				if n != 41 {
					t.Fatalf("drawn from %d lots, want 41", n)
				}
				return seed
			}
			return 0
		})
		seed++
		if len(all) != 4 || all[3].Addr().String() != "10.0.0.4" {
			t.Fatalf("order %v", all)
		}
		first[all[0].Addr().String()]++
	}
	if first["10.0.0.1"] != 30 || first["10.0.0.2"] != 10 || first["10.0.0.3"] != 1 {
		t.Errorf("first %v, want as the weights say", first)
	}
	if groups[0].weight != 30 || len(inOrder(nil, nil)) != 0 {
		t.Error("the cache was changed")
	}
}

// carrier is a name with two SRV records of one weight.
func carrier(c *Config) {
	c.Lookup = func(_ context.Context, host string) ([]netip.Addr, error) {
		switch host {
		case "a.example":
			return []netip.Addr{netip.MustParseAddr("10.0.0.2")}, nil
		case "b.example":
			return []netip.Addr{netip.MustParseAddr("10.0.0.3")}, nil
		}
		return nil, errNo
	}
	c.LookupSRV = func(_ context.Context, name string) ([]*net.SRV, error) {
		switch name {
		case "_sip._udp.carrier.example":
			return []*net.SRV{{Target: "a.example.", Port: 5060, Priority: 1, Weight: 1}, {Target: "b.example.", Port: 5060, Priority: 2, Weight: 1}}, nil
		case "_sip._tcp.only.example":
			return []*net.SRV{{Target: "b.example.", Port: 5070}}, nil
		case "_sip._udp.gone.example":
			return []*net.SRV{{Target: "."}}, nil
		}
		return nil, errNo
	}
}

func TestOneAddressOfANameRestsAndTheOthersServe(t *testing.T) {
	bubble(t, carrier, func(r *rig) {
		a, b := r.udp("10.0.0.2:5060"), r.udp("10.0.0.3:5060")
		r.ep.SetTrunks([]Trunk{{Name: "acme", Peers: []string{"sip:carrier.example"}}})
		time.Sleep(2 * time.Second)
		call := func() *leg {
			return r.dial(func(i *Invite) { i.Targets, _ = r.ep.Trunk("acme", "123") })
		}
		call()
		a.send(a.answer(a.want("INVITE"), 503, "x", "", "Retry-After: 20"))
		a.want("ACK")
		b.send(b.answer(b.want("INVITE"), 486, "x", ""))
		b.want("ACK")
		call()
		b.send(b.answer(b.want("INVITE"), 486, "x", "")) // a rests
		b.want("ACK")
		if s := r.ep.Trunks()[0].Peers[0]; s.DownUntil.After(time.Now()) {
			t.Errorf("the whole peer rests: %+v", s)
		}
		time.Sleep(21 * time.Second)
		call()
		a.send(a.answer(a.want("INVITE"), 486, "x", ""))
		a.want("ACK")
		call()
		a.send(a.answer(a.want("INVITE"), 503, "x", "", "Retry-After: 20"))
		a.want("ACK")
		b.send(b.answer(b.want("INVITE"), 503, "x", "", "Retry-After: 20"))
		b.want("ACK")
		synctest.Wait()
		time.Sleep(time.Millisecond)
		if s := r.ep.Trunks()[0].Peers[0]; !s.DownUntil.After(time.Now()) {
			t.Errorf("with all at rest %+v", s)
		}
	})
}

func TestANameThatOffersTCPOnlyIsCalledOverTCP(t *testing.T) {
	bubble(t, carrier, func(r *rig) {
		p := r.listen("10.0.0.3:5070")
		r.dial(nil, "sip:bob@only.example")
		if m := p.want("INVITE"); m.via.transport != "TCP" {
			t.Errorf("Via %q", m.get(hVia))
		}
		r.ep.SetTrunks([]Trunk{{Name: "acme", Peers: []string{"sip:only.example"}}})
		time.Sleep(2 * time.Second)
		if _, ok := r.ep.trunks.match(netip.MustParseAddrPort("10.0.0.3:40000")); !ok {
			t.Error("its calls are not known as the trunk's")
		}
	})
}

func TestANameThatOffersNothingIsUnreachable(t *testing.T) {
	bubble(t, carrier, func(r *rig) {
		if e := event[Failed](t, r.dial(nil, "sip:gone.example")); !e.Unreachable {
			t.Errorf("failed %+v", e)
		}
	})
}

func TestTrunksLeadToTheirOwnPlacesOnly(t *testing.T) {
	for _, c := range []struct {
		name, contact string
		redirect      func(Target) bool
		want          int // 0: followed
	}{
		{"another peer", "sip:9@10.0.0.3", nil, 0},
		{"one of its addresses", "sip:9@10.0.7.7", nil, 0},
		{"a stranger", "sip:9@198.51.100.7", nil, 403},
		{"a stranger by name", "sip:9@evil.example", nil, 403},
		{"whom the user allows", "sip:9@198.51.100.7", func(Target) bool { return true }, 0},
		{"whom the user forbids", "sip:9@10.0.0.3", func(Target) bool { return false }, 403},
		{"nobody", "mailto:x@y", nil, 302},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, nil, func(r *rig) {
				p := r.udp("10.0.0.2:5060")
				u, _ := ParseTarget(c.contact)
				var q *peer
				if c.want == 0 {
					q = r.udp(u.Addr.String())
				}
				r.ep.SetTrunks([]Trunk{{Name: "acme", Peers: []string{"sip:10.0.0.2", "sip:10.0.0.3"}, Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.7.0/24")}}})
				l := r.dial(func(i *Invite) {
					i.Targets, _ = r.ep.Trunk("acme", "123")
					i.Targets = i.Targets[:1]
					i.Redirects, i.Redirect = 3, c.redirect
				})
				p.send(p.answer(p.want("INVITE"), 302, "x", "", "Contact: <"+c.contact+">"))
				p.want("ACK")
				if q != nil {
					q.want("INVITE")
					return
				}
				if e := event[Failed](t, l); e.Status != c.want {
					t.Errorf("failed %+v, want %d", e, c.want)
				}
			})
		})
	}
	t.Run("not more than eight times", func(t *testing.T) {
		bubble(t, nil, func(r *rig) {
			p := r.udp("10.0.0.2:5060")
			l := r.dial(func(i *Invite) { i.Redirects = 1000 }, p.uri())
			for i := range maxRedirects + 1 {
				p.send(p.answer(p.want("INVITE"), 302, "b", "", fmt.Sprintf("Contact: <sip:n%d@10.0.0.2:5060>", i)))
				p.want("ACK")
			}
			if e := event[Failed](t, l); e.Status != 482 {
				t.Errorf("failed %+v", e)
			}
		})
	})
}

func TestCheckupFindsFaults(t *testing.T) {
	bubble(t, func(c *Config) {
		c.STUN = []string{"203.0.113.9", "203.0.113.10", "203.0.113.11", "nowhere.example"}
	}, func(r *rig) {
		for i, seen := range []string{"198.51.100.99:45060", "198.51.100.99:45061"} {
			pc := stunServer(t, r, fmt.Sprintf("203.0.113.%d:3478", 9+i))
			go func() {
				buf := make([]byte, 1500)
				for {
					n, from, err := pc.ReadFrom(buf)
					if err != nil {
						return
					}
					pc.WriteTo(binding(buf[:n], netip.MustParseAddrPort(seen)), from)
				}
			}()
			defer pc.Close()
		}
		p := r.udp("10.0.0.2:5060")
		go func() {
			if m := p.get(time.Second); m != nil {
				p.send(p.answer(m, 200, "x", ""))
			}
		}()
		r.ep.SetTrunks([]Trunk{{Name: "lives", Peers: []string{"sip:10.0.0.2"}}, {Name: "dead", Peers: []string{"sip:10.0.0.3", "sip:10.0.0.4;transport=tcp", "sip:none.example"}}})
		c := r.ep.Checkup(context.Background())
		if c.NAT != NATSymmetric || len(c.STUN) != 4 || c.STUN[0].Mapped.String() != "198.51.100.99:45060" || c.STUN[2].Error == "" || !strings.Contains(c.STUN[3].Error, "nowhere.example") {
			t.Errorf("NAT %q, STUN %+v", c.NAT, c.STUN)
		}
		if len(c.Sockets) != 2 || c.Sockets[0].Network != "udp" || c.Sockets[0].Shown != "198.51.100.99:45060" || c.Sockets[1].Network != "tcp" {
			t.Errorf("sockets %+v", c.Sockets)
		}
		if len(c.Trunks) != 4 || c.Trunks[0].Status != 200 || c.Trunks[0].RTT <= 0 || c.Trunks[0].Error != "" {
			t.Fatalf("trunks %+v", c.Trunks)
		}
		for _, tr := range c.Trunks[1:] {
			if tr.Trunk != "dead" || tr.Status != 0 || tr.Error == "" {
				t.Errorf("trunk %+v", tr)
			}
		}
		ctx, cancel := context.WithCancelCause(context.Background())
		cancel(errors.New("enough"))
		begin := time.Now()
		if c := r.ep.Checkup(ctx); time.Since(begin) > time.Second || len(c.Trunks) != 4 {
			t.Errorf("ended after %v with %+v", time.Since(begin), c.Trunks)
		}
		time.Sleep(20 * time.Second)
	})
	t.Run("a private address with no way out", func(t *testing.T) {
		bubble(t, nil, func(r *rig) {
			c := r.ep.Checkup(context.Background())
			if len(c.Sockets) != 2 || !strings.Contains(c.Sockets[0].Error, "private address") || c.NAT != NATUnknown {
				t.Errorf("checkup %+v", c)
			}
		})
	})
	t.Run("kinds of NAT", func(t *testing.T) {
		at := netip.MustParseAddrPort
		one := func(local, mapped string) STUNCheck { return STUNCheck{Local: at(local), Mapped: at(mapped)} }
		for _, c := range []struct {
			checks []STUNCheck
			want   NAT
		}{
			{nil, NATUnknown}, {[]STUNCheck{{Error: "x"}}, NATUnknown},
			{[]STUNCheck{one("198.51.100.1:5060", "198.51.100.1:5060")}, NATNone},
			{[]STUNCheck{one("10.0.0.1:5060", "198.51.100.1:5060")}, NATKeepsPort},
			{[]STUNCheck{one("10.0.0.1:5060", "198.51.100.1:6000"), one("10.0.0.1:5060", "198.51.100.1:6000")}, NATMaps},
			{[]STUNCheck{one("10.0.0.1:5060", "198.51.100.1:6000"), one("10.0.0.1:5060", "198.51.100.1:6001")}, NATSymmetric},
		} {
			if got := natOf(c.checks); got != c.want {
				t.Errorf("%+v: got %q, want %q", c.checks, got, c.want)
			}
		}
	})
}

// FuzzSRV: whatever a name server says, the order has each address once and no more than allowed.
func FuzzSRV(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4}, uint64(1))
	f.Fuzz(func(t *testing.T, b []byte, seed uint64) {
		var groups []group
		for i := 0; i+1 < len(b) && len(groups) < resolveMost; i += 2 {
			groups = append(groups, group{uint16(i / 4), uint16(b[i]) << (b[i+1] % 9), []netip.AddrPort{netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, b[i], byte(i)}), 1)}, "udp"})
		}
		all := inOrder(groups, func(n int) int { seed = seed*6364136223846793005 + 1; return int(seed>>33) % n })
		if len(all) != len(groups) {
			t.Fatalf("%d of %d", len(all), len(groups))
		}
		seen := map[netip.AddrPort]bool{}
		for _, a := range all {
			if seen[a] {
				t.Fatalf("%v twice", a)
			}
			seen[a] = true
		}
	})
}
