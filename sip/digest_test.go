package sip

import (
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	oracle "github.com/icholy/digest"
	"pgregory.net/rapid"
)

var (
	epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	home  = netip.MustParseAddr("192.0.2.10")
)

const testRealm = "call.example"

// oneAccount knows only user, with his secret.
func oneAccount(user, secret string) func(string) (Account, bool) {
	a := Account{User: user, HA1MD5: HA1("MD5", user, testRealm, secret), HA1SHA256: HA1("SHA-256", user, testRealm, secret)}
	return func(u string) (Account, bool) {
		if u != user {
			return Account{}, false
		}
		return a, true
	}
}

// answerOf lets the oracle answer a challenge.
func answerOf(t testing.TB, challenge, method, uri, user, secret string, count int) string {
	t.Helper()
	c, err := oracle.ParseChallenge(challenge)
	if err != nil {
		t.Fatalf("challenge %q: %v", challenge, err)
	}
	cred, err := oracle.Digest(c, oracle.Options{Method: method, URI: uri, Username: user, Password: secret, Count: count})
	if err != nil {
		t.Fatal(err)
	}
	return cred.String()
}

// testAgent is a phone of today.
const testAgent = "Acme Phone/3.1"

func TestAChallengeOffersSHA256FirstThenMD5OfOneNonce(t *testing.T) {
	d := newDigestServer(epoch, testRealm, nil, oneAccount("1001", "s"))
	got := d.challenge(epoch, home, testAgent, false)
	if len(got) != 2 || !strings.Contains(got[0], "algorithm=SHA-256") || !strings.Contains(got[1], "algorithm=MD5") {
		t.Fatalf("got %q, want SHA-256, then MD5", got)
	}
	a, _ := oracle.ParseChallenge(got[0])
	b, _ := oracle.ParseChallenge(got[1])
	if a.Nonce != b.Nonce || a.Nonce == "" || a.Stale || len(a.QOP) != 1 || a.QOP[0] != "auth" || a.Realm != testRealm {
		t.Errorf("got %+v and %+v, want one nonce, qop auth, not stale", a, b)
	}
	again, _ := oracle.ParseChallenge(d.challenge(epoch, home, testAgent, true)[0])
	if again.Nonce == a.Nonce || !again.Stale {
		t.Errorf("got %+v, want another nonce, stale", again)
	}
}

func TestAPhoneIsOfferedWhatItBearsWhoeverItAsksFor(t *testing.T) {
	d := newDigestServer(epoch, testRealm, nil, oneAccount("1001", "s"))
	for agent, want := range map[string]string{
		"Linphonec/5.1.65":                "[SHA-256 MD5]",
		"baresip v3.10.1 (x86_64/Linux)":  "[SHA-256 MD5]",
		"baresip v1.0.0 (x86_64/linux)":   "[MD5]",
		"baresip 0.6.6":                   "[MD5]",
		"":                                "[MD5 SHA-256]",
		"not a baresip v1.0.0 (you know)": "[SHA-256 MD5]",
	} {
		var got []string
		for i, c := range d.challenge(epoch, home, agent, false) {
			chal, _ := oracle.ParseChallenge(c)
			got = append(got, chal.Algorithm)
			auth := answerOf(t, c, "REGISTER", "sip:call.example", "1001", "s", i+1)
			if who, v := d.verify(epoch, home, "REGISTER", "sip:call.example", []string{auth}); who != "1001" || v != authOK {
				t.Errorf("%s by %s: got %q, %d, want in", agent, chal.Algorithm, who, v)
			}
		}
		if fmt.Sprint(got) != want {
			t.Errorf("%s: got %v, want %s", agent, got, want)
		}
	}
}

func TestAPhoneGetsInByEitherAlgorithm(t *testing.T) {
	for i, algorithm := range []string{"SHA-256", "MD5"} {
		d := newDigestServer(epoch, testRealm, nil, oneAccount("1001", "s3cret"))
		auth := answerOf(t, d.challenge(epoch, home, testAgent, false)[i], "REGISTER", "sip:call.example", "1001", "s3cret", 1)
		user, v := d.verify(epoch.Add(time.Second), home, "REGISTER", "sip:call.example", []string{auth})
		if user != "1001" || v != authOK {
			t.Errorf("%s: got %q, %d, want 1001, %d", algorithm, user, v, authOK)
		}
	}
}

