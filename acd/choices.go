package acd

import "time"

// Choice is an agent whom a caller may choose.
type Choice struct {
	Agent  AgentID       `json:"agent"`
	Stars  float64       `json:"stars"`  // his grade in the call's category
	Weight float64       `json:"weight"` // of the ratings behind it
	Wait   time.Duration `json:"wait"`   // expected, for him alone
	Known  bool          `json:"known"`  // Wait is more than a guess
}

// Choices are up to most logged-in agents who fit the call, the best grade in
// its category first.
func (c *Core) Choices(q CallQueued, most int, now time.Time) []Choice { return nil }
