package call_test

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

// pracks acknowledges a reliable provisional response of ours.
func (d *dialog) pracks(m *msg, body string) *msg {
	d.p.t.Helper()
	d.learn(m)
	d.do("PRACK", body, "RAck: "+m.get("RSeq")+" "+m.get("CSeq"))
	ok := d.response(200, "PRACK", time.Second)
	return ok
}

func TestScenario34CallerRequires100rel(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		sa, sb := b.newSound("10.0.0.2:30000"), b.newSound("10.0.0.3:40000")
		a := A.call("4002", A.sdp(30000), "Require: 100rel", "Supported: 100rel")
		leg := B.rings(time.Second)
		sb.to = audioAt(t, leg.invite.body)
		leg.reply(leg.invite, 180, "Ringing", "")
		first := a.response(180, "INVITE", time.Second)
		if first.get("RSeq") == "" || !strings.Contains(first.get("Require"), "100rel") {
			t.Errorf("180 has RSeq %q, Require %q; want it to be reliable", first.get("RSeq"), first.get("Require"))
		}
		for _, want := range []time.Duration{500 * time.Millisecond, 1500 * time.Millisecond, 3500 * time.Millisecond} {
			again := a.response(180, "INVITE", 5*time.Second)
			if got := again.at.Sub(first.at); got < want || got > want+10*time.Millisecond || again.get("RSeq") != first.get("RSeq") {
				t.Errorf("180 repeated after %v with RSeq %s, want %v and the same", got, again.get("RSeq"), want)
			}
		}
		wrong := *a
		wrong.learn(first)
		wrong.do("PRACK", "", "RAck: 1 1 INVITE")
		wrong.response(481, "PRACK", time.Second)
		a.cseq = wrong.cseq
		a.pracks(first, "")
		A.none("180 after PRACK", 8*time.Second, isResponse(180, "INVITE"))

		leg.reply(leg.invite, 183, "Session Progress", B.sdp(40000))
		early := a.response(183, "INVITE", time.Second)
		n1, _ := strconv.Atoi(first.get("RSeq"))
		if n2, _ := strconv.Atoi(early.get("RSeq")); n2 != n1+1 {
			t.Errorf("RSeq %d after %d, want one more", n2, n1)
		}
		leg.reply(leg.invite, 200, "OK", B.sdp(40000)) // RFC 3262, 3: the 200 waits for PRACK
		A.none("200 before PRACK", 300*time.Millisecond, isResponse(200, "INVITE"))
		a.pracks(early, "")
		a.response(200, "INVITE", time.Second)
		cseq := a.cseq
		a.cseq = 1
		a.ack("")
		a.cseq = cseq
		leg.acked(time.Second)
		sa.to = audioAt(t, early.body)
		converse(300*time.Millisecond, map[*sound]float64{sa: 500, sb: 700})
		sa.hears(0, 700)
		sb.hears(0, 500)
		a.bye()
		leg.hungUp(time.Second)
		b.wantTrace("wait direct; offer 1: answered; talk; end: caller hung up")
	})
}

func TestACallerWhoNeverSendsPrackIsRefused(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		a := A.call("4003", A.sdp(30000), "Require: 100rel")
		a.answered(time.Second) // answered at once: nothing provisional to acknowledge
		a.hungUp(time.Second)
		if err := b.eng.SetAgentState("1001", "ready", "", "test"); err != nil {
			t.Fatal(err)
		}
		a = A.call("4002", A.sdp(30000), "Require: 100rel")
		leg := B.rings(time.Second)
		leg.reply(leg.invite, 183, "Session Progress", B.sdp(40000))
		a.response(183, "INVITE", time.Second)
		leg.reply(leg.invite, 200, "OK", B.sdp(40000))
		leg.acked(time.Second)
		m := A.await("refusal", 33*time.Second, func(m *msg) bool { return m.method() == "INVITE" && m.status() >= 200 })
		if m.status() < 500 || m.status() > 599 {
			t.Errorf("A got %d, want 5xx (RFC 3262, 3)", m.status())
		}
		a.ackFailure(m)
		leg.hungUp(time.Second)
		b.cdrs()
	})
}

