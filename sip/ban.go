package sip

import (
	"cmp"
	"container/list"
	"net/netip"
	"slices"
	"sync"
	"time"
)

const (
	banSources = 8192           // sources with failures that are remembered; the one quiet for longest is forgotten
	banWindow  = time.Minute    // failures count for so long
	banMost    = 24 * time.Hour // longest ban
	banForget  = 24 * time.Hour // after so long without a failure a source is as good as new
)

// Ban is an address whose requests are dropped for failed log-ins.
type Ban struct {
	Source   netip.Prefix // an IPv4 address, or an IPv6 /64
	Until    time.Time
	Times    int // bans in a row
	Failures int // log-ins that failed since it was first seen
}

// bans counts failed log-ins by source, in a bounded table. Safe for many readers.
type bans struct {
	after int // failures; below 1: never
	first time.Duration

	mu     sync.Mutex // guards the fields below
	known  map[netip.Prefix]*list.Element
	recent list.List // of *suspect, most recent failure first
}

type suspect struct {
	Ban
	marks []time.Time // failures within banWindow
	last  time.Time
}

func newBans(after int, first time.Duration) *bans {
	return &bans{after: after, first: first, known: map[netip.Prefix]*list.Element{}}
}

// network is what is counted as one source: an IPv4 address, an IPv6 /64.
func network(a netip.Addr) netip.Prefix {
	bits := 32
	if a = a.Unmap(); a.Is6() {
		bits = 64
	}
	p, _ := a.WithZone("").Prefix(bits)
	return p
}

// failed counts a failed log-in; true if it began a ban.
func (b *bans) failed(a netip.Addr, now time.Time) bool {
	if b.after < 1 || a.IsLoopback() || !a.IsValid() {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.suspect(network(a), now)
	s.Failures++
	s.last = now
	s.marks = slices.DeleteFunc(s.marks, func(t time.Time) bool { return now.Sub(t) > banWindow })
	s.marks = append(s.marks, now)
	if len(s.marks) < b.after || s.Until.After(now) {
		return false
	}
	s.marks = nil
	s.Until = now.Add(min(b.first<<min(s.Times, 16), banMost))
	s.Times++
	return true
}

func (b *bans) suspect(p netip.Prefix, now time.Time) *suspect {
	if el := b.known[p]; el != nil {
		s := el.Value.(*suspect)
		b.recent.MoveToFront(el)
		if now.Sub(s.last) > banForget && !s.Until.After(now) {
			*s = suspect{Ban: Ban{Source: p}}
		}
		return s
	}
	if len(b.known) >= banSources {
		last := b.recent.Back()
		delete(b.known, b.recent.Remove(last).(*suspect).Source)
	}
	s := &suspect{Ban: Ban{Source: p}}
	b.known[p] = b.recent.PushFront(s)
	return s
}

// banned says whether what comes from an address is to be dropped.
func (b *bans) banned(a netip.Addr, now time.Time) bool {
	if b.after < 1 {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.known) == 0 {
		return false
	}
	el := b.known[network(a)]
	return el != nil && el.Value.(*suspect).Until.After(now)
}

// proved: the right secret came from there; its failures were slips.
func (b *bans) proved(a netip.Addr) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if el := b.known[network(a)]; el != nil {
		el.Value.(*suspect).marks = nil
	}
}

func (b *bans) remove(a netip.Addr) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	el := b.known[network(a)]
	if el == nil {
		return false
	}
	b.recent.Remove(el)
	delete(b.known, network(a))
	return true
}

func (b *bans) list(now time.Time) (all []Ban) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, el := range b.known {
		if s := el.Value.(*suspect); s.Until.After(now) {
			all = append(all, s.Ban)
		}
	}
	slices.SortFunc(all, func(a, b Ban) int {
		return cmp.Or(a.Until.Compare(b.Until), a.Source.Addr().Compare(b.Source.Addr()))
	})
	return all
}

// Bans are the addresses banned now, the one that ends first in front.
func (e *Endpoint) Bans() []Ban { return e.bans.list(time.Now()) }

// Unban lets an address in again and forgets its failures; false: it had none.
func (e *Endpoint) Unban(a netip.Addr) bool { return e.bans.remove(a) }

// wellKnown: a phone that is registered, or a trunk, at just that place. It is not
// to suffer for another one behind the same NAT.
func (e *Endpoint) wellKnown(h hop, now time.Time) bool {
	if _, phone := e.registry.phoneAt(now, h.addr); phone {
		return true
	}
	_, trunk := e.trunkAt(h)
	return trunk
}

// loginFailed counts wrong credentials against their source, unless a trunk or a
// registered phone stands there: who can forge its address must not lock it out.
// Only credentials for a nonce that we gave to that very source count, for then
// the address is no forgery.
func (e *Endpoint) loginFailed(m *message, now time.Time) {
	src := m.hop.addr
	if e.wellKnown(m.hop, now) {
		return
	}
	if e.bans.failed(src.Addr(), now) {
		e.stats.Bans.Add(1)
		e.cfg.Log.Warn("sip: address banned for failed log-ins", "peer", src.Addr().String())
		m.hop.conn.drop()
	}
}

// drop closes a connection; nil has nothing to close.
func (c *conn) drop() {
	if c != nil {
		c.cancel()
	}
}
