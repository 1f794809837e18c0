package call_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"hotline/store"
)

// trunkOut is scenarioCenter with a trunk at B's address, dialled by 4004, that
// wants a digest.
func trunkOut(transport string) store.Center {
	c := scenarioCenter(transport)
	delete(c.Agents, "1001")
	c.Trunks["out"] = store.Trunk{Peers: []string{"sip:" + addrB + ";transport=" + strings.ToLower(transport)},
		User: "u", Secret: "p", Hairpin: "allow"}
	c.Numbers["4004"] = store.Number{To: "trunk:out"}
	return c
}

// quoted finds a quoted or plain parameter of a challenge or of credentials.
func quoted(v, name string) string {
	for _, p := range strings.Split(v, ",") {
		k, x, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(p), "Digest "), "=")
		if strings.TrimSpace(k) == name {
			return strings.Trim(x, `" `)
		}
	}
	return ""
}

func TestScenario08ReinviteGlare(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		a := A.call("4002", A.sdp(30000))
		leg := B.rings(time.Second)
		leg.reply(leg.invite, 200, "OK", B.sdp(40000), "Allow: INVITE, ACK, BYE, CANCEL", "Supported: timer",
			"Require: timer", "Session-Expires: 90;refresher=uac")
		leg.acked(time.Second)
		a.answered(time.Second)

		re := leg.gets("INVITE", 46*time.Second) // S refreshes; B owes an answer
		leg.do("INVITE", B.sdp(40000))
		m := leg.response(491, "INVITE", 500*time.Millisecond)
		leg.ackFailure(m)
		leg.reply(re, 200, "OK", B.sdp(40000), "Session-Expires: 90;refresher=uac")
		leg.acked(time.Second)
		leg.do("INVITE", B.sdp(40000))
		leg.response(200, "INVITE", 500*time.Millisecond)
		leg.ack("")
		a.bye()
		leg.hungUp(time.Second)
		b.wantTrace("wait direct; offer 1: answered; talk; end: caller hung up")
	})
}

func TestGlareOnOurSideIsTriedAgainInItsTime(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		a := A.call("4002", A.sdp(30000), "Supported: timer", "Session-Expires: 90;refresher=uas", "Allow: INVITE, ACK, BYE, CANCEL")
		leg := B.rings(time.Second)
		leg.reply(leg.invite, 200, "OK", B.sdp(40000), "Allow: INVITE, ACK, BYE, CANCEL", "Supported: timer",
			"Require: timer", "Session-Expires: 100;refresher=uac")
		leg.acked(time.Second)
		a.answered(time.Second)
		for _, side := range []struct {
			d        *dialog
			p        *peer
			port     int
			at       time.Duration
			min, max time.Duration // RFC 3261, 14.1: the owner of the Call-ID waits longer
			expires  string
		}{{a, A, 30000, 46 * time.Second, 0, 2100 * time.Millisecond, "Session-Expires: 90;refresher=uac"},
			{leg, B, 40000, 10 * time.Second, 2100 * time.Millisecond, 4100 * time.Millisecond, "Session-Expires: 100;refresher=uac"}} {
			re := side.d.gets("INVITE", side.at)
			side.d.reply(re, 491, "Request Pending", "")
			side.d.gets("ACK", time.Second)
			again := side.d.gets("INVITE", 5*time.Second)
			if d := again.at.Sub(re.at); d < side.min || d > side.max {
				t.Errorf("%s: tried again after %v, want %v to %v", side.p.addr, d, side.min, side.max)
			}
			side.d.reply(again, 200, "OK", side.p.sdp(side.port), side.expires)
			side.d.acked(time.Second)
		}
		a.bye()
		leg.hungUp(time.Second)
		b.wantTrace("wait direct; offer 1: answered; talk; end: caller hung up")
	})
}

