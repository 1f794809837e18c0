package sip

import (
	"net/netip"
	"slices"
	"strings"
)

// What TLS has to know of trunks.

// certified finds the trunk that proves itself by a certificate of one of the names.
func (s *trunkSet) certified(names []string) (Trunk, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, e := range s.trunks {
		if e.TLS.Mutual && e.TLS.Name != "" && slices.Contains(names, strings.ToLower(e.TLS.Name)) {
			return e.Trunk, true
		}
	}
	return Trunk{}, false
}

// linkTo is a trunk, and the host of its peer at an address: the first peer's if
// it is none of theirs, such as that of a Contact.
func (s *trunkSet) linkTo(name string, to netip.AddrPort) (t Trunk, host string) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	e := find(s.trunks, name)
	if e == nil {
		return Trunk{}, ""
	}
	for _, p := range e.peers {
		if host == "" || slices.ContainsFunc(p.addrs, func(a netip.AddrPort) bool { return a.Addr() == to.Addr() }) {
			host = p.uri.host
		}
	}
	return e.Trunk, host
}

// linkProblem is why there is no connection to the peer behind a target.
func (s *trunkSet) linkProblem(t Target) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if p := s.peer(t); p != nil {
		return p.link
	}
	return ""
}

// places are all peers of all trunks.
func (s *trunkSet) places() (all []Target) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, e := range s.trunks {
		for _, p := range e.peers {
			if p.bad == nil {
				t := p.target
				t.URI = p.uri.bare()
				all = append(all, t)
			}
		}
	}
	return all
}

// linked notes why there is no connection to a peer, or that there is one.
func (s *trunkSet) linked(to netip.AddrPort, l link, err error) {
	if l.trunk == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e := find(s.trunks, l.trunk)
	if e == nil {
		return
	}
	for _, p := range e.peers {
		if slices.Contains(p.addrs, to) {
			p.link = ""
			if err != nil {
				p.link = err.Error()
			}
		}
	}
}
