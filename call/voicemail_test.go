package call_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hotline/call"
	"hotline/internal/phone"
	"hotline/store"
)

// mailCenter is wholeCenter with Ann's own box, one that both share, and numbers
// that lead there.
func mailCenter() store.Center {
	c := wholeCenter()
	c.Voicemail = map[string]store.Mailbox{
		"ann":   {Agent: "1001", PIN: "2468"},
		"sales": {Agents: []string{"1001", "1002"}, MaxLength: store.Duration(20 * time.Second)},
	}
	a := c.Agents["1001"]
	a.Voicemail = "ann"
	c.Agents["1001"] = a
	c.Numbers["4020"] = store.Number{To: "voicemail:sales"}
	c.Numbers["4021"] = store.Number{To: "agent:1001"}
	c.Numbers["4022"] = store.Number{To: "voicemail-box:ann"}
	c.Numbers["4023"] = store.Number{To: "voicemail:ann"}
	return c
}

// caller1 calls from outside.
func (b *bed) caller1() *phone.Phone {
	return b.phone("10.0.1.1:5060", phone.Config{User: "4930123456"})
}

// leaves has a caller leave a message of a tone in a box.
func (b *bed) leaves(p *phone.Phone, number string, hz float64, d time.Duration) *phone.Call {
	b.t.Helper()
	c := b.dials(p, number)
	must(b.t, c.WaitSpeech(b.ctx()))
	must(b.t, c.Press(b.ctx(), "0", 0)) // skips the greeting
	time.Sleep(time.Second)             // the beep
	c.Tone(hz)
	time.Sleep(d)
	return c
}

// message is the only one of a box.
func (b *bed) message(box string) store.Voicemail {
	b.t.Helper()
	time.Sleep(time.Second)
	list, err := b.eng.Voicemails(box)
	if err != nil || len(list) != 1 {
		b.t.Fatalf("box %s: got %+v, %v, want one message", box, list, err)
	}
	return list[0]
}

func TestACallerLeavesAMessageThatEndsWithHashOrHangUpOrSilenceOrItsLimit(t *testing.T) {
	for name, c := range map[string]struct {
		end   func(b *bed, c *phone.Call)
		trace string
		most  time.Duration
	}{
		"hash": {func(b *bed, c *phone.Call) {
			c.Quiet()
			must(b.t, c.Press(b.ctx(), "#", 0))
			must(b.t, c.WaitDone(b.ctx()))
			heard(b.t, c.Listen(), "en", "voicemail-saved")
		}, "voicemail sales; message left; goodbye; end: left a message", 5 * time.Second},
		"hang up": {func(b *bed, c *phone.Call) { c.Hangup() }, "voicemail sales; message left; end: caller hung up", 5 * time.Second},
		"silence": {func(b *bed, c *phone.Call) {
			c.Quiet()
			time.Sleep(12 * time.Second)
		}, "voicemail sales; silence; message left; goodbye; end: left a message", 16 * time.Second},
		"limit": {func(b *bed, c *phone.Call) { time.Sleep(30 * time.Second) }, "voicemail sales; message too long; message left; goodbye; end: left a message", 21 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, mailCenter(), func(b *bed) {
				x := b.leaves(b.caller1(), "4020", callerHz, 3*time.Second)
				c.end(b, x)
				r := b.wantTrace(c.trace)
				v := b.message("sales")
				if v.Caller != "4930123456" || v.Call != r.ID || v.State() != store.VoicemailNew || v.Length.D() < 3*time.Second || v.Length.D() > c.most {
					t.Errorf("got message %+v of %v", v, v.Length)
				}
				if r.Recording != v.ID {
					t.Errorf("got recording %q in the record, want %q", r.Recording, v.ID)
				}
				_, sides := b.recorded(v.ID)
				if got := loudness(sides[0][8000:16000], callerHz); got < 0.5 {
					t.Errorf("the caller's words are not in the message: %.2f", got)
				}
			})
		})
	}
}

func TestAMessageWithoutWordsIsDropped(t *testing.T) {
	for name, d := range map[string]time.Duration{"too short": 100 * time.Millisecond, "silent": 0} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, mailCenter(), func(b *bed) {
				c := b.leaves(b.caller1(), "4020", callerHz, d)
				if d == 0 {
					c.Quiet()
					time.Sleep(4 * time.Second)
				}
				c.Hangup()
				r := b.oneCDR()
				if list, err := b.eng.Voicemails(""); len(list) > 0 || err != nil || r.Recording != "" {
					t.Errorf("got %+v, %v, recording %q, want none", list, err, r.Recording)
				}
				if list := b.recordings(); len(list) > 0 {
					t.Errorf("got recordings %+v, want none", list)
				}
				if list, err := b.recs.List(); err != nil || len(list) > 0 {
					t.Errorf("got files %+v, %v, want none", list, err)
				}
			})
		})
	}
}

