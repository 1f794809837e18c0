package call_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"hotline/store"
)

// again sends a REGISTER with credentials of a count for the challenge that was kept.
func (r *registration) again(count, expires int) *msg {
	r.p.t.Helper()
	r.count = count - 1
	return r.send(expires)
}

func TestRegistrationByDigest(t *testing.T) {
	for _, algorithm := range []string{"MD5", "SHA-256"} {
		t.Run(algorithm, func(t *testing.T) {
			overBothWith(t, phones, func(b *bed, A, B *peer) {
				r := B.registration(B.account("1001"))
				r.algorithm = algorithm
				m := r.send(600)
				if m.status() != 401 {
					b.t.Fatalf("got %d, want 401", m.status())
				}
				offered := map[string]bool{}
				for _, v := range m.all("WWW-Authenticate") {
					offered[quoted(v, "algorithm")] = true
					if quoted(v, "qop") != "auth" || quoted(v, "nonce") == "" || quoted(v, "stale") != "" {
						b.t.Errorf("challenge %q", v)
					}
				}
				if !offered["SHA-256"] || !offered["MD5"] {
					b.t.Errorf("offered %v, want SHA-256 and MD5 (RFC 8760)", offered)
				}
				b.agentState("1001", "unreachable (no phone)")
				ok := r.send(600)
				if ok.status() != 200 || !strings.Contains(ok.get("Contact"), "expires=") {
					b.t.Errorf("got %d with Contact %q", ok.status(), ok.get("Contact"))
				}
				b.agentState("1001", "ready")
				up(A, B)
			})
		})
	}
}

func TestAWrongPasswordOpensNothing(t *testing.T) {
	overBothWith(t, phones, func(b *bed, A, B *peer) {
		B.account("1001")
		r := B.registration("wrong")
		r.send(600)
		for range 3 {
			m := r.send(600)
			if m.status() != 401 || quoted(m.get("WWW-Authenticate"), "stale") == "true" {
				t.Errorf("a wrong password got %d %q, want 401 that is not stale", m.status(), m.get("WWW-Authenticate"))
			}
		}
		B.user = "9999" // nobody's account gives itself away by nothing
		r = B.registration("wrong")
		r.send(600)
		if s := r.send(600).status(); s != 401 {
			t.Errorf("an unknown account got %d, want 401", s)
		}
		b.agentState("1001", "unreachable (no phone)")
	})
}

func TestAnAccountRegistersOnlyItself(t *testing.T) {
	overBothWith(t, phones, func(b *bed, A, B *peer) {
		secret := B.account("1001")
		r := B.registration(secret)
		r.remote = "<sip:1002@" + engineAddr + ">"
		r.send(600)
		if s := r.send(600).status(); s != 403 {
			t.Errorf("1001 registering 1002 got %d, want 403", s)
		}
		b.agentState("1002", "unreachable (no phone)")
	})
}

func TestNoncesGrowStaleAndCountsAreNotReplayed(t *testing.T) {
	overBothWith(t, phones, func(b *bed, A, B *peer) {
		r := B.register(B.account("1001"), 600)
		challenge := r.challenge
		if s := r.again(2, 600).status(); s != 200 {
			t.Errorf("nc 2 got %d, want 200", s)
		}
		if m := r.again(2, 0); m.status() != 401 {
			t.Errorf("nc 2 again got %d, want 401", m.status())
		}
		r.challenge = challenge
		if m := r.again(1, 0); m.status() != 401 {
			t.Errorf("nc 1 after 2 got %d, want 401", m.status())
		}
		b.agentState("1001", "ready") // the replayed expires 0 took nothing away
		r.challenge = challenge
		time.Sleep(2 * time.Minute)
		m := r.again(3, 600)
		if m.status() != 401 || quoted(m.get("WWW-Authenticate"), "stale") != "true" {
			t.Errorf("an old nonce got %d %q, want 401 with stale=true", m.status(), m.get("WWW-Authenticate"))
		}
		if s := r.send(600).status(); s != 200 {
			t.Errorf("the new nonce got %d, want 200", s)
		}
		C := b.newPeer(B.transport, addrC) // a nonce is bound to its source
		C.user = "1001"
		stolen := C.registration(r.secret)
		stolen.challenge, stolen.count = r.challenge, 5
		if s := stolen.send(600).status(); s != 401 {
			t.Errorf("another address with the same nonce got %d, want 401", s)
		}
	})
}

