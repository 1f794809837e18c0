package store

import (
	"encoding/json"
	"time"
)

// CDR is the record of one call: the fold of its events.
type CDR struct {
	ID         string    `json:"id"`
	Node       string    `json:"node,omitempty"`
	Began      time.Time `json:"began"`
	Answered   time.Time `json:"answered,omitzero"` // zero: never answered by us
	Ended      time.Time `json:"ended,omitzero"`
	Caller     string    `json:"caller"` // number or user part
	Name       string    `json:"name,omitempty"`
	Called     string    `json:"called"`
	From       string    `json:"from"` // "trunk:x" or "agent:x"
	Language   string    `json:"language,omitempty"`
	Agent      string    `json:"agent,omitempty"` // who talked last
	Queue      string    `json:"queue,omitempty"` // the last one
	Stages     []Stage   `json:"stages"`          // without gaps: their lengths sum up to the call's
	Legs       []Leg     `json:"legs"`
	Offers     []Offer   `json:"offers,omitempty"`
	Talks      []Talk    `json:"talks,omitempty"`
	Ratings    []Rating  `json:"ratings,omitempty"`
	Recording  string    `json:"recording,omitempty"`  // id of the last recording
	Recordings []string  `json:"recordings,omitempty"` // of all, in their order
	Path       []string  `json:"path,omitempty"`       // nodes passed in flows
	Diverted   []string  `json:"diverted,omitempty"`   // who forwarded it before it came to us, latest first; from trusted trunks
	Cause      Cause     `json:"cause"`
	Recovered  bool      `json:"recovered,omitempty"` // closed by a later process, which found it in the journal
	Trace      string    `json:"trace,omitempty"`     // the stages in one line
	Control    bool      `json:"control,omitempty"`   // one of the control group: first come first served
	Category   string    `json:"category,omitempty"`  // what the caller needs, by which agents were compared
	Chosen     string    `json:"chosen,omitempty"`    // agent whom the caller chose
	Callback   string    `json:"callback,omitempty"`  // that was asked for in the call, or that the call serves

	LanguageBy  string       `json:"language_by,omitempty"` // who decided it: "number", "customer", "choice"; absent: the center
	Disposition *Disposition `json:"disposition,omitempty"` // what came of it; replaced, never changed
}

// Length of the call, from the first message to the end.
func (c CDR) Length() time.Duration { return c.Ended.Sub(c.Began) }

// Code is what came of the call; "" if no code was noted.
func (c CDR) Code() string {
	if c.Disposition == nil {
		return ""
	}
	return c.Disposition.Code
}

// Cause says why a call or leg ended and who is to blame.
type Cause struct {
	Status int    `json:"status,omitempty"` // SIP status, 0: normal
	Q850   int    `json:"q850,omitempty"`
	Text   string `json:"text"`
	Blame  string `json:"blame"` // "caller", "agent", "trunk", "us"
}

// Stage is one part of a call's way.
type Stage struct {
	Name  string    `json:"name"` // "menu", "wait sales", "talk", ...
	Began time.Time `json:"began"`
	Ended time.Time `json:"ended"`
}

// Leg is one dialog of the call.
type Leg struct {
	ID       string    `json:"id"`
	Role     string    `json:"role"` // "caller", "agent", "party", "supervisor"
	Peer     string    `json:"peer"` // "agent:1001", "trunk:acme", ...
	Number   string    `json:"number,omitempty"`
	Began    time.Time `json:"began"`
	Answered time.Time `json:"answered,omitzero"`
	Ended    time.Time `json:"ended,omitzero"`
	Cause    Cause     `json:"cause"`
	In       uint64    `json:"packets_in"`
	Out      uint64    `json:"packets_out"`
	Lost     uint64    `json:"lost"`
	Jitter   Duration  `json:"jitter"`
	Codec    string    `json:"codec,omitempty"`

	Silent     Duration `json:"silent,omitempty"`      // longest time in talk that it sent nothing; absent: never 5 s
	RemoteLost uint64   `json:"remote_lost,omitempty"` // packets of ours that the far end missed, by its RTCP
	RTT        Duration `json:"rtt,omitempty"`         // mean round trip; 0: the far end sends no RTCP
	RFactor    float64  `json:"r_factor,omitempty"`    // E-model (ITU-T G.107), 0..100; absent: nothing was heard
	MOS        float64  `json:"mos,omitempty"`         // 1..4.5, from r_factor
	WorstMOS   float64  `json:"worst_mos,omitempty"`   // of the worst ten seconds
}

