package call_test

import (
	"strings"
	"testing"
	"time"

	"hotline/store"
)

// withMenu is scenarioCenter with a menu at 4000 (2: the queue), announcements
// and a survey after talks of the queue.
func withMenu(transport string) store.Center {
	c := scenarioCenter(transport)
	on := true
	q := c.Queues["sales"]
	q.AnnounceAgent, q.Survey = &on, "rate"
	c.Queues["sales"] = q
	c.Flows["menu"] = store.Flow{Start: "main", Nodes: []byte(`{"main":{"kind":"menu","prompts":["welcome"],
		"keys":{"2":"sales"},"default":"end"},"sales":{"kind":"queue","queue":"sales"},"end":{"kind":"hangup"}}`)}
	c.Flows["rate"] = store.Flow{Start: "ask", Nodes: []byte(`{"ask":{"kind":"survey","items":[{"name":"service","prompts":["survey-service"]}],"next":"end"},
		"end":{"kind":"hangup"}}`)}
	c.Numbers["4000"] = store.Number{To: "flow:menu"}
	return c
}

func TestReinvitesAreAnsweredWhateverTheCallDoes(t *testing.T) {
	overBothWith(t, withMenu, func(b *bed, A, B *peer) {
		a := A.call("4000", A.sdp(30000))
		a.answered(time.Second)
		again := func(d *dialog, port int, where string) {
			for _, line := range []string{"a=sendonly", "a=sendrecv"} {
				at := time.Now()
				d.do("INVITE", d.p.sdp(port, line))
				ok := d.response(200, "INVITE", 500*time.Millisecond)
				if !strings.Contains(ok.body, "m=audio") {
					t.Errorf("in %s: 200 has %q", where, ok.body)
				}
				if took := time.Since(at); took > 500*time.Millisecond {
					t.Errorf("in %s: answered after %v", where, took)
				}
				d.ack("")
			}
		}
		again(a, 30000, "menu")
		time.Sleep(500 * time.Millisecond)
		a.info("application/dtmf", "2")
		a.response(200, "INFO", time.Second)
		leg := B.rings(time.Second)
		again(a, 30000, "queue")
		leg.accept(40000)
		again(a, 30000, "announcement")
		again(leg, 40000, "announcement")
		time.Sleep(10 * time.Second)
		again(a, 30000, "talk")
		again(leg, 40000, "talk")
		leg.bye()
		again(a, 30000, "survey")
		a.info("application/dtmf", "5")
		a.response(200, "INFO", time.Second)
		a.hungUp(20 * time.Second)
		c := b.wantTrace("menu; wait sales; offer 1: answered; announce; talk; survey; end: served")
		if len(c.Ratings) != 1 || c.Ratings[0].Stars != 5 {
			t.Errorf("got ratings %+v, want 5 stars", c.Ratings)
		}
	})
}

func TestWhoeverLeavesInTheAnnouncementTheOtherIsFreed(t *testing.T) {
	overBothWith(t, withMenu, func(b *bed, A, B *peer) {
		for _, who := range []string{"caller", "agent", "both"} {
			a := waits(A)
			leg := B.rings(2 * time.Second)
			leg.accept(40000)
			time.Sleep(200 * time.Millisecond)
			switch who {
			case "caller":
				a.bye()
				leg.hungUp(time.Second)
			case "agent":
				leg.bye()
				leg = B.rings(2 * time.Second) // nobody served him: he is at the head again
				leg.accept(40000)
				a.bye()
				leg.hungUp(time.Second)
			case "both":
				a.do("BYE", "")
				leg.do("BYE", "")
				a.response(200, "BYE", time.Second)
				leg.response(200, "BYE", time.Second)
			}
			time.Sleep(time.Second)
			b.agentState("1001", "ready")
		}
		for i, c := range b.cdrs() {
			if !strings.Contains(c.Trace, "announce") || c.Cause.Text == "" {
				t.Errorf("call %d: trace %s, cause %+v", i, c.Trace, c.Cause)
			}
		}
	})
}

func TestBothHangUpAtOnce(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		a, leg := up(A, B)
		a.do("BYE", "")
		leg.do("BYE", "")
		a.response(200, "BYE", time.Second)
		leg.response(200, "BYE", time.Second)
		for _, p := range []*peer{A, B} { // our own BYE may have been on its way
			if m := p.maybe(time.Second, isRequest("BYE")); m != nil {
				(&dialog{p: p}).reply(m, 481, "No", "")
			}
			p.none("second BYE", 3*time.Second, isRequest("BYE"))
		}
		b.oneCDR()
		b.agentState("1001", "ready")
	})
}

func TestTwoCallersOneAgentInOrder(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		first := waits(A)
		leg := B.rings(time.Second)
		second := A.call("4001", A.sdp(30002))
		second.answered(time.Second)
		leg.accept(40000)
		B.none("second INVITE in talk", 2*time.Second, isRequest("INVITE"))
		leg.bye()
		first.hungUp(time.Second)
		next := B.rings(2 * time.Second)
		served(second, next, 40000)
		for _, c := range b.cdrs() {
			if c.Trace != "wait sales; offer 1: answered; talk; end: agent hung up" {
				t.Errorf("got trace %s", c.Trace)
			}
		}
	})
}

