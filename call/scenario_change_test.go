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
		if c := b.oneCDR(); len(c.Offers) != 2 || c.Offers[1].Result != "answered" {
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