func TestScenario13TrunkAuth(t *testing.T) {
	overBothWith(t, trunkOut, func(b *bed, A, B *peer) {
		a := A.call("4004", A.sdp(30000))
		leg := B.rings(time.Second)
		cseq := 0
		for i, challenge := range []string{
			`Digest realm="world", nonce="one", qop="auth", algorithm=MD5`,
			`Digest realm="world", nonce="two", qop="auth", algorithm=MD5, stale=true`} {
			leg.reply(leg.invite, 401, "Unauthorized", "", "WWW-Authenticate: "+challenge)
			leg.gets("ACK", time.Second)
			next := B.rings(time.Second)
			n, _ := strconv.Atoi(strings.Fields(next.invite.get("CSeq"))[0])
			first, _ := strconv.Atoi(strings.Fields(leg.invite.get("CSeq"))[0])
			if n != first+1 || next.callID != leg.callID {
				t.Errorf("CSeq %d after %d, same call %t; want one more of the same call", n, first, next.callID == leg.callID)
			}
			auth := next.invite.get("Authorization")
			if got := quoted(auth, "nc"); got != "00000001" {
				t.Errorf("nc %q, want 00000001 with a new nonce", got)
			}
			if got, want := quoted(auth, "nonce"), []string{"one", "two"}[i]; got != want {
				t.Errorf("nonce %q, want %q", got, want)
			}
			want := digestOf(t, challenge, "INVITE", uri(strings.Fields(next.invite.start)[1]), "u", "p", quoted(auth, "cnonce"), 1)
			if got := quoted(auth, "response"); got != quoted(want, "response") {
				t.Errorf("response %q, want %q", got, quoted(want, "response"))
			}
			leg, cseq = next, n
		}
		leg.accept(40000)
		ok := a.answered(time.Second)
		for _, m := range A.backlog {
			if s := m.status(); s >= 300 {
				t.Errorf("A got %v", m)
			}
		}
		if !strings.Contains(ok.body, "m=audio") || cseq < 3 {
			t.Errorf("CSeq of the last INVITE is %d, 200 has %q", cseq, ok.body)
		}
		a.bye()
		leg.hungUp(time.Second)
		b.wantTrace("dial out; talk; end: caller hung up")
	})
}

func TestAWrongTrunkSecretIsNotTriedForEver(t *testing.T) {
	overBothWith(t, trunkOut, func(b *bed, A, B *peer) {
		a := A.call("4004", A.sdp(30000))
		n := 0
		for leg := B.rings(time.Second); leg != nil; n++ {
			leg.reply(leg.invite, 407, "Proxy Authentication Required", "", `Proxy-Authenticate: Digest realm="world", nonce="one", qop="auth", algorithm=MD5`)
			leg.gets("ACK", time.Second)
			m := B.maybe(time.Second, isRequest("INVITE"))
			if m == nil {
				break
			}
			leg = B.leg(m)
		}
		if n > 2 {
			t.Errorf("%d INVITEs more, want at most 2", n)
		}
		a.refused(480, time.Second)
		if c := b.oneCDR(); c.Cause.Blame != "trunk" {
			t.Errorf("got cause %+v, want the trunk to blame", c.Cause)
		}
	})
}

func TestScenario14LargeDescription(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		var filler []string
		for i := range 60 {
			filler = append(filler, fmt.Sprintf("a=x-filler-%02d:%s", i, strings.Repeat("z", 24)))
		}
		sa, sb := b.newSound("10.0.0.2:30000"), b.newSound("10.0.0.3:40000")
		body := A.sdp(30000, filler...)
		if len(body) < 2400 {
			t.Fatalf("the description has %d bytes", len(body))
		}
		a := A.call("4002", body)
		leg := B.rings(time.Second)
		leg.reply(leg.invite, 180, "Ringing", "")
		leg.reply(leg.invite, 200, "OK", B.sdp(40000, filler...))
		leg.acked(time.Second)
		sa.to, sb.to = audioAt(t, a.answered(time.Second).body), audioAt(t, leg.invite.body)
		converse(300*time.Millisecond, map[*sound]float64{sa: 500, sb: 700})
		sa.hears(0, 700)
		sb.hears(0, 500)
		a.bye()
		leg.hungUp(time.Second)
		b.wantTrace("wait direct; offer 1: answered; talk; end: caller hung up")
	})
}