func TestARegistrationExpires(t *testing.T) {
	overBothWith(t, phones, func(b *bed, A, B *peer) {
		r := B.registration(B.account("1001"))
		r.send(5)
		if m := r.send(5); m.status() != 423 || m.get("Min-Expires") == "" {
			t.Errorf("expires 5 got %d with Min-Expires %q, want 423", m.status(), m.get("Min-Expires"))
		}
		B.register(r.secret, 120)
		b.agentState("1001", "ready")
		time.Sleep(2*time.Minute + 2*time.Second)
		b.agentState("1001", "unreachable (no phone)")
	})
}

func TestOptionsAreAnswered(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		d := &dialog{p: A, callID: A.token(), cseq: 0, local: "<sip:a@10.0.0.2>;tag=o", remote: "<sip:" + engineAddr + ">", target: "sip:" + engineAddr}
		d.do("OPTIONS", "")
		m := d.response(200, "OPTIONS", time.Second)
		for _, method := range []string{"INVITE", "ACK", "CANCEL", "BYE", "UPDATE", "PRACK"} {
			if !strings.Contains(m.get("Allow"), method) {
				t.Errorf("Allow %q has no %s", m.get("Allow"), method)
			}
		}
		if m.param("To", "tag") == "" || !strings.Contains(m.get("Accept"), "application/sdp") {
			t.Errorf("200 has To %q, Accept %q", m.get("To"), m.get("Accept"))
		}
		a, leg := up(A, B)
		leg.do("OPTIONS", "")
		leg.response(200, "OPTIONS", time.Second)
		a.do("REFER", "", "Refer-To: <sip:4003@"+engineAddr+">")
		r := A.await("refusal of REFER", time.Second, func(m *msg) bool { return m.method() == "REFER" && m.status() >= 300 })
		if s := r.status(); s != 403 { // a caller may not
			t.Errorf("REFER got %d", s)
		}
		a.bye()
		leg.hungUp(time.Second)
		b.oneCDR()
	})
}

func TestInfoDigitsReachTheMenu(t *testing.T) {
	center := func(transport string) store.Center {
		c := scenarioCenter(transport)
		c.Flows["menu"] = store.Flow{Start: "main", Nodes: []byte(`{"main":{"kind":"menu","prompts":["welcome"],
			"keys":{"2":"sales"},"default":"end"},"sales":{"kind":"queue","queue":"sales"},"end":{"kind":"hangup"}}`)}
		c.Numbers["4000"] = store.Number{To: "flow:menu"}
		return c
	}
	overBothWith(t, center, func(b *bed, A, B *peer) {
		a := A.call("4000", A.sdp(30000))
		a.answered(time.Second)
		a.info("application/dtmf-relay", "Signal=x\r\n")
		a.response(400, "INFO", time.Second)
		a.info("application/json", "{}")
		a.response(415, "INFO", time.Second)
		a.info("application/dtmf", "2")
		a.response(200, "INFO", time.Second)
		leg := B.rings(time.Second)
		served(a, leg, 40000)
		b.wantTrace("menu; wait sales; offer 1: answered; talk; end: agent hung up")
	})
}

func TestARefusalIsRepeatedUntilItsAck(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		a := A.call("4002", A.sdp(30000))
		B.rings(time.Second).refuse(486, "Busy Here")
		first := a.response(486, "INVITE", time.Second)
		if A.transport == "TCP" {
			A.none("486 again over TCP", 3*time.Second, isResponse(486, "INVITE"))
			a.ackFailure(first)
			return
		}
		for _, want := range []time.Duration{500 * time.Millisecond, 1500 * time.Millisecond, 3500 * time.Millisecond, 7500 * time.Millisecond} {
			if got := a.response(486, "INVITE", 5*time.Second).at.Sub(first.at); got != want {
				t.Errorf("486 repeated after %v, want %v", got, want)
			}
		}
		a.ackFailure(first)
		A.none("486 after ACK", 20*time.Second, isResponse(486, "INVITE"))
		b.oneCDR()
	})
}

