package sip

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hotline/internal/simnet"
)

const wireServer = "192.0.2.1:5060"

// wireUA is a user agent that a test plays by hand, over a datagram socket or a connection.
type wireUA struct {
	t    *testing.T
	pc   net.PacketConn
	conn net.Conn
	rest []byte // of a stream
	host string // what it believes its address to be
	seq  uint32
}

func wirePhone(t *testing.T, n *simnet.Network, addr, believes string) *wireUA {
	t.Helper()
	pc, err := n.ListenPacket(addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pc.Close() })
	return &wireUA{t: t, pc: pc, host: believes}
}

func wireStream(t *testing.T, n *simnet.Network, from, believes string) *wireUA {
	t.Helper()
	c, err := n.Dialer(netip.MustParseAddr(from))(t.Context(), "tcp", wireServer)
	if err != nil {
		t.Fatal(err)
	}
	return &wireUA{t: t, conn: c, host: believes}
}

func (u *wireUA) send(to, text string) {
	u.t.Helper()
	var err error
	if u.conn != nil {
		_, err = u.conn.Write([]byte(text))
	} else {
		_, err = u.pc.WriteTo([]byte(text), net.UDPAddrFromAddrPort(netip.MustParseAddrPort(to)))
	}
	if err != nil {
		u.t.Fatal(err)
	}
}

// read gives the next message within d, nil when there is none.
func (u *wireUA) read(d time.Duration) (*message, string) {
	u.t.Helper()
	deadline := time.Now().Add(d)
	if u.conn == nil {
		b := make([]byte, 65535)
		u.pc.SetReadDeadline(deadline)
		n, from, err := u.pc.ReadFrom(b)
		if err != nil {
			return nil, ""
		}
		m, err := parse(string(b[:n]), false)
		if err != nil {
			u.t.Fatalf("%q: %v", b[:n], err)
		}
		return m, from.String()
	}
	u.conn.SetReadDeadline(deadline)
	for {
		u.rest = bytes.TrimLeft(u.rest, "\r\n")
		if end := bytes.Index(u.rest, []byte("\r\n\r\n")); end >= 0 {
			m, _ := parse(string(u.rest[:end+4]), true)
			if m != nil && len(u.rest) >= end+4+max(m.length, 0) {
				size := end + 4 + max(m.length, 0)
				m, err := parse(string(u.rest[:size]), true)
				if err != nil {
					u.t.Fatalf("%q: %v", u.rest[:size], err)
				}
				u.rest = u.rest[size:]
				return m, wireServer
			}
		}
		b := make([]byte, 65535)
		n, err := u.conn.Read(b)
		if err != nil {
			return nil, ""
		}
		u.rest = append(u.rest, b[:n]...)
	}
}

// expects reads until a message is a response of that status, or a request of that method.
func (u *wireUA) expects(what string) *message {
	u.t.Helper()
	var seen []string
	for {
		m, _ := u.read(100 * time.Second)
		if m == nil {
			u.t.Fatalf("got %q, then nothing, want %s", seen, what)
		}
		name := m.method
		if name == "" {
			name = fmt.Sprint(m.status)
		}
		if name == what {
			return m
		}
		seen = append(seen, name)
	}
}

// answer sends a response to a request.
func (u *wireUA) answer(m *message, to string, status int, lines ...string) {
	u.t.Helper()
	text := fmt.Sprintf("SIP/2.0 %d Reason\r\n", status)
	for _, f := range m.fields {
		switch f.id {
		case hTo:
			text += "To: " + f.value
			if m.toTag == "" {
				text += ";tag=wire"
			}
			text += "\r\n"
		case hVia, hFrom, hCallID, hCSeq, hRecordRoute:
			text += f.name + ": " + f.value + "\r\n"
		}
	}
	body := ""
	for _, l := range lines {
		if strings.HasPrefix(l, "v=0") {
			body = l
			text += "Content-Type: application/sdp\r\n"
			continue
		}
		text += l + "\r\n"
	}
	u.send(to, text+fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body))
}

