package acd

import "time"

// Reason is why an offer was made: the keys that were compared and what decided.
type Reason struct {
	Policy  string     `json:"policy"`
	Factor  string     `json:"factor"`            // one of the Factor constants
	Control bool       `json:"control,omitempty"` // the call is in the control group
	Calls   []CallKey  `json:"calls"`             // the first five calls this agent could take, the chosen one first
	Agents  []AgentKey `json:"agents"`            // the first five agents who could take this call, the chosen one first
}

// What decided an assignment. If the agent could have taken several calls it is
// the choice among them, else that among the agents.
const (
	FactorOnlyPair    = "only pair"
	FactorHeld        = "held for this agent"
	FactorReturned    = "returned call"
	FactorFront       = "put in front"
	FactorOldestCall  = "oldest call"
	FactorCallStart   = "head start of call"
	FactorPriority    = "priority"
	FactorAccumulated = "accumulated priority"
	FactorGuard       = "waited too long"
	FactorOvertaken   = "overtaken too often"
	FactorMatch       = "best match"
	FactorLongest     = "longest idle"
	FactorAgentStart  = "head start of agent"
	FactorLeastBusy   = "least occupied"
	FactorGrade       = "best grade"
	FactorSkipped     = "passed over too often"
	FactorSample      = "best sample"
	FactorRound       = "longest since last offer"
	FactorCalls       = "fewest calls"
	FactorTalk        = "least talk time"
	FactorRandom      = "random"
	FactorTogether    = "rings with the others"
	FactorOrder       = "order"
	FactorLevel       = "skill level"
)

// CallKey is a waiting call as the assignment saw it. With HeadStart Key is
// Since - H * Standing - priorities, with the others Since - priorities.
type CallKey struct {
	Call      CallID    `json:"call"`
	Since     time.Time `json:"since"`
	Key       time.Time `json:"key"`
	Standing  float64   `json:"standing"`
	Head      bool      `json:"head,omitempty"`
	Priority  float64   `json:"priority,omitempty"`  // Accumulating: what it has gathered, s
	Overtaken int       `json:"overtaken,omitempty"` // Counted: so often so far
	Match     float64   `json:"match,omitempty"`     // Counted: with this agent, in stars
}

// AgentKey is an idle agent as the assignment saw him. With HeadStart Key is
// IdleSince - G * Grade, with the others IdleSince.
type AgentKey struct {
	Agent     AgentID   `json:"agent"`
	IdleSince time.Time `json:"idle_since"`
	Key       time.Time `json:"key"`
	Grade     float64   `json:"grade"`
	Skipped   int       `json:"skipped,omitempty"`   // Counted: so often so far
	Sample    float64   `json:"sample,omitempty"`    // Counted: drawn from his grade and pair history, in stars
	Occupancy float64   `json:"occupancy,omitempty"` // Accumulating: busy share of logged-in time
	Measure   float64   `json:"measure,omitempty"`   // plain strategies: calls, seconds of talk, order or level
}
