package sip

import (
	"testing"
	"time"
)

// Session timers (RFC 4028), reliable provisional responses (RFC 3262), UPDATE (RFC 3311).

func TestSessionTimerAsUAS(t *testing.T) {
	both(t, nil, func(r *rig, p *peer) {
		p.send(p.ask("INVITE", "c", "1", ";tag=b", "", 1, "offer", "Supported: timer", "Session-Expires: 30"))
		m := p.want("422 INVITE")
		if got := m.get(hMinSE); got != "90" {
			t.Fatalf("Min-SE %q, want 90", got)
		}
		p.send(p.ask("ACK", "c", "1", ";tag=b", ";tag="+m.toTag, 1, ""))
		p.send(p.ask("INVITE", "c", "2", ";tag=b", "", 2, "offer", "k: timer", "x: 1800;refresher=uac"))
		p.want("100 INVITE")
		l := r.call(0)
		l.Answer(l.media)
		ok := p.want("200 INVITE")
		if got := ok.get(hSessionExpires); got != "1800;refresher=uac" || !ok.lists(hRequire, "timer") {
			t.Fatalf("Session-Expires %q, Require %q", got, ok.get(hRequire))
		}
		p.send(p.ask("ACK", "c", "a", ";tag=b", ";tag="+ok.toTag, 2, ""))
		event[Answered](t, l)
		time.Sleep(900 * time.Second)
		p.send(p.ask("UPDATE", "c", "r", ";tag=b", ";tag="+ok.toTag, 3, "", "Supported: timer", "Session-Expires: 1800;refresher=uac"))
		if got := p.want("200 UPDATE").get(hSessionExpires); got != "1800;refresher=uac" {
			t.Fatalf("Session-Expires %q in the 200 of UPDATE", got)
		}
		begin := time.Now()
		bye := p.get(3600 * time.Second)
		if took := time.Since(begin).Round(time.Second); took != 1768*time.Second {
			t.Errorf("ended %v after the last refresh, want 1768s", took)
		}
		p.send(p.answer(bye, 200, "", ""))
		if e := event[Ended](t, l); e.Why != "session-timer" {
			t.Fatalf("ended %+v", e)
		}
	})
}

func TestWeRefreshTheSession(t *testing.T) {
	for _, c := range []struct{ name, allow, method string }{
		{"by UPDATE if it is allowed", "Allow: INVITE, UPDATE", "UPDATE"},
		{"by re-INVITE otherwise", "Allow: INVITE, BYE", "INVITE"},
	} {
		t.Run(c.name, func(t *testing.T) {
			callees(t, nil, func(r *rig, p *peer) {
				l, _ := r.reach(p, "Session-Expires: 100;refresher=uac", "Require: timer", c.allow)
				begin := time.Now()
				for range 3 {
					m := p.want(c.method)
					if took := time.Since(begin).Round(time.Second); took != 50*time.Second {
						t.Errorf("refreshed after %v, want 50s", took)
					}
					if got := m.get(hSessionExpires); got != "100;refresher=uac" {
						t.Errorf("Session-Expires %q", got)
					}
					begin = time.Now()
					body := ""
					if c.method == "INVITE" {
						body = "same"
					}
					p.send(p.answer(m, 200, "", body, "Session-Expires: 100;refresher=uac", c.allow))
					if c.method == "INVITE" {
						p.want("ACK")
					}
				}
				m := p.want(c.method)
				p.send(p.answer(m, 481, "", ""))
				if c.method == "INVITE" {
					p.want("ACK")
				}
				p.send(p.answer(p.want("BYE"), 200, "", ""))
				event[Ended](t, l)
			})
		})
	}
}

