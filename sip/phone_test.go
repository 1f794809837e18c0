package sip

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Phones with an account, outside of any trunk.

func accounts(c *Config) {
	c.Accounts = func(user string) (Account, bool) {
		if user != "bob" && user != "ann" {
			return Account{}, false
		}
		return Account{User: user, HA1MD5: HA1("MD5", user, "test", "secret"), HA1SHA256: HA1("SHA-256", user, "test", "secret")}, true
	}
}

// sign answers a challenge to a request of the peer.
func sign(t *testing.T, method, uri string, challenge *message) string {
	t.Helper()
	h, err := newClientAuth("bob", "secret", "").answer(method, uri, challenge)
	if err != nil || len(h) != 1 {
		t.Fatalf("no answer to the challenge: %v", err)
	}
	return h[0][0] + ": " + h[0][1]
}

// register binds the peer's Contact to bob.
func (p *peer) register(callID string, cseq int, headers ...string) {
	p.t.Helper()
	text := func(branch string, cseq int, extra ...string) string {
		s := p.ask("REGISTER", callID, branch, ";tag=r", "", cseq, "", append(extra, headers...)...)
		return strings.ReplaceAll(s, "To: <sip:4000@", "To: <sip:bob@")
	}
	p.send(text(fmt.Sprint(callID, cseq), cseq))
	m := p.want("401 REGISTER")
	p.send(text(fmt.Sprint(callID, cseq+1), cseq+1, sign(p.t, "REGISTER", "sip:4000@10.0.0.1", m)))
	p.want("200 REGISTER")
}

func TestPhoneCalls(t *testing.T) {
	for _, tp := range []string{"udp", "tcp"} {
		t.Run(tp, func(t *testing.T) {
			bubble(t, accounts, func(r *rig) {
				var p *peer
				if tp == "udp" {
					p = r.udp("198.51.100.7:40000")
				} else {
					p = r.tcp("198.51.100.7")
				}
				p.send(p.ask("INVITE", "c", "1", ";tag=b", "", 1, "offer"))
				m := p.want("401 INVITE")
				p.send(p.ask("ACK", "c", "1", ";tag=b", ";tag="+m.toTag, 1, ""))
				inv := p.ask("INVITE", "c", "2", ";tag=b", "", 2, "offer", sign(t, "INVITE", "sip:4000@10.0.0.1", m))
				p.send(inv)
				p.want("100 INVITE")
				if tp == "udp" {
					p.send(inv) // a repeat is no replay
					p.want("100 INVITE")
				}
				l := r.call(0)
				if l.in.Peer.Account != "bob" || l.in.Peer.Trunk != "" {
					t.Fatalf("peer %+v", l.in.Peer)
				}
				l.Answer(l.media)
				ok := p.want("200 INVITE")
				p.send(p.ask("ACK", "c", "a", ";tag=b", ";tag="+ok.toTag, 2, ""))
				event[Answered](t, l)

				p.send(p.ask("INVITE", "d", "3", ";tag=b", "", 1, "offer"))
				m = p.want("401 INVITE")
				text := p.ask("INVITE", "d", "4", ";tag=b", "", 2, "offer", sign(t, "INVITE", "sip:4000@10.0.0.1", m))
				p.send(strings.Replace(text, "From: <sip:bob@", "From: <sip:ann@", 1))
				p.want("403 INVITE")
				if len(r.calls) != 1 {
					t.Errorf("%d calls, want 1", len(r.calls))
				}
			})
		})
	}
}

func TestPhoneThatIsCalledOverItsConnection(t *testing.T) {
	bubble(t, accounts, func(r *rig) {
		p := r.tcp("198.51.100.7")
		private := "Contact: <sip:bob@192.168.1.7:5060;transport=tcp>"
		p.register("reg", 1, private)
		targets := r.ep.Contacts("bob")
		if len(targets) != 1 || targets[0].Flow == "" {
			t.Fatalf("targets %+v", targets)
		}
		time.Sleep(10 * time.Minute) // a registered phone may be silent
		l := r.dial(func(i *Invite) { i.Targets = r.ep.Contacts("bob") })
		inv := p.want("INVITE")
		p.send(p.answer(inv, 200, "b", "answer", private))
		p.want("ACK")
		event[Answered](t, l)

		p.conn.Close() // it roams, and registers again over another connection
		synctest.Wait()
		q := r.tcp("198.51.100.9")
		q.register("reg", 10, private)
		l.Reoffer()
		m := q.want("INVITE")
		q.send(q.answer(m, 200, "", "answer", private))
		q.want("ACK")
		if e := event[Reoffered](t, skip[Updated](t, l)); e.Status != 200 {
			t.Fatalf("reoffered %+v", e)
		}
		l.End(Cause{})
		q.send2(t, "BYE")
		event[Ended](t, l)
	})
}

// skip drops one event of that type if it is next.
func skip[E Event](t *testing.T, l *leg) *leg {
	t.Helper()
	synctest.Wait()
	select {
	case e := <-l.box:
		if _, ok := e.(E); !ok {
			rest := newLeg("")
			rest.Deliver(e)
			for len(l.box) > 0 {
				rest.Deliver(<-l.box)
			}
			return rest
		}
	default:
	}
	return l
}

func TestPhoneThatUnregistersInTheCall(t *testing.T) {
	bubble(t, accounts, func(r *rig) {
		p := r.udp("198.51.100.7:40000")
		private := "Contact: <sip:bob@192.168.1.7:5060>"
		p.register("reg", 1, private)
		l := r.dial(func(i *Invite) { i.Targets = r.ep.Contacts("bob") })
		inv := p.want("INVITE")
		p.send(p.answer(inv, 200, "b", "answer", private))
		p.want("ACK")
		event[Answered](t, l)
		p.register("reg", 10, private+";expires=0")
		if n := len(r.ep.Contacts("bob")); n != 0 {
			t.Errorf("%d contacts left", n)
		}
		l.End(Cause{})
		p.send2(t, "BYE")
		event[Ended](t, l)
	})
}

