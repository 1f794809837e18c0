package sip

import (
	"strings"
	"time"
)

// Bounds of one outgoing call.
const (
	maxForks    = 16 // early dialogs of one INVITE that are told apart
	maxTargets  = 64 // places tried, redirections and addresses of names included
	maxAttempts = 8  // INVITEs to one place: challenges, 422
)

// attempt is a place to try.
type attempt struct {
	Target
	index int // in Invite.Targets
}

// outgoing is our INVITE until its answer: the places left to try, the forks
// that ring, and what to tell when all have failed.
type outgoing struct {
	d         *Dialog
	inv       Invite
	left      []attempt
	cur       attempt
	tried     map[string]bool // URIs, against redirection loops
	count     int             // places tried
	attempts  int             // INVITEs to the current one
	redirects int
	tx        *clientTx // of the current INVITE; nil while a name is looked up
	offer     []byte
	forks     []*remoteEnd
	rang      bool
	cancelled bool
	last      Failed
	strays    map[string][]byte // ACKs of other forks' 2xx by tag
	silence   alarm             // nothing at all came, or nothing after CANCEL
}

const (
	ringSilence uint8 = iota
	ringCancel
)

// Dial places a call. It never blocks; failures come as events.
func (e *Endpoint) Dial(i Invite) *Dialog {
	callID := randomText(24)
	w := e.workerOf(callID)
	d := &Dialog{e: e, w: w, callID: callID, localTag: randomText(16), phase: calling, inbox: i.Inbox, media: i.Media, uac: true}
	if i.Inbox == nil {
		d.inbox = nobody{}
	}
	d.state.Store(&DialogState{CallID: d.callID, LocalTag: d.localTag})
	d.do(func() {
		d.init()
		o := &outgoing{d: d, inv: i, tried: map[string]bool{}, redirects: min(i.Redirects, maxRedirects)}
		o.silence = alarm{owner: o}
		o.last = Failed{Status: 480, Reason: reasonOf(480), Unreachable: true}
		for n, t := range i.Targets {
			o.left = append(o.left, attempt{t, n})
		}
		d.out = o
		o.begin()
	})
	return d
}

func (o *outgoing) begin() {
	offer, err := o.inv.Media.Offer()
	if err != nil {
		o.last = Failed{Status: 488, Reason: err.Error()}
		o.giveUp()
		return
	}
	o.offer = offer
	o.next()
}

// giveUp tells that nothing is left to try.
func (o *outgoing) giveUp() {
	if o.d.wantEnd != nil {
		o.d.finish(Ended{Cause: *o.d.wantEnd, Why: whyUs})
		return
	}
	o.d.finish(o.last)
}

// next tries the next place. A name is looked up first.
func (o *outgoing) next() {
	d := o.d
	o.tx = nil
	if len(o.left) == 0 || o.count >= maxTargets || d.wantEnd != nil {
		o.giveUp()
		return
	}
	o.cur, o.left = o.left[0], o.left[1:]
	o.count++
	o.attempts, o.rang = 0, false
	if o.cur.Addr.IsValid() || o.cur.Flow != "" && d.e.conns.byID(o.cur.Flow) != nil {
		o.place()
		return
	}
	index := o.cur.index
	d.e.names.resolve(o.cur.Target, func(ts []Target, err error) {
		d.do(func() {
			if d.phase != calling {
				return
			}
			var found []attempt
			for _, t := range d.e.trunks.rested(d.w.now, ts) {
				found = append(found, attempt{t, index})
			}
			if err != nil || len(found) == 0 {
				o.unreachable(503, "No Address")
				return
			}
			o.left = append(found, o.left...)
			o.next()
		})
	})
}

// unreachable counts against the current place and goes on to the next.
func (o *outgoing) unreachable(status int, reason string) {
	o.last = Failed{Status: status, Reason: reason, Target: o.cur.index, Unreachable: true}
	o.d.e.trunks.failed(o.d.w.now, o.cur.Target, 408, 0)
	o.next()
}

