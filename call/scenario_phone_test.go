package call_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"hotline/store"
)

// phones is scenarioCenter with agents who register: 1001 at B, 1002 at C.
func phones(transport string) store.Center {
	c := scenarioCenter(transport)
	for _, id := range []string{"1001", "1002"} {
		c.Agents[id] = store.Agent{Name: "Agent " + id, Queues: []string{"sales", "direct"}, State: "ready"}
	}
	return c
}

// account gives a peer an agent's account and its secret.
func (p *peer) account(id string) (secret string) {
	p.t.Helper()
	secret, err := p.b.eng.NewSecret(id)
	if err != nil {
		p.t.Fatal(err)
	}
	p.user = id
	return secret
}

// registration is a peer's REGISTERs: one Call-ID, rising CSeq.
type registration struct {
	*dialog
	secret    string
	challenge string // to answer; "" for none
	algorithm string // that is chosen of a challenge; "" is MD5
	count     int    // of the nonce
}

func (p *peer) registration(secret string) *registration {
	return &registration{secret: secret, dialog: &dialog{p: p, callID: p.token() + "@" + p.addr, tag: p.token(),
		local: fmt.Sprintf("<sip:%s@%s>;tag=%s", p.user, engineAddr, p.token()), remote: fmt.Sprintf("<sip:%s@%s>", p.user, engineAddr),
		target: "sip:" + engineAddr}}
}

// send sends a REGISTER, with credentials if there is a challenge.
func (r *registration) send(expires int) *msg {
	r.p.t.Helper()
	extra := []string{fmt.Sprintf("Expires: %d", expires)}
	if r.challenge != "" {
		r.count++
		extra = append(extra, "Authorization: "+digestOf(r.p.t, r.challenge, "REGISTER", r.target, r.p.user, r.secret, "0a4f113b", r.count))
	}
	r.do("REGISTER", "", extra...)
	m := r.p.await("answer to REGISTER", time.Second, func(m *msg) bool { return m.method() == "REGISTER" && m.status() >= 200 })
	if m.status() == 401 {
		r.learnChallenge(m)
	}
	return m
}

func (r *registration) learnChallenge(m *msg) {
	want := r.algorithm
	if want == "" {
		want = "MD5"
	}
	for _, v := range m.all("WWW-Authenticate") {
		if got := quoted(v, "algorithm"); got == want || got == "" && want == "MD5" {
			r.challenge, r.count = v, 0
		}
	}
}

// register registers a peer and keeps what it needs to do so again.
func (p *peer) register(secret string, expires int) *registration {
	p.t.Helper()
	r := p.registration(secret)
	if s := r.send(expires).status(); s != 401 {
		p.t.Errorf("REGISTER without credentials got %d, want 401", s)
	}
	if s := r.send(expires).status(); s != 200 {
		p.t.Fatalf("REGISTER got %d, want 200", s)
	}
	return r
}

// callAs places a call of a registered phone, which answers the challenge.
func (p *peer) callAs(secret, number, body string, extra ...string) *dialog {
	p.t.Helper()
	d := p.call(number, body)
	m := d.refused(401, time.Second)
	var credentials string
	for _, v := range m.all("WWW-Authenticate") {
		if quoted(v, "algorithm") == "MD5" {
			credentials = digestOf(p.t, v, "INVITE", d.target, p.user, secret, "0a4f113b", 1)
		}
	}
	d.do("INVITE", body, append(extra, "Authorization: "+credentials)...)
	return d
}

func TestScenario31AgentUnregistersInTalk(t *testing.T) {
	overBothWith(t, phones, func(b *bed, A, B *peer) {
		reg := B.register(B.account("1001"), 600)
		b.agentState("1001", "ready")
		a, leg := up(A, B)
		if s := reg.send(0).status(); s != 200 {
			t.Fatalf("REGISTER with expires 0 got %d", s)
		}
		A.none("BYE", 2*time.Second, isRequest("BYE"))
		second := A.call("4001", A.sdp(30002))
		second.answered(time.Second)
		B.none("INVITE", 5*time.Second, isRequest("INVITE"))
		a.bye()
		leg.hungUp(time.Second)
		B.none("INVITE when he is free, but not registered", 5*time.Second, isRequest("INVITE"))
		b.agentState("1001", "unreachable (no phone)")
		second.bye()
		b.cdrs()
	})
}

// Scenario 32 is of TCP by its nature; over UDP a NAT that moves a phone is the
// like of it, see below.
func TestScenario32ConnectionLostInTalk(t *testing.T) {
	inBubble(t, phones("TCP"), func(b *bed) {
		A, B := b.newPeer("TCP", addrA), b.newPeer("TCP", addrB)
		reg := B.register(B.account("1001"), 600)
		b.agentState("1001", "ready")
		for _, way := range []string{"BYE by us", "BYE by the agent"} {
			a, leg := up(A, B)
			B.conn.Close()
			A.none("BYE", 3*time.Second, isRequest("BYE"))
			B.redial()
			if s := reg.send(600).status(); s == 401 {
				reg.send(600)
			}
			if way == "BYE by us" {
				a.bye()
				leg.hungUp(time.Second)
			} else {
				leg.bye()
				a.hungUp(time.Second)
			}
			b.agentState("1001", "ready")
		}
		if n := len(b.cdrs()); n != 2 {
			t.Errorf("got %d CDRs, want 2", n)
		}
	})
}

