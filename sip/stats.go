package sip

import "sync/atomic"

// Stats counts what an [Endpoint] did since it began. Fields only grow, but
// those that say "now".
type Stats struct {
	Received      atomic.Uint64 // messages read and understood
	Sent          atomic.Uint64 // messages written, repeats included
	Resent        atomic.Uint64 // repeats by our timers
	Junk          atomic.Uint64 // bytes that are no SIP message: dropped
	Malformed     atomic.Uint64 // messages with broken grammar: answered 400 where possible
	Limited       atomic.Uint64 // requests dropped because their source sent too many
	Overloaded    atomic.Uint64 // requests answered 503 because a worker was behind
	Unmatched     atomic.Uint64 // responses and ACKs that belong to nothing we know
	Challenged    atomic.Uint64 // requests answered 401
	Denied        atomic.Uint64 // wrong credentials
	Bans          atomic.Uint64 // addresses banned for failed log-ins
	Banned        atomic.Uint64 // requests dropped because their address is banned
	SendErrors    atomic.Uint64 // messages that no transport took
	ConnsRefused  atomic.Uint64 // TCP connections over a limit
	ConnsTimedOut atomic.Uint64 // TCP connections closed for silence or slowness
	TLSFailed     atomic.Uint64 // TLS handshakes that failed, ours and others'
	AcceptErrors  atomic.Uint64 // failed accepts, such as too many open files
	Panics        atomic.Uint64 // handlers that panicked; each ended one dialog
	NoAck         atomic.Uint64 // calls ended because our 200 was never acknowledged
	LateAnswers   atomic.Uint64 // 2xx that came after our CANCEL or from another fork: ACK and BYE
	Loops         atomic.Uint64 // requests of ours that came back

	Conns        atomic.Int64 // TCP connections now
	Dialogs      atomic.Int64 // dialogs in memory now, ended ones for 32 s
	Transactions atomic.Int64 // transactions in memory now
}
