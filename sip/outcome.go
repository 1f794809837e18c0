package sip

import "strings"

// What comes of our INVITE beside a refusal: an answer, one too many, our CANCEL.

// success takes a 2xx: the first makes the dialog stand, its repeats are
// acknowledged again, others are acknowledged and ended (RFC 3261, 13.2.2.4).
func (o *outgoing) success(tx *clientTx, m *message) {
	d := o.d
	if d.phase != calling || tx != o.tx {
		if tx == o.tx && m.toTag == d.peer.tag && tx.ack != nil {
			d.e.send(d.way(), tx.ack)
			return
		}
		o.stray(tx, m)
		return
	}
	d.w.clear(&o.silence)
	f := o.fork(m.toTag)
	if f == nil {
		f = &remoteEnd{tag: strings.Clone(m.toTag), target: o.cur.URI}
	}
	d.read(f, m, true)
	d.peer = *f
	d.phase = confirmed
	d.out = nil
	var answer []byte
	var err error
	late := len(o.offer) == 0
	if late && d.wantEnd == nil {
		answer, err = o.settle(f, m, late)
	}
	tx.ack = d.ackWith(tx.cseq, &d.peer, answer)
	d.e.send(d.way(), tx.ack)
	o.inv, o.left, o.offer, o.forks = Invite{}, nil, nil, nil
	d.e.trunks.alive(o.cur.Target)
	if d.wantEnd != nil {
		d.e.stats.LateAnswers.Add(1)
		d.hangUp(*d.wantEnd, whyUs)
		return
	}
	if !late { // after the ACK, which waits for nobody
		_, err = o.settle(f, m, late)
	}
	if err != nil {
		d.sendBye(Cause{Status: 488, Text: err.Error()}, deaf{})
		d.finish(Failed{Status: 488, Reason: err.Error(), Target: o.cur.index})
		return
	}
	d.peer.sdp = ""
	d.e.guard.vouch(d.peer.hop.addr.Addr(), d.w.now)
	d.peer.hop.conn.keep()
	d.ses.granted(m)
	d.deliver(Answered{d.publish()})
}

// settle takes the description in a 2xx: the answer to our offer, or, when we
// made none, an offer whose answer goes into the ACK (RFC 3261, 13.2.1).
func (o *outgoing) settle(f *remoteEnd, m *message, late bool) (answer []byte, err error) {
	sdp, ok := description(m)
	switch {
	case ok && f.sdp != "" && (sdp == "" || sdp == f.sdp || late):
		return nil, nil
	case ok && sdp != "" && late:
		return o.d.media.Answer([]byte(sdp))
	case ok && sdp != "":
		return nil, o.d.media.Accept([]byte(sdp))
	}
	return nil, errNoAnswer
}

// stray acknowledges a 2xx that nobody wants, and ends its dialog.
func (o *outgoing) stray(tx *clientTx, m *message) {
	d := o.d
	if ack := o.strays[m.toTag]; ack != nil {
		d.e.send(m.hop, ack)
		return
	}
	if len(o.strays) >= maxForks {
		return
	}
	d.e.stats.LateAnswers.Add(1)
	f := &remoteEnd{tag: strings.Clone(m.toTag), target: o.cur.URI}
	d.read(f, m, true)
	ack := d.newAck(tx.cseq, f)
	if o.strays == nil {
		o.strays = map[string][]byte{}
	}
	o.strays[f.tag] = ack
	d.e.send(f.hop, ack)
	branch := d.e.branch()
	bye := d.newRequest("BYE", tx.cseq+1, branch, f.hop, f).done("", nil)
	d.w.newClientTx(deaf{}, "BYE", branch, f.hop, tx.cseq+1, bye)
}

// cancelOut ends a call that we place: CANCEL, held until the first 1xx (RFC
// 3261, 9.1).
func (d *Dialog) cancelOut() {
	o := d.out
	switch {
	case o == nil:
	case o.tx == nil:
		o.giveUp()
	case o.tx.provisional && !o.cancelled:
		o.cancelled = true
		d.sendCancel()
		o.silence.kind = ringCancel
		d.w.set(&o.silence, lifetime)
	}
}

// cancelStale cancels an INVITE that was given up for its silence when its phone
// begins to ring after all.
func (d *Dialog) cancelStale(tx *clientTx) {
	if tx.stale {
		return
	}
	tx.stale = true
	d.w.set(&tx.end, lifetime)
	d.w.newClientTx(deaf{}, "CANCEL", tx.key.branch, tx.hop, tx.cseq, derive(tx.data, "CANCEL", nil))
}

func (d *Dialog) sendCancel() {
	tx := d.out.tx
	var headers [][2]string
	if d.wantEnd != nil {
		headers = reasonHeader(*d.wantEnd)
	}
	d.w.newClientTx(deaf{}, "CANCEL", tx.key.branch, tx.hop, tx.cseq, derive(tx.data, "CANCEL", nil, headers...))
}
