package sip

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Scenarios of callers: what they send, and what they must get.

func TestCancelWhileRinging(t *testing.T) {
	both(t, nil, func(r *rig, p *peer) {
		p.send(p.ask("INVITE", "c", "1", ";tag=b", "", 1, "offer"))
		p.want("100 INVITE")
		l := r.call(0)
		l.Ring()
		ring := p.want("180 INVITE")
		p.send(p.ask("CANCEL", "c", "1", ";tag=b", "", 1, "", "Reason: SIP;cause=200;text=\"Call completed elsewhere\""))
		c := p.want("200 CANCEL")
		f := p.want("487 INVITE")
		if c.toTag != ring.toTag || f.toTag != ring.toTag {
			t.Fatalf("To tags 180 %q, 200 %q, 487 %q, want one", ring.toTag, c.toTag, f.toTag)
		}
		p.send(p.ask("ACK", "c", "1", ";tag=b", ";tag="+f.toTag, 1, ""))
		if e := event[Ended](t, l); e.Why != "cancel" || !e.ByPeer || e.Cause.Status != 200 {
			t.Fatalf("ended %+v", e)
		}
		p.silent(40 * time.Second)
	})
}

func TestInviteAndCancelInOneSegment(t *testing.T) {
	bubble(t, nil, func(r *rig) {
		p := r.tcp("10.0.0.2")
		p.send(p.ask("INVITE", "c", "1", ";tag=b", "", 1, "offer") + p.ask("CANCEL", "c", "1", ";tag=b", "", 1, ""))
		p.want("100 INVITE")
		p.want("200 CANCEL")
		p.want("487 INVITE")
		if e := event[Ended](t, r.call(0)); e.Why != "cancel" {
			t.Fatalf("ended %+v", e)
		}
	})
}

func TestNoAckEndsTheCall(t *testing.T) {
	both(t, nil, func(r *rig, p *peer) {
		p.send(p.ask("INVITE", "c", "1", ";tag=b", "", 1, "offer"))
		p.want("100 INVITE")
		l := r.call(0)
		l.Answer(l.media)
		begin, n := time.Now(), 0
		var gaps []time.Duration
		for last := begin; ; n++ {
			m := p.get(200 * time.Second)
			if m.method == "BYE" {
				if took := time.Since(begin); took < 31*time.Second || took > 33*time.Second {
					t.Errorf("BYE after %v, want 32s", took)
				}
				p.send(p.answer(m, 200, "", ""))
				break
			}
			if label(m) != "200 INVITE" {
				t.Fatalf("got %s", label(m))
			}
			gaps = append(gaps, time.Since(last).Round(100*time.Millisecond))
			last = time.Now()
		}
		if len(gaps) < 10 || gaps[1] != 500*time.Millisecond || gaps[2] != time.Second || gaps[5] != 4*time.Second {
			t.Errorf("200 repeated after %v", gaps)
		}
		if e := event[Ended](t, l); e.Why != "no-ack" {
			t.Fatalf("ended %+v", e)
		}
		if got := r.ep.Stats().NoAck.Load(); got != 1 {
			t.Errorf("NoAck = %d, want 1", got)
		}
	})
}

func TestEndBeforeTheAckWaitsForIt(t *testing.T) {
	both(t, nil, func(r *rig, p *peer) {
		p.send(p.ask("INVITE", "c", "1", ";tag=b", "", 1, "offer"))
		p.want("100 INVITE")
		l := r.call(0)
		l.Answer(l.media)
		ok := p.want("200 INVITE")
		l.End(Cause{})
		p.silent(100 * time.Millisecond)
		p.send(p.ask("ACK", "c", "a", ";tag=b", ";tag="+ok.toTag, 1, ""))
		bye := p.want("BYE")
		p.send(p.answer(bye, 200, "", ""))
		event[Ended](t, l)
	})
}

func TestHoldAndResume(t *testing.T) {
	both(t, nil, func(r *rig, p *peer) {
		l, tag := r.talk(p, "c")
		for i, offer := range []string{"sendonly", "inactive", "sendrecv"} {
			p.send(p.ask("INVITE", "c", "h"+offer, ";tag=b", ";tag="+tag, 2+i, offer))
			ok := p.want("200 INVITE")
			if want := "us answer to " + offer + "\r\n"; ok.body != want {
				t.Errorf("answer %q, want %q", ok.body, want)
			}
			p.send(p.ask("ACK", "c", "ha"+offer, ";tag=b", ";tag="+tag, 2+i, ""))
		}
		synctest.Wait()
		l.media.refuseAll()
		p.send(p.ask("INVITE", "c", "bad", ";tag=b", ";tag="+tag, 5, "bad"))
		p.want("488 INVITE")
		p.send(p.ask("ACK", "c", "bad", ";tag=b", ";tag="+tag, 5, ""))
		p.silent(40 * time.Second)
		l.quiet(t)
	})
}

