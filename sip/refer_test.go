package sip

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Transfers, asked for by a peer and by us.

// notify waits for a NOTIFY, answers it and gives its sipfrag and state.
func (p *peer) notify(status int) (m *message, text string) {
	p.t.Helper()
	m = p.want("NOTIFY")
	p.send(p.answer(m, status, "", ""))
	return m, strings.TrimSpace(m.body) + "; " + m.named("Subscription-State")[0]
}

func (p *peer) notifies(want ...string) {
	p.t.Helper()
	for _, w := range want {
		if _, got := p.notify(200); !strings.HasPrefix(got, w) {
			p.t.Fatalf("NOTIFY %q, want %q", got, w)
		}
	}
}

func TestBlindTransferIsHandedToTheOwnerAndItsProgressTold(t *testing.T) {
	both(t, nil, func(r *rig, p *peer) {
		l, tag := r.talk(p, "c")
		p.send(p.ask("REFER", "c", "r", ";tag=b", ";tag="+tag, 2, "", "Refer-To: \"C\" <sip:carol%20x@10.0.0.1?X-A=1%3B2>", "Referred-By: <sip:bob@10.0.0.2>"))
		ref := event[Referred](t, l)
		if ref.ID != 2 || ref.Target.User != "carol x" || ref.Target.Display != "C" || ref.URI != "sip:carol%20x@10.0.0.1" || ref.By.User != "bob" || ref.Replaces != nil {
			t.Errorf("refer %+v", ref.Refer)
		}
		if len(ref.Headers) != 1 || ref.Headers[0] != [2]string{"X-A", "1;2"} {
			t.Errorf("headers %q", ref.Headers)
		}
		p.send(p.ask("REFER", "c", "r2", ";tag=b", ";tag="+tag, 3, "", "Refer-To: <sip:dan@10.0.0.1>"))
		p.want("491 REFER") // one is undecided
		ref.Accept()
		if m := p.want("202 REFER"); m.contact() == "" {
			t.Error("202 without Contact")
		}
		m, got := p.notify(200)
		if got != "SIP/2.0 100 Trying; active;expires=600" || m.get(hEvent) != "refer;id=2" || m.get(hContentType) != "message/sipfrag;version=2.0" || m.contact() == "" {
			t.Errorf("NOTIFY %q, Event %q", got, m.get(hEvent))
		}
		ref.Progress(180, "")
		p.notifies("SIP/2.0 180 Ringing; active;expires=")
		ref.Progress(200, "")
		p.notifies("SIP/2.0 200 OK; terminated;reason=noresource")
		ref.Progress(486, "") // it is over
		ref.Accept()
		l.End(Cause{})
		p.send2(t, "BYE")
		event[Ended](t, l)
		p.silent(time.Minute)
	})
}

func TestFailedTransferTellsItsStatusAndTheCallStands(t *testing.T) {
	both(t, nil, func(r *rig, p *peer) {
		l, tag := r.talk(p, "c")
		p.send(p.ask("REFER", "c", "r", ";tag=b", ";tag="+tag, 2, "", "r: sip:carol@10.0.0.1"))
		ref := event[Referred](t, l)
		ref.Accept()
		ref.Progress(180, "")
		ref.Progress(486, "Busy\r\nX: y") // before the first NOTIFY is answered
		p.want("202 REFER")
		p.notifies("SIP/2.0 100 Trying; active", "SIP/2.0 486 Busy Here; terminated;reason=noresource")
		p.silent(time.Minute)
		l.Reoffer()
		p.want("INVITE")
	})
}

func TestTransferorWhoHangsUpIsStillTold(t *testing.T) {
	both(t, nil, func(r *rig, p *peer) {
		l, tag := r.talk(p, "c")
		p.send(p.ask("REFER", "c", "r", ";tag=b", ";tag="+tag, 2, "", "Refer-To: <sip:carol@10.0.0.1>"))
		ref := event[Referred](t, l)
		p.send(p.ask("BYE", "c", "bye", ";tag=b", ";tag="+tag, 3, ""))
		p.want("200 BYE")
		event[Ended](t, l)
		ref.Accept()
		p.want("202 REFER")
		p.notifies("SIP/2.0 100 Trying; active")
		ref.Progress(200, "")
		m := p.want("NOTIFY")
		p.send(p.answer(m, 481, "", "")) // he has forgotten it
		ref.Progress(200, "")
		p.silent(time.Minute)
	})
}

func TestTransferNobodyDecidesIsDeclined(t *testing.T) {
	both(t, nil, func(r *rig, p *peer) {
		l, tag := r.talk(p, "c")
		begin := time.Now()
		p.send(p.ask("REFER", "c", "r", ";tag=b", ";tag="+tag, 2, "", "Refer-To: <sip:carol@10.0.0.1>"))
		ref := event[Referred](t, l)
		p.want("603 REFER")
		if took := time.Since(begin).Round(time.Second); took != referDecide {
			t.Errorf("declined after %v", took)
		}
		ref.Accept()
		ref.Reject(404)
		p.silent(time.Minute)
		p.send(p.ask("REFER", "c", "r2", ";tag=b", ";tag="+tag, 3, "", "Refer-To: <sip:carol@10.0.0.1>"))
		event[Referred](t, l).Reject(404)
		p.want("404 REFER")
		p.send(p.ask("REFER", "c", "r3", ";tag=b", ";tag="+tag, 4, "", "Refer-To: <sip:carol@10.0.0.1>"))
		event[Referred](t, l).Progress(480, "")
		p.want("480 REFER")
	})
}

