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
	Trusted     bool          // its P-Asserted-Identity and Diversion are believed, and it is told ours
	Expires     time.Duration // asked for when registering; default 600 s
	// KeepAlive is how often each peer is sent OPTIONS; 0: never. Three silences in a
	// row make it down, two answers up again; then calls try it after the others.
	KeepAlive time.Duration
	TLS       TrunkTLS // for peers with transport=tls
}

// TrunkTLS says how a trunk proves itself, and we to it. Files are PEM; they are
// read again when they change.
type TrunkTLS struct {
	CA   string // authorities that sign its certificate; "" is the system's
	Name string // name that its certificate must have; "" is the peer's host
	// Mutual: what comes from the trunk counts only over TLS with a client
	// certificate of Name, and then from any address.
	Mutual    bool
	Cert, Key string // our client certificate; "" is the endpoint's own
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
	Watched   bool          // OPTIONS are sent to it
	Up        bool          // it answers them, or was never asked
	Since     time.Time     // of Up; zero: never asked
	Latency   time.Duration // of its last answer
}

// TrunkChange tells that a peer of a trunk began or ceased to answer.
type TrunkChange struct {
	Trunk, Peer string // Peer is its URI
	Up          bool
	Latency     time.Duration // of the answer
	Error       string        // why it is down
}
