package call_test

import (
	"strings"
	"testing"
	"time"

	"hotline/store"
)

// twoAgents is scenarioCenter with a second agent at C, who is asked after B.
func twoAgents(transport string) store.Center {
	c := scenarioCenter(transport)
	c.Agents["1002"] = store.Agent{Name: "Cid", Contact: "sip:1002@" + addrC + ";transport=" + strings.ToLower(transport),
		Queues: []string{"sales", "direct"}, State: "ready"}
	return c
}

const addrC = "10.0.0.4:5060"

// overBothWith is overBoth with a center of the scenario's own.
func overBothWith(t *testing.T, center func(transport string) store.Center, scenario func(b *bed, A, B *peer)) {
	t.Helper()
	for _, transport := range []string{"UDP", "TCP"} {
		t.Run(transport, func(t *testing.T) {
			inBubble(t, center(transport), func(b *bed) {
				scenario(b, b.newPeer(transport, addrA), b.newPeer(transport, addrB))
			})
		})
	}
}

// waits is a caller in a queue, answered by us.
func waits(A *peer) *dialog {
	A.t.Helper()
	a := A.call("4001", A.sdp(30000))
	a.answered(time.Second)
	return a
}

func TestScenario04CancelMeetsTheAnswer(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		a := A.call("4002", A.sdp(30000))
		leg := B.rings(time.Second)
		leg.reply(leg.invite, 180, "Ringing", "")
		a.response(180, "INVITE", time.Second)
		a.cancel()
		time.Sleep(time.Millisecond) // CANCEL has reached the engine, its own has not reached B
		leg.reply(leg.invite, 200, "OK", B.sdp(40000))
		a.response(200, "CANCEL", time.Second)
		a.refused(487, time.Second)
		leg.reply(leg.gets("CANCEL", time.Second), 481, "No", "")
		leg.acked(time.Second)
		leg.hungUp(time.Second)
		B.none("second BYE", time.Second, isRequest("BYE"))
		b.wantTrace("wait direct; offer 1: caller gone; end: caller hung up")
		if n := b.eng.Calls(); len(n) != 0 {
			t.Errorf("%d calls are left", len(n))
		}
	})
}

func TestScenario05NoAck(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		a := A.call("4002", A.sdp(30000))
		leg := B.rings(time.Second)
		leg.accept(40000)
		first := a.response(200, "INVITE", time.Second)
		a.learn(first)
		for _, want := range []time.Duration{500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500} {
			want *= time.Millisecond
			if got := a.response(200, "INVITE", 5*time.Second).at.Sub(first.at); got < want || got > want+10*time.Millisecond {
				t.Errorf("200 repeated after %v, want %v", got, want)
			}
		}
		bye := a.gets("BYE", time.Second) // which A does not answer
		if got := bye.at.Sub(first.at); got < 32*time.Second || got > 32*time.Second+10*time.Millisecond {
			t.Errorf("BYE after %v, want 64*T1", got)
		}
		if got := leg.hungUp(time.Second).at.Sub(first.at); got > 32*time.Second+100*time.Millisecond {
			t.Errorf("B's BYE after %v, want 64*T1: it may not wait for A's answer to his", got)
		}
		A.none("200 after BYE", 5*time.Second, isResponse(200, "INVITE"))
		a.reply(bye, 200, "OK", "")
		c := b.wantTrace("wait direct; offer 1: answered; talk; end: caller vanished: no-ack")
		if c.Cause.Status != 408 || c.Cause.Blame != "caller" {
			t.Errorf("got cause %+v, want 408 of the caller", c.Cause)
		}
	})
}

func TestScenario10AnswerRepeated(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		a, leg := up(A, B)
		for range 2 {
			time.Sleep(500 * time.Millisecond)
			leg.reply(leg.invite, 200, "OK", B.sdp(40000))
			leg.acked(time.Second)
		}
		B.none("BYE", time.Second, isRequest("BYE"))
		A.none("BYE", time.Second, isRequest("BYE"))
		a.bye()
		leg.hungUp(time.Second)
		b.wantTrace("wait direct; offer 1: answered; talk; end: caller hung up")
	})
}

func TestScenario11InviteRepeated(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		a := A.call("4002", A.sdp(30000))
		leg := B.rings(time.Second)
		A.send(a.inviteText)
		time.Sleep(10 * time.Millisecond)
		a.response(100, "INVITE", time.Second)
		a.response(100, "INVITE", time.Second)
		leg.reply(leg.invite, 180, "Ringing", "")
		a.response(180, "INVITE", time.Second)
		A.send(a.inviteText)
		time.Sleep(10 * time.Millisecond)
		a.response(180, "INVITE", time.Second)
		leg.reply(leg.invite, 200, "OK", B.sdp(40000))
		leg.acked(time.Second)
		a.answered(time.Second)
		time.Sleep(100 * time.Millisecond)
		A.send(a.inviteText)
		A.none("response to a repeat after ACK", 2*time.Second, func(m *msg) bool { return m.status() >= 180 && m.method() == "INVITE" })
		B.none("second INVITE", time.Second, isRequest("INVITE"))
		a.bye()
		leg.hungUp(time.Second)
		b.wantTrace("wait direct; offer 1: answered; talk; end: caller hung up")
	})
}

