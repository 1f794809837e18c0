package call_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"hotline/store"
)

// outward is a center whose agent 1001 dials out by rules over two trunks.
func outward(transport string) store.Center {
	c := phones(transport)
	at := func(addr string) []string {
		return []string{"sip:" + addr + ";transport=" + strings.ToLower(transport)}
	}
	c.Trunks["a"] = store.Trunk{Peers: at(addrC), CallerID: "+49301"}
	c.Trunks["b"] = store.Trunk{Peers: at("10.0.0.5:5060"), CallerID: "+49302"}
	c.Settings.Outbound = &store.Outbound{Country: "49", Most: 1, Rules: []store.Route{
		{Prefix: "0", Strip: 1, Add: "+49", Trunks: []store.RouteTrunk{{Trunk: "a"}, {Trunk: "b", Priority: 1}}}}}
	return c
}

func TestACallOutGoesOverTheNextTrunkWhenOneIsOutOfService(t *testing.T) {
	for status, header := range map[int]string{503: "Retry-After: 60", 302: "Contact: <sip:777@10.0.0.66>"} {
		t.Run(strconv.Itoa(status), func(t *testing.T) { nextTrunkAfter(t, status, header) })
	}
}

// nextTrunkAfter has the first trunk refuse a call.
func nextTrunkAfter(t *testing.T, status int, header string) {
	overBothWith(t, outward, func(b *bed, A, B *peer) {
		C, D := b.newPeer(B.transport, addrC), b.newPeer(B.transport, "10.0.0.5:5060")
		secret := B.account("1001")
		B.register(secret, 600)
		x := B.callAs(secret, "030777", B.sdp(40000))
		first := C.rings(time.Second)
		if !strings.HasPrefix(first.invite.start, "INVITE sip:+4930777@") {
			t.Errorf("the first trunk got %q", first.invite.start)
		}
		first.reply(first.invite, status, "Not Here", "", header)
		second := D.rings(time.Second)
		if got := second.invite.get("From"); !strings.HasPrefix(second.invite.start, "INVITE sip:+4930777@") || !strings.Contains(got, "+49302@") {
			t.Errorf("the second trunk got %q from %q", second.invite.start, got)
		}
		second.accept(41000)
		x.answered(time.Second)
		x.bye()
		second.hungUp(time.Second)
		if c := b.oneCDR(); !strings.HasPrefix(c.Trace, "dial a; failed: ") || !strings.Contains(c.Trace, "; dial b; talk; end: ") {
			t.Errorf("trace %q", c.Trace)
		}
	})
}

func TestTollFraudIsStoppedByRulesAndLimits(t *testing.T) {
	overBothWith(t, outward, func(b *bed, A, B *peer) {
		C := b.newPeer(B.transport, addrC)
		secret := B.account("1001")
		B.register(secret, 600)
		refused := func(number string, want int) {
			t.Helper()
			y := B.callAs(secret, number, B.sdp(42000))
			m := B.await("refusal", 5*time.Second, func(m *msg) bool {
				return m.get("Call-ID") == y.callID && m.method() == "INVITE" && m.status() >= 300
			})
			y.ackFailure(m)
			if m.status() != want {
				t.Errorf("%s: got %d, want %d", number, m.status(), want)
			}
		}
		refused("0033123", 403)
		refused("+33123", 403)
		C.none("INVITE", time.Second, isRequest("INVITE"))
		x := B.callAs(secret, "030777", B.sdp(40000))
		leg := C.rings(time.Second)
		leg.accept(41000)
		x.answered(time.Second)
		refused("030778", 503) // a second one at once
		x.bye()
		leg.hungUp(time.Second)
		time.Sleep(time.Second)
		z := B.callAs(secret, "030779", B.sdp(40002))
		leg = C.rings(time.Second)
		leg.accept(41002)
		z.answered(time.Second)
		z.bye()
		leg.hungUp(time.Second)
		b.cdrs()
	})
}
