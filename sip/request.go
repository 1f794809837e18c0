package sip

import (
	"net/netip"
	"strconv"
	"strings"
)

func itoa(n int) string { return strconv.Itoa(n) }

// request is one request of ours within a dialog, with its repeats after challenges.
type request struct {
	method  string
	headers [][2]string
	kind    string // content type
	body    []byte
	contact bool // target refresh: INVITE, UPDATE
	// done gets the final response, or nil with 408 or 503. At most once.
	done func(status int, m *message)

	d     *Dialog
	tx    *clientTx
	over  bool
	limit alarm // INVITE: the final response must not take for ever
	begun bool
}

// reinviteLimit is how long a peer may take to answer a re-INVITE that it
// acknowledged with a provisional response.
const reinviteLimit = 64 * t1 * 2

// ask sends a request of ours within the dialog.
func (d *Dialog) ask(r *request) {
	r.d = d
	r.limit = alarm{owner: r}
	r.send(d.freshCreds(r.method))
}

// freshCreds are credentials with the next nonce count, if the peer asked for any before.
func (d *Dialog) freshCreds(method string) [][2]string {
	if d.auth == nil {
		return nil
	}
	return d.auth.begin(method, d.peer.target)
}

func (r *request) send(creds [][2]string) {
	d := r.d
	d.localSeq++
	branch, h := d.e.branch(), d.way()
	b := d.newRequest(r.method, d.localSeq, branch, h, &d.peer)
	if r.contact {
		b.str("Contact: <", d.e.contact(h), ">\r\nAllow: ", allow, "\r\nSupported: ", supported, "\r\n")
	}
	for _, f := range r.headers {
		b.foreign(f[0], f[1])
	}
	for _, f := range creds {
		b.foreign(f[0], f[1])
	}
	if r.method == "INVITE" {
		d.creds = creds
		d.w.set(&r.limit, reinviteLimit)
	}
	d.publish() // CSeq has grown
	r.tx = d.w.newClientTx(r, r.method, branch, h, d.localSeq, b.done(r.kind, r.body))
}

func (r *request) ring(uint8) { r.finish(408, nil) }

func (r *request) finish(status int, m *message) {
	if r.over {
		return
	}
	r.over = true
	r.d.w.clear(&r.limit)
	if r.done != nil {
		r.done(status, m)
	}
}

// response of a txUser.
func (r *request) response(tx *clientTx, m *message) {
	d := r.d
	d.w.busy = d
	switch {
	case m.status < 200:
		return
	case r.method == "INVITE" && m.status < 300:
		if tx.ack == nil {
			if d.phase < ending {
				d.refresh(m)
			}
			tx.ack = d.newAck(tx.cseq, &d.peer)
		}
		d.e.send(d.way(), tx.ack)
	case tx != r.tx || r.over:
		return
	case m.status == 401 || m.status == 407:
		if creds, ok := d.answerChallenge(r.method, m); ok {
			r.send(creds)
			return
		}
	}
	r.finish(m.status, m)
}

// failed of a txUser. A connection that broke is tried once more by another way.
func (r *request) failed(tx *clientTx, status int) {
	d := r.d
	d.w.busy = d
	if tx != r.tx || r.over {
		return
	}
	if status == 503 && !r.begun && d.reroute() {
		r.begun = true
		r.send(d.freshCreds(r.method))
		return
	}
	r.finish(status, nil)
}

// answerChallenge makes credentials if the dialog's trunk has some for the challenge.
func (d *Dialog) answerChallenge(method string, m *message) ([][2]string, bool) {
	if d.auth == nil && d.trunk.Trunk != "" {
		d.auth = d.e.trunks.auth(d.trunk)
	}
	if d.auth == nil {
		return nil, false
	}
	creds, err := d.auth.answer(method, d.peer.target, m)
	return creds, err == nil
}