func TestScenario32CallersConnectionLost(t *testing.T) {
	inBubble(t, scenarioCenter("TCP"), func(b *bed) {
		A, B := b.newPeer("TCP", addrA), b.newPeer("TCP", addrB)
		a, leg := up(A, B)
		A.conn.Close()
		B.none("BYE", 3*time.Second, isRequest("BYE"))
		leg.bye()
		a.hungUp(2 * time.Second) // over a connection that we open to his Contact
		b.wantTrace("wait direct; offer 1: answered; talk; end: agent hung up")
	})
}

func TestScenario32ConnectionLostWhileRinging(t *testing.T) {
	inBubble(t, scenarioCenter("TCP"), func(b *bed) {
		A, B := b.newPeer("TCP", addrA), b.newPeer("TCP", addrB)
		a := A.call("4002", A.sdp(30000))
		leg := B.rings(time.Second)
		A.conn.Close()
		leg.reply(leg.invite, 180, "Ringing", "")
		leg.reply(leg.invite, 200, "OK", B.sdp(40000))
		leg.acked(time.Second)
		a.answered(2 * time.Second) // RFC 3261, 18.2.2: over a new one, to his Via
		a.bye()
		leg.hungUp(time.Second)
		b.wantTrace("wait direct; offer 1: answered; talk; end: caller hung up")
	})
}

func TestScenario33ContactBehindNAT(t *testing.T) {
	center := func(transport string) store.Center {
		c := phones(transport)
		c.Trunks["world"] = store.Trunk{Addresses: []string{"198.51.100.7"}}
		return c
	}
	for _, transport := range []string{"UDP", "TCP"} {
		t.Run(transport, func(t *testing.T) {
			inBubble(t, center(transport), func(b *bed) {
				A, B := b.newPeer(transport, "198.51.100.7:41000"), b.newPeer(transport, "203.0.113.9:42000")
				A.private, B.private = "192.168.1.2:5060", "192.168.7.3:5060"
				sa, sb := b.newSound("198.51.100.7:43000"), b.newSound("203.0.113.9:44000")
				B.register(B.account("1001"), 600)
				for _, by := range []string{"caller", "agent"} {
					b.agentState("1001", "ready")
					a := A.call("4002", A.sdp(30000))
					leg := B.rings(time.Second)
					leg.accept(40000)
					sa.to, sb.to = audioAt(t, a.answered(time.Second).body), audioAt(t, leg.invite.body)
					sa.forget()
					sb.forget()
					converse(500*time.Millisecond, map[*sound]float64{sa: 500, sb: 700})
					sa.hears(0, 700)
					sb.hears(0, 500)
					if by == "caller" {
						a.bye()
						leg.hungUp(time.Second)
					} else {
						leg.bye()
						a.hungUp(time.Second)
					}
				}
				if n := len(b.cdrs()); n != 2 {
					t.Errorf("got %d CDRs, want 2", n)
				}
			})
		})
	}
}

func TestPhonesCallEachOtherAndQueues(t *testing.T) {
	overBothWith(t, phones, func(b *bed, A, B *peer) {
		C := b.newPeer(B.transport, addrC)
		B.register(B.account("1001"), 600)
		secret := C.account("1002")
		C.register(secret, 600)
		b.agentState("1001", "ready")
		c := C.callAs(secret, "1001", C.sdp(41000))
		leg := B.rings(time.Second)
		if got := leg.invite.get("From"); !strings.Contains(got, "Agent 1002") || !strings.Contains(got, "sip:1002@") {
			t.Errorf("B sees %q, want agent 1002", got)
		}
		leg.accept(40000)
		c.answered(time.Second)
		b.agentState("1002", "ready (in another call)")
		leg.bye()
		c.hungUp(time.Second)
		got := b.wantTrace("dial agent 1001; talk; end: the other side hung up")
		if got.From != "agent:1002" || got.Caller != "1002" {
			t.Errorf("call is from %s %s, want agent:1002 1002", got.From, got.Caller)
		}
	})
}

func TestAPhoneWhoseNATMovedItIsReachedWhereItRegisteredLast(t *testing.T) {
	center := phones("UDP")
	center.Trunks["world"] = store.Trunk{Addresses: []string{"10.0.0.2"}}
	inBubble(t, center, func(b *bed) {
		A, B := b.newPeer("UDP", addrA), b.newPeer("UDP", "203.0.113.9:42000")
		B.private = "192.168.7.3:5060"
		secret := B.account("1001")
		reg := B.register(secret, 600)
		b.agentState("1001", "ready")
		a, leg := up(A, B)
		B.pc.Close()
		moved := b.newPeer("UDP", "203.0.113.9:42001")
		moved.private, moved.user = B.private, "1001"
		reg.p, leg.p = moved, moved
		if s := reg.send(600).status(); s == 401 {
			reg.send(600)
		}
		a.bye()
		leg.hungUp(time.Second)
		b.oneCDR()
	})
}