// register sends a REGISTER with a Contact line and answers the challenge; gives the final response.
func (u *wireUA) register(user, secret string, lines ...string) *message {
	u.t.Helper()
	auth := newClientAuth(user, secret, "")
	var creds [][2]string
	for range 3 {
		u.seq++
		transport := "UDP"
		if u.conn != nil {
			transport = "TCP"
		}
		text := fmt.Sprintf("REGISTER sip:call.example SIP/2.0\r\nVia: SIP/2.0/%s %s;rport;branch=z9hG4bK%s%d\r\nMax-Forwards: 70\r\n"+
			"From: <sip:%[5]s@call.example>;tag=r\r\nTo: <sip:%[5]s@call.example>\r\nCall-ID: reg-%[3]s\r\nCSeq: %[4]d REGISTER\r\n",
			transport, u.host, user+u.host, u.seq, user)
		for _, c := range creds {
			text += c[0] + ": " + c[1] + "\r\n"
		}
		for _, l := range lines {
			text += l + "\r\n"
		}
		u.send(wireServer, text+"Content-Length: 0\r\n\r\n")
		m, _ := u.read(time.Second)
		if m == nil {
			u.t.Fatal("got no answer to REGISTER")
		}
		if m.status != 401 {
			return m
		}
		var err error
		if creds, err = auth.answer("REGISTER", "sip:call.example", m); err != nil {
			return m
		}
	}
	u.t.Fatal("got a challenge each time")
	return nil
}

// wireEvents is an Inbox that a test reads.
type wireEvents chan Event

func (w wireEvents) Deliver(e Event) { w <- e }

// wireWait gives the next event of type E, passing over others.
func wireWait[E Event](t *testing.T, in wireEvents) E {
	t.Helper()
	for {
		select {
		case e := <-in:
			if got, ok := e.(E); ok {
				return got
			}
		case <-time.After(time.Minute):
			var want E
			t.Fatalf("got no event, want %T", want)
		}
	}
}

const wireSDP = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 10000 RTP/AVP 0\r\n"

type wireMedia struct{}

func (wireMedia) Offer() ([]byte, error)        { return []byte(wireSDP), nil }
func (wireMedia) Answer([]byte) ([]byte, error) { return []byte(wireSDP), nil }
func (wireMedia) Accept([]byte) error           { return nil }

// wireNames are hosts that tests can look up.
var wireNames = map[string]string{"a.carrier.example": "198.51.100.1", "b.carrier.example": "198.51.100.2"}

// wired runs f with an endpoint at wireServer in a bubble.
func wired(t *testing.T, c Config, f func(t *testing.T, n *simnet.Network, e *Endpoint)) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(simnet.Options{Latency: time.Millisecond})
		pc, err := n.ListenPacket(wireServer)
		if err != nil {
			t.Fatal(err)
		}
		l, err := n.Listen(wireServer)
		if err != nil {
			t.Fatal(err)
		}
		c.Packet, c.Stream, c.Realm = []net.PacketConn{pc}, []net.Listener{l}, testRealm
		c.Dial = n.Dialer(netip.MustParseAddr("192.0.2.1"))
		c.Lookup = func(_ context.Context, host string) ([]netip.Addr, error) {
			if a, ok := wireNames[host]; ok {
				return []netip.Addr{netip.MustParseAddr(a)}, nil
			}
			return nil, fmt.Errorf("no such host %s", host)
		}
		if c.Accounts == nil {
			c.Accounts = oneAccount("1001", "s3cret")
		}
		e, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { e.Run(ctx) }) // ends with ctx
		defer func() {
			cancel()
			wg.Wait()
		}()
		f(t, n, e)
		if p := e.Stats().Panics.Load(); p != 0 {
			t.Errorf("got %d panics, want none", p)
		}
	})
}

