package call

import (
	"time"

	"hotline/store"
)

// AgentView is an agent as operators see him.
type AgentView struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	State     string    `json:"state"` // the words of package acd: "ready", "not ready", ...
	Reason    string    `json:"reason,omitempty"`
	Since     time.Time `json:"since"`
	Until     time.Time `json:"until,omitzero"` // end of wrap-up
	Call      string    `json:"call,omitempty"`
	Queues    []string  `json:"queues"`
	Phone     string    `json:"phone"` // contact, "trunk:x/number", or "" when not registered
	Reachable bool      `json:"reachable"`
	Grade     float64   `json:"grade"`   // smoothed mean of his ratings, 1..5
	Ratings   int       `json:"ratings"` // how many
	HasSecret bool      `json:"has_secret"`

	Offer *OfferView `json:"offer,omitempty"` // that rings his phone

	Outside bool `json:"outside,omitempty"` // his call came from no queue's turn: transferred, picked up, or dialled himself

	Held       bool     `json:"held,omitempty"`       // of his call, as in CallView
	Consulting string   `json:"consulting,omitempty"` // whom he asks
	Paused     bool     `json:"paused,omitempty"`     // its recording is silent
	Parked     []string `json:"parked,omitempty"`     // slots of the callers whom he talked with last

	Supervisors []SupervisionView `json:"supervisors,omitempty"` // who sit in his call, unless settings say unseen
}

// OfferView is a call that rings an agent: what he learns before he accepts.
type OfferView struct {
	ID       string        `json:"id"`
	Call     string        `json:"call"`
	Agent    string        `json:"agent"`
	Queue    string        `json:"queue"`
	Caller   string        `json:"caller"`
	Name     string        `json:"name,omitempty"`
	Stars    float64       `json:"stars,omitempty"`   // what agents gave the customer, weighed as grades are; 0: never rated
	Ratings  float64       `json:"ratings,omitempty"` // weight of these ratings
	Waited   time.Duration `json:"waited_ns"`         // when the phone began to ring
	Category string        `json:"category,omitempty"`
	Decline  bool          `json:"may_decline"`
	Began    time.Time     `json:"began"`
	Deadline time.Time     `json:"deadline"`
}

// QueueView is a queue as operators see it.
type QueueView struct {
	ID      string        `json:"id"`
	Name    string        `json:"name"`
	Waiting int           `json:"waiting"`
	Longest time.Duration `json:"longest_ns"` // wait of the caller who came first
	Ready   int           `json:"ready"`      // agents by state
	Talking int           `json:"talking"`
	Others  int           `json:"others"` // logged in, but neither
}

// CallView is a running call as operators see it.
type CallView struct {
	ID       string    `json:"id"`
	Caller   string    `json:"caller"`
	Name     string    `json:"name,omitempty"`
	Called   string    `json:"called"`
	From     string    `json:"from"`
	Stage    string    `json:"stage"`
	Since    time.Time `json:"since"` // of the stage
	Began    time.Time `json:"began"`
	Queue    string    `json:"queue,omitempty"`
	Agent    string    `json:"agent,omitempty"`
	Language string    `json:"language,omitempty"`
	Trace    []string  `json:"trace"`            // stages so far
	Masked   bool      `json:"masked,omitempty"` // the caller's keys are kept out of the recording

	Offers []OfferView `json:"offers,omitempty"` // phones that ring for it

	Held       bool   `json:"held,omitempty"`       // one side lets the other hear music
	Consulting string `json:"consulting,omitempty"` // whom the agent asks while the caller waits: "agent:1002"
	Slot       string `json:"slot,omitempty"`       // in which it is parked
	Paused     bool   `json:"paused,omitempty"`     // the recording is silent

	Silent      []SilenceView     `json:"silent,omitempty"` // legs in talk that are not heard
	Supervisors []SupervisionView `json:"supervisors,omitempty"`
}

// SilenceView is a leg that has sent nothing for 5 s or more, though it talks.
type SilenceView struct {
	Leg   string    `json:"leg"` // "caller", "agent", "party"
	Peer  string    `json:"peer"`
	Since time.Time `json:"since"`
}

// NumberView is what can be dialled.
type NumberView struct {
	Number string   `json:"number"`
	Name   string   `json:"name"`
	To     string   `json:"to"`
	Trunks []string `json:"trunks,omitempty"`
}

// TrunkView is a trunk with its live state.
type TrunkView struct {
	ID         string    `json:"id"`
	Name       string    `json:"name"`
	Registers  bool      `json:"registers"`
	Registered bool      `json:"registered"`
	Error      string    `json:"error,omitempty"`
	Expires    time.Time `json:"expires,omitzero"`
	Peers      []string  `json:"peers"` // each with how it is, in words

	States []PeerView `json:"states,omitempty"` // the same as figures
}

// PeerView is one place that a trunk's calls go to.
type PeerView struct {
	URI       string        `json:"uri"`
	Watched   bool          `json:"watched"` // it is asked by OPTIONS
	Up        bool          `json:"up"`
	Since     time.Time     `json:"since,omitzero"` // of Up
	Latency   time.Duration `json:"latency_ns,omitempty"`
	DownUntil time.Time     `json:"down_until,omitzero"` // calls try it last until then
	Error     string        `json:"error,omitempty"`
}

// ApplyRequest changes the center. Center holds only what is named.
type ApplyRequest struct {
	Center store.Center `json:"center"`
	Prune  bool         `json:"prune"`   // objects of kinds that the file has, but does not name, are deleted
	DryRun bool         `json:"dry_run"` // only tell
	Actor  string       `json:"actor"`
}

// ApplyResult tells what an ApplyRequest changed, or would.
type ApplyResult struct {
	Revision uint64    `json:"revision"`
	Changes  []Diff    `json:"changes"`
	Problems []Problem `json:"problems,omitempty"` // nothing was changed if there is any
}

// Diff is one object's change.
type Diff struct {
	Op     string   `json:"op"` // "create", "change", "delete"
	Kind   string   `json:"kind"`
	ID     string   `json:"id"`
	Fields []string `json:"fields,omitempty"` // "ring_timeout: 20s -> 30s"
}

// Problem is a fault in a center, at a place: a path like
// $.queues.sales.overflow that names keys of the file.
type Problem struct {
	Path string `json:"path"`
	What string `json:"what"`
	Try  string `json:"try"`
}

// Status is the engine at a glance.
type Status struct {
	Version  string        `json:"version"`
	Up       time.Duration `json:"up_ns"`
	Realm    string        `json:"realm"`
	SIP      []string      `json:"sip"` // where it listens, "udp://127.0.0.1:5060"
	RTP      string        `json:"rtp"`
	Calls    int           `json:"calls"`
	Served   uint64        `json:"served"` // calls ended since the start
	Panics   uint64        `json:"panics"`
	Media    MediaView     `json:"media"`
	Degraded []string      `json:"degraded,omitempty"` // what does not work now, in words
}