func TestScenario12ForkedAnswers(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		a := A.call("4002", A.sdp(30000))
		leg := B.rings(time.Second)
		fork := func(tag string) *dialog {
			f := B.leg(leg.invite)
			f.tag, f.local = tag, leg.invite.get("To")+";tag="+tag
			return f
		}
		x, y, z := fork("x"), fork("y"), fork("z")
		x.reply(x.invite, 180, "Ringing", "")
		y.reply(y.invite, 180, "Ringing", "")
		ringing := a.response(180, "INVITE", time.Second)
		y.reply(y.invite, 200, "OK", B.sdp(40000))
		if got := y.acked(time.Second).param("To", "tag"); got != "y" {
			t.Errorf("ACK for tag %q, want y", got)
		}
		ok := a.answered(time.Second)
		if got, want := ok.param("To", "tag"), ringing.param("To", "tag"); got != want {
			t.Errorf("A sees tags %q and %q", want, got)
		}
		time.Sleep(time.Second)
		for range 2 { // its repeat is acknowledged too, but ended once
			z.reply(z.invite, 200, "OK", B.sdp(40002))
			ack := z.gets("ACK", time.Second)
			if got := ack.param("To", "tag"); got != "z" {
				t.Errorf("ACK for tag %q, want z", got)
			}
			if bye := B.maybe(100*time.Millisecond, isRequest("BYE")); bye != nil {
				if got := bye.param("To", "tag"); got != "z" {
					t.Errorf("BYE for tag %q, want z", got)
				}
				z.reply(bye, 200, "OK", "")
			}
		}
		B.none("BYE for y", time.Second, isRequest("BYE"))
		a.bye()
		if got := y.hungUp(time.Second).param("To", "tag"); got != "y" {
			t.Errorf("BYE for tag %q, want y", got)
		}
		b.wantTrace("wait direct; offer 1: answered; talk; end: caller hung up")
	})
}

func TestScenario15ByeGlare(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		a, leg := up(A, B)
		a.bye()
		ours := leg.gets("BYE", time.Second)
		leg.do("BYE", "")
		theirs := B.await("answer to BYE", time.Second, func(m *msg) bool { return m.status() != 0 && m.method() == "BYE" })
		if s := theirs.status(); s != 200 && s != 481 {
			t.Errorf("B's BYE got %d, want 200 or 481", s)
		}
		leg.reply(ours, 200, "OK", "")
		B.none("second BYE", 5*time.Second, isRequest("BYE"))
		b.wantTrace("wait direct; offer 1: answered; talk; end: caller hung up")
	})
}

func TestScenario16UnknownDialog(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		a, leg := up(A, B)
		for _, method := range []string{"BYE", "INFO", "INVITE", "UPDATE", "PRACK"} {
			d := &dialog{p: A, callID: A.token(), tag: "x", cseq: 5, local: "<sip:a@a.invalid>;tag=x",
				remote: "<sip:b@b.invalid>;tag=unknown", target: a.target}
			d.do(method, "")
			m := d.response(481, method, time.Second)
			if method == "INVITE" {
				d.ackFailure(m)
			}
		}
		stray := *a
		stray.branch, stray.cseq = "z9hG4bKstray", 99
		stray.cancel()
		stray.response(481, "CANCEL", time.Second)
		wrong := *a // the right dialog but for our tag
		wrong.remote = strings.Split(a.remote, ";tag=")[0] + ";tag=wrong"
		wrong.do("BYE", "")
		wrong.response(481, "BYE", time.Second)
		B.none("request", time.Second, func(m *msg) bool { return m.status() == 0 })
		a.cseq = 10
		a.bye()
		leg.hungUp(time.Second)
		b.oneCDR()
	})
}

func TestScenario23NoAnswer(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		a := A.call("4002", A.sdp(30000))
		leg := B.rings(time.Second)
		leg.reply(leg.invite, 180, "Ringing", "")
		c := leg.gets("CANCEL", 25*time.Second)
		if got := c.at.Sub(leg.invite.at); got < 19900*time.Millisecond || got > 20100*time.Millisecond {
			t.Errorf("CANCEL after %v, want 20s", got)
		}
		leg.reply(c, 200, "OK", "")
		leg.reply(leg.invite, 487, "Request Terminated", "")
		leg.gets("ACK", time.Second)
		a.refused(480, time.Second)
		b.agentState("1001", "not ready (missed)")
		got := b.wantTrace("wait direct; offer 1: no answer; end: no answer")
		if got.Cause.Status != 480 || got.Cause.Blame != "agent" {
			t.Errorf("got cause %+v, want 480 of the agent", got.Cause)
		}
	})
}

