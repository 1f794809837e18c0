package acd

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// OfferID is a fencing token: it is never used twice, not even by a later
// process (Epoch) or another node, and an event with a stale one changes nothing.
type OfferID struct {
	Node  string `json:"node,omitempty"`
	Epoch uint64 `json:"epoch"`
	N     uint64 `json:"n"`
}

// String is "node-epoch-n".
func (o OfferID) String() string {
	return o.Node + "-" + strconv.FormatUint(o.Epoch, 10) + "-" + strconv.FormatUint(o.N, 10)
}

// Command is one thing the owner has to do, in the order given.
type Command interface{ command() }

type (
	// Offer: ring Agent for Call. Each answer must carry the ID.
	Offer struct {
		ID       OfferID   `json:"id"`
		Call     CallID    `json:"call"`
		Agent    AgentID   `json:"agent"`
		Queue    QueueID   `json:"queue"`
		Deadline time.Time `json:"deadline"` // the offer is withdrawn by the Tick that is due then
		Reason   Reason    `json:"reason"`
		// MayDecline: a decline is within the agent's quota and the call's.
		MayDecline bool `json:"may_decline,omitempty"`
		// What the agent learns before he accepts: the standing used, the stars that
		// agents gave this customer and the weight of those ratings (0 never rated).
		Standing        float64       `json:"standing"`
		CustomerStars   float64       `json:"customer_stars,omitempty"`
		CustomerRatings float64       `json:"customer_ratings,omitempty"`
		Waited          time.Duration `json:"waited"` // since arrival
		Category        string        `json:"category,omitempty"`
	}
	// Withdraw: stop ringing; the offer is no longer valid.
	Withdraw struct {
		ID  OfferID `json:"id"`
		Why string  `json:"why"`
	}
	// Overflow: the call has left the ACD, its flow goes on elsewhere.
	Overflow struct {
		Call CallID `json:"call"`
		Why  string `json:"why"` // one of the Overflow constants
	}
	// AgentChanged: the agent is in another state, or in it for another reason.
	AgentChanged struct {
		Agent  AgentID   `json:"agent"`
		State  State     `json:"state"`
		Reason string    `json:"reason,omitempty"`
		Since  time.Time `json:"since"`
		Until  time.Time `json:"until,omitzero"` // end of wrap-up or pause
		Call   CallID    `json:"call,omitempty"`
	}
	// RatingAlarm: ratings of an agent, or by a customer, look like an attack.
	RatingAlarm struct {
		Agent    AgentID `json:"agent,omitempty"`
		Customer string  `json:"customer,omitempty"`
		Why      string  `json:"why"`
	}
)

func (Offer) command()        {}
func (Withdraw) command()     {}
func (Overflow) command()     {}
func (AgentChanged) command() {}
func (RatingAlarm) command()  {}

// Why a call overflows.
const (
	OverflowMaxWait = "max wait"
	OverflowNobody  = "nobody logged in"
	OverflowFull    = "queue full"
	OverflowNoQueue = "no such queue"
)

// State is what an agent does, as screens show it.
type State uint8

// The states of an agent; no others exist.
const (
	LoggedOut State = iota
	NotReadyState
	ReadyState
	Offered
	Talking
	WrapUp
	Unreachable
)

var stateNames = [...]string{"logged out", "not ready", "ready", "offered", "talking", "wrap-up", "unreachable"}

// String is the state in the words of the vocabulary.
func (s State) String() string { return name(stateNames[:], int(s)) }

// MarshalText writes the state's name.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a state's name.
func (s *State) UnmarshalText(b []byte) error {
	i, err := index("state", stateNames[:], string(b))
	*s = State(i)
	return err
}

// String is the offer as scripts and logs write it.
func (o Offer) String() string {
	return fmt.Sprintf("offer %d %s -> %s (%s)", o.ID.N, o.Call, o.Agent, o.Reason.Factor)
}

// String is the withdrawal as scripts and logs write it.
func (w Withdraw) String() string { return fmt.Sprintf("withdraw %d (%s)", w.ID.N, w.Why) }

// String is the alarm as scripts and logs write it.
func (r RatingAlarm) String() string {
	return fmt.Sprintf("rating alarm %s%s (%s)", r.Agent, r.Customer, r.Why)
}

// String is the overflow as scripts and logs write it.
func (o Overflow) String() string { return fmt.Sprintf("overflow %s (%s)", o.Call, o.Why) }

// String is the change as scripts and logs write it.
func (a AgentChanged) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s is %v", a.Agent, a.State)
	if a.Reason != "" {
		fmt.Fprintf(&b, " (%s)", a.Reason)
	}
	if a.Call != "" {
		fmt.Fprintf(&b, " %s", a.Call)
	}
	if !a.Until.IsZero() {
		fmt.Fprintf(&b, " for %v", a.Until.Sub(a.Since))
	}
	return b.String()
}

// name and index translate between small enumerations and their words.
func name(names []string, i int) string {
	if i < len(names) {
		return names[i]
	}
	return "unknown " + strconv.Itoa(i)
}

func index(kind string, names []string, s string) (int, error) {
	i := slices.Index(names, s)
	if i < 0 {
		return 0, fmt.Errorf("acd: unknown %s %q", kind, s)
	}
	return i, nil
}
