package call

import (
	"strings"
	"testing"

	"hotline/sip"
	"hotline/store"
)

func TestNumbersAndNamesOfCallersAreMadeSafe(t *testing.T) {
	long := strings.Repeat("9", 100)
	for _, tc := range []struct{ in, want string }{
		{"+4930123456", "+4930123456"},
		{"ann.smith-1", "ann.smith-1"},
		{"../../etc/passwd", "....etcpasswd"},
		{"1;DROP\r\nBye: x", "1DROPByex"},
		{"\x1b[31mred", "31mred"},
		{"用户", "anonymous"},
		{"", "anonymous"},
		{"@@@", "anonymous"},
		{long, long[:64]},
	} {
		if got := plainNumber(tc.in); got != tc.want {
			t.Errorf("plainNumber(%q): got %q, want %q", tc.in, got, tc.want)
		}
	}
	for _, tc := range []struct{ in, want string }{
		{"Ann Smith", "Ann Smith"},
		{"王小明", "王小明"},
		{"\x1b[31mred\r\n\x00", "[31mred"},
		{strings.Repeat("é", 100), strings.Repeat("é", 64)},
		{"", ""},
	} {
		if got := plainName(tc.in); got != tc.want {
			t.Errorf("plainName(%q): got %q, want %q", tc.in, got, tc.want)
		}
	}
}

func TestOnlyPlainNumbersGoToATrunk(t *testing.T) {
	for in, want := range map[string]bool{
		"110": true, "+4930123456": true, "00": true, strings.Repeat("1", 32): true,
		"": false, "1": false, "+": false, "1+2": false, "++49": false, "12a": false, "*21*123#": false, "12 34": false,
		"１２３": false, strings.Repeat("1", 33): false, "12;ext=1": false, "12@x": false,
	} {
		if got := dialable(in); got != want {
			t.Errorf("dialable(%q) is %v, want %v", in, got, want)
		}
	}
}

// routes is a center with something of each kind to dial.
func routes() store.Center {
	return store.Center{
		Agents: map[string]store.Agent{"1001": {}, "1002": {Outbound: []string{"out"}}},
		Queues: map[string]store.Queue{"sales": {}},
		Numbers: map[string]store.Number{"4000": {To: "queue:sales"}, "4001": {To: "queue:sales", Trunks: []string{"in"}},
			"4004": {To: "trunk:out"}, "4005": {To: "trunk:open"}},
		Trunks: map[string]store.Trunk{"in": {}, "other": {}, "out": {}, "free": {Hairpin: "allow"}, "open": {Hairpin: "allow"}},
	}
}

func TestWhoMayDialWhat(t *testing.T) {
	w, err := newWorld(routes(), 1)
	if err != nil {
		t.Fatal(err)
	}
	ann, bob := sip.Peer{Account: "1001"}, sip.Peer{Account: "1002"}
	in, other, free := sip.Peer{Trunk: "in"}, sip.Peer{Trunk: "other"}, sip.Peer{Trunk: "free"}
	for _, tc := range []struct {
		name   string
		peer   sip.Peer
		number string
		want   string // name of the stage, or the status
	}{
		{"a number from a trunk", in, "4000", "wait sales"},
		{"a number from a phone", ann, "4000", "wait sales"},
		{"a number of this trunk", in, "4001", "wait sales"},
		{"a number of another trunk", other, "4001", "404"},
		{"a trunk's number from a phone", ann, "4001", "wait sales"},
		{"nothing", in, "9999", "404"},
		{"no number at all", in, "", "404"},
		{"an agent from a trunk", in, "1001", "404"},
		{"an agent from a phone", ann, "1002", "dial agent 1002"},
		{"the world, for who may", bob, "+4930123456", "dial out"},
		{"the world, for who may not", ann, "+4930123456", "404"},
		{"the world, from a trunk", in, "+4930123456", "404"},
		{"codes of the network", bob, "*21*123#", "404"},
		{"a number out, from a phone", ann, "4004", "dial out"},
		{"a hairpin", in, "4004", "403"},
		{"a hairpin that the caller's trunk allows", free, "4004", "dial out"},
		{"a hairpin that the trunk out allows", in, "4005", "dial open"},
		{"a feature code", ann, "*41", "code ready"},
		{"log in", ann, "*43", "code ready"},
		{"not ready with a reason", ann, "*422", "code not ready"},
		{"not ready with no such reason", ann, "*429", "404"},
		{"log out", ann, "*40", "code logged out"},
		{"a feature code from a trunk", in, "*41", "404"},
	} {
		c := &Call{inc: &sip.Incoming{Peer: tc.peer, Number: tc.number}}
		s, refuse := (&Engine{}).firstStage(w, c)
		got := itoa(refuse.Status)
		if s != nil {
			got = s.name()
		}
		if got != tc.want {
			t.Errorf("%s: %q from %s leads to %s, want %s", tc.name, tc.number, peerName(tc.peer), got, tc.want)
		}
	}
}
