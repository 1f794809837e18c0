package sip

import (
	"encoding/xml"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"
)

// Lamps and messages: who watches, and what he is told.

// lampDoc is a dialog-info document as a phone reads it.
type lampDoc struct {
	XMLName xml.Name `xml:"urn:ietf:params:xml:ns:dialog-info dialog-info"`
	Version int      `xml:"version,attr"`
	State   string   `xml:"state,attr"`
	Entity  string   `xml:"entity,attr"`
	Dialogs []struct {
		ID        string `xml:"id,attr"`
		CallID    string `xml:"call-id,attr"`
		LocalTag  string `xml:"local-tag,attr"`
		RemoteTag string `xml:"remote-tag,attr"`
		Direction string `xml:"direction,attr"`
		State     string `xml:"state"`
		Remote    struct {
			Identity struct {
				URI     string `xml:",chardata"`
				Display string `xml:"display,attr"`
			} `xml:"identity"`
		} `xml:"remote"`
	} `xml:"dialog"`
}

func readLamp(t *testing.T, body string) (d lampDoc) {
	t.Helper()
	if err := xml.Unmarshal([]byte(body), &d); err != nil {
		t.Fatalf("no valid XML: %v\n%s", err, body)
	}
	return d
}

// watching is an endpoint where trunks may watch too, so that no log-in stands in the way.
func watching(c *Config) { c.MaySubscribe = func(Peer, string, string) int { return 0 } }

func (p *peer) subscribe(id, toTag, aor string, cseq int, headers ...string) {
	p.t.Helper()
	text := p.ask("SUBSCRIBE", id, fmt.Sprint(id, cseq), ";tag=w", toTag, cseq, "", headers...)
	p.send(strings.ReplaceAll(text, "sip:4000@", "sip:"+aor+"@"))
}

// lamp waits for a NOTIFY, answers it and gives what it says.
func (p *peer) lamp(state string) (lampDoc, *message) {
	p.t.Helper()
	m, got := p.notify(200)
	if i := strings.LastIndex(got, "; "); !strings.HasPrefix(got[i+2:], state) {
		p.t.Fatalf("Subscription-State %q, want %q", got[i+2:], state)
	}
	return readLamp(p.t, m.body), m
}

func TestALampShowsEachStateOfAnAgentsCalls(t *testing.T) {
	both(t, watching, func(r *rig, p *peer) {
		p.subscribe("s", "", "1001", 1, "Event: dialog;id=7", "Accept: application/dialog-info+xml", "Expires: 600")
		ok := p.want("200 SUBSCRIBE")
		if ok.get(hExpires) != "600" || ok.toTag == "" || ok.contact() == "" {
			t.Errorf("200 with Expires %q, tag %q", ok.get(hExpires), ok.toTag)
		}
		d, m := p.lamp("active;expires=600")
		if d.State != "full" || d.Version != 0 || d.Entity != "sip:1001@10.0.0.1" || len(d.Dialogs) != 0 || m.get(hEvent) != "dialog;id=7" ||
			m.get(hContentType) != "application/dialog-info+xml" || m.toTag != "w" || m.contact() == "" {
			t.Errorf("first NOTIFY %+v, Event %q", d, m.get(hEvent))
		}
		time.Sleep(2 * time.Second)
		r.ep.PublishDialogState("1001", DialogInfo{ID: "x", State: "early", Incoming: true, CallID: "c@d", LocalTag: "a", RemoteTag: "b", Remote: Address{Display: `<"&'>`, User: "+49 30", Host: "h"}})
		d, _ = p.lamp("active")
		if len(d.Dialogs) != 1 || d.Version != 1 {
			t.Fatalf("second NOTIFY %+v", d)
		}
		if x := d.Dialogs[0]; x.ID != "x" || x.State != "early" || x.Direction != "recipient" || x.CallID != "c@d" || x.LocalTag != "a" || x.RemoteTag != "b" ||
			x.Remote.Identity.Display != `<"&'>` || x.Remote.Identity.URI != "sip:+49%2030@h" {
			t.Errorf("dialog %+v", x)
		}
		r.ep.PublishDialogState("1001", DialogInfo{ID: "x", State: "early", Incoming: true, CallID: "c@d", LocalTag: "a", RemoteTag: "b", Remote: Address{Display: `<"&'>`, User: "+49 30", Host: "h"}}) // the same
		r.ep.PublishDialogState("1002", DialogInfo{State: "confirmed"})                                                                                                                                  // somebody else's
		p.silent(3 * time.Second)
		begin := time.Now()
		for range 10 { // a storm is told once, then once a second with the latest
			r.ep.PublishDialogState("1001", DialogInfo{ID: "x", State: "confirmed"})
			r.ep.PublishDialogState("1001")
		}
		d, _ = p.lamp("active")
		if len(d.Dialogs) != 0 && d.Dialogs[0].State != "confirmed" {
			t.Errorf("in the storm %+v", d)
		}
		r.ep.PublishDialogState("1001", DialogInfo{ID: "y", State: "confirmed"})
		d, _ = p.lamp("active")
		if took := time.Since(begin); took < time.Second || len(d.Dialogs) != 1 || d.Dialogs[0].ID != "y" {
			t.Errorf("after the storm, %v: %+v", took, d)
		}
		if all := r.ep.Subscriptions(); len(all) != 1 || all[0].Event != "dialog" || all[0].AOR != "1001" || all[0].By.Trunk != "lan" {
			t.Errorf("subscriptions %+v", all)
		}
	})
}

