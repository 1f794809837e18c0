package sip

import "time"

// registrant keeps one trunk registered: a state machine without I/O. One
// goroutine at a time, but state, which any may call.
type registrant struct{}

// register is one REGISTER to send: resolve Target, then build the request with the
// Contact URI at which that target can reach us. Via is the sender's to add.
type register struct {
	Target Target
	// URI is the Request-URI; Headers are all headers but Via and Content-Length.
	URI     string
	Headers func(contact string) [][2]string
}

func newRegistrant(t Trunk, callID, fromTag string) *registrant { return &registrant{} }

// tick says what to send now (nil: nothing) and when to come again.
// After stop, next is zero when all is said.
func (r *registrant) tick(now time.Time) (send *register, next time.Time) { return }

// response takes the final response to the last REGISTER. Call tick next.
func (r *registrant) response(now time.Time, res *message) {}

// silence: the last REGISTER met no answer (Timer F) or could not be sent. Call tick next.
func (r *registrant) silence(now time.Time, why string) {}

// stop un-registers; the next tick gives that REGISTER if one is due.
func (r *registrant) stop(now time.Time) {}

// state is for display.
func (r *registrant) state() TrunkState { return TrunkState{} }
