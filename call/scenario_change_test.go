package call_test

import (
	"strings"
	"testing"
	"time"

	"hotline/call"
	"hotline/store"
)

func TestWhoGoesNotReadyWhileItRingsIsLetAlone(t *testing.T) {
	overBothWith(t, twoAgents, func(b *bed, A, B *peer) {
		C := b.newPeer(B.transport, addrC)
		a := waits(A)
		leg := B.rings(time.Second)
		leg.reply(leg.invite, 180, "Ringing", "")
		if err := b.eng.SetAgentState("1001", "not ready", "lunch", "test"); err != nil {
			t.Fatal(err)
		}
		c := leg.gets("CANCEL", time.Second)
		leg.reply(c, 200, "OK", "")
		leg.reply(leg.invite, 487, "Request Terminated", "")
		leg.gets("ACK", time.Second)
		served(a, C.rings(time.Second), 41000)
		b.agentState("1001", "not ready (lunch)")
		if c := b.oneCDR(); len(c.Offers) != 2 || c.Offers[0].Result != "withdrawn" || c.Offers[1].Result != "answered" {
			t.Errorf("got offers %+v", c.Offers)
		}
	})
}

func TestWhatIsDeletedDoesNotTakeCallsWithIt(t *testing.T) {
	overBothWith(t, twoAgents, func(b *bed, A, B *peer) {
		a := waits(A)
		leg := B.rings(time.Second)
		leg.accept(40000)
		time.Sleep(100 * time.Millisecond)
		center := twoAgents(B.transport)
		delete(center.Agents, "1001")
		delete(center.Numbers, "4001")
		res, err := b.eng.Apply(call.ApplyRequest{Center: center, Prune: true, Actor: "test"})
		if err != nil || len(res.Problems) > 0 {
			t.Fatal(err, res.Problems)
		}
		A.none("BYE", 2*time.Second, isRequest("BYE"))
		other := A.call("4001", A.sdp(30002))
		other.refused(404, time.Second)
		leg.bye()
		a.hungUp(time.Second)
		b.wantTrace("wait sales; offer 1: answered; talk; end: agent hung up")
	})
}

func TestAQueueThatIsDeletedLetsItsCallersGo(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		if err := b.eng.SetAgentState("1001", "not ready", "lunch", "test"); err != nil {
			t.Fatal(err)
		}
		a := waits(A)
		center := scenarioCenter(B.transport)
		delete(center.Queues, "sales")
		delete(center.Numbers, "4001")
		ann := center.Agents["1001"]
		ann.Queues = []string{"direct"}
		center.Agents["1001"] = ann
		res, err := b.eng.Apply(call.ApplyRequest{Center: center, Prune: true, Actor: "test"})
		if err != nil || len(res.Problems) > 0 {
			t.Fatal(err, res.Problems)
		}
		a.hungUp(30 * time.Second)
		b.oneCDR()
	})
}

func TestADirectCallWithNobodyFree(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		first, leg := up(A, B)
		began := time.Now()
		second := A.call("4002", A.sdp(30002))
		second.response(100, "INVITE", time.Second)
		third := A.call("4002", A.sdp(30004))
		time.Sleep(time.Second)
		third.cancel()
		third.refused(487, time.Second)
		m := second.refused(480, 61*time.Second)
		if d := m.at.Sub(began); d < 59*time.Second {
			t.Errorf("refused after %v, want a minute's wait", d)
		}
		B.none("INVITE in talk", 0, isRequest("INVITE"))
		first.bye()
		leg.hungUp(time.Second)
		if err := b.eng.SetAgentState("1001", "logged out", "", "test"); err != nil {
			t.Fatal(err)
		}
		A.call("4002", A.sdp(30006)).refused(480, time.Second) // nobody is there: at once
		if n := len(b.cdrs()); n != 4 {
			t.Errorf("got %d CDRs, want 4", n)
		}
	})
}

func TestOtherStreamsAreRefusedInTheAnswer(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		a := A.call("4002", A.sdp(30000, "m=video 30002 RTP/AVP 96", "a=rtpmap:96 H264/90000", "m=audio 30004 RTP/SAVP 0"))
		leg := B.rings(time.Second)
		leg.accept(40000)
		ok := a.answered(time.Second)
		if strings.Count(ok.body, "\r\nm=") != 3 || !strings.Contains(ok.body, "m=video 0 ") || strings.Count(ok.body, "m=audio 0 ") != 1 {
			t.Errorf("answer is %q, want three lines of which two are refused", ok.body)
		}
		a.bye()
		leg.hungUp(time.Second)
		A.call("4002", strings.Replace(A.sdp(30000), "RTP/AVP", "RTP/SAVP", 1)).refused(488, time.Second)
		b.oneCDR()
	})
}