func TestASubscriptionIsRefreshedAndEnds(t *testing.T) {
	both(t, watching, func(r *rig, p *peer) {
		r.ep.PublishMessages("1001", 2, 8)
		p.subscribe("s", "", "1001", 1, "Event: message-summary")
		ok := p.want("200 SUBSCRIBE")
		if ok.get(hExpires) != "3600" {
			t.Errorf("Expires %q", ok.get(hExpires))
		}
		m, _ := p.notify(200)
		want := "Messages-Waiting: yes\r\nMessage-Account: sip:1001@10.0.0.1\r\nVoice-Message: 2/8 (0/0)\r\n"
		if m.body != want || m.get(hContentType) != "application/simple-message-summary" {
			t.Errorf("body %q", m.body)
		}
		p.subscribe("s", ";tag="+ok.toTag, "1001", 2, "Event: message-summary", "Expires: 10")
		if m := p.want("423 SUBSCRIBE"); strings.Join(m.named("Min-Expires"), "") != "60" {
			t.Error("423 without Min-Expires")
		}
		p.subscribe("s", ";tag="+ok.toTag, "1001", 3, "Event: dialog", "Expires: 60")
		p.want("489 SUBSCRIBE")
		p.subscribe("s", ";tag="+ok.toTag, "1001", 4, "Event: message-summary", "Expires: 60")
		p.want("200 SUBSCRIBE")
		p.notify(200)
		time.Sleep(30 * time.Second)
		r.ep.PublishMessages("1001", 0, 10)
		if m, _ := p.notify(200); !strings.Contains(m.body, "Messages-Waiting: no") || !strings.Contains(m.body, "0/10") {
			t.Errorf("body %q", m.body)
		}
		m = p.want("NOTIFY") // its time is over
		if got := m.named("Subscription-State")[0]; got != "terminated;reason=timeout" {
			t.Errorf("state %q", got)
		}
		p.send(p.answer(m, 200, "", ""))
		synctest.Wait()
		time.Sleep(time.Millisecond)
		p.subscribe("s", ";tag="+ok.toTag, "1001", 5, "Event: message-summary")
		p.want("481 SUBSCRIBE")
		if len(r.ep.Subscriptions()) != 0 {
			t.Error("subscription left")
		}
	})
}

