package sip

import (
	"strings"
	"time"
)

// unanswered is what is kept of a caller's INVITE until its final response.
type unanswered struct {
	m        *message
	tx       *serverTx
	offer    string // "" for a late offer
	answer   []byte // given in a provisional response; the 200 may not change it
	reliable bool   // the caller requires 100rel
	last     int    // last provisional status sent
	waiting  Media  // Answer was called while a reliable response with SDP has no PRACK
	remind   alarm  // repeats the provisional response for proxies (RFC 3261, 13.3.1.1)
	d        *Dialog
}

// remindEvery keeps proxies from ending an INVITE that rings for long.
const remindEvery = time.Minute

func (u *unanswered) ring(uint8) {
	if u.tx.last != nil && !u.tx.final {
		u.tx.send()
		u.d.w.set(&u.remind, remindEvery)
	}
}

// newIncoming makes the dialog of a caller's INVITE and sends 100.
func (w *worker) newIncoming(m *message, offer string) *Dialog {
	d := w.newDialog(strings.Clone(m.callID), ringing)
	d.local, d.remote = m.to.value(), m.from.value()
	d.peer.tag, d.peer.target = strings.Clone(m.fromTag), strings.Clone(m.from.uri)
	d.remoteSeq = m.cseq
	d.heardAt = m.hop
	m.hop.conn.keep()
	d.read(&d.peer, m, false)
	tx := w.newServerTx(m, d.localTag)
	tx.dialog = d
	d.in = &unanswered{m: m, tx: tx, offer: offer, reliable: m.lists(hRequire, "100rel"), d: d}
	d.in.remind = alarm{owner: d.in}
	tx.respond(100, refusal(m, 100, "", ""))
	d.publish()
	return d
}

// value is the name-addr without parameters.
func (n nameAddr) value() string {
	if n.display == "" {
		return "<" + n.uri + ">"
	}
	return n.display + " <" + n.uri + ">"
}

// dialogResponse begins a response that makes or keeps a dialog.
func (d *Dialog) dialogResponse(m *message, status int) *builder {
	b := respond(m, status, "", d.localTag)
	return b.str("Contact: <", d.e.contact(m.hop), ">\r\nAllow: ", allow, "\r\nSupported: ", supported, "\r\n")
}

// provisional sends 18x. With a late offer and 100rel required nothing is sent:
// the first reliable response would have to carry an offer (RFC 3262, 5).
func (d *Dialog) provisional(status int, sdp string) {
	u := d.in
	if d.phase != ringing || u == nil || u.waiting != nil {
		return
	}
	if sdp == "" && (u.last == status || u.last == 183) && !u.reliable {
		return
	}
	if u.reliable {
		if u.offer != "" {
			d.rel.send(status, sdp)
		}
		return
	}
	u.last = status
	b := d.dialogResponse(u.m, status)
	u.tx.respond(status, b.done(typeSDP, []byte(sdp)))
	d.w.set(&u.remind, remindEvery)
}

func (d *Dialog) progress(m Media) {
	u := d.in
	if d.phase != ringing || u == nil || u.waiting != nil {
		return
	}
	if u.offer == "" {
		d.provisional(180, "")
		return
	}
	if u.answer == nil {
		answer, err := m.Answer([]byte(u.offer))
		if err != nil {
			d.rejectMedia(err)
			return
		}
		d.media, u.answer = m, answer
	}
	d.provisional(183, string(u.answer))
}

// rejectMedia refuses a call whose description we cannot use.
func (d *Dialog) rejectMedia(err error) {
	c := Cause{Status: 488, Text: err.Error()}
	d.refuseCall(488, "")
	d.finish(Ended{Cause: c, Why: whyRejected})
}

