package sip

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// regRequest is a REGISTER with whole header lines added.
func regRequest(t testing.TB, user, callID string, cseq uint32, lines ...string) *message {
	t.Helper()
	text := fmt.Sprintf("REGISTER sip:call.example SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK%d\r\nFrom: <sip:%s@call.example>;tag=1\r\n"+
		"To: <sip:%s@call.example>\r\nCall-ID: %s\r\nCSeq: %d REGISTER\r\nMax-Forwards: 70\r\n", cseq, user, user, callID, cseq)
	for _, l := range lines {
		text += l + "\r\n"
	}
	m, err := parse(text+"Content-Length: 0\r\n\r\n", false)
	if err != nil {
		t.Fatalf("%q: %v", lines, err)
	}
	return m
}

// values are an answer's headers of one name.
func (a registered) values(name string) (all []string) {
	for _, h := range a.Headers {
		if h[0] == name {
			all = append(all, h[1])
		}
	}
	return all
}

var fromNAT = origin{Source: netip.MustParseAddrPort("203.0.113.7:40000"), Transport: "udp"}

func TestARegisterIsAnswered(t *testing.T) {
	const c1 = "Contact: <sip:1001@10.0.0.5:5062>"
	tests := []struct {
		name   string
		lines  []string
		status int
		want   []string // Contact values
	}{
		{"default expiry", []string{c1}, 200, []string{"<sip:1001@10.0.0.5:5062>;expires=3600"}},
		{"expires of the header", []string{c1, "Expires: 120"}, 200, []string{"<sip:1001@10.0.0.5:5062>;expires=120"}},
		{"expires of the contact first", []string{c1 + ";Expires=90", "Expires: 120"}, 200, []string{"<sip:1001@10.0.0.5:5062>;expires=90"}},
		{"too long is cut", []string{c1 + ";expires=86400"}, 200, []string{"<sip:1001@10.0.0.5:5062>;expires=3600"}},
		{"beyond all numbers", []string{c1 + ";expires=99999999999999999999"}, 200, []string{"<sip:1001@10.0.0.5:5062>;expires=3600"}},
		{"malformed is the default", []string{c1 + ";expires=soon", "Expires: 120"}, 200, []string{"<sip:1001@10.0.0.5:5062>;expires=120"}},
		{"too short", []string{c1 + ";expires=59"}, 423, nil},
		{"removing what is not there", []string{c1 + ";expires=0"}, 200, nil},
		{"asking", nil, 200, nil},
		{"compact, two in a line, q", []string{`m: "A, \"B" <sip:1001@10.0.0.5>;q=0.5, sip:1001@10.0.0.6;q=2`}, 200,
			[]string{"<sip:1001@10.0.0.6>;expires=3600", "<sip:1001@10.0.0.5>;expires=3600;q=0.5"}},
		{"a host that cannot be resolved", []string{"Contact: <sip:abc@x7df.invalid;transport=tcp>"}, 200, []string{"<sip:abc@x7df.invalid;transport=tcp>;expires=3600"}},
		{"IPv6", []string{"Contact: <sip:a@[2001:db8::1]:5070>"}, 200, []string{"<sip:a@[2001:db8::1]:5070>;expires=3600"}},
		{"star without expires", []string{"Contact: *"}, 400, nil},
		{"star with time", []string{"Contact: *", "Expires: 60"}, 400, nil},
		{"star among others", []string{"Contact: *", c1, "Expires: 0"}, 400, nil},
		{"star", []string{"Contact: *", "Expires: 0"}, 200, nil},
		{"not SIP", []string{"Contact: <tel:+4930>"}, 400, nil},
		{"too many", []string{c1, strings.Repeat("Contact: <sip:a@h>\r\n", 5) + "Expires: 60"}, 403, nil},
		{"one too short spoils all", []string{"Contact: <sip:a@h>", "Contact: <sip:b@h>;expires=1"}, 423, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRegistrar(epoch, registrarConfig{})
			got := r.handle(epoch, "1001", regRequest(t, "1001", "c", 1, tt.lines...), fromNAT)
			if contacts := got.values("Contact"); got.Status != tt.status || !slices.Equal(contacts, tt.want) {
				t.Errorf("got %d %s %q, want %d %q", got.Status, got.Reason, contacts, tt.status, tt.want)
			}
			if got.Status == 423 && !slices.Equal(got.values("Min-Expires"), []string{"60"}) {
				t.Errorf("got %q, want Min-Expires 60", got.Headers)
			}
			if got.Status == 200 && !slices.Equal(got.values("Date"), []string{"Sun, 01 Mar 2026 12:00:00 GMT"}) {
				t.Errorf("got %q, want a Date", got.Headers)
			}
			if got.Status != 200 && len(r.bindings(epoch)) != 0 {
				t.Errorf("got %v after a refusal, want nothing bound", r.bindings(epoch))
			}
		})
	}
}

