package call

import (
	"net/netip"
	"strings"
	"testing"

	"hotline/sip"
)

func TestWhatTheWorldSeesIsComparedWithWhatItIsTold(t *testing.T) {
	local, seen := netip.MustParseAddrPort("10.0.0.1:5060"), netip.MustParseAddrPort("203.0.113.7:5060")
	stun := []sip.STUNCheck{{Server: "stun.example.net", Local: local, Mapped: seen}}
	for _, tc := range []struct {
		name      string
		up        sip.Checkup
		advertise string
		want      []string // beginnings of lines
	}{
		{"the address is right", sip.Checkup{STUN: stun, NAT: sip.NATKeepsPort}, "203.0.113.7", []string{"PASS stun", "PASS nat"}},
		{"the address is another", sip.Checkup{STUN: stun, NAT: sip.NATKeepsPort}, "203.0.113.8",
			[]string{"FAIL stun peers are told 203.0.113.8, but stun.example.net sees us at 203.0.113.7:5060", "PASS nat"}},
		{"no answer", sip.Checkup{STUN: []sip.STUNCheck{{Server: "s", Error: "no answer"}}}, "", []string{"FAIL stun"}},
		{"symmetric", sip.Checkup{STUN: stun, NAT: sip.NATSymmetric}, "", []string{"PASS stun", "WARN nat"}},
	} {
		var f findings
		f.outside(tc.up, tc.advertise)
		for i, x := range f {
			got := x.Result + " " + x.Check + " " + x.What
			if i >= len(tc.want) || !strings.HasPrefix(got, tc.want[i]) {
				t.Errorf("%s: line %d: got %q, want %q", tc.name, i, got, tc.want)
			}
			if (x.Try == "") != (x.Result == Pass) {
				t.Errorf("%s: %s with the hint %q", tc.name, got, x.Try)
			}
		}
		if len(f) != len(tc.want) {
			t.Errorf("%s: got %d lines, want %d", tc.name, len(f), len(tc.want))
		}
	}
}

func TestATrunkWithAPeerLeftOnlyWarns(t *testing.T) {
	var f findings
	f.trunks([]sip.TrunkCheck{{Trunk: "a", Peer: "1", Status: 200}, {Trunk: "a", Peer: "2", Error: "no answer"}, {Trunk: "b", Peer: "3", Error: "no answer"}})
	for i, want := range []string{Pass, Warn, Fail} {
		if f[i].Result != want {
			t.Errorf("%s: got %s, want %s", f[i].What, f[i].Result, want)
		}
	}
}
