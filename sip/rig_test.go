package sip

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	sipmsg "github.com/emiago/sipgo/sip"

	"hotline/internal/simnet"
)

// rig is an endpoint at 10.0.0.1:5060 (UDP and TCP) on a network in memory, with
// everybody in 10.0.0.0/8 as a trusted trunk. Used inside a bubble.
type rig struct {
	t    *testing.T
	net  *simnet.Network
	ep   *Endpoint
	stop func()

	mu    sync.Mutex
	calls []*leg
	serve func(*leg) // what to do with a call; default: keep it
}

// leg is a dialog with what it told.
type leg struct {
	*Dialog
	in    *Incoming
	media *words
	box   chan Event
}

func (l *leg) Deliver(e Event) { l.box <- e }

// words is a Media whose descriptions are readable.
type words struct {
	name string

	mu       sync.Mutex // guards the fields below
	offers   int
	refuse   error
	accepted []string
}

func (w *words) Offer() ([]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.offers++
	return fmt.Appendf(nil, "%s offer %d\r\n", w.name, w.offers), w.refuse
}

func (w *words) Answer(offer []byte) ([]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return fmt.Appendf(nil, "%s answer to %s\r\n", w.name, strings.TrimSpace(string(offer))), w.refuse
}

func (w *words) Accept(answer []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.refuse == nil {
		w.accepted = append(w.accepted, string(answer))
	}
	return w.refuse
}

// taken are the answers that were accepted.
func (w *words) taken() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.accepted)
}

func (w *words) refuseAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refuse = errNo
}

var errNo = errors.New("no")

func newLeg(name string) *leg { return &leg{media: &words{name: name}, box: make(chan Event, 4096)} }

// bubble runs a test in virtual time with a rig that is stopped at its end.
func bubble(t *testing.T, change func(*Config), f func(r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, simnet.New(simnet.Options{Latency: time.Millisecond}), change)
		defer r.stop()
		f(r)
	})
}

func newRig(t *testing.T, network *simnet.Network, change func(*Config)) *rig {
	r := &rig{t: t, net: network}
	pc, err := network.ListenPacket("10.0.0.1:5060")
	if err != nil {
		t.Fatal(err)
	}
	ln, err := network.Listen("10.0.0.1:5060")
	if err != nil {
		t.Fatal(err)
	}
	c := Config{
		Packet: []net.PacketConn{pc}, Stream: []net.Listener{ln}, Dial: network.Dialer(netip.MustParseAddr("10.0.0.1")),
		Realm: "test", Workers: 2, OnCall: r.onCall, Burst: 1000000,
		Lookup: func(context.Context, string) ([]netip.Addr, error) { return nil, errNo },
	}
	if change != nil {
		change(&c)
	}
	if r.ep, err = New(c); err != nil {
		t.Fatal(err)
	}
	r.ep.SetTrunks([]Trunk{{Name: "lan", Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, Trusted: true}})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { r.ep.Run(ctx); close(done) }()
	r.stop = sync.OnceFunc(func() { cancel(); <-done })
	return r
}

func (r *rig) onCall(in *Incoming) Inbox {
	l := newLeg("us")
	l.Dialog, l.in = in.Dialog, in
	r.mu.Lock()
	r.calls = append(r.calls, l)
	r.mu.Unlock()
	if r.serve != nil {
		r.serve(l)
	}
	return l
}

// call is the n-th call that came in.
func (r *rig) call(n int) *leg {
	r.t.Helper()
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	if n >= len(r.calls) {
		r.t.Fatalf("calls that came in: %d, want more than %d", len(r.calls), n)
	}
	return r.calls[n]
}

// dial places a call to sip:bob at the peers given.
func (r *rig) dial(change func(*Invite), peers ...string) *leg {
	l := newLeg("us")
	i := Invite{From: Address{User: "alice"}, To: Address{User: "bob"}, Media: l.media, Inbox: l}
	for _, p := range peers {
		t, err := ParseTarget(p)
		if err != nil {
			r.t.Fatal(err)
		}
		i.Targets = append(i.Targets, t)
	}
	if change != nil {
		change(&i)
	}
	l.Dialog = r.ep.Dial(i)
	return l
}

// event waits for the next event and checks its type.
func event[E Event](t *testing.T, l *leg) E {
	t.Helper()
	select {
	case e := <-l.box:
		got, ok := e.(E)
		if !ok {
			t.Fatalf("event %#v, want %T", e, got)
		}
		return got
	case <-time.After(200 * time.Second):
		var want E
		t.Fatalf("no event, want %T", want)
		return want
	}
}

