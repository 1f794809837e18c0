package sip

import (
	"net/netip"
	"time"
)

// How long a peer is tried after the others, once it failed us.
const (
	downDefault = 30 * time.Second // 503 without Retry-After, first silence
	downSilent  = 5 * time.Minute  // most after repeated silence
	downMost    = 10 * time.Minute // most that a Retry-After is obeyed
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
