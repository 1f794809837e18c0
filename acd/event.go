package acd

import "time"

// CallID, AgentID and QueueID are the owner's names; the package only compares them.
type (
	CallID  string
	AgentID string
	QueueID string
)

// Queue is the rule of one queue. Zero durations mean what the field says.
type Queue struct {
	ID QueueID `json:"id"`
	// H and G are the largest head starts a caller's standing and an agent's
	// grade can give. Both zero: first come first served and longest idle.
	H time.Duration `json:"h,omitempty"`
	G time.Duration `json:"g,omitempty"`
	// RingTimeout is how long a phone rings before the offer counts as not
	// answered; default 15 s.
	RingTimeout time.Duration `json:"ring_timeout,omitempty"`
	// WrapUp follows each talk of this queue, unless the agent has his own; 0 none.
	WrapUp time.Duration `json:"wrap_up,omitempty"`
	// BackOff is how long a pair that failed is kept apart, and how long a busy
	// or silent phone is left alone; default 30 s.
	BackOff time.Duration `json:"back_off,omitempty"`
	// MaxWait, counted from the CallQueued that put the call here, ends in Overflow; 0 no limit.
	MaxWait time.Duration `json:"max_wait,omitempty"`
	// MaxLength is how many calls may wait or be offered; 0 no limit. Returned
	// (Head) calls are let in beyond it.
	MaxLength int `json:"max_length,omitempty"`
	// Needs are the skills with their least levels that every call of the queue asks for.
	Needs map[string]int `json:"needs,omitempty"`
	// LeaveWhenNobody sends callers on as soon as no agent of the queue is logged in.
	LeaveWhenNobody bool `json:"leave_when_nobody,omitempty"`
	// MissedNotReady makes an agent who let the phone ring out Not ready (missed).
	MissedNotReady bool `json:"missed_not_ready,omitempty"`
}

// Agent is what the center knows of an agent. No Languages means that he takes
// calls of any language.
type Agent struct {
	ID        AgentID        `json:"id"`
	Skills    map[string]int `json:"skills,omitempty"`
	Languages []string       `json:"languages,omitempty"`
	Queues    []QueueID      `json:"queues,omitempty"`
	WrapUp    *time.Duration `json:"wrap_up,omitempty"` // instead of the queue's; 0 none
}

// Event is one thing that happened. Every type with an event method is one;
// [EncodeEvent] and [DecodeEvent] carry them through the journal.
type Event interface{ event() }