func TestTheNameOfAPhoneIsCutAndMadePrintable(t *testing.T) {
	r := newRegistrar(epoch, registrarConfig{})
	r.handle(epoch, "1001", regRequest(t, "1001", "c", 1, "Contact: <sip:a@h>", "User-Agent: Ph\x01ne \u00e9 "+strings.Repeat("x", 200)), fromNAT)
	if got := r.bindings(epoch)[0].UserAgent; len(got) != 128 || !strings.HasPrefix(got, "Ph?ne ?? xxx") {
		t.Errorf("got %q, want 128 printable bytes", got)
	}
}

func TestNobodyRegistersForAnother(t *testing.T) {
	r := newRegistrar(epoch, registrarConfig{})
	if got := r.handle(epoch, "1001", regRequest(t, "1002", "c", 1, "Contact: <sip:x@h>"), fromNAT); got.Status != 403 {
		t.Errorf("got %d, want 403", got.Status)
	}
	if got := r.handle(epoch, "1001", regRequest(t, "%31001", "c", 1, "Contact: <sip:x@h>"), fromNAT); got.Status != 200 {
		t.Errorf("an escaped name: got %d, want 200", got.Status)
	}
}

func TestALaterRegisterIsNotUndoneByAnEarlierOne(t *testing.T) {
	r := newRegistrar(epoch, registrarConfig{})
	steps := []struct {
		callID string
		cseq   uint32
		lines  []string
		want   int
		left   int
	}{
		{"a", 5, []string{"Contact: <sip:x@h>"}, 200, 1},
		{"a", 5, []string{"Contact: <sip:x@h>;expires=0"}, 500, 1},
		{"a", 4, []string{"Contact: <sip:y@h>", "Contact: <sip:x@H:5060>"}, 500, 1},
		{"a", 4, []string{"Contact: *", "Expires: 0"}, 500, 1},
		{"a", 4, []string{"Contact: <sip:y@h>"}, 200, 2},
		{"a", 3, nil, 200, 2},
		{"b", 1, []string{"Contact: <sip:x@h>;expires=0"}, 200, 1},
		{"b", 2, []string{"Contact: *", "Expires: 0"}, 200, 0},
	}
	for i, s := range steps {
		got := r.handle(epoch, "1001", regRequest(t, "1001", s.callID, s.cseq, s.lines...), fromNAT)
		if left := len(r.bindings(epoch)); got.Status != s.want || left != s.left {
			t.Errorf("step %d: got %d with %d bound, want %d with %d", i, got.Status, left, s.want, s.left)
		}
	}
}

func TestContactsComeMostRecentFirstWithWhereTheyCameFrom(t *testing.T) {
	r := newRegistrar(epoch, registrarConfig{})
	tcp := origin{Source: netip.MustParseAddrPort("198.51.100.3:51000"), Transport: "tcp", Flow: "7"}
	r.handle(epoch, "1001", regRequest(t, "1001", "a", 1, "Contact: <sip:old@10.0.0.5>;expires=60"), fromNAT)
	r.handle(epoch.Add(time.Second), "1001", regRequest(t, "1001", "b", 1, "Contact: <sip:new@10.0.0.6;transport=tcp>"), tcp)
	want := []Target{
		{URI: "sip:new@10.0.0.6;transport=tcp", Addr: tcp.Source, Transport: "tcp", Flow: "7"},
		{URI: "sip:old@10.0.0.5", Addr: fromNAT.Source, Transport: "udp"},
	}
	if got := r.contacts(epoch.Add(2*time.Second), "1001"); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := r.contacts(epoch.Add(60*time.Second), "1001"); !slices.Equal(got, want[:1]) {
		t.Errorf("after 60 s: got %v, want %v", got, want[:1])
	}
	if aor, ok := r.phoneAt(epoch, netip.MustParseAddrPort("[::ffff:203.0.113.7]:40000")); !ok || aor != "1001" {
		t.Errorf("got %q, %v, want the phone behind NAT", aor, ok)
	}
	if _, ok := r.phoneAt(epoch, netip.MustParseAddrPort("203.0.113.7:40001")); ok {
		t.Error("another port is not that phone")
	}
	if got := r.contacts(epoch, "1002"); got != nil {
		t.Errorf("got %v for a stranger, want none", got)
	}
}

