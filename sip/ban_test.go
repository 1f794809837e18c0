package sip

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// guess sends a REGISTER with a wrong secret for a nonce of ours.
func (p *peer) guess(id string) {
	p.t.Helper()
	p.send(p.ask("REGISTER", id, id+"1", ";tag=r", "", 1, ""))
	m := p.want("401 REGISTER")
	h, err := newClientAuth("bob", "wrong", "").answer("REGISTER", "sip:4000@10.0.0.1", m)
	if err != nil {
		p.t.Fatal(err)
	}
	p.send(p.ask("REGISTER", id, id+"2", ";tag=r", "", 2, "", h[0][0]+": "+h[0][1]))
}

func TestAnAddressThatGuessesIsBannedForLongerEachTime(t *testing.T) {
	for _, tp := range []string{"udp", "tcp"} {
		t.Run(tp, func(t *testing.T) {
			bubble(t, accounts, func(r *rig) {
				open := func() *peer {
					if tp == "udp" {
						return r.udp("198.51.100.7:0")
					}
					return r.tcp("198.51.100.7")
				}
				p := open()
				for i := range 4 {
					p.guess(fmt.Sprint("g", i))
					p.want("401 REGISTER")
				}
				for n, want := range []time.Duration{15 * time.Minute, 30 * time.Minute, time.Hour} {
					if n > 0 {
						p = open()
						for i := range 4 {
							p.guess(fmt.Sprintf("h%d.%d", n, i))
							p.want("401 REGISTER")
						}
					}
					p.guess(fmt.Sprint("last", n))
					if tp == "udp" {
						p.want("401 REGISTER")
						p.send(p.ask("OPTIONS", "o", "o", ";tag=b", "", 1, ""))
						p.silent(time.Second)
					}
					time.Sleep(time.Second)
					bans := r.ep.Bans()
					if len(bans) != 1 || bans[0].Source != netip.MustParsePrefix("198.51.100.7/32") || bans[0].Times != n+1 {
						t.Fatalf("bans %+v", bans)
					}
					if left := time.Until(bans[0].Until).Round(time.Minute); left != want {
						t.Errorf("ban %d for %v, want %v", n, left, want)
					}
					q := r.udp("198.51.100.8:5060") // others are unhurt
					q.send(q.ask("OPTIONS", fmt.Sprint("q", n), fmt.Sprint("q", n), ";tag=b", "", 1, ""))
					q.want("200 OPTIONS")
					q.pc.Close()
					time.Sleep(want)
				}
				if len(r.ep.Bans()) != 0 || r.ep.Stats().Bans.Load() != 3 {
					t.Errorf("%d bans now, %d in all", len(r.ep.Bans()), r.ep.Stats().Bans.Load())
				}
			})
		})
	}
}

func TestAnUnbannedAddressIsAsGoodAsNew(t *testing.T) {
	bubble(t, accounts, func(r *rig) {
		p := r.udp("198.51.100.7:5060")
		for i := range 5 {
			p.guess(fmt.Sprint("g", i))
			p.want("401 REGISTER")
		}
		if !r.ep.Unban(netip.MustParseAddr("198.51.100.7")) || r.ep.Unban(netip.MustParseAddr("198.51.100.7")) || len(r.ep.Bans()) != 0 {
			t.Error("not unbanned once")
		}
		p.register("r", 1)
	})
}

func TestWhoMayNotBeBanned(t *testing.T) {
	t.Run("a registered phone whose address somebody uses", func(t *testing.T) {
		bubble(t, accounts, func(r *rig) {
			p := r.udp("198.51.100.7:5060")
			p.register("r", 1)
			for i := range 10 {
				p.guess(fmt.Sprint("g", i))
				p.want("401 REGISTER")
			}
			if len(r.ep.Bans()) != 0 {
				t.Errorf("bans %+v", r.ep.Bans())
			}
		})
	})
	t.Run("its neighbour behind one NAT, once registered", func(t *testing.T) {
		for _, tp := range []string{"udp", "tcp"} {
			bubble(t, accounts, func(r *rig) {
				evil, p := r.udp("198.51.100.7:40000"), r.udp("198.51.100.7:40001")
				if tp == "tcp" {
					p = r.tcp("198.51.100.7")
				}
				p.register("r", 1)
				for i := range 5 {
					evil.guess(fmt.Sprint("g", i))
					evil.want("401 REGISTER")
				}
				if len(r.ep.Bans()) != 1 {
					t.Fatalf("bans %+v", r.ep.Bans())
				}
				p.register("r", 10)
				evil.send(evil.ask("OPTIONS", "o", "o", ";tag=b", "", 1, ""))
				evil.silent(time.Second)
			})
		}
	})
	t.Run("a trunk", func(t *testing.T) {
		bubble(t, accounts, func(r *rig) {
			p := r.udp("10.0.0.2:5060")
			for i := range 10 {
				p.guess(fmt.Sprint("g", i))
				p.want("401 REGISTER")
			}
			if len(r.ep.Bans()) != 0 {
				t.Errorf("bans %+v", r.ep.Bans())
			}
		})
	})
	t.Run("who never took up a challenge: his address may be forged", func(t *testing.T) {
		bubble(t, accounts, func(r *rig) {
			p := r.udp("198.51.100.7:5060")
			for i := range 10 {
				id := fmt.Sprint("g", i)
				p.send(p.ask("REGISTER", id, id, ";tag=r", "", 1, "", `Authorization: Digest username="bob", realm="test", nonce="`+strings.Repeat("A", 38)+`", uri="sip:4000@10.0.0.1", qop=auth, nc=00000001, cnonce="x", response="00000000000000000000000000000000", algorithm=MD5`))
				p.want("401 REGISTER")
			}
			if len(r.ep.Bans()) != 0 {
				t.Errorf("bans %+v", r.ep.Bans())
			}
		})
	})
	t.Run("who mistypes now and then", func(t *testing.T) {
		bubble(t, accounts, func(r *rig) {
			p := r.udp("198.51.100.7:5060")
			for i := range 20 {
				p.guess(fmt.Sprint("g", i))
				p.want("401 REGISTER")
				time.Sleep(20 * time.Second)
			}
			if len(r.ep.Bans()) != 0 {
				t.Errorf("bans %+v", r.ep.Bans())
			}
		})
	})
}

func TestBansAreBounded(t *testing.T) {
	b := newBans(1, time.Minute)
	now := time.Now()
	for i := range 3 * banSources {
		a := netip.AddrFrom4([4]byte{byte(11 + i>>16), byte(i >> 8), byte(i), 1})
		b.failed(a, now)
		if i == 0 {
			for range 100 {
				now = now.Add(time.Hour)
				b.failed(a, now)
			}
			if got := b.list(now)[0]; got.Until.Sub(now) > banMost {
				t.Errorf("ban of %v", got.Until.Sub(now))
			}
		}
	}
	if len(b.known) != banSources || b.recent.Len() != banSources {
		t.Errorf("%d known, %d in order, want %d", len(b.known), b.recent.Len(), banSources)
	}
	v6 := netip.MustParseAddr("2001:db8::1")
	b.failed(v6, now)
	if !b.banned(netip.MustParseAddr("2001:db8::2"), now) || b.banned(netip.MustParseAddr("2001:db8:0:1::1"), now) || b.banned(v6, now.Add(time.Hour)) {
		t.Error("an IPv6 source is its /64, for its time")
	}
	if newBans(-1, time.Minute).failed(v6, now) {
		t.Error("banned though that is off")
	}
}
