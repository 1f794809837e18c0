package sip

import (
	"net/netip"
	"time"
)

// Binding is one phone's registration: where calls to an account are sent.
type Binding struct {
	AOR     string // user part of the address of record
	Contact string // contact URI as registered, without header parameters
	// Source is where the REGISTER came from (received and rport of RFC 3581).
	Source    netip.AddrPort
	Transport string // "udp", "tcp", "tls"
	Flow      string // id of the live connection it came over; "" when closed or UDP
	CallID    string
	UserAgent string
	CSeq      uint32
	Q         float64 // preference of the contact, 0 to 1; 1 when not said
	Expires   time.Time
	// Registered is the instant of the last REGISTER that named this contact.
	Registered time.Time
}

// BindingChange tells that a binding was added, refreshed, removed or expired.
type BindingChange struct {
	Binding   Binding
	Removed   bool
	Reachable bool // the account has a binding left
}

// origin is where a request came from, as the transport saw it.
type origin struct {
	Source    netip.AddrPort
	Transport string // "udp", "tcp"
	Flow      string // connection id; "" for UDP
}