func TestAClosedConnectionLeavesTheBinding(t *testing.T) {
	tests := []struct {
		contact string
		want    []Target
	}{
		{"sip:a@10.0.0.6;transport=tcp", nil}, // behind NAT: nothing can be dialled
		{"sip:a@evil.example;transport=tcp", nil},
		{"sip:a@198.51.100.3:5070;transport=tcp", []Target{{URI: "sip:a@198.51.100.3:5070;transport=tcp",
			Addr: netip.MustParseAddrPort("198.51.100.3:5070"), Transport: "tcp"}}},
	}
	for _, tt := range tests {
		var changes []BindingChange
		r := newRegistrar(epoch, registrarConfig{OnChange: func(c BindingChange) { changes = append(changes, c) }})
		from := origin{Source: netip.MustParseAddrPort("198.51.100.3:51000"), Transport: "tcp", Flow: "7"}
		r.handle(epoch, "1001", regRequest(t, "1001", "a", 1, "Contact: <"+tt.contact+">"), from)
		r.flowClosed("")
		r.flowClosed("7")
		if got := r.contacts(epoch, "1001"); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.contact, got, tt.want)
		}
		if got := r.bindings(epoch); len(got) != 1 || got[0].Flow != "" || len(changes) != 1 {
			t.Errorf("%s: got %v and %d changes, want the binding without flow, 1", tt.contact, got, len(changes))
		}
		from.Flow, from.Source = "8", netip.MustParseAddrPort("198.51.100.3:51001")
		r.handle(epoch, "1001", regRequest(t, "1001", "a", 2, "Contact: <"+tt.contact+">"), from)
		if got := r.contacts(epoch, "1001"); len(got) != 1 || got[0].Flow != "8" || got[0].Addr != from.Source {
			t.Errorf("%s: got %v, want the new connection", tt.contact, got)
		}
	}
}

func TestTheOldestBindingMakesRoom(t *testing.T) {
	var changes []BindingChange
	r := newRegistrar(epoch, registrarConfig{OnChange: func(c BindingChange) { changes = append(changes, c) }})
	for i := range 7 {
		r.handle(epoch.Add(time.Duration(i)*time.Second), "1001", regRequest(t, "1001", fmt.Sprint(i), 1, fmt.Sprintf("Contact: <sip:a@10.0.0.%d>", i)), fromNAT)
	}
	all := r.bindings(epoch.Add(7 * time.Second))
	if len(all) != 5 || all[0].Contact != "sip:a@10.0.0.6" || all[4].Contact != "sip:a@10.0.0.2" {
		t.Errorf("got %v, want the last five, most recent first", all)
	}
	removed := 0
	for _, c := range changes {
		if c.Removed {
			removed++
			if !c.Reachable {
				t.Errorf("got %v, want still reachable", c)
			}
		}
	}
	if removed != 2 {
		t.Errorf("got %d removed, want 2", removed)
	}
}

func TestExpiryIsToldOnceAndInTime(t *testing.T) {
	var changes []string
	r := newRegistrar(epoch, registrarConfig{OnChange: func(c BindingChange) {
		changes = append(changes, fmt.Sprintf("%s removed %v reachable %v", c.Binding.Contact, c.Removed, c.Reachable))
	}})
	if next := r.expire(epoch); !next.IsZero() {
		t.Errorf("got %v, want nothing due", next)
	}
	r.handle(epoch, "1", regRequest(t, "1", "c", 1, "Contact: <sip:a@h>;expires=60", "Contact: <sip:b@h>;expires=90"), fromNAT)
	for _, s := range []struct{ at, next int }{{0, 60}, {59, 60}, {60, 90}, {89, 90}} {
		if next := r.expire(epoch.Add(time.Duration(s.at) * time.Second)); next.Sub(epoch) != time.Duration(s.next)*time.Second {
			t.Errorf("at %d s: got %v, want %d s", s.at, next.Sub(epoch), s.next)
		}
	}
	if next := r.expire(epoch.Add(91 * time.Second)); !next.IsZero() {
		t.Errorf("got %v, want nothing due", next)
	}
	want := []string{"sip:a@h removed false reachable true", "sip:b@h removed false reachable true",
		"sip:a@h removed true reachable true", "sip:b@h removed true reachable false"}
	if !slices.Equal(changes, want) {
		t.Errorf("got %q, want %q", changes, want)
	}
}

