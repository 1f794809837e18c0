package call_test

import (
	"strings"
	"testing"
	"time"

	"hotline/store"
)

// served lets the agent at the other end of a leg answer, talk and hang up.
func served(a, leg *dialog, port int) {
	leg.p.t.Helper()
	leg.accept(port)
	time.Sleep(100 * time.Millisecond)
	leg.bye()
	a.hungUp(time.Second)
}

// refuse answers an agent's INVITE with a failure and waits for its ACK.
func (d *dialog) refuse(status int, reason string, extra ...string) {
	d.p.t.Helper()
	d.reply(d.invite, status, reason, "", extra...)
	d.gets("ACK", time.Second)
}

func TestScenario26Redirect(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		C := b.newPeer(B.transport, addrC)
		a := A.call("4002", A.sdp(30000))
		leg := B.rings(time.Second)
		leg.refuse(302, "Moved Temporarily", "Contact: <sip:else@"+addrC+">")
		a.refused(480, time.Second)
		C.none("request", time.Second, func(*msg) bool { return true })
		c := b.wantTrace("wait direct; offer 1: declined; end: Moved Temporarily")
		if c.Cause.Status != 480 || c.Cause.Blame != "agent" {
			t.Errorf("got cause %+v, want 480 of the agent", c.Cause)
		}
	})
}

func TestScenario26RedirectInAQueue(t *testing.T) {
	overBothWith(t, twoAgents, func(b *bed, A, B *peer) {
		C := b.newPeer(B.transport, addrC)
		a := waits(A)
		B.rings(time.Second).refuse(302, "Moved Temporarily", "Contact: <sip:mailbox@10.0.0.66>")
		served(a, C.rings(time.Second), 41000)
		b.wantTrace("wait sales; offer 1: declined; offer 2: answered; talk; end: agent hung up")
	})
}

func TestScenario26RedirectByATrunk(t *testing.T) {
	overBothWith(t, trunkOut, func(b *bed, A, B *peer) {
		C := b.newPeer(B.transport, addrC)
		a := A.call("4004", A.sdp(30000))
		B.rings(time.Second).refuse(302, "Moved Temporarily", "Contact: <sip:+900premium@"+addrC+">")
		a.refused(480, time.Second)
		C.none("request", time.Second, func(*msg) bool { return true })
		b.oneCDR()
	})
}

func TestScenario27BusyEverywhere(t *testing.T) {
	overBothWith(t, twoAgents, func(b *bed, A, B *peer) {
		C := b.newPeer(B.transport, addrC)
		a := waits(A)
		B.rings(time.Second).refuse(603, "Decline")
		served(a, C.rings(time.Second), 41000)
		b.wantTrace("wait sales; offer 1: declined; offer 2: answered; talk; end: agent hung up")
	})
}

func TestASixHundredNeverReachesTheCaller(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		for _, status := range []int{600, 603, 604, 606} {
			a := A.call("4002", A.sdp(30000))
			leg := B.rings(40 * time.Second)
			leg.refuse(status, "No")
			a.refused(480, time.Second)
			time.Sleep(31 * time.Second) // the pair's back-off
		}
		if n := len(b.cdrs()); n != 4 {
			t.Errorf("got %d CDRs, want 4", n)
		}
	})
}

func TestADeclinedCallIsOfferedAgainAfterTheBackOff(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		a := waits(A)
		leg := B.rings(time.Second)
		leg.refuse(480, "Temporarily Unavailable")
		b.agentState("1001", "not ready (missed)")
		if err := b.eng.SetAgentState("1001", "ready", "", "test"); err != nil {
			t.Fatal(err)
		}
		again := B.rings(40 * time.Second)
		if d := again.invite.at.Sub(leg.invite.at); d < 30*time.Second || d > 31*time.Second {
			t.Errorf("offered again after %v, want the back-off of 30s", d)
		}
		again.refuse(603, "Decline")
		third := B.rings(40 * time.Second)
		if d := third.invite.at.Sub(again.invite.at); d < 30*time.Second || d > 31*time.Second {
			t.Errorf("offered again after %v, want the back-off of 30s", d)
		}
		b.agentState("1001", "offered")
		served(a, third, 40000)
		b.wantTrace("wait sales; offer 1: no answer; offer 2: declined; offer 3: answered; talk; end: agent hung up")
	})
}