func TestScenario35UpdateBeforeTheAnswer(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		a := A.call("4002", A.sdp(30000))
		leg := B.rings(time.Second)
		leg.reply(leg.invite, 180, "Ringing", "")
		ringing := a.response(180, "INVITE", time.Second)
		if !strings.Contains(ringing.get("Allow"), "UPDATE") {
			t.Errorf("180 has Allow %q, want UPDATE in it", ringing.get("Allow"))
		}
		early := *a
		early.learn(ringing)
		early.do("UPDATE", A.sdp(30000))
		m := A.await("answer to UPDATE", time.Second, func(m *msg) bool { return m.status() >= 200 && m.method() == "UPDATE" })
		if s := m.status(); s != 491 && (s != 500 || m.get("Retry-After") == "") {
			t.Errorf("UPDATE with an offer got %d, want 491 or 500 with Retry-After: the INVITE's offer has no answer", s)
		}
		early.do("UPDATE", "")
		early.response(200, "UPDATE", time.Second)
		leg.reply(leg.invite, 183, "Session Progress", B.sdp(40000))
		a.response(183, "INVITE", time.Second)
		early.do("UPDATE", A.sdp(30000))
		m = A.await("answer to UPDATE", time.Second, func(m *msg) bool { return m.status() >= 200 && m.method() == "UPDATE" })
		if s := m.status(); s != 200 && s != 491 && s != 500 {
			t.Errorf("UPDATE after an unreliable answer got %d", s)
		}
		leg.reply(leg.invite, 200, "OK", B.sdp(40000))
		leg.acked(time.Second)
		a.cseq = 1 // of the INVITE that the ACK is for
		a.answered(time.Second)
		a.cseq = early.cseq
		a.do("UPDATE", A.sdp(30002))
		if ok := a.response(200, "UPDATE", 500*time.Millisecond); direction(ok.body) != "sendrecv" {
			t.Errorf("UPDATE in talk got %q", ok.body)
		}
		a.bye()
		leg.hungUp(time.Second)
		b.wantTrace("wait direct; offer 1: answered; talk; end: caller hung up")
	})
}

func TestScenario36TargetRefresh(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		a, leg := up(A, B)
		a2, b2 := b.newPeer(A.transport, "10.0.0.12:5060"), b.newPeer(B.transport, "10.0.0.13:5060")
		move := func(d *dialog, to *peer, port int) *dialog {
			d.moved = to.contact()
			d.do("INVITE", d.p.sdp(port))
			d.response(200, "INVITE", time.Second)
			d.ack("")
			there := *d
			there.p, there.moved = to, ""
			return &there
		}
		leg2 := move(leg, b2, 40000)
		a2d := move(a, a2, 30000)
		leg2.p.none("BYE", time.Second, isRequest("BYE"))
		if err := b.eng.Hangup(b.eng.Calls()[0].ID, "test"); err != nil {
			t.Fatal(err)
		}
		a2d.hungUp(time.Second)
		bye := leg2.hungUp(time.Second)
		if got := strings.Fields(bye.start)[1]; got != uri(b2.contact()) {
			t.Errorf("BYE is for %s, want %s", got, uri(b2.contact()))
		}
		A.none("BYE at the old Contact", time.Second, isRequest("BYE"))
		B.none("BYE at the old Contact", time.Second, isRequest("BYE"))
		b.oneCDR()
	})
}

func TestScenario37LowerCSeq(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		a, leg := up(A, B)
		a.cseq = 20
		a.do("INFO", "")
		a.response(200, "INFO", time.Second)
		a.cseq = 9
		a.do("INFO", "")
		a.response(500, "INFO", time.Second)
		a.do("BYE", "")
		a.response(500, "BYE", time.Second)
		A.none("BYE", time.Second, isRequest("BYE"))
		B.none("BYE", time.Second, isRequest("BYE"))
		a.cseq = 20
		a.bye()
		leg.hungUp(time.Second)
		b.wantTrace("wait direct; offer 1: answered; talk; end: caller hung up")
	})
}

func TestRecordRoutesAreFollowed(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		proxy := b.newPeer(A.transport, "10.0.0.9:5060")
		rr := "<sip:10.0.0.9:5060;lr;transport=" + strings.ToLower(A.transport) + ">"
		a := A.call("4002", A.sdp(30000), "Record-Route: "+rr)
		leg := B.rings(time.Second)
		leg.accept(40000)
		ok := a.answered(time.Second)
		if got := ok.get("Record-Route"); got != rr {
			t.Errorf("200 has Record-Route %q, want %q", got, rr)
		}
		leg.bye()
		bye := proxy.await("BYE", time.Second, isRequest("BYE"))
		if got := strings.Fields(bye.start)[1]; got != uri(A.contact()) {
			t.Errorf("BYE is for %s, want the Contact", got)
		}
		if got := bye.get("Route"); got != rr {
			t.Errorf("BYE has Route %q, want %q", got, rr)
		}
		a.reply(bye, 200, "OK", "")
		b.oneCDR()
	})
}
