package call

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"hotline/sip"
	"hotline/store"
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

func TestAQueueWithoutAgentsIsAFaultOnlyWhereItsCallersAreLedNowhere(t *testing.T) {
	for name, tc := range map[string]struct {
		q    store.Queue
		want string
	}{
		"nothing":                {store.Queue{}, "FAIL q has no agents, and its callers wait for ever"},
		"nobody":                 {store.Queue{Nobody: "voicemail:v"}, "WARN q has no agents: all its callers go on to voicemail:v (nobody)"},
		"nobody, hung up":        {store.Queue{Nobody: "hangup"}, "WARN q has no agents: all its callers go on to hangup (nobody)"},
		"closed":                 {store.Queue{Hours: "never", Closed: "voicemail:v"}, "WARN q has no agents: all its callers go on to voicemail:v while it is closed, and wait for ever when it opens"},
		"closed, and handled":    {store.Queue{Hours: "never", Nobody: "voicemail:v"}, "WARN q has no agents: all its callers go on to hangup while it is closed"},
		"a way for closed, open": {store.Queue{Hours: "always", Closed: "voicemail:v"}, "FAIL q has no agents, and its callers wait for ever"},
		"a limit":                {store.Queue{MaxWait: store.Duration(time.Minute)}, "WARN q has no agents: all its callers go on to hangup after 1m0s"},
	} {
		c := store.Center{Queues: map[string]store.Queue{"q": tc.q}, Numbers: map[string]store.Number{"4000": {To: "queue:q"}},
			Hours: map[string]store.Hours{"never": {}, "always": {Open: []store.Open{{Days: "mon-sun", From: "00:00", To: "24:00"}}}}}
		var f findings
		f.staff(c)
		if len(f) != 1 || f[0].Result+" "+f[0].What != tc.want {
			t.Errorf("%s: got %+v, want %q", name, f, tc.want)
		}
		if why := deadEnd(c, c.Numbers["4000"]); (why != "") != (f[0].Result == Fail) {
			t.Errorf("%s: the number: got %q beside %q", name, why, f[0].What)
		}
	}
	named := store.Center{Queues: map[string]store.Queue{"q": {}}, Numbers: map[string]store.Number{"4000": {To: "queue:q", Agents: []string{"1001"}}}}
	var f findings
	if f.staff(named); f[0].Result != Pass {
		t.Errorf("a queue whose number names agents: got %+v", f)
	}
}