func TestABusyPhoneIsPassedOver(t *testing.T) {
	overBothWith(t, twoAgents, func(b *bed, A, B *peer) {
		C := b.newPeer(B.transport, addrC)
		a := waits(A)
		B.rings(time.Second).refuse(486, "Busy Here")
		served(a, C.rings(time.Second), 41000)
		b.wantTrace("wait sales; offer 1: busy; offer 2: answered; talk; end: agent hung up")
	})
}

func TestAPhoneThatIsOffIsPassedOver(t *testing.T) {
	overBothWith(t, twoAgents, func(b *bed, A, B *peer) {
		C := b.newPeer(B.transport, addrC)
		if B.l != nil { // nobody listens: connecting fails
			B.l.Close()
		}
		a := waits(A)
		within := 9 * time.Second
		if B.l != nil {
			within = time.Second
		}
		served(a, C.rings(within), 41000)
		b.agentState("1001", "unreachable (phone does not answer)")
		b.wantTrace("wait sales; offer 1: unreachable; offer 2: answered; talk; end: agent hung up")
	})
}

func TestScenario30CallerGoneAsTheAgentAnswers(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		a := waits(A)
		leg := B.rings(time.Second)
		leg.reply(leg.invite, 180, "Ringing", "")
		time.Sleep(time.Second)
		a.do("BYE", "")
		time.Sleep(time.Millisecond)
		leg.reply(leg.invite, 200, "OK", B.sdp(40000))
		a.response(200, "BYE", time.Second)
		if c := B.maybe(500*time.Millisecond, isRequest("CANCEL")); c != nil {
			leg.reply(c, 481, "No", "")
		}
		leg.acked(time.Second)
		leg.hungUp(time.Second)
		c := b.oneCDR()
		if c.Cause.Text != "caller hung up" || c.Cause.Blame != "caller" {
			t.Errorf("got cause %+v, want the caller to have hung up", c.Cause)
		}
		if len(c.Talks) != 0 || !strings.HasPrefix(c.Offers[0].Result, "caller gone") {
			t.Errorf("got talks %+v, offer %q; want an abandoned call", c.Talks, c.Offers[0].Result)
		}
		b.agentState("1001", "ready")
	})
}

func TestScenario30CallerCancelsAsTheAgentAnswers(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		a := A.call("4002", A.sdp(30000))
		leg := B.rings(time.Second)
		leg.reply(leg.invite, 180, "Ringing", "")
		a.response(180, "INVITE", time.Second)
		leg.reply(leg.invite, 200, "OK", B.sdp(40000))
		a.cancel() // they meet in the engine
		a.response(200, "CANCEL", time.Second)
		end := A.await("final response", time.Second, func(m *msg) bool { return m.status() >= 200 && m.method() == "INVITE" })
		if B.transport == "UDP" && end.status() != 487 && end.status() != 200 {
			t.Errorf("A got %d", end.status())
		}
		if end.status() == 200 { // answered first: the CANCEL has no effect, he hangs up
			a.learn(end)
			a.ack("")
			a.bye()
		} else {
			a.ackFailure(end)
		}
		leg.acked(time.Second)
		leg.hungUp(time.Second)
		if c := b.oneCDR(); c.Cause.Text != "caller hung up" {
			t.Errorf("got cause %+v, want the caller to have hung up", c.Cause)
		}
		b.agentState("1001", "ready")
	})
}

func TestTheAgentHearsNothingOfACallerWhoLeftTheQueue(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		a := waits(A)
		leg := B.rings(time.Second)
		leg.reply(leg.invite, 180, "Ringing", "")
		a.bye()
		c := leg.gets("CANCEL", time.Second)
		leg.reply(c, 200, "OK", "")
		leg.reply(leg.invite, 487, "Request Terminated", "")
		leg.gets("ACK", time.Second)
		b.agentState("1001", "ready")
		b.wantTrace("wait sales; offer 1: caller gone; end: caller hung up")
	})
}