func (l *leg) quiet(t *testing.T) {
	t.Helper()
	synctest.Wait()
	select {
	case e := <-l.box:
		t.Fatalf("event %#v, want none", e)
	default:
	}
}

// peer is a user agent made of text, over UDP or TCP.
type peer struct {
	t     *testing.T
	addr  string
	pc    net.PacketConn
	conn  net.Conn
	frame framer
	tcp   bool
	ln    net.Listener // of a callee over TCP: accepted when first read
	odd   bool         // it sends what sipgo's grammar cannot read when it comes back
}

// both runs a test twice: with a peer that calls us over UDP and over TCP.
func both(t *testing.T, change func(*Config), f func(r *rig, p *peer)) {
	t.Helper()
	for _, tp := range []string{"udp", "tcp"} {
		t.Run(tp, func(t *testing.T) {
			bubble(t, change, func(r *rig) {
				if tp == "udp" {
					f(r, r.udp("10.0.0.2:5060"))
				} else {
					f(r, r.tcp("10.0.0.2"))
				}
			})
		})
	}
}

// callees runs a test twice: with a peer that we call over UDP and over TCP.
func callees(t *testing.T, change func(*Config), f func(r *rig, p *peer)) {
	t.Helper()
	for _, tp := range []string{"udp", "tcp"} {
		t.Run(tp, func(t *testing.T) {
			bubble(t, change, func(r *rig) {
				if tp == "udp" {
					f(r, r.udp("10.0.0.2:5060"))
				} else {
					f(r, r.listen("10.0.0.2:5060"))
				}
			})
		})
	}
}

// listen is a peer that we call over TCP.
func (r *rig) listen(addr string) *peer {
	ln, err := r.net.Listen(addr)
	if err != nil {
		r.t.Fatal(err)
	}
	p := &peer{t: r.t, addr: addr, ln: ln, tcp: true}
	r.t.Cleanup(func() { ln.Close() })
	return p
}

// uri is where we reach the peer.
func (p *peer) uri() string {
	if p.tcp {
		return "sip:bob@" + p.addr + ";transport=tcp"
	}
	return "sip:bob@" + p.addr
}

var us = net.UDPAddrFromAddrPort(netip.MustParseAddrPort("10.0.0.1:5060"))

func (r *rig) udp(addr string) *peer {
	pc, err := r.net.ListenPacket(addr)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { pc.Close() })
	return &peer{t: r.t, addr: addr, pc: pc}
}

func (r *rig) tcp(host string) *peer {
	c, err := r.net.Dialer(netip.MustParseAddr(host))(context.Background(), "tcp", "10.0.0.1:5060")
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	return &peer{t: r.t, addr: c.LocalAddr().String(), conn: c, tcp: true}
}

