package e2e_test

import (
	"fmt"
	"testing"
	"time"

	"hotline/call"
)

// A trunk over TLS whose audio is secured: it is asked whether it lives, must show
// a certificate of its name, and is the far end of a call out.
func TestACallGoesOutThroughABaresipOverTLSAndSRTPWhichIsWatched(t *testing.T) {
	t.Parallel()
	theirs := newAuthority(t, "theirs")
	_, _, both := theirs.issue("carrier.test")
	port := freePort(t) // and TLS at the next one
	trunk := func(name string) string {
		return fmt.Sprintf(`peers: ["sip:127.0.0.1:%d;transport=tls"], keep_alive: 10s, srtp: require, tls: {ca: %q, name: %s}`, port+1, theirs.ca(), name)
	}
	h := center(t, "testdata/phones/desk.yaml", `peers: ["sip:127.0.0.1:@PORT@"]`, trunk("carrier.test"))
	carrier := h.baresip(baresipCmd{user: "4930", secret: "none", away: true, port: port, says: 880, transport: "tls", secured: true,
		config: fmt.Sprintf("sip_cafile %s\nsip_certificate %s", theirs.ca(), both)})
	ann := h.registered(baresipCmd{user: "1001", secret: h.secret("1001"), says: 440})
	h.within(20*time.Second, "state of the trunk", func() error {
		for _, v := range list[call.TrunkView](h, "trunk", "list") {
			if v.ID == "out" && v.States[0].Watched && v.States[0].Up && v.States[0].Latency > 0 {
				return nil
			}
		}
		return fmt.Errorf("got %s", h.cli("trunk", "list", "-o", "json"))
	})
	ann.do("dial sip:4930@hotline")
	carrier.sees("CALL_ESTABLISHED", 1)
	hearsTone(t, "the agent", ann.heard, 880)
	hearsTone(t, "the one outside", carrier.heard, 440)
	ann.do("hangup")
	carrier.sees("CALL_CLOSED", 1)
	h.wantTrace(h.cdr(), "dial out; talk; end: caller hung up")
	h.apply("testdata/phones/desk.yaml", `peers: ["sip:127.0.0.1:@PORT@"]`, trunk("somebody.else"))
	ann.do("dial sip:4930@hotline")
	ann.sees("CALL_CLOSED", 2)
	if n := len(carrier.of("CALL_CLOSED")); n != 1 {
		t.Errorf("a trunk with another name's certificate had %d calls, want the first one only", n)
	}
}

// The greeting is heard while the call is not yet answered (183), then it is.
func TestABaresipCallerHearsAGreetingBeforeTheCallIsAnswered(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	h := center(t, "testdata/phones/desk.yaml", "@PORT@", fmt.Sprint(port), `4001: {to: "queue:sales"}`, `4001: {to: "queue:sales", early: true, greeting: [welcome]}`)
	ann := h.registered(baresipCmd{user: "1001", secret: h.secret("1001"), says: 440})
	caller := h.outside("4930", port, 880, "")
	caller.do("dial sip:4001@hotline")
	caller.sees("CALL_PROGRESS", 1)
	hears(t, "the caller", caller.heard, "welcome")
	caller.sees("CALL_ESTABLISHED", 1)
	hearsTone(t, "the caller", caller.heard, 440)
	hearsTone(t, "the agent", ann.heard, 880)
	caller.do("hangup")
	c := h.cdr()
	h.wantTrace(c, "greet; wait sales; offer 1: answered; talk; end: caller hung up")
	if greeted := c.Stages[0].Ended; c.Answered.Before(greeted) {
		t.Errorf("answered %v before the greeting was over", greeted.Sub(c.Answered))
	}
}
