package sip

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

func testTrunks() *trunkSet {
	s := &trunkSet{}
	s.set([]Trunk{
		{Name: "carrier", Peers: []string{"sip:192.0.2.1", "sip:sbc.carrier.example:5080;transport=tcp", "mailto:bad.example"},
			Addresses: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}, User: "u", Password: "p", RegisterURI: "sip:carrier.example"},
		{Name: "inner", Addresses: []netip.Prefix{netip.MustParsePrefix("198.51.100.128/25"), netip.MustParsePrefix("::ffff:203.0.113.0/120")}},
		{Name: "local", Addresses: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}},
		{Name: "out", Peers: []string{"sip:127.0.0.1:16461"}},
	})
	return s
}

func TestASourceBelongsToTheClosestTrunk(t *testing.T) {
	s := testTrunks()
	s.resolved(s.unresolved()[0], []netip.AddrPort{netip.MustParseAddrPort("[::ffff:192.0.2.77]:5080")}, nil)
	tests := []struct{ source, want string }{
		{"192.0.2.1:5060", "carrier"},
		{"192.0.2.1:40000", "carrier"},
		{"[::ffff:192.0.2.1]:5060", "carrier"},
		{"192.0.2.77:33000", "carrier"},
		{"198.51.100.5:5060", "carrier"},
		{"198.51.100.200:5060", "inner"},
		{"203.0.113.9:5060", "inner"},
		{"127.0.0.1:5060", "local"},
		{"127.0.0.1:16461", "out"},
		{"192.0.2.2:5060", ""},
		{"[2001:db8::1]:5060", ""},
	}
	for _, tt := range tests {
		got, ok := s.match(netip.MustParseAddrPort(tt.source))
		if got.Name != tt.want || ok != (tt.want != "") {
			t.Errorf("%s: got %q, %v, want %q", tt.source, got.Name, ok, tt.want)
		}
	}
}

func TestPeersThatAreDownAreTriedLast(t *testing.T) {
	s := testTrunks()
	uris := func(now time.Time) (all []string) {
		targets, _ := s.targets(now, "carrier", "+49 30")
		for _, t := range targets {
			all = append(all, t.URI)
		}
		return all
	}
	first, second := "sip:+49%2030@192.0.2.1", "sip:+49%2030@sbc.carrier.example:5080;transport=tcp"
	targets, ok := s.targets(epoch, "carrier", "1")
	if !ok || len(targets) != 2 || targets[0].Addr != netip.MustParseAddrPort("192.0.2.1:5060") || targets[0].Trunk != "carrier" ||
		targets[1].Addr.IsValid() || targets[1].Transport != "tcp" {
		t.Fatalf("got %+v, want the literal with its address, the name over TCP without", targets)
	}
	check := func(what string, after time.Duration, want ...string) {
		t.Helper()
		if got := uris(epoch.Add(after)); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", what, got, want)
		}
	}
	check("all up", 0, first, second)
	s.failed(epoch, targets[0], 486, 0)
	check("busy is no failure", 0, first, second)
	s.failed(epoch, targets[0], 503, 5*time.Second)
	check("503 with Retry-After 5", 4999*time.Millisecond, second, first)
	check("5 s later", 5*time.Second, first, second)
	s.failed(epoch, targets[1], 408, 0)
	s.failed(epoch, targets[0], 0, 0)
	check("both silent", time.Second, first, second)
	s.failed(epoch, targets[0], 0, 0)
	check("silent twice", 31*time.Second, second, first)
	if st := s.states(epoch)[0]; st.Peers[0].DownUntil.IsZero() || st.Peers[0].Error == "" || st.Peers[2].Error == "" {
		t.Errorf("got %+v, want the trouble told", st)
	}
	s.alive(targets[0])
	check("alive again", 31*time.Second, first, second)
	s.failed(epoch, targets[0], 503, 24*time.Hour)
	check("a day is too long", downMost, first, second)
}

func TestATroubleWithANameIsForgottenWhenItResolves(t *testing.T) {
	s := testTrunks()
	peer := s.unresolved()[0]
	s.resolved(peer, nil, errNoAddress)
	if got := s.states(epoch)[0].Peers[1].Error; got == "" {
		t.Error("got no error, want that of the look-up")
	}
	s.resolved(peer, []netip.AddrPort{netip.MustParseAddrPort("192.0.2.77:5080")}, nil)
	if got := s.states(epoch)[0].Peers[1].Error; got != "" {
		t.Errorf("got %q, want none", got)
	}
	s.resolved(peer, nil, errNoAddress)
	if _, ok := s.match(netip.MustParseAddrPort("192.0.2.77:5080")); !ok {
		t.Error("the addresses of before must stay when a look-up fails")
	}
}

