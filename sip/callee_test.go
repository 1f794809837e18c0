package sip

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Scenarios of callees: phones and trunks that we call.

func TestRingingThenAnswerInOneBurst(t *testing.T) {
	callees(t, nil, func(r *rig, p *peer) {
		l := r.dial(nil, p.uri())
		inv := p.want("INVITE")
		if p.tcp {
			p.send(p.answer(inv, 180, "b", "") + p.answer(inv, 200, "b", "answer"))
		} else {
			p.send(p.answer(inv, 180, "b", ""))
			p.send(p.answer(inv, 200, "b", "answer"))
		}
		event[Ringing](t, l)
		event[Answered](t, l)
		p.want("ACK")
		for range 2 { // every repeat is acknowledged, and the call stands
			p.send(p.answer(inv, 200, "b", "answer"))
			if ack := p.want("ACK"); ack.toTag != "b" || ack.cseq != inv.cseq {
				t.Errorf("ACK of the repeat: tag %q CSeq %d", ack.toTag, ack.cseq)
			}
		}
		l.quiet(t)
		if got := strings.Join(l.media.taken(), "|"); got != "answer" {
			t.Errorf("accepted %q, want the answer once", got)
		}
	})
}

func TestCancelMeetsAnswer(t *testing.T) {
	callees(t, nil, func(r *rig, p *peer) {
		l := r.dial(nil, p.uri())
		inv := p.want("INVITE")
		p.send(p.answer(inv, 180, "b", ""))
		event[Ringing](t, l)
		l.End(Cause{Status: 487, Text: "caller gone"})
		c := p.want("CANCEL")
		if c.via.branch != inv.via.branch || c.cseq != inv.cseq || c.target != inv.target {
			t.Errorf("CANCEL branch %s CSeq %d", c.via.branch, c.cseq)
		}
		if got := c.get(hReason); got != `SIP;cause=487;text="caller gone"` {
			t.Errorf("Reason %q", got)
		}
		p.send(p.answer(c, 200, "b", ""))
		p.send(p.answer(inv, 200, "b", "answer"))
		p.want("ACK")
		bye := p.want("BYE")
		if bye.cseq <= inv.cseq || bye.toTag != "b" {
			t.Errorf("BYE CSeq %d, tag %q", bye.cseq, bye.toTag)
		}
		p.send(p.answer(bye, 200, "", ""))
		if e := event[Ended](t, l); e.Why != "ended-by-us" {
			t.Fatalf("ended %+v", e)
		}
		if got := r.ep.Stats().LateAnswers.Load(); got != 1 {
			t.Errorf("LateAnswers = %d, want 1", got)
		}
		p.silent(40 * time.Second)
		l.quiet(t)
	})
}

func TestCancelIsHeldUntilTheFirstProvisional(t *testing.T) {
	callees(t, nil, func(r *rig, p *peer) {
		l := r.dial(nil, p.uri())
		inv := p.want("INVITE")
		l.End(Cause{})
		p.silent(300 * time.Millisecond)
		p.send(p.answer(inv, 100, "", ""))
		c := p.want("CANCEL")
		p.send(p.answer(c, 200, "b", ""))
		p.send(p.answer(inv, 487, "b", ""))
		ack := p.want("ACK")
		if ack.via.branch != inv.via.branch || ack.toTag != "b" {
			t.Errorf("ACK of the 487: branch %s tag %q", ack.via.branch, ack.toTag)
		}
		event[Ended](t, l)
		p.silent(time.Minute)
	})
	t.Run("and never sent when the phone is dead", func(t *testing.T) {
		bubble(t, nil, func(r *rig) {
			p := r.udp("10.0.0.2:5060")
			l := r.dial(nil, p.uri())
			l.End(Cause{})
			n := 0
			for m := p.get(40 * time.Second); m != nil; m = p.get(40 * time.Second) {
				if n++; m.method != "INVITE" {
					t.Fatalf("got %s", m.method)
				}
			}
			event[Ended](t, l)
		})
	})
}

func TestEarlyMediaThenBusy(t *testing.T) {
	callees(t, nil, func(r *rig, p *peer) {
		l := r.dial(nil, p.uri())
		inv := p.want("INVITE")
		p.send(p.answer(inv, 183, "b", "early"))
		if e := event[Ringing](t, l); e.Status != 183 || !e.Early {
			t.Fatalf("ringing %+v", e)
		}
		busy := p.answer(inv, 486, "b", "", "Retry-After: 7")
		p.send(busy)
		p.want("ACK")
		if e := event[Failed](t, l); e.Status != 486 || e.Unreachable || e.RetryAfter != 7*time.Second {
			t.Fatalf("failed %+v", e)
		}
		if !p.tcp {
			p.send(busy)
			p.want("ACK")
		}
		l.End(Cause{})
		p.silent(time.Minute)
		l.quiet(t)
	})
}