func TestRestoredBindingsWorkUntilTheyExpire(t *testing.T) {
	b := func(user, contact string, left time.Duration) Binding {
		return Binding{AOR: user, Contact: contact, Source: fromNAT.Source, Transport: "udp", Flow: "3", CallID: "c", CSeq: 9,
			Expires: epoch.Add(left), Registered: epoch.Add(left - time.Hour)}
	}
	told := 0
	r := newRegistrar(epoch, registrarConfig{OnChange: func(BindingChange) { told++ }, Restored: []Binding{
		b("1", "sip:a@h", time.Minute), b("1", "sip:gone@h", 0), b("2", "nonsense", time.Minute), b("", "sip:a@h", time.Minute), b("3", "sip:c@h", 2*time.Minute)}})
	all := r.bindings(epoch)
	if len(all) != 2 || all[0].AOR != "1" || all[1].AOR != "3" || all[0].Flow != "" || all[0].Q != 1 || told != 0 {
		t.Fatalf("got %v, told %d, want those of 1 and 3 without flow, told 0", all, told)
	}
	if got := r.handle(epoch, "1", regRequest(t, "1", "c", 9, "Contact: <sip:a@h>"), fromNAT); got.Status != 500 {
		t.Errorf("a repeated CSeq: got %d, want 500", got.Status)
	}
	if got := r.contacts(epoch, "3"); len(got) != 1 || got[0].Addr != fromNAT.Source {
		t.Errorf("got %v, want the source of the binding", got)
	}
	r.expire(epoch.Add(3 * time.Minute))
	if told != 2 || len(r.sources) != 0 || len(r.byUser) != 0 {
		t.Errorf("got %d told, %d sources, want 2, 0", told, len(r.sources))
	}
}

// onChange may call back into the registrar, and changes keep their order.
func TestAChangeMayAskTheRegistrar(t *testing.T) {
	var r *registrar
	var seen []string
	r = newRegistrar(epoch, registrarConfig{OnChange: func(c BindingChange) {
		seen = append(seen, c.Binding.Contact)
		if len(seen) == 1 {
			r.handle(epoch, "2", regRequest(t, "2", "c", 1, "Contact: <sip:second@h>"), fromNAT)
		}
	}})
	r.handle(epoch, "1", regRequest(t, "1", "c", 1, "Contact: <sip:first@h>"), fromNAT)
	if !slices.Equal(seen, []string{"sip:first@h", "sip:second@h"}) {
		t.Errorf("got %q, want first, second", seen)
	}
}

// The registrar behaves as a simple list does: what was bound last, at most five, until it expires.
func TestTheRegistrarAgreesWithASimpleModel(t *testing.T) {
	type entry struct {
		uri     string
		expires time.Time
		at      int
	}
	rapid.Check(t, func(rt *rapid.T) {
		now := epoch
		reachable := map[string]bool{}
		r := newRegistrar(now, registrarConfig{OnChange: func(c BindingChange) { reachable[c.Binding.AOR] = c.Reachable }})
		model := map[string][]entry{}
		for i := range rapid.IntRange(1, 40).Draw(rt, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 40).Draw(rt, "s")) * time.Second)
			user := rapid.SampledFrom([]string{"1", "2"}).Draw(rt, "user")
			uri := fmt.Sprintf("sip:a@10.0.0.%d", rapid.IntRange(1, 7).Draw(rt, "contact"))
			seconds := rapid.SampledFrom([]int{0, 60, 90, 4000}).Draw(rt, "expires")
			r.expire(now)
			got := r.handle(now, user, regRequest(t, user, "c", uint32(i+1), fmt.Sprintf("Contact: <%s>;expires=%d", uri, seconds)), fromNAT)
			for u := range model {
				model[u] = slices.DeleteFunc(model[u], func(e entry) bool { return u == user && e.uri == uri || !e.expires.After(now) })
			}
			if seconds > 0 {
				model[user] = append(model[user], entry{uri, now.Add(time.Duration(min(seconds, 3600)) * time.Second), i})
			}
			if n := len(model[user]); n > 5 {
				model[user] = model[user][n-5:]
			}
			slices.SortFunc(model[user], func(a, b entry) int { return cmp.Compare(a.at, b.at) })
			var want []string
			for _, e := range slices.Backward(model[user]) {
				want = append(want, fmt.Sprintf("<%s>;expires=%d", e.uri, int(e.expires.Sub(now).Seconds())))
			}
			if contacts := got.values("Contact"); !slices.Equal(contacts, want) {
				rt.Fatalf("got %q, want %q", contacts, want)
			}
			for u, list := range model {
				if reachable[u] != (len(list) > 0) || len(r.contacts(now, u)) != len(list) {
					rt.Fatalf("%s: told reachable %v with %d contacts, want %d", u, reachable[u], len(r.contacts(now, u)), len(list))
				}
			}
			if n := len(r.sources[fromNAT.Source]); n != len(model["1"])+len(model["2"]) {
				rt.Fatalf("got %d in the index of sources, want %d", n, len(model["1"])+len(model["2"]))
			}
		}
	})
}