func TestScenario34CalleeRequires100rel(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		sa, sb := b.newSound("10.0.0.2:30000"), b.newSound("10.0.0.3:40000")
		a := A.call("4002", A.sdp(30000))
		leg := B.rings(time.Second)
		if !strings.Contains(leg.invite.get("Supported"), "100rel") {
			t.Errorf("INVITE has Supported %q, want 100rel", leg.invite.get("Supported"))
		}
		sb.to = audioAt(t, leg.invite.body)
		leg.reply(leg.invite, 183, "Session Progress", B.sdp(40000), "Require: 100rel", "RSeq: 700")
		prack := leg.gets("PRACK", time.Second)
		if got := prack.get("RAck"); got != "700 1 INVITE" {
			t.Errorf("PRACK has RAck %q", got)
		}
		leg.reply(prack, 200, "OK", "")
		sa.to = audioAt(t, a.response(183, "INVITE", time.Second).body)
		converse(200*time.Millisecond, map[*sound]float64{sb: 700})
		sa.hears(0, 700)
		leg.reply(leg.invite, 183, "Session Progress", B.sdp(40000), "Require: 100rel", "RSeq: 700")
		B.none("PRACK for a repeat", 300*time.Millisecond, isRequest("PRACK"))
		leg.reply(leg.invite, 180, "Ringing", "", "Require: 100rel", "RSeq: 701")
		prack = leg.gets("PRACK", time.Second)
		if got := prack.get("RAck"); got != "701 1 INVITE" {
			t.Errorf("PRACK has RAck %q", got)
		}
		leg.reply(prack, 200, "OK", "")
		leg.reply(leg.invite, 200, "OK", B.sdp(40000))
		ack := leg.acked(time.Second)
		if got := ack.get("CSeq"); got != "1 ACK" {
			t.Errorf("ACK has CSeq %q, want the INVITE's", got)
		}
		a.answered(time.Second)
		a.bye()
		if got := leg.hungUp(time.Second).get("CSeq"); got != "4 BYE" {
			t.Errorf("BYE has CSeq %q, want 4 after two PRACKs", got)
		}
		b.wantTrace("wait direct; offer 1: answered; talk; end: caller hung up")
	})
}

func TestScenario17SessionTimer(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		a := A.call("4002", A.sdp(30000), "Supported: timer", "Session-Expires: 30")
		m := a.refused(422, time.Second)
		if got := m.get("Min-SE"); got != "90" {
			t.Errorf("422 has Min-SE %q, want 90", got)
		}
		B.none("INVITE", time.Second, isRequest("INVITE"))
		a.do("INVITE", A.sdp(30000), "Supported: timer", "Session-Expires: 1800", "Min-SE: 90")
		leg := B.rings(time.Second)
		leg.accept(40000)
		ok := a.answered(time.Second)
		if got := ok.get("Session-Expires"); !strings.HasPrefix(got, "1800;refresher=") {
			t.Errorf("200 has Session-Expires %q, want 1800 and who refreshes", got)
		}
		a.bye()
		leg.hungUp(time.Second)
		b.wantTrace("wait direct; offer 1: answered; talk; end: caller hung up")
	})
}

func TestACalleesLongerSessionIsTakenUp(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		a := A.call("4002", A.sdp(30000))
		leg := B.rings(time.Second)
		leg.refuse(422, "Session Interval Too Small", "Min-SE: 3600")
		next := B.rings(time.Second)
		if got := next.invite.get("Session-Expires"); !strings.HasPrefix(got, "3600") || next.invite.get("Min-SE") != "3600" {
			t.Errorf("INVITE has Session-Expires %q, Min-SE %q; want 3600", got, next.invite.get("Min-SE"))
		}
		next.accept(40000)
		a.answered(time.Second)
		a.bye()
		next.hungUp(time.Second)
		b.wantTrace("wait direct; offer 1: answered; talk; end: caller hung up")
	})
}

// talk keeps RTP flowing for a time, so that only signalling can end the call.
func talk(d time.Duration, sounds ...*sound) {
	hz := map[*sound]float64{}
	for _, s := range sounds {
		hz[s] = 500
	}
	for range d / time.Second {
		for s, f := range hz {
			s.tone(f)
		}
		time.Sleep(time.Second)
	}
}