func TestADescriptionMayBePartOfABody(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		body := "--frontier\r\nContent-Type: text/plain\r\n\r\nhello\r\n--frontier\r\nContent-Type: application/sdp\r\n\r\n" + A.sdp(30000) + "\r\n--frontier--\r\n"
		a := A.callWith("4002", body, "application/sdp\r\nContent-Length", "multipart/mixed;boundary=frontier\r\nContent-Length")
		leg := B.rings(time.Second)
		leg.accept(40000)
		if ok := a.answered(time.Second); !strings.Contains(ok.body, "m=audio") {
			t.Errorf("answer is %q", ok.body)
		}
		a.bye()
		leg.hungUp(time.Second)
		b.oneCDR()
	})
}

func TestATooShortSessionInTalkIsRefusedAndTheCallStays(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		a, leg := up(A, B)
		a.do("INVITE", A.sdp(30000), "Supported: timer", "Session-Expires: 20")
		a.refused(422, 500*time.Millisecond)
		a.do("UPDATE", "", "Supported: timer", "Session-Expires: 20")
		a.response(422, "UPDATE", 500*time.Millisecond)
		A.none("BYE", 50*time.Second, isRequest("BYE"))
		a.bye()
		leg.hungUp(time.Second)
		b.oneCDR()
	})
}

func TestAContactMayNameAnotherTransport(t *testing.T) {
	other := map[string]string{"UDP": "TCP", "TCP": "UDP"}
	overBoth(t, func(b *bed, A, B *peer) {
		b2 := b.newPeer(other[B.transport], "10.0.0.13:5060")
		a := A.call("4002", A.sdp(30000))
		leg := B.rings(time.Second)
		leg.moved = b2.contact()
		leg.reply(leg.invite, 200, "OK", B.sdp(40000))
		there := *leg
		there.p = b2
		there.acked(time.Second)
		a.answered(time.Second)
		a.bye()
		there.hungUp(time.Second)
		b.oneCDR()
	})
}

func TestATrunkMayAllowCallsFromItsPeersOnly(t *testing.T) {
	center := func(transport string) store.Center {
		c := scenarioCenter(transport)
		c.Trunks["other"] = store.Trunk{Addresses: []string{"10.0.0.66"}}
		n := c.Numbers["4002"]
		n.Trunks = []string{"world"}
		c.Numbers["4002"] = n
		return c
	}
	overBothWith(t, center, func(b *bed, A, B *peer) {
		X := b.newPeer(A.transport, "10.0.0.66:5060")
		X.call("4002", X.sdp(30000)).refused(404, time.Second)
		X.call("4001", X.sdp(30000)).answered(time.Second)
		B.rings(time.Second).refuse(603, "Decline")
		a := A.call("4002", A.sdp(30000))
		B.none("INVITE in back-off", 0, isRequest("INVITE"))
		leg := B.rings(61 * time.Second)
		leg.accept(40000)
		a.answered(time.Second)
		a.bye()
		leg.hungUp(time.Second)
	})
}

func TestAShutdownEndsEveryCallInOrder(t *testing.T) {
	overBothWith(t, twoAgents, func(b *bed, A, B *peer) {
		C := b.newPeer(B.transport, addrC)
		talking, leg := up(A, B)
		waiting := waits(A)
		ringing := C.rings(time.Second)
		ringing.reply(ringing.invite, 180, "Ringing", "")
		third := A.call("4002", A.sdp(30004)) // nobody is free for it
		third.response(100, "INVITE", time.Second)
		time.Sleep(time.Second)
		b.stop()
		talking.hungUp(time.Second)
		leg.hungUp(time.Second)
		waiting.hungUp(time.Second)
		c := ringing.gets("CANCEL", time.Second)
		ringing.reply(c, 200, "OK", "")
		ringing.reply(ringing.invite, 487, "Request Terminated", "")
		third.refused(503, time.Second)
		if err := <-b.done; err != nil {
			t.Error(err)
		}
		b.done <- nil
		list := b.cdrs()
		if len(list) != 3 {
			t.Errorf("got %d CDRs, want 3", len(list))
		}
		for _, c := range list {
			if c.Cause.Text != "shutdown" || c.Cause.Blame != "us" {
				t.Errorf("got cause %+v, want our shutdown", c.Cause)
			}
		}
	})
}

