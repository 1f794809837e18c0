package store

import "time"

// Mailbox is where callers leave voice messages: an agent's own, or one that
// several share.
type Mailbox struct {
	Name      string   `json:"name,omitempty"`
	Agent     string   `json:"agent,omitempty"`      // whose own box it is
	Agents    []string `json:"agents,omitempty"`     // who else may hear it and sees its lamp
	Greeting  string   `json:"greeting,omitempty"`   // prompt; default: a built-in one
	MaxLength Duration `json:"max_length,omitempty"` // of a message; default 3m
	PIN       string   `json:"pin,omitempty"`        // for listening from outside, or its hash ([HashPIN]); empty: not possible
	Notify    *Notify  `json:"notify,omitempty"`     // nil: nobody is called about new messages
}

// Notify says who is called about a new message. He hears it after pressing a key.
type Notify struct {
	To    string   `json:"to"`              // a number, or "agent:1001"
	Trunk string   `json:"trunk,omitempty"` // over which a number is called
	Tries int      `json:"tries,omitempty"` // calls about one message; default 3, at most 10
	Pause Duration `json:"pause,omitempty"` // between two; default 10m
	Hours string   `json:"hours,omitempty"` // when calls are made; default: always
}

// QueueCallback says that callers of a queue may hang up and be called back at
// their turn.
type QueueCallback struct {
	Key           string   `json:"key,omitempty"`             // that a waiting caller presses; default "1"
	Trunk         string   `json:"trunk,omitempty"`           // over which customers are called; default: by the rules, which may forbid numbers in any case
	Show          string   `json:"show,omitempty"`            // number of ours that they see; default: the trunk's, else the one they had dialled
	Tries         int      `json:"tries,omitempty"`           // calls until it is given up; default 3, at most 10
	Pause         Duration `json:"pause,omitempty"`           // between two; default 5m
	Hours         string   `json:"hours,omitempty"`           // when customers are called; default: the queue's
	Prefixes      []string `json:"prefixes,omitempty"`        // beginnings of numbers that may be called; default: only the one from which he calls
	MostPerNumber int      `json:"most_per_number,omitempty"` // callbacks of one number that wait in the queue; default 1
}

// Voicemail is one message in a mailbox. Its audio is the recording of the same
// id.
type Voicemail struct {
	ID      string    `json:"id"`
	Box     string    `json:"box"`
	Call    string    `json:"call"`
	Caller  string    `json:"caller"` // number
	Name    string    `json:"name,omitempty"`
	At      time.Time `json:"at"`
	Length  Duration  `json:"length"`
	Heard   time.Time `json:"heard,omitzero"` // first time to its end
	Claimed string    `json:"claimed,omitempty"`
	Since   time.Time `json:"claimed_at,omitzero"`
	Handled string    `json:"handled,omitempty"` // by whom
	Done    time.Time `json:"handled_at,omitzero"`
	Note    string    `json:"note,omitempty"`
	Told    int       `json:"told,omitempty"` // calls made about it
	ToldAt  time.Time `json:"told_at,omitzero"`
}

// The states of a voicemail.
const (
	VoicemailNew     = "new"
	VoicemailHeard   = "heard"
	VoicemailClaimed = "claimed"
	VoicemailHandled = "handled"
)

// State is the furthest that a message got.
func (v Voicemail) State() string {
	switch {
	case v.Handled != "":
		return VoicemailHandled
	case v.Claimed != "":
		return VoicemailClaimed
	case !v.Heard.IsZero():
		return VoicemailHeard
	}
	return VoicemailNew
}

// The states of a callback.
const (
	CallbackWaiting   = "waiting"   // in the queue
	CallbackPaused    = "paused"    // until the next try
	CallbackClosed    = "closed"    // until the hours are open
	CallbackTalking   = "talking"   // the customer has answered
	CallbackDone      = "done"      // he has been served
	CallbackGivenUp   = "given up"  // not reached, or its queue is gone
	CallbackCancelled = "cancelled" // by the customer or an operator
)

// Callback is a place in a queue whose caller has hung up and is called at his
// turn.
type Callback struct {
	ID       string         `json:"id"`
	Queue    string         `json:"queue"`
	Number   string         `json:"number"` // to be called
	Caller   string         `json:"caller"` // from which he asked for it
	Name     string         `json:"name,omitempty"`
	Called   string         `json:"called"` // number of ours
	Language string         `json:"language,omitempty"`
	Call     string         `json:"call"`  // in which he asked for it
	Since    time.Time      `json:"since"` // arrival in the queue, which he keeps
	Asked    time.Time      `json:"asked"`
	Needs    map[string]int `json:"needs,omitempty"`
	Category string         `json:"category,omitempty"`
	State    string         `json:"state"`
	Tries    []CallbackTry  `json:"tries,omitempty"`
	Next     time.Time      `json:"next,omitzero"` // of a paused one: when it goes on
	Ended    time.Time      `json:"ended,omitzero"`
	Why      string         `json:"why,omitempty"` // it ended so
}

// CallbackTry is one call to the customer.
type CallbackTry struct {
	Call   string    `json:"call"`
	Agent  string    `json:"agent"`
	At     time.Time `json:"at"`
	Result string    `json:"result"` // "answered", or why not
}

// Over tells whether nothing more comes of the callback.
func (c Callback) Over() bool { return !c.Ended.IsZero() }
