package call_test

import (
	"encoding/xml"
	"strings"
	"testing"
	"time"

	"hotline/store"
)

// lampDoc is a document of RFC 4235 as a desk phone reads it.
type lampDoc struct {
	Dialogs []struct {
		CallID    string `xml:"call-id,attr"`
		LocalTag  string `xml:"local-tag,attr"`
		RemoteTag string `xml:"remote-tag,attr"`
		Direction string `xml:"direction,attr"`
		State     string `xml:"state"`
		Remote    string `xml:"remote>identity"`
	} `xml:"dialog"`
}

// subscribe watches somebody as a phone does: challenged, then with credentials.
func (p *peer) subscribe(secret, event, whom string) (status int) {
	p.t.Helper()
	d := p.draft(whom, "")
	d.local = strings.Replace(d.local, "caller", p.user, 1)
	d.do("SUBSCRIBE", "", "Event: "+event, "Expires: 600")
	m := d.response(401, "SUBSCRIBE", time.Second)
	var credentials string
	for _, v := range m.all("WWW-Authenticate") {
		if quoted(v, "algorithm") == "MD5" {
			credentials = digestOf(p.t, v, "SUBSCRIBE", d.target, p.user, secret, "0a4f113b", 1)
		}
	}
	d.do("SUBSCRIBE", "", "Event: "+event, "Expires: 600", "Authorization: "+credentials)
	return p.await("answer to SUBSCRIBE", time.Second, func(m *msg) bool {
		return m.get("Call-ID") == d.callID && m.method() == "SUBSCRIBE" && m.status() != 401 && m.status() >= 200
	}).status()
}

// lamp is what the newest NOTIFY of an address says within a time, as
// "early recipient sip:caller@..."; "dark" is no call, "" no NOTIFY.
func (p *peer) lamp(whom string, within time.Duration) (text string, doc lampDoc) {
	p.t.Helper()
	for end := time.Now().Add(within); time.Now().Before(end); {
		m := p.maybe(time.Until(end), func(m *msg) bool {
			return m.status() == 0 && m.method() == "NOTIFY" && strings.Contains(m.body, `entity="sip:`+whom+"@")
		})
		if m == nil {
			break
		}
		p.leg(m).reply(m, 200, "OK", "")
		doc = lampDoc{}
		if err := xml.Unmarshal([]byte(m.body), &doc); err != nil {
			p.t.Fatalf("%v in %s", err, m.body)
		}
		text = "dark"
		for i, d := range doc.Dialogs {
			if i == 0 {
				text = ""
			}
			text = strings.TrimSpace(text + " " + d.State + " " + d.Direction)
		}
	}
	return text, doc
}

func TestLampsShowAgentsWhoRingAndTalkAndQueuesWithCallers(t *testing.T) {
	overBothWith(t, phones, func(b *bed, A, B *peer) {
		C := b.newPeer(B.transport, addrC)
		secret := C.account("1002")
		C.register(secret, 600)
		b.agentState("1002", "ready")
		if err := b.eng.SetAgentState("1002", "not ready", "", "test"); err != nil {
			t.Fatal(err)
		}
		for whom, want := range map[string]int{"1001": 200, "sales": 200, "4001": 200, "701": 200, "9999": 404} {
			if got := C.subscribe(secret, "dialog", whom); got != want {
				t.Errorf("SUBSCRIBE for %s: got %d, want %d", whom, got, want)
			}
		}
		if got := C.subscribe(secret, "message-summary", "1001"); got != 403 {
			t.Errorf("SUBSCRIBE for another one's messages: got %d, want 403", got)
		}
		show := func(when, whom, want string) lampDoc {
			t.Helper()
			got, doc := C.lamp(whom, 3*time.Second)
			if got != want {
				t.Errorf("%s: lamp of %s shows %q, want %q", when, whom, got, want)
			}
			return doc
		}
		show("at first", "1001", "dark")
		show("at first", "sales", "dark")
		show("at first", "4001", "dark")
		B.register(B.account("1001"), 600)
		b.agentState("1001", "ready")
		a := A.call("4001", A.sdp(30000))
		a.answered(time.Second)
		leg := B.rings(10 * time.Second)
		leg.reply(leg.invite, 180, "Ringing", "")
		show("while a caller waits", "sales", "early recipient")
		show("while a caller waits", "4001", "early recipient")
		doc := show("while it rings", "1001", "early recipient")
		if x := doc.Dialogs[0]; x.CallID != leg.callID || x.LocalTag != leg.tag || !strings.Contains(x.Remote, "caller@") {
			t.Errorf("whoever watches can't pick it up: got %+v, want the phone's dialog %s %s", x, leg.callID, leg.tag)
		}
		leg.reply(leg.invite, 200, "OK", B.sdp(41000))
		leg.acked(5 * time.Second)
		show("in talk", "1001", "confirmed recipient")
		show("in talk", "sales", "dark")
		a.bye()
		leg.hungUp(time.Second)
		show("afterwards", "1001", "dark")
		b.cdrs()
	})
}

func TestTheLampOfAParkingSlotIsLitWhileSomebodyIsInIt(t *testing.T) {
	withDesk(t, nil, func(d *desk) {
		d.asks("park", "")
		W := d.newPeer("UDP", "10.0.0.77:5060")
		secret := W.account("1003")
		if got := W.subscribe(secret, "dialog", "701"); got != 200 {
			t.Fatalf("SUBSCRIBE got %d", got)
		}
		time.Sleep(6 * time.Second)
		if got, _ := W.lamp("701", 3*time.Second); got != "confirmed recipient" {
			t.Errorf("while he is parked: got %q", got)
		}
		d.caller.Hangup()
		if got, _ := W.lamp("701", 5*time.Second); got != "dark" {
			t.Errorf("when he has gone: got %q", got)
		}
	})
}

func TestNobodyWatchesWithoutAnAccount(t *testing.T) {
	c := phones("UDP")
	c.Trunks["world"] = store.Trunk{Addresses: []string{"10.0.0.2"}}
	inBubble(t, c, func(b *bed) {
		A := b.newPeer("UDP", addrA)
		d := A.draft("1001", "")
		d.do("SUBSCRIBE", "", "Event: dialog", "Expires: 600")
		d.response(403, "SUBSCRIBE", time.Second)
	})
}
