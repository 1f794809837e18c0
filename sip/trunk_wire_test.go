package sip

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"hotline/internal/simnet"
)

// wireTrunk is a trunk at two names, played by hand.
func wireTrunk(t *testing.T, n *simnet.Network) (tr Trunk, a, b *wireUA) {
	tr = Trunk{Name: "carrier", Peers: []string{"sip:a.carrier.example", "sip:b.carrier.example"}, Register: true, User: "4930", Password: "p"}
	return tr, wirePhone(t, n, "198.51.100.1:5060", ""), wirePhone(t, n, "198.51.100.2:5060", "")
}

// wireState waits until the trunk is registered or not, with an error that contains problem.
func wireState(t *testing.T, e *Endpoint, registered bool, problem string) TrunkState {
	t.Helper()
	var all []TrunkState
	for range 100 {
		time.Sleep(10 * time.Millisecond)
		all = e.Trunks()
		if len(all) == 1 && all[0].Registered == registered && (problem == "" && all[0].Error == "" || problem != "" && strings.Contains(all[0].Error, problem)) {
			return all[0]
		}
	}
	t.Fatalf("got %+v, want registered %v, error %q", all, registered, problem)
	return TrunkState{}
}

// wireCredentials reads the credentials of a request.
func wireCredentials(t *testing.T, m *message) authHeader {
	t.Helper()
	all, err := parseAuth(m.get(hAuthorization))
	if err != nil || len(all) != 1 {
		t.Fatalf("got Authorization %q, want credentials", m.get(hAuthorization))
	}
	return all[0]
}

func TestWeRegisterAtATrunkThrough401423AndAStaleNonce(t *testing.T) {
	wired(t, Config{}, func(t *testing.T, n *simnet.Network, e *Endpoint) {
		const peer = wireServer
		tr, a, _ := wireTrunk(t, n)
		e.SetTrunks([]Trunk{tr})
		m := a.expects("REGISTER")
		if m.has(hAuthorization) || m.target != "sip:a.carrier.example" || m.get(hContact) != "<sip:4930@192.0.2.1:5060>;expires=600" {
			t.Errorf("got %s %v, want no credentials yet and our Contact", m.target, m.fields)
		}
		first := m.cseq
		a.answer(m, peer, 401, `WWW-Authenticate: Digest realm="c", nonce="n1", algorithm=MD5, qop="auth"`, `WWW-Authenticate: Digest realm="c", nonce="n1", algorithm=SHA-256, qop="auth"`)
		m = a.expects("REGISTER")
		h := wireCredentials(t, m)
		want := digestResponse(algSHA256, HA1(algSHA256, "4930", "c", "p"), "REGISTER", h)
		if m.cseq != first+1 || h.param("response") != want || h.param("algorithm") != algSHA256 {
			t.Errorf("got CSeq %d, %v, want %d, SHA-256, response %s", m.cseq, h, first+1, want)
		}
		a.answer(m, peer, 423, "Min-Expires: 1000")
		m = a.expects("REGISTER")
		if m.get(hExpires) != "1000" || m.cseq != first+2 {
			t.Errorf("got expires %s, CSeq %d, want 1000, %d", m.get(hExpires), m.cseq, first+2)
		}
		a.answer(m, peer, 200, "Contact: "+strings.Replace(m.get(hContact), "1000", "100", 1))
		st := wireState(t, e, true, "")
		began := time.Now()
		m = a.expects("REGISTER")
		if d := time.Since(began); d < 79*time.Second || d > 80*time.Second || st.Expires.Sub(began) < 99*time.Second {
			t.Errorf("got a refresh after %v, want at 80 %% of 100 s", d)
		}
		if h := wireCredentials(t, m); h.param("nonce") != "n1" || h.param("nc") != "00000003" {
			t.Errorf("got %v, want nonce n1 with count 3", h)
		}
		a.answer(m, peer, 401, `WWW-Authenticate: Digest realm="c", nonce="n2", algorithm=SHA-256, qop="auth", stale=true`)
		m = a.expects("REGISTER")
		if h := wireCredentials(t, m); h.param("nonce") != "n2" || h.param("nc") != "00000001" {
			t.Errorf("got %v, want nonce n2 with count 1", h)
		}
		a.answer(m, peer, 200, "Expires: 1000")
		wireState(t, e, true, "")
		e.SetTrunks(nil)
		m = a.expects("REGISTER")
		if m.get(hExpires) != "0" {
			t.Errorf("got expires %s, want 0 when the trunk is gone", m.get(hExpires))
		}
		a.answer(m, peer, 200)
		if m, _ := a.read(time.Hour); m != nil {
			t.Errorf("got %s, want nothing more", m.method)
		}
	})
}