func TestACallThatAnAgentDoesNotAnswerGoesToHisBox(t *testing.T) {
	inBubble(t, mailCenter(), func(b *bed) {
		b.agent("1001", "10.0.0.11:5060", phone.RejectAfter(time.Second, 486))
		c := b.leaves(b.caller1(), "4021", callerHz, 3*time.Second)
		c.Hangup()
		b.wantTrace("dial agent 1001; failed: 486 Busy Here; voicemail ann; message left; end: caller hung up")
		b.message("ann")
	})
}

func TestAnAgentHearsHisMessagesClaimsAndHandlesThem(t *testing.T) {
	inBubble(t, mailCenter(), func(b *bed) {
		ann := b.agent("1001", "10.0.0.11:5060", nil)
		bob := b.agent("1002", "10.0.0.12:5060", nil)
		b.leaves(b.caller1(), "4020", callerHz, 3*time.Second).Hangup()
		id := b.message("sales").ID

		listens := b.dials(ann, "*97")
		must(t, listens.WaitTone(b.ctx(), callerHz))
		heard(t, listens.Listen(), "en", "voicemail-from")
		time.Sleep(4 * time.Second)
		must(t, listens.Press(b.ctx(), "1", 0)) // again
		time.Sleep(500 * time.Millisecond)
		from := time.Now()
		must(t, listens.WaitTone(b.ctx(), callerHz))
		if time.Since(from) < time.Second {
			t.Error("the message was not heard again")
		}
		must(t, listens.Press(b.ctx(), "4", 0))
		time.Sleep(2 * time.Second)
		if v := b.message("sales"); v.State() != store.VoicemailClaimed || v.Claimed != "1001" || v.Heard.IsZero() {
			t.Errorf("got %+v, want it claimed by 1001 and heard", v)
		}

		second := b.dials(bob, "*97")
		must(t, second.WaitTone(b.ctx(), callerHz))
		must(t, second.Press(b.ctx(), "4", 0))
		time.Sleep(3 * time.Second)
		heard(t, second.Listen(), "en", "voicemail-claimed-by")
		must(t, second.Press(b.ctx(), "3", 0)) // what is another's can't be deleted
		time.Sleep(3 * time.Second)
		second.Hangup()
		if _, err := b.eng.ClaimVoicemail(id, "1002", "test"); !errors.Is(err, call.ErrClaimed) || !strings.Contains(err.Error(), "1001") {
			t.Errorf("second claim: got %v, want that 1001 has it", err)
		}
		listens.Hangup()
		last := b.dials(ann, "*97")
		must(t, last.WaitTone(b.ctx(), callerHz))
		must(t, last.Press(b.ctx(), "5", 0))
		time.Sleep(2 * time.Second)
		if v := b.message("sales"); v.State() != store.VoicemailHandled || v.Handled != "1001" {
			t.Errorf("got %+v, want it handled by 1001", v)
		}
		last.Hangup()
		time.Sleep(time.Second)
		empty := b.dials(ann, "*97")
		must(t, empty.WaitDone(b.ctx()))
		heard(t, empty.Listen(), "en", "voicemail-none")
		must(t, b.eng.DeleteVoicemail(id, "test"))
		if err := b.eng.DeleteVoicemail(id, "test"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("second deletion: got %v, want not found", err)
		}
		if list, _ := b.recs.List(); len(list) > 0 {
			t.Errorf("got files %+v, want none", list)
		}
		if _, err := b.eng.ClaimVoicemail(id, "1001", "test"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("claim of what is gone: got %v", err)
		}
		b.cdrs()
	})
}