// accept sends the 200.
func (d *Dialog) accept(m Media) {
	u := d.in
	if d.phase != ringing || u == nil {
		return
	}
	if d.rel.blocksAnswer() { // RFC 3262, 3
		u.waiting = m
		return
	}
	var body []byte
	var err error
	switch {
	case u.offer == "":
		body, err = m.Offer()
	case u.answer == nil:
		body, err = m.Answer([]byte(u.offer))
	case d.rel.told: // answered in a reliable response: RFC 6337, 3.1.1
	default:
		body = u.answer
	}
	if err != nil {
		d.rejectMedia(err)
		return
	}
	if d.media == nil {
		d.media = m
	}
	d.rel.stop()
	d.w.clear(&u.remind)
	b := d.dialogResponse(u.m, 200)
	d.ses.grant(b, u.m)
	d.phase, d.in = answered, nil
	d.publish()
	d.repeat(u.tx, u.m, b.done(typeSDP, body), u.offer == "", true)
}

// refuseCall sends a final response that is no 2xx.
func (d *Dialog) refuseCall(status int, reason string, headers ...[2]string) {
	if d.in == nil {
		return
	}
	b := respond(d.in.m, status, reason, d.localTag)
	for _, h := range headers {
		b.foreign(h[0], h[1])
	}
	d.in.tx.respond(status, b.done("", nil))
	d.in.tx.dialog = nil
}

// cancelled: the caller's CANCEL, already answered.
func (d *Dialog) cancelled(m *message) {
	if d.phase != ringing {
		return
	}
	c := causeOf(m)
	d.refuseCall(487, "")
	d.finish(Ended{Cause: c, ByPeer: true, Why: whyCancel})
}

// repeated is our 2xx to an INVITE, sent again until its ACK (RFC 3261, 13.3.1.4).
type repeated struct {
	d       *Dialog
	tx      *serverTx
	cseq    uint32
	offered bool // it carries our offer, the ACK the answer
	first   bool // of the INVITE that made the dialog
	every   time.Duration
	resend  alarm
	end     alarm
}

// repeat sends a 2xx and keeps sending it, over TCP too.
func (d *Dialog) repeat(tx *serverTx, m *message, b []byte, offered, first bool) {
	r := &repeated{d: d, tx: tx, cseq: m.cseq, offered: offered, first: first, every: t1}
	r.resend = alarm{owner: r, kind: ringResend}
	r.end = alarm{owner: r, kind: ringEnd}
	d.ok = r
	tx.respond(200, b)
	d.w.set(&r.resend, t1)
	d.w.set(&r.end, lifetime)
}

func (r *repeated) ring(kind uint8) {
	d := r.d
	d.w.busy = d
	if kind == ringResend {
		d.e.stats.Resent.Add(1)
		r.tx.send()
		r.every = min(2*r.every, t2)
		d.w.set(&r.resend, r.every)
		return
	}
	d.stopRepeating()
	d.e.stats.NoAck.Add(1)
	if d.phase == answered || d.phase == confirmed {
		c, why := Cause{Status: 408, Text: "no ACK"}, whyNoAck
		if d.wantEnd != nil {
			c, why = *d.wantEnd, whyUs
		}
		d.hangUp(c, why)
	}
}

func (d *Dialog) stopRepeating() {
	if d.ok != nil {
		d.w.clear(&d.ok.resend)
		d.w.clear(&d.ok.end)
		d.ok = nil
	}
}

// acked: an ACK of one of our 2xx.
func (d *Dialog) acked(m *message) {
	r := d.ok
	if r == nil || m.cseq != r.cseq {
		return
	}
	d.stopRepeating()
	if d.phase >= ending {
		return
	}
	d.heard(m)
	var err error
	if r.offered {
		err = errNoAnswer
		if sdp, ok := description(m); ok && sdp != "" {
			err = d.media.Accept([]byte(sdp))
		}
	}
	if r.first {
		d.standing(err)
		return
	}
	d.re.again()
}

// standing: our first 2xx was acknowledged.
func (d *Dialog) standing(err error) {
	d.phase = confirmed
	d.e.guard.vouch(d.peer.hop.addr.Addr(), d.w.now)
	d.peer.hop.conn.keep()
	switch {
	case d.wantEnd != nil:
		d.hangUp(*d.wantEnd, whyUs)
	case err != nil:
		d.hangUp(Cause{Status: 488, Text: err.Error()}, whyRejected)
	default:
		d.ses.start()
		d.deliver(Answered{d.publish()})
		d.re.again()
	}
}