func FuzzRegister(f *testing.F) {
	f.Add(`"A, B" <sip:1001@10.0.0.5:5062;transport=tcp>;expires=60;q=0.5, sip:b@h`, "3600")
	f.Add("*", "0")
	f.Add(`<sip:a@[::1]>;Expires = "9"`, "99999999999999999999")
	for _, v := range tortureValues(f, "contact", "m") {
		f.Add(v, "60")
	}
	f.Fuzz(func(t *testing.T, contact, expires string) {
		text := "REGISTER sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:1@h>;tag=1\r\nTo: <sip:1@h>\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\n" +
			"Contact: " + contact + "\r\nExpires: " + expires + "\r\n\r\n"
		m, err := parse(text, false)
		if err != nil {
			return
		}
		r := newRegistrar(epoch, registrarConfig{})
		got := r.handle(epoch, "1", m, fromNAT)
		if len(r.bindings(epoch)) > 5 || got.Status != 200 && len(r.bindings(epoch)) > 0 {
			t.Fatalf("got %d with %v", got.Status, r.bindings(epoch))
		}
		for _, h := range got.Headers {
			if strings.ContainsAny(h[1], "\r\n\x00") {
				t.Fatalf("got %q, want no control characters", h)
			}
		}
		for _, v := range got.values("Contact") {
			if _, ok := parseNameAddr(v); !ok {
				t.Fatalf("got %q, want a name-addr", v)
			}
		}
	})
}

// BenchmarkTenThousandPhones is a whole round: each phone is challenged, answers and is bound.
func BenchmarkTenThousandPhones(b *testing.B) {
	const phones = 10_000
	accounts := func(user string) (Account, bool) {
		return Account{User: user, HA1MD5: "d41d8cd98f00b204e9800998ecf8427e", HA1SHA256: HA1("SHA-256", user, testRealm, "s")}, true
	}
	first := make([]*message, phones)
	for i := range first {
		user := fmt.Sprint(10_000 + i)
		first[i] = regRequest(b, user, "c"+user, 1, fmt.Sprintf("Contact: <sip:%s@10.%d.%d.9:5060>", user, i/256, i%256))
	}
	b.ReportAllocs()
	for b.Loop() {
		d := newDigestServer(epoch, testRealm, nil, accounts)
		r := newRegistrar(epoch, registrarConfig{})
		for i, m := range first {
			user := fmt.Sprint(10_000 + i)
			now := epoch.Add(time.Duration(i) * 5 * time.Millisecond)
			a := newClientAuth(user, "s", "")
			headers, err := a.answer("REGISTER", m.target, &message{status: 401, fields: []field{{id: hWWWAuthenticate, value: d.challenge(now, home, user, false)[0]}}})
			if err != nil {
				b.Fatal(err)
			}
			if _, v := d.verify(now, home, "REGISTER", m.target, []string{headers[0][1]}); v != authOK {
				b.Fatalf("got %d, want %d", v, authOK)
			}
			if got := r.handle(now, user, m, fromNAT); got.Status != 200 {
				b.Fatalf("got %d, want 200", got.Status)
			}
		}
	}
}
