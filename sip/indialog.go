package sip

import (
	"errors"
	"math/rand/v2"
	"strings"
	"time"
)

var (
	errNoAnswer    = errors.New("sip: no session description in the answer")
	errNotStanding = errors.New("sip: the dialog does not stand")
	errGivenUp     = errors.New("sip: the peer never accepted the offer")
)

// reply answers an in-dialog request through a transaction.
func (d *Dialog) reply(m *message, status int, headers ...[2]string) {
	tx := d.w.newServerTx(m, d.localTag)
	tx.respond(status, refusal(m, status, "", d.localTag, headers...))
}

// request takes an in-dialog request that is no ACK and no CANCEL.
func (d *Dialog) request(m *message) {
	if m.cseq < d.remoteSeq { // RFC 3261, 12.2.2
		d.reply(m, 500)
		return
	}
	d.remoteSeq = m.cseq
	d.heard(m)
	if d.sub != nil {
		d.sub.request(m)
		return
	}
	if d.phase >= ending && m.method != "BYE" && m.method != "OPTIONS" {
		d.reply(m, 481)
		return
	}
	switch m.method {
	case "BYE":
		d.bye(m)
	case "INVITE":
		d.reinvite(m)
	case "UPDATE":
		d.updated(m)
	case "PRACK":
		d.prack(m)
	case "INFO":
		d.info(m)
	case "OPTIONS":
		d.reply(m, 200, [2]string{"Allow", allow}, [2]string{"Accept", accepts}, [2]string{"Supported", supported})
	case "NOTIFY":
		d.notified(m)
	case "REFER":
		d.refer(m)
	case "SUBSCRIBE":
		if strings.EqualFold(eventOf(m), "refer") {
			d.resubscribed(m)
			return
		}
		d.reply(m, 489, [2]string{"Allow-Events", allowEvents})
	default:
		d.reply(m, 405, [2]string{"Allow", allow})
	}
}

// heard follows a peer whose requests come from elsewhere than before: a new
// connection, another port of its NAT.
func (d *Dialog) heard(m *message) {
	if d.phase == calling || m.hop == d.heardAt {
		return
	}
	d.heardAt = m.hop
	m.hop.conn.keep()
	d.locate(&d.peer, m.hop)
}

// bye ends the dialog. In the early dialog of a caller the INVITE gets 487 (RFC
// 3261, 15.1.2).
func (d *Dialog) bye(m *message) {
	d.reply(m, 200)
	ev := Ended{Cause: causeOf(m), ByPeer: true, Why: whyBye}
	switch d.phase {
	case calling: // the callee may not do that; the INVITE is cancelled
		if d.out != nil && d.out.tx != nil && d.wantEnd == nil {
			d.end(ev.Cause)
		}
	case ringing:
		d.refuseCall(487, "")
		d.finish(ev)
	case answered, confirmed:
		d.finish(ev)
	}
}

// info reads key presses (application/dtmf-relay, application/dtmf).
func (d *Dialog) info(m *message) {
	kind, _, _ := strings.Cut(m.get(hContentType), ";")
	switch strings.ToLower(trim(kind)) {
	case "application/dtmf-relay", "application/dtmf":
		digit, ok := readDigit(m.body)
		if !ok {
			d.reply(m, 400)
			return
		}
		d.reply(m, 200)
		d.deliver(digit)
	case "":
		d.reply(m, 200)
	default:
		d.reply(m, 415, [2]string{"Accept", accepts})
	}
}