func TestForks(t *testing.T) {
	callees(t, nil, func(r *rig, p *peer) {
		l := r.dial(nil, p.uri())
		inv := p.want("INVITE")
		p.send(p.answer(inv, 180, "x", ""))
		p.send(p.answer(inv, 180, "y", ""))
		p.send(p.answer(inv, 200, "y", "answer"))
		if ack := p.want("ACK"); ack.toTag != "y" {
			t.Fatalf("ACK to %q", ack.toTag)
		}
		p.send(p.answer(inv, 200, "z", "late answer"))
		if ack := p.want("ACK"); ack.toTag != "z" {
			t.Fatalf("ACK to %q", ack.toTag)
		}
		bye := p.want("BYE")
		if bye.toTag != "z" {
			t.Fatalf("BYE to %q", bye.toTag)
		}
		p.send(p.answer(bye, 200, "", ""))
		p.send(p.answer(inv, 200, "z", "late answer"))
		if ack := p.want("ACK"); ack.toTag != "z" {
			t.Fatalf("ACK to %q", ack.toTag)
		}
		event[Ringing](t, l)
		event[Ringing](t, l)
		if e := event[Answered](t, l); e.State.RemoteTag != "y" {
			t.Fatalf("answered %+v", e)
		}
		p.silent(30 * time.Second)
		l.quiet(t)
	})
}

func TestPrackAsUAC(t *testing.T) {
	callees(t, nil, func(r *rig, p *peer) {
		l := r.dial(nil, p.uri())
		inv := p.want("INVITE")
		if !inv.lists(hSupported, "100rel") {
			t.Error("INVITE does not support 100rel")
		}
		p.send(p.answer(inv, 183, "b", "early", "Require: 100rel", "RSeq: 10"))
		prack := p.want("PRACK")
		if got := prack.get(hRAck); got != fmt.Sprintf("10 %d INVITE", inv.cseq) || prack.toTag != "b" {
			t.Fatalf("RAck %q", got)
		}
		p.send(p.answer(prack, 200, "", ""))
		p.send(p.answer(inv, 183, "b", "early", "Require: 100rel", "RSeq: 10"))
		p.silent(100 * time.Millisecond) // a repeat; its PRACK was answered
		p.send(p.answer(inv, 180, "b", "", "Require: 100rel", "RSeq: 11"))
		p.send(p.answer(p.want("PRACK"), 200, "", ""))
		p.send(p.answer(inv, 200, "b", ""))
		if ack := p.want("ACK"); ack.cseq != inv.cseq {
			t.Errorf("ACK CSeq %d, want the INVITE's %d", ack.cseq, inv.cseq)
		}
		event[Ringing](t, l)
		event[Ringing](t, l)
		event[Answered](t, l)
		if got := strings.Join(l.media.taken(), "|"); got != "early" {
			t.Errorf("accepted %q", got)
		}
	})
}

func TestLargeDescriptions(t *testing.T) {
	callees(t, nil, func(r *rig, p *peer) {
		l := r.dial(func(i *Invite) { i.Headers = [][2]string{{"X-Long", strings.Repeat("x", 2600)}} }, p.uri())
		inv := p.want("INVITE")
		if len(inv.named("x-long")[0]) != 2600 {
			t.Fatal("INVITE was cut")
		}
		p.send(p.answer(inv, 200, "b", strings.Repeat("answer ", 400)))
		p.want("ACK")
		event[Answered](t, l)
		if len(l.media.taken()[0]) != 2800 {
			t.Errorf("answer of %d bytes", len(l.media.taken()[0]))
		}
	})
}

func TestAnswerThatCannotBeUsed(t *testing.T) {
	callees(t, nil, func(r *rig, p *peer) {
		l := r.dial(nil, p.uri())
		inv := p.want("INVITE")
		p.send(p.answer(inv, 200, "b", ""))
		p.want("ACK")
		p.send(p.answer(p.want("BYE"), 200, "", ""))
		if e := event[Failed](t, l); e.Status != 488 {
			t.Fatalf("failed %+v", e)
		}
	})
}

