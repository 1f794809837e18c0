package sip

import (
	"cmp"
	"net/netip"
	"slices"
	"time"
)

// What others ask the registrar: where an account can be reached, and whose phone
// a source is.

// lastSource is where the phone with that Contact registered last over UDP, and when.
func (r *registrar) lastSource(aor string, contact uri) (source netip.AddrPort, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, b := range r.byUser[aor] {
		if b.Transport == "udp" && b.Registered.After(at) && b.uri.same(contact) {
			source, at = b.Source, b.Registered
		}
	}
	return source, at
}

// contacts are an account's live bindings as targets, most recent first. One that
// came over a connection now closed is left out, unless the phone can be dialled
// where it registered from: its Contact must name that very address.
func (r *registrar) contacts(now time.Time, aor string) []Target {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []Target
	for _, b := range sorted(r.byUser[aor]) {
		if !b.Expires.After(now) {
			continue
		}
		t := Target{URI: b.Contact, Addr: b.Source, Transport: b.Transport, Flow: b.Flow}
		if b.Transport != "udp" && b.Flow == "" {
			if !sameHost(b.uri.host, b.Source.Addr()) {
				continue
			}
			t.Addr = netip.AddrPortFrom(b.Source.Addr(), uint16(b.uri.portOr()))
		}
		all = append(all, t)
	}
	return all
}

// bindings are copies of all live bindings, sorted by account, most recent first.
func (r *registrar) bindings(now time.Time) []Binding {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []Binding
	for _, list := range r.byUser {
		for _, b := range sorted(list) {
			if b.Expires.After(now) {
				all = append(all, b.Binding)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Binding) int { return cmp.Compare(a.AOR, b.AOR) })
	return all
}

// phoneAt says whether a live binding came from exactly this address.
func (r *registrar) phoneAt(now time.Time, source netip.AddrPort) (aor string, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, b := range slices.Backward(r.sources[unmap(source)]) {
		if b.Expires.After(now) {
			return b.AOR, true
		}
	}
	return "", false
}

// flowClosed forgets a closed connection; the bindings that came over it stay.
func (r *registrar) flowClosed(flow string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, b := range r.flows[flow] {
		b.Flow = ""
	}
	delete(r.flows, flow)
}

// sorted is a copy, most recent first.
func sorted(list []*bound) []*bound {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b *bound) int {
		if c := b.Registered.Compare(a.Registered); c != 0 {
			return c
		}
		return cmp.Compare(b.seq, a.seq)
	})
	return list
}

func unmap(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// sameHost says whether a host is the literal of an address.
func sameHost(host string, a netip.Addr) bool {
	h, err := netip.ParseAddr(host)
	return err == nil && h.Unmap() == a
}
