package sip

import (
	"fmt"
	"strings"
	"testing"
	"time"

	oracle "github.com/icholy/digest"
	"pgregory.net/rapid"
)

// bench drives one registrant by hand.
type bench struct {
	t    testing.TB
	r    *registrant
	now  time.Time
	last map[string]string // headers of the last REGISTER
	to   string            // its target
	uri  string
}

func newBench(t testing.TB, trunk Trunk) *bench {
	return &bench{t: t, r: newRegistrant(trunk, "reg-1", "tag1"), now: epoch}
}

// sends expects a REGISTER now and gives it back.
func (b *bench) sends(target string) map[string]string {
	b.t.Helper()
	send, _ := b.r.tick(b.now)
	if send == nil {
		b.t.Fatalf("at %v: got nothing, want a REGISTER to %s", b.now.Sub(epoch), target)
	}
	b.last = map[string]string{}
	for _, h := range send.Headers("sip:u@198.51.100.1:5060") {
		b.last[h[0]] = h[1]
	}
	b.to, b.uri = send.Target.URI, send.URI
	if b.to != target {
		b.t.Fatalf("got one to %s, want %s", b.to, target)
	}
	return b.last
}

// answers the last REGISTER.
func (b *bench) answers(status int, reason string, lines ...string) {
	b.t.Helper()
	cseq := b.last["CSeq"]
	text := fmt.Sprintf("SIP/2.0 %d %s\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: %s\r\nTo: %s;tag=x\r\nCall-ID: %s\r\nCSeq: %s\r\n",
		status, reason, b.last["From"], b.last["To"], b.last["Call-ID"], cseq)
	for _, l := range lines {
		text += l + "\r\n"
	}
	m, err := parse(text+"\r\n", false)
	if err != nil {
		b.t.Fatal(err)
	}
	b.r.response(b.now, m)
}

// waits checks that nothing is due before, and that it is due after d.
func (b *bench) waits(d time.Duration) {
	b.t.Helper()
	send, next := b.r.tick(b.now)
	if send != nil || next.Sub(b.now) != d {
		b.t.Fatalf("got %v, next in %v, want nothing for %v", send, next.Sub(b.now), d)
	}
	if send, _ := b.r.tick(b.now.Add(d - 1)); send != nil {
		b.t.Fatalf("got a REGISTER before %v", d)
	}
	b.now = b.now.Add(d)
}

func (b *bench) state(registered bool, problem string) {
	b.t.Helper()
	st := b.r.state()
	if st.Registered != registered || !strings.Contains(st.Error, problem) || problem == "" && st.Error != "" {
		b.t.Fatalf("got %+v, want registered %v, error %q", st, registered, problem)
	}
}

var (
	onePeer = Trunk{Name: "carrier", Peers: []string{"sip:192.0.2.1"}, Register: true, User: "u", Password: "p"}
	twoPeer = Trunk{Name: "carrier", Peers: []string{"sip:192.0.2.1", "sip:b.example:5080;transport=tcp"}, Register: true, User: "u", Password: "p"}
)

const md5Challenge = `WWW-Authenticate: Digest realm="r", nonce="n1", qop="auth", algorithm=MD5`