func TestOffersThatOverlap(t *testing.T) {
	callees(t, nil, func(r *rig, p *peer) {
		l, inv := r.reach(p)
		l.Reoffer()
		l.Reoffer() // waits for the first
		first := p.want("INVITE")
		p.silent(50 * time.Millisecond)
		p.send(p.answer(first, 200, "", "answer"))
		p.want("ACK")
		second := p.want("INVITE")
		p.send(p.answer(second, 488, "", ""))
		p.want("ACK")
		if e := event[Reoffered](t, l); e.Status != 200 || e.Err != nil {
			t.Fatalf("reoffered %+v", e)
		}
		if e := event[Reoffered](t, l); e.Status != 488 || e.Err == nil {
			t.Fatalf("reoffered %+v", e)
		}
		// A re-INVITE of theirs without an offer: ours is in the 200, theirs in the ACK.
		from, to := ";tag="+inv.fromTag, ";tag=b"
		p.send(p.back(inv, "INVITE", "late", to, from, 1, ""))
		ok := p.want("200 INVITE")
		if !strings.Contains(ok.body, "us offer") {
			t.Fatalf("200 with %q", ok.body)
		}
		p.send(p.back(inv, "INVITE", "late2", to, from, 2, "offer")) // our offer is open
		p.want("491 INVITE")
		p.send(p.back(inv, "ACK", "late2", to, from, 2, ""))
		p.send(p.back(inv, "ACK", "la", to, from, 1, "late answer"))
		synctest.Wait()
		time.Sleep(10 * time.Millisecond)
		if got := l.media.taken()[len(l.media.taken())-1]; got != "late answer" {
			t.Errorf("accepted %q", got)
		}
		l.Reoffer()
		p.want("INVITE")
		l.End(Cause{})
		p.send2(t, "BYE")
		event[Ended](t, l)
	})
}

// back writes a request of a callee inside the dialog of our INVITE.
func (p *peer) back(inv *message, method, branch, from, to string, cseq int, body string) string {
	return p.ask(method, inv.callID, branch, from, to, cseq, body)
}

func TestGoneDialogEndsAtTheReoffer(t *testing.T) {
	callees(t, nil, func(r *rig, p *peer) {
		l, _ := r.reach(p)
		l.Reoffer()
		p.send(p.answer(p.want("INVITE"), 481, "", ""))
		p.want("ACK")
		p.send2(t, "BYE")
		event[Reoffered](t, l)
		if e := event[Ended](t, l); e.Why != "transport" || e.Cause.Status != 481 {
			t.Fatalf("ended %+v", e)
		}
	})
}

func TestNothingIsLeftAfterManyCalls(t *testing.T) {
	both(t, nil, func(r *rig, p *peer) {
		for _, id := range []string{"c1", "c2", "c3", "c4", "c5"} {
			l, tag := r.talk(p, id)
			p.send(p.ask("BYE", id, id+"bye", ";tag=b", ";tag="+tag, 2, ""))
			p.want("200 BYE")
			event[Ended](t, l)
		}
		time.Sleep(70 * time.Second)
		s := r.ep.Stats()
		if s.Dialogs.Load() != 0 || s.Transactions.Load() != 0 {
			t.Errorf("%d dialogs, %d transactions left", s.Dialogs.Load(), s.Transactions.Load())
		}
		for _, w := range r.ep.workers {
			w.post(func() {
				if n := len(w.alarms); n > 1 { // one is the housekeeper's
					t.Errorf("%d alarms left", n)
				}
				if len(w.merged) != 0 || len(w.server) != 0 || len(w.client) != 0 {
					t.Error("transactions left in the tables")
				}
			})
		}
		synctest.Wait()
	})
}

func TestPeerThatMovesIsFollowed(t *testing.T) {
	t.Run("to another port of its NAT", func(t *testing.T) {
		bubble(t, nil, func(r *rig) {
			p, moved := r.udp("10.0.0.2:40000"), r.udp("10.0.0.2:41000")
			private := "Contact: <sip:bob@192.168.1.7:5060>"
			p.send(p.ask("INVITE", "c", "1", ";tag=b", "", 1, "offer", private))
			p.want("100 INVITE")
			l := r.call(0)
			l.Answer(l.media)
			ok := p.want("200 INVITE")
			p.send(p.ask("ACK", "c", "a", ";tag=b", ";tag="+ok.toTag, 1, "", private))
			event[Answered](t, l)
			moved.send(moved.ask("INFO", "c", "i", ";tag=b", ";tag="+ok.toTag, 2, "", private))
			moved.want("200 INFO")
			l.End(Cause{})
			moved.send2(t, "BYE")
			event[Ended](t, l)
		})
	})
	t.Run("to another connection", func(t *testing.T) {
		bubble(t, nil, func(r *rig) {
			p := r.tcp("10.0.0.2")
			l, tag := r.talk(p, "c")
			moved := r.tcp("10.0.0.2")
			moved.send(moved.ask("INFO", "c", "i", ";tag=b", ";tag="+tag, 2, ""))
			moved.want("200 INFO")
			l.End(Cause{Status: 200, Text: "completed elsewhere"})
			bye := moved.want("BYE")
			if got := bye.get(hReason); got != `SIP;cause=200;text="completed elsewhere"` {
				t.Errorf("Reason %q", got)
			}
			moved.send(moved.answer(bye, 200, "", ""))
			event[Ended](t, l)
		})
	})
}
