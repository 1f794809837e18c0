package call_test

import (
	"strings"
	"testing"
	"time"

	"hotline/store"
)

// Addresses of the peers in the scenarios: A calls, B is the agent's phone.
const (
	addrA = "10.0.0.2:5060"
	addrB = "10.0.0.3:5060"
)

// scenarioCenter has an agent at B's address, reached over one transport:
// 4001 is a queue, 4002 rings him directly, 4003 answers and hangs up.
func scenarioCenter(transport string) store.Center {
	zero := store.Duration(0)
	off := false
	return store.Center{
		Settings: store.Settings{Survey: "none"},
		Trunks:   map[string]store.Trunk{"world": {Addresses: []string{"10.0.0.2"}}},
		Agents: map[string]store.Agent{"1001": {Name: "Ann", Contact: "sip:1001@" + addrB + ";transport=" + strings.ToLower(transport),
			Queues: []string{"sales", "direct"}, State: "ready"}},
		Queues: map[string]store.Queue{
			"sales":  {WrapUp: &zero, AnnounceAgent: &off, Record: &off},
			"direct": {Direct: true, WrapUp: &zero},
		},
		Numbers: map[string]store.Number{"4001": {To: "queue:sales"}, "4002": {To: "queue:direct"}, "4003": {To: "flow:bye"}},
		Flows:   map[string]store.Flow{"bye": {Start: "bye", Nodes: []byte(`{"bye":{"kind":"hangup"}}`)}},
	}
}

// overBoth runs a scenario over UDP and over TCP, each a test of its own.
func overBoth(t *testing.T, scenario func(b *bed, A, B *peer)) {
	t.Helper()
	for _, transport := range []string{"UDP", "TCP"} {
		t.Run(transport, func(t *testing.T) {
			inBubble(t, scenarioCenter(transport), func(b *bed) {
				scenario(b, b.newPeer(transport, addrA), b.newPeer(transport, addrB))
			})
		})
	}
}

// up is a call between A and B in talk.
func up(A, B *peer) (a, b *dialog) {
	A.t.Helper()
	a = A.call("4002", A.sdp(30000))
	b = B.rings(time.Second)
	b.accept(40000)
	a.answered(time.Second)
	return a, b
}

func TestScenario01Basic(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		a := A.call("4002", A.sdp(30000))
		leg := B.rings(time.Second)
		if !strings.Contains(leg.invite.body, "m=audio") {
			t.Errorf("B's INVITE has no description: %q", leg.invite.body)
		}
		leg.reply(leg.invite, 180, "Ringing", "")
		ringing := a.response(180, "INVITE", time.Second)
		leg.reply(leg.invite, 200, "OK", B.sdp(40000))
		leg.acked(time.Second)
		ok := a.answered(time.Second)
		if got, want := ok.param("To", "tag"), ringing.param("To", "tag"); got != want || got == "" {
			t.Errorf("tag of the 200 is %q, of the 180 %q", got, want)
		}
		if !strings.Contains(ok.body, "m=audio") {
			t.Errorf("A's 200 has no description: %q", ok.body)
		}
		time.Sleep(time.Second)
		a.bye()
		leg.hungUp(time.Second)
		B.none("second ACK or BYE", time.Second, func(m *msg) bool { return m.status() == 0 })
		b.wantTrace("wait direct; offer 1: answered; talk; end: caller hung up")
	})
}

func TestScenario02ByeFromCallee(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		a, leg := up(A, B)
		leg.bye()
		a.hungUp(time.Second)
		b.wantTrace("wait direct; offer 1: answered; talk; end: agent hung up")
	})
}

func TestScenario03CancelWhileRinging(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		a := A.call("4002", A.sdp(30000))
		leg := B.rings(time.Second)
		leg.reply(leg.invite, 180, "Ringing", "")
		a.response(180, "INVITE", time.Second)
		a.cancel()
		a.response(200, "CANCEL", time.Second)
		a.refused(487, time.Second)
		c := leg.gets("CANCEL", time.Second)
		if got, want := c.get("Via"), leg.invite.get("Via"); got != want {
			t.Errorf("CANCEL has Via %q, the INVITE %q", got, want)
		}
		leg.reply(c, 200, "OK", "")
		leg.reply(leg.invite, 487, "Request Terminated", "")
		leg.gets("ACK", time.Second)
		b.wantTrace("wait direct; offer 1: caller gone; end: caller hung up")
	})
}