func TestItRegistersAnswersTheChallengeAndRefreshes(t *testing.T) {
	b := newBench(t, onePeer)
	h := b.sends("sip:192.0.2.1")
	want := map[string]string{"From": "<sip:u@192.0.2.1>;tag=tag1", "To": "<sip:u@192.0.2.1>", "Call-ID": "reg-1", "CSeq": "1 REGISTER",
		"Contact": "<sip:u@198.51.100.1:5060>;expires=600", "Expires": "600", "Max-Forwards": "70"}
	for k, v := range want {
		if h[k] != v {
			t.Errorf("%s: got %q, want %q", k, h[k], v)
		}
	}
	if h["Authorization"] != "" || b.uri != "sip:192.0.2.1" {
		t.Errorf("got %q at %s, want no credentials at sip:192.0.2.1", h["Authorization"], b.uri)
	}
	if send, next := b.r.tick(b.now); send != nil || next.Sub(b.now) != registerSilence {
		t.Errorf("got %v, %v while waiting, want nothing for %v", send, next.Sub(b.now), registerSilence)
	}
	b.answers(100, "Trying")
	b.answers(401, "Unauthorized", md5Challenge)
	h = b.sends("sip:192.0.2.1")
	if h["CSeq"] != "2 REGISTER" || h["Call-ID"] != "reg-1" {
		t.Errorf("got %v, want the next CSeq in the same Call-ID", h)
	}
	chal, _ := oracle.ParseChallenge(md5Challenge[len("WWW-Authenticate: "):])
	cred, err := oracle.ParseCredentials(h["Authorization"])
	if err != nil {
		t.Fatal(err)
	}
	good, _ := oracle.Digest(chal, oracle.Options{Method: "REGISTER", URI: "sip:192.0.2.1", Username: "u", Password: "p", Count: 1, Cnonce: cred.Cnonce})
	if cred.Response != good.Response {
		t.Errorf("got response %s, want %s", cred.Response, good.Response)
	}
	b.answers(200, "OK", "Contact: <sip:other@h>;expires=5, <sip:u@198.51.100.1>;expires=100")
	b.state(true, "")
	if got := b.r.state().Expires.Sub(b.now); got != 100*time.Second {
		t.Errorf("got %v granted, want 100 s", got)
	}
	b.waits(80 * time.Second)
	h = b.sends("sip:192.0.2.1")
	if cred, err := oracle.ParseCredentials(h["Authorization"]); err != nil || cred.Nc != 2 || h["CSeq"] != "3 REGISTER" {
		t.Errorf("got %v, want the old nonce with count 2", h)
	}
	b.answers(401, "Unauthorized", `WWW-Authenticate: Digest realm="r", nonce="n2", qop="auth", stale=true`)
	if cred, err := oracle.ParseCredentials(b.sends("sip:192.0.2.1")["Authorization"]); err != nil || cred.Nc != 1 || cred.Nonce != "n2" {
		t.Errorf("got %v, %v, want nonce n2 with count 1", cred, err)
	}
	b.answers(200, "OK", "Expires: 1000")
	b.waits(800 * time.Second)
}

func TestItTakesTheTimeThatWasGranted(t *testing.T) {
	tests := []struct {
		name    string
		lines   []string
		refresh time.Duration
	}{
		{"contact", []string{"Contact: <sip:u@198.51.100.1>;expires=50"}, 40 * time.Second},
		{"contact before header", []string{"Contact: <sip:u@198.51.100.1>;expires=50", "Expires: 200"}, 40 * time.Second},
		{"a rewritten contact", []string{"Contact: <sip:u@10.1.1.1:9>;expires=50"}, 40 * time.Second},
		{"header", []string{"Expires: 200"}, 160 * time.Second},
		{"header beside strangers", []string{"Contact: <sip:a@h>;expires=1, <sip:b@h>;expires=1", "Expires: 200"}, 160 * time.Second},
		{"nothing said", nil, 480 * time.Second},
		{"one second", []string{"Expires: 1"}, time.Second},
		{"for ever", []string{"Expires: 99999999999999"}, registerMost * 8 / 10},
		{"none", []string{"Expires: 0"}, backOffFirst},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, onePeer)
			b.sends("sip:192.0.2.1")
			b.answers(200, "OK", tt.lines...)
			b.waits(tt.refresh)
		})
	}
}

func TestAnIntervalTooBriefIsRaised(t *testing.T) {
	b := newBench(t, onePeer)
	b.sends("sip:192.0.2.1")
	b.answers(423, "Interval Too Brief", "Min-Expires: 1800")
	if h := b.sends("sip:192.0.2.1"); h["Expires"] != "1800" {
		t.Errorf("got %q, want 1800", h["Expires"])
	}
	b.answers(423, "Interval Too Brief", "Min-Expires: 3600")
	b.sends("sip:192.0.2.1")
	b.answers(423, "Interval Too Brief", "Min-Expires: 7200")
	b.waits(30 * time.Second)
	b.state(false, "423")
	for _, line := range []string{"Min-Expires: 5", "Min-Expires: 999999999", "X: y", "Min-Expires: -1"} {
		b := newBench(t, onePeer)
		b.sends("sip:192.0.2.1")
		b.answers(423, "Interval Too Brief", line)
		b.waits(30 * time.Second)
	}
}

