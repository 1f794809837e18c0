package store

import (
	"slices"
	"time"
)

// Audit is one entry of the log of what people did that others may ask about:
// who listened to which call, when. Entries are added and never changed.
type Audit struct {
	ID    string    `json:"id"` // sorts by time
	At    time.Time `json:"at"`
	Actor string    `json:"actor"`           // who asked for it: "cli:root", or "agent:9001" by the phone's keys
	Act   string    `json:"act"`             // "supervise", "supervise mode", "supervise end", "evaluate", "unevaluate", ...
	Agent string    `json:"agent"`           // who did it: the supervisor
	Call  string    `json:"call"`            // to which call,
	With  []string  `json:"with"`            // of whom: the agent if there was one, and the caller's number
	Mode  string    `json:"mode"`            // "listen", "whisper", "barge"
	Text  string    `json:"text,omitempty"`  // of an end: why
	Stage string    `json:"stage,omitempty"` // where the call was

	// Of a change: what was before and what is after it, such as "attitude 5".
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// MatchAudit tells whether the filter picks a. Agent is the supervisor or the
// agent in the call; no entry has a queue.
func (f Filter) MatchAudit(a Audit) bool {
	return f.Covers(a.At) && f.Queue == "" &&
		(f.Agent == "" || f.Agent == a.Agent || slices.Contains(a.With, f.Agent)) &&
		(f.Caller == "" || slices.Contains(a.With, f.Caller))
}