func TestCredentialsThatDoNotHoldAreRefused(t *testing.T) {
	const uri = "sip:call.example"
	tests := []struct {
		name   string
		change func(auth string) string
		method string
		uri    string
		user   string
		secret string
		want   verdict
	}{
		{name: "wrong secret", secret: "guess", want: authGuessed},
		{name: "unknown user", user: "1002", want: authGuessed},
		{name: "other method", method: "INVITE", want: authGuessed},
		{name: "other request", uri: "sip:else.example", want: authDenied},
		{name: "none of our realm", change: func(a string) string { return strings.Replace(a, testRealm, "else.example", 1) }, want: authNone},
		{name: "other scheme", change: func(string) string { return "Basic MTAwMTpz" }, want: authNone},
		{name: "unknown algorithm", change: func(a string) string { return strings.Replace(a, "SHA-256", "SHA-3", 1) }, want: authNone},
		{name: "no qop", change: func(a string) string { return strings.Replace(a, "qop=auth,", "", 1) }, want: authBroken},
		{name: "auth-int", change: func(a string) string { return strings.Replace(a, "qop=auth", "qop=auth-int", 1) }, want: authBroken},
		{name: "count of 7 digits", change: func(a string) string { return strings.Replace(a, "nc=0000000", "nc=000000", 1) }, want: authBroken},
		{name: "a parameter twice", change: func(a string) string { return a + `, username="1001"` }, want: authBroken},
		{name: "open quote", change: func(a string) string { return a + `, x="` }, want: authBroken},
		{name: "very long", change: func(a string) string { return a + `, x="` + strings.Repeat("x", maxAuthBytes) + `"` }, want: authBroken},
		{name: "response of another length", change: func(a string) string { return strings.Replace(a, `response="`, `response="0`, 1) }, want: authGuessed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := newDigestServer(epoch, testRealm, nil, oneAccount("1001", "s3cret"))
			auth := answerOf(t, d.challenge(epoch, home, testAgent, false)[0], "REGISTER", uri, or(tt.user, "1001"), or(tt.secret, "s3cret"), 1)
			if tt.change != nil {
				auth = tt.change(auth)
			}
			user, v := d.verify(epoch, home, or(tt.method, "REGISTER"), or(tt.uri, uri), []string{auth})
			if user != "" || v != tt.want {
				t.Errorf("got %q, %d, want none, %d: %s", user, v, tt.want, auth)
			}
		})
	}
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func TestANonceThatIsNotFreshIsStaleForWhoKnowsTheSecret(t *testing.T) {
	key := []byte("0123456789abcdef0123456789abcdef")
	tests := []struct {
		name   string
		now    time.Time
		source string
		born   time.Time
		want   verdict
	}{
		{"at 60 s it is good", epoch.Add(60 * time.Second), "192.0.2.10", epoch, authOK},
		{"after 60 s", epoch.Add(60*time.Second + time.Millisecond), "192.0.2.10", epoch, authStale},
		{"from another address", epoch, "192.0.2.11", epoch, authStale},
		{"as a mapped address", epoch, "::ffff:192.0.2.10", epoch, authOK},
		{"the clock was set back 5 s", epoch.Add(-5 * time.Second), "192.0.2.10", epoch, authOK},
		{"the clock was set back an hour", epoch.Add(-time.Hour), "192.0.2.10", epoch, authStale},
		{"of an earlier process", epoch.Add(time.Second), "192.0.2.10", epoch.Add(time.Second), authStale},
	}
	for _, tt := range tests {
		for _, secret := range []string{"s3cret", "guess"} {
			t.Run(tt.name+", "+secret, func(t *testing.T) {
				first := newDigestServer(epoch, testRealm, key, oneAccount("1001", "s3cret"))
				auth := answerOf(t, first.challenge(epoch, home, testAgent, false)[0], "REGISTER", "sip:call.example", "1001", secret, 1)
				d := newDigestServer(tt.born, testRealm, key, oneAccount("1001", "s3cret"))
				_, got := d.verify(tt.now, netip.MustParseAddr(tt.source), "REGISTER", "sip:call.example", []string{auth})
				want := tt.want
				if secret == "guess" {
					want = authDenied
					if tt.want == authOK { // the nonce is good: it is no forged source
						want = authGuessed
					}
				}
				if got != want {
					t.Errorf("got %d, want %d", got, want)
				}
			})
		}
	}
}