func (p *peer) send(text string) {
	p.t.Helper()
	var err error
	if p.tcp {
		_, err = p.conn.Write([]byte(text))
	} else {
		_, err = p.pc.WriteTo([]byte(text), us)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

// get waits for one message; nil after the time given.
func (p *peer) get(wait time.Duration) *message {
	p.t.Helper()
	text := p.read(wait)
	if text == "" {
		return nil
	}
	m, err := parse(text, p.tcp)
	if err != nil {
		p.t.Fatalf("we sent what we cannot read: %v\n%s", err, text)
	}
	if _, err := sipmsg.ParseMessage([]byte(text)); err != nil && !p.odd {
		p.t.Fatalf("we sent what sipgo cannot read: %v\n%s", err, text)
	}
	return m
}

func (p *peer) read(wait time.Duration) string {
	deadline := time.Now().Add(wait)
	buf := make([]byte, 65536)
	if !p.tcp {
		p.pc.SetReadDeadline(deadline)
		n, _, err := p.pc.ReadFrom(buf)
		if err != nil {
			return ""
		}
		return string(buf[:n])
	}
	if p.conn == nil {
		p.ln.(interface{ SetDeadline(time.Time) error }).SetDeadline(deadline)
		c, err := p.ln.Accept()
		if err != nil {
			return ""
		}
		p.t.Cleanup(func() { c.Close() })
		p.conn = c
	}
	for {
		fr, ok, err := p.frame.next()
		if err != nil {
			p.t.Fatal(err)
		}
		if ok && !fr.ping {
			return fr.text
		}
		p.conn.SetReadDeadline(deadline)
		n, err := p.conn.Read(buf)
		if err != nil {
			return ""
		}
		p.frame.push(buf[:n])
	}
}

// want waits for a response with that status, or a request of that method.
func (p *peer) want(what string) *message {
	p.t.Helper()
	m := p.get(200 * time.Second)
	if m == nil {
		p.t.Fatalf("nothing came, want %s", what)
	}
	if got := label(m); got != what {
		p.t.Fatalf("got %s, want %s", got, what)
	}
	return m
}

func label(m *message) string {
	if m.method != "" {
		return m.method
	}
	return fmt.Sprintf("%d %s", m.status, m.cseqMethod)
}

func (p *peer) silent(wait time.Duration) {
	p.t.Helper()
	if m := p.get(wait); m != nil {
		p.t.Fatalf("got %s, want silence", label(m))
	}
}

// ask writes a request outside or inside a dialog; headers are extra lines.
func (p *peer) ask(method, callID, branch, from, to string, cseq int, body string, headers ...string) string {
	tp, param := "UDP", ""
	if p.tcp {
		tp, param = "TCP", ";transport=tcp"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s sip:4000@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/%s %s;rport;branch=z9hG4bK%s\r\n", method, tp, p.addr, branch)
	fmt.Fprintf(&b, "From: <sip:bob@10.0.0.2>%s\r\nTo: <sip:4000@10.0.0.1>%s\r\n", from, to)
	fmt.Fprintf(&b, "Call-ID: %s\r\nCSeq: %d %s\r\n", callID, cseq, method)
	has := func(name string) bool {
		for _, h := range headers {
			if strings.HasPrefix(h, name) {
				return true
			}
		}
		return false
	}
	if !has("Max-Forwards") {
		b.WriteString("Max-Forwards: 70\r\n")
	}
	if !has("Contact") {
		fmt.Fprintf(&b, "Contact: <sip:bob@%s%s>\r\n", p.addr, param)
	}
	for _, h := range headers {
		b.WriteString(h + "\r\n")
	}
	if body != "" && !has("Content-Type") {
		b.WriteString("Content-Type: application/sdp\r\n")
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body), body)
	return b.String()
}

// answer writes a response to a request of ours.
func (p *peer) answer(m *message, status int, tag, body string, headers ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "SIP/2.0 %d %s\r\n", status, reasonOf(status))
	for _, f := range m.fields {
		switch f.id {
		case hVia, hFrom, hCallID, hCSeq:
			fmt.Fprintf(&b, "%s: %s\r\n", f.name, f.value)
		case hTo:
			b.WriteString("To: " + f.value)
			if m.toTag == "" && tag != "" {
				b.WriteString(";tag=" + tag)
			}
			b.WriteString("\r\n")
		}
	}
	contact := true
	for _, h := range headers {
		b.WriteString(h + "\r\n")
		contact = contact && !strings.HasPrefix(h, "Contact")
	}
	if contact {
		param := ""
		if p.tcp {
			param = ";transport=tcp"
		}
		fmt.Fprintf(&b, "Contact: <sip:bob@%s%s>\r\n", p.addr, param)
	}
	if body != "" {
		b.WriteString("Content-Type: application/sdp\r\n")
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body), body)
	return b.String()
}

// talk has the peer call us; the call is answered and stands.
func (r *rig) talk(p *peer, callID string) (l *leg, toTag string) {
	r.t.Helper()
	n := len(r.calls)
	p.send(p.ask("INVITE", callID, callID+"1", ";tag=b", "", 1, "their offer"))
	p.want("100 INVITE")
	l = r.call(n)
	l.Answer(l.media)
	ok := p.want("200 INVITE")
	p.send(p.ask("ACK", callID, callID+"a", ";tag=b", ";tag="+ok.toTag, 1, ""))
	event[Answered](r.t, l)
	return l, ok.toTag
}

// reach has us call the peer; it answers and the call stands.
func (r *rig) reach(p *peer, headers ...string) (l *leg, invite *message) {
	r.t.Helper()
	l = r.dial(nil, p.uri())
	invite = p.want("INVITE")
	p.send(p.answer(invite, 200, "b", "their answer", headers...))
	p.want("ACK")
	event[Answered](r.t, l)
	return l, invite
}

// newNet is a network in memory with a little latency.
func newNet() *simnet.Network { return simnet.New(simnet.Options{Latency: time.Millisecond}) }