// wireCall places a call to account 1001 and lets the phone answer it.
func wireCall(t *testing.T, e *Endpoint, u *wireUA, contact string) (*Dialog, wireEvents) {
	t.Helper()
	in := make(wireEvents, 64)
	d := e.Dial(Invite{Targets: e.Contacts("1001"), From: Address{User: "4000"}, Media: wireMedia{}, Inbox: in})
	m := u.expects("INVITE")
	if m.target != contact {
		t.Errorf("got Request-URI %s, want %s", m.target, contact)
	}
	u.answer(m, wireServer, 180, "Contact: <"+contact+">")
	u.answer(m, wireServer, 200, "Contact: <"+contact+">", wireSDP)
	u.expects("ACK")
	wireWait[Answered](t, in)
	return d, in
}

func TestACallReachesAPhoneBehindNATWhereItRegisteredFrom(t *testing.T) {
	wired(t, Config{}, func(t *testing.T, n *simnet.Network, e *Endpoint) {
		u := wirePhone(t, n, "203.0.113.7:40000", "10.0.0.5:5060")
		m := u.register("1001", "s3cret", "Contact: <sip:1001@10.0.0.5:5060>;expires=300")
		if m.status != 200 || m.get(hContact) != "<sip:1001@10.0.0.5:5060>;expires=300" || len(m.named("Date")) != 1 {
			t.Fatalf("got %d %v, want the binding", m.status, m.fields)
		}
		if v, _ := param(m.via.params, "received"); v != "203.0.113.7" {
			t.Errorf("got received=%q, want 203.0.113.7", v)
		}
		d, in := wireCall(t, e, u, "sip:1001@10.0.0.5:5060")
		d.End(Cause{})
		bye := u.expects("BYE")
		if bye.target != "sip:1001@10.0.0.5:5060" {
			t.Errorf("got BYE to %s, want the Contact as Request-URI", bye.target)
		}
		u.answer(bye, wireServer, 200)
		wireWait[Ended](t, in)
	})
}

func TestAPhoneUnregistersInACallAndTheCallGoesOn(t *testing.T) {
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			changes := make(chan BindingChange, 16)
			wired(t, Config{OnBinding: func(c BindingChange) { changes <- c }}, func(t *testing.T, n *simnet.Network, e *Endpoint) {
				contact := "sip:1001@10.0.0.5:5060"
				u := wirePhone(t, n, "203.0.113.7:40000", "10.0.0.5:5060")
				if transport == "tcp" {
					contact += ";transport=tcp"
					u = wireStream(t, n, "203.0.113.7", "10.0.0.5:5060")
					defer u.conn.Close()
				}
				u.register("1001", "s3cret", "Contact: <"+contact+">")
				d, in := wireCall(t, e, u, contact)
				if m := u.register("1001", "s3cret", "Contact: *", "Expires: 0"); m.status != 200 || m.has(hContact) {
					t.Errorf("got %d %v, want 200 without contacts", m.status, m.fields)
				}
				if got := e.Contacts("1001"); len(got) != 0 {
					t.Errorf("got %v, want no contacts", got)
				}
				if a, b := <-changes, <-changes; !a.Reachable || a.Removed || b.Reachable || !b.Removed {
					t.Errorf("got %+v, %+v, want reachable, then removed", a, b)
				}
				time.Sleep(time.Minute)
				if len(in) != 0 {
					t.Errorf("got %T, want the call to go on", <-in)
				}
				d.End(Cause{})
				u.answer(u.expects("BYE"), wireServer, 200)
				wireWait[Ended](t, in)
			})
		})
	}
}

func TestACallOverTCPOutlivesItsConnection(t *testing.T) {
	wired(t, Config{}, func(t *testing.T, n *simnet.Network, e *Endpoint) {
		const contact = "sip:1001@10.0.0.5:5060;transport=tcp"
		u := wireStream(t, n, "203.0.113.7", "10.0.0.5:5060")
		if m := u.register("1001", "s3cret", "Contact: <"+contact+">"); m.status != 200 {
			t.Fatalf("got %d, want 200", m.status)
		}
		d, in := wireCall(t, e, u, contact)
		u.conn.Close()
		time.Sleep(time.Second)
		if got := e.Contacts("1001"); len(got) != 0 {
			t.Errorf("got %v, want none that can be reached", got)
		}
		if got := e.Bindings(); len(got) != 1 || got[0].Flow != "" {
			t.Errorf("got %v, want the binding without its flow", got)
		}
		again := wireStream(t, n, "203.0.113.7", "10.0.0.5:5060")
		defer again.conn.Close()
		again.seq = u.seq
		if m := again.register("1001", "s3cret", "Contact: <"+contact+">"); m.status != 200 {
			t.Fatalf("got %d, want 200", m.status)
		}
		d.End(Cause{})
		again.answer(again.expects("BYE"), wireServer, 200)
		wireWait[Ended](t, in)
	})
}