func TestScenario23NoAnswerInAQueue(t *testing.T) {
	overBothWith(t, twoAgents, func(b *bed, A, B *peer) {
		C := b.newPeer(B.transport, addrC)
		a := waits(A)
		leg := B.rings(time.Second)
		leg.reply(leg.invite, 180, "Ringing", "")
		cancel := leg.gets("CANCEL", 25*time.Second)
		leg.reply(cancel, 200, "OK", "")
		leg.reply(leg.invite, 487, "Request Terminated", "")
		c := C.rings(time.Second)
		c.accept(41000)
		b.agentState("1001", "not ready (missed)")
		c.bye()
		a.hungUp(time.Second)
		b.wantTrace("wait sales; offer 1: no answer; offer 2: answered; talk; end: agent hung up")
	})
}

func TestScenario24DeadPhone(t *testing.T) {
	overBothWith(t, twoAgents, func(b *bed, A, B *peer) {
		C := b.newPeer(B.transport, addrC)
		began := time.Now()
		a := waits(A)
		leg := B.rings(time.Second) // and never says anything
		c := C.rings(32 * time.Second)
		if d := time.Since(began); d > 10*time.Second {
			t.Errorf("next agent after %v, want about 8s", d)
		}
		b.agentState("1001", "unreachable (phone does not answer)")
		c.accept(41000)
		invites := 1
		for B.maybe(0, isRequest("INVITE")) != nil {
			invites++
		}
		if want := map[string]int{"UDP": 5, "TCP": 1}[B.transport]; invites != want {
			t.Errorf("B got %d INVITEs, want %d", invites, want)
		}
		leg.reply(leg.invite, 180, "Ringing", "") // it lives after all
		cancel := leg.gets("CANCEL", time.Second)
		leg.reply(cancel, 200, "OK", "")
		leg.reply(leg.invite, 487, "Request Terminated", "")
		leg.gets("ACK", time.Second)
		c.bye()
		a.hungUp(time.Second)
		b.wantTrace("wait sales; offer 1: unreachable; offer 2: answered; talk; end: agent hung up")
	})
}

func TestScenario24DeadTrunk(t *testing.T) {
	center := func(transport string) store.Center {
		c := scenarioCenter(transport)
		c.Trunks["out"] = store.Trunk{Peers: []string{"sip:" + addrB + ";transport=" + strings.ToLower(transport)},
			Hairpin: "allow", NoAnswer: store.Duration(40 * time.Second)}
		c.Numbers["4004"] = store.Number{To: "trunk:out"}
		return c
	}
	overBothWith(t, center, func(b *bed, A, B *peer) {
		a := A.call("4004", A.sdp(30000))
		first := B.rings(time.Second).invite
		end := A.await("final response", 40*time.Second, func(m *msg) bool { return m.status() >= 300 && m.method() == "INVITE" })
		a.ackFailure(end)
		if s := end.status(); s != 408 && s != 503 {
			t.Errorf("A got %d, want 408 or 503", s)
		}
		if d := end.at.Sub(first.at); d < 31*time.Second || d > 33*time.Second {
			t.Errorf("A was told after %v, want 32s", d)
		}
		invites := 1
		for B.maybe(0, isRequest("INVITE")) != nil {
			invites++
		}
		if want := map[string]int{"UDP": 7, "TCP": 1}[B.transport]; invites != want {
			t.Errorf("B got %d INVITEs, want %d", invites, want)
		}
		if c := b.oneCDR(); c.Cause.Blame != "trunk" {
			t.Errorf("got cause %+v, want the trunk to blame", c.Cause)
		}
	})
}

func TestScenario25CancelBefore100(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		a := A.call("4002", A.sdp(30000))
		leg := B.rings(time.Second)
		a.cancel()
		a.response(200, "CANCEL", time.Second)
		a.refused(487, time.Second)
		B.none("CANCEL before a response", 3*time.Second, isRequest("CANCEL"))
		leg.reply(leg.invite, 100, "Trying", "")
		c := leg.gets("CANCEL", time.Second)
		leg.reply(c, 200, "OK", "")
		leg.reply(leg.invite, 487, "Request Terminated", "")
		leg.gets("ACK", time.Second)
		b.wantTrace("wait direct; offer 1: caller gone; end: caller hung up")
	})
}

func TestAPhoneThatWakesUpLateIsCancelledToo(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		a := A.call("4002", A.sdp(30000))
		leg := B.rings(time.Second)
		a.cancel()
		a.refused(487, time.Second)
		time.Sleep(12 * time.Second)
		leg.reply(leg.invite, 180, "Ringing", "")
		c := leg.gets("CANCEL", time.Second)
		leg.reply(c, 200, "OK", "")
		leg.reply(leg.invite, 487, "Request Terminated", "")
		leg.gets("ACK", time.Second)
		b.oneCDR()
	})
}
