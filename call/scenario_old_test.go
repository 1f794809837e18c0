package call_test

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestAPhoneThatKnowsNeitherTagNorContact(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		a := A.call("4002", A.sdp(30000))
		leg := B.rings(time.Second)
		plain := func(status, body string) { // RFC 2543: no To tag, no Contact
			m := leg.invite
			text := "SIP/2.0 " + status + "\r\nVia: " + m.get("Via") + "\r\nFrom: " + m.get("From") + "\r\nTo: " + m.get("To") +
				"\r\nCall-ID: " + m.get("Call-ID") + "\r\nCSeq: " + m.get("CSeq") + "\r\n"
			if body != "" {
				text += "Content-Type: application/sdp\r\n"
			}
			if B.transport == "TCP" || body == "" {
				text += "Content-Length: " + strconv.Itoa(len(body)) + "\r\n"
			}
			m.reply(text + "\r\n" + body)
		}
		plain("180 Ringing", "")
		a.response(180, "INVITE", time.Second)
		plain("200 OK", B.sdp(40000))
		ack := leg.acked(time.Second)
		if strings.Contains(ack.get("To"), "tag=") {
			t.Errorf("ACK has To %q, B has no tag", ack.get("To"))
		}
		a.answered(time.Second)
		a.bye()
		leg.hungUp(time.Second)
		b.wantTrace("wait direct; offer 1: answered; talk; end: caller hung up")
	})
}

func TestACallerOfRFC2543(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		for _, cancelled := range []bool{true, false} {
			a := A.draft("4002", A.sdp(30000))
			old := strings.NewReplacer(";tag="+a.tag, "", a.branch, "1", ";rport", "", "Max-Forwards: 70\r\n", "")
			a.local, a.branch = old.Replace(a.local), "1"
			a.inviteText = old.Replace(a.inviteText)
			A.send(a.inviteText)
			leg := B.rings(time.Second)
			leg.reply(leg.invite, 180, "Ringing", "")
			a.response(180, "INVITE", time.Second)
			if cancelled {
				a.cancel()
				a.response(200, "CANCEL", time.Second)
				a.refused(487, time.Second)
				c := leg.gets("CANCEL", time.Second)
				leg.reply(c, 200, "OK", "")
				leg.reply(leg.invite, 487, "Request Terminated", "")
				leg.gets("ACK", time.Second)
				b.agentState("1001", "ready")
				continue
			}
			leg.reply(leg.invite, 200, "OK", B.sdp(40000))
			leg.acked(time.Second)
			a.answered(time.Second)
			a.bye()
			leg.hungUp(time.Second)
		}
		if n := len(b.cdrs()); n != 2 {
			t.Errorf("got %d CDRs, want 2", n)
		}
	})
}
