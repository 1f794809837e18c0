package sip

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Calls that take the place of others (RFC 3891).

func replacesLine(id DialogID) string { return "Replaces: " + id.header() }

// seen is how a peer whose tag is "b" names our dialog to us.
func seen(l *leg) DialogID {
	s := l.State()
	return DialogID{CallID: s.CallID, ToTag: s.LocalTag, FromTag: s.RemoteTag}
}

func TestACallTakesThePlaceOfAnother(t *testing.T) {
	both(t, nil, func(r *rig, p *peer) {
		old, tag := r.talk(p, "old")
		q := r.udp("10.0.0.3:5060")
		q.send(q.ask("INVITE", "new", "1", ";tag=q", "", 1, "offer", replacesLine(DialogID{CallID: "old", ToTag: tag, FromTag: "b"}), "Require: replaces"))
		q.want("100 INVITE")
		l := r.call(1)
		if l.in.Replaces != old.Dialog || l.in.ReplacesEarly {
			t.Fatalf("replaces %p, want %p", l.in.Replaces, old.Dialog)
		}
		l.Answer(l.media)
		ok := q.want("200 INVITE")
		if !strings.Contains(ok.get(hSupported), "replaces") {
			t.Errorf("Supported: %s", ok.get(hSupported))
		}
		q.send(q.ask("ACK", "new", "a", ";tag=q", ";tag="+ok.toTag, 1, ""))
		event[Answered](t, l)
		old.End(Cause{})
		p.send2(t, "BYE")
		event[Ended](t, old)
	})
}

func TestReplacesThatCannotBeMet(t *testing.T) {
	both(t, nil, func(r *rig, p *peer) {
		old, tag := r.talk(p, "old")
		over, overTag := r.talk(p, "over")
		p.send(p.ask("BYE", "over", "bye", ";tag=b", ";tag="+overTag, 2, ""))
		p.want("200 BYE")
		event[Ended](t, over)
		p.send(p.ask("INVITE", "rings", "rings", ";tag=b", "", 1, "offer"))
		p.want("100 INVITE")
		r.call(2).Ring()
		rings := p.want("180 INVITE")
		q := r.udp("10.0.0.3:5060")
		good := "old;to-tag=" + tag + ";from-tag=b"
		for i, c := range []struct {
			line   string
			status int
		}{
			{"Replaces: nothing;to-tag=a;from-tag=b", 481},
			{"Replaces: old;to-tag=" + tag + ";from-tag=c", 481},
			{"Replaces: rings;to-tag=" + rings.toTag + ";from-tag=b", 481}, // early, and not of our making
			{"Replaces: over;to-tag=" + overTag + ";from-tag=b", 603},
			{"Replaces: " + good + ";early-only", 486},
			{"Replaces: " + good + "\r\nReplaces: " + good, 400},
			{"Replaces: old;to-tag=" + tag, 400}, {"Replaces: ;to-tag=a;from-tag=b", 400}, {"Replaces: old;to-tag=a;to-tag=b;from-tag=c", 400},
			{"Replaces: old;to-tag=;from-tag=c", 400}, {"Replaces: " + strings.Repeat("x", 2000) + ";to-tag=a;from-tag=b", 400},
		} {
			id := fmt.Sprint("new", i)
			q.send(q.ask("INVITE", id, id, ";tag=q", "", 1, "offer", c.line))
			m := q.get(time.Second)
			if m != nil && m.status == 100 {
				m = q.get(time.Second)
			}
			if m == nil || m.status != c.status {
				t.Errorf("%.60s: got %v, want %d", c.line, m, c.status)
			}
			if m != nil {
				q.send(q.ask("ACK", id, id, ";tag=q", ";tag="+m.toTag, 1, ""))
			}
		}
		if len(r.calls) != 3 {
			t.Errorf("%d calls, want 3", len(r.calls))
		}
		old.quiet(t)
	})
}

