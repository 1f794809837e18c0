package call_test

import (
	"bufio"
	"context"
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
