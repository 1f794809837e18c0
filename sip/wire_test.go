package sip

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hotline/internal/simnet"
)

func TestOddSyntaxWorks(t *testing.T) {
	both(t, nil, func(r *rig, p *peer) {
		p.odd = true
		tp := "UDP"
		if p.tcp {
			tp = "TCP"
		}
		p.send("INVITE sip:4000@10.0.0.1 SIP/2.0\r\n" +
			"v: SIP  / 2.0 / " + tp + "   " + p.addr + " ; RPORT ;\r\n  Branch = z9hG4bKodd ; x=\"a;b,c\\\"\" ; y=1\r\n" +
			"f: \"Bob, the; <odd>\" <sip:bob@10.0.0.2> ; x=\"q;z=,\" ; TAG = b\r\n" +
			"t:\r\n\tsip:4000@10.0.0.1\r\n" +
			"i: odd\r\ncSEQ:  1 \t INVITE\r\nmax-forwards: 0070\r\n" +
			"m: <sip:bob@" + p.addr + ">\r\nc: application/sdp;charset=x\r\n" +
			"l :  5\r\n\r\noffer" + map[bool]string{false: " and bytes behind it"}[p.tcp])
		m := p.want("100 INVITE")
		if !strings.Contains(m.get(hVia), `x="a;b,c\"";y=1`) && !strings.Contains(m.get(hVia), `x="a;b,c\""`) {
			t.Errorf("Via %q", m.get(hVia))
		}
		l := r.call(0)
		if l.in.From.Display != "Bob, the; <odd>" || l.in.From.User != "bob" || l.in.To.User != "4000" {
			t.Errorf("incoming %+v", l.in)
		}
		l.Answer(l.media)
		ok := p.want("200 INVITE")
		if ok.fromTag != "b" || ok.toTag == "" || ok.body != "us answer to offer\r\n" {
			t.Fatalf("200: tags %q %q body %q", ok.fromTag, ok.toTag, ok.body)
		}
		p.send(p.ask("ACK", "odd", "a", ";TAG=b", " ; tag = "+ok.toTag, 1, ""))
		event[Answered](t, l)
	})
}

func TestFaultyRequests(t *testing.T) {
	good := func(p *peer) string { return p.ask("INVITE", "c", "1", ";tag=b", "", 1, "offer") }
	swap := func(old, new string) func(*peer) string {
		return func(p *peer) string { return strings.Replace(good(p), old, new, 1) }
	}
	for _, c := range []struct {
		name   string
		text   func(*peer) string
		want   string
		header hdr
		value  string
	}{
		{"no From", swap("From: <sip:bob@10.0.0.2>;tag=b\r\n", ""), "400 INVITE", 0, ""},
		{"no To", swap("To: <sip:4000@10.0.0.1>\r\n", ""), "400 INVITE", 0, ""},
		{"no Call-ID", swap("Call-ID: c\r\n", ""), "400 INVITE", 0, ""},
		{"two Call-IDs", swap("Call-ID: c\r\n", "Call-ID: c\r\ni: d\r\n"), "400 INVITE", 0, ""},
		{"two Froms", swap("Call-ID: c\r\n", "Call-ID: c\r\nf: <sip:x@y>\r\n"), "400 INVITE", 0, ""},
		{"two Max-Forwards", swap("Call-ID: c\r\n", "Call-ID: c\r\nMax-Forwards: 1\r\n"), "400 INVITE", 0, ""},
		{"CSeq of another method", swap("1 INVITE", "1 BYE"), "400 BYE", 0, ""},
		{"CSeq too large", swap("1 INVITE", "4294967296 INVITE"), "400 INVITE", 0, ""},
		{"bad From", swap("<sip:bob@10.0.0.2>;tag=b", "<sip:bob@10.0.0.2;tag=b"), "400 INVITE", 0, ""},
		{"bad Contact", swap("Contact: <sip:bob", "Contact: <sip:b@b@ob"), "400 INVITE", 0, ""},
		{"bad Via parameters", swap(";rport;", ";;,;rport;"), "400 INVITE", 0, ""},
		{"version 3", swap("SIP/2.0\r\n", "SIP/3.0\r\n"), "505 INVITE", 0, ""},
		{"foreign scheme", swap("sip:4000@10.0.0.1 ", "http://10.0.0.1 "), "416 INVITE", 0, ""},
		{"unknown extension", swap("Call-ID: c\r\n", "Call-ID: c\r\nRequire: timer, foo\r\nRequire: bar\r\n"), "420 INVITE", hOther, "foo, bar"},
		{"foreign body", swap("application/sdp", "text/plain"), "415 INVITE", hAccept, "application/sdp, multipart/mixed"},
		{"encoded body", swap("Call-ID: c\r\n", "Call-ID: c\r\nContent-Encoding: gzip\r\n"), "415 INVITE", 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			both(t, nil, func(r *rig, p *peer) {
				p.send(c.text(p))
				// The answer to a message without some header lacks it too: read the text.
				text := p.read(time.Second)
				if want := "SIP/2.0 " + c.want[:3]; !strings.HasPrefix(text, want) {
					t.Fatalf("got %.60q, want %s", text, want)
				}
				if c.value != "" && !strings.Contains(text, ": "+c.value+"\r\n") {
					t.Errorf("no %q in %s", c.value, text)
				}
				p.send(p.ask("OPTIONS", "o", "o", ";tag=b", "", 1, "")) // the connection lives
				ok := p.want("200 OPTIONS")
				if ok.get(hAllow) == "" || ok.get(hAccept) == "" || ok.get(hSupported) == "" {
					t.Errorf("OPTIONS without Allow, Accept, Supported")
				}
				if len(r.calls) != 0 {
					t.Error("it became a call")
				}
			})
		})
	}
}

