package acd

import "time"

// CallID, AgentID and QueueID are the owner's names; the package only compares them.
type (
	CallID  string
	AgentID string
	QueueID string
)

// Event is one thing that happened. Every type with an event method is one;
// [EncodeEvent] and [DecodeEvent] carry them through the journal.
type Event interface{ event() }

type (
	// Configure replaces the configuration as a whole; waiting calls are keyed
	// anew. Agents that are gone are logged out, talks and offers of the others
	// go on. A new agent is logged out and unreachable until events say otherwise.
	Configure struct {
		Queues []Queue    `json:"queues"`
		Agents []Agent    `json:"agents"`
		Grades GradeRules `json:"grades,omitzero"`
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
		Standing float64        `json:"standing"`       // c in 0..1 of a customer nobody rated; 0.5 unknown
		Head     bool           `json:"head,omitempty"` // before all others: he returns from a phone that died
		// Leave sends him on when nobody is logged in, whatever the queue says.
		Leave bool `json:"leave,omitempty"`
		// Channel is what waits, Weight how much of an agent it takes. "" and
		// "voice" take the whole agent; others share him up to his Capacity.
		Channel string `json:"channel,omitempty"`
		Weight  int    `json:"weight,omitempty"` // default 1
		// Priority is a head start of this call (customer tier, number) over the
		// others of all queues. With the queue's it is held within 0..1 h.
		Priority time.Duration `json:"priority,omitempty"`
		Category string        `json:"category,omitempty"` // whose grade is compared: the need; "" overall
		Tier     float64       `json:"tier,omitempty"`     // added to the standing
		Only     []AgentID     `json:"only,omitempty"`     // nobody else may take it, whatever queue they serve
		Also     []QueueID     `json:"also,omitempty"`     // agents of these queues may take it too
		// First holds the call for these agents for FirstFor (chosen, last or
		// preferred agent); then all may take it, at its old place. It is not held
		// for agents who are logged out or cannot be reached.
		First    []AgentID     `json:"first,omitempty"`
		FirstFor time.Duration `json:"first_for,omitempty"`
		Never    []AgentID     `json:"never,omitempty"`   // these may not take it
		Control  bool          `json:"control,omitempty"` // control group: evaluations do not count
		// Stay keeps him whatever the queue says, while it exists: he is not on
		// the line but called when his turn comes.
		Stay bool `json:"stay,omitempty"`
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
	// WrapUpExtended: the agent needs more time after the call. His wrap-up ends By
	// later, but [MaxWrapUp] from now at the latest.
	WrapUpExtended struct {
		Agent AgentID       `json:"agent"`
		By    time.Duration `json:"by"`
	}
	// Rated: a caller gave stars. One rating per contact: another one replaces it.
	Rated struct {
		Agent    AgentID `json:"agent"`
		Customer string  `json:"customer,omitempty"` // "" anonymous: no leniency correction
		Contact  string  `json:"contact"`
		Stars    float64 `json:"stars"` // 1..5, overall
		// Items are the stars of single categories (attitude, knowledge).
		Items map[string]float64 `json:"items,omitempty"`
		At    time.Time          `json:"at"` // when it was given; zero or future: now
	}
	// Unrated takes a caller's rating back.
	Unrated struct {
		Contact string `json:"contact"`
	}
	// RatedCustomer: an agent gave stars to the customer of a contact. One rating
	// per contact: another one replaces it.
	RatedCustomer struct {
		Agent    AgentID            `json:"agent"`
		Customer string             `json:"customer"`
		Contact  string             `json:"contact"`
		Stars    float64            `json:"stars"` // 1..5, overall
		Items    map[string]float64 `json:"items,omitempty"`
		At       time.Time          `json:"at"` // when it was given; zero or future: now
	}
	// UnratedCustomer takes an agent's rating back.
	UnratedCustomer struct {
		Contact string `json:"contact"`
	}
	// ResetGrades forgets all evaluations of both sides; the owner feeds them anew
	// from its records.
	ResetGrades struct{}
	// Rekey: a supervisor gives a waiting call another priority, or puts it in front.
	Rekey struct {
		Call     CallID        `json:"call"`
		Priority time.Duration `json:"priority"`
		Head     bool          `json:"head,omitempty"`
	}
	// Tick: nothing happened but time. Due at [Core.Deadline].
	Tick struct{}
)

func (Configure) event()       {}
func (CallQueued) event()      {}
func (CallLeft) event()        {}
func (LogIn) event()           {}
func (Ready) event()           {}
func (NotReady) event()        {}
func (LogOut) event()          {}
func (Reachable) event()       {}
func (Occupied) event()        {}
func (OfferAnswered) event()   {}
func (OfferRefused) event()    {}
func (TalkEnded) event()       {}
func (WrapUpDone) event()      {}
func (WrapUpExtended) event()  {}
func (Rated) event()           {}
func (Unrated) event()         {}
func (RatedCustomer) event()   {}
func (UnratedCustomer) event() {}
func (ResetGrades) event()     {}
func (Rekey) event()           {}
func (Tick) event()            {}

// Refusal is how an offer came to nothing.
type Refusal uint8

// The refusals. Declined is the zero value.
const (
	Declined         Refusal = iota // the agent said no
	Busy                            // his phone is in another call
	NoAnswer                        // it rang out
	PhoneUnreachable                // no answer whatsoever from the phone
	CallerGone                      // the caller hung up first
	Failed                          // the owner could not ring: nobody's fault, no quota
	SentOn                          // the agent sent the caller elsewhere: he has left, the quota counts
)

var refusalNames = [...]string{"declined", "busy", "no answer", "unreachable", "caller gone", "failed", "sent on"}

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