// newRequest begins a request to one end of the dialog (RFC 3261, 12.2.1.1).
func (d *Dialog) newRequest(method string, seq uint32, branch string, h hop, to *remoteEnd) *builder {
	target, routes := to.target, to.routes
	if len(routes) > 0 && !loose(routes[0]) {
		target, routes = routes[0], append(routes[1:len(routes):len(routes)], to.target)
	}
	b := newBuilder(1024)
	b.str(method, " ", target, " SIP/2.0\r\nVia: ", d.e.via(h, branch), "\r\nMax-Forwards: ").num(d.forwards(method)).str("\r\nFrom: ", d.local, ";tag=", d.localTag,
		"\r\nTo: ", d.remote)
	if to.tag != "" {
		b.str(";tag=", to.tag)
	}
	b.str("\r\nCall-ID: ", d.callID, "\r\nCSeq: ").num(uint64(seq)).str(" ", method, "\r\n")
	for _, r := range routes {
		b.str("Route: <", r, ">\r\n")
	}
	return b
}

// forwards is Max-Forwards: the INVITE's as asked, else 70.
func (d *Dialog) forwards(method string) uint64 {
	if method == "INVITE" && d.out != nil && d.out.inv.MaxForwards > 0 {
		return uint64(d.out.inv.MaxForwards)
	}
	return 70
}

// loose: the lr parameter (RFC 3261, 16.12.1.1).
func loose(route string) bool {
	u, _ := parseURI(route)
	_, ok := param(u.params, "lr")
	return ok
}

// newAck makes the ACK of a 2xx, a request of its own with the INVITE's number
// and credentials (RFC 3261, 13.2.2.4).
func (d *Dialog) newAck(seq uint32, to *remoteEnd) []byte { return d.ackWith(seq, to, nil) }

// ackWith is newAck with the answer to an offer in the 2xx.
func (d *Dialog) ackWith(seq uint32, to *remoteEnd, answer []byte) []byte {
	b := d.newRequest("ACK", seq, d.e.branch(), to.hop, to)
	for _, f := range d.creds {
		b.foreign(f[0], f[1])
	}
	return b.done(typeSDP, answer)
}

// way is the hop of our next request; a dead connection is replaced.
func (d *Dialog) way() hop {
	switch h := d.peer.hop; {
	case h.conn != nil && h.conn.dead.Load():
		d.reroute()
	case h.udp != nil && d.account != "" && len(d.peer.routes) == 0:
		d.follow()
	}
	return d.peer.hop
}

// follow sends on to where a phone has registered since we heard of it in the
// dialog: its NAT may have given it another port.
func (d *Dialog) follow() {
	contact, ok := parseURI(d.peer.target)
	if !ok {
		return
	}
	source, at := d.e.registry.lastSource(d.account, contact)
	if !at.After(d.peer.heard) || unmap(source) == d.peer.hop.addr {
		return
	}
	if h, ok := d.e.hopTo(source, "udp", ""); ok {
		d.peer.hop, d.peer.heard = h, at
	}
}

// reroute finds another way when a connection broke: the phone's newest flow if
// it registered again, else its Contact.
func (d *Dialog) reroute() bool {
	old := d.peer.hop
	if !old.tcp() {
		return false
	}
	if d.account != "" {
		for _, t := range d.e.registry.contacts(d.w.now, d.account) {
			if h, ok := d.e.hopFor(t); ok && (h.conn == nil || h.conn != old.conn) {
				d.peer.hop = h
				return true
			}
		}
	}
	u, _ := parseURI(d.peer.next())
	if a, err := netip.ParseAddr(u.host); err == nil {
		if h, ok := d.e.hopTo(netip.AddrPortFrom(a, uint16(u.portOr())), old.transport(), ""); ok && (h.addr != old.addr || old.conn != nil) {
			if h.link.secure {
				h.link = linkOf(d.trunk.Trunk, u.host)
			}
			d.peer.hop = h
			return true
		}
	}
	return false
}

// next is the URI that decides where requests are sent.
func (r *remoteEnd) next() string {
	if len(r.routes) > 0 {
		return r.routes[0]
	}
	return r.target
}