func TestMethodsOutsideDialogs(t *testing.T) {
	both(t, nil, func(r *rig, p *peer) {
		for method, status := range map[string]int{
			"MESSAGE": 405, "PUBLISH": 405, "SUBSCRIBE": 489, "REFER": 603, "NOTIFY": 481, "INFO": 481,
			"UPDATE": 481, "BYE": 481, "PRACK": 481, "FROBNICATE": 501, "REGISTER": 401,
		} {
			p.send(p.ask(method, "m"+method, "m"+method, ";tag=b", "", 1, ""))
			m := p.want(fmt.Sprintf("%d %s", status, method))
			if status == 405 && m.get(hAllow) == "" {
				t.Errorf("405 without Allow")
			}
		}
		p.send(p.ask("NOTIFY", "k", "k", ";tag=b", "", 1, "", "Event: keep-alive"))
		p.want("200 NOTIFY")
		p.silent(40 * time.Second)
	})
}

func TestMethodsInDialogs(t *testing.T) {
	both(t, nil, func(r *rig, p *peer) {
		l, tag := r.talk(p, "c")
		for i, c := range []struct {
			method, kind, body string
			status             int
		}{
			{"REFER", "", "", 400}, {"NOTIFY", "", "", 200}, {"MESSAGE", "", "", 405}, {"SUBSCRIBE", "", "", 489},
			{"INFO", "application/dtmf", "#", 200}, {"INFO", "application/dtmf-relay", "Signal= 11\nDuration= 90\n", 200},
			{"INFO", "application/dtmf-relay", "Signal=zz", 400}, {"INFO", "application/media_control+xml", "<x/>", 415},
			{"INFO", "", "", 200}, {"UPDATE", "", "", 200}, {"UPDATE", "application/sdp", "offer", 200},
			{"UPDATE", "text/plain", "offer", 415}, {"PRACK", "", "", 481},
		} {
			var h []string
			if c.kind != "" {
				h = append(h, "Content-Type: "+c.kind)
			}
			p.send(p.ask(c.method, "c", fmt.Sprint("m", i), ";tag=b", ";tag="+tag, 2+i, c.body, h...))
			p.want(fmt.Sprintf("%d %s", c.status, c.method))
		}
		if e := event[Digit](t, l); e.Rune != '#' {
			t.Errorf("digit %+v", e)
		}
		if e := event[Digit](t, l); e.Rune != '#' || e.Duration != 90*time.Millisecond {
			t.Errorf("digit %+v", e)
		}
		l.Info("application/dtmf-relay", []byte("Signal=1"))
		if m := p.want("INFO"); m.body != "Signal=1" {
			t.Errorf("INFO %q", m.body)
		}
	})
}

func TestMultipartBody(t *testing.T) {
	both(t, nil, func(r *rig, p *peer) {
		body := "preamble\r\n--xyz\r\nContent-Type: application/isup\r\n\r\n\x01\x02\r\n--xyz\r\nc:application/SDP\r\n\r\nthe offer\r\n--xyz--\r\n"
		p.send(p.ask("INVITE", "c", "1", ";tag=b", "", 1, body, `Content-Type: multipart/mixed; boundary="xyz"`))
		p.want("100 INVITE")
		l := r.call(0)
		l.Answer(l.media)
		if ok := p.want("200 INVITE"); ok.body != "us answer to the offer\r\n" {
			t.Fatalf("answer %q", ok.body)
		}
	})
}

func TestUnknownCallersGetNoCall(t *testing.T) {
	bubble(t, nil, func(r *rig) {
		p := r.udp("198.51.100.7:5060")
		p.send(p.ask("INVITE", "c", "1", ";tag=b", "", 1, "offer"))
		m := p.want("401 INVITE")
		if n := len(m.values(hWWWAuthenticate)); n == 0 {
			t.Error("no challenge")
		}
		p.send(p.ask("ACK", "c", "1", ";tag=b", ";tag="+m.toTag, 1, ""))
		p.silent(time.Minute)
		if len(r.calls) != 0 || r.ep.Stats().Transactions.Load() != 0 {
			t.Errorf("%d calls, %d transactions", len(r.calls), r.ep.Stats().Transactions.Load())
		}
	})
}