func TestRaisedSessionInterval(t *testing.T) {
	callees(t, func(c *Config) { c.SessionExpires = 100 * time.Second }, func(r *rig, p *peer) {
		l := r.dial(nil, p.uri())
		inv := p.want("INVITE")
		if got := inv.get(hSessionExpires); got != "100" || inv.get(hMinSE) != "90" {
			t.Fatalf("Session-Expires %q, Min-SE %q", got, inv.get(hMinSE))
		}
		p.send(p.answer(inv, 422, "b", "", "Min-SE: 300"))
		p.want("ACK")
		inv = p.want("INVITE")
		if got := inv.get(hSessionExpires); got != "300" || inv.get(hMinSE) != "300" {
			t.Fatalf("Session-Expires %q, Min-SE %q", got, inv.get(hMinSE))
		}
		p.send(p.answer(inv, 200, "b", "answer", "Session-Expires: 300;refresher=uas", "Require: timer"))
		p.want("ACK")
		event[Answered](t, l)
		begin := time.Now()
		p.send(p.answer(p.get(400*time.Second), 200, "", ""))
		if took := time.Since(begin).Round(time.Second); took != 268*time.Second {
			t.Errorf("ended after %v, want 268s", took)
		}
		if e := event[Ended](t, l); e.Why != "session-timer" {
			t.Fatalf("ended %+v", e)
		}
	})
}

// send2 waits for a request and answers it with 200.
func (p *peer) send2(t *testing.T, method string) {
	t.Helper()
	p.send(p.answer(p.want(method), 200, "", ""))
}

func TestHeaderInjection(t *testing.T) {
	bubble(t, nil, func(r *rig) {
		p := r.udp("10.0.0.2:5060")
		r.dial(func(i *Invite) {
			i.From = Address{Display: "Eve\r\nX-Evil: 1\"", User: "e\r\nX-Evil: 2", Host: "h\r\nX-Evil: 3"}
			i.Asserted = "a>\r\nX-Evil: 4"
			i.Headers = [][2]string{{"X-Good", "yes"}, {"X-Bad", "a\r\nX-Evil: 5"}, {"X Evil", "6"}}
		}, p.uri())
		inv := p.want("INVITE")
		if len(inv.named("X-Evil")) > 0 || len(inv.named("X-Bad")) > 0 || len(inv.named("X-Good")) != 1 {
			t.Fatalf("injected: %v", inv.fields)
		}
		if a := inv.from.address(); a.User != "e\r\nX-Evil: 2" || a.Host != "invalid" || a.Display != `EveX-Evil: 1"` {
			t.Errorf("From %+v", a)
		}
	})
}

func TestReviveSendsByeOfAnEarlierProcess(t *testing.T) {
	callees(t, nil, func(r *rig, p *peer) {
		l, _ := r.reach(p)
		s := l.State()
		other := newLeg("us")
		other.Dialog = r.ep.Revive(s, other)
		synctest.Wait()
		other.End(Cause{})
		p.silent(50 * time.Millisecond) // the dialog lives: it is not revived
		l.Dialog.e.workerOf(s.CallID).post(func() { l.ring(0) })
		synctest.Wait()
		other.Dialog = r.ep.Revive(s, other)
		other.End(Cause{Status: 503, Text: "restart"})
		bye := p.want("BYE")
		if bye.cseq != s.CSeq+1001 || bye.toTag != s.RemoteTag || bye.fromTag != s.LocalTag {
			t.Fatalf("BYE CSeq %d", bye.cseq)
		}
		p.send(p.answer(bye, 200, "", ""))
		event[Ended](t, other)
	})
}

func TestPanicEndsItsDialogOnly(t *testing.T) {
	callees(t, nil, func(r *rig, p *peer) {
		l := r.dial(func(i *Invite) { i.Media = bomb{i.Media} }, p.uri())
		inv := p.want("INVITE")
		p.send(p.answer(inv, 200, "b", "answer"))
		p.want("ACK")
		p.send2(t, "BYE")
		if e := event[Ended](t, l); e.Why != "internal" {
			t.Fatalf("ended %+v", e)
		}
		if got := r.ep.Stats().Panics.Load(); got != 1 {
			t.Errorf("Panics = %d, want 1", got)
		}
		r.reach(p)
	})
}

// bomb is a Media that breaks.
type bomb struct{ Media }

func (bomb) Accept([]byte) error { panic("boom") }

func TestRunEndsWhatStands(t *testing.T) {
	callees(t, nil, func(r *rig, p *peer) {
		l, _ := r.reach(p)
		go func() {
			p.send2(t, "BYE")
		}()
		begin := time.Now()
		r.stop()
		if took := time.Since(begin); took > time.Second {
			t.Errorf("stopped in %v", took)
		}
		event[Ended](t, l)
	})
	t.Run("within two seconds if nobody answers", func(t *testing.T) {
		bubble(t, nil, func(r *rig) {
			p := r.udp("10.0.0.2:5060")
			r.reach(p)
			begin := time.Now()
			r.stop()
			if took := time.Since(begin); took != 2*time.Second {
				t.Errorf("stopped in %v, want 2s", took)
			}
		})
	})
}
