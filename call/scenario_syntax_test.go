package call_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"hotline/store"
)

func TestScenario38MaxForwards(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		a := A.callWith("4002", A.sdp(30000), "Max-Forwards: 70", "Max-Forwards: 0")
		a.refused(483, time.Second)
		a = A.callWith("4002", A.sdp(30000), "Max-Forwards: 70", "Max-Forwards: 5")
		leg := B.rings(time.Second)
		if got := leg.invite.get("Max-Forwards"); got != "4" {
			t.Errorf("B's INVITE has Max-Forwards %s, want 4", got)
		}
		leg.refuse(486, "Busy Here")
		a.refused(486, time.Second)
		if n := len(b.cdrs()); n != 1 {
			t.Errorf("got %d CDRs, want 1: the first was no call", n)
		}
	})
}

func TestACallOnItsLastHopIsAnsweredByWhoEndsIt(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		a := A.callWith("4003", A.sdp(30000), "Max-Forwards: 70", "Max-Forwards: 1") // a menu of ours
		a.answered(time.Second)
		a.hungUp(time.Minute)
		a = A.callWith("4002", A.sdp(30000), "Max-Forwards: 70", "Max-Forwards: 1") // a queue of ours
		leg := B.rings(time.Second)
		if got := leg.invite.get("Max-Forwards"); got != "1" {
			t.Errorf("B's INVITE has Max-Forwards %s, want 1: his phone is the end of the way", got)
		}
		leg.refuse(486, "Busy Here")
		a.refused(486, time.Second)
	})
}

func TestScenario38Loop(t *testing.T) {
	center := func(transport string) store.Center {
		c := scenarioCenter(transport)
		c.Trunks["self"] = store.Trunk{Peers: []string{"sip:" + engineAddr + ";transport=" + strings.ToLower(transport)}, Hairpin: "allow"}
		c.Trunks["mirror"] = store.Trunk{Peers: []string{"sip:" + addrB + ";transport=" + strings.ToLower(transport)}, Hairpin: "allow"}
		c.Numbers["4005"] = store.Number{To: "trunk:self"}
		c.Numbers["4006"] = store.Number{To: "trunk:mirror"}
		return c
	}
	overBothWith(t, center, func(b *bed, A, B *peer) {
		a := A.call("4005", A.sdp(30000))
		m := A.await("refusal", 2*time.Second, func(m *msg) bool { return m.method() == "INVITE" && m.status() >= 300 })
		a.ackFailure(m)
		if n := len(b.cdrs()); n != 1 {
			t.Errorf("got %d CDRs, want 1: the INVITE that came back is no call", n)
		}
		// B sends each INVITE back as one of its own: only Max-Forwards ends that.
		a = A.callWith("4006", A.sdp(30000), "Max-Forwards: 70", "Max-Forwards: 4")
		n := 0
		for {
			in := B.maybe(500*time.Millisecond, isRequest("INVITE"))
			if in == nil {
				break
			}
			if n++; n > 10 {
				t.Fatal("a storm")
			}
			leg := B.leg(in)
			leg.reply(in, 100, "Trying", "")
			hops := in.get("Max-Forwards")
			B.callWith("4006", B.sdp(40000), "Max-Forwards: 70", "Max-Forwards: "+hops)
		}
		if n != 3 {
			t.Errorf("B got %d INVITEs, want 3", n)
		}
		B.await("483", time.Second, isResponse(483, "INVITE"))
		a.cancel()
		a.refused(487, time.Second)
	})
}

func TestScenario39MergedRequest(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		a := A.call("4002", A.sdp(30000))
		leg := B.rings(time.Second)
		leg.reply(leg.invite, 180, "Ringing", "")
		other := *a
		other.branch = a.branch + "other"
		A.send(strings.Replace(a.inviteText, a.branch, other.branch, 1))
		m := A.await("482", time.Second, isResponse(482, "INVITE"))
		other.ackFailure(m)
		B.none("second INVITE", time.Second, isRequest("INVITE"))
		leg.accept(40000)
		a.answered(time.Second)
		a.bye()
		leg.hungUp(time.Second)
		b.wantTrace("wait direct; offer 1: answered; talk; end: caller hung up")
	})
}

