package sip

import (
	"net/netip"
	"testing"
	"time"
)

func TestGuardRemembersBoundedly(t *testing.T) {
	g := newGuard(20, 50)
	now := time.Unix(1e9, 0)
	known := netip.MustParseAddr("198.51.100.1")
	g.vouch(known, now)
	for i := range 3 * guardSources {
		a := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		g.allow(a, now)
		if i%1000 == 0 { // who comes back is not forgotten
			for range 60 {
				if !g.allow(known, now) {
					t.Fatal("a source that proved itself was limited")
				}
			}
		}
	}
	if len(g.buckets) != guardSources || g.recent.Len() != guardSources {
		t.Errorf("%d sources in the table, %d in the list, want %d", len(g.buckets), g.recent.Len(), guardSources)
	}
}

func TestGuardCountsPerSource(t *testing.T) {
	g := newGuard(20, 50)
	now := time.Unix(1e9, 0)
	count := func(a string) (n int) {
		for range 100 {
			if g.allow(netip.MustParseAddr(a), now) {
				n++
			}
		}
		return n
	}
	for _, c := range []struct {
		addr string
		want int
	}{
		{"198.51.100.1", 50}, {"198.51.100.1", 0}, {"198.51.100.2", 50},
		{"2001:db8::1", 50}, {"2001:db8::2", 0}, {"2001:db8:0:1::1", 50}, // an IPv6 source is its /64
		{"127.0.0.1", 100}, {"::1", 100},
	} {
		if got := count(c.addr); got != c.want {
			t.Errorf("%s: %d of 100 allowed, want %d", c.addr, got, c.want)
		}
	}
	now = now.Add(time.Second)
	if got := count("198.51.100.1"); got != 20 {
		t.Errorf("a second later: %d allowed, want 20", got)
	}
}