func TestReinviteGlare(t *testing.T) {
	t.Run("theirs meets ours", func(t *testing.T) {
		both(t, nil, func(r *rig, p *peer) {
			l, tag := r.talk(p, "c")
			l.Reoffer()
			ours := p.want("INVITE")
			p.send(p.ask("INVITE", "c", "g", ";tag=b", ";tag="+tag, 2, "their hold"))
			p.want("491 INVITE")
			p.send(p.ask("ACK", "c", "g", ";tag=b", ";tag="+tag, 2, ""))
			p.send(p.answer(ours, 200, "", "fine"))
			p.want("ACK")
			if e := event[Reoffered](t, l); e.Status != 200 || e.Err != nil {
				t.Fatalf("reoffered %+v", e)
			}
			p.send(p.ask("INVITE", "c", "g2", ";tag=b", ";tag="+tag, 3, "their hold"))
			p.want("200 INVITE")
			p.send(p.ask("ACK", "c", "g3", ";tag=b", ";tag="+tag, 3, ""))
		})
	})
	t.Run("ours is refused with 491 and tried again", func(t *testing.T) {
		both(t, nil, func(r *rig, p *peer) {
			l, _ := r.talk(p, "c")
			l.Reoffer()
			begin := time.Now()
			p.send(p.answer(p.want("INVITE"), 491, "", ""))
			p.want("ACK")
			again := p.want("INVITE")
			if took := time.Since(begin); took > 2100*time.Millisecond {
				t.Errorf("tried again after %v, want at most 2 s: the Call-ID is theirs", took)
			}
			p.send(p.answer(again, 200, "", "fine"))
			p.want("ACK")
			if e := event[Reoffered](t, l); e.Status != 200 {
				t.Fatalf("reoffered %+v", e)
			}
		})
	})
}

func TestReinviteBeforeTheAnswer(t *testing.T) {
	both(t, nil, func(r *rig, p *peer) {
		p.send(p.ask("INVITE", "c", "1", ";tag=b", "", 1, "offer"))
		p.want("100 INVITE")
		l := r.call(0)
		l.Ring()
		ring := p.want("180 INVITE")
		p.send(p.ask("INVITE", "c", "2", ";tag=b", ";tag="+ring.toTag, 2, "second"))
		m := p.want("500 INVITE")
		if m.get(hRetryAfter) == "" {
			t.Error("500 without Retry-After")
		}
		p.send(p.ask("ACK", "c", "2", ";tag=b", ";tag="+ring.toTag, 2, ""))
		l.Answer(l.media)
		p.want("200 INVITE")
	})
}

func TestLateOffer(t *testing.T) {
	both(t, nil, func(r *rig, p *peer) {
		p.send(p.ask("INVITE", "c", "1", ";tag=b", "", 1, ""))
		p.want("100 INVITE")
		l := r.call(0)
		if l.in.HasOffer {
			t.Error("HasOffer is set")
		}
		l.Progress(l.media)
		if m := p.want("180 INVITE"); m.body != "" {
			t.Errorf("180 with %q", m.body)
		}
		l.Answer(l.media)
		ok := p.want("200 INVITE")
		if ok.body != "us offer 1\r\n" {
			t.Fatalf("200 with %q, want our offer", ok.body)
		}
		p.send(p.ask("ACK", "c", "a", ";tag=b", ";tag="+ok.toTag, 1, "their answer"))
		event[Answered](t, l)
		if got := strings.Join(l.media.taken(), "|"); got != "their answer" {
			t.Errorf("accepted %q", got)
		}
	})
	t.Run("an ACK without the answer ends the call", func(t *testing.T) {
		bubble(t, nil, func(r *rig) {
			p := r.udp("10.0.0.2:5060")
			p.send(p.ask("INVITE", "c", "1", ";tag=b", "", 1, ""))
			p.want("100 INVITE")
			l := r.call(0)
			l.Answer(l.media)
			ok := p.want("200 INVITE")
			p.send(p.ask("ACK", "c", "a", ";tag=b", ";tag="+ok.toTag, 1, ""))
			p.send(p.answer(p.want("BYE"), 200, "", ""))
			if e := event[Ended](t, l); e.Why != "rejected" || e.Cause.Status != 488 {
				t.Fatalf("ended %+v", e)
			}
		})
	})
}

