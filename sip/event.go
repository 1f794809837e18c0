package sip

import (
	"net/netip"
	"time"
)

// Inbox takes a dialog's events in order. Deliver is called on the SIP worker
// and must not block.
type Inbox interface{ Deliver(Event) }

// Media composes and reads session descriptions (application/sdp) for one
// dialog. It is called on the SIP worker, must be quick and must not call back
// into this package. An error changes nothing: a peer's re-INVITE or UPDATE gets
// 488 and the old session stays, an offer of ours is reported by an event.
type Media interface {
	Offer() ([]byte, error)              // a new offer of ours
	Answer(offer []byte) ([]byte, error) // our answer to theirs
	Accept(answer []byte) error          // their answer to our last offer
}

// Cause says how and why a dialog ends.
type Cause struct {
	Status int    // SIP status, such as 486; 0 is normal clearing
	Q850   int    // cause number of ITU-T Q.850; 0 is none
	Text   string // for people
}

// Event is something that happened to a dialog, one of the types below.
type Event interface{ event() }

type (
	// Ringing is a provisional response above 100 to our INVITE.
	Ringing struct {
		Status int
		Early  bool // it carried a description, which Media.Accept has taken
	}
	// Answered says that the dialog stands: our INVITE got a 2xx, which is
	// acknowledged, or our own 200 was acknowledged.
	Answered struct{ State DialogState }
	// Failed ends a dialog that we asked for; nothing is left to end.
	Failed struct {
		Status      int
		Reason      string
		RetryAfter  time.Duration
		Target      int  // index of the last target tried
		Unreachable bool // no answer whatsoever or a transport error; Status 408 or 503 is made up
	}
	// Ended is the last event of any other dialog.
	Ended struct {
		Cause  Cause
		ByPeer bool
		Why    string // "bye", "cancel", "no-ack", "session-timer", "ended-by-us", "transport", "internal", "rejected"
	}
	// Digit is a key press told by INFO (application/dtmf-relay, application/dtmf).
	Digit struct {
		Rune     rune
		Duration time.Duration
	}
	// Reoffered is the outcome of [Dialog.Reoffer].
	Reoffered struct {
		Status int
		Err    error
	}
	// Updated says that target, route or CSeq changed: journal the state.
	Updated struct{ State DialogState }
	// Referred says that the peer wants us to call somebody for him: a transfer.
	// Whoever takes no notice declines it after five seconds.
	Referred struct{ *Refer }
	// ReferProgress is what becomes of [Dialog.Refer]: 202 when the peer agrees,
	// then how his call goes. Done is told once, with the last status.
	ReferProgress struct {
		Status int
		Reason string
		Done   bool
		Err    error // it could not even be asked for
	}
)

func (Ringing) event()   {}
func (Answered) event()  {}
func (Failed) event()    {}
func (Ended) event()     {}
func (Digit) event()     {}
func (Reoffered) event() {}
func (Updated) event()   {}

func (Referred) event()      {}
func (ReferProgress) event() {}

// Why a dialog ended, as told by [Ended].
const (
	whyBye      = "bye"
	whyCancel   = "cancel"
	whyNoAck    = "no-ack"
	whySession  = "session-timer"
	whyUs       = "ended-by-us"
	whyNetwork  = "transport"
	whyInternal = "internal"
	whyRejected = "rejected"
)

// DialogState is all that a BYE needs. It is journalled as JSON.
type DialogState struct {
	CallID, LocalTag, RemoteTag string
	Local, Remote               string // From and To values of our requests, without tags
	Target                      string
	Routes                      []string
	CSeq                        uint32
	Transport                   string
	Addr                        netip.AddrPort
	Flow                        string
	Trunk                       string // whose certificate a new connection over TLS must show
	Confirmed                   bool
}

// Peer is who sent a request, once authenticated: exactly one of the two is set.
type Peer struct{ Account, Trunk string }

// Address is a name-addr, decoded: User has no escapes.
type Address struct {
	Display, User, Host string
	Port                int
}

// Incoming is an INVITE that waits for our answer.
type Incoming struct {
	*Dialog
	Peer      Peer
	From, To  Address
	Asserted  Address    // P-Asserted-Identity, only from trunks that are trusted
	Diverted  []Diverted // who forwarded the call, latest first; only from trunks that are trusted
	Private   bool       // the caller asks not to be shown (RFC 3323)
	Number    string     // user part of the Request-URI
	Source    netip.AddrPort
	Transport string // "udp", "tcp", "tls"
	HasOffer  bool   // false: late offer
	Offer     []byte // the caller's description, so that a hopeless call is refused early; nil for a late offer
	// MaxForwards is how many more hops the call may take: 1 or more. Who ends the
	// call here (menu, queue, voicemail) answers it whatever this says; who calls
	// somebody for it passes one less on, and refuses with 483 when that is 0.
	MaxForwards int
	// Headers gives the raw values of a header, case-blind, compact forms found;
	// those of identity only from trunks that are trusted.
	Headers func(name string) []string
	// Replaces is the dialog of ours whose place this call takes (RFC 3891): once
	// this one is answered, the old one is to be ended. Nil: an ordinary call.
	Replaces      *Dialog
	ReplacesEarly bool // only if Replaces is not answered yet
}

// Invite is a call that we place.
type Invite struct {
	Targets     []Target    // tried in order; the next on 503, silence or transport failure
	From, To    Address     // From.Host "" is the advertised address
	Asserted    string      // user part for P-Asserted-Identity, for trunks that are trusted and phones; "" is none
	Anonymous   bool        // CLIR: From and Contact tell nothing, Asserted only who is trusted learns
	Headers     [][2]string // extra headers, at most 32; those that could inject a line or are ours to write are left out
	MaxForwards int         // 0 is 70
	Redirects   int         // how many 3xx to follow, 8 at most; 0 makes a 3xx a failure
	// Redirect says whether a 3xx may lead there; nil: from a trunk only to its own
	// peers and addresses, from a phone anywhere.
	Redirect   func(Target) bool
	AutoAnswer bool          // the phone is asked to answer by itself
	Replaces   *DialogID     // whose place the call takes: a dialog of the callee (RFC 3891)
	Diversion  []Diverted    // who forwarded it, latest first, for trunks that are trusted (RFC 5806)
	NoAnswer   time.Duration // silence, not even 100, before the next target; 0 is Timer B, 32 s
	Media      Media         // required
	Inbox      Inbox         // required
}

// Elsewhere is the cause to end a phone's ringing with when another one answered:
// it shows no missed call (RFC 3326).
var Elsewhere = Cause{Status: 200, Text: "Call completed elsewhere"}