func TestWeRegisterAtTheNextPeerOn503AndOnSilence(t *testing.T) {
	wired(t, Config{}, func(t *testing.T, n *simnet.Network, e *Endpoint) {
		const peer = wireServer
		tr, a, b := wireTrunk(t, n)
		e.SetTrunks([]Trunk{tr})
		a.answer(a.expects("REGISTER"), peer, 503, "Retry-After: 7")
		m := b.expects("REGISTER")
		if m.target != "sip:b.carrier.example" {
			t.Errorf("got %s, want the second peer", m.target)
		}
		began := time.Now()
		for range 10 { // Timer F: repeats go unanswered
			if m, _ := b.read(40 * time.Second); m == nil {
				t.Fatal("got no repeats, want Timer E")
			} else if time.Since(began) >= 31*time.Second {
				break
			}
		}
		time.Sleep(3 * time.Second)
		wireState(t, e, false, "request timeout")
		m = a.expects("REGISTER")
		if d := time.Since(began); d < 61*time.Second || d > 64*time.Second {
			t.Errorf("got the first peer again after %v, want 32 s of silence and 30 s of waiting", d)
		}
		a.answer(m, peer, 200, "Expires: 600")
		wireState(t, e, true, "")
	})
}

func TestAChangedTrunkRegistersAnewOnceTheOldBindingIsGone(t *testing.T) {
	wired(t, Config{}, func(t *testing.T, n *simnet.Network, e *Endpoint) {
		const peer = wireServer
		tr, a, _ := wireTrunk(t, n)
		e.SetTrunks([]Trunk{tr})
		a.answer(a.expects("REGISTER"), peer, 200, "Expires: 600")
		wireState(t, e, true, "")
		tr.Trusted, tr.Addresses = true, []netip.Prefix{netip.MustParsePrefix("203.0.113.0/28")}
		e.SetTrunks([]Trunk{tr})
		if m, _ := a.read(time.Minute); m != nil {
			t.Errorf("got %s, want nothing for what does not concern the registration", m.method)
		}
		wireState(t, e, true, "")
		tr.Password = "new"
		e.SetTrunks([]Trunk{tr})
		m := a.expects("REGISTER")
		if m.get(hExpires) != "0" {
			t.Errorf("got expires %s first, want 0", m.get(hExpires))
		}
		if m, _ := a.read(400 * time.Millisecond); m != nil {
			t.Errorf("got %s %s, want to wait for the removal's answer", m.method, m.get(hExpires))
		}
		a.answer(m, peer, 200)
		began := time.Now()
		if m = a.expects("REGISTER"); m.get(hExpires) != "600" || time.Since(began) > 100*time.Millisecond {
			t.Errorf("got expires %s after %v, want the new registration at once", m.get(hExpires), time.Since(began))
		}
		a.answer(m, peer, 200, "Expires: 600")
		wireState(t, e, true, "")
		tr.Expires = 900 * time.Second
		e.SetTrunks([]Trunk{tr})
		for m = a.expects("REGISTER"); m.get(hExpires) == "0"; m = a.expects("REGISTER") {
			if time.Since(began) > 10*time.Second {
				t.Fatal("got no new registration while the old one's removal is not answered")
			}
		}
		a.answer(m, peer, 200, "Expires: 900")
		wireState(t, e, true, "")
	})
}

func TestARegistrationIsTakenBackWhenTheEndpointStops(t *testing.T) {
	var last *message
	wired(t, Config{}, func(t *testing.T, n *simnet.Network, e *Endpoint) {
		tr, a, _ := wireTrunk(t, n)
		e.SetTrunks([]Trunk{tr})
		a.answer(a.expects("REGISTER"), wireServer, 200, "Expires: 600")
		wireState(t, e, true, "")
		go func() { // ends when the REGISTER at the end of Run has come
			last = a.expects("REGISTER")
			a.answer(last, wireServer, 200)
		}()
	})
	if last == nil || last.get(hExpires) != "0" {
		t.Errorf("got %v, want a REGISTER with expires 0", last)
	}
}

func TestATrunkIsKnownByItsResolvedPeersAndUnknownSourcesAreNot(t *testing.T) {
	got := make(chan Peer, 4)
	c := Config{OnCall: func(in *Incoming) Inbox { got <- in.Peer; return nil }}
	wired(t, c, func(t *testing.T, n *simnet.Network, e *Endpoint) {
		tr, a, _ := wireTrunk(t, n)
		tr.Register = false
		tr.Addresses = []netip.Prefix{netip.MustParsePrefix("203.0.113.0/28")}
		e.SetTrunks([]Trunk{tr})
		time.Sleep(time.Second)
		invite := func(u *wireUA, id string) int {
			u.send(wireServer, "INVITE sip:4000@call.example SIP/2.0\r\nVia: SIP/2.0/UDP h.example;rport;branch=z9hG4bK"+id+"\r\nMax-Forwards: 70\r\n"+
				"From: <sip:+491@carrier.example>;tag="+id+"\r\nTo: <sip:4000@call.example>\r\nCall-ID: "+id+"\r\nCSeq: 1 INVITE\r\nContact: <sip:c@h.example>\r\nContent-Length: 0\r\n\r\n")
			m, _ := u.read(time.Second)
			for m != nil && m.status < 200 {
				m, _ = u.read(time.Second)
			}
			if m == nil {
				t.Fatal("got no answer")
			}
			return m.status
		}
		if status := invite(a, "peer"); status != 503 || (<-got).Trunk != "carrier" {
			t.Errorf("a resolved peer: got %d, want the call offered", status)
		}
		if status := invite(wirePhone(t, n, "203.0.113.3:9", ""), "prefix"); status != 503 || (<-got).Trunk != "carrier" {
			t.Errorf("a configured source: got %d, want the call offered", status)
		}
		if status := invite(wirePhone(t, n, "203.0.113.77:5060", ""), "else"); status != 401 || len(got) != 0 {
			t.Errorf("an unknown source: got %d, want 401", status)
		}
	})
}

