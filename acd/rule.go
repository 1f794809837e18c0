package acd

import "time"

// Strategy is how a queue chooses calls and agents. The empty one is HeadStart.
type Strategy string

// The strategies. The first three weigh the evaluations of both sides, each
// within a bound (see the package doc); with the others calls go first come
// first served, and agents as the name says.
const (
	HeadStart    Strategy = "head-start"   // A1: seconds of head start by standing and grade
	Accumulating Strategy = "accumulating" // A2: accumulating priority, occupancy in a band
	Counted      Strategy = "counted"      // A3: counted overtakes, match of need and agent
	LongestIdle  Strategy = "longest-idle"
	RoundRobin   Strategy = "round-robin"  // longest since the last offer
	FewestCalls  Strategy = "fewest-calls" // since log-in
	LeastTalk    Strategy = "least-talk"   // time in talk since log-in
	Random       Strategy = "random"
	RingAll      Strategy = "ring-all" // all at once, up to RingMost; who answers first has the call
	InOrder      Strategy = "in-order" // by the agents' Order
	BySkill      Strategy = "by-skill" // highest levels of the skills needed
)

// Strategies are all of them, in the order of the documentation.
var Strategies = []Strategy{
	HeadStart, Accumulating, Counted, LongestIdle, RoundRobin, FewestCalls, LeastTalk, Random, RingAll, InOrder, BySkill,
}

// Queue is the rule of one queue. Zero durations mean what the field says.
type Queue struct {
	ID QueueID `json:"id"`
	// Strategy is how calls and agents are chosen; "" is HeadStart.
	Strategy Strategy `json:"strategy,omitempty"`
	// Priority is a head start of all calls of this queue over those of others,
	// 0 to 1 h: it never starves anybody.
	Priority time.Duration `json:"priority,omitempty"`
	// H and G, of HeadStart, are the largest head starts a caller's standing and
	// an agent's grade can give. Both zero: first come first served and longest idle.
	H time.Duration `json:"h,omitempty"`
	G time.Duration `json:"g,omitempty"`
	// B, of Accumulating: the best standing's priority grows B times as fast as
	// the worst's; at least 1; 0 is 1.5.
	B float64 `json:"b,omitempty"`
	// T, of Accumulating: calls that waited so long go first; 0 is 120 s.
	T time.Duration `json:"t,omitempty"`
	// Band, of Accumulating, is the allowed distance from the mean occupancy; nil
	// is 0.03. Zero switches the band off: longest idle.
	Band *float64 `json:"band,omitempty"`
	// Window, of Accumulating, is over what occupancy is measured; 0 is 1 h.
	Window time.Duration `json:"window,omitempty"`
	// Overtakes (M) and Skips (L), of Counted, are how often a call may be
	// overtaken and an idle agent passed over; nil is 2 and 4. Both zero: first
	// come first served and longest idle.
	Overtakes *int `json:"overtakes,omitempty"`
	Skips     *int `json:"skips,omitempty"`
	// Sight (W), of Counted, is how many of the first calls a freed agent chooses
	// among; 0 is 8, at most 64.
	Sight int `json:"sight,omitempty"`
	// Lambda, of Counted, is how many stars the whole range of a customer's
	// standing is worth in the match; nil is 0.2.
	Lambda *float64 `json:"lambda,omitempty"`
	// RingMost, of RingAll, is how many phones ring at once; 0 is 10.
	RingMost int `json:"ring_most,omitempty"`
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
	// Relax lowers what queue and call need with the time since arrival.
	Relax []Relax `json:"relax,omitempty"`
	// Declines is how many offers an agent may decline between log-in and
	// log-out; 0 is 5, negative none. Beyond it he becomes Not ready (declined).
	Declines int `json:"declines,omitempty"`
	// DeclinesPerCall is after how many declines a call can be declined no more;
	// 0 is 2, negative: from the first offer on.
	DeclinesPerCall int `json:"declines_per_call,omitempty"`
	// LeaveWhenNobody sends callers on as soon as no agent of the queue is logged in.
	LeaveWhenNobody bool `json:"leave_when_nobody,omitempty"`
	// MissedNotReady makes an agent who let the phone ring out Not ready (missed).
	MissedNotReady bool `json:"missed_not_ready,omitempty"`
}

// Relax lowers levels that queue and call ask for once a call has waited for
// After since its arrival. A skill that is not named keeps its level, level 0
// drops it; a skill that is not needed is not added.
type Relax struct {
	After time.Duration  `json:"after"`
	Needs map[string]int `json:"needs"`
}

// Agent is what the center knows of an agent. No Languages means that he takes
// calls of any language.
type Agent struct {
	ID        AgentID        `json:"id"`
	Skills    map[string]int `json:"skills,omitempty"`
	Languages []string       `json:"languages,omitempty"`
	Queues    []QueueID      `json:"queues,omitempty"`
	WrapUp    *time.Duration `json:"wrap_up,omitempty"` // instead of the queue's; 0 none
	Order     int            `json:"order,omitempty"`   // of InOrder: least first, then by id
	// Capacity is the weight he can carry at once by channel; 0 is 1. It says
	// nothing about voice: a voice call is always the whole agent.
	Capacity map[string]int `json:"capacity,omitempty"`
}

// GradeRules are how evaluations become grades and standings. Zero fields mean
// the default; out of range counts as zero.
type GradeRules struct {
	HalfLife    time.Duration `json:"half_life,omitempty"`    // of a rating's weight; 90 days
	Prior       float64       `json:"prior,omitempty"`        // grade of whom nobody rated, in stars; 4
	PriorWeight float64       `json:"prior_weight,omitempty"` // how many ratings the prior is worth; 6
	Span        float64       `json:"span,omitempty"`         // stars between g = 0 and g = 1; 1.2
	// Recovery is added to the standing of a customer whose own last rating was 2
	// stars or less: who was let down is served better, not worse. Default 0.
	Recovery float64 `json:"recovery,omitempty"`
	// Sigma is the standard deviation of one caller's stars for the same agent,
	// for sampling; 0.9. [Core.Estimate] finds it, Prior and PriorWeight.
	Sigma float64 `json:"sigma,omitempty"`
	// Burst is how many ratings of one agent count in full within a clock hour;
	// the next counts half, then a quarter and so on; 10.
	Burst int `json:"burst,omitempty"`
}
