package sip

import (
	"net/netip"
	"strings"
	"time"
)

// serverKey names a server transaction: RFC 3261, 17.2.3, and the source address
// too, so that nobody else can pass for the client by a branch that he has seen.
// For branches without the magic cookie (RFC 2543), branch is made of From tag,
// Call-ID and CSeq.
type serverKey struct {
	branch, host string
	port         int
	method       string
	source       netip.Addr
}

const magic = "z9hG4bK"

// keyOf is the key of the transaction that m would belong to as that method.
func keyOf(m *message, method string) serverKey {
	k := serverKey{m.via.branch, m.via.host, m.via.port, method, m.hop.addr.Addr()}
	if !strings.HasPrefix(k.branch, magic) || len(k.branch) == len(magic) {
		w := newBuilder(64)
		k.branch = string(w.str("2543;", m.fromTag, ";", m.callID, ";").num(uint64(m.cseq)).b)
	}
	return k
}

// mergeKey finds a request that comes a second time by another way (RFC 3261, 8.2.2.2).
type mergeKey struct {
	fromTag, callID string
	cseq            uint32
	method          string
}

// serverTx is a server transaction (RFC 3261, 17.2; RFC 6026). Once finished it
// keeps no message, only the bytes of the last response.
type serverTx struct {
	w        *worker
	key      serverKey
	merge    mergeKey
	hop      hop
	fallback netip.AddrPort // TCP: where to connect if the connection is gone (18.2.2)
	last     []byte
	tag      string  // To tag of our responses
	dialog   *Dialog // INVITE: whom a CANCEL is for

	invite    bool
	final     bool // a final response was sent
	success   bool // and it was a 2xx
	confirmed bool // ACK came
	every     time.Duration
	resend    alarm // Timer G
	end       alarm // Timers H, I, J, L
}

const (
	ringResend uint8 = iota
	ringEnd
)

// newServerTx enters the transaction of m.
func (w *worker) newServerTx(m *message, tag string) *serverTx {
	tx := &serverTx{w: w, key: keyOf(m, m.method), hop: m.hop, tag: tag, invite: m.method == "INVITE"}
	tx.key.branch, tx.key.host = strings.Clone(tx.key.branch), strings.Clone(tx.key.host)
	tx.key.method = methodName(m.method)
	tx.resend = alarm{owner: tx, kind: ringResend}
	tx.end = alarm{owner: tx, kind: ringEnd}
	if m.hop.tcp() && !m.hop.link.secure { // whoever listens there has proved nothing
		port := m.via.port
		if port == 0 {
			port = 5060
		}
		tx.fallback = netip.AddrPortFrom(m.hop.addr.Addr(), uint16(port))
	}
	w.server[tx.key] = tx
	if m.toTag == "" {
		tx.merge = mergeKey{strings.Clone(m.fromTag), strings.Clone(m.callID), m.cseq, tx.key.method}
		w.merged[tx.merge] = tx
	}
	w.e.stats.Transactions.Add(1)
	return tx
}

// respond sends a response and keeps it for repeats.
func (tx *serverTx) respond(status int, b []byte) {
	if tx.final {
		return
	}
	tx.last = b
	tx.send()
	if status < 200 {
		return
	}
	tx.final, tx.success = true, status < 300
	w := tx.w
	switch {
	case tx.invite && !tx.success:
		if !tx.hop.tcp() {
			tx.every = t1
			w.set(&tx.resend, t1)
		}
		w.set(&tx.end, lifetime)
	case tx.invite, !tx.hop.tcp():
		w.set(&tx.end, lifetime)
	default:
		tx.remove()
	}
}

func (tx *serverTx) send() {
	err := tx.w.e.send(tx.hop, tx.last)
	if err != nil && tx.fallback.IsValid() {
		tx.w.e.send(hop{addr: tx.fallback}, tx.last)
	}
}

// repeat answers a repeated request. A repeated INVITE whose 2xx went out is
// absorbed, for the dialog repeats its 2xx (RFC 6026); so is one after the ACK.
func (tx *serverTx) repeat() {
	if tx.last == nil || tx.invite && (tx.success || tx.confirmed) {
		return
	}
	tx.send()
}

// ack: the ACK of a final response that is no 2xx.
func (tx *serverTx) ack() {
	if tx.confirmed {
		return
	}
	tx.confirmed = true
	tx.w.clear(&tx.resend)
	if tx.hop.tcp() {
		tx.remove()
		return
	}
	tx.w.set(&tx.end, t4)
}

func (tx *serverTx) ring(kind uint8) {
	if kind == ringEnd {
		tx.remove()
		return
	}
	tx.every = min(2*tx.every, t2)
	tx.w.e.stats.Resent.Add(1)
	tx.send()
	tx.w.set(&tx.resend, tx.every)
}

func (tx *serverTx) remove() {
	w := tx.w
	if w.server[tx.key] != tx {
		return
	}
	w.clear(&tx.resend)
	w.clear(&tx.end)
	delete(w.server, tx.key)
	if w.merged[tx.merge] == tx {
		delete(w.merged, tx.merge)
	}
	tx.dialog = nil
	w.e.stats.Transactions.Add(-1)
}

// methods we know; the others are 501.
var methods = map[string]string{
	"INVITE": "INVITE", "ACK": "ACK", "CANCEL": "CANCEL", "BYE": "BYE", "REGISTER": "REGISTER",
	"OPTIONS": "OPTIONS", "INFO": "INFO", "UPDATE": "UPDATE", "PRACK": "PRACK", "REFER": "REFER",
	"NOTIFY": "NOTIFY", "SUBSCRIBE": "SUBSCRIBE", "MESSAGE": "MESSAGE", "PUBLISH": "PUBLISH",
}

// methodName is the method as a string that holds no message in memory.
func methodName(s string) string {
	if m, ok := methods[s]; ok {
		return m
	}
	return strings.Clone(s)
}