func TestACallThroughATrunkAnswersItsChallengesOnly(t *testing.T) {
	wired(t, Config{}, func(t *testing.T, n *simnet.Network, e *Endpoint) {
		tr, a, b := wireTrunk(t, n)
		tr.Register = false
		evil := wirePhone(t, n, "203.0.113.66:5060", "")
		e.SetTrunks([]Trunk{tr})
		call := func() wireEvents {
			targets, ok := e.Trunk("carrier", "+4930123")
			if !ok || len(targets) != 2 {
				t.Fatalf("got %v, want two peers", targets)
			}
			in := make(wireEvents, 64)
			e.Dial(Invite{Targets: targets, From: Address{User: "4000"}, Redirects: 2, Redirect: func(Target) bool { return true }, Media: wireMedia{}, Inbox: in})
			return in
		}
		const challenge = `WWW-Authenticate: Digest realm="c", nonce="%s", qop="auth"`

		in := call()
		m := a.expects("INVITE")
		if m.target != "sip:+4930123@a.carrier.example" {
			t.Errorf("got %s, want the number at the peer", m.target)
		}
		seq := m.cseq
		a.answer(m, wireServer, 401, fmt.Sprintf(challenge, "n1"))
		m = a.expects("INVITE")
		a.answer(m, wireServer, 401, fmt.Sprintf(challenge, "n2")+", stale=true")
		m = a.expects("INVITE")
		h := wireCredentials(t, m)
		want := digestResponse(algMD5, HA1(algMD5, "4930", "c", "p"), "INVITE", h)
		if m.cseq != seq+2 || h.param("nonce") != "n2" || h.param("nc") != "00000001" || h.param("response") != want {
			t.Errorf("got CSeq %d, %v, want %d, nonce n2 with count 1, response %s", m.cseq, h, seq+2, want)
		}
		a.answer(m, wireServer, 302, "Contact: <sip:+4930123@203.0.113.66>")
		m = evil.expects("INVITE")
		evil.answer(m, wireServer, 401, fmt.Sprintf(challenge, "n3"))
		if f := wireWait[Failed](t, in); f.Status != 401 || m.has(hAuthorization) {
			t.Errorf("got %+v, %q, want no credentials for a stranger", f, m.get(hAuthorization))
		}

		in = call()
		a.answer(a.expects("INVITE"), wireServer, 503, "Retry-After: 5")
		b.answer(b.expects("INVITE"), wireServer, 486)
		if f := wireWait[Failed](t, in); f.Status != 486 || f.Target != 1 {
			t.Errorf("got %+v, want busy from the second peer", f)
		}
		in = call()
		b.answer(b.expects("INVITE"), wireServer, 486)
		wireWait[Failed](t, in)
		time.Sleep(6 * time.Second)
		in = call()
		a.answer(a.expects("INVITE"), wireServer, 486)
		wireWait[Failed](t, in)
	})
}

func TestAChallengedCallThatIsAskedForALongerSessionCountsOn(t *testing.T) {
	wired(t, Config{}, func(t *testing.T, n *simnet.Network, e *Endpoint) {
		tr, a, _ := wireTrunk(t, n)
		tr.Register = false
		e.SetTrunks([]Trunk{tr})
		targets, _ := e.Trunk("carrier", "1")
		in := make(wireEvents, 64)
		d := e.Dial(Invite{Targets: targets, From: Address{User: "4000"}, Media: wireMedia{}, Inbox: in})
		a.answer(a.expects("INVITE"), wireServer, 407, `Proxy-Authenticate: Digest realm="c", nonce="n1", qop="auth"`)
		a.answer(a.expects("INVITE"), wireServer, 422, "Min-SE: 7200")
		m := a.expects("INVITE")
		count := func(m *message) string {
			all, _ := parseAuth(m.get(hProxyAuthorization))
			if len(all) != 1 {
				t.Fatalf("got %s with %q, want credentials", m.method, m.get(hProxyAuthorization))
			}
			return all[0].param("nc")
		}
		if got := count(m); got != "00000002" {
			t.Errorf("got count %s after 422, want 00000002", got)
		}
		a.answer(m, wireServer, 200, "Contact: <sip:1@a.carrier.example>", wireSDP)
		if got := count(a.expects("ACK")); got != "00000002" {
			t.Errorf("got count %s in the ACK, want the INVITE's", got)
		}
		wireWait[Answered](t, in)
		d.End(Cause{})
		m = a.expects("BYE")
		if got := count(m); got != "00000003" {
			t.Errorf("got count %s in the BYE, want 00000003", got)
		}
		a.answer(m, wireServer, 200)
		wireWait[Ended](t, in)
	})
}