func TestSilenceEndsTheCallInOrder(t *testing.T) {
	center := func(transport string) store.Center {
		c := scenarioCenter(transport)
		c.Settings.Silence = store.Duration(20 * time.Second)
		return c
	}
	overBothWith(t, center, func(b *bed, A, B *peer) {
		a, leg, sa, sb := audible(b, A, B)
		converse(time.Second, map[*sound]float64{sa: 500, sb: 700})
		converse(18*time.Second, map[*sound]float64{sb: 700}) // A is silent, but not for long enough
		A.none("BYE", 0, isRequest("BYE"))
		converse(8*time.Second, map[*sound]float64{sb: 700})
		a.hungUp(time.Second)
		leg.hungUp(time.Second)
		c := b.oneCDR()
		if c.Cause.Blame != "caller" || !strings.Contains(c.Cause.Text, "vanished") {
			t.Errorf("got cause %+v, want a caller who vanished", c.Cause)
		}
	})
}

func TestACallerWhoHoldsIsNotSilent(t *testing.T) {
	center := func(transport string) store.Center {
		c := scenarioCenter(transport)
		c.Settings.Silence = store.Duration(20 * time.Second)
		return c
	}
	overBothWith(t, center, func(b *bed, A, B *peer) {
		a, leg, sa, sb := audible(b, A, B)
		converse(200*time.Millisecond, map[*sound]float64{sa: 500, sb: 700})
		a.do("INVITE", A.sdp(30000, "a=inactive"))
		a.response(200, "INVITE", time.Second)
		a.ack("")
		converse(40*time.Second, map[*sound]float64{sb: 700})
		A.none("BYE", 0, isRequest("BYE"))
		a.bye()
		leg.hungUp(time.Second)
		b.wantTrace("wait direct; offer 1: answered; talk; end: caller hung up")
	})
}

func TestACallerMayWaitInSilence(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		if err := b.eng.SetAgentState("1001", "not ready", "break", "test"); err != nil {
			t.Fatal(err)
		}
		a := waits(A)
		time.Sleep(5 * time.Minute)
		A.none("BYE", 0, isRequest("BYE"))
		if err := b.eng.SetAgentState("1001", "ready", "", "test"); err != nil {
			t.Fatal(err)
		}
		leg := B.rings(time.Second)
		leg.accept(40000)
		time.Sleep(30 * time.Second) // the minute begins with the talk
		leg.bye()
		a.hungUp(time.Second)
		b.wantTrace("wait sales; offer 1: answered; talk; end: agent hung up")
	})
}

func TestAnAgentWhoGoesSilentGivesTheCallerBack(t *testing.T) {
	center := func(transport string) store.Center {
		c := twoAgents(transport)
		c.Settings.Silence = store.Duration(20 * time.Second)
		return c
	}
	overBothWith(t, center, func(b *bed, A, B *peer) {
		C := b.newPeer(B.transport, addrC)
		sa, sb := b.newSound("10.0.0.2:30000"), b.newSound("10.0.0.3:40000")
		a := A.call("4001", A.sdp(30000))
		sa.to = audioAt(t, a.answered(time.Second).body)
		leg := B.rings(time.Second)
		sb.to = audioAt(t, leg.invite.body)
		leg.accept(40000)
		converse(time.Second, map[*sound]float64{sa: 500, sb: 700})
		converse(26*time.Second, map[*sound]float64{sa: 500})
		leg.hungUp(time.Second)
		c := C.rings(time.Second)
		served(a, c, 41000)
		b.agentState("1001", "unreachable (phone does not answer)")
		b.wantTrace("wait sales; offer 1: answered; talk; agent vanished: silence; wait sales; offer 1: answered; talk; end: agent hung up")
	})
}
