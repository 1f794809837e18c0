package call_test

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

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