func TestBindingsAreRestoredAtStartAndExpire(t *testing.T) {
	var mu sync.Mutex
	var changes []BindingChange
	c := Config{OnBinding: func(c BindingChange) { mu.Lock(); changes = append(changes, c); mu.Unlock() }}
	// A bubble's clock begins at midnight UTC 2000-01-01.
	begin := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	c.Bindings = []Binding{{AOR: "1001", Contact: "sip:1001@10.0.0.5:5060", Source: netip.MustParseAddrPort("203.0.113.7:40000"), Transport: "udp",
		Flow: "gone", CallID: "old", CSeq: 3, Registered: begin, Expires: begin.Add(10 * time.Minute)}}
	wired(t, c, func(t *testing.T, n *simnet.Network, e *Endpoint) {
		u := wirePhone(t, n, "203.0.113.7:40000", "10.0.0.5:5060")
		d, in := wireCall(t, e, u, "sip:1001@10.0.0.5:5060")
		d.End(Cause{})
		u.answer(u.expects("BYE"), wireServer, 200)
		wireWait[Ended](t, in)
		mu.Lock()
		if len(changes) != 0 {
			t.Errorf("got %v, want no change yet", changes)
		}
		mu.Unlock()
		time.Sleep(11 * time.Minute)
		mu.Lock()
		defer mu.Unlock()
		if len(changes) != 1 || !changes[0].Removed || changes[0].Reachable {
			t.Errorf("got %v, want the binding expired", changes)
		}
		if got := e.Contacts("1001"); len(got) != 0 {
			t.Errorf("got %v, want none", got)
		}
	})
}

func TestStrangersLearnNothingAndLeaveNothing(t *testing.T) {
	calls := 0
	wired(t, Config{OnCall: func(*Incoming) Inbox { calls++; return nil }}, func(t *testing.T, n *simnet.Network, e *Endpoint) {
		u := wirePhone(t, n, "203.0.113.99:5060", "203.0.113.99:5060")
		shape := func(m *message) (s string) {
			for _, f := range m.fields {
				if f.id == hWWWAuthenticate {
					a, _ := parseAuth(f.value)
					s += a[0].param("algorithm") + a[0].param("stale") + ","
				}
			}
			return fmt.Sprint(m.status, m.reason, s)
		}
		known := shape(u.register("1001", "guess", "Contact: <sip:a@h>"))
		unknown := shape(u.register("9000", "guess", "Contact: <sip:a@h>"))
		if want := "401UnauthorizedMD5,SHA-256,"; known != want || unknown != want {
			t.Errorf("got %q for a known user, %q for an unknown one, want %q", known, unknown, want)
		}
		u.send(wireServer, "INVITE sip:4000@call.example SIP/2.0\r\nVia: SIP/2.0/UDP 203.0.113.99:5060;branch=z9hG4bKx\r\nMax-Forwards: 70\r\n"+
			"From: <sip:1001@call.example>;tag=x\r\nTo: <sip:4000@call.example>\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\nContact: <sip:a@203.0.113.99>\r\nContent-Length: 0\r\n\r\n")
		if m := u.expects("401"); m.toTag == "" {
			t.Error("got no To tag, want one")
		}
		if m, _ := u.read(40 * time.Second); m != nil {
			t.Errorf("got %d again, want the answer once: no memory of strangers", m.status)
		}
		if calls != 0 || len(e.Bindings()) != 0 {
			t.Errorf("got %d calls and %v, want none", calls, e.Bindings())
		}
	})
}