func TestInviteRepeats(t *testing.T) {
	bubble(t, nil, func(r *rig) {
		p := r.udp("10.0.0.2:5060")
		inv := p.ask("INVITE", "c", "1", ";tag=b", "", 1, "offer")
		p.send(inv)
		p.want("100 INVITE")
		l := r.call(0)
		l.Ring()
		p.want("180 INVITE")
		p.send(inv)
		p.want("180 INVITE")
		l.Answer(l.media)
		ok := p.want("200 INVITE")
		p.send(p.ask("ACK", "c", "a", ";tag=b", ";tag="+ok.toTag, 1, ""))
		event[Answered](t, l)
		p.send(inv)
		p.silent(20 * time.Second)
		if len(r.calls) != 1 {
			t.Errorf("%d calls, want 1", len(r.calls))
		}
	})
	t.Run("a refusal is repeated until its ACK", func(t *testing.T) {
		bubble(t, nil, func(r *rig) {
			p := r.udp("10.0.0.2:5060")
			inv := p.ask("INVITE", "c", "1", ";tag=b", "", 1, "offer")
			p.send(inv)
			p.want("100 INVITE")
			r.call(0).End(Cause{Status: 486})
			p.want("486 INVITE")
			p.send(inv)
			p.want("486 INVITE")
			m := p.want("486 INVITE")
			p.send(p.ask("ACK", "c", "1", ";tag=b", ";tag="+m.toTag, 1, ""))
			p.send(inv)
			p.silent(3 * time.Second)
		})
	})
}

func TestByeGlare(t *testing.T) {
	both(t, nil, func(r *rig, p *peer) {
		l, tag := r.talk(p, "c")
		l.End(Cause{})
		bye := p.want("BYE")
		p.send(p.ask("BYE", "c", "2", ";tag=b", ";tag="+tag, 2, ""))
		p.want("200 BYE")
		p.send(p.answer(bye, 481, "", ""))
		event[Ended](t, l)
		p.silent(time.Minute)
		if got := r.ep.Stats().Dialogs.Load(); got != 0 {
			t.Errorf("%d dialogs left", got)
		}
		if got := r.ep.Stats().Transactions.Load(); got != 0 {
			t.Errorf("%d transactions left", got)
		}
	})
}

func TestByeInTheEarlyDialog(t *testing.T) {
	both(t, nil, func(r *rig, p *peer) {
		p.send(p.ask("INVITE", "c", "1", ";tag=b", "", 1, "offer"))
		p.want("100 INVITE")
		l := r.call(0)
		l.Ring()
		ring := p.want("180 INVITE")
		p.send(p.ask("BYE", "c", "2", ";tag=b", ";tag="+ring.toTag, 2, ""))
		p.want("200 BYE")
		p.want("487 INVITE")
		if e := event[Ended](t, l); !e.ByPeer || e.Why != "bye" {
			t.Fatalf("ended %+v", e)
		}
	})
}

func TestUnknownDialog(t *testing.T) {
	both(t, nil, func(r *rig, p *peer) {
		for i, method := range []string{"BYE", "INFO", "INVITE", "UPDATE", "PRACK", "NOTIFY", "OPTIONS"} {
			p.send(p.ask(method, "x", "u"+method, ";tag=b", ";tag=nobody", 2+i, ""))
			p.want("481 " + method)
		}
		p.send(p.ask("CANCEL", "y", "stray", ";tag=b", "", 1, ""))
		p.want("481 CANCEL")
		p.send(p.ask("ACK", "y", "stray2", ";tag=b", ";tag=nobody", 1, ""))
		p.silent(5 * time.Second)
	})
}

func TestTargetRefresh(t *testing.T) {
	bubble(t, nil, func(r *rig) {
		p, moved := r.udp("10.0.0.2:5060"), r.udp("10.0.0.9:5070")
		l, tag := r.talk(p, "c")
		p.send(p.ask("INVITE", "c", "h", ";tag=b", ";tag="+tag, 2, "offer", "Contact: <sip:new@10.0.0.9:5070>"))
		p.want("200 INVITE")
		p.send(p.ask("ACK", "c", "ha", ";tag=b", ";tag="+tag, 2, ""))
		if e := event[Updated](t, l); e.State.Target != "sip:new@10.0.0.9:5070" {
			t.Fatalf("updated %+v", e)
		}
		l.End(Cause{})
		bye := moved.want("BYE")
		if bye.target != "sip:new@10.0.0.9:5070" {
			t.Errorf("BYE to %s", bye.target)
		}
		moved.send(moved.answer(bye, 200, "", ""))
		event[Ended](t, l)
	})
}