func TestPrackAsUAS(t *testing.T) {
	both(t, nil, func(r *rig, p *peer) {
		p.send(p.ask("INVITE", "c", "1", ";tag=b", "", 1, "offer", "Require: 100rel"))
		p.want("100 INVITE")
		l := r.call(0)
		l.Progress(l.media)
		m := p.want("183 INVITE")
		rseq := m.get(hRSeq)
		if !m.lists(hRequire, "100rel") || rseq == "" || m.body != "us answer to offer\r\n" {
			t.Fatalf("183: Require %q, RSeq %q, body %q", m.get(hRequire), rseq, m.body)
		}
		if again := p.want("183 INVITE"); again.get(hRSeq) != rseq {
			t.Errorf("RSeq %s of the repeat, want %s", again.get(hRSeq), rseq)
		}
		l.Answer(l.media) // held: the description is not acknowledged
		p.want("183 INVITE")
		p.send(p.ask("PRACK", "c", "wrong", ";tag=b", ";tag="+m.toTag, 2, "", "RAck: 7 1 INVITE"))
		p.want("481 PRACK")
		p.send(p.ask("PRACK", "c", "p", ";tag=b", ";tag="+m.toTag, 3, "", "RAck: "+rseq+" 1 INVITE"))
		p.want("200 PRACK")
		if ok := p.want("200 INVITE"); ok.body != "" {
			t.Errorf("200 with %q: the answer was acknowledged", ok.body)
		}
		p.send(p.ask("ACK", "c", "a", ";tag=b", ";tag="+m.toTag, 1, ""))
		event[Answered](t, l)
	})
	t.Run("without PRACK the call is refused", func(t *testing.T) {
		bubble(t, nil, func(r *rig) {
			p := r.udp("10.0.0.2:5060")
			p.send(p.ask("INVITE", "c", "1", ";tag=b", "", 1, "offer", "Require: 100rel"))
			p.want("100 INVITE")
			l := r.call(0)
			l.Ring()
			n := 0
			for m := p.want("180 INVITE"); label(m) == "180 INVITE"; m = p.get(200 * time.Second) {
				n++
			}
			if n != 7 {
				t.Errorf("180 sent %d times, want 7", n)
			}
			if e := event[Ended](t, l); e.Cause.Status != 504 {
				t.Fatalf("ended %+v", e)
			}
		})
	})
}

func TestUpdateInTheEarlyDialog(t *testing.T) {
	both(t, nil, func(r *rig, p *peer) {
		p.send(p.ask("INVITE", "c", "1", ";tag=b", "", 1, "offer", "Require: 100rel"))
		p.want("100 INVITE")
		l := r.call(0)
		l.Progress(l.media)
		m := p.want("183 INVITE")
		p.send(p.ask("UPDATE", "c", "u", ";tag=b", ";tag="+m.toTag, 2, "new offer"))
		if m := p.want("500 UPDATE"); m.get(hRetryAfter) == "" {
			t.Error("500 without Retry-After")
		}
		p.send(p.ask("PRACK", "c", "p", ";tag=b", ";tag="+m.toTag, 3, "", "RAck: "+m.get(hRSeq)+" 1 INVITE"))
		p.want("200 PRACK")
		p.send(p.ask("UPDATE", "c", "u2", ";tag=b", ";tag="+m.toTag, 4, "new offer"))
		if ok := p.want("200 UPDATE"); ok.body != "us answer to new offer\r\n" {
			t.Errorf("answer %q", ok.body)
		}
		p.send(p.ask("UPDATE", "c", "u3", ";tag=b", ";tag="+m.toTag, 5, ""))
		p.want("200 UPDATE")
	})
}

func TestLateOfferOfOurs(t *testing.T) {
	t.Run("is answered in the ACK", func(t *testing.T) {
		callees(t, nil, func(r *rig, p *peer) {
			l := r.dial(func(i *Invite) { i.Media = mute{i.Media} }, p.uri())
			inv := p.want("INVITE")
			if inv.body != "" || inv.has(hContentType) {
				t.Errorf("INVITE with %q", inv.body)
			}
			p.send(p.answer(inv, 200, "b", "their offer"))
			if ack := p.want("ACK"); ack.body != "us answer to their offer\r\n" {
				t.Errorf("ACK with %q", ack.body)
			}
			event[Answered](t, l)
		})
	})
	t.Run("is answered in the PRACK", func(t *testing.T) {
		callees(t, nil, func(r *rig, p *peer) {
			l := r.dial(func(i *Invite) { i.Media = mute{i.Media} }, p.uri())
			inv := p.want("INVITE")
			p.send(p.answer(inv, 183, "b", "their offer", "Require: 100rel", "RSeq: 5"))
			prack := p.want("PRACK")
			if prack.body != "us answer to their offer\r\n" {
				t.Errorf("PRACK with %q", prack.body)
			}
			p.send(p.answer(prack, 200, "", ""))
			p.send(p.answer(inv, 200, "b", ""))
			if ack := p.want("ACK"); ack.body != "" {
				t.Errorf("ACK with %q", ack.body)
			}
			event[Ringing](t, l)
			event[Answered](t, l)
		})
	})
}

// mute is a Media that makes no offer.
type mute struct{ Media }

func (mute) Offer() ([]byte, error) { return nil, nil }