func TestASetReplacedKeepsWhatIsKnownOfItsPeers(t *testing.T) {
	s := testTrunks()
	targets, _ := s.targets(epoch, "carrier", "1")
	s.failed(epoch, targets[0], 503, 0)
	s.set([]Trunk{{Name: "carrier", Peers: []string{"sip:192.0.2.9", "sip:192.0.2.1"}}})
	if got := s.states(epoch); len(got) != 1 || got[0].Peers[1].DownUntil.IsZero() || !got[0].Peers[0].DownUntil.IsZero() {
		t.Errorf("got %+v, want the second peer still down", got)
	}
	if _, ok := s.targets(epoch, "out", "1"); ok {
		t.Error("a trunk that is gone has no targets")
	}
	if _, ok := s.match(netip.MustParseAddrPort("127.0.0.1:5060")); ok {
		t.Error("a trunk that is gone matches no source")
	}
}

func TestCredentialsAreForTheTrunksOwnHosts(t *testing.T) {
	s := testTrunks()
	tests := []struct {
		trunk, uri string
		want       bool
	}{
		{"carrier", "sip:1@192.0.2.1", true},
		{"carrier", "sip:1@SBC.carrier.example", true},
		{"carrier", "sip:carrier.example", true},
		{"carrier", "sip:1@evil.example", false},
		{"carrier", "sip:192.0.2.1@evil.example", false},
		{"out", "sip:1@127.0.0.1:16461", false}, // no credentials
		{"", "sip:1@192.0.2.1", false},
		{"carrier", "nonsense", false},
	}
	for _, tt := range tests {
		if got := s.auth(Target{Trunk: tt.trunk, URI: tt.uri}); (got != nil) != tt.want {
			t.Errorf("%s %s: got %v, want %v", tt.trunk, tt.uri, got != nil, tt.want)
		}
	}
}

func TestATargetIsASIPURIWeCanReach(t *testing.T) {
	tests := []struct {
		uri       string
		addr      string
		transport string
		ok        bool
	}{
		{"sip:1001@10.0.0.5:5062;transport=TCP", "10.0.0.5:5062", "tcp", true},
		{"sip:10.0.0.5", "10.0.0.5:5060", "udp", true},
		{"sip:[::ffff:10.0.0.5]", "10.0.0.5:5060", "udp", true},
		{"sip:[2001:db8::1]:5070", "[2001:db8::1]:5070", "udp", true},
		{"sip:a@b.example", "invalid AddrPort", "udp", true},
		{"sips:10.0.0.5", "10.0.0.5:5061", "tls", true},
		{"sip:10.0.0.5;transport=TLS", "10.0.0.5:5061", "tls", true},
		{"sip:a@b.example;transport=sctp", "", "", false},
		{"tel:+49", "", "", false},
		{"sip:a@", "", "", false},
		{"", "", "", false},
		{"sip:a@b\r\nX: y", "", "", false},
		{"sip:10.0.0.5:70000", "", "", false},
	}
	for _, tt := range tests {
		got, err := ParseTarget(tt.uri)
		if (err == nil) != tt.ok {
			t.Errorf("%q: got %v, want ok %v", tt.uri, err, tt.ok)
			continue
		}
		if tt.ok && (got.URI != tt.uri || got.Addr.String() != tt.addr || got.Transport != tt.transport) {
			t.Errorf("%q: got %+v, want %s over %s", tt.uri, got, tt.addr, tt.transport)
		}
	}
}

func FuzzParseTarget(f *testing.F) {
	for _, s := range []string{"sip:1001@10.0.0.5:5062;transport=TCP", "sip:[::1]:5070", "sip:%41@h?x=y", "sip:@h", "sip:a@b@c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := ParseTarget(s)
		if err != nil {
			return
		}
		if strings.ContainsAny(s, "\r\n\x00 <>\"") || len(s) > maxContactBytes || got.Transport != "udp" && got.Transport != "tcp" {
			t.Fatalf("%q: got %+v, want it refused", s, got)
		}
		u, _ := parseURI(s)
		if !u.same(u) || got.Addr.IsValid() && int(got.Addr.Port()) != u.portOr() {
			t.Fatalf("%q: got %+v, %+v", s, got, u)
		}
	})
}