func TestContactBehindNAT(t *testing.T) {
	bubble(t, nil, func(r *rig) {
		p := r.udp("10.0.0.2:34567")
		private := "Contact: <sip:bob@192.168.1.7:5060>"
		text := p.ask("INVITE", "c", "1", ";tag=b", "", 1, "offer", private)
		text = strings.Replace(text, "UDP 10.0.0.2:34567", "UDP 192.168.1.7:5060", 1)
		p.send(text)
		m := p.want("100 INVITE")
		if !strings.Contains(m.get(hVia), "received=10.0.0.2;rport=34567") {
			t.Errorf("Via %q", m.get(hVia))
		}
		l := r.call(0)
		l.Answer(l.media)
		ok := p.want("200 INVITE")
		p.send(p.ask("ACK", "c", "a", ";tag=b", ";tag="+ok.toTag, 1, ""))
		event[Answered](t, l)
		l.End(Cause{})
		if bye := p.want("BYE"); bye.target != "sip:bob@192.168.1.7:5060" {
			t.Errorf("BYE to %s: the Request-URI is the Contact, whatever the way", bye.target)
		}
	})
}

func TestRouteSet(t *testing.T) {
	bubble(t, nil, func(r *rig) {
		p, proxy := r.udp("10.0.0.2:5060"), r.udp("10.0.0.8:5060")
		text := p.ask("INVITE", "c", "1", ";tag=b", "", 1, "offer",
			"Record-Route: <sip:10.0.0.8;lr>, <sip:10.0.0.7;lr>", "Record-Route: <sip:10.0.0.6;lr>")
		p.send(text)
		p.want("100 INVITE")
		l := r.call(0)
		l.Answer(l.media)
		ok := p.want("200 INVITE")
		if got := strings.Join(ok.values(hRecordRoute), ","); got != "<sip:10.0.0.8;lr>,<sip:10.0.0.7;lr>,<sip:10.0.0.6;lr>" {
			t.Errorf("Record-Route %s", got)
		}
		p.send(p.ask("ACK", "c", "a", ";tag=b", ";tag="+ok.toTag, 1, ""))
		event[Answered](t, l)
		l.End(Cause{})
		bye := proxy.want("BYE")
		if got := strings.Join(bye.values(hRoute), ","); got != "<sip:10.0.0.8;lr>,<sip:10.0.0.7;lr>,<sip:10.0.0.6;lr>" || bye.target != "sip:bob@10.0.0.2:5060" {
			t.Errorf("BYE %s by %s", bye.target, got)
		}
	})
}

func TestLowerCSeq(t *testing.T) {
	both(t, nil, func(r *rig, p *peer) {
		l, tag := r.talk(p, "c")
		p.send(p.ask("INFO", "c", "5", ";tag=b", ";tag="+tag, 5, "Signal=5\r\nDuration=120", "Content-Type: application/dtmf-relay"))
		p.want("200 INFO")
		if e := event[Digit](t, l); e.Rune != '5' || e.Duration != 120*time.Millisecond {
			t.Errorf("digit %+v", e)
		}
		p.send(p.ask("INFO", "c", "4", ";tag=b", ";tag="+tag, 4, ""))
		p.want("500 INFO")
		p.send(p.ask("OPTIONS", "c", "6", ";tag=b", ";tag="+tag, 6, ""))
		p.want("200 OPTIONS")
		l.quiet(t)
	})
}

func TestMergedLoopedAndTiredRequests(t *testing.T) {
	both(t, nil, func(r *rig, p *peer) {
		p.send(p.ask("INVITE", "c", "1", ";tag=b", "", 1, "offer"))
		p.want("100 INVITE")
		p.send(p.ask("INVITE", "c", "other", ";tag=b", "", 1, "offer"))
		p.want("482 INVITE")
		p.send(p.ask("INVITE", "d", "2", ";tag=b", "", 1, "offer", "Max-Forwards: 0"))
		p.want("483 INVITE")
		p.send(p.ask("OPTIONS", "e", "3", ";tag=b", "", 1, "", "Max-Forwards: 0"))
		p.want("200 OPTIONS")
	})
	t.Run("an INVITE of ours that comes back", func(t *testing.T) {
		bubble(t, nil, func(r *rig) {
			l := r.dial(nil, "sip:loop@10.0.0.1:5060")
			if e := event[Failed](t, l); e.Status != 482 {
				t.Fatalf("failed %+v", e)
			}
			if got := r.ep.Stats().Loops.Load(); got != 1 {
				t.Errorf("Loops = %d, want 1", got)
			}
		})
	})
}