func TestTheNextPeerIsTriedOn503AndOnSilence(t *testing.T) {
	const first, second = "sip:192.0.2.1", "sip:b.example:5080;transport=tcp"
	b := newBench(t, twoPeer)
	b.sends(first)
	b.answers(503, "Service Unavailable", "Retry-After: 100")
	b.sends(second)
	if b.uri != "sip:b.example:5080" || b.last["To"] != "<sip:u@b.example>" {
		t.Errorf("got %s to %s, want the second peer's domain", b.uri, b.last["To"])
	}
	b.now = b.now.Add(32 * time.Second)
	b.r.silence(b.now, "no answer")
	b.state(false, "no answer")
	b.waits(30 * time.Second)
	b.sends(first)
	b.r.silence(b.now, "no route")
	b.sends(second)
	b.answers(500, "Server Error", "Retry-After: 200")
	b.waits(200 * time.Second)
	for _, wait := range []int{120, 240, 300, 300} {
		b.sends(first)
		b.answers(408, "Request Timeout")
		b.sends(second)
		b.answers(503, "Service Unavailable")
		b.waits(time.Duration(wait) * time.Second)
	}
	b.sends(first)
	b.answers(503, "Service Unavailable")
	b.sends(second)
	b.answers(200, "OK", "Expires: 100")
	b.state(true, "")
	b.waits(80 * time.Second)
	b.sends(second)
	b.answers(503, "Service Unavailable")
	b.state(true, "503")
	b.sends(first)
	b.answers(403, "Forbidden")
	b.waits(20 * time.Second) // the binding ends before the wait
	b.state(true, "403")
	b.waits(10 * time.Second)
	b.state(false, "403")
}

func TestAnAnswerThatNeverComesIsNotWaitedForLong(t *testing.T) {
	b := newBench(t, twoPeer)
	b.sends("sip:192.0.2.1")
	b.now = b.now.Add(registerSilence)
	b.sends("sip:b.example:5080;transport=tcp")
}

func TestWrongCredentialsAreNotTriedInALoop(t *testing.T) {
	b := newBench(t, twoPeer)
	b.sends("sip:192.0.2.1")
	b.answers(401, "Unauthorized", md5Challenge)
	b.sends("sip:192.0.2.1")
	b.answers(401, "Unauthorized", md5Challenge)
	b.state(false, errUnauthorized.Error())
	b.waits(30 * time.Second)
	if h := b.sends("sip:192.0.2.1"); h["Authorization"] != "" {
		t.Errorf("got %q, want to begin without credentials", h["Authorization"])
	}
	b.answers(401, "Unauthorized", `WWW-Authenticate: Basic realm="r"`)
	b.state(false, errNoChallenge.Error())
	b.waits(60 * time.Second)
}

func TestALateOrForeignAnswerIsIgnored(t *testing.T) {
	b := newBench(t, onePeer)
	b.sends("sip:192.0.2.1")
	b.answers(401, "Unauthorized", md5Challenge)
	old := b.last
	b.sends("sip:192.0.2.1")
	b.last = old
	b.answers(200, "OK")
	b.state(false, "")
	b.r.silence(b.now, "no answer")
	b.r.silence(b.now, "twice")
	b.state(false, "no answer")
}

func TestARegistrarOfItsOwnNamesTheDomain(t *testing.T) {
	trunk := twoPeer
	trunk.RegisterURI = "sip:reg.carrier.example"
	b := newBench(t, trunk)
	b.sends("sip:reg.carrier.example")
	b.answers(503, "Service Unavailable")
	h := b.sends("sip:192.0.2.1")
	if b.uri != "sip:reg.carrier.example" || h["To"] != "<sip:u@reg.carrier.example>" {
		t.Errorf("got %s, %s, want the registrar's domain", b.uri, h["To"])
	}
}

func TestItUnregistersWhenStopped(t *testing.T) {
	registered := func() *bench {
		b := newBench(t, onePeer)
		b.sends("sip:192.0.2.1")
		b.answers(200, "OK", "Expires: 100")
		return b
	}
	over := func(b *bench) {
		t.Helper()
		if send, next := b.r.tick(b.now); send != nil || !next.IsZero() {
			t.Errorf("got %v, %v, want nothing more", send, next)
		}
		if b.r.state().Registered {
			t.Error("got registered, want not")
		}
	}
	t.Run("registered", func(t *testing.T) {
		b := registered()
		b.r.stop(b.now)
		b.r.stop(b.now)
		if h := b.sends("sip:192.0.2.1"); h["Contact"] != "<sip:u@198.51.100.1:5060>;expires=0" || h["Expires"] != "0" {
			t.Errorf("got %v, want expires 0", h)
		}
		b.answers(401, "Unauthorized", md5Challenge)
		if h := b.sends("sip:192.0.2.1"); h["Expires"] != "0" || h["Authorization"] == "" {
			t.Errorf("got %v, want expires 0 with credentials", h)
		}
		b.answers(200, "OK")
		over(b)
	})
	t.Run("no answer", func(t *testing.T) {
		b := registered()
		b.r.stop(b.now)
		b.sends("sip:192.0.2.1")
		b.r.silence(b.now, "no answer")
		over(b)
	})
	t.Run("not registered", func(t *testing.T) {
		b := newBench(t, onePeer)
		b.r.stop(b.now)
		over(b)
	})
	t.Run("while the first is under way", func(t *testing.T) {
		b := newBench(t, onePeer)
		b.sends("sip:192.0.2.1")
		b.r.stop(b.now)
		b.answers(200, "OK")
		b.sends("sip:192.0.2.1")
		b.answers(200, "OK")
		over(b)
	})
	t.Run("while a refresh fails", func(t *testing.T) {
		b := registered()
		b.waits(80 * time.Second)
		b.sends("sip:192.0.2.1")
		b.r.stop(b.now)
		b.r.silence(b.now, "no answer")
		if h := b.sends("sip:192.0.2.1"); h["Expires"] != "0" {
			t.Errorf("got %v, want expires 0", h)
		}
		b.answers(503, "Service Unavailable")
		over(b)
	})
	t.Run("waiting after a failure", func(t *testing.T) {
		b := newBench(t, onePeer)
		b.sends("sip:192.0.2.1")
		b.answers(403, "Forbidden")
		b.r.stop(b.now)
		over(b)
	})
}