// place sets the dialog up for the current target and sends the INVITE.
func (o *outgoing) place() {
	d, e := o.d, o.d.e
	h, ok := e.hopFor(o.cur.Target)
	u, good := parseURI(o.cur.URI)
	if !ok || !good || !safeValue(o.cur.URI) {
		o.unreachable(503, "No Way To The Target")
		return
	}
	o.tried[o.cur.URI] = true
	o.forks = nil
	d.peer = remoteEnd{target: o.cur.URI, hop: h}
	d.trunk, d.auth, d.creds = o.cur.Target, nil, nil
	d.account, _ = e.registry.phoneAt(d.w.now, h.addr)
	d.farEnd.Store(&Peer{Account: d.account, Trunk: o.cur.Trunk})
	if d.local == "" {
		from, to := o.inv.From, o.inv.To
		if from.Host == "" {
			from.Host, _ = e.sentBy(h)
		}
		if to.Host == "" {
			to.Host = u.host
		}
		if to.User == "" {
			to.User = unescape(u.user)
		}
		if o.inv.Anonymous {
			from = anonymousCaller
		}
		d.local, d.remote = from.header(), to.header()
	}
	o.send(nil)
}

// header writes a name-addr; nothing in it can end a line or an element.
func (a Address) header() string {
	return quoteDisplay(a.Display) + "<" + a.uri() + ">"
}

// uri writes a SIP URI, whatever the parts hold.
func (a Address) uri() string {
	host := a.Host
	if _, _, ok := splitHostPort(hostPort(host, 0)); !ok {
		host = "invalid"
	}
	s := "sip:"
	if a.User != "" {
		s += escapeUser(a.User) + "@"
	}
	return s + hostPort(host, a.Port)
}

// send sends the INVITE to the current place.
func (o *outgoing) send(creds [][2]string) {
	d, e, w := o.d, o.d.e, o.d.w
	if o.attempts++; o.attempts > maxAttempts {
		o.giveUp()
		return
	}
	d.localSeq++
	branch, h := e.branch(), d.peer.hop
	b := d.newRequest("INVITE", d.localSeq, branch, h, &d.peer)
	b.str("Contact: <", e.contact(h), ">\r\nAllow: ", allow, "\r\nSupported: ", supported, "\r\n")
	for _, f := range d.ses.ask() {
		b.line(f[0], f[1])
	}
	o.extras(b, h)
	for _, f := range creds {
		b.foreign(f[0], f[1])
	}
	d.creds = creds
	d.publish()
	o.silence.kind = ringSilence
	if o.inv.NoAnswer > 0 {
		w.set(&o.silence, o.inv.NoAnswer)
	}
	o.tx = w.newClientTx(o, "INVITE", branch, h, d.localSeq, b.done(typeSDP, o.offer))
}

// ring: silence, before any response or after CANCEL.
func (o *outgoing) ring(kind uint8) {
	d := o.d
	d.w.busy = d
	tx := o.tx
	if d.phase != calling || tx == nil || tx.final {
		return
	}
	if kind == ringCancel {
		tx.giveUp()
		o.giveUp()
		return
	}
	if tx.provisional {
		return
	}
	d.w.clear(&tx.resend) // what still comes of it is cancelled
	o.failed(tx, 408)
}

// failed of a txUser.
func (o *outgoing) failed(tx *clientTx, status int) {
	d := o.d
	d.w.busy = d
	if d.phase != calling || tx != o.tx {
		return
	}
	d.w.clear(&o.silence)
	if d.wantEnd != nil {
		o.giveUp()
		return
	}
	o.unreachable(status, reasonOf(status))
}

// response of a txUser.
func (o *outgoing) response(tx *clientTx, m *message) {
	d := o.d
	d.w.busy = d
	switch {
	case m.status >= 200 && m.status < 300:
		o.success(tx, m)
	case m.status < 200 && (d.phase != calling || tx != o.tx):
		d.cancelStale(tx)
	case d.phase != calling || tx != o.tx:
	case m.status < 200:
		o.provisional(m)
	default:
		o.final(m)
	}
}