func TestScenario40OddButValid(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		for _, c := range []struct {
			name    string
			replace []string
		}{
			{"compact forms", []string{"Via:", "v:", "From:", "f:", "To:", "t:", "Call-ID:", "i:", "Contact:", "m:", "Content-Type:", "c:", "Content-Length:", "l:"}},
			{"names in any case", []string{"Via:", "VIA:", "From:", "fROM:", "Call-ID:", "CALL-id:", "CSeq:", "cseq:", "Content-Length:", "content-LENGTH:"}},
			{"folded lines", []string{"Max-Forwards: 70", "Max-Forwards:\r\n  70\r\nSubject: a\r\n\tb\r\n  c", "From: <", "From:\r\n <"}},
			{"parameter names in any case", []string{";branch=", ";Branch=", ";rport", ";RPORT", ";tag=", ";TAG="}},
			{"spaces around parameters", []string{";tag=", " ; tag = ", "CSeq: ", "CSeq  :  "}},
			{"quoted separators", []string{"From: <", `From: "a;tag=x, \"b\" <sip:c@d>" <`}},
			{"quoted parameter in Via", []string{";branch=", `;x="a b;branch=z, c";branch=`}},
			{"two spaces in CSeq", []string{"CSeq: 1 INVITE", "CSeq: 1  INVITE"}},
			{"escaped user", []string{"INVITE sip:4002@", "INVITE sip:%34002@"}},
			{"unknown headers and parameters", []string{"Max-Forwards: 70", "Max-Forwards: 70\r\nX-Odd: \xc3\xa9 ;;==,,\r\nP-Empty:"}},
			{"empty lines before", []string{"INVITE sip:", "\r\n\r\nINVITE sip:"}},
		} {
			a := A.callWith("4002", A.sdp(30000), c.replace...)
			m := B.maybe(time.Second, isRequest("INVITE"))
			if m == nil {
				b.t.Errorf("%s: B got no INVITE", c.name)
				continue
			}
			leg := B.leg(m)
			leg.accept(40000)
			ok := a.answered(time.Second)
			if got := ok.get("Via"); !strings.Contains(strings.ToLower(got), "branch="+strings.ToLower(a.branch)) {
				b.t.Errorf("%s: 200 has Via %q, want branch %s", c.name, got, a.branch)
			}
			leg.bye()
			bye := a.hungUp(time.Second)
			if got := bye.param("To", "tag"); got != a.tag {
				b.t.Errorf("%s: BYE has tag %q, want %q", c.name, got, a.tag)
			}
		}
		for _, c := range b.cdrs() {
			if want := "wait direct; offer 1: answered; talk; end: agent hung up"; c.Trace != want {
				b.t.Errorf("got trace %s, want %s", c.Trace, want)
			}
		}
	})
}

func TestScenario40BytesAfterTheBody(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		a := A.draft("4002", A.sdp(30000))
		after := "\r\njunk that is no message"
		if A.transport == "TCP" {
			after = "\r\n\r\n" + a.request("OPTIONS", 7, "z9hG4bKafter", "")
		}
		A.send(a.inviteText + after)
		leg := B.rings(time.Second)
		if A.transport == "TCP" {
			a.response(200, "OPTIONS", time.Second)
		}
		leg.accept(40000)
		a.answered(time.Second)
		a.bye()
		leg.hungUp(time.Second)
		b.oneCDR()
	})
}