// readDigit reads "Signal=5\r\nDuration=160" or a bare "5".
func readDigit(body string) (Digit, bool) {
	d := Digit{Duration: 160 * time.Millisecond}
	signal := trim(body)
	for _, line := range strings.FieldsFunc(body, func(r rune) bool { return r == '\r' || r == '\n' }) {
		name, value, ok := strings.Cut(line, "=")
		name, value = trim(name), trim(value)
		switch {
		case !ok:
			signal = trim(line)
		case strings.EqualFold(name, "Signal"):
			signal = value
		case strings.EqualFold(name, "Duration"):
			if n, ok := number(value, 60000); ok {
				d.Duration = time.Duration(n) * time.Millisecond
			}
		}
	}
	switch signal = strings.ToUpper(signal); signal { // events of RFC 4733 by number
	case "10":
		signal = "*"
	case "11":
		signal = "#"
	}
	if len(signal) != 1 || !strings.Contains("0123456789*#ABCD", signal) {
		return d, false
	}
	d.Rune = rune(signal[0])
	return d, true
}

// retryAfter is for requests that overlap with one under way (RFC 3261, 14.2).
func retryAfter() [2]string { return [2]string{"Retry-After", itoa(rand.IntN(11))} }

// busy says what to answer to an INVITE or UPDATE that comes while another is
// under way; 0: it may be handled (RFC 3261, 14.2; RFC 3311, 5.2).
func (d *Dialog) offerBusy(update, offer bool) int {
	switch {
	case d.phase == ringing && !update:
		return 500
	case d.phase == ringing && offer && (d.in.answer == nil || d.rel.pending || !d.rel.told):
		return 500 // the offer in the INVITE has no answer yet
	case d.phase == calling && offer:
		return 491
	case offer || !update:
		if d.re.busy() {
			return 491
		}
		if d.ok != nil && d.ok.offered {
			return 491
		}
	}
	return 0
}

// reinvite answers a re-INVITE at once.
func (d *Dialog) reinvite(m *message) {
	switch status := d.offerBusy(false, true); status {
	case 500:
		d.reply(m, 500, retryAfter())
		return
	case 491:
		d.reply(m, 491)
		return
	}
	sdp, ok := description(m)
	if !ok {
		d.reply(m, 415, [2]string{"Accept", typeSDP})
		return
	}
	if d.phase == calling || !d.w.sessionGranted(m) {
		return
	}
	if d.ok != nil { // its ACK was lost: who sends a re-INVITE has seen the 2xx
		first := d.ok.first
		d.stopRepeating()
		if first {
			d.standing(nil)
			if d.phase != confirmed {
				d.reply(m, 481)
				return
			}
		}
	}
	body, err := d.describe(sdp)
	if err != nil {
		d.reply(m, 488)
		return
	}
	tx := d.w.newServerTx(m, d.localTag)
	d.refresh(m)
	b := d.dialogResponse(m, 200)
	d.ses.grant(b, m)
	d.ses.start()
	d.repeat(tx, m, b.done(typeSDP, body), sdp == "", false)
}

// describe answers an offer, or makes one if there was none.
func (d *Dialog) describe(offer string) ([]byte, error) {
	if d.media == nil {
		return nil, errNotStanding
	}
	if offer == "" {
		return d.media.Offer()
	}
	return d.media.Answer([]byte(offer))
}

// updated answers an UPDATE: a refresh of session or target, with an offer or without.
func (d *Dialog) updated(m *message) {
	sdp, ok := description(m)
	if !ok {
		d.reply(m, 415, [2]string{"Accept", typeSDP})
		return
	}
	switch status := d.offerBusy(true, sdp != ""); status {
	case 500:
		d.reply(m, 500, retryAfter())
		return
	case 491:
		d.reply(m, 491)
		return
	}
	if !d.w.sessionGranted(m) {
		return
	}
	var answer []byte
	if sdp != "" {
		var err error
		if answer, err = d.describe(sdp); err != nil {
			d.reply(m, 488)
			return
		}
	}
	tx := d.w.newServerTx(m, d.localTag)
	d.refresh(m)
	b := d.dialogResponse(m, 200)
	if d.phase == confirmed || d.phase == answered {
		d.ses.grant(b, m)
		d.ses.start()
	}
	tx.respond(200, b.done(typeSDP, answer))
}