// provisional takes a 1xx: a held CANCEL goes out, a fork rings.
func (o *outgoing) provisional(m *message) {
	d := o.d
	d.w.clear(&o.silence)
	m.hop.conn.keep()
	if d.wantEnd != nil {
		d.cancelOut()
		return
	}
	if m.status == 100 {
		return
	}
	o.rang = true
	d.e.trunks.alive(o.cur.Target)
	early := false
	if f := o.forkOf(m); f != nil {
		reliable := m.lists(hRequire, "100rel")
		if reliable && !f.inOrder(m) {
			return // a repeat, or one that came out of order
		}
		var answer []byte
		if sdp, ok := description(m); ok && sdp != "" {
			answer, early = o.preview(f, sdp, reliable)
		}
		if reliable {
			o.prack(f, m, answer)
		}
	}
	d.deliver(Ringing{Status: m.status, Early: early})
}

// preview takes the description of a provisional response: the answer to our
// offer, or, in a reliable one when we made none, an offer whose answer goes into
// the PRACK (RFC 3262, 5).
func (o *outgoing) preview(f *remoteEnd, sdp string, reliable bool) (answer []byte, early bool) {
	if sdp == f.sdp {
		return nil, true
	}
	var err error
	switch {
	case len(o.offer) > 0:
		err = o.d.media.Accept([]byte(sdp))
	case reliable:
		answer, err = o.d.media.Answer([]byte(sdp))
	default:
		return nil, false
	}
	if err != nil {
		return nil, false
	}
	f.sdp = strings.Clone(sdp)
	return answer, true
}

// inOrder says whether a reliable provisional response is the next one (RFC 3262, 4).
func (r *remoteEnd) inOrder(m *message) bool {
	n, ok := number(m.get(hRSeq), 1<<32-1)
	if !ok || n == 0 || r.rseq != 0 && uint32(n) != r.rseq+1 {
		return false
	}
	r.rseq = uint32(n)
	return true
}

// prack acknowledges a reliable provisional response (RFC 3262, 4).
func (o *outgoing) prack(f *remoteEnd, m *message, answer []byte) {
	d := o.d
	d.localSeq++
	branch := d.e.branch()
	b := d.newRequest("PRACK", d.localSeq, branch, f.hop, f)
	b.str("RAck: ").num(uint64(f.rseq)).str(" ").num(uint64(m.cseq)).str(" INVITE\r\n")
	d.w.newClientTx(deaf{}, "PRACK", branch, f.hop, d.localSeq, b.done(typeSDP, answer))
}

func (o *outgoing) fork(tag string) *remoteEnd {
	for _, f := range o.forks {
		if f.tag == tag {
			return f
		}
	}
	return nil
}

// forkOf finds or makes the early dialog of a response.
func (o *outgoing) forkOf(m *message) *remoteEnd {
	if m.toTag == "" || len(o.forks) >= maxForks {
		return o.fork(m.toTag)
	}
	f := o.fork(m.toTag)
	if f == nil {
		f = &remoteEnd{tag: strings.Clone(m.toTag), target: o.cur.URI, hop: m.hop}
		o.forks = append(o.forks, f)
	}
	o.d.read(f, m, true)
	o.d.publish()
	return f
}

// final takes a refusal.
func (o *outgoing) final(m *message) {
	d := o.d
	d.w.clear(&o.silence)
	wait, _ := seconds(m.get(hRetryAfter))
	o.last = Failed{
		Status: m.status, Reason: strings.Clone(m.reason), Target: o.cur.index,
		RetryAfter: time.Duration(min(wait, 1<<24)) * time.Second,
	}
	if m.status == 503 {
		d.e.trunks.failed(d.w.now, o.cur.Target, 503, o.last.RetryAfter)
	} else {
		d.e.trunks.alive(o.cur.Target)
	}
	if d.wantEnd != nil {
		o.giveUp()
		return
	}
	switch {
	case m.status == 401 || m.status == 407:
		if creds, ok := d.answerChallenge("INVITE", m); ok {
			o.send(creds)
			return
		}
	case m.status == 422:
		if d.ses.raise(m) {
			o.send(d.freshCreds("INVITE"))
			return
		}
	case m.status < 400:
		if o.redirect(m) {
			return
		}
	case m.status == 503, m.status == 408 && !o.rang:
		o.next()
		return
	}
	o.giveUp()
}
