package call

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"

	"hotline/acd"
	"hotline/store"
)

// queued is the event that puts the call into a queue: who he is, what he needs,
// and who is to serve him first, only or never.
func (c *Call) queued(w *world, s waitStage, q store.Queue) acd.CallQueued {
	ev := acd.CallQueued{Call: c.acdID(), Queue: acd.QueueID(s.queue), Since: s.since, Language: c.lang,
		Needs: s.needs, Customer: c.customer(), Standing: 0.5, Head: s.head, Leave: s.leave, Category: s.category}
	if ev.Category == "" {
		ev.Category = q.Category
	}
	cu := c.known()
	ev.Tier, ev.Priority = w.tier(cu)
	ev.Never = agentIDs(cu.Never)
	if c.firstQueue(s.queue) {
		party := w.party(c.cdr.Called, c.number)
		ev.Only = agentIDs(party.Only)
		if party.Queue == s.queue {
			ev.Also = queueIDs(party.Also)
		}
	}
	switch {
	case s.head: // whoever can, now
	case s.chosen != "" && !slices.Contains(cu.Never, s.chosen):
		ev.First, ev.FirstFor = []acd.AgentID{acd.AgentID(s.chosen)}, s.hold
	case cu.Preferred != "" && q.Preferred > 0:
		ev.First, ev.FirstFor = []acd.AgentID{acd.AgentID(cu.Preferred)}, q.Preferred.D()
	case cu.Agent != "" && q.LastAgent > 0:
		ev.First, ev.FirstFor = []acd.AgentID{acd.AgentID(cu.Agent)}, q.LastAgent.D()
	}
	return ev
}

// firstQueue tells whether the call has waited in no other queue. Who serves the
// calls of its number is said of that one; where it overflows or is transferred
// to, all agents may take it.
func (c *Call) firstQueue(queue string) bool {
	return !slices.ContainsFunc(c.cdr.Stages, func(s store.Stage) bool {
		name, waited := strings.CutPrefix(s.Name, "wait ")
		return waited && name != queue
	})
}

// known is the caller's record; empty for who calls for the first time or hides
// his number.
func (c *Call) known() store.Customer {
	id := c.customer()
	if id == "" {
		return store.Customer{}
	}
	cu, err := c.eng.store.Customer(id)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		c.log.Warn("customer was not read; he is served as an unknown one", "call", c.id, "err", err)
	}
	return cu
}

// wanted is the category that the caller needs: what the flow's node says, or
// its variable "category"; a word that the center does not rate counts for
// nothing.
func (c *Call) wanted(w *world, node string) string {
	for _, name := range []string{node, c.vars["category"]} {
		if slices.Contains(w.categories(), name) {
			return name
		}
	}
	return ""
}

// draw decides whether the call is one of the control group: once for each call,
// by the first queue that keeps one.
func (c *Call) draw(w *world, queue string) bool {
	if share := w.control(queue); !c.drawn && share > 0 {
		c.drawn = true
		c.cdr.Control = rand.Float64() < share
	}
	return c.cdr.Control && weighs(w.center.Queues[queue])
}