func TestUnsubscribeAndFetch(t *testing.T) {
	both(t, watching, func(r *rig, p *peer) {
		p.subscribe("f", "", "1001", 1, "Event: dialog", "Expires: 0")
		p.want("200 SUBSCRIBE")
		p.lamp("terminated;reason=timeout")
		p.subscribe("s", "", "1001", 1, "Event: dialog")
		ok := p.want("200 SUBSCRIBE")
		p.lamp("active")
		p.subscribe("s", ";tag="+ok.toTag, "1001", 2, "Event: dialog", "Expires: 0")
		p.want("200 SUBSCRIBE")
		if d, _ := p.lamp("terminated;reason=timeout"); d.Version != 1 {
			t.Errorf("version %d", d.Version)
		}
		r.ep.PublishDialogState("1001", DialogInfo{State: "confirmed"})
		p.silent(time.Minute)
		if n := len(r.ep.Subscriptions()); n != 0 || r.ep.published.count != 0 || r.ep.Stats().Dialogs.Load() != 0 {
			t.Errorf("%d subscriptions, %d counted, %d dialogs left", n, r.ep.published.count, r.ep.Stats().Dialogs.Load())
		}
	})
}

func TestAWatcherWhoVanishedIsForgotten(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer int
		kept   bool
	}{{"481", 481, false}, {"silence", 0, false}, {"500 is a passing trouble", 500, true}} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, watching, func(r *rig) {
				p := r.udp("10.0.0.2:5060")
				p.subscribe("s", "", "1001", 1, "Event: dialog")
				p.want("200 SUBSCRIBE")
				m := p.want("NOTIFY")
				if c.answer != 0 {
					p.send(p.answer(m, c.answer, "", ""))
				}
				time.Sleep(40 * time.Second)
				if n := len(r.ep.Subscriptions()); (n == 1) != c.kept {
					t.Errorf("%d subscriptions", n)
				}
			})
		})
	}
	t.Run("with its connection", func(t *testing.T) {
		bubble(t, watching, func(r *rig) {
			p := r.tcp("10.0.0.2")
			p.subscribe("s", "", "1001", 1, "Event: dialog", "Contact: <sip:bob@192.168.1.7;transport=tcp>")
			p.want("200 SUBSCRIBE")
			p.lamp("active")
			p.conn.Close()
			synctest.Wait()
			time.Sleep(2 * time.Second)
			r.ep.PublishDialogState("1001", DialogInfo{State: "confirmed"})
			time.Sleep(time.Minute)
			if n := len(r.ep.Subscriptions()); n != 0 {
				t.Errorf("%d subscriptions", n)
			}
		})
	})
}

func TestSubscriptionsThatAreRefused(t *testing.T) {
	both(t, nil, func(r *rig, p *peer) {
		for i, c := range []struct {
			aor    string
			lines  []string
			status int
		}{
			{"1001", []string{"Event: presence"}, 489}, {"1001", nil, 489}, {"1001", []string{"Event: dialog"}, 403}, // a trunk
			{"1001", []string{"Event: dialog", "Expires: 5"}, 423}, {"1001", []string{"Event: dialog", "Expires: x"}, 400},
			{"1001", []string{"Event: dialog", "Accept: text/plain"}, 406}, {strings.Repeat("x", 200), []string{"Event: dialog"}, 404},
		} {
			p.subscribe(fmt.Sprint("s", i), "", c.aor, 1, c.lines...)
			m := p.want(fmt.Sprintf("%d SUBSCRIBE", c.status))
			if c.status == 489 && strings.Join(m.named("Allow-Events"), "") == "" {
				t.Error("489 without Allow-Events")
			}
		}
	})
	t.Run("of strangers and of others' messages", func(t *testing.T) {
		bubble(t, accounts, func(r *rig) {
			p := r.udp("198.51.100.7:5060")
			try := func(id, event string, aor string) int {
				p.subscribe(id, "", aor, 1, "Event: "+event)
				m := p.want("401 SUBSCRIBE")
				p.subscribe(id, "", aor, 2, "Event: "+event, sign(t, "SUBSCRIBE", "sip:"+aor+"@10.0.0.1", m))
				return p.get(time.Second).status
			}
			if got := try("a", "message-summary", "ann"); got != 403 {
				t.Errorf("another's messages: %d", got)
			}
			if got := try("b", "message-summary", "bob"); got != 200 {
				t.Errorf("his own: %d", got)
			}
			p.notify(200)
			if got := try("c", "dialog", "ann"); got != 200 {
				t.Errorf("a colleague's lamp: %d", got)
			}
		})
	})
	t.Run("above the limit", func(t *testing.T) {
		bubble(t, func(c *Config) { watching(c); c.Subscriptions = 3 }, func(r *rig) {
			p := r.udp("10.0.0.2:5060")
			for i := range 3 {
				p.subscribe(fmt.Sprint("s", i), "", "1001", 1, "Event: dialog")
				p.want("200 SUBSCRIBE")
				p.lamp("active")
			}
			p.subscribe("s4", "", "1001", 1, "Event: dialog")
			if m := p.want("503 SUBSCRIBE"); m.get(hRetryAfter) == "" {
				t.Error("503 without Retry-After")
			}
		})
	})
	t.Run("once the right is gone", func(t *testing.T) {
		status := 0
		bubble(t, func(c *Config) { c.MaySubscribe = func(Peer, string, string) int { return status } }, func(r *rig) {
			p := r.udp("10.0.0.2:5060")
			p.subscribe("s", "", "1001", 1, "Event: dialog")
			ok := p.want("200 SUBSCRIBE")
			p.lamp("active")
			status = 403
			p.subscribe("s", ";tag="+ok.toTag, "1001", 2, "Event: dialog")
			p.want("403 SUBSCRIBE")
			p.lamp("terminated;reason=rejected")
		})
	})
}

