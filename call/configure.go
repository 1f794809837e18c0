package call

import (
	"time"

	"hotline/acd"
	"hotline/store"
)

// configure is the center as the ACD knows it.
func (w *world) configure() acd.Configure {
	var ev acd.Configure
	for _, id := range sortedKeys(w.center.Queues) {
		ev.Queues = append(ev.Queues, acdQueue(id, w.center.Queues[id]))
	}
	for _, id := range sortedKeys(w.center.Agents) {
		ev.Agents = append(ev.Agents, acdAgent(id, w.center.Agents[id]))
	}
	if r := w.center.Settings.Ratings; r != nil {
		ev.Grades = acd.GradeRules{HalfLife: r.HalfLife.D(), Prior: r.Prior, PriorWeight: r.PriorWeight, Recovery: r.Recovery}
	}
	return ev
}

// Head starts of a queue that names none: small against most waits, and enough
// to be felt.
const (
	defaultHeadStart = 30 * time.Second
	defaultIdleStart = time.Minute
)

// headStarts are H and G of a queue; none with a strategy that knows none.
func headStarts(q store.Queue) (head, idle time.Duration) {
	switch acd.Strategy(q.Strategy) {
	case "", acd.HeadStart:
		head, idle = defaultHeadStart, defaultIdleStart
	}
	if q.HeadStart != nil {
		head = q.HeadStart.D()
	}
	if q.IdleStart != nil {
		idle = q.IdleStart.D()
	}
	return head, idle
}

// acdQueue is a queue's rule.
func acdQueue(id string, q store.Queue) acd.Queue {
	head, idle := headStarts(q)
	out := acd.Queue{ID: acd.QueueID(id), Strategy: acd.Strategy(q.Strategy), Priority: q.Priority.D(),
		H: head, G: idle, T: q.Guard.D(), Band: q.Band, Window: q.Window.D(),
		Overtakes: q.Overtakes, Skips: q.Skips, Lambda: q.Lambda, RingMost: q.RingMost,
		RingTimeout: orDefault(q.RingTimeout.D(), 20*time.Second), WrapUp: wrapUp(q),
		BackOff: orDefault(q.BackOff.D(), 30*time.Second), MaxWait: maxWait(q), MaxLength: q.MaxLength,
		Needs: q.Needs, LeaveWhenNobody: q.Nobody != "" || q.Direct, MissedNotReady: !q.MissedReady,
		Declines: noneBelowZero(q.Declines), DeclinesPerCall: noneBelowZero(q.DeclinesPerCall)}
	if q.B != nil {
		out.B = *q.B
	}
	if q.Sight != nil {
		out.Sight = *q.Sight
	}
	for _, r := range q.Relax {
		out.Relax = append(out.Relax, acd.Relax{After: r.After.D(), Needs: r.Needs})
	}
	return out
}

// noneBelowZero is a limit as package acd writes it: 0 its default, negative none.
func noneBelowZero(limit *int) int {
	switch {
	case limit == nil:
		return 0
	case *limit == 0:
		return -1
	}
	return *limit
}

func acdAgent(id string, a store.Agent) acd.Agent {
	out := acd.Agent{ID: acd.AgentID(id), Skills: a.Skills, Languages: a.Languages, Order: a.Order, Capacity: a.Capacity,
		Queues: queueIDs(a.Queues)}
	if a.WrapUp != nil {
		d := a.WrapUp.D()
		out.WrapUp = &d
	}
	return out
}

func queueIDs(list []string) []acd.QueueID {
	var out []acd.QueueID
	for _, q := range list {
		out = append(out, acd.QueueID(q))
	}
	return out
}

func agentIDs(list []string) []acd.AgentID {
	var out []acd.AgentID
	for _, a := range list {
		out = append(out, acd.AgentID(a))
	}
	return out
}

// wrapUp of a queue: none where calls go straight through.
func wrapUp(q store.Queue) time.Duration {
	switch {
	case q.WrapUp != nil:
		return q.WrapUp.D()
	case q.Direct:
		return 0
	}
	return 15 * time.Second
}

// maxWait of a queue: an unanswered caller does not wait for ever.
func maxWait(q store.Queue) time.Duration {
	if q.MaxWait == 0 && q.Direct {
		return time.Minute
	}
	return q.MaxWait.D()
}

// weighs tells whether evaluations count in a queue's decisions.
func weighs(q store.Queue) bool {
	switch acd.Strategy(q.Strategy) {
	case "", acd.HeadStart:
		head, idle := headStarts(q)
		return head > 0 || idle > 0
	case acd.Accumulating, acd.Counted:
		return true
	}
	return false
}

// control is the share of a queue's contacts that are served first come first
// served, so that what the evaluations bring can be seen: a tenth where they
// count and nothing else is said.
func (w *world) control(queue string) float64 {
	q := w.center.Queues[queue]
	switch {
	case q.Control != nil:
		return *q.Control
	case weighs(q):
		return 0.1
	}
	return 0
}

// tier is what a customer's tier gives him; nothing for a tier that is no more.
func (w *world) tier(cu store.Customer) (standing float64, priority time.Duration) {
	t := w.center.Settings.Tiers[cu.Tier]
	return t.Standing, t.Priority.D()
}

// rateCustomer is how agents of a queue are asked to rate: "command", "keys" or "none".
func (w *world) rateCustomer(queue string) string {
	if r := w.center.Queues[queue].RateCustomer; r != "" {
		return r
	}
	return "command"
}

// closed tells whether a queue is out of its hours, and where callers go then:
// "flow:x", "queue:x", ..., or "hangup". Hours that are no more never close it.
func (w *world) closed(queue string) (to string, closed bool) {
	q := w.center.Queues[queue]
	if q.Hours == "" {
		return "", false
	}
	if open, known := w.open(q.Hours); open || !known {
		return "", false
	}
	if q.Closed == "" {
		return "hangup", true
	}
	return q.Closed, true
}