func TestTransferWithoutSubscription(t *testing.T) {
	both(t, nil, func(r *rig, p *peer) {
		l, tag := r.talk(p, "c")
		p.send(p.ask("REFER", "c", "r", ";tag=b", ";tag="+tag, 2, "", "Refer-To: <sip:carol@10.0.0.1>", "Refer-Sub: false", "Supported: norefersub"))
		ref := event[Referred](t, l)
		ref.Accept()
		if m := p.want("202 REFER"); strings.Join(m.named("Refer-Sub"), "") != "false" {
			t.Error("202 without Refer-Sub: false")
		}
		ref.Progress(180, "")
		ref.Progress(200, "")
		p.silent(time.Minute)
	})
}

func TestTransferIsNoLongerWatchedAfterAnUnsubscribe(t *testing.T) {
	both(t, nil, func(r *rig, p *peer) {
		l, tag := r.talk(p, "c")
		p.send(p.ask("REFER", "c", "r", ";tag=b", ";tag="+tag, 2, "", "Refer-To: <sip:carol@10.0.0.1>"))
		ref := event[Referred](t, l)
		ref.Accept()
		p.want("202 REFER")
		p.notifies("SIP/2.0 100 Trying; active")
		p.send(p.ask("SUBSCRIBE", "c", "s", ";tag=b", ";tag="+tag, 3, "", "Event: refer;id=7", "Expires: 0"))
		p.want("481 SUBSCRIBE")
		p.send(p.ask("SUBSCRIBE", "c", "s2", ";tag=b", ";tag="+tag, 4, "", "Event: refer;id=2", "Expires: 0"))
		if m := p.want("200 SUBSCRIBE"); m.get(hExpires) != "0" {
			t.Errorf("Expires %q", m.get(hExpires))
		}
		p.notifies("SIP/2.0 100 Trying; terminated;reason=timeout")
		ref.Progress(200, "")
		p.silent(time.Minute)
	})
}

func TestTransferThatTakesTooLongIsTold(t *testing.T) {
	bubble(t, nil, func(r *rig) {
		p := r.udp("10.0.0.2:5060")
		l, tag := r.talk(p, "c")
		p.send(p.ask("REFER", "c", "r", ";tag=b", ";tag="+tag, 2, "", "Refer-To: <sip:carol@10.0.0.1>"))
		event[Referred](t, l).Accept()
		p.want("202 REFER")
		p.notifies("SIP/2.0 100 Trying; active")
		time.Sleep(9*time.Minute + 50*time.Second)
		p.notifies("SIP/2.0 100 Trying; terminated;reason=timeout")
	})
}

func TestBadTransfersAreRefused(t *testing.T) {
	both(t, nil, func(r *rig, p *peer) {
		l, tag := r.talk(p, "c")
		for i, c := range []struct {
			lines  string
			status int
		}{
			{"X: y", 400}, {"Refer-To: <sip:a@b>\r\nRefer-To: <sip:c@d>", 400}, {"Refer-To: <sip:a@b", 400}, {"Refer-To: http://x", 416},
			{"Refer-To: <sip:a@b?Replaces=x>", 400}, {"Refer-To: <sip:a@b?Replaces=x%3Bto-tag%3Da%3Bfrom-tag%3Db&Replaces=x%3Bto-tag%3Da%3Bfrom-tag%3Db>", 400},
			{"Refer-To: <sip:a@b?X=%0D%0AY>", 400}, {"Refer-To: <sip:a@b;method=BYE>", 403}, {"Refer-To: <sip:a@b?method=REGISTER>", 403},
			{"Refer-To: <sip:a@b>\r\nReplaces: x;to-tag=a;from-tag=b", 400}, {"Refer-To: <sip:" + strings.Repeat("a", 5000) + "@b>", 400},
		} {
			p.send(p.ask("REFER", "c", fmt.Sprint("r", i), ";tag=b", ";tag="+tag, 2+i, "", c.lines))
			if m := p.get(time.Second); m == nil || label(m) != fmt.Sprintf("%d REFER", c.status) {
				t.Errorf("%.60s: got %v, want %d", c.lines, m, c.status)
			}
		}
		p.send(p.ask("REFER", "c", "x", ";tag=evil", ";tag="+tag, 50, "", "Refer-To: <sip:a@b>"))
		p.want("481 REFER")
		l.quiet(t)
	})
	t.Run("of strangers", func(t *testing.T) {
		bubble(t, accounts, func(r *rig) {
			p := r.udp("198.51.100.7:5060")
			p.send(p.ask("REFER", "c", "r", ";tag=b", "", 2, "", "Refer-To: <sip:a@b>"))
			p.want("401 REFER")
		})
	})
	t.Run("before the answer", func(t *testing.T) {
		bubble(t, nil, func(r *rig) {
			p := r.udp("10.0.0.2:5060")
			p.send(p.ask("INVITE", "c", "1", ";tag=b", "", 1, "offer"))
			p.want("100 INVITE")
			l := r.call(0)
			l.Ring()
			m := p.want("180 INVITE")
			p.send(p.ask("REFER", "c", "r", ";tag=b", ";tag="+m.toTag, 2, "", "Refer-To: <sip:a@b>"))
			p.want("403 REFER")
		})
	})
}