func TestABoxIsHeardFromOutsideWithItsPINOnly(t *testing.T) {
	inBubble(t, mailCenter(), func(b *bed) {
		p := b.caller1()
		b.leaves(p, "4023", callerHz, 3*time.Second).Hangup()
		b.message("ann")
		enters := func(pins ...string) *phone.Call {
			c := b.dials(p, "4022")
			for _, pin := range pins {
				time.Sleep(3 * time.Second)
				must(t, c.Press(b.ctx(), pin, 50*time.Millisecond))
			}
			return c
		}
		right := enters("1111", "2468")
		must(t, right.WaitTone(b.ctx(), callerHz))
		right.Hangup()
		for range 2 {
			wrong := enters("1111", "2222", "3333")
			must(t, wrong.WaitDone(b.ctx()))
		}
		barred := enters()
		must(t, barred.WaitDone(b.ctx()))
		all := b.cdrs()
		if got := all[len(all)-1]; !strings.Contains(got.Trace, "too many wrong PINs") || got.Cause.Blame != "caller" {
			t.Errorf("after six wrong PINs: got %s", got.Trace)
		}
		time.Sleep(time.Hour)
		late := enters("2468")
		must(t, late.WaitTone(b.ctx(), callerHz))
		late.Hangup()
	})
}

func TestSomebodyIsCalledAboutANewMessageAndHearsItAfterAKey(t *testing.T) {
	for _, where := range []string{"agent", "number"} {
		t.Run(where, func(t *testing.T) {
			center := mailCenter()
			center.Trunks["out"] = store.Trunk{Peers: []string{"sip:10.0.2.9:5060"}, CallerID: "4930999"}
			box := center.Voicemail["ann"]
			box.Notify = &store.Notify{To: "agent:1002", Tries: 2, Pause: store.Duration(time.Minute)}
			if where == "number" {
				box.Notify.To, box.Notify.Trunk = "491701234", "out"
			}
			center.Voicemail["ann"] = box
			inBubble(t, center, func(b *bed) {
				var told *phone.Phone
				if where == "agent" {
					told = b.agent("1002", "10.0.0.12:5060", phone.RingForever())
				} else {
					told = b.phone("10.0.2.9:5060", phone.Config{User: "491701234", Policy: phone.RingForever()})
				}
				b.leaves(b.caller1(), "4023", callerHz, 3*time.Second).Hangup()
				time.Sleep(10 * time.Second)
				told.SetPolicy(phone.AnswerAfter(time.Second))
				time.Sleep(2 * time.Minute)
				if v := b.message("ann"); v.Told != 2 {
					t.Errorf("got %d calls, want 2", v.Told)
				}
				time.Sleep(10 * time.Minute)
				if v := b.message("ann"); v.Told != 2 || v.State() != store.VoicemailNew {
					t.Errorf("got %d calls, state %s, want 2 and no more", v.Told, v.State())
				}
			})
		})
	}
}

func TestWhoIsCalledAboutAMessageHearsItAfterAKey(t *testing.T) {
	center := mailCenter()
	center.Trunks["out"] = store.Trunk{Peers: []string{"sip:10.0.2.9:5060"}, CallerID: "4930999"}
	box := center.Voicemail["ann"]
	box.Notify = &store.Notify{To: "491701234", Trunk: "out"}
	center.Voicemail["ann"] = box
	inBubble(t, center, func(b *bed) {
		told := b.phone("10.0.2.9:5060", phone.Config{User: "491701234"})
		b.leaves(b.caller1(), "4023", callerHz, 3*time.Second).Hangup()
		c, err := told.Accept(b.ctx())
		must(t, err)
		c.Answer()
		must(t, c.WaitSpeech(b.ctx()))
		time.Sleep(2 * time.Second)
		if c.HeardTone(callerHz, time.Now().Add(-2*time.Second)) {
			t.Error("the message was heard without a key")
		}
		must(t, c.Press(b.ctx(), "1", 0))
		must(t, c.WaitTone(b.ctx(), callerHz))
		time.Sleep(5 * time.Second)
		c.Hangup()
		if v := b.message("ann"); v.Heard.IsZero() || v.Told != 1 {
			t.Errorf("got %+v, want it heard after one call", v)
		}
		time.Sleep(15 * time.Minute)
		if v := b.message("ann"); v.Told != 1 {
			t.Errorf("got %d calls, want no more than one", v.Told)
		}
		b.cdrs()
		synctest.Wait()
	})
}

func TestAMessageThatAKillCutsOffIsKept(t *testing.T) {
	inBubble(t, mailCenter(), func(b *bed) {
		b.leaves(b.caller1(), "4020", callerHz, 5*time.Second)
		again := b.killed()
		defer again.end()
		v := again.message("sales")
		if v.Caller != "4930123456" || v.Length.D() < 3*time.Second {
			t.Errorf("got %+v of %v, want the caller's words so far", v, v.Length)
		}
	})
}

