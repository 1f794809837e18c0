package acd

import (
	"cmp"
	"slices"
	"time"
)

// Times of reconciling: an owner that looks every ReconcileEvery frees an agent
// or a place in a queue at most 5 s after what held it is gone.
const (
	ReconcileEvery = 2 * time.Second
	missingFor     = 2 * time.Second // two looks: what ends by itself does so within milliseconds
)

// Reality is what the owner knows to exist. Its functions are called within Look.
type Reality struct {
	Call     func(CallID) bool  // a call that can get commands
	Phone    func(AgentID) bool // a leg to or from a phone of the agent
	Occupied func(AgentID) bool // in a call outside the ACD
}

// Reconciler finds what a Core believes in and what is gone: the last defence
// against an event that was lost. It changes nothing itself: the events it gives
// are fed to Core.Step like all others, so that a journal replays without it.
// The zero value is ready. It belongs to the goroutine that owns the Core.
type Reconciler struct {
	missing map[belief]int64 // since when
}

// belief is something in the Core that may have no counterpart.
type belief struct {
	kind  beliefKind
	call  CallID
	agent AgentID
	offer OfferID
}

type beliefKind uint8

const (
	beliefCall     beliefKind = iota // waits, rings or talks
	beliefTalk                       // the agent's phone is in it
	beliefOffer                      // the agent's phone rings
	beliefOccupied                   // the agent is in another call
)

// Look compares the Core with reality and gives the events that free what was
// missing at two looks at least 2 s apart. The cost grows with the calls that wait
// or talk. Work that needs no phone (CallQueued.Channel) is not looked for there.
func (r *Reconciler) Look(c *Core, now time.Time, real Reality) []Event {
	at := stamp(now)
	still := make(map[belief]int64)
	var gone []belief
	for _, b := range c.beliefs(real) {
		since, known := r.missing[b]
		switch {
		case !known:
			still[b] = at
		case at-since >= int64(missingFor):
			gone = append(gone, b)
		default:
			still[b] = since
		}
	}
	r.missing = still
	slices.SortFunc(gone, func(a, b belief) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.call, b.call), cmp.Compare(a.agent, b.agent), cmp.Compare(a.offer.N, b.offer.N))
	})
	var events []Event
	for _, b := range gone {
		events = append(events, b.event())
	}
	return events
}

// event ends what is believed without ground.
func (b belief) event() Event {
	switch b.kind {
	case beliefTalk:
		return TalkEnded{Agent: b.agent, Call: b.call}
	case beliefOffer:
		return OfferRefused{Offer: b.offer, How: PhoneUnreachable}
	case beliefOccupied:
		return Occupied{Agent: b.agent}
	}
	return CallLeft{Call: b.call}
}

// beliefs lists what the Core believes in and reality does not have.
func (c *Core) beliefs(real Reality) (list []belief) {
	for id := range c.calls {
		if !real.Call(id) {
			list = append(list, belief{kind: beliefCall, call: id})
		}
	}
	for id, a := range c.talks {
		switch {
		case !real.Call(id):
			list = append(list, belief{kind: beliefCall, call: id})
		case a.item(id) == nil && !real.Phone(a.ID):
			list = append(list, belief{kind: beliefTalk, call: id, agent: a.ID})
		}
	}
	for id, o := range c.offers {
		if o.item == nil && real.Call(o.call.Call) && !real.Phone(o.agent.ID) {
			list = append(list, belief{kind: beliefOffer, call: o.call.Call, agent: o.agent.ID, offer: id})
		}
	}
	for _, a := range c.roster {
		if a.busy && !real.Occupied(a.ID) {
			list = append(list, belief{kind: beliefOccupied, agent: a.ID})
		}
	}
	return list
}
