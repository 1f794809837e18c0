package sip

import (
	"net/netip"
	"time"

	sipmsg "github.com/emiago/sipgo/sip"
)

// registrarConfig of a registrar. Zero fields take the defaults named here.
type registrarConfig struct {
	Min, Max time.Duration // granted lifetimes; defaults 60 s and 3600 s (RFC 3261, 10.3)
	Each     int           // most bindings of one account; default 5
	Restored []Binding     // of an earlier process; their flows are gone
	OnChange func(BindingChange)
}

// registrar keeps the bindings of accounts (RFC 3261, 10.3). Safe for many workers.
// OnChange is called in the order of the changes, by one goroutine at a time, no lock held.
type registrar struct{}

func newRegistrar(now time.Time, c registrarConfig) *registrar { return &registrar{} }

// registered is the answer to a REGISTER: status and headers to add to the response.
type registered struct {
	Status  int
	Reason  string
	Headers []sipmsg.Header
}

// handle answers a REGISTER of an authenticated user. All or nothing (RFC 3261, 10.3 step 7).
func (r *registrar) handle(now time.Time, user string, req *sipmsg.Request, from origin) registered {
	return registered{}
}

// expire drops what has run out and says when to come again; zero: nothing is bound.
func (r *registrar) expire(now time.Time) (next time.Time) { return }

// contacts are an account's live bindings as targets, most recent first.
func (r *registrar) contacts(now time.Time, aor string) []Target { return nil }

// bindings are copies of all live bindings, sorted by account, most recent first.
func (r *registrar) bindings(now time.Time) []Binding { return nil }

// phoneAt says whether a live binding came from exactly this address.
func (r *registrar) phoneAt(now time.Time, source netip.AddrPort) (aor string, ok bool) { return }

// flowClosed forgets a closed connection; the bindings that came over it stay.
func (r *registrar) flowClosed(flow string) {}