// locate works out the way to an end, given where its message came from. Names
// are looked up later; meanwhile requests go back the way the message came.
func (d *Dialog) locate(r *remoteEnd, from hop) {
	r.hop, r.heard = from, d.w.now
	u, ok := parseURI(r.next())
	if !ok || u.host == "" {
		return
	}
	routed := len(r.routes) > 0
	if d.account != "" && !routed {
		return // one of our phones: back the way it came, through its NAT
	}
	transport := u.transport()
	if !transports[transport] {
		transport = from.transport()
	}
	a, err := netip.ParseAddr(u.host)
	if err != nil {
		if routed || !strings.HasSuffix(strings.ToLower(u.host), ".invalid") {
			d.locateName(r, Target{URI: r.next(), Transport: transport, Trunk: d.trunk.Trunk})
		}
		return
	}
	a = a.Unmap()
	src := from.addr.Addr()
	switch {
	case a == src && transport != "udp" && from.conn != nil:
		return // the connection is as good as its peer's listener, and passes NAT
	case !routed && a != src && hidden(a) && !near(a, src):
		return // RFC 3581: a private Contact behind another address
	case a.IsUnspecified() || a.IsMulticast():
		return
	}
	if h, ok := d.e.hopTo(netip.AddrPortFrom(a, uint16(u.portOr())), transport, ""); ok {
		if from.udp != nil && h.udp != nil && from.udp.reaches(a) {
			h.udp = from.udp
		}
		if h.link.secure {
			h.link = linkOf(d.trunk.Trunk, u.host)
		}
		r.hop = h
	}
}

func (d *Dialog) locateName(r *remoteEnd, t Target) {
	target := r.next()
	d.e.names.resolve(t, func(ts []Target, err error) {
		if err != nil || len(ts) == 0 {
			return
		}
		d.do(func() {
			if r.next() != target {
				return
			}
			if h, ok := d.e.hopFor(ts[0]); ok {
				r.hop = h
			}
		})
	})
}

// Inside says whether an address means nothing outside its own network, so that
// a peer there is not shown our address as the world sees it.
func Inside(a netip.Addr) bool { return hidden(a) }

// hidden addresses mean nothing outside their own network.
func hidden(a netip.Addr) bool {
	return a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || cgnat.Contains(a)
}

var cgnat = netip.MustParsePrefix("100.64.0.0/10") // RFC 6598

// near: both in one network, as far as can be told: then a Contact that differs
// from the source is another host of it, not NAT.
func near(a, b netip.Addr) bool {
	if a.Is4() != b.Is4() {
		return false
	}
	bits := 16
	if a.Is6() {
		bits = 48
	}
	p, err := a.Prefix(bits)
	return err == nil && p.Contains(b)
}

// read takes a peer's Contact, Record-Route and abilities from a message that
// makes or confirms a dialog. Reverse is for responses (RFC 3261, 12.1).
func (d *Dialog) read(r *remoteEnd, m *message, reverse bool) {
	r.routes = nil
	for _, v := range m.values(hRecordRoute) {
		if n, ok := parseNameAddr(v); ok {
			r.routes = append(r.routes, strings.Clone(n.uri))
		}
	}
	if reverse {
		for i, j := 0, len(r.routes)-1; i < j; i, j = i+1, j-1 {
			r.routes[i], r.routes[j] = r.routes[j], r.routes[i]
		}
	}
	r.abilities(m)
	if c := m.contact(); c != "" {
		r.target = strings.Clone(c)
	}
	d.locate(r, m.hop)
}

func (r *remoteEnd) abilities(m *message) {
	if m.has(hAllow) {
		r.update = m.lists(hAllow, "UPDATE")
	}
	if m.has(hSupported) || m.has(hRequire) {
		r.timer = m.lists(hSupported, "timer") || m.lists(hRequire, "timer")
	}
}

// refresh takes a new target from a target refresh request or its 2xx (RFC 3261,
// 12.2), and from where it came.
func (d *Dialog) refresh(m *message) {
	d.peer.abilities(m)
	c := m.contact()
	if c == "" {
		c = d.peer.target
	}
	changed := c != d.peer.target
	old := d.peer.hop
	d.peer.target = strings.Clone(c)
	d.locate(&d.peer, m.hop)
	if changed || old != d.peer.hop {
		d.deliver(Updated{d.publish()})
	}
}
