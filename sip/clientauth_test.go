package sip

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	oracle "github.com/icholy/digest"
	"pgregory.net/rapid"
)

// challenged is a response that carries challenges.
func challenged(t testing.TB, status int, challenges ...string) *message {
	t.Helper()
	name := "WWW-Authenticate"
	if status == 407 {
		name = "Proxy-Authenticate"
	}
	text := fmt.Sprintf("SIP/2.0 %d Unauthorized\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n", status)
	for _, c := range challenges {
		text += name + ": " + c + "\r\n"
	}
	m, err := parse(text+"Content-Length: 0\r\n\r\n", false)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// credential reads the one header of an answer back.
func credential(t testing.TB, headers [][2]string, name string) authHeader {
	t.Helper()
	if len(headers) != 1 || headers[0][0] != name {
		t.Fatalf("got %q, want one %s", headers, name)
	}
	all, err := parseAuth(headers[0][1])
	if err != nil || len(all) != 1 {
		t.Fatalf("got %q, %v, want one set of credentials", headers[0][1], err)
	}
	return all[0]
}

func TestTheStrongestChallengeIsAnswered(t *testing.T) {
	tests := []struct {
		name       string
		challenges []string
		realm      string
		want       string // algorithm; "" = refused
	}{
		{name: "MD5 first", challenges: []string{`Digest realm="r", nonce="1", algorithm=MD5, qop="auth"`, `Digest realm="r", nonce="2", algorithm=SHA-256, qop="auth"`}, want: "SHA-256"},
		{name: "two in one line", challenges: []string{`Digest realm="r", nonce="1", algorithm=md5, Digest realm="r", nonce="2", algorithm=sha-256`}, want: "SHA-256"},
		{name: "no algorithm", challenges: []string{`Digest realm="r", nonce="1"`}, want: "MD5"},
		{name: "unknown beside known", challenges: []string{`Digest realm="r", nonce="1", algorithm=SHA-512-256`, `Digest realm="r", nonce="1", algorithm=MD5`}, want: "MD5"},
		{name: "only unknown", challenges: []string{`Digest realm="r", nonce="1", algorithm=SHA-512-256`}},
		{name: "only auth-int", challenges: []string{`Digest realm="r", nonce="1", qop="auth-int"`}},
		{name: "auth among others", challenges: []string{`Digest realm="r", nonce="1", qop="auth-int, auth"`}, want: "MD5"},
		{name: "basic", challenges: []string{`Basic realm="r"`}},
		{name: "our realm of two", challenges: []string{`Digest realm="x", nonce="1", algorithm=SHA-256`, `Digest realm="r", nonce="1", algorithm=MD5`}, realm: "r", want: "MD5"},
		{name: "not our realm", challenges: []string{`Digest realm="x", nonce="1"`}, realm: "r"},
		{name: "malformed beside good", challenges: []string{`Digest realm="x`, `Digest realm="r", nonce="1"`}, want: "MD5"},
		{name: "none"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := newClientAuth("u", "p", tt.realm)
			got, err := a.answer("INVITE", "sip:1@h", challenged(t, 401, tt.challenges...))
			if tt.want == "" {
				if !errors.Is(err, errNoChallenge) || got != nil {
					t.Errorf("got %q, %v, want %v", got, err, errNoChallenge)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			h := credential(t, got, "Authorization")
			if a := clientAlgorithm(h); a != tt.want {
				t.Errorf("got %s, want %s", a, tt.want)
			}
		})
	}
}

func TestOurCredentialsAreThoseOfTheOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[A-Za-z0-9 .:@\\"-]{1,20}`)
		user, secret, realm := word.Draw(t, "user"), word.Draw(t, "secret"), word.Draw(t, "realm")
		algorithm := rapid.SampledFrom([]string{"", "MD5", "SHA-256"}).Draw(t, "algorithm")
		qop := rapid.SampledFrom([]string{"", "auth"}).Draw(t, "qop")
		chal := &oracle.Challenge{Realm: realm, Nonce: "abc", Algorithm: algorithm, Opaque: "o"}
		value := "Digest realm=" + quote(realm) + `, nonce="abc", opaque="o"`
		if algorithm != "" {
			value += ", algorithm=" + algorithm
		}
		if qop != "" {
			chal.QOP = []string{qop}
			value += `, qop="auth"`
		}
		a := newClientAuth(user, secret, "")
		a.cnonce = func() string { return "0a4f113b" }
		var res message
		res.status = 407
		res.fields = []field{{id: hProxyAuthenticate, name: "Proxy-Authenticate", value: value}}
		got, err := a.answer("INVITE", "sip:1@h", &res)
		if err != nil || len(got) != 1 || got[0][0] != "Proxy-Authorization" {
			t.Fatalf("got %q, %v", got, err)
		}
		want, err := oracle.Digest(chal, oracle.Options{Method: "INVITE", URI: "sip:1@h", Username: user, Password: secret, Count: 1, Cnonce: "0a4f113b"})
		if err != nil {
			t.Fatal(err)
		}
		all, err := parseAuth(got[0][1])
		if err != nil || len(all) != 1 {
			t.Fatalf("got %q, %v", got[0][1], err)
		}
		if h := all[0]; h.param("response") != want.Response || h.param("username") != user || h.param("opaque") != "o" {
			t.Fatalf("got %q, want response %s", got[0][1], want.Response)
		}
	})
}

