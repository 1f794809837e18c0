package call_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hotline/store"
)

func TestAnAgentWhoAnswersAsHisRingTimeEndsIsHungUp(t *testing.T) {
	overBothWith(t, twoAgents, func(b *bed, A, B *peer) {
		C := b.newPeer(B.transport, addrC)
		a := waits(A)
		leg := B.rings(time.Second)
		leg.reply(leg.invite, 180, "Ringing", "")
		cancel := leg.gets("CANCEL", 25*time.Second)
		leg.reply(leg.invite, 200, "OK", B.sdp(40000)) // it crossed the CANCEL
		leg.reply(cancel, 200, "OK", "")
		leg.acked(time.Second)
		leg.hungUp(time.Second)
		served(a, C.rings(time.Second), 41000)
		b.wantTrace("wait sales; offer 1: no answer; offer 2: answered; talk; end: agent hung up")
	})
}

func TestAnAnswerWithoutAudioGoesToTheNextAgent(t *testing.T) {
	overBothWith(t, twoAgents, func(b *bed, A, B *peer) {
		C := b.newPeer(B.transport, addrC)
		for _, body := range []string{"", strings.Replace(B.sdp(40000), "RTP/AVP 0 8 101", "RTP/AVP 9", 1),
			strings.Replace(B.sdp(40000), "m=audio 40000", "m=audio 0", 1), "v=0\r\nnonsense"} {
			a := waits(A)
			leg := B.rings(40 * time.Second)
			leg.reply(leg.invite, 200, "OK", body)
			leg.acked(time.Second)
			leg.hungUp(time.Second)
			served(a, C.rings(time.Second), 41000)
			time.Sleep(31 * time.Second) // the pause of who declines often is a back-off
		}
		for _, c := range b.cdrs() {
			if want := "wait sales; offer 1: declined; offer 2: answered; talk; end: agent hung up"; c.Trace != want {
				t.Errorf("got trace %s, want %s", c.Trace, want)
			}
		}
	})
}

func TestAnAnswerMayRelyOnTheEarlyDescription(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		sa, sb := b.newSound("10.0.0.2:30000"), b.newSound("10.0.0.3:40000")
		a := A.call("4002", A.sdp(30000))
		leg := B.rings(time.Second)
		leg.reply(leg.invite, 183, "Session Progress", B.sdp(40000))
		a.response(183, "INVITE", time.Second)
		leg.reply(leg.invite, 200, "OK", "")
		leg.acked(time.Second)
		sa.to, sb.to = audioAt(t, a.answered(time.Second).body), audioAt(t, leg.invite.body)
		converse(300*time.Millisecond, map[*sound]float64{sa: 500, sb: 700})
		sa.hears(0, 700)
		sb.hears(0, 500)
		a.bye()
		leg.hungUp(time.Second)
		b.oneCDR()
	})
}

func TestTheForkThatAnswersIsHeardNotTheOneThatRang(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		sa, s1, s2 := b.newSound("10.0.0.2:30000"), b.newSound("10.0.0.3:40000"), b.newSound("10.0.0.3:40002")
		a := A.call("4002", A.sdp(30000))
		leg := B.rings(time.Second)
		s1.to = audioAt(t, leg.invite.body)
		s2.to, s2.ssrc = s1.to, 8
		x, y := *leg, *leg
		x.tag, y.tag = "x", "y"
		y.local = leg.invite.get("To") + ";tag=y"
		x.reply(x.invite, 183, "Session Progress", B.sdp(40000))
		sa.to = audioAt(t, a.response(183, "INVITE", time.Second).body)
		converse(300*time.Millisecond, map[*sound]float64{s1: 700})
		sa.hears(0, 700)
		y.reply(y.invite, 200, "OK", B.sdp(40002))
		y.acked(time.Second)
		a.answered(time.Second)
		// Until the answering fork has spoken, its host's other port may be its way
		// through a NAT.
		converse(100*time.Millisecond, map[*sound]float64{s2: 900})
		sa.forget()
		s1.forget()
		s2.forget()
		converse(500*time.Millisecond, map[*sound]float64{sa: 500, s1: 700, s2: 900})
		sa.hears(0, 900)
		s2.hears(0, 500)
		s1.hearsNothing()
		a.bye()
		y.hungUp(time.Second)
		b.oneCDR()
	})
}

