package ivr

import (
	"fmt"
	"time"
)

// Flow is a graph of nodes and the name of the first.
type Flow struct {
	Start string          `json:"start"`
	Nodes map[string]Node `json:"nodes"`
}

// Node is one step of a flow. Kind says which of the other fields it may have
// and which it must have (see [Fields]); names of nodes, prompts, queues and so
// on are plain strings. Prompts are played first, whatever the kind.
type Node struct {
	Kind          string   `json:"kind"`
	Prompts       []string `json:"prompts,omitempty"`
	Interruptible *bool    `json:"interruptible,omitempty"` // a digit cuts the prompts short; default true, but false in nodes that end the flow

	Next     string `json:"next,omitempty"`      // the node after this one; for queue, agent and number: after the talk
	Default  string `json:"default,omitempty"`   // where to go after so many faults
	OnHangup string `json:"on_hangup,omitempty"` // what still runs when the caller hangs up here: set, hours or hangup nodes

	Tries      int      `json:"tries,omitempty"`       // faults allowed, 1..10; default 3
	Timeout    Span     `json:"timeout,omitempty"`     // wait for the first digit; default 5s
	WrongInput []string `json:"wrong_input,omitempty"` // prompts; default invalid-choice
	NoInput    []string `json:"no_input,omitempty"`    // prompts; default no-input

	Keys map[string]string `json:"keys,omitempty"` // menu: key -> node

	As       string `json:"as,omitempty"`       // say: number, digits, time, money, duration
	Value    string `json:"value,omitempty"`    // say: a literal: 42, 1001, 14:30 or now, 12.50, 3m
	Var      string `json:"var,omitempty"`      // say: the variable that holds the value
	Currency string `json:"currency,omitempty"` // say money: usd, eur, cny, ...

	Into       string `json:"into,omitempty"`       // collect: the variable
	MinDigits  int    `json:"min_digits,omitempty"` // collect: default 1
	MaxDigits  int    `json:"max_digits,omitempty"` // collect: default 16; reached = entered
	Secret     bool   `json:"secret,omitempty"`     // collect: the digits are for nobody's ears or eyes; see Outcome.Secrets
	Terminator string `json:"terminator,omitempty"` // collect: ends the entry; default #; the * key starts the entry anew
	Between    Span   `json:"between,omitempty"`    // collect: wait for each further digit; default 3s
	AtLeast    *int64 `json:"at_least,omitempty"`   // collect: smallest value accepted
	AtMost     *int64 `json:"at_most,omitempty"`    // collect: largest value accepted

	Language  string            `json:"language,omitempty"`  // language: set to this, without asking
	Languages map[string]string `json:"languages,omitempty"` // language: key -> language, each offered in itself

	Hours   string `json:"hours,omitempty"`
	Open    string `json:"open,omitempty"`
	Closed  string `json:"closed,omitempty"`
	Holiday string `json:"holiday,omitempty"` // default: as closed

	Queue    string         `json:"queue,omitempty"`
	Needs    map[string]int `json:"needs,omitempty"`    // skill -> least level
	Overflow string         `json:"overflow,omitempty"` // queue, choose: the wait passed the limit, or the queue is full
	Nobody   string         `json:"nobody,omitempty"`   // no agent is logged in; default: as overflow

	Category string `json:"category,omitempty"` // queue, choose: the category whose grade counts, such as solved
	Most     int    `json:"most,omitempty"`     // choose: agents offered, 1..3; default 3
	Hold     Span   `json:"hold,omitempty"`     // choose: how long the call waits for the chosen agent alone; default 30s

	Agent  string `json:"agent,omitempty"`
	Number string `json:"number,omitempty"`
	Trunk  string `json:"trunk,omitempty"`  // number: leave by this trunk
	Failed string `json:"failed,omitempty"` // agent, number: busy, no answer, unreachable; voicemail-box: no PIN; callback: refused
	Box    string `json:"box,omitempty"`    // voicemail, voicemail-box: the mailbox

	Items  []Item   `json:"items,omitempty"`  // survey; ratings: what is asked anew, default one question
	Thanks []string `json:"thanks,omitempty"` // survey: prompts; default survey-thanks; played after at least one rating; ratings: after each change

	Set map[string]string `json:"set,omitempty"` // set: variable -> text
}

// Item is one question of a survey; the caller answers with a key of 1 to 5.
type Item struct {
	Name    string   `json:"name"`
	Prompts []string `json:"prompts,omitempty"`
}

// Span is a time.Duration written as text: "5s", "1m30s".
type Span time.Duration

// MarshalText writes the span as Go writes durations.
func (s Span) MarshalText() ([]byte, error) { return []byte(time.Duration(s).String()), nil }

// UnmarshalText reads what time.ParseDuration reads.
func (s *Span) UnmarshalText(b []byte) error {
	d, err := time.ParseDuration(string(b))
	if err != nil {
		return fmt.Errorf("ivr: %q is not a time span such as 5s", b)
	}
	*s = Span(d)
	return nil
}

// Event is how the stage after a flow's end turned out; see [Flow.After].
type Event string

// What may become of a caller whom a queue, agent or number node handed on.
const (
	Served   Event = "served"   // the talk is over and the caller is still there
	Overflow Event = "overflow" // queue: maximum wait passed, or queue full
	Nobody   Event = "nobody"   // queue: nobody is logged in
	Failed   Event = "failed"   // agent, number: busy, no answer, unreachable
)

// After names the node where a flow goes on once the queue, agent or number
// node that ended it has had its turn (Env.Start of the next Run); ok is false
// if the flow has nothing more for the caller.
func (f Flow) After(node string, e Event) (next string, ok bool) {
	n := f.Nodes[node]
	switch e {
	case Served:
		next = n.Next
	case Overflow:
		next = n.Overflow
	case Nobody:
		if next = n.Nobody; next == "" {
			next = n.Overflow
		}
	case Failed:
		next = n.Failed
	}
	return next, next != ""
}