func TestScenario40Malformed(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		for i, c := range []struct {
			name    string
			replace []string
			want    int
		}{
			{"no From", []string{"From: ", "X-From: "}, 400},
			{"no To", []string{"To: ", "X-To: "}, 400},
			{"no Call-ID", []string{"Call-ID: ", "X-Call-ID: "}, 400},
			{"no CSeq", []string{"CSeq: ", "X-CSeq: "}, 400},
			{"unfinished quote", []string{"From: <", `From: "unfinished <`}, 400},
			{"unfinished address", []string{"To: <", "To: <<"}, 400},
			{"number that is none", []string{"CSeq: 1 ", "CSeq: one "}, 400},
			{"number too large", []string{"CSeq: 1 ", "CSeq: 4294967296 "}, 400},
			{"method that differs", []string{"CSeq: 1 INVITE", "CSeq: 1 OPTIONS"}, 400},
			{"hops that are none", []string{"Max-Forwards: 70", "Max-Forwards: many"}, 400},
			{"two Call-IDs", []string{"Max-Forwards: 70", "Max-Forwards: 70\r\nCall-ID: other"}, 400},
			{"address that is none", []string{"INVITE sip:4002@" + engineAddr, "INVITE <sip:4002@x>"}, 400},
			{"scheme we do not speak", []string{"INVITE sip:4002@" + engineAddr, "INVITE mailto:a@b"}, 416},
			{"version we do not speak", []string{engineAddr + " SIP/2.0\r\nVia", engineAddr + " SIP/3.0\r\nVia"}, 505},
			{"method we do not know", []string{"INVITE sip:4002", "FROB sip:4002", "1 INVITE", "1 FROB"}, 501},
			{"method that is not for us", []string{"INVITE sip:4002", "MESSAGE sip:4002", "1 INVITE", "1 MESSAGE"}, 405},
			{"extension we do not know", []string{"Max-Forwards: 70", "Max-Forwards: 70\r\nRequire: 100rel, foo"}, 420},
			{"body that is no description", []string{"application/sdp", "text/plain"}, 415},
			{"encoding we do not know", []string{"Max-Forwards: 70", "Max-Forwards: 70\r\nContent-Encoding: gzip"}, 415},
			{"number of nobody", []string{"sip:4002@", "sip:4999@"}, 404},
			{"no codec in common", []string{"RTP/AVP 0 8 101", "RTP/AVP 9 101"}, 488},
			{"no audio at all", []string{"m=audio 30000 RTP/AVP 0 8 101", "m=video 30000 RTP/AVP 96"}, 488},
			{"broken description", []string{"v=0\r\n", "v=zero\r\n"}, 488},
		} {
			a := A.draft("4002", A.sdp(30000))
			a.inviteText = strings.NewReplacer(c.replace...).Replace(a.inviteText)
			if head, body, ok := strings.Cut(a.inviteText, "\r\n\r\n"); ok { // the length changed
				lines := strings.Split(head, "\r\n")
				lines[len(lines)-1] = fmt.Sprintf("Content-Length: %d", len(body))
				a.inviteText = strings.Join(lines, "\r\n") + "\r\n\r\n" + body
			}
			conn := A.conn
			A.send(a.inviteText)
			m := A.maybe(time.Second, func(m *msg) bool { return m.status() >= 200 })
			if m == nil {
				t.Errorf("%s: no answer, want %d", c.name, c.want)
			} else if m.status() != c.want {
				t.Errorf("%s: got %d, want %d", c.name, m.status(), c.want)
			} else {
				a.checkRefusal(m)
			}
			if m != nil && m.method() == "INVITE" {
				a.ackFailure(m)
			}
			if i > 0 && A.conn != conn {
				t.Errorf("%s: the connection did not survive", c.name)
			}
		}
		B.none("INVITE", time.Second, isRequest("INVITE"))
		if n := len(b.begun()); n != 0 {
			t.Errorf("got %d CDRs, want none", n)
		}
	})
}

// checkRefusal looks for the headers that some refusals must have.
func (d *dialog) checkRefusal(m *msg) {
	d.p.t.Helper()
	for status, header := range map[int]string{405: "Allow", 501: "Allow", 420: "Unsupported"} {
		if m.status() == status && m.get(header) == "" {
			d.p.t.Errorf("%d has no %s", status, header)
		}
	}
	if m.status() == 420 && m.get("Unsupported") != "foo" {
		d.p.t.Errorf("420 has Unsupported %q, want foo", m.get("Unsupported"))
	}
	if m.status() == 415 && m.get("Accept") == "" && m.get("Accept-Encoding") == "" {
		d.p.t.Errorf("415 says not what is accepted")
	}
}

func TestALengthThatCannotBeTrusted(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		a := A.draft("4002", A.sdp(30000))
		text := strings.NewReplacer(fmt.Sprintf("Content-Length: %d", len(A.sdp(30000))), "Content-Length: -1").Replace(a.inviteText)
		A.send(text)
		A.await("400", time.Second, isResponse(400, "INVITE"))
		if A.transport == "UDP" {
			short := strings.Replace(a.inviteText, "Content-Length: ", "Content-Length: 9", 1)
			A.send(short)
			A.await("400", time.Second, isResponse(400, "INVITE"))
		} else {
			time.Sleep(time.Second) // the framing is lost: the connection was closed
			A.conn = nil
		}
		B.none("INVITE", time.Second, isRequest("INVITE"))
		up(A, B)
	})
}
