package sip

import (
	"strings"
	"time"
)

// clientKey names a client transaction (RFC 3261, 17.1.3). Branches are ours
// and never repeat.
type clientKey struct{ branch, method string }

// txUser is told what came of a request. Called on the worker.
type txUser interface {
	// response: every response of an INVITE but repeats of what was refused, the
	// provisional and one final response of others.
	response(tx *clientTx, m *message)
	// failed: no final response, 408 by time-out or 503 by the transport.
	failed(tx *clientTx, status int)
}

// clientTx is a client transaction (RFC 3261, 17.1; RFC 6026).
type clientTx struct {
	w    *worker
	user txUser
	key  clientKey
	hop  hop
	cseq uint32
	data []byte // the request; dropped when it is answered
	ack  []byte // INVITE: to repeat for each repeated final response

	small    []byte // data as it goes over UDP, while it is tried over TCP for its size
	smallHop hop

	invite      bool
	provisional bool // a 1xx came
	final       bool
	stale       bool // INVITE: given up, and cancelled since
	every       time.Duration
	resend      alarm // Timers A, E
	end         alarm // Timers B, D, F, K, M
}

// branch makes a branch that is ours to see (loops) and nobody's to guess.
func (e *Endpoint) branch() string { return magic + e.instance + randomText(16) }

// newClientTx sends a request whose top Via has that branch.
func (w *worker) newClientTx(user txUser, method, branch string, h hop, cseq uint32, data []byte) *clientTx {
	over, grown, large := w.grow(h, branch, data)
	var small []byte
	smallHop := h
	if large {
		h, data, small = over, grown, data
	}
	if h.tcp() {
		if c := w.e.conns.get(h); c != nil {
			h.conn = c // so that its loss is known to be ours
		}
	}
	tx := &clientTx{w: w, user: user, key: clientKey{branch, method}, hop: h, cseq: cseq, data: data, invite: method == "INVITE", small: small, smallHop: smallHop}
	tx.resend = alarm{owner: tx, kind: ringResend}
	tx.end = alarm{owner: tx, kind: ringEnd}
	w.client[tx.key] = tx
	w.e.stats.Transactions.Add(1)
	w.set(&tx.end, lifetime)
	if err := w.e.send(h, data); err != nil {
		w.post(func() { tx.broken() })
		return tx
	}
	switch {
	case large:
		w.set(&tx.resend, largeWait)
	case !h.tcp():
		tx.every = t1
		w.set(&tx.resend, t1)
	}
	return tx
}

// broken: the transport cannot deliver.
func (tx *clientTx) broken() {
	if !tx.final && tx.w.client[tx.key] == tx {
		if tx.shrink() {
			return
		}
		tx.remove()
		tx.user.failed(tx, 503)
	}
}

// receive takes a response that matches.
func (tx *clientTx) receive(m *message) {
	w := tx.w
	switch {
	case m.status < 200:
		if tx.final {
			return
		}
		if !tx.provisional {
			tx.provisional = true
			if tx.invite { // Timer A and B end; ring time-outs are the user's
				w.clear(&tx.resend)
				w.clear(&tx.end)
			}
		}
		tx.user.response(tx, m)
	case !tx.invite:
		if tx.final {
			return
		}
		tx.final, tx.data = true, nil
		w.clear(&tx.resend)
		if tx.hop.tcp() {
			tx.remove()
		} else {
			w.set(&tx.end, t4)
		}
		tx.user.response(tx, m)
	case m.status < 300:
		if !tx.final {
			tx.final, tx.data = true, nil
			w.clear(&tx.resend)
			w.set(&tx.end, lifetime)
		}
		tx.user.response(tx, m)
	default:
		tx.refused(m)
	}
}

// refused acknowledges a final response of 300 and above, each time it comes.
func (tx *clientTx) refused(m *message) {
	if tx.final {
		if tx.ack != nil && m.status >= 300 {
			tx.w.e.send(tx.hop, tx.ack)
		}
		return
	}
	tx.final = true
	tx.ack = derive(tx.data, "ACK", m)
	tx.data = nil
	tx.w.e.send(tx.hop, tx.ack)
	tx.w.clear(&tx.resend)
	if tx.hop.tcp() {
		tx.remove()
	} else {
		tx.w.set(&tx.end, lifetime)
	}
	tx.user.response(tx, m)
}

func (tx *clientTx) ring(kind uint8) {
	w := tx.w
	if kind == ringEnd {
		answered := tx.final
		tx.remove()
		if !answered {
			tx.user.failed(tx, 408)
		}
		return
	}
	if tx.small != nil {
		if c := tx.hop.conn; c == nil || !c.up.Load() {
			tx.shrink()
		}
		return
	}
	w.e.stats.Resent.Add(1)
	if err := w.e.send(tx.hop, tx.data); err != nil {
		tx.broken()
		return
	}
	tx.every *= 2
	if !tx.invite {
		tx.every = min(tx.every, t2)
		if tx.provisional {
			tx.every = t2
		}
	}
	w.set(&tx.resend, tx.every)
}

// giveUp forgets the transaction; nobody is told.
func (tx *clientTx) giveUp() { tx.remove() }

func (tx *clientTx) remove() {
	w := tx.w
	if w.client[tx.key] != tx {
		return
	}
	w.clear(&tx.resend)
	w.clear(&tx.end)
	delete(w.client, tx.key)
	w.e.stats.Transactions.Add(-1)
}

// derive makes the ACK of a refused INVITE (RFC 3261, 17.1.1.3) or its CANCEL
// (9.1) from the INVITE's own bytes: same Request-URI, top Via, Route, From,
// Call-ID and CSeq number. The ACK's To is the response's.
func derive(invite []byte, method string, res *message, headers ...[2]string) []byte {
	w := newBuilder(512)
	head, _, _ := strings.Cut(string(invite), "\r\n\r\n")
	line, rest, _ := strings.Cut(head, "\r\n")
	w.str(method, strings.TrimPrefix(line, "INVITE"), "\r\n")
	vias := 0
	for rest != "" {
		line, rest, _ = strings.Cut(rest, "\r\n")
		name, value, _ := strings.Cut(line, ": ")
		switch headerID(name) {
		case hVia:
			if vias++; vias > 1 {
				continue
			}
		case hTo:
			if res != nil {
				w.line("To", res.get(hTo))
				continue
			}
		case hCSeq:
			number, _, _ := strings.Cut(value, " ")
			w.line("CSeq", number+" "+method)
			continue
		case hFrom, hCallID, hRoute, hMaxForwards:
		default:
			continue
		}
		w.str(line, "\r\n")
	}
	for _, h := range headers {
		w.foreign(h[0], h[1])
	}
	return w.done("", nil)
}

// deaf is a txUser that wants to hear nothing.
type deaf struct{}

func (deaf) response(*clientTx, *message) {}
func (deaf) failed(*clientTx, int)        {}
