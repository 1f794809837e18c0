package store

// Outbound says who may dial what outside, and by which trunks.
type Outbound struct {
	Country string  `json:"country,omitempty"` // code of our own, "49": numbers with + or 00 and another one are foreign; default: all with + or 00 are
	Exit    string  `json:"exit,omitempty"`    // what is dialled here for abroad, besides + and 00; default 011 for country 1, 010 for 81, 810 for 7
	Most    int     `json:"most,omitempty"`    // calls out at once for one agent, transfers included; 0: no limit
	Rules   []Route `json:"rules,omitempty"`   // the longest prefix that fits decides; of equal ones the first that permits it
}

// Route is one rule for numbers outside. A foreign number goes only by a rule whose
// own prefix is + or 00 and what follows.
type Route struct {
	Prefix string       `json:"prefix,omitempty"` // how the number begins as it is dialled, 00 the same as +; empty: any
	Strip  int          `json:"strip,omitempty"`  // so many of its first characters are left out ...
	Add    string       `json:"add,omitempty"`    // ... and this is put in front
	Trunks []RouteTrunk `json:"trunks,omitempty"` // none: nobody may dial it
	Roles  []string     `json:"roles,omitempty"`  // "agent", "supervisor": who may; empty with no agents: all
	Agents []string     `json:"agents,omitempty"` // and these agents
}

// RouteTrunk is a trunk of a rule. The next one is tried when it answers 503, or
// nothing, or has as many calls as it may.
type RouteTrunk struct {
	Trunk    string `json:"trunk"`
	Priority int    `json:"priority,omitempty"` // the least first
	Weight   int    `json:"weight,omitempty"`   // share of the calls among those of one priority; 0 is 1
}
