package sip

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// trunkSet is the set of trunks, replaced live. Safe for many workers.
type trunkSet struct {
	mu     sync.RWMutex // guards all below
	trunks []*trunkEntry
	// resting are addresses that failed a call, of peers that have others.
	resting map[restKey]time.Time
}

type trunkEntry struct {
	Trunk
	peers []*trunkPeer
	hosts []string // of peers and registrar, lower case: who may have our credentials
}

type trunkPeer struct {
	text     string
	uri      uri
	target   Target // Addr set for an IP literal
	bad      error  // the text is no SIP URI of ours
	addrs    []netip.AddrPort
	down     time.Time
	failures int // silences in a row
	problem  string
	watch    watch  // what OPTIONS told
	link     string // why there is no connection to it; "" there is, or was never tried
}

// set replaces the trunks; what is known of peers that stay is kept. It gives the
// names of those that have to prove themselves in another way now, or are gone.
func (s *trunkSet) set(trunks []Trunk) (changed []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.trunks
	s.trunks = nil
	for _, t := range trunks {
		e := &trunkEntry{Trunk: t}
		e.Peers, e.Addresses = slices.Clone(t.Peers), slices.Clone(t.Addresses)
		before := find(old, t.Name)
		for _, text := range t.Peers {
			p := newTrunkPeer(t.Name, text)
			if before != nil {
				for _, o := range before.peers {
					if o.text == text {
						p = o
					}
				}
			}
			e.peers = append(e.peers, p)
			e.hosts = append(e.hosts, strings.ToLower(p.uri.host))
		}
		if u, ok := parseURI(t.RegisterURI); ok {
			e.hosts = append(e.hosts, strings.ToLower(u.host))
		}
		s.trunks = append(s.trunks, e)
	}
	for _, o := range old {
		if e := find(s.trunks, o.Name); e == nil || e.TLS != o.TLS {
			changed = append(changed, o.Name)
		}
	}
	return changed
}

func newTrunkPeer(trunk, text string) *trunkPeer {
	p := &trunkPeer{text: text}
	p.target, p.bad = ParseTarget(text)
	if p.bad != nil {
		return p
	}
	p.target.Trunk = trunk
	p.uri, _ = parseURI(text)
	if p.target.Addr.IsValid() {
		p.addrs = []netip.AddrPort{p.target.Addr}
	}
	return p
}

func find(trunks []*trunkEntry, name string) *trunkEntry {
	for _, t := range trunks {
		if t.Name == name {
			return t
		}
	}
	return nil
}

// named is the trunk of that name.
func (s *trunkSet) named(name string) (Trunk, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if e := find(s.trunks, name); e != nil {
		return e.Trunk, true
	}
	return Trunk{}, false
}

// match finds the trunk that a source belongs to: exact peer address, then
// longest configured prefix, then a peer's address with another port.
func (s *trunkSet) match(source netip.AddrPort) (t Trunk, ok bool) {
	source = unmap(source)
	s.mu.RLock()
	defer s.mu.RUnlock()
	var best *trunkEntry
	rank := 0
	for _, e := range s.trunks {
		if n := e.rank(source); n > rank {
			best, rank = e, n
		}
	}
	if best == nil {
		return Trunk{}, false
	}
	return best.Trunk, true
}

// rank is how well a source fits; 0: not at all.
func (e *trunkEntry) rank(source netip.AddrPort) (n int) {
	for _, p := range e.peers {
		for _, a := range p.addrs {
			if a == source {
				return 1000
			}
			if a.Addr() == source.Addr() {
				n = 1
			}
		}
	}
	for _, p := range e.Addresses {
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		if p.Contains(source.Addr()) {
			n = max(n, 2+p.Bits())
		}
	}
	return n
}

// targets are a trunk's peers for a number, in order, those that are down last.
func (s *trunkSet) targets(now time.Time, name, number string) ([]Target, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	e := find(s.trunks, name)
	if e == nil {
		return nil, false
	}
	var up, down []Target
	for _, p := range e.peers {
		if p.bad != nil {
			continue
		}
		t := p.target
		t.URI = "sip:" + hostPort(p.uri.host, p.uri.port)
		if number != "" {
			t.URI = "sip:" + escapeUser(number) + "@" + hostPort(p.uri.host, p.uri.port)
		}
		if _, tr, ok := strings.Cut(p.uri.bare(), ";"); ok {
			t.URI += ";" + tr
		}
		if e.isDown(p, now) {
			down = append(down, t)
		} else {
			up = append(up, t)
		}
	}
	return append(up, down...), true
}

