package sip

import (
	"bytes"
	"net/netip"
	"sync"
	"time"
)

// Requests too large for a datagram go over TCP (RFC 3261, 18.1.1), and over UDP
// after all where nobody takes them.
const (
	largeRequest = 1300            // bytes of a request that may go over UDP
	largeWait    = 2 * time.Second // for a connection; then UDP
	noTCPFor     = 10 * time.Minute
	noTCPMost    = 1024 // addresses remembered
)

// noTCP remembers who takes no connections. Safe for many workers.
type noTCP struct {
	mu    sync.Mutex // guards known
	known map[netip.AddrPort]time.Time
}

func (n *noTCP) has(a netip.AddrPort, now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.known[a].After(now)
}

func (n *noTCP) add(a netip.AddrPort, now time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.known == nil || len(n.known) >= noTCPMost {
		n.known = map[netip.AddrPort]time.Time{}
	}
	n.known[a] = now.Add(noTCPFor)
}

// grow gives the way over TCP for a request that is too large for UDP, and its
// bytes with the Via of that way. Phones that registered over UDP take none: they
// sit behind NATs.
func (w *worker) grow(h hop, branch string, data []byte) (hop, []byte, bool) {
	e := w.e
	if h.udp == nil || len(data) <= largeRequest || len(e.tcp) == 0 || e.noTCP.has(h.addr, w.now) {
		return h, data, false
	}
	if _, phone := e.registry.phoneAt(w.now, h.addr); phone {
		return h, data, false
	}
	i := bytes.Index(data, []byte("\r\nVia: "))
	if i < 0 {
		return h, data, false
	}
	i += len("\r\nVia: ")
	end := i + bytes.Index(data[i:], []byte("\r\n"))
	tcp := hop{addr: h.addr}
	grown := make([]byte, 0, len(data)+16)
	grown = append(grown, data[:i]...)
	grown = append(grown, e.via(tcp, branch)...)
	return tcp, append(grown, data[end:]...), true
}

// shrink sends a request over UDP after all: nobody took the connection. False if
// it was not grown, or has been heard of.
func (tx *clientTx) shrink() bool {
	if tx.small == nil || tx.provisional || tx.final {
		return false
	}
	e := tx.w.e
	if c := tx.hop.conn; c != nil && !c.up.Load() {
		c.drop() // what waits there must not be sent later
	}
	e.noTCP.add(tx.smallHop.addr, tx.w.now)
	tx.hop, tx.data, tx.small = tx.smallHop, tx.small, nil
	if e.send(tx.hop, tx.data) != nil {
		return false
	}
	tx.every = t1
	tx.w.set(&tx.resend, t1)
	return true
}