func TestHoldByUpdateAndByBothSides(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		a, leg, sa, sb := audible(b, A, B)
		change := func(d *dialog, p *peer, port int, line string) {
			d.do("UPDATE", p.sdp(port, line))
			d.response(200, "UPDATE", 500*time.Millisecond)
			time.Sleep(100 * time.Millisecond)
			sa.forget()
			sb.forget()
		}
		change(a, A, 30000, "a=sendonly")
		converse(time.Second, map[*sound]float64{sb: 700})
		sb.hearsMusic(time.Second, 700)
		change(leg, B, 40000, "a=sendonly") // now both hold: nobody may be sent anything
		converse(300*time.Millisecond, nil)
		sb.hearsNothing()
		sa.hearsNothing()
		change(a, A, 30000, "a=sendrecv") // B still holds A
		converse(time.Second, map[*sound]float64{sa: 500})
		sa.hearsMusic(time.Second, 500)
		sb.hearsNothing()
		change(leg, B, 40000, "a=sendrecv")
		converse(500*time.Millisecond, map[*sound]float64{sa: 500, sb: 700})
		sa.hears(0, 700)
		sb.hears(0, 500)
		a.bye()
		leg.hungUp(time.Second)
		b.oneCDR()
	})
}

func TestACallerMayHoldTheQueue(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		sa, sb := b.newSound("10.0.0.2:30000"), b.newSound("10.0.0.3:40000")
		a := A.call("4001", A.sdp(30000))
		sa.to = audioAt(t, a.answered(time.Second).body)
		leg := B.rings(time.Second)
		sb.to = audioAt(t, leg.invite.body)
		a.do("INVITE", A.sdp(30000, "a=sendonly"))
		a.response(200, "INVITE", 500*time.Millisecond)
		a.ack("")
		time.Sleep(100 * time.Millisecond)
		sa.forget()
		time.Sleep(time.Second)
		sa.hearsNothing()
		leg.accept(40000)
		time.Sleep(100 * time.Millisecond)
		sb.forget()
		converse(time.Second, map[*sound]float64{sb: 700})
		sb.hearsMusic(time.Second, 700)
		a.do("INVITE", A.sdp(30000))
		a.response(200, "INVITE", 500*time.Millisecond)
		a.ack("")
		time.Sleep(100 * time.Millisecond)
		sa.forget()
		sb.forget()
		converse(500*time.Millisecond, map[*sound]float64{sa: 500, sb: 700})
		sa.hears(0, 700)
		sb.hears(0, 500)
		leg.bye()
		a.hungUp(time.Second)
		b.wantTrace("wait sales; offer 1: answered; talk; end: agent hung up")
	})
}

func TestACancelAfterTheAnswerChangesNothing(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		a := A.call("4002", A.sdp(30000))
		leg := B.rings(time.Second)
		leg.accept(40000)
		ok := a.response(200, "INVITE", time.Second)
		a.cancel()
		a.response(200, "CANCEL", time.Second)
		a.learn(ok)
		a.ack("")
		A.none("487", time.Second, isResponse(487, "INVITE"))
		B.none("BYE", time.Second, isRequest("BYE"))
		a.bye()
		leg.hungUp(time.Second)
		b.wantTrace("wait direct; offer 1: answered; talk; end: caller hung up")
	})
}

func TestACallerMayReconnectInTalk(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		a, leg := up(A, B)
		if A.transport == "TCP" {
			A.conn.Close()
			time.Sleep(time.Second)
			A.redial()
		} else { // its NAT gave it another port
			A.pc.Close()
			a.p = b.newPeer("UDP", "10.0.0.2:6060")
			a.p.private = addrA
		}
		a.do("INFO", "")
		a.response(200, "INFO", time.Second)
		a.bye()
		leg.hungUp(time.Second)
		b.wantTrace("wait direct; offer 1: answered; talk; end: caller hung up")
	})
}

func TestAPhoneWhoseConnectionIsGoneIsNotOffered(t *testing.T) {
	inBubble(t, phones("TCP"), func(b *bed) {
		A, B, C := b.newPeer("TCP", addrA), b.newPeer("TCP", addrB), b.newPeer("TCP", addrC)
		B.register(B.account("1001"), 600)
		C.register(C.account("1002"), 600)
		b.agentState("1002", "ready")
		B.l.Close()
		B.conn.Close()
		time.Sleep(time.Second)
		a := waits(A)
		served(a, C.rings(time.Second), 41000)
		b.oneCDR()
	})
}

func TestAnAckLostOnceIsAskedForAgain(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		a, leg := up(A, B)
		a.do("INVITE", A.sdp(30000))
		a.response(200, "INVITE", 500*time.Millisecond)
		a.response(200, "INVITE", 600*time.Millisecond) // no ACK: repeated, over TCP too
		a.ack("")
		A.none("200 after ACK", 5*time.Second, isResponse(200, "INVITE"))
		a.do("INVITE", A.sdp(30000)) // never acknowledged
		a.response(200, "INVITE", 500*time.Millisecond)
		time.Sleep(31 * time.Second)
		A.none("BYE", 0, isRequest("BYE"))
		a.gets("BYE", 2*time.Second)
		leg.hungUp(time.Second)
		if c := b.oneCDR(); c.Cause.Blame != "caller" || !strings.Contains(c.Cause.Text, "no-ack") {
			t.Errorf("got cause %+v, want the caller who never acknowledged", c.Cause)
		}
	})
}