// isDown tells whether a peer failed a short while ago, or answers no OPTIONS.
func (e *trunkEntry) isDown(p *trunkPeer, now time.Time) bool {
	return p.down.After(now) || e.KeepAlive > 0 && p.watch.known && !p.watch.up
}

// isDown tells whether all peers of a trunk are down.
func (s *trunkSet) isDown(now time.Time, name string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	e := find(s.trunks, name)
	return e != nil && !slices.ContainsFunc(e.peers, func(p *trunkPeer) bool { return p.bad == nil && !e.isDown(p, now) })
}

// unresolved are the peers named by host, whose addresses have to be looked up now
// and then so that match knows them; resolved stores the answer, and an error keeps
// the addresses of before.
func (s *trunkSet) unresolved() []Target {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var all []Target
	for _, e := range s.trunks {
		for _, p := range e.peers {
			if p.bad == nil && !p.target.Addr.IsValid() {
				all = append(all, p.target)
			}
		}
	}
	return all
}

func (s *trunkSet) resolved(t Target, addrs []netip.AddrPort, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.peer(t)
	if p == nil || p.target.Addr.IsValid() {
		return
	}
	if err != nil {
		p.problem = err.Error()
		return
	}
	if p.down.IsZero() {
		p.problem = ""
	}
	p.addrs = nil
	for _, a := range addrs {
		p.addrs = append(p.addrs, unmap(a))
	}
}

// failed counts against the peer behind a target: status 503 with Retry-After,
// 408 or 0 for silence, anything else is ignored. alive takes it back.
func (s *trunkSet) failed(now time.Time, t Target, status int, retryAfter time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.peer(t)
	if p == nil {
		return
	}
	switch status {
	case 503:
		if retryAfter <= 0 {
			retryAfter = downDefault
		}
		until := now.Add(min(retryAfter, downMost))
		if s.rest(p, t, now, until) {
			return
		}
		p.down = until
		p.problem = "503 Service Unavailable"
	case 0, 408:
		if s.rest(p, t, now, now.Add(downDefault)) {
			return
		}
		p.failures++
		p.down = now.Add(min(downDefault<<min(p.failures-1, 8), downSilent))
		p.problem = "no answer (" + strconv.Itoa(p.failures) + " in a row)"
	}
}

func (s *trunkSet) alive(t Target) {
	s.mu.RLock()
	p := s.peer(t)
	_, rests := s.resting[restKey{t.Trunk, t.Addr}]
	healthy := !rests && (p == nil || p.down.IsZero() && p.problem == "")
	s.mu.RUnlock()
	if healthy {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.resting, restKey{t.Trunk, t.Addr})
	if p := s.peer(t); p != nil {
		p.down, p.failures, p.problem = time.Time{}, 0, ""
	}
}

// peer finds the peer that a target came from by host, port and transport.
func (s *trunkSet) peer(t Target) *trunkPeer {
	e := find(s.trunks, t.Trunk)
	u, ok := parseURI(t.URI)
	if e == nil || !ok {
		return nil
	}
	for _, p := range e.peers {
		if p.bad == nil && p.uri.place() == u.place() {
			return p
		}
	}
	return nil
}

// auth gives what answers challenges of a target; nil when it is no peer of its
// trunk, or the trunk has no credentials. One per dialog or registration.
func (s *trunkSet) auth(t Target) *clientAuth {
	s.mu.RLock()
	defer s.mu.RUnlock()
	e := find(s.trunks, t.Trunk)
	u, ok := parseURI(t.URI)
	if e == nil || e.User == "" || !ok || !e.has(u.host) {
		return nil
	}
	return newClientAuth(e.User, e.Password, e.Realm)
}

// has says whether a host is one of the trunk's peers, or its registrar.
func (e *trunkEntry) has(host string) bool { return slices.Contains(e.hosts, strings.ToLower(host)) }

// states are the trunks as an operator sees them, without registration.
func (s *trunkSet) states(now time.Time) []TrunkState {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var all []TrunkState
	for _, e := range s.trunks {
		st := TrunkState{Name: e.Name}
		for _, p := range e.peers {
			ps := PeerState{URI: p.text, DownUntil: p.down, Error: p.problem}
			if p.link != "" {
				ps.Error = p.link
			}
			if ps.Watched = e.KeepAlive > 0 && p.bad == nil; ps.Watched {
				ps.Since, ps.Latency = p.watch.since, p.watch.latency
			}
			ps.Up = !ps.Watched || !p.watch.known || p.watch.up
			if p.bad != nil {
				ps.Error = p.bad.Error()
			}
			if !p.down.After(now) {
				ps.DownUntil = time.Time{}
			}
			st.Peers = append(st.Peers, ps)
		}
		all = append(all, st)
	}
	return all
}