func TestByeInTheEarlyDialog(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		a := A.call("4002", A.sdp(30000))
		leg := B.rings(time.Second)
		leg.reply(leg.invite, 180, "Ringing", "")
		early := *a
		early.learn(a.response(180, "INVITE", time.Second))
		early.do("BYE", "")
		early.response(200, "BYE", time.Second)
		a.refused(487, time.Second)
		c := leg.gets("CANCEL", time.Second)
		leg.reply(c, 200, "OK", "")
		leg.reply(leg.invite, 487, "Request Terminated", "")
		leg.gets("ACK", time.Second)
		b.wantTrace("wait direct; offer 1: caller gone; end: caller hung up")
	})
}

func TestInviteAndCancelInOneSegment(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		for range 20 {
			a := A.draft("4002", A.sdp(30000))
			cancel := a.request("CANCEL", a.cseq, a.branch, "")
			if A.transport == "TCP" {
				A.send(a.inviteText + cancel)
			} else {
				A.send(a.inviteText)
				A.send(cancel)
			}
			a.response(200, "CANCEL", time.Second)
			a.refused(487, time.Second)
			if in := B.maybe(10*time.Millisecond, isRequest("INVITE")); in != nil {
				leg := B.leg(in)
				leg.reply(in, 180, "Ringing", "")
				c := leg.gets("CANCEL", time.Second)
				leg.reply(c, 200, "OK", "")
				leg.reply(in, 487, "Request Terminated", "")
				leg.gets("ACK", time.Second)
			}
		}
		if n := len(b.cdrs()); n != 20 {
			t.Errorf("got %d CDRs, want 20", n)
		}
		B.none("INVITE that nobody cancels", time.Second, isRequest("INVITE"))
	})
}

func TestRingingAndAnswerInOneBurst(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		for range 20 {
			a := A.call("4002", A.sdp(30000))
			leg := B.rings(time.Second)
			leg.reply(leg.invite, 180, "Ringing", "")
			leg.reply(leg.invite, 200, "OK", B.sdp(40000))
			leg.acked(time.Second)
			var order []int
			for len(order) == 0 || order[len(order)-1] != 200 {
				m := A.await("response", time.Second, func(m *msg) bool { return m.get("Call-ID") == a.callID && m.status() > 100 })
				order = append(order, m.status())
				if m.status() == 200 {
					a.learn(m)
				}
			}
			if fmt.Sprint(order) != "[180 200]" {
				t.Errorf("A got %v, want 180, then 200", order)
			}
			a.ack("")
			a.bye()
			leg.hungUp(time.Second)
		}
	})
}

func TestStrangersGetNoCall(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		X := b.newPeer(A.transport, "10.0.0.77:5060")
		x := X.call("4002", X.sdp(30000))
		m := x.refused(401, time.Second)
		if m.get("WWW-Authenticate") == "" {
			t.Error("401 has no challenge")
		}
		x = X.callWith("4002", X.sdp(30000), "sip:caller@", "sip:1001@", "Max-Forwards: 70", "Max-Forwards: 70\r\nVia: SIP/2.0/UDP 10.0.0.2;branch=z9hG4bKfake")
		x.refused(401, time.Second)
		B.none("INVITE", time.Second, isRequest("INVITE"))
		a := A.call("4999", A.sdp(30000))
		a.refused(404, time.Second)
		a = A.call("1001", A.sdp(30000)) // agents are no numbers for the world
		a.refused(404, time.Second)
		a = A.call("*41", A.sdp(30000)) // nor are feature codes
		a.refused(404, time.Second)
		if n := len(b.begun()); n != 0 {
			t.Errorf("got %d CDRs, want none", n)
		}
	})
}

func TestAReinviteThatFitsNothingChangesNothing(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		a, leg, sa, sb := audible(b, A, B)
		a.do("INVITE", strings.Replace(A.sdp(30000), "RTP/AVP 0 8 101", "RTP/AVP 9", 1))
		a.refused(488, 500*time.Millisecond)
		a.do("INVITE", "") // a late offer in talk
		ok := a.response(200, "INVITE", 500*time.Millisecond)
		if !strings.Contains(ok.body, "m=audio") {
			t.Errorf("200 to a late offer has %q", ok.body)
		}
		a.ack(A.sdp(30000))
		time.Sleep(50 * time.Millisecond)
		converse(300*time.Millisecond, map[*sound]float64{sa: 500, sb: 700})
		sa.hears(0, 700)
		sb.hears(0, 500)
		a.bye()
		leg.hungUp(time.Second)
		b.wantTrace("wait direct; offer 1: answered; talk; end: caller hung up")
	})
}
