package store

import "time"

// Disposition is what came of a call, as its agent noted it.
type Disposition struct {
	Code  string    `json:"code,omitempty"`  // of the settings' dispositions; "" none
	Notes string    `json:"notes,omitempty"` // in the agent's own words
	By    string    `json:"by"`              // who wrote it last: "agent:1001", "cli:root"
	At    time.Time `json:"at"`
}

// DispositionCode is what an agent may say that came of a call.
type DispositionCode struct {
	Name   string   `json:"name,omitempty"`
	Digits string   `json:"digits,omitempty"` // dialled after the note code; default: the code where it is digits
	Queues []string `json:"queues,omitempty"` // whose calls it is for; empty: all
}