func TestASessionThatWeRefreshEndsWhenTheCallerIsGone(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		a := A.call("4002", A.sdp(30000), "Supported: timer", "Session-Expires: 90;refresher=uas", "Allow: INVITE, ACK, BYE, CANCEL, UPDATE")
		leg := B.rings(time.Second)
		leg.accept(40000)
		ok := a.answered(time.Second)
		if got := ok.get("Session-Expires"); got != "90;refresher=uas" {
			t.Errorf("200 has Session-Expires %q", got)
		}
		sa, sb := b.newSound("10.0.0.2:30000"), b.newSound("10.0.0.3:40000")
		sa.to, sb.to = audioAt(t, ok.body), audioAt(t, leg.invite.body)
		talk(40*time.Second, sa, sb)
		up := a.gets("UPDATE", 6*time.Second)
		a.reply(up, 200, "OK", "", "Session-Expires: 90;refresher=uac")
		talk(40*time.Second, sa, sb)
		again := a.gets("UPDATE", 6*time.Second)
		if d := again.at.Sub(up.at); d < 44*time.Second || d > 46*time.Second {
			t.Errorf("refreshed after %v, want half of 90s", d)
		}
		talk(30*time.Second, sa, sb) // A says nothing any more
		a.gets("BYE", 10*time.Second)
		end := leg.hungUp(time.Second)
		if d := end.at.Sub(again.at); d > 45*time.Second {
			t.Errorf("B was hung up %v after the refresh failed, want before the session expired", d)
		}
		c := b.oneCDR()
		if c.Cause.Blame != "caller" || !strings.Contains(c.Cause.Text, "session-timer") {
			t.Errorf("got cause %+v, want the caller's session timer", c.Cause)
		}
	})
}

func TestASessionThatTheCallerRefreshesEndsWithoutHim(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		a := A.call("4002", A.sdp(30000), "Supported: timer", "Session-Expires: 90;refresher=uac")
		leg := B.rings(time.Second)
		leg.accept(40000)
		ok := a.answered(time.Second)
		if got := ok.get("Session-Expires"); got != "90;refresher=uac" || !strings.Contains(ok.get("Require"), "timer") {
			t.Errorf("200 has Session-Expires %q, Require %q", got, ok.get("Require"))
		}
		sa, sb := b.newSound("10.0.0.2:30000"), b.newSound("10.0.0.3:40000")
		sa.to, sb.to = audioAt(t, ok.body), audioAt(t, leg.invite.body)
		talk(45*time.Second, sa, sb)
		a.do("UPDATE", "", "Supported: timer", "Session-Expires: 90;refresher=uac")
		up := a.response(200, "UPDATE", time.Second)
		talk(45*time.Second, sa, sb)
		a.do("INVITE", A.sdp(30000), "Supported: timer", "Session-Expires: 90;refresher=uac")
		a.response(200, "INVITE", time.Second)
		a.ack("")
		last := time.Now()
		talk(55*time.Second, sa, sb)
		A.none("BYE", 0, isRequest("BYE"))
		talk(5*time.Second, sa, sb)
		bye := a.hungUp(2 * time.Second)
		if d := bye.at.Sub(last); d < 58*time.Second || d > 62*time.Second {
			t.Errorf("BYE %v after the last refresh, want 60s (RFC 4028, 10)", d)
		}
		leg.hungUp(time.Second)
		if got := up.get("Session-Expires"); got != "90;refresher=uac" {
			t.Errorf("200 to UPDATE has Session-Expires %q", got)
		}
		b.oneCDR()
	})
}

func TestAnAgentWhoNeverRefreshesGivesTheCallerBack(t *testing.T) {
	overBothWith(t, twoAgents, func(b *bed, A, B *peer) {
		C := b.newPeer(B.transport, addrC)
		sa, sb := b.newSound("10.0.0.2:30000"), b.newSound("10.0.0.3:40000")
		a := A.call("4001", A.sdp(30000))
		sa.to = audioAt(t, a.answered(time.Second).body)
		leg := B.rings(time.Second)
		sb.to = audioAt(t, leg.invite.body)
		leg.reply(leg.invite, 200, "OK", B.sdp(40000), "Require: timer", "Session-Expires: 90;refresher=uas")
		leg.acked(time.Second)
		talk(60*time.Second, sa, sb)
		leg.hungUp(2 * time.Second)
		served(a, C.rings(time.Second), 41000)
		b.wantTrace("wait sales; offer 1: answered; talk; agent vanished: session-timer; wait sales; offer 1: answered; talk; end: agent hung up")
	})
}