func TestAStrangerCannotTakeACall(t *testing.T) {
	bubble(t, func(c *Config) {
		accounts(c)
		c.MayReplace = nil
	}, func(r *rig) {
		p := r.udp("10.0.0.2:5060") // a trunk
		_, tag := r.talk(p, "old")
		q := r.udp("198.51.100.7:5060") // bob, a phone
		line := "Replaces: old;to-tag=" + tag + ";from-tag=b"
		q.send(q.ask("INVITE", "new", "1", ";tag=q", "", 1, "offer", line))
		m := q.want("401 INVITE")
		q.send(q.ask("ACK", "new", "1", ";tag=q", ";tag="+m.toTag, 1, ""))
		q.send(q.ask("INVITE", "new", "2", ";tag=q", "", 2, "offer", line, sign(t, "INVITE", "sip:4000@10.0.0.1", m)))
		q.want("100 INVITE")
		q.want("403 INVITE")
		if len(r.calls) != 1 {
			t.Errorf("%d calls, want 1", len(r.calls))
		}
	})
	t.Run("unless the owner lets him", func(t *testing.T) {
		var asked *Dialog
		bubble(t, func(c *Config) { c.MayReplace = func(in *Incoming, old *Dialog) bool { asked = old; return true } }, func(r *rig) {
			l := r.dial(nil, "sip:bob@10.0.0.2:5060") // rings: an early dialog of our making
			p := r.udp("10.0.0.2:5060")
			inv := p.want("INVITE")
			p.send(p.answer(inv, 180, "b", ""))
			event[Ringing](t, l)
			q := r.udp("10.0.0.3:5060") // picks it up
			q.send(q.ask("INVITE", "new", "1", ";tag=q", "", 1, "offer", "Replaces: "+inv.callID+";to-tag="+inv.fromTag+";from-tag=b;early-only"))
			q.want("100 INVITE")
			in := r.call(0).in
			if in.Replaces != l.Dialog || !in.ReplacesEarly || asked != l.Dialog {
				t.Errorf("replaces %p, asked %p, want %p", in.Replaces, asked, l.Dialog)
			}
			l.End(Elsewhere)
			c := p.want("CANCEL")
			if got := c.get(hReason); got != `SIP;cause=200;text="Call completed elsewhere"` {
				t.Errorf("Reason %q", got)
			}
		})
	})
}

func TestARingingCallIsPickedUpByWhatALampSays(t *testing.T) {
	callees(t, func(c *Config) {
		watching(c)
		c.MayReplace = func(*Incoming, *Dialog) bool { return true }
	}, func(r *rig, p *peer) {
		l := r.dial(nil, p.uri())
		inv := p.want("INVITE")
		p.send(p.answer(inv, 180, "b", ""))
		event[Ringing](t, l)
		lamp := l.Lamp()
		lamp.State, lamp.Incoming = "early", true
		r.ep.PublishDialogState("1001", lamp)
		q := r.udp("10.0.0.3:5060")
		q.subscribe("s", "", "1001", 1, "Event: dialog")
		q.want("200 SUBSCRIBE")
		d, _ := q.lamp("active")
		x := d.Dialogs[0] // its local end is the phone that rings
		if x.CallID != inv.callID || x.LocalTag != "b" || x.RemoteTag != inv.fromTag || x.Direction != "recipient" {
			t.Fatalf("lamp %+v", x)
		}
		q.send(q.ask("INVITE", "new", "1", ";tag=q", "", 1, "offer", "Replaces: "+x.CallID+";to-tag="+x.LocalTag+";from-tag="+x.RemoteTag+";early-only"))
		q.want("100 INVITE")
		if got := r.call(0).in.Replaces; got != l.Dialog {
			t.Errorf("replaces %p, want %p", got, l.Dialog)
		}
	})
}

func TestACallerWhoLeavesWhileHisReplacesIsLookedUp(t *testing.T) {
	bubble(t, nil, func(r *rig) {
		p := r.udp("10.0.0.2:5060")
		_, tag := r.talk(p, "old")
		for i := range 20 {
			id := fmt.Sprint("n", i)
			p.send(p.ask("INVITE", id, id, ";tag=q", "", 1, "offer", "Replaces: old;to-tag="+tag+";from-tag=b"))
			p.send(p.ask("CANCEL", id, id, ";tag=q", "", 1, ""))
			for range 3 { // 100, 200 of CANCEL, 487
				if m := p.get(time.Second); m == nil || m.status == 481 {
					t.Fatalf("got %v", m)
				}
			}
			p.send(p.ask("ACK", id, id, ";tag=q", "", 1, ""))
		}
	})
}

