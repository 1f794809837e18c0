package sip

import (
	"math/rand/v2"
	"strings"
	"time"
)

// reliable is our reliable provisional response that waits for its PRACK (RFC
// 3262, 3). One is under way at a time; the next waits.
type reliable struct {
	d       *Dialog
	rseq    uint32
	pending bool
	sdp     bool   // the pending one carries a description
	told    bool   // one with a description was acknowledged
	bytes   []byte // of the pending one
	next    int    // status of the one that waits, 0 for none
	nextSDP string
	every   time.Duration
	resend  alarm
	end     alarm
}

func (r *reliable) init(d *Dialog) {
	r.d = d
	r.resend = alarm{owner: r, kind: ringResend}
	r.end = alarm{owner: r, kind: ringEnd}
}

// blocksAnswer: no 2xx before the PRACK of a response with a description.
func (r *reliable) blocksAnswer() bool { return r.pending && r.sdp }

func (r *reliable) send(status int, sdp string) {
	if r.pending {
		r.next, r.nextSDP = status, sdp
		return
	}
	d := r.d
	if r.told {
		sdp = ""
	}
	if r.rseq == 0 {
		r.rseq = rand.Uint32N(1 << 30)
	}
	r.rseq++
	b := d.dialogResponse(d.in.m, status)
	b.str("Require: 100rel\r\nRSeq: ").num(uint64(r.rseq)).str("\r\n")
	r.pending, r.sdp, r.every = true, sdp != "", t1
	r.bytes = b.done(typeSDP, []byte(sdp))
	d.in.last = status
	d.in.tx.respond(status, r.bytes)
	d.w.set(&r.resend, t1)
	d.w.set(&r.end, lifetime)
}

func (r *reliable) ring(kind uint8) {
	d := r.d
	d.w.busy = d
	if !r.pending || d.in == nil {
		return
	}
	if kind == ringResend {
		d.e.stats.Resent.Add(1)
		d.in.tx.send()
		r.every *= 2
		d.w.set(&r.resend, r.every)
		return
	}
	r.stop()
	d.refuseCall(504, "")
	d.finish(Ended{Cause: Cause{Status: 504, Text: "no PRACK"}, Why: whyRejected})
}

func (r *reliable) stop() {
	r.pending, r.next = false, 0
	r.d.w.clear(&r.resend)
	r.d.w.clear(&r.end)
}

// acknowledge takes a PRACK; false if it names no response that waits.
func (r *reliable) acknowledge(m *message) bool {
	f := strings.Fields(m.get(hRAck))
	if !r.pending || r.d.in == nil || len(f) != 3 {
		return false
	}
	rseq, ok1 := number(f[0], 1<<32-1)
	cseq, ok2 := number(f[1], 1<<32-1)
	if !ok1 || !ok2 || uint32(rseq) != r.rseq || uint32(cseq) != r.d.in.m.cseq || f[2] != "INVITE" {
		return false
	}
	next, sdp := r.next, r.nextSDP
	r.told = r.told || r.sdp
	r.stop()
	if next != 0 {
		r.next, r.nextSDP = next, sdp
	}
	return true
}

// further sends what waited for the PRACK: the answer, or the next provisional.
func (r *reliable) further() {
	d := r.d
	if d.in == nil || d.phase != ringing {
		return
	}
	if m := d.in.waiting; m != nil {
		d.in.waiting = nil
		d.accept(m)
		return
	}
	if next := r.next; next != 0 {
		r.next = 0
		r.send(next, r.nextSDP)
	}
}

// prack answers a PRACK; one with an offer gets our answer.
func (d *Dialog) prack(m *message) {
	sdp, ok := description(m)
	if !ok {
		d.reply(m, 415, [2]string{"Accept", typeSDP})
		return
	}
	if !d.rel.acknowledge(m) {
		d.reply(m, 481)
		return
	}
	var answer []byte
	if sdp != "" && d.media != nil && d.rel.told {
		var err error
		if answer, err = d.media.Answer([]byte(sdp)); err != nil {
			d.reply(m, 488)
			d.rel.further()
			return
		}
	}
	tx := d.w.newServerTx(m, d.localTag)
	tx.respond(200, respond(m, 200, "", d.localTag).done(typeSDP, answer))
	d.rel.further()
}
