package call_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// peer is a phone or trunk that speaks SIP by hand: tests write its messages as
// text, so that they can say what no library would.
type peer struct {
	t         *testing.T
	b         *bed
	addr      string // its own host:port
	transport string // "UDP" or "TCP"
	pc        net.PacketConn
	in        chan *msg
	backlog   []*msg
	n         int
	user      string // of From and Contact; "peer" and "caller" when ""
	private   string // host:port that it believes to have, behind NAT
	l         net.Listener

	mu   sync.Mutex // guards conn
	conn net.Conn   // TCP: to the engine
}

// msg is one message with the way back to its sender.
type msg struct {
	start   string
	headers [][2]string
	body    string
	reply   func(text string)
	at      time.Time
}

func (m *msg) status() int {
	if !strings.HasPrefix(m.start, "SIP/2.0 ") {
		return 0
	}
	n, _ := strconv.Atoi(strings.Fields(m.start)[1])
	return n
}

func (m *msg) method() string {
	if m.status() != 0 {
		_, method, _ := strings.Cut(m.get("CSeq"), " ")
		return strings.TrimSpace(method)
	}
	return strings.Fields(m.start)[0]
}

func (m *msg) get(name string) string {
	for _, h := range m.headers {
		if strings.EqualFold(h[0], name) {
			return h[1]
		}
	}
	return ""
}

func (m *msg) all(name string) []string {
	var out []string
	for _, h := range m.headers {
		if strings.EqualFold(h[0], name) {
			out = append(out, h[1])
		}
	}
	return out
}

// param finds a parameter of a header, such as the tag of To.
func (m *msg) param(header, name string) string {
	v := m.get(header)
	if i := strings.LastIndexByte(v, '>'); i >= 0 {
		v = v[i:]
	}
	_, rest, ok := strings.Cut(v, ";"+name+"=")
	if !ok {
		return ""
	}
	v, _, _ = strings.Cut(rest, ";")
	return strings.Trim(v, ">\" ")
}

func (m *msg) String() string { return m.start + " [" + m.get("CSeq") + "]" }

// uri is what stands between < and > in a header.
func uri(v string) string {
	_, rest, ok := strings.Cut(v, "<")
	if !ok {
		return strings.TrimSpace(v)
	}
	u, _, _ := strings.Cut(rest, ">")
	return u
}

// newPeer opens a peer at an address; over TCP it also listens there.
func (b *bed) newPeer(transport, addr string) *peer {
	b.t.Helper()
	p := &peer{t: b.t, b: b, addr: addr, transport: transport, in: make(chan *msg, 4096)}
	if transport == "UDP" {
		pc, err := b.net.ListenPacket(addr)
		if err != nil {
			b.t.Fatal(err)
		}
		p.pc = pc
		b.atEnd(func() { pc.Close() })
		go p.readPackets() // ends when the socket is closed
		return p
	}
	l, err := b.net.Listen(addr)
	if err != nil {
		b.t.Fatal(err)
	}
	p.l = l
	b.atEnd(func() { l.Close() })
	go func() { // ends when the listener is closed
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.use(c)
		}
	}()
	return p
}

func (p *peer) readPackets() {
	buf := make([]byte, 65536)
	for {
		n, from, err := p.pc.ReadFrom(buf)
		if err != nil {
			return
		}
		m := parseMsg(bufio.NewReader(strings.NewReader(string(buf[:n]))), true)
		if m == nil {
			continue
		}
		m.reply = func(text string) {
			p.told(text)
			p.pc.WriteTo([]byte(text), from)
		}
		p.hears(m)
	}
}

// use reads a connection until it ends; the newest one is used for sending.
func (p *peer) use(c net.Conn) {
	p.mu.Lock()
	p.conn = c
	p.mu.Unlock()
	p.b.atEnd(func() { c.Close() })
	go func() { // ends with the connection
		r := bufio.NewReader(c)
		for {
			m := parseMsg(r, false)
			if m == nil {
				return
			}
			m.reply = func(text string) {
				p.told(text)
				c.Write([]byte(text))
			}
			p.hears(m)
		}
	}()
}

// hears takes a message that came.
func (p *peer) hears(m *msg) {
	p.b.tell("S", "->", p.addr, m.String())
	p.in <- m
}

