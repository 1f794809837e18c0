package acd

import "time"

// Snapshot is a copy of all that commands and screens show.
type Snapshot struct {
	At     time.Time   `json:"at"` // time of the last Step
	Agents []AgentInfo `json:"agents"`
	Queues []QueueInfo `json:"queues"`
	Stats  Stats       `json:"stats"`
}

// AgentInfo is one agent at a moment.
type AgentInfo struct {
	ID        AgentID   `json:"id"`
	State     State     `json:"state"`
	Reason    string    `json:"reason,omitempty"`
	Since     time.Time `json:"since"`               // of State
	Until     time.Time `json:"until,omitzero"`      // end of wrap-up or pause
	Call      CallID    `json:"call,omitempty"`      // offered, in talk or being wrapped up
	Offer     OfferID   `json:"offer,omitzero"`      // that rings now
	Queues    []QueueID `json:"queues,omitempty"`    // sorted
	Next      State     `json:"next"`                // where he goes after talk and wrap-up
	Reachable bool      `json:"reachable"`           // his phone can be rung
	Occupied  bool      `json:"occupied,omitempty"`  // by a call outside the ACD
	Available bool      `json:"available,omitempty"` // an eligible call would be offered now
	IdleSince time.Time `json:"idle_since,omitzero"` // what longest idle counts from, while available
	Grade     float64   `json:"grade"`               // g in 0..1
	Stars     float64   `json:"stars"`               // smoothed grade
	Ratings   float64   `json:"ratings"`             // weight of the ratings behind it
	Calls     int       `json:"calls"`               // answered since log-in
	Declined  int       `json:"declined"`            // offers, since log-in
}

// QueueInfo is one queue at a moment.
type QueueInfo struct {
	ID       QueueID       `json:"id"`
	Policy   string        `json:"policy"`    // strategy with its bounds
	Waiting  int           `json:"waiting"`   // not offered
	Offered  int           `json:"offered"`   // a phone rings for them
	Talking  int           `json:"talking"`   // calls of this queue in talk
	LoggedIn int           `json:"logged_in"` // agents of this queue
	Ready    int           `json:"ready"`     // of them, available
	Longest  time.Duration `json:"longest"`   // wait of the oldest waiting call since its arrival
	Starts   uint64        `json:"starts"`    // talks begun since the process began
	EWT      time.Duration `json:"ewt"`       // expected wait of a call that comes now; 0 unknown
}

// Stats counts what happened since New, in the owner's words. Fields only grow.
type Stats struct {
	Steps       uint64 `json:"steps"`
	Offers      uint64 `json:"offers"`
	Answered    uint64 `json:"answered"`
	Refused     uint64 `json:"refused"`      // offers that came to nothing, withdrawn ones included
	Overflowed  uint64 `json:"overflowed"`   // calls sent on elsewhere
	StaleOffers uint64 `json:"stale_offers"` // answers and refusals that came too late
	Ignored     uint64 `json:"ignored"`      // events about agents, calls or contacts that are not there
}

// Agents lists all agents by id.
func (c *Core) Agents() []AgentInfo {
	list := make([]AgentInfo, 0, len(c.roster))
	for _, a := range c.roster {
		list = append(list, c.agentInfo(a))
	}
	return list
}

func (c *Core) agentInfo(a *agent) AgentInfo {
	info := AgentInfo{
		ID: a.ID, State: a.shown.State, Reason: a.shown.Reason, Since: a.shown.Since, Until: a.shown.Until, Call: a.shown.Call,
		Next: NotReadyState, Reachable: a.registered, Occupied: a.busy, Available: a.listed.voice,
	}
	switch a.mode {
	case modeReady:
		info.Next = ReadyState
	case modeLoggedOut:
		info.Next = LoggedOut
	}
	info.Calls, info.Declined = a.served, a.declined
	if o := a.ringing(); o != nil {
		info.Offer = o.id
	}
	if a.listed.voice {
		info.IdleSince = instant(a.idleSince)
	}
	for _, q := range a.pool().queues {
		info.Queues = append(info.Queues, q.ID)
	}
	info.Grade = c.grades.grade(a.ID, "", c.now)
	info.Stars, info.Ratings = c.grades.stars(a.ID, c.now)
	return info
}

// Queues lists all queues by id, with waits as of now.
func (c *Core) Queues(now time.Time) []QueueInfo {
	list := make([]QueueInfo, 0, len(c.lines))
	for _, q := range c.lines {
		info := QueueInfo{
			ID: q.ID, Policy: q.policy, Waiting: q.waiting, Offered: q.offered.len(), Talking: q.talking,
			LoggedIn: q.loggedIn, Ready: q.ready, Starts: q.starts,
		}
		oldest := stamp(now)
		for _, k := range q.classes {
			for i := range k.lanes {
				if root := k.lanes[i].root; root != nil {
					oldest = min(oldest, root.oldest)
				}
			}
		}
		info.Longest = time.Duration(stamp(now) - oldest)
		info.EWT = q.pace.wait(info.Waiting + info.Offered + 1)
		list = append(list, info)
	}
	return list
}

// Snapshot is everything at once, as of the last Step.
func (c *Core) Snapshot() Snapshot {
	at := instant(c.now)
	return Snapshot{At: at, Agents: c.Agents(), Queues: c.Queues(at), Stats: c.stats}
}

// Stats is a copy of the counters.
func (c *Core) Stats() Stats { return c.stats }