func TestFloodersAreLimited(t *testing.T) {
	bubble(t, func(c *Config) { c.Rate, c.Burst = 20, 50 }, func(r *rig) {
		flood := func(addr string) (answers int) {
			p := r.udp(addr)
			for i := range 200 {
				p.send(p.ask("OPTIONS", fmt.Sprint(addr, i), fmt.Sprint(i), ";tag=b", "", 1, ""))
			}
			for p.get(100*time.Millisecond) != nil {
				answers++
			}
			return answers
		}
		if got := flood("198.51.100.7:5060"); got != 50 {
			t.Errorf("a stranger got %d answers, want 50", got)
		}
		if got := flood("10.0.0.7:5060"); got != 200 {
			t.Errorf("a trunk got %d answers, want 200", got)
		}
		if got := r.ep.Stats().Limited.Load(); got != 150 {
			t.Errorf("Limited = %d, want 150", got)
		}
	})
}

func TestOverloadRefusesNewCallsOnly(t *testing.T) {
	bubble(t, func(c *Config) { c.Workers, c.Queue = 1, 8 }, func(r *rig) {
		p := r.udp("10.0.0.2:5060")
		l, tag := r.talk(p, "c")
		block := make(chan struct{})
		l.w.post(func() { <-block })
		synctest.Wait()
		p.send(p.ask("INVITE", "n0", "n0", ";tag=b", "", 1, "offer"))
		for i := range 5 {
			p.send(p.ask("INFO", "c", fmt.Sprint("i", i), ";tag=b", ";tag="+tag, 2+i, ""))
		}
		p.send(p.ask("INVITE", "n1", "n1", ";tag=b", "", 1, "offer"))
		synctest.Wait()
		time.Sleep(10 * time.Millisecond)
		close(block)
		m := p.want("503 INVITE")
		if m.callID != "n0" || m.get(hRetryAfter) == "" {
			t.Errorf("503 to %s, Retry-After %q", m.callID, m.get(hRetryAfter))
		}
		for range 5 {
			p.want("200 INFO")
		}
		p.want("100 INVITE") // the queue is short again
		if got := r.ep.Stats().Overloaded.Load(); got != 1 {
			t.Errorf("Overloaded = %d, want 1", got)
		}
	})
}

func TestIPv6(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := simnet.New(simnet.Options{})
		pc, err := network.ListenPacket("[2001:db8::1]:5060")
		if err != nil {
			t.Fatal(err)
		}
		r := newRig(t, network, func(c *Config) { c.Packet = append(c.Packet, pc) })
		defer r.stop()
		p := r.udp("[2001:db8::2]:5060")
		l := r.dial(nil, "sip:bob@[2001:db8::2]")
		m := p.want("INVITE")
		if m.via.host != "2001:db8::1" || m.contact() != "sip:hotline@[2001:db8::1]:5060" {
			t.Errorf("Via %q Contact %q", m.get(hVia), m.contact())
		}
		b := []byte(p.answer(m, 200, "b", "answer"))
		p.pc.WriteTo(b, net.UDPAddrFromAddrPort(netip.MustParseAddrPort("[2001:db8::1]:5060")))
		p.want("ACK")
		event[Answered](t, l)
	})
}

func TestAdvertisedAddress(t *testing.T) {
	bubble(t, func(c *Config) { c.Advertise = "203.0.113.9" }, func(r *rig) {
		p := r.udp("10.0.0.2:5060")
		r.dial(nil, p.uri())
		m := p.want("INVITE")
		if m.via.host != "203.0.113.9" || m.contact() != "sip:hotline@203.0.113.9:5060" || m.from.address().Host != "203.0.113.9" {
			t.Errorf("Via %q Contact %q From %q", m.get(hVia), m.contact(), m.get(hFrom))
		}
	})
}

func TestNameThatIsLookedUp(t *testing.T) {
	bubble(t, func(c *Config) {
		c.Lookup = func(ctx context.Context, host string) ([]netip.Addr, error) {
			time.Sleep(50 * time.Millisecond)
			return []netip.Addr{netip.MustParseAddr("10.0.0.8"), netip.MustParseAddr("10.0.0.2")}, nil
		}
	}, func(r *rig) {
		p := r.udp("10.0.0.2:5060")
		l := r.dial(func(i *Invite) { i.NoAnswer = time.Second }, "sip:bob@phones.example")
		inv := p.want("INVITE")
		p.send(p.answer(inv, 200, "b", "answer"))
		p.want("ACK")
		event[Answered](t, l)
	})
}