// told notes what the peer says.
func (p *peer) told(text string) {
	if m := parseMsg(bufio.NewReader(strings.NewReader(text)), true); m != nil {
		p.b.tell(p.addr, "->", "S", m.String())
	}
}

// redial opens a new connection to the engine, as a phone does after a loss.
func (p *peer) redial() net.Conn {
	c, err := p.b.net.Dialer(netip.MustParseAddrPort(p.addr).Addr())(context.Background(), "tcp", engineAddr)
	if err != nil {
		p.t.Fatal(err)
	}
	p.use(c)
	return c
}

// parseMsg reads one message; nil at the end of the stream.
func parseMsg(r *bufio.Reader, packet bool) *msg {
	m := &msg{}
	length := -1
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return nil
		}
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			if m.start == "" {
				continue
			}
			break
		}
		if m.start == "" {
			m.start = line
			continue
		}
		k, v, _ := strings.Cut(line, ":")
		m.headers = append(m.headers, [2]string{strings.TrimSpace(k), strings.TrimSpace(v)})
		if strings.EqualFold(strings.TrimSpace(k), "Content-Length") {
			length, _ = strconv.Atoi(strings.TrimSpace(v))
		}
	}
	if length > 0 {
		b := make([]byte, length)
		if _, err := io.ReadFull(r, b); err != nil {
			return nil
		}
		m.body = string(b)
	} else if packet && length < 0 {
		b, _ := io.ReadAll(r)
		m.body = string(b)
	}
	m.at = time.Now()
	return m
}

// send sends text to the engine.
func (p *peer) send(text string) {
	p.told(text)
	if p.transport == "UDP" {
		to, _ := net.ResolveUDPAddr("udp", engineAddr)
		p.pc.WriteTo([]byte(text), to)
		return
	}
	p.mu.Lock()
	c := p.conn
	p.mu.Unlock()
	if c == nil {
		c = p.redial()
	}
	c.Write([]byte(text))
}

// await returns the next message that fits, within a time of the virtual clock.
// Others wait in the backlog.
func (p *peer) await(what string, within time.Duration, fits func(*msg) bool) *msg {
	p.t.Helper()
	if m := p.maybe(within, fits); m != nil {
		return m
	}
	p.t.Fatalf("%s: no %s within %v; got %v", p.addr, what, within, p.backlog)
	return nil
}

// maybe is await for what may not come: nil then.
func (p *peer) maybe(within time.Duration, fits func(*msg) bool) *msg {
	for i, m := range p.backlog {
		if fits(m) {
			p.backlog = append(p.backlog[:i:i], p.backlog[i+1:]...)
			return m
		}
	}
	limit := time.NewTimer(within)
	defer limit.Stop()
	for {
		var m *msg
		select {
		case m = <-p.in:
		default:
			if within <= 0 {
				return nil
			}
			select {
			case m = <-p.in:
			case <-limit.C:
				return nil
			}
		}
		if fits(m) {
			return m
		}
		p.backlog = append(p.backlog, m)
	}
}

// none fails if a fitting message comes within a time.
func (p *peer) none(what string, within time.Duration, fits func(*msg) bool) {
	p.t.Helper()
	if m := p.maybe(within, fits); m != nil {
		p.t.Errorf("%s: got %v, want no %s", p.addr, m, what)
	}
}

func isRequest(method string) func(*msg) bool {
	return func(m *msg) bool { return m.status() == 0 && m.method() == method }
}

func isResponse(status int, method string) func(*msg) bool {
	return func(m *msg) bool { return m.status() == status && m.method() == method }
}

// dialog is one leg as a peer sees it.
type dialog struct {
	p             *peer
	callID        string
	local, remote string // From/To values of our requests with tags
	target        string // Request-URI of our requests
	routes        []string
	cseq          int
	branch        string // of the last INVITE
	invite        *msg   // UAS: the INVITE
	inviteText    string // UAC: as sent
	tag           string // ours
	moved         string // Contact instead of the peer's
}

// token makes what must differ.
func (p *peer) token() string {
	p.n++
	return strings.NewReplacer(".", "", ":", "x", "[", "", "]", "").Replace(p.addr) + p.transport + strconv.Itoa(p.n)
}