// Offer is one try to give the call to an agent, with the reason.
type Offer struct {
	ID     string          `json:"id"`
	For    string          `json:"for,omitempty"` // whom the ACD gave away, if not the call: the callback that it serves
	Agent  string          `json:"agent"`
	Queue  string          `json:"queue"`
	Began  time.Time       `json:"began"`
	Ended  time.Time       `json:"ended,omitzero"`
	Result string          `json:"result"` // "answered", "answered elsewhere", "declined", "busy", "no answer", "unreachable", "no capacity", "caller gone", "withdrawn"
	Reason json.RawMessage `json:"reason,omitempty"`
}

// Given is the id under which the ACD made an offer of the call.
func (o Offer) Given(call string) string {
	if o.For != "" {
		return o.For
	}
	return call
}

// Talk is a span in which an agent and the caller talked.
type Talk struct {
	Agent string    `json:"agent"`
	Queue string    `json:"queue,omitempty"`
	Began time.Time `json:"began"`
	Ended time.Time `json:"ended"`

	WrapUp Duration `json:"wrap_up,omitempty"` // after-call work that followed; 0 while it lasts
}

// Rating is one answered item of the survey.
type Rating struct {
	Item  string `json:"item"`
	Stars int    `json:"stars"` // 1..5
}

// Recording is one audio file.
type Recording struct {
	ID      string    `json:"id"`
	Call    string    `json:"call"`
	Path    string    `json:"path"` // relative to the recordings' folder
	Agent   string    `json:"agent,omitempty"`
	Queue   string    `json:"queue,omitempty"`
	Began   time.Time `json:"began"`
	Length  Duration  `json:"length"`
	Bytes   int64     `json:"bytes"`
	SHA256  string    `json:"sha256,omitempty"`
	Dropped uint64    `json:"dropped,omitempty"` // pieces of audio that were lost on the way to the disk
	Error   string    `json:"error,omitempty"`
	Torn    bool      `json:"torn,omitempty"` // finished by a later process

	Box    string `json:"box,omitempty"`    // a message in this mailbox,
	Caller string `json:"caller,omitempty"` // from this number,
	Name   string `json:"name,omitempty"`   // of this name
}

// Account lets a phone register: the hashes of its secret, not the secret.
type Account struct {
	User      string    `json:"user"`
	Realm     string    `json:"realm"`
	HA1MD5    string    `json:"ha1_md5"`
	HA1SHA256 string    `json:"ha1_sha256"`
	Changed   time.Time `json:"changed"`
}

// Binding is a registered phone, kept over restarts.
type Binding struct {
	ID   string          `json:"id"` // user and contact
	User string          `json:"user"`
	Body json.RawMessage `json:"body"` // what the registrar needs
}

// AgentStatus is an agent's state as it was last, kept over restarts.
type AgentStatus struct {
	ID     string    `json:"id"`
	State  string    `json:"state"`
	Reason string    `json:"reason,omitempty"`
	Since  time.Time `json:"since"`
}

// Journal is what a later process needs to end a call that was cut off: its
// record so far and its confirmed dialogs. One per running call, replaced at
// each transition, gone with the CDR.
type Journal struct {
	Call      string            `json:"call"`
	CDR       CDR               `json:"cdr"`
	Dialogs   []json.RawMessage `json:"dialogs"`
	Recording *Recording        `json:"recording,omitempty"`
	Updated   time.Time         `json:"updated"`
}

// ACDEvent is one event that entered the ACD, kept for replay.
type ACDEvent struct {
	Seq  uint64          `json:"seq"` // ordered; unique within an epoch
	At   time.Time       `json:"at"`
	Kind string          `json:"kind"`
	Body json.RawMessage `json:"body"`
}

// Change is one entry of the log of configuration changes.
type Change struct {
	Revision uint64    `json:"revision"`
	At       time.Time `json:"at"`
	Actor    string    `json:"actor"`
	Put      []Key     `json:"put,omitempty"`
	Deleted  []Key     `json:"deleted,omitempty"`
}
