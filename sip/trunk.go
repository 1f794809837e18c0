package sip

import (
	"net/netip"
	"time"
)

// Trunk is a configured peer for the outside world.
type Trunk struct {
	Name        string
	Peers       []string       // "sip:host:port;transport=udp", tried in order
	Addresses   []netip.Prefix // sources that count as this trunk; resolved peers are added
	Register    bool
	RegisterURI string // "" = first peer
	User        string
	Password    string
	Realm       string        // only challenges of this realm are answered; "" = any realm of a peer
	Trusted     bool          // its P-Asserted-Identity is believed
	Expires     time.Duration // asked for when registering; default 600 s
}

// TrunkState is what an operator sees of a trunk.
type TrunkState struct {
	Name       string
	Registered bool
	Error      string
	Expires    time.Time
	Peers      []PeerState
}

// PeerState is what an operator sees of one peer of a trunk.
type PeerState struct {
	URI       string
	DownUntil time.Time // zero or past: up
	Error     string
}

// trunkSet is the set of trunks, replaced live. Safe for many workers.
type trunkSet struct{}

// set replaces the trunks; what is known of peers that stay is kept.
func (s *trunkSet) set(trunks []Trunk) {}

// match finds the trunk that a source belongs to: exact peer address, then
// longest configured prefix, then a peer's address with another port.
func (s *trunkSet) match(source netip.AddrPort) (t Trunk, ok bool) { return }

// targets are a trunk's peers for a number, in order, those that are down last.
func (s *trunkSet) targets(now time.Time, name, number string) ([]Target, bool) { return nil, false }

// unresolved are the peers whose addresses have to be looked up (again); resolved stores them.
func (s *trunkSet) unresolved() []Target                                 { return nil }
func (s *trunkSet) resolved(t Target, addrs []netip.AddrPort, err error) {}

// failed counts against the peer behind a target: status 503 with Retry-After,
// 408 or 0 for silence, anything else is ignored. alive takes it back.
func (s *trunkSet) failed(now time.Time, t Target, status int, retryAfter time.Duration) {}
func (s *trunkSet) alive(t Target)                                                       {}

// auth gives what answers challenges of a target; nil when it is no peer of its
// trunk, or the trunk has no credentials. One per dialog or registration.
func (s *trunkSet) auth(t Target) *clientAuth { return nil }

// states are the trunks as an operator sees them, without registration.
func (s *trunkSet) states(now time.Time) []TrunkState { return nil }