// request composes a request of a dialog; extra are whole header lines.
func (d *dialog) request(method string, cseq int, branch, body string, extra ...string) string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s %s SIP/2.0\r\nVia: SIP/2.0/%s %s;branch=%s;rport\r\nMax-Forwards: 70\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d %s\r\n",
		method, d.target, d.p.transport, d.p.claims(), branch, d.local, d.remote, d.callID, cseq, method)
	if method != "BYE" && method != "CANCEL" && method != "ACK" {
		fmt.Fprintf(&s, "Contact: %s\r\n", d.contact())
	}
	for _, r := range d.routes {
		fmt.Fprintf(&s, "Route: %s\r\n", r)
	}
	for _, e := range extra {
		s.WriteString(e + "\r\n")
	}
	if body != "" {
		s.WriteString("Content-Type: application/sdp\r\n")
	}
	fmt.Fprintf(&s, "Content-Length: %d\r\n\r\n%s", len(body), body)
	return s.String()
}

func (d *dialog) contact() string {
	if d.moved != "" {
		return d.moved
	}
	return d.p.contact()
}

// claims is the host and port that the peer writes into its messages.
func (p *peer) claims() string {
	if p.private != "" {
		return p.private
	}
	return p.addr
}

func (p *peer) contact() string {
	user := p.user
	if user == "" {
		user = "peer"
	}
	return fmt.Sprintf("<sip:%s@%s;transport=%s>", user, p.claims(), strings.ToLower(p.transport))
}

// sdp is a plain description of a peer's audio at a port.
func (p *peer) sdp(port int, lines ...string) string {
	host, _, _ := net.SplitHostPort(p.claims())
	net := "IN IP4 " + host
	if strings.Contains(host, ":") {
		net = "IN IP6 " + host
	}
	s := fmt.Sprintf("v=0\r\no=- 1 1 %s\r\ns=-\r\nc=%s\r\nt=0 0\r\nm=audio %d RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n", net, net, port)
	for _, l := range lines {
		s += l + "\r\n"
	}
	return s
}

// call sends an INVITE for a number. The body may be "" for a late offer.
func (p *peer) call(number, body string, extra ...string) *dialog {
	d := p.draft(number, body, extra...)
	p.send(d.inviteText)
	return d
}

// callWith is call with parts of the INVITE's text replaced.
func (p *peer) callWith(number, body string, replace ...string) *dialog {
	d := p.draft(number, body)
	d.inviteText = strings.NewReplacer(replace...).Replace(d.inviteText)
	p.send(d.inviteText)
	return d
}

// draft composes the INVITE of a new call.
func (p *peer) draft(number, body string, extra ...string) *dialog {
	tag := p.token()
	user := p.user
	if user == "" {
		user = "caller"
	}
	d := &dialog{p: p, callID: p.token() + "@" + p.addr, tag: tag, cseq: 1, branch: "z9hG4bK" + p.token(),
		local: fmt.Sprintf("<sip:%s@%s>;tag=%s", user, p.addr, tag), remote: fmt.Sprintf("<sip:%s@%s>", number, engineAddr),
		target: fmt.Sprintf("sip:%s@%s", number, engineAddr)}
	d.inviteText = d.request("INVITE", d.cseq, d.branch, body, extra...)
	return d
}

// response waits for a response to a request of this dialog.
func (d *dialog) response(status int, method string, within time.Duration) *msg {
	d.p.t.Helper()
	return d.p.await(fmt.Sprintf("%d to %s", status, method), within, func(m *msg) bool {
		return m.get("Call-ID") == d.callID && m.status() == status && m.method() == method
	})
}

// learn takes tag, target and route set from a response that makes a dialog.
func (d *dialog) learn(m *msg) {
	d.remote = m.get("To")
	d.target = uri(m.get("Contact"))
	d.routes = nil
	rr := m.all("Record-Route")
	for i := len(rr) - 1; i >= 0; i-- {
		d.routes = append(d.routes, rr[i])
	}
}

// answered waits for the 200 to the INVITE and acknowledges it.
func (d *dialog) answered(within time.Duration) *msg {
	d.p.t.Helper()
	m := d.response(200, "INVITE", within)
	d.learn(m)
	d.ack("")
	return m
}

// ack acknowledges a 2xx.
func (d *dialog) ack(body string) {
	d.p.send(d.request("ACK", d.cseq, "z9hG4bK"+d.p.token(), body))
}

// ackFailure acknowledges a final response of 300 or more, in the INVITE's transaction.
func (d *dialog) ackFailure(m *msg) {
	old := d.remote
	d.remote = m.get("To")
	d.p.send(d.request("ACK", d.cseq, d.branch, ""))
	d.remote = old
}

