package e2e_test

import (
	"crypto/md5"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"hotline/call"
)

func TestCallGoesOutThroughATrunkThatWantsADigest(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ status, challenge, answer string }{
		{"401 Unauthorized", "WWW-Authenticate", "Authorization"},
		{"407 Proxy Authentication Required", "Proxy-Authenticate", "Proxy-Authorization"},
	} {
		t.Run(c.status, func(t *testing.T) {
			port := freePort(t)
			h := center(t, "testdata/bench/center.yaml", "16461", fmt.Sprint(port))
			carrier := sippCmd{scenario: "challenges", ip: "127.0.0.1", port: port,
				vars: []string{"[status]", c.status, "[challenge]", c.challenge, "[answer]", c.answer}, args: []string{"-m", "1"}}.run(t)
			caller := sippCmd{scenario: "hangsup", ip: "127.0.0.1", service: "4004", remote: h.addr(), args: []string{"-m", "1"}}.run(t)
			caller.passes(15 * time.Second)
			carrier.passes(15 * time.Second)
			h.wantTrace(h.cdr(), "dial out; talk; end: caller hung up")
			wantDigest(t, carrier.messages(), c.answer, "u", "p")
		})
	}
}

// wantDigest fails unless the header in the messages proves user and password
// (RFC 2617, 3.2.2.1).
func wantDigest(t *testing.T, messages, header, user, password string) {
	t.Helper()
	line := regexp.MustCompile(`(?m)^` + header + `: Digest (.*)$`).FindStringSubmatch(messages)
	if line == nil {
		t.Fatalf("no %s among the messages", header)
	}
	v := map[string]string{}
	for _, p := range regexp.MustCompile(`(\w+)="?([^",]*)"?`).FindAllStringSubmatch(line[1], -1) {
		v[p[1]] = p[2]
	}
	hash := func(parts ...string) string { return fmt.Sprintf("%x", md5.Sum([]byte(strings.Join(parts, ":")))) }
	want := hash(hash(user, v["realm"], password), v["nonce"], v["nc"], v["cnonce"], v["qop"], hash("INVITE", v["uri"]))
	if v["response"] != want || v["username"] != user {
		t.Errorf("%s is by %s and has response %s, want %s of %s", header, v["username"], v["response"], want, user)
	}
}

func TestTrunkIsRegisteredAndRefreshedAtARegistrarThatWantsMore(t *testing.T) {
	t.Parallel()
	h := newHotline(t)
	h.start()
	port := freePort(t)
	registrar := sippCmd{scenario: "registrar", ip: "127.0.0.1", port: port, args: []string{"-m", "1"}}.run(t)
	h.apply("testdata/phones/trunk.yaml", "@PORT@", fmt.Sprint(port))
	h.within(10*time.Second, "registration", func() error {
		if v := list[call.TrunkView](h, "trunk", "list")[0]; !v.Registered || v.Error != "" {
			return fmt.Errorf("got %+v", v)
		}
		return nil
	})
	time.Sleep(4 * time.Second) // the registration ends but for the refresh
	if v := list[call.TrunkView](h, "trunk", "list")[0]; !v.Registered {
		t.Errorf("the trunk was not refreshed: %+v", v)
	}
	if registrar.over() {
		t.Fatal("the registrar ended before the removal")
	}
	h.stop()
	registrar.passes(5 * time.Second)
}