func TestLampsTellOfNewMessages(t *testing.T) {
	inBubble(t, mailCenter(), func(b *bed) {
		secret, err := b.eng.NewSecret("1002")
		must(t, err)
		B := b.newPeer("UDP", addrB)
		B.user = "1002"
		notified := B.watchesMessages("1002", secret)
		if got := notified(); !strings.Contains(got, "Voice-Message: 0/0") {
			t.Errorf("at first: got %q, want 0/0", got)
		}
		b.leaves(b.caller1(), "4020", callerHz, 3*time.Second).Hangup()
		if got := notified(); !strings.Contains(got, "Messages-Waiting: yes") || !strings.Contains(got, "Voice-Message: 1/0") {
			t.Errorf("after a message: got %q, want 1/0", got)
		}
		_, err = b.eng.ClaimVoicemail(b.message("sales").ID, "1001", "test")
		must(t, err)
		if got := notified(); !strings.Contains(got, "Voice-Message: 0/1") {
			t.Errorf("claimed by another: got %q, want 0/1", got)
		}
	})
}

func TestFlowsLeadToMailboxesAndGoOnAfterThem(t *testing.T) {
	center := mailCenter()
	center.Numbers["4024"] = store.Number{To: "flow:mail"}
	center.Flows["mail"] = store.Flow{Start: "m", Nodes: []byte(`{
		"m": {"kind": "menu", "prompts": ["welcome"], "keys": {"1": "leave", "2": "hear"}, "default": "bye"},
		"leave": {"kind": "voicemail", "box": "sales", "next": "bye"},
		"hear": {"kind": "voicemail-box", "box": "ann", "failed": "bye"},
		"bye": {"kind": "hangup", "prompts": ["goodbye"]}}`)}
	inBubble(t, center, func(b *bed) {
		p := b.caller1()
		c := b.dials(p, "4024")
		must(t, c.Press(b.ctx(), "1", 0))
		time.Sleep(time.Second)
		must(t, c.Press(b.ctx(), "0", 0))
		time.Sleep(time.Second)
		c.Tone(callerHz)
		time.Sleep(3 * time.Second)
		must(t, c.Press(b.ctx(), "#", 0))
		must(t, c.WaitDone(b.ctx()))
		b.message("sales")
		d := b.dials(p, "4024")
		must(t, d.Press(b.ctx(), "2", 0))
		must(t, d.WaitDone(b.ctx())) // he knows no PIN
		all := b.cdrs()
		for i, want := range []string{"menu; voicemail sales; message left; menu; end: flow ended", "menu; voicemail box; menu; end: flow ended"} {
			if all[i].Trace != want {
				t.Errorf("got trace %s, want %s", all[i].Trace, want)
			}
		}
	})
}

// watchesMessages subscribes to an account's messages; what it returns waits for
// the next notification and gives its body.
func (p *peer) watchesMessages(user, secret string) func() string {
	p.t.Helper()
	target := "sip:" + user + "@" + engineAddr
	ask := func(cseq int, auth string) {
		p.send(fmt.Sprintf("SUBSCRIBE %[1]s SIP/2.0\r\nVia: SIP/2.0/UDP %[2]s;branch=z9hG4bKmwi%[3]d\r\nMax-Forwards: 70\r\n"+
			"From: <sip:%[4]s@hotline>;tag=mwi\r\nTo: <sip:%[4]s@hotline>\r\nCall-ID: mwi@%[2]s\r\nCSeq: %[3]d SUBSCRIBE\r\n"+
			"Contact: <sip:%[4]s@%[2]s>\r\nEvent: message-summary\r\nExpires: 3600\r\n%[5]sContent-Length: 0\r\n\r\n", target, p.addr, cseq, user, auth))
	}
	ask(1, "")
	no := p.await("challenge", 5*time.Second, isResponse(401, "SUBSCRIBE"))
	ask(2, "Authorization: "+digestOf(p.t, no.get("WWW-Authenticate"), "SUBSCRIBE", target, user, secret, "c", 1)+"\r\n")
	p.await("200", 5*time.Second, func(m *msg) bool { return m.method() == "SUBSCRIBE" && m.status()/100 == 2 })
	return func() string {
		p.t.Helper()
		m := p.await("NOTIFY", 10*time.Second, isRequest("NOTIFY"))
		reply := "SIP/2.0 200 OK\r\n"
		for _, h := range []string{"Via", "From", "To", "Call-ID", "CSeq"} {
			for _, v := range m.all(h) {
				reply += h + ": " + v + "\r\n"
			}
		}
		m.reply(reply + "Content-Length: 0\r\n\r\n")
		return m.body
	}
}
