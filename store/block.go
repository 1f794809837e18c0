package store

import "time"

// Block keeps callers out. Its id is a number, or the beginning of numbers with a
// star behind it: "+49190*".
type Block struct {
	Reason string    `json:"reason,omitempty"`
	Say    string    `json:"say,omitempty"`  // prompt that the caller hears; empty: the settings' choice
	Until  time.Time `json:"until,omitzero"` // zero: until it is taken back
	By     string    `json:"by,omitempty"`   // who wanted it: "agent:1001", "cli:root"
	At     time.Time `json:"at,omitzero"`    // when
	Call   string    `json:"call,omitempty"` // after which call
}

// Limit is how often one caller may call a number. Who hides his number is not
// limited; block "anonymous" to keep such callers out.
type Limit struct {
	Calls  int      `json:"calls,omitempty"`   // in Per; 0: no limit
	Per    Duration `json:"per,omitempty"`     // default 1m
	AtOnce int      `json:"at_once,omitempty"` // calls at the same time; 0: no limit
}
