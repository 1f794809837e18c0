package sip

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Callees that are dead, busy, elsewhere or ask who we are.

func TestDeadPhone(t *testing.T) {
	bubble(t, nil, func(r *rig) {
		p := r.udp("10.0.0.2:5060")
		l := r.dial(nil, p.uri())
		begin, n := time.Now(), 0
		for p.get(40*time.Second) != nil {
			n++
		}
		e := event[Failed](t, l)
		if n != 7 || e.Status != 408 || !e.Unreachable {
			t.Fatalf("%d INVITEs, %+v", n, e)
		}
		_ = begin
	})
	t.Run("the next target is tried after NoAnswer", func(t *testing.T) {
		bubble(t, nil, func(r *rig) {
			dead, p := r.udp("10.0.0.2:5060"), r.udp("10.0.0.3:5060")
			begin := time.Now()
			l := r.dial(func(i *Invite) { i.NoAnswer = 3 * time.Second }, dead.uri(), p.uri())
			first := dead.want("INVITE")
			inv := p.want("INVITE")
			if took := time.Since(begin).Round(100 * time.Millisecond); took != 3*time.Second {
				t.Errorf("next after %v, want 3s", took)
			}
			for dead.get(time.Millisecond) != nil {
			}
			dead.send(dead.answer(first, 180, "ghost", "")) // it wakes up: it must not ring on
			dead.send(dead.answer(dead.want("CANCEL"), 200, "ghost", ""))
			dead.send(dead.answer(first, 487, "ghost", ""))
			dead.want("ACK")
			p.send(p.answer(inv, 200, "b", "answer"))
			p.want("ACK")
			event[Answered](t, l)
		})
	})
	t.Run("refused connections are unreachable", func(t *testing.T) {
		bubble(t, nil, func(r *rig) {
			l := r.dial(nil, "sip:bob@10.0.0.2:5060;transport=tcp")
			if e := event[Failed](t, l); !e.Unreachable || e.Status != 503 {
				t.Fatalf("failed %+v", e)
			}
		})
	})
	t.Run("a name that does not resolve is unreachable", func(t *testing.T) {
		bubble(t, nil, func(r *rig) {
			l := r.dial(nil, "sip:bob@nowhere.example")
			if e := event[Failed](t, l); !e.Unreachable || e.Status != 503 {
				t.Fatalf("failed %+v", e)
			}
		})
	})
	t.Run("no target at all", func(t *testing.T) {
		bubble(t, nil, func(r *rig) {
			if e := event[Failed](t, r.dial(nil)); e.Status != 480 || !e.Unreachable {
				t.Fatalf("failed %+v", e)
			}
		})
	})
}

func TestFailuresThatMoveOn(t *testing.T) {
	for _, c := range []struct {
		status int
		moves  bool
	}{{503, true}, {408, true}, {486, false}, {603, false}, {404, false}, {500, false}} {
		t.Run(fmt.Sprint(c.status), func(t *testing.T) {
			callees(t, nil, func(r *rig, p *peer) {
				second := r.udp("10.0.0.3:5060")
				l := r.dial(nil, p.uri(), second.uri())
				p.send(p.answer(p.want("INVITE"), c.status, "b", "", "Retry-After: 5"))
				p.want("ACK")
				if !c.moves {
					if e := event[Failed](t, l); e.Status != c.status || e.Target != 0 {
						t.Fatalf("failed %+v", e)
					}
					second.silent(time.Minute)
					return
				}
				inv := second.want("INVITE")
				second.send(second.answer(inv, 486, "c", ""))
				if e := event[Failed](t, l); e.Status != 486 || e.Target != 1 {
					t.Fatalf("failed %+v", e)
				}
			})
		})
	}
}

func TestRedirect(t *testing.T) {
	t.Run("is followed, loops are not", func(t *testing.T) {
		callees(t, nil, func(r *rig, p *peer) {
			other := r.udp("10.0.0.3:5060")
			l := r.dial(func(i *Invite) { i.Redirects = 3 }, p.uri())
			inv := p.want("INVITE")
			p.send(p.answer(inv, 302, "b", "", "Contact: <sip:carol@10.0.0.3:5060>"))
			p.want("ACK")
			inv2 := other.want("INVITE")
			if inv2.target != "sip:carol@10.0.0.3:5060" || inv2.cseq <= inv.cseq || inv2.callID != inv.callID {
				t.Errorf("second INVITE %s CSeq %d", inv2.target, inv2.cseq)
			}
			other.send(other.answer(inv2, 302, "c", "", "Contact: <"+p.uri()+">"))
			other.want("ACK")
			if e := event[Failed](t, l); e.Status != 482 || e.Reason != "Redirected In A Loop" {
				t.Fatalf("failed %+v", e)
			}
			p.silent(time.Minute)
		})
	})
	t.Run("is a failure without leave", func(t *testing.T) {
		callees(t, nil, func(r *rig, p *peer) {
			l := r.dial(nil, p.uri())
			p.send(p.answer(p.want("INVITE"), 302, "b", "", "Contact: <sip:carol@10.0.0.3:5060>"))
			p.want("ACK")
			if e := event[Failed](t, l); e.Status != 302 {
				t.Fatalf("failed %+v", e)
			}
		})
	})
	t.Run("ends at the limit", func(t *testing.T) {
		bubble(t, nil, func(r *rig) {
			p := r.udp("10.0.0.2:5060")
			l := r.dial(func(i *Invite) { i.Redirects = 3 }, p.uri())
			for i := range 4 {
				m := p.want("INVITE")
				p.send(p.answer(m, 302, "b", "", fmt.Sprintf("Contact: <sip:n%d@10.0.0.2:5060>", i)))
				p.want("ACK")
			}
			if e := event[Failed](t, l); e.Status != 482 || e.Reason != "Redirected Too Often" {
				t.Fatalf("failed %+v", e)
			}
			p.silent(time.Minute)
		})
	})
}