func TestASessionKeyIsMadeOnceForANonce(t *testing.T) {
	for _, algorithm := range []string{algMD5Sess, algSHA256Sess} {
		a := newClientAuth("u", "p", "")
		got, err := a.answer("INVITE", "sip:1@h", challenged(t, 401, `Digest realm="r", nonce="n", qop="auth", algorithm=`+algorithm))
		if err != nil {
			t.Fatal(err)
		}
		h := credential(t, got, "Authorization")
		next := credential(t, a.begin("BYE", "sip:1@h"), "Authorization")
		if h.param("cnonce") != next.param("cnonce") || next.param("nc") != "00000002" {
			t.Errorf("got %v after %v, want the same cnonce, nc=00000002", next, h)
		}
		a1 := hashHex(algorithm, HA1(strings.TrimSuffix(algorithm, "-sess"), "u", "r", "p")+":n:"+h.param("cnonce"))
		want := hashHex(algorithm, a1+":n:00000002:"+h.param("cnonce")+":auth:"+hashHex(algorithm, "BYE:sip:1@h"))
		if next.param("response") != want {
			t.Errorf("got %s, want %s", next.param("response"), want)
		}
	}
}

func TestAStaleNonceIsAnsweredOnceMoreWithCountOne(t *testing.T) {
	a := newClientAuth("u", "p", "")
	steps := []struct {
		nonce, stale string
		err          error
	}{{nonce: "1"}, {nonce: "2", stale: ", stale=TRUE"}, {nonce: "3", stale: ", stale=true", err: errUnauthorized}}
	for _, s := range steps {
		got, err := a.answer("INVITE", "sip:1@h", challenged(t, 401, `Digest realm="r", qop="auth", nonce="`+s.nonce+`"`+s.stale))
		if !errors.Is(err, s.err) {
			t.Fatalf("nonce %s: got %v, want %v", s.nonce, err, s.err)
		}
		if err != nil {
			continue
		}
		if h := credential(t, got, "Authorization"); h.param("nc") != "00000001" || h.param("nonce") != s.nonce {
			t.Errorf("got %v, want nonce %s with count 1", h, s.nonce)
		}
	}
}

func TestRefusedCredentialsAreNotSentAgain(t *testing.T) {
	a := newClientAuth("u", "p", "")
	if _, err := a.answer("INVITE", "sip:1@h", challenged(t, 401, `Digest realm="r", nonce="1"`)); err != nil {
		t.Fatal(err)
	}
	if got, err := a.answer("INVITE", "sip:1@h", challenged(t, 401, `Digest realm="r", nonce="2"`)); !errors.Is(err, errUnauthorized) {
		t.Errorf("got %q, %v, want %v", got, err, errUnauthorized)
	}
}

func TestALaterRequestUsesTheNonceAgainAndMayBeChallenged(t *testing.T) {
	a := newClientAuth("u", "p", "")
	if got := a.begin("INVITE", "sip:1@h"); got != nil {
		t.Errorf("got %q before any challenge, want none", got)
	}
	a.answer("INVITE", "sip:1@h", challenged(t, 401, `Digest realm="r", nonce="1", qop="auth"`))
	if h := credential(t, a.begin("BYE", "sip:1@h"), "Authorization"); h.param("nc") != "00000002" {
		t.Errorf("got %v, want count 2", h)
	}
	got, err := a.answer("BYE", "sip:1@h", challenged(t, 401, `Digest realm="r", nonce="2", qop="auth"`))
	if err != nil {
		t.Fatal(err)
	}
	if h := credential(t, got, "Authorization"); h.param("nc") != "00000001" || h.param("nonce") != "2" {
		t.Errorf("got %v, want nonce 2 with count 1", h)
	}
}

func TestAProxyAndAServerAreBothAnswered(t *testing.T) {
	a := newClientAuth("u", "p", "")
	a.answer("INVITE", "sip:1@h", challenged(t, 407, `Digest realm="proxy", nonce="1", qop="auth"`))
	got, err := a.answer("INVITE", "sip:1@h", challenged(t, 401, `Digest realm="server", nonce="2", qop="auth"`))
	if err != nil || len(got) != 2 || got[0][0] != "Authorization" || got[1][0] != "Proxy-Authorization" {
		t.Fatalf("got %q, %v, want credentials for both", got, err)
	}
}

// Whatever a challenge says, no credential can break out of its header line.
func FuzzChallenge(f *testing.F) {
	f.Add(`Digest realm="a", nonce="b", qop="auth,auth-int", algorithm=MD5, opaque="x"`)
	f.Add(`Digest realm="\"", nonce="\\", qop="", stale=true, Digest nonce=`)
	f.Fuzz(func(t *testing.T, s string) {
		a := newClientAuth(`u"ser`, "p", "")
		m := &message{status: 401, fields: []field{{id: hWWWAuthenticate, name: "WWW-Authenticate", value: s}}}
		got, err := a.answer("INVITE", "sip:1@h", m)
		if err != nil {
			return
		}
		all, err := parseAuth(got[0][1])
		if len(got[0][1]) > maxAuthBytes {
			return
		}
		if err != nil || len(all) != 1 || all[0].param("username") != `u"ser` || strings.ContainsAny(got[0][1], "\r\n\x00") {
			t.Fatalf("challenge %q: got %q, %v", s, got, err)
		}
	})
}