func TestWeTakeThePlaceOfACall(t *testing.T) {
	callees(t, nil, func(r *rig, p *peer) {
		first, inv := r.reach(p)
		id := first.Replaces()
		l := r.dial(func(i *Invite) { i.Replaces = &id }, p.uri())
		if p.tcp {
			p.t.Helper()
		}
		m := p.want("INVITE")
		if got, want := strings.Join(m.named("Replaces"), "|"), inv.callID+";to-tag=b;from-tag="+inv.fromTag; got != want {
			t.Errorf("Replaces %q, want %q", got, want)
		}
		if !m.lists(hRequire, "replaces") {
			t.Error("no Require: replaces")
		}
		p.send(p.answer(m, 200, "n", "answer"))
		p.want("ACK")
		event[Answered](t, l)
	})
}

func TestAttendedTransferNamesOurDialog(t *testing.T) {
	both(t, nil, func(r *rig, p *peer) {
		a, aTag := r.talk(p, "a")
		b, _ := r.talk(p, "b")
		esc := escapeHeader(seen(b).header())
		p.send(p.ask("REFER", "a", "r", ";tag=b", ";tag="+aTag, 2, "", "Refer-To: <sip:carol@10.0.0.1?Replaces="+esc+">"))
		ref := event[Referred](t, a)
		if ref.Old != b.Dialog || *ref.Replaces != seen(b) || ref.Refusal != 0 {
			t.Errorf("old %p, want %p; %+v, refusal %d", ref.Old, b.Dialog, ref.Replaces, ref.Refusal)
		}
		ref.Reject(603)
		p.want("603 REFER")
		p.send(p.ask("REFER", "a", "r2", ";tag=b", ";tag="+aTag, 3, "", "Refer-To: <sip:carol@10.0.0.1?Replaces=no%3Bto-tag%3Dx%3Bfrom-tag%3Dy>"))
		ref = event[Referred](t, a)
		if ref.Old != nil || ref.Refusal != 481 {
			t.Errorf("old %p, refusal %d, want 481", ref.Old, ref.Refusal)
		}
	})
}

// FuzzReplaces: what is read is written again and means the same.
func FuzzReplaces(f *testing.F) {
	for _, s := range []string{"a@b;to-tag=x;from-tag=y", "a;from-tag=1;to-tag=2;early-only", ";to-tag=a;from-tag=b", "a;to-tag=\"x\";from-tag=y;z=\";\""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, ok := parseReplaces(s)
		if !ok {
			return
		}
		if back, ok := parseReplaces(id.header()); !ok || back != id {
			t.Fatalf("%q read as %+v, written %q, read %+v", s, id, id.header(), back)
		}
		r, status := readReferTo("<sip:a@b?Replaces=" + escapeHeader(id.header()) + ">")
		if status != 0 || *r.Replaces != id {
			t.Fatalf("%+v lost in a Refer-To: %d", id, status)
		}
	})
}

// FuzzReferTo: no value breaks the reader, and what it gives is safe to send.
func FuzzReferTo(f *testing.F) {
	for _, s := range []string{"<sip:a@b>", "sip:a@b?x=y", "\"A\" <sip:a@b;method=INVITE?Replaces=x%3Bto-tag%3D1%3Bfrom-tag%3D2&a=%0d>", "tel:+1;x=y"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, status := readReferTo(s)
		if status != 0 {
			return
		}
		for _, h := range r.Headers {
			if !isToken(h[0]) || !safeValue(h[1]) {
				t.Fatalf("%q gives header %q", s, h)
			}
		}
		if r.Replaces != nil && r.Replaces.header() == "" {
			t.Fatalf("%q gives %+v", s, r.Replaces)
		}
	})
}

// FuzzFrag: a sipfrag gives a status or nothing, and its phrase is harmless.
func FuzzFrag(f *testing.F) {
	for _, s := range []string{"SIP/2.0 200 OK\r\n", "SIP/2.0 100", "\r\nsip/2.0 180  x\nTo: y", "SIP/2.0 99 x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		status, reason, ok := readFrag(s)
		if ok && (status < 100 || status > 699 || !safeValue(reason)) {
			t.Fatalf("%q read as %d %q", s, status, reason)
		}
	})
}