func TestAForgedNonceIsStale(t *testing.T) {
	d := newDigestServer(epoch, testRealm, nil, oneAccount("1001", "s"))
	for _, nonce := range []string{"x", strings.Repeat("A", 38), strings.Repeat("A", 37) + "!"} {
		auth := answerOf(t, `Digest realm="call.example", nonce="`+nonce+`", qop="auth", algorithm=MD5`, "REGISTER", "sip:call.example", "1001", "s", 1)
		if _, got := d.verify(epoch, home, "REGISTER", "sip:call.example", []string{auth}); got != authStale {
			t.Errorf("nonce %q: got %d, want %d", nonce, got, authStale)
		}
	}
}

func TestACountMustGrowAndAReplayIsRefused(t *testing.T) {
	d := newDigestServer(epoch, testRealm, nil, oneAccount("1001", "s"))
	challenge := d.challenge(epoch, home, testAgent, false)
	for i, step := range []struct {
		count, algorithm int
		want             verdict
	}{{1, 0, authOK}, {1, 0, authReplay}, {1, 1, authReplay}, {2, 0, authOK}, {9, 1, authOK}, {5, 0, authReplay}, {10, 0, authOK}} {
		auth := answerOf(t, challenge[step.algorithm], "INVITE", "sip:4000@call.example", "1001", "s", step.count)
		_, got := d.verify(epoch, home, "INVITE", "sip:4000@call.example", []string{auth})
		if got != step.want {
			t.Errorf("step %d, nc=%d: got %d, want %d", i, step.count, got, step.want)
		}
	}
	if !authReplay.stale() || !authStale.stale() || authDenied.stale() {
		t.Error("a replay and an old nonce are stale, a wrong secret is not")
	}
}

func TestOfSeveralCredentialsOursIsTaken(t *testing.T) {
	d := newDigestServer(epoch, testRealm, nil, oneAccount("1001", "s"))
	other := `Digest username="1001", realm="else", nonce="n", uri="sip:call.example", response="0"`
	ours := answerOf(t, d.challenge(epoch, home, testAgent, false)[1], "REGISTER", "sip:call.example", "1001", "s", 1)
	if user, v := d.verify(epoch, home, "REGISTER", "sip:call.example", []string{other, ours}); user != "1001" || v != authOK {
		t.Errorf("got %q, %d, want 1001, %d", user, v, authOK)
	}
}

// A nonce of a given count is accepted once at most, whatever the memory holds.
func TestForgettingCountsNeverLetsAReplayPass(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := epoch
		n := newNonces(now, []byte("key"))
		n.counts.limit = rapid.IntRange(1, 5).Draw(t, "limit")
		var issued []string
		used := map[string]uint32{}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 20_000).Draw(t, "ms")) * time.Millisecond)
			if len(issued) == 0 || rapid.Bool().Draw(t, "issue") {
				issued = append(issued, n.issue(now, home))
			}
			nonce := rapid.SampledFrom(issued).Draw(t, "nonce")
			user := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "user")
			nc := rapid.Uint32Range(0, 4).Draw(t, "nc")
			id, fresh := n.check(now, home, nonce)
			if !fresh || !n.counts.take(now, id, user, nc) {
				continue
			}
			if k := nonce + user; nc <= used[k] {
				t.Fatalf("nc %d was taken after %d", nc, used[k])
			} else {
				used[k] = nc
			}
			if n.counts.order.Len() > n.counts.limit || len(n.counts.used) != n.counts.order.Len() {
				t.Fatalf("got %d counts, %d in order, want %d at most", len(n.counts.used), n.counts.order.Len(), n.counts.limit)
			}
		}
	})
}

func TestADigestURIMayDifferWhereItDoesNotMatter(t *testing.T) {
	tests := []struct {
		a, b string
		want bool
	}{
		{"sip:call.example", "sip:call.example", true},
		{"sip:call.example", "sip:CALL.example:5060", true},
		{"sip:call.example;transport=tcp", "sip:call.example", true},
		{"sip:%31001@call.example", "sip:1001@call.example", true},
		{"sip:1001@call.example", "sip:1002@call.example", false},
		{"sip:call.example", "sip:1002@call.example", true},
		{"sip:1002@call.example", "sip:call.example", false},
		{"sip:call.example", "sips:call.example", false},
		{"sip:call.example:5062", "sip:call.example", false},
		{"sip:call.example", "sip:evil.example", false},
		{"tel:+49301", "tel:+49301", true},
		{"tel:+49301", "tel:+49302", false},
		{"*", "sip:call.example", false},
	}
	for _, tt := range tests {
		if got := sameURI(tt.a, tt.b); got != tt.want {
			t.Errorf("%s and %s: got %v, want %v", tt.a, tt.b, got, tt.want)
		}
	}
}