func TestOverUDPWhatIsLostIsSentAgain(t *testing.T) {
	inBubble(t, scenarioCenter("UDP"), func(b *bed) {
		A, B := b.newPeer("UDP", addrA), b.newPeer("UDP", addrB)
		var lost atomic.Int32
		drop := func(start, to string) { // the next message that begins so is lost
			var done atomic.Bool
			b.net.Filter(func(_, dst string, data []byte) bool {
				if dst == to && strings.HasPrefix(string(data), start) && done.CompareAndSwap(false, true) {
					lost.Add(1)
					return false
				}
				return true
			})
		}
		drop("INVITE", addrB)
		a := A.call("4002", A.sdp(30000))
		leg := B.rings(time.Second)
		drop("ACK", addrB)
		leg.reply(leg.invite, 200, "OK", B.sdp(40000))
		B.none("ACK that was lost", 400*time.Millisecond, isRequest("ACK"))
		leg.reply(leg.invite, 200, "OK", B.sdp(40000))
		leg.acked(time.Second)
		a.answered(time.Second)
		drop("BYE", addrB)
		a.bye()
		leg.hungUp(time.Second)
		drop("INVITE", addrB)
		a = A.call("4002", A.sdp(30000))
		leg = B.rings(time.Second)
		leg.reply(leg.invite, 180, "Ringing", "")
		drop("SIP/2.0 487", addrA)
		a.response(180, "INVITE", time.Second)
		a.cancel()
		a.refused(487, time.Second)
		drop("CANCEL", addrB)
		c := leg.gets("CANCEL", time.Second)
		leg.reply(c, 200, "OK", "")
		leg.reply(leg.invite, 487, "Request Terminated", "")
		leg.gets("ACK", time.Second)
		if n := lost.Load(); n < 5 {
			t.Errorf("%d messages were lost, want 5 at least", n)
		}
		if n := len(b.cdrs()); n != 2 {
			t.Errorf("got %d CDRs, want 2", n)
		}
	})
}

func TestCallsOverIPv6(t *testing.T) {
	old := engineAddr
	engineAddr = "[fd00::1]:5060"
	defer func() { engineAddr = old }()
	for _, transport := range []string{"UDP", "TCP"} {
		t.Run(transport, func(t *testing.T) {
			c := scenarioCenter(transport)
			c.Trunks["world"] = store.Trunk{Addresses: []string{"fd00::2"}}
			a := c.Agents["1001"]
			a.Contact = "sip:1001@[fd00::3]:5060;transport=" + strings.ToLower(transport)
			c.Agents["1001"] = a
			inBubble(t, c, func(b *bed) {
				A, B := b.newPeer(transport, "[fd00::2]:5060"), b.newPeer(transport, "[fd00::3]:5060")
				sa, sb := b.newSound("[fd00::2]:30000"), b.newSound("[fd00::3]:40000")
				a := A.call("4002", A.sdp(30000))
				leg := B.rings(time.Second)
				leg.accept(40000)
				sa.to, sb.to = audioAt(t, a.answered(time.Second).body), audioAt(t, leg.invite.body)
				converse(300*time.Millisecond, map[*sound]float64{sa: 500, sb: 700})
				sa.hears(0, 700)
				sb.hears(0, 500)
				a.bye()
				leg.hungUp(time.Second)
				b.wantTrace("wait direct; offer 1: answered; talk; end: caller hung up")
			})
		})
	}
}

func TestSilenceCountsAnewAfterAHold(t *testing.T) {
	center := func(transport string) store.Center {
		c := scenarioCenter(transport)
		c.Settings.Silence = store.Duration(20 * time.Second)
		return c
	}
	overBothWith(t, center, func(b *bed, A, B *peer) {
		a, leg, sa, sb := audible(b, A, B)
		converse(200*time.Millisecond, map[*sound]float64{sa: 500, sb: 700})
		a.do("INVITE", A.sdp(30000, "a=sendonly")) // but its phone sends nothing
		a.response(200, "INVITE", time.Second)
		a.ack("")
		converse(40*time.Second, map[*sound]float64{sb: 700})
		a.do("INVITE", A.sdp(30000))
		a.response(200, "INVITE", time.Second)
		a.ack("")
		converse(8*time.Second, map[*sound]float64{sb: 700}) // it takes its time
		A.none("BYE", 0, isRequest("BYE"))
		converse(200*time.Millisecond, map[*sound]float64{sa: 500, sb: 700})
		converse(24*time.Second+time.Second, map[*sound]float64{sb: 700})
		a.hungUp(5 * time.Second)
		leg.hungUp(time.Second)
		b.oneCDR()
	})
}