// refused waits for a failure of the INVITE and acknowledges it.
func (d *dialog) refused(status int, within time.Duration) *msg {
	d.p.t.Helper()
	m := d.response(status, "INVITE", within)
	d.ackFailure(m)
	return m
}

// do sends a request in the dialog with the next CSeq.
func (d *dialog) do(method, body string, extra ...string) string {
	d.cseq++
	branch := "z9hG4bK" + d.p.token()
	if method == "INVITE" {
		d.branch = branch
	}
	text := d.request(method, d.cseq, branch, body, extra...)
	d.p.send(text)
	return text
}

// info sends a body of some type in an INFO.
func (d *dialog) info(kind, body string) {
	d.cseq++
	text := d.request("INFO", d.cseq, "z9hG4bK"+d.p.token(), body)
	d.p.send(strings.Replace(text, "application/sdp", kind, 1))
}

// cancel cancels the INVITE.
func (d *dialog) cancel() { d.p.send(d.request("CANCEL", d.cseq, d.branch, "")) }

// bye ends the dialog and waits for the 200.
func (d *dialog) bye() {
	d.p.t.Helper()
	d.do("BYE", "")
	d.response(200, "BYE", 5*time.Second)
}

// rings waits for an INVITE of the engine that makes a new dialog.
func (p *peer) rings(within time.Duration) *dialog {
	p.t.Helper()
	m := p.await("INVITE", within, func(m *msg) bool {
		return m.status() == 0 && m.method() == "INVITE" && m.param("To", "tag") == ""
	})
	return p.leg(m)
}

// leg makes the UAS side of a dialog from its INVITE.
func (p *peer) leg(m *msg) *dialog {
	tag := p.token()
	return &dialog{p: p, callID: m.get("Call-ID"), tag: tag, invite: m, cseq: 100,
		local: m.get("To") + ";tag=" + tag, remote: m.get("From"), target: uri(m.get("Contact"))}
}

// reply answers a request that came; with a tag of ours unless it has one.
func (d *dialog) reply(m *msg, status int, reason, body string, extra ...string) {
	d.replyTag(m, status, reason, d.tag, body, extra...)
}

func (d *dialog) replyTag(m *msg, status int, reason, tag, body string, extra ...string) {
	var s strings.Builder
	fmt.Fprintf(&s, "SIP/2.0 %d %s\r\n", status, reason)
	for _, v := range m.all("Via") {
		fmt.Fprintf(&s, "Via: %s\r\n", v)
	}
	to := m.get("To")
	if !strings.Contains(to, ";tag=") && status > 100 {
		to += ";tag=" + tag
	}
	fmt.Fprintf(&s, "From: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %s\r\n", m.get("From"), to, m.get("Call-ID"), m.get("CSeq"))
	if status > 100 && status < 300 && m.method() != "BYE" && m.method() != "CANCEL" {
		fmt.Fprintf(&s, "Contact: %s\r\n", d.contact())
	}
	for _, e := range extra {
		s.WriteString(e + "\r\n")
	}
	if body != "" {
		s.WriteString("Content-Type: application/sdp\r\n")
	}
	fmt.Fprintf(&s, "Content-Length: %d\r\n\r\n%s", len(body), body)
	m.reply(s.String())
}

// accept answers the INVITE with 180 and 200 and waits for the ACK.
func (d *dialog) accept(port int) {
	d.p.t.Helper()
	d.reply(d.invite, 180, "Ringing", "")
	d.reply(d.invite, 200, "OK", d.p.sdp(port))
	d.acked(5 * time.Second)
}

// acked waits for the ACK to our 200.
func (d *dialog) acked(within time.Duration) *msg {
	d.p.t.Helper()
	return d.gets("ACK", within)
}

// gets waits for a request of the engine in this dialog.
func (d *dialog) gets(method string, within time.Duration) *msg {
	d.p.t.Helper()
	return d.p.await(method, within, func(m *msg) bool {
		return m.get("Call-ID") == d.callID && m.status() == 0 && m.method() == method
	})
}

// hungUp waits for the engine's BYE and answers it.
func (d *dialog) hungUp(within time.Duration) *msg {
	d.p.t.Helper()
	m := d.gets("BYE", within)
	d.reply(m, 200, "OK", "")
	return m
}