func TestATrunkWithoutAPlaceToRegisterSaysSo(t *testing.T) {
	for _, peers := range [][]string{nil, {"mailto:a.example"}} {
		b := newBench(t, Trunk{Name: "x", Peers: peers, Register: true})
		if send, next := b.r.tick(b.now); send != nil || !next.IsZero() || b.r.state().Error == "" {
			t.Errorf("got %v, %v, %+v, want nothing but an error", send, next, b.r.state())
		}
	}
}

// Whatever a trunk answers: one REGISTER at a time, CSeq grows, at most a few
// without a pause, and it never falls silent for ever.
func TestARegistrantNeverStormsNorDies(t *testing.T) {
	answers := []struct {
		status int
		lines  []string
	}{
		{200, []string{"Expires: 60"}}, {200, []string{"Expires: 0"}}, {200, nil}, {401, []string{md5Challenge}},
		{401, []string{strings.Replace(md5Challenge, "n1", "n2", 1) + ", stale=true"}}, {407, []string{strings.Replace(md5Challenge, "WWW", "Proxy", 1)}},
		{401, nil}, {423, []string{"Min-Expires: 900"}}, {423, []string{"Min-Expires: 90000"}}, {503, []string{"Retry-After: 1"}},
		{302, []string{"Contact: <sip:evil@h>"}}, {404, nil}, {600, nil}, {0, nil},
	}
	rapid.Check(t, func(rt *rapid.T) {
		b := newBench(t, twoPeer)
		burst, cseq := 0, 0
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			send, next := b.r.tick(b.now)
			if send == nil {
				if next.IsZero() || !next.After(b.now) {
					rt.Fatalf("got next %v at %v, want later", next, b.now)
				}
				b.now, burst = next, 0
				continue
			}
			if burst++; burst > 12 {
				rt.Fatalf("got %d REGISTERs without a pause", burst)
			}
			b.last = map[string]string{}
			for _, h := range send.Headers("sip:u@198.51.100.1:5060") {
				b.last[h[0]] = h[1]
			}
			var n int
			fmt.Sscan(b.last["CSeq"], &n)
			if n != cseq+1 {
				rt.Fatalf("got CSeq %d after %d", n, cseq)
			}
			cseq = n
			if again, _ := b.r.tick(b.now); again != nil {
				rt.Fatal("got a second REGISTER before the answer to the first")
			}
			a := answers[rapid.IntRange(0, len(answers)-1).Draw(rt, "answer")]
			if a.status == 0 {
				b.r.silence(b.now, "no answer")
			} else {
				b.answers(a.status, "X", a.lines...)
			}
		}
		b.r.stop(b.now)
		for range 5 {
			send, next := b.r.tick(b.now)
			if send == nil && next.IsZero() {
				return
			}
			b.r.silence(b.now, "no answer")
		}
		rt.Fatal("got no end after stop")
	})
}

func TestStatesAreReadWhileTheMachineRuns(t *testing.T) {
	b := newBench(t, onePeer)
	done := make(chan bool)
	go func() { // ends by itself
		ok := true
		for range 1000 {
			ok = ok && b.r.state().Name == "carrier"
		}
		done <- ok
	}()
	b.sends("sip:192.0.2.1")
	b.answers(200, "OK")
	if !<-done {
		t.Error("got another name, want carrier")
	}
}