// fragOf writes a NOTIFY of a transfer that we asked for.
func (p *peer) frag(inv *message, branch string, cseq int, body, state string) {
	p.send(p.ask("NOTIFY", inv.callID, branch, ";tag=b", ";tag="+inv.fromTag, cseq, body,
		"Content-Type: message/sipfrag", "Event: refer", "Subscription-State: "+state))
	p.want("200 NOTIFY")
}

func TestWeHaveAPeerTransfer(t *testing.T) {
	callees(t, nil, func(r *rig, p *peer) {
		l, inv := r.reach(p)
		l.Refer(ReferTarget{URI: "sip:123@carrier.example", Replaces: &DialogID{CallID: "x@y", ToTag: "a", FromTag: "b"}})
		l.Refer(ReferTarget{URI: "sip:123@carrier.example"})
		m := p.want("REFER")
		if got := m.named("Refer-To")[0]; got != "<sip:123@carrier.example?Replaces=x%40y%3Bto-tag%3Da%3Bfrom-tag%3Db>" {
			t.Errorf("Refer-To %q", got)
		}
		if by := m.named("Referred-By"); len(by) != 1 || !strings.Contains(by[0], "alice") {
			t.Errorf("Referred-By %q", by)
		}
		if e := event[ReferProgress](t, l); !e.Done || e.Err == nil {
			t.Errorf("a second one at once: %+v", e)
		}
		p.frag(inv, "n1", 1, "SIP/2.0 100 Trying\r\n", "active;expires=60") // before the 202
		p.send(p.answer(m, 202, "", ""))
		p.frag(inv, "n2", 2, "SIP/2.0 180 Ringing", "active;expires=60")
		p.frag(inv, "n3", 3, "SIP/2.0 200 OK\r\nTo: x\r\n", "terminated;reason=noresource")
		for i, want := range []ReferProgress{
			{Status: 100, Reason: "Trying"}, {Status: 202, Reason: "Accepted"}, {Status: 180, Reason: "Ringing"}, {Status: 200, Reason: "OK", Done: true},
		} {
			if e := event[ReferProgress](t, l); e != want {
				t.Errorf("%d: got %+v, want %+v", i, e, want)
			}
		}
		p.send(p.ask("NOTIFY", inv.callID, "n4", ";tag=b", ";tag="+inv.fromTag, 4, "SIP/2.0 200 OK", "Content-Type: message/sipfrag", "Event: refer", "Subscription-State: terminated"))
		p.want("481 NOTIFY")
		l.quiet(t)
	})
	t.Run("that refuses", func(t *testing.T) {
		callees(t, nil, func(r *rig, p *peer) {
			l, _ := r.reach(p)
			l.Refer(ReferTarget{URI: "sip:123@carrier.example"})
			p.send(p.answer(p.want("REFER"), 403, "", ""))
			if e := event[ReferProgress](t, l); e.Status != 403 || !e.Done {
				t.Errorf("got %+v", e)
			}
		})
	})
	t.Run("that never tells", func(t *testing.T) {
		bubble(t, nil, func(r *rig) {
			p := r.udp("10.0.0.2:5060")
			l, _ := r.reach(p)
			begin := time.Now()
			l.Refer(ReferTarget{URI: "sip:123@carrier.example"})
			p.send(p.answer(p.want("REFER"), 202, "", ""))
			event[ReferProgress](t, l)
			time.Sleep(200 * time.Second)
			if e := event[ReferProgress](t, l); e.Status != 408 || !e.Done || time.Since(begin).Round(time.Second) != referralLife {
				t.Errorf("got %+v after %v", e, time.Since(begin))
			}
		})
	})
	t.Run("to nowhere", func(t *testing.T) {
		bubble(t, nil, func(r *rig) {
			p := r.udp("10.0.0.2:5060")
			l, _ := r.reach(p)
			for _, uri := range []string{"", "x", "sip:a@b\r\nX: y", "sip:a>@b"} {
				l.Refer(ReferTarget{URI: uri})
				if e := event[ReferProgress](t, l); e.Err == nil || !e.Done {
					t.Errorf("%q: got %+v", uri, e)
				}
			}
			p.silent(time.Minute)
			synctest.Wait()
		})
	})
}