type (
	// Configure replaces the configuration as a whole; waiting calls are keyed
	// anew. Agents that are gone are logged out, talks and offers of the others
	// go on. A new agent is logged out and unreachable until events say otherwise.
	Configure struct {
		Queues []Queue `json:"queues"`
		Agents []Agent `json:"agents"`
	}
	// CallQueued: a caller starts to wait. A call that already waits, rings or
	// talks leaves that place first, so this is also the way to another queue.
	CallQueued struct {
		Call     CallID         `json:"call"`
		Queue    QueueID        `json:"queue"`
		Since    time.Time      `json:"since"`              // arrival, kept over requeues; zero or future: now
		Language string         `json:"language,omitempty"` // "" any agent
		Needs    map[string]int `json:"needs,omitempty"`    // added to the queue's
		Customer string         `json:"customer,omitempty"`
		Standing float64        `json:"standing"`       // c in 0..1; 0.5 for an unknown customer
		Head     bool           `json:"head,omitempty"` // before all others: he returns from a phone that died
		// Leave sends him on when nobody is logged in, whatever the queue says.
		Leave bool `json:"leave,omitempty"`
	}
	// CallLeft: the caller hung up or left the queue, in whatever state the call is.
	CallLeft struct {
		Call CallID `json:"call"`
	}
	// LogIn brings an agent to Not ready (login), or to Ready at once.
	LogIn struct {
		Agent AgentID `json:"agent"`
		Ready bool    `json:"ready,omitempty"`
	}
	// Ready: the agent wants calls. It ends his wrap-up and logs him in if need be.
	Ready struct {
		Agent AgentID `json:"agent"`
	}
	// NotReady: the agent wants no calls. In talk or wrap-up it takes effect
	// afterwards; an offer that rings is withdrawn.
	NotReady struct {
		Agent  AgentID `json:"agent"`
		Reason string  `json:"reason,omitempty"`
	}
	// LogOut ends the agent's shift, with the same timing as NotReady.
	LogOut struct {
		Agent AgentID `json:"agent"`
	}
	// Reachable: the agent's phone can be rung (registered or static), or no longer.
	Reachable struct {
		Agent AgentID `json:"agent"`
		Yes   bool    `json:"yes"`
	}
	// Occupied: the agent's phone is in a call outside the ACD, or no longer.
	Occupied struct {
		Agent AgentID `json:"agent"`
		Yes   bool    `json:"yes"`
	}
	// OfferAnswered: the agent picked up; the talk begins. With a stale id the
	// agent's leg has to be ended by the owner: his call is somewhere else.
	OfferAnswered struct {
		Offer OfferID `json:"offer"`
	}
	// OfferRefused: the offer came to nothing; see the table in the package doc.
	OfferRefused struct {
		Offer OfferID `json:"offer"`
		How   Refusal `json:"how"`
	}
	// TalkEnded: agent and call have parted. With PhoneDied the owner queues the
	// caller again with Head and his old Since.
	TalkEnded struct {
		Agent     AgentID `json:"agent"`
		Call      CallID  `json:"call"`
		NoWrapUp  bool    `json:"no_wrap_up,omitempty"`
		PhoneDied bool    `json:"phone_died,omitempty"`
	}
	// WrapUpDone: the agent has finished his after-call work.
	WrapUpDone struct {
		Agent AgentID `json:"agent"`
	}
	// Rated: a caller gave stars. One rating per contact: another one replaces it.
	Rated struct {
		Agent    AgentID   `json:"agent"`
		Customer string    `json:"customer,omitempty"` // "" anonymous: no leniency correction
		Contact  string    `json:"contact"`
		Stars    float64   `json:"stars"` // 1..5
		At       time.Time `json:"at"`    // when it was given; zero or future: now
	}
	// Unrated takes a rating back.
	Unrated struct {
		Contact string `json:"contact"`
	}
	// Tick: nothing happened but time. Due at [Core.Deadline].
	Tick struct{}
)

func (Configure) event()     {}
func (CallQueued) event()    {}
func (CallLeft) event()      {}
func (LogIn) event()         {}
func (Ready) event()         {}
func (NotReady) event()      {}
func (LogOut) event()        {}
func (Reachable) event()     {}
func (Occupied) event()      {}
func (OfferAnswered) event() {}
func (OfferRefused) event()  {}
func (TalkEnded) event()     {}
func (WrapUpDone) event()    {}
func (Rated) event()         {}
func (Unrated) event()       {}
func (Tick) event()          {}

// Refusal is how an offer came to nothing.
type Refusal uint8

// The refusals. Declined is the zero value.
const (
	Declined         Refusal = iota // the agent said no
	Busy                            // his phone is in another call
	NoAnswer                        // it rang out
	PhoneUnreachable                // no answer whatsoever from the phone
	CallerGone                      // the caller hung up first
)

var refusalNames = [...]string{"declined", "busy", "no answer", "unreachable", "caller gone"}

// String is the refusal in the words of the logs.
func (r Refusal) String() string { return name(refusalNames[:], int(r)) }

// MarshalText writes the refusal's name.
func (r Refusal) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads a refusal's name.
func (r *Refusal) UnmarshalText(b []byte) error {
	i, err := index("refusal", refusalNames[:], string(b))
	*r = Refusal(i)
	return err
}