// The same work must be done for users who exist and who do not; allocations
// stand for the work, since time is noisy. BenchmarkVerify shows the time.
func TestAnUnknownUserCostsWhatAKnownOneCosts(t *testing.T) {
	d := newDigestServer(epoch, testRealm, nil, oneAccount("1001", "s"))
	for _, challenge := range d.challenge(epoch, home, testAgent, false) {
		cost := func(user string) float64 {
			auth := []string{answerOf(t, challenge, "REGISTER", "sip:call.example", user, "guess", 1)}
			return testing.AllocsPerRun(100, func() { d.verify(epoch, home, "REGISTER", "sip:call.example", auth) })
		}
		if known, unknown := cost("1001"), cost("9999"); known != unknown {
			t.Errorf("got %v allocations for a known user, %v for an unknown one, want the same", known, unknown)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	d := newDigestServer(epoch, testRealm, nil, oneAccount("1001", "s"))
	challenge := d.challenge(epoch, home, testAgent, false)[0]
	for _, user := range []string{"1001", "9999"} {
		auth := []string{answerOf(b, challenge, "REGISTER", "sip:call.example", user, "guess", 1)}
		b.Run(user, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				d.verify(epoch, home, "REGISTER", "sip:call.example", auth)
			}
		})
	}
}

func TestQuotedStringsAreReadBackAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.StringMatching(`[ -~]{0,40}`).Draw(t, "text")
		all, err := parseAuth("Digest username=" + quote(want) + ` , b=c`)
		if err != nil || len(all) != 1 || all[0].param("username") != want || all[0].param("b") != "c" {
			t.Fatalf("got %q, %v, want %q", all, err, want)
		}
	})
}

func FuzzParseAuth(f *testing.F) {
	f.Add(`Digest realm="a", nonce="b", qop="auth,auth-int", algorithm=MD5, Digest realm="c\"d", nonce=e`)
	f.Add(`Digest username="1001",realm="x",nonce="n",uri="sip:a@b;c=d",response="00",nc=00000001,cnonce="q",qop=auth`)
	f.Add(`Basic dXNlcjpwYXNz`)
	f.Add(`Digest ,,, a = "\`)
	for _, v := range tortureValues(f, "authorization", "proxy-authorization", "www-authenticate", "proxy-authenticate") {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, s string) {
		all, err := parseAuth(s)
		if err != nil {
			return
		}
		n := 0
		for _, h := range all {
			text := h.Scheme + " "
			for _, p := range h.params {
				n++
				text += p.name + "=" + quote(p.value) + ","
				if strings.ContainsAny(p.value, "\r\n\x00") {
					t.Fatalf("control character in %q", p.value)
				}
			}
			again, err := parseAuth(text)
			if len(text) > maxAuthBytes {
				continue
			}
			if err != nil || len(again) != 1 || fmt.Sprint(again[0]) != fmt.Sprint(h) {
				t.Fatalf("got %v, %v, want %v", again, err, h)
			}
		}
		if n+len(all) > maxAuthParams {
			t.Fatalf("got %d parameters of %d schemes, want %d at most", n, len(all), maxAuthParams)
		}
	})
}

// tortureValues are the values of some headers in the collected test messages.
func tortureValues(tb testing.TB, headers ...string) (all []string) {
	tb.Helper()
	const dir = "../../shared/data/torture"
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil || len(b) > 1<<20 {
			return err
		}
		for _, line := range strings.Split(string(b), "\n") {
			name, value, _ := strings.Cut(line, ":")
			if slices.Contains(headers, strings.ToLower(strings.TrimSpace(name))) {
				all = append(all, strings.TrimSpace(value))
			}
		}
		return nil
	})
	if err != nil {
		tb.Logf("the collected messages are absent: %v", err)
	}
	return all
}

func FuzzVerify(f *testing.F) {
	d := newDigestServer(epoch, testRealm, []byte("key"), oneAccount("1001", "s"))
	f.Add(answerOf(f, d.challenge(epoch, home, testAgent, false)[0], "REGISTER", "sip:call.example", "1001", "guess", 1))
	f.Add(`Digest username="1001",realm="call.example",nonce="n",uri="sip:a@b",response="00",nc=00000001,cnonce="q",qop=auth`)
	f.Fuzz(func(t *testing.T, s string) {
		if user, v := d.verify(epoch, home, "REGISTER", "sip:call.example", []string{s}); v == authOK || user != "" {
			t.Fatalf("%q got in as %q", s, user)
		}
	})
}