func TestAnOperatorEndsCallsInEveryStage(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		end := func() {
			for _, c := range b.eng.Calls() {
				if err := b.eng.Hangup(c.ID, "test"); err != nil {
					t.Error(err)
				}
			}
		}
		a := A.call("4002", A.sdp(30000))
		leg := B.rings(time.Second)
		leg.reply(leg.invite, 180, "Ringing", "")
		a.response(180, "INVITE", time.Second)
		end()
		c := leg.gets("CANCEL", time.Second)
		leg.reply(c, 200, "OK", "")
		leg.reply(leg.invite, 487, "Request Terminated", "")
		leg.gets("ACK", time.Second)
		a.refused(480, time.Second)
		b.agentState("1001", "ready")

		a, leg = up(A, B)
		end()
		a.hungUp(time.Second)
		leg.hungUp(time.Second)
		b.agentState("1001", "ready")
		for _, c := range b.cdrs() {
			if c.Cause.Text != "ended by an operator" || c.Cause.Blame != "us" {
				t.Errorf("got cause %+v, want the operator", c.Cause)
			}
		}
	})
}

func TestTheLongestCallEnds(t *testing.T) {
	center := func(transport string) store.Center {
		c := scenarioCenter(transport)
		c.Settings.MaxCall = store.Duration(30 * time.Second)
		return c
	}
	overBothWith(t, center, func(b *bed, A, B *peer) {
		a, leg := up(A, B)
		A.none("BYE", 29*time.Second, isRequest("BYE"))
		a.hungUp(2 * time.Second)
		leg.hungUp(time.Second)
		if c := b.oneCDR(); c.Cause.Text != "longest call reached" {
			t.Errorf("got cause %+v, want the longest call", c.Cause)
		}
	})
}

func TestAnAgentFarAwayAcceptsByKey(t *testing.T) {
	center := func(transport string) store.Center {
		c := scenarioCenter(transport)
		c.Trunks["mobile"] = store.Trunk{Peers: []string{"sip:" + addrB + ";transport=" + strings.ToLower(transport)}}
		c.Agents["1001"] = store.Agent{Trunk: "mobile", Number: "+49171", Queues: []string{"sales"}, State: "ready"}
		return c
	}
	overBothWith(t, center, func(b *bed, A, B *peer) {
		sb := b.newSound("10.0.0.3:40000")
		answer := func(within time.Duration) *dialog {
			leg := B.rings(within)
			if !strings.HasPrefix(leg.invite.start, "INVITE sip:+49171@") {
				t.Errorf("trunk got %q", leg.invite.start)
			}
			sb.to = audioAt(t, leg.invite.body)
			leg.accept(40000)
			sb.forget()
			converse(time.Second, map[*sound]float64{sb: 700})
			sb.hearsMusic(time.Second, 700) // it is the prompt
			return leg
		}
		a := waits(A)
		leg := answer(time.Second)
		sb.digit(2) // not this one
		leg.hungUp(time.Second)
		leg = answer(40 * time.Second)
		b.agentState("1001", "offered")
		leg.hungUp(25 * time.Second) // a mailbox: nobody presses anything
		b.agentState("1001", "not ready (missed)")
		if err := b.eng.SetAgentState("1001", "ready", "", "test"); err != nil {
			t.Fatal(err)
		}
		leg = answer(40 * time.Second)
		a.do("BYE", "") // the caller leaves as the agent is asked
		a.response(200, "BYE", time.Second)
		leg.hungUp(time.Second)
		b.agentState("1001", "ready")
		a = waits(A)
		leg = answer(40 * time.Second)
		sb.digit(1)
		time.Sleep(time.Second)
		leg.bye()
		a.hungUp(time.Second)
		all := b.cdrs()
		if got, want := all[0].Trace, "wait sales; offer 1: declined; offer 2: no answer; offer 3: caller gone; end: caller hung up"; got != want {
			t.Errorf("got trace %s, want %s", got, want)
		}
		if got, want := all[1].Trace, "wait sales; offer 1: answered; talk; end: agent hung up"; got != want {
			t.Errorf("got trace %s, want %s", got, want)
		}
	})
}

func TestAnAgentsSecondPhoneIsTriedWhenTheFirstIsOff(t *testing.T) {
	overBothWith(t, phones, func(b *bed, A, B *peer) {
		C := b.newPeer(B.transport, addrC)
		secret := B.account("1001")
		B.register(secret, 600)
		C.user = "1001"
		time.Sleep(time.Second)
		C.register(secret, 600) // the newest is tried first
		b.agentState("1001", "ready")
		a := A.call("4002", A.sdp(30000))
		dead := C.rings(time.Second)
		leg := B.rings(9 * time.Second)
		leg.accept(40000)
		a.answered(time.Second)
		dead.reply(dead.invite, 180, "Ringing", "")
		c := dead.gets("CANCEL", time.Second)
		dead.reply(c, 200, "OK", "")
		dead.reply(dead.invite, 487, "Request Terminated", "")
		dead.gets("ACK", time.Second)
		a.bye()
		leg.hungUp(time.Second)
		b.wantTrace("wait direct; offer 1: answered; talk; end: caller hung up")
	})
}