func TestWatchersAreToldToComeAgainWhenWeEnd(t *testing.T) {
	both(t, watching, func(r *rig, p *peer) {
		p.subscribe("s", "", "1001", 1, "Event: dialog")
		p.want("200 SUBSCRIBE")
		p.lamp("active")
		go r.stop()
		p.lamp("terminated;reason=deactivated")
		time.Sleep(5 * time.Second)
		synctest.Wait()
	})
}

func TestALampOfManyCallsIsCut(t *testing.T) {
	var p published
	var calls []DialogInfo
	for i := range 50 {
		calls = append(calls, DialogInfo{ID: fmt.Sprint(i), State: "confirmed"})
	}
	calls = append(calls, DialogInfo{State: "nonsense"})
	if !p.setDialogs("q", calls) || p.setDialogs("q", calls) {
		t.Error("a change is not told from none")
	}
	d := readLamp(t, string(p.document(&subscription{kind: packageDialog, aor: "q", entity: "sip:q@h"})))
	if len(d.Dialogs) != maxLamps {
		t.Errorf("%d dialogs, want %d", len(d.Dialogs), maxLamps)
	}
	if !p.setDialogs("q", nil) || len(p.dialogs) != 0 {
		t.Error("nothing to tell is kept")
	}
}

// FuzzDialogInfo: whatever a call holds, the document is valid and says it.
func FuzzDialogInfo(f *testing.F) {
	f.Add("id", "A & <B>", "+49", "host", "c\"all", "tag'")
	f.Add("\x00", "\xff\r\n", "a b", "[::1]", "]]>", "<!--")
	f.Fuzz(func(t *testing.T, id, display, user, host, callID, tag string) {
		d := readLamp(t, string(dialogInfo(Address{User: user, Host: host}.uri(), 7, []DialogInfo{{
			ID: id, State: "early", CallID: callID, LocalTag: tag, RemoteTag: tag, Remote: Address{Display: display, User: user, Host: "x" + host},
		}})))
		if len(d.Dialogs) != 1 || d.Version != 7 || d.Dialogs[0].State != "early" {
			t.Fatalf("document says %+v", d)
		}
		plain := func(s string) bool {
			return utf8.ValidString(s) && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz<>&'\" ") == ""
		}
		if plain(display) && d.Dialogs[0].Remote.Identity.Display != display {
			t.Fatalf("display %q, want %q", d.Dialogs[0].Remote.Identity.Display, display)
		}
	})
}
