package sip

import (
	"strings"
	"testing"
	"time"
)

func large(i *Invite) { i.Headers = [][2]string{{"X-Long", strings.Repeat("x", 1500)}} }

func TestLargeRequestsGoOverTCP(t *testing.T) {
	bubble(t, nil, func(r *rig) {
		udp, tcp := r.udp("10.0.0.2:5060"), r.listen("10.0.0.2:5060")
		l := r.dial(large, udp.uri())
		m := tcp.want("INVITE")
		if !strings.HasPrefix(m.get(hVia), "SIP/2.0/TCP 10.0.0.1:5060;rport;branch=z9hG4bK") {
			t.Errorf("Via %q", m.get(hVia))
		}
		tcp.send(tcp.answer(m, 180, "b", "", "Contact: <sip:bob@10.0.0.2:5060>"))
		event[Ringing](t, l)
		l.End(Cause{})
		if c := tcp.want("CANCEL"); c.via.branch != m.via.branch || c.via.transport != "TCP" {
			t.Errorf("CANCEL with Via %q", c.get(hVia))
		}
		udp.silent(time.Second)
		small := r.dial(nil, udp.uri()) // small ones do not
		udp.want("INVITE")
		small.End(Cause{})
	})
}

func TestLargeRequestsGoOverUDPWhereNobodyTakesTCP(t *testing.T) {
	t.Run("refused", func(t *testing.T) {
		bubble(t, nil, func(r *rig) {
			p := r.udp("10.0.0.2:5060")
			begin := time.Now()
			l := r.dial(large, p.uri())
			m := p.want("INVITE")
			if took := time.Since(begin); took > 100*time.Millisecond || !strings.HasPrefix(m.get(hVia), "SIP/2.0/UDP ") {
				t.Errorf("after %v, Via %q", took, m.get(hVia))
			}
			p.want("INVITE") // it is repeated as over UDP
			p.send(p.answer(m, 200, "b", "answer"))
			p.want("ACK")
			event[Answered](t, l)
			if !r.ep.noTCP.has(r.ep.noTCPOnly(), time.Now()) {
				t.Error("it is not remembered")
			}
		})
	})
	t.Run("swallowed by a firewall", func(t *testing.T) {
		synctestTCPHole(t, func(r *rig) {
			p := r.udp("10.0.0.2:5060")
			begin := time.Now()
			r.dial(large, p.uri())
			p.want("INVITE")
			if took := time.Since(begin).Round(100 * time.Millisecond); took != largeWait {
				t.Errorf("after %v, want %v", took, largeWait)
			}
			p.pc.Close()
			time.Sleep(time.Minute)
			if n := r.ep.Stats().Conns.Load(); n != 0 {
				t.Errorf("%d connections left", n)
			}
		})
	})
	t.Run("a phone behind its NAT", func(t *testing.T) {
		bubble(t, accounts, func(r *rig) {
			p, tcp := r.udp("198.51.100.7:40000"), r.listen("198.51.100.7:40000")
			p.register("reg", 1)
			r.dial(func(i *Invite) { i.Targets = r.ep.Contacts("bob"); large(i) })
			p.want("INVITE")
			tcp.silent(time.Second)
		})
	})
	t.Run("answered but lost", func(t *testing.T) {
		bubble(t, nil, func(r *rig) {
			udp, tcp := r.udp("10.0.0.2:5060"), r.listen("10.0.0.2:5060")
			r.dial(large, udp.uri())
			tcp.want("INVITE")
			tcp.conn.Close()
			udp.want("INVITE")
		})
	})
}