func TestTrunkChallenges(t *testing.T) {
	callees(t, nil, func(r *rig, p *peer) {
		r.ep.SetTrunks([]Trunk{{Name: "out", Peers: []string{p.uri()}, User: "u", Password: "p"}})
		targets, ok := r.ep.Trunk("out", "123")
		if !ok || len(targets) != 1 {
			t.Fatalf("targets %v %v", targets, ok)
		}
		l := r.dial(func(i *Invite) { i.Targets = targets })
		inv := p.want("INVITE")
		p.send(p.answer(inv, 401, "a", "", `WWW-Authenticate: Digest realm="x", nonce="n1", qop="auth", algorithm=MD5`))
		p.want("ACK")
		inv2 := p.want("INVITE")
		if v := inv2.get(hAuthorization); !strings.Contains(v, `nc=00000001`) || !strings.Contains(v, `nonce="n1"`) || inv2.cseq != inv.cseq+1 {
			t.Fatalf("Authorization %s, CSeq %d", v, inv2.cseq)
		}
		p.send(p.answer(inv2, 401, "a", "", `WWW-Authenticate: Digest realm="x", nonce="n2", stale=true, qop="auth", algorithm=MD5`))
		p.want("ACK")
		inv3 := p.want("INVITE")
		if v := inv3.get(hAuthorization); !strings.Contains(v, `nc=00000001`) || !strings.Contains(v, `nonce="n2"`) || inv3.cseq != inv.cseq+2 {
			t.Fatalf("Authorization %s, CSeq %d", v, inv3.cseq)
		}
		p.send(p.answer(inv3, 200, "b", "answer"))
		if ack := p.want("ACK"); !strings.Contains(ack.get(hAuthorization), `nonce="n2"`) {
			t.Errorf("ACK without the INVITE's credentials")
		}
		event[Answered](t, l)
		l.End(Cause{})
		bye := p.want("BYE")
		if v := bye.get(hAuthorization); !strings.Contains(v, `nc=00000002`) {
			t.Errorf("BYE with %q", v)
		}
		p.send(p.answer(bye, 401, "", "", `WWW-Authenticate: Digest realm="x", nonce="n3", stale=true, qop="auth", algorithm=MD5`))
		bye = p.want("BYE")
		if v := bye.get(hAuthorization); !strings.Contains(v, `nonce="n3"`) {
			t.Errorf("second BYE with %q", v)
		}
		p.send(p.answer(bye, 200, "", ""))
		event[Ended](t, l)
	})
	t.Run("of strangers are not answered", func(t *testing.T) {
		callees(t, nil, func(r *rig, p *peer) {
			l := r.dial(nil, p.uri())
			p.send(p.answer(p.want("INVITE"), 401, "a", "", `WWW-Authenticate: Digest realm="x", nonce="n1", qop="auth"`))
			p.want("ACK")
			if e := event[Failed](t, l); e.Status != 401 {
				t.Fatalf("failed %+v", e)
			}
		})
	})
}

func TestTcpLostInTheCall(t *testing.T) {
	t.Run("our BYE dials the Contact", func(t *testing.T) {
		bubble(t, nil, func(r *rig) {
			p := r.listen("10.0.0.2:5060")
			l, _ := r.reach(p)
			p.conn.Close()
			synctest.Wait()
			p.conn, p.frame = nil, framer{}
			l.End(Cause{})
			p.send2(t, "BYE")
			event[Ended](t, l)
		})
	})
	t.Run("a request under way goes out again", func(t *testing.T) {
		bubble(t, nil, func(r *rig) {
			p := r.listen("10.0.0.2:5060")
			l, _ := r.reach(p)
			l.End(Cause{})
			p.want("BYE")
			p.conn.Close()
			p.conn, p.frame = nil, framer{}
			p.send2(t, "BYE")
			event[Ended](t, l)
		})
	})
}