func TestAHeldCallerWhoseAgentHangsUpIsFreed(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		a, leg, sa, _ := audible(b, A, B)
		leg.do("INVITE", B.sdp(40000, "a=inactive"))
		leg.response(200, "INVITE", time.Second)
		leg.ack("")
		time.Sleep(time.Second)
		leg.bye()
		a.hungUp(time.Second)
		sa.forget()
		time.Sleep(time.Second)
		sa.hearsNothing()
		b.wantTrace("wait direct; offer 1: answered; talk; end: agent hung up")
	})
}

func TestAReinviteThatIsUnderWayDoesNotHoldUpTheBye(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		a := A.call("4002", A.sdp(30000))
		leg := B.rings(time.Second)
		leg.reply(leg.invite, 200, "OK", B.sdp(40000), "Allow: INVITE, ACK, BYE, CANCEL", "Supported: timer",
			"Require: timer", "Session-Expires: 90;refresher=uac")
		leg.acked(time.Second)
		a.answered(time.Second)
		re := leg.gets("INVITE", 46*time.Second)
		leg.reply(re, 100, "Trying", "")
		a.bye()
		leg.hungUp(time.Second)
		leg.reply(re, 487, "Request Terminated", "")
		leg.gets("ACK", time.Second)
		b.oneCDR()
	})
}

func TestARefreshThatBreaksTheDialogEndsIt(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		for _, status := range []int{481, 408} {
			a := A.call("4002", A.sdp(30000))
			leg := B.rings(3 * time.Second)
			leg.reply(leg.invite, 200, "OK", B.sdp(40000), "Allow: INVITE, ACK, BYE, CANCEL", "Supported: timer",
				"Require: timer", "Session-Expires: 90;refresher=uac")
			leg.acked(time.Second)
			a.answered(time.Second)
			re := leg.gets("INVITE", 46*time.Second)
			leg.reply(re, status, "Gone", "")
			leg.gets("ACK", time.Second)
			leg.hungUp(time.Second)
			if m := A.maybe(time.Second, isRequest("BYE")); m != nil {
				a.reply(m, 200, "OK", "")
			} else { // given back to the queue, where he waits for the agent's phone
				a.bye()
			}
			time.Sleep(31 * time.Second)
		}
		if n := len(b.cdrs()); n != 2 {
			t.Errorf("got %d CDRs, want 2", n)
		}
	})
}

func TestARefreshThatIsRefusedKeepsTheCallUntilItsEnd(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		sa, sb := b.newSound("10.0.0.2:30000"), b.newSound("10.0.0.3:40000")
		a := A.call("4002", A.sdp(30000))
		leg := B.rings(time.Second)
		sb.to = audioAt(t, leg.invite.body)
		leg.reply(leg.invite, 200, "OK", B.sdp(40000), "Allow: INVITE, ACK, BYE, CANCEL", "Supported: timer",
			"Require: timer", "Session-Expires: 90;refresher=uac")
		leg.acked(time.Second)
		sa.to = audioAt(t, a.answered(time.Second).body)
		talk(44*time.Second, sa, sb)
		re := leg.gets("INVITE", 5*time.Second)
		leg.reply(re, 488, "Not Acceptable Here", "")
		leg.gets("ACK", time.Second)
		talk(10*time.Second, sa, sb)
		B.none("BYE", 0, isRequest("BYE"))
		leg.do("UPDATE", "", "Supported: timer", "Session-Expires: 90;refresher=uac") // B refreshes instead
		leg.response(200, "UPDATE", time.Second)
		talk(50*time.Second, sa, sb)
		B.none("BYE", 0, isRequest("BYE"))
		a.bye()
		leg.hungUp(time.Second)
		b.oneCDR()
	})
}

func TestTheWorldIsDialledFromAPhoneOnlyWhereAllowed(t *testing.T) {
	center := func(transport string) store.Center {
		c := phones(transport)
		c.Trunks["out"] = store.Trunk{Peers: []string{"sip:" + addrC + ";transport=" + strings.ToLower(transport)}, CallerID: "+4930123"}
		a := c.Agents["1001"]
		a.Outbound = []string{"out"}
		c.Agents["1001"] = a
		return c
	}
	overBothWith(t, center, func(b *bed, A, B *peer) {
		C, D := b.newPeer(B.transport, addrC), b.newPeer(B.transport, "10.0.0.5:5060")
		secret, other := B.account("1001"), D.account("1002")
		B.register(secret, 600)
		D.register(other, 600)
		x := B.callAs(secret, "+4989777", B.sdp(40000))
		out := C.rings(time.Second)
		if got := out.invite.start; !strings.HasPrefix(got, "INVITE sip:+4989777@") {
			t.Errorf("trunk got %q", got)
		}
		if got := out.invite.get("From"); !strings.Contains(got, "sip:+4930123@") {
			t.Errorf("trunk sees %q, want the caller id", got)
		}
		out.accept(41000)
		x.answered(time.Second)
		x.bye()
		out.hungUp(time.Second)
		for i, number := range []string{"+4989777", "sip", "0049;tag=1"} {
			p, s := D, other
			if i > 0 {
				p, s = B, secret
			}
			y := p.callAs(s, number, p.sdp(42000))
			m := p.await("refusal", time.Second, func(m *msg) bool {
				return m.get("Call-ID") == y.callID && m.method() == "INVITE" && m.status() >= 300
			})
			y.ackFailure(m)
			if m.status() != 404 && m.status() != 400 {
				t.Errorf("%s: got %d, want 404 or 400", number, m.status())
			}
		}
		C.none("INVITE", time.Second, isRequest("INVITE"))
		if n := len(b.begun()); n != 1 {
			t.Errorf("got %d CDRs, want 1", n)
		}
	})
}