func TestAReplayedRegisterIsRefused(t *testing.T) {
	wired(t, Config{}, func(t *testing.T, n *simnet.Network, e *Endpoint) {
		var sent []byte
		n.Filter(func(from, to string, b []byte) bool {
			if to == wireServer && bytes.Contains(b, []byte("Authorization")) {
				sent = slices.Clone(b)
			}
			return true
		})
		u := wirePhone(t, n, "203.0.113.7:40000", "10.0.0.5:5060")
		u.register("1001", "s3cret", "Contact: <sip:1001@10.0.0.5:5060>")
		n.Filter(nil)
		u.register("1001", "s3cret", "Contact: *", "Expires: 0")
		replay := strings.NewReplacer("branch=z9hG4bK", "branch=z9hG4bKother", "CSeq: 2 ", "CSeq: 200 ").Replace(string(sent))
		u.send(wireServer, replay)
		m := u.expects("401")
		if a, err := parseAuth(m.get(hWWWAuthenticate)); err != nil || a[0].param("stale") != "true" {
			t.Errorf("got %v, want stale=true", m.fields)
		}
		if got := e.Bindings(); len(got) != 0 {
			t.Errorf("got %v, want nothing bound by a replay", got)
		}
		thief := wirePhone(t, n, "203.0.113.66:5060", "203.0.113.66")
		thief.send(wireServer, strings.Replace(replay, "z9hG4bKother", "z9hG4bKthief", 1))
		if m := thief.expects("401"); len(e.Bindings()) != 0 {
			t.Errorf("got %d and %v, want nothing bound by a thief", m.status, e.Bindings())
		}
	})
}

// BenchmarkRegister is one phone's whole round through the endpoint, over a network
// in memory: REGISTER, 401, REGISTER with credentials, 200.
func BenchmarkRegister(b *testing.B) {
	n := simnet.New(simnet.Options{})
	server, err := n.ListenPacket("127.0.0.1:5060")
	if err != nil {
		b.Fatal(err)
	}
	phone, err := n.ListenPacket("127.0.0.1:40000")
	if err != nil {
		b.Fatal(err)
	}
	ha1 := map[string]Account{}
	const phones = 10_000
	for i := range phones {
		user := fmt.Sprint(10_000 + i)
		ha1[user] = Account{User: user, HA1MD5: HA1(algMD5, user, testRealm, "s"), HA1SHA256: HA1(algSHA256, user, testRealm, "s")}
	}
	e, err := New(Config{Packet: []net.PacketConn{server}, Realm: testRealm, Accounts: func(u string) (Account, bool) { a, ok := ha1[u]; return a, ok }})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	var wg sync.WaitGroup
	wg.Go(func() { e.Run(ctx) }) // ends with ctx
	buf := make([]byte, 65535)
	exchange := func(user string, cseq int, creds string) *message {
		text := fmt.Sprintf("REGISTER sip:call.example SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:40000;rport;branch=z9hG4bK%s-%d\r\nMax-Forwards: 70\r\n"+
			"From: <sip:%[1]s@call.example>;tag=r\r\nTo: <sip:%[1]s@call.example>\r\nCall-ID: %[1]s\r\nCSeq: %[2]d REGISTER\r\nContact: <sip:%[1]s@10.0.0.1>\r\n%[3]sContent-Length: 0\r\n\r\n",
			user, cseq, creds)
		if _, err := phone.WriteTo([]byte(text), server.LocalAddr()); err != nil {
			b.Fatal(err)
		}
		size, _, err := phone.ReadFrom(buf)
		if err != nil {
			b.Fatal(err)
		}
		m, err := parse(string(buf[:size]), false)
		if err != nil {
			b.Fatal(err)
		}
		return m
	}
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		user := fmt.Sprint(10_000 + i%phones)
		i++
		creds, err := newClientAuth(user, "s", "").answer("REGISTER", "sip:call.example", exchange(user, 2*i, ""))
		if err != nil {
			b.Fatal(err)
		}
		if m := exchange(user, 2*i+1, "Authorization: "+creds[0][1]+"\r\n"); m.status != 200 {
			b.Fatalf("got %d, want 200", m.status)
		}
	}
	b.StopTimer()
	cancel()
	wg.Wait()
}
