package call_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hotline/internal/phone"
	"hotline/store"
)

func TestScenario21InviteReplacesBad(t *testing.T) {
	overBothWith(t, phones, func(b *bed, A, B *peer) {
		C := b.newPeer(B.transport, addrC)
		B.register(B.account("1001"), 600)
		secret := C.account("1002")
		C.register(secret, 600)
		if err := b.eng.SetAgentState("1002", "not ready", "", "test"); err != nil {
			t.Fatal(err)
		}
		early := A.call("4002", A.sdp(30000))
		leg := B.rings(time.Second)
		leg.reply(leg.invite, 180, "Ringing", "")
		ringing := early.response(180, "INVITE", time.Second)
		for what, replaces := range map[string]string{
			"no dialog":             "nothing@nowhere;to-tag=a;from-tag=b",
			"an early one of A's":   early.callID + ";to-tag=" + ringing.param("To", "tag") + ";from-tag=" + early.tag,
			"his name, other's tag": early.callID + ";to-tag=" + ringing.param("To", "tag") + ";from-tag=other",
		} {
			d := C.callAs(secret, "4002", C.sdp(41000), "Replaces: "+replaces)
			m := C.await("refusal", time.Second, func(m *msg) bool {
				return m.get("Call-ID") == d.callID && m.method() == "INVITE" && m.status() >= 300 && m.status() != 401
			})
			d.ackFailure(m)
			if m.status() != 481 {
				t.Errorf("%s: got %d, want 481", what, m.status())
			}
		}
		leg.accept(40000) // unharmed
		early.answered(time.Second)
		early.bye()
		leg.hungUp(time.Second)
		b.cdrs()
	})
}

// twoWays are two trunks for the numbers of a rule, or one trunk with two peers.
func twoWays(peers bool) func(transport string) store.Center {
	return func(transport string) store.Center {
		c := outward(transport)
		if a := c.Trunks["a"]; peers {
			a.Peers = append(a.Peers, c.Trunks["b"].Peers...)
			c.Trunks["a"] = a
			delete(c.Trunks, "b")
			c.Settings.Outbound.Rules[0].Trunks = c.Settings.Outbound.Rules[0].Trunks[:1]
		}
		c.Settings.Outbound.Most = 5
		return c
	}
}

func TestScenario28RetryAfter(t *testing.T) {
	for name, peers := range map[string]bool{"peers of a trunk": true, "trunks of a rule": false} {
		t.Run(name, func(t *testing.T) {
			overBothWith(t, twoWays(peers), func(b *bed, A, B *peer) {
				C, D := b.newPeer(B.transport, addrC), b.newPeer(B.transport, "10.0.0.5:5060")
				secret := B.account("1001")
				B.register(secret, 600)
				talks := func(x, leg *dialog) {
					t.Helper()
					leg.accept(41000)
					x.answered(time.Second)
					x.bye()
					leg.hungUp(time.Second)
				}
				x := B.callAs(secret, "030777", B.sdp(40000))
				first := C.rings(time.Second)
				began := time.Now()
				first.reply(first.invite, 503, "Service Unavailable", "", "Retry-After: 5")
				talks(x, D.rings(100*time.Millisecond)) // at once
				time.Sleep(time.Until(began.Add(4 * time.Second)))
				x = B.callAs(secret, "030778", B.sdp(40002))
				talks(x, D.rings(100*time.Millisecond))
				C.none("INVITE while it rests", 10*time.Millisecond, isRequest("INVITE"))
				time.Sleep(time.Until(began.Add(5500 * time.Millisecond)))
				x = B.callAs(secret, "030779", B.sdp(40004))
				talks(x, C.rings(100*time.Millisecond))
				b.cdrs()
			})
		})
	}
}

func TestScenario29RingAllTwoAnswer(t *testing.T) {
	overEach(t, func(transport string) {
		for _, apart := range []time.Duration{0, 2 * time.Millisecond, 10 * time.Millisecond} {
			center := wholeCenter()
			off := false
			q := center.Queues["sales"]
			q.Strategy, q.AnnounceAgent, q.Survey = "ring-all", &off, "none"
			center.Queues["sales"] = q
			inBubble(t, center, func(b *bed) {
				must(t, b.eng.SetAgentState("1002", "ready", "", "test"))
				var calls [2]atomic.Pointer[phone.Call]
				for i, hz := range []float64{annHz, bobHz} {
					answers := phone.Policy(phone.AnswerAfter(time.Second + time.Duration(i)*apart)).Speaking(hz)
					b.agentOver(transport, fmt.Sprint(1001+i), fmt.Sprintf("10.0.0.%d:5060", 11+i), func(c *phone.Call) { calls[i].Store(c); answers(c) })
				}
				caller := b.dials(b.phone("10.0.1.1:5060", phone.Config{User: "4930123456", Transport: transport}), "4001")
				caller.Tone(callerHz)
				time.Sleep(3 * time.Second)
				mine, other, hz := calls[0].Load(), calls[1].Load(), float64(annHz)
				if mine.Over() {
					mine, other, hz = other, mine, bobHz
				}
				if mine.Over() || !other.Over() {
					t.Fatalf("%v apart: phones over: %v and %v, want one of them", apart, mine.Over(), other.Over())
				}
				hearOnly(t, "in talk", hears("caller", caller, hz), hears("agent", mine, callerHz))
				if got := other.Listen().Length(); got > 0 && loudness(other.Listen().Samples, callerHz) > 0.5 {
					t.Errorf("%v apart: the other agent hears the caller", apart)
				}
				caller.Hangup()
				if c := b.oneCDR(); len(c.Talks) != 1 || !strings.Contains(c.Trace, "answered elsewhere") {
					t.Errorf("%v apart: got %s, want one talk and the other answered elsewhere", apart, c.Trace)
				}
			})
		}
	})
}

// overEach runs a test with phones over UDP and over TCP.
func overEach(t *testing.T, test func(transport string)) {
	t.Helper()
	for _, transport := range []string{"udp", "tcp"} {
		test(transport)
	}
}
