package acd

import (
	"cmp"
	"slices"
	"time"
)

// Choice is an agent whom a caller may choose.
type Choice struct {
	Agent  AgentID       `json:"agent"`
	Stars  float64       `json:"stars"`  // his grade in the call's category
	Weight float64       `json:"weight"` // of the ratings behind it
	Wait   time.Duration `json:"wait"`   // expected, for him alone
	Known  bool          `json:"known"`  // Wait is more than a guess
}

// guessedHandling is how long a call takes an agent of whom no call is known.
const guessedHandling = 3 * time.Minute

// Choices are up to most agents on duty who fit the call and whose phone can be
// rung, the best grade in its category first; of equal ones the shorter wait.
// It changes nothing.
func (c *Core) Choices(ev CallQueued, most int, now time.Time) []Choice {
	q := c.queues[ev.Queue]
	if q == nil || most <= 0 {
		return nil
	}
	at := max(c.now, stamp(now))
	k := &call{CallQueued: ev, queue: q, seat: seatOf(ev)}
	k.Only, k.Also, k.Never = names(ev.Only), names(ev.Also), names(ev.Never)
	k.node.since = at
	if since := stamp(ev.Since); !ev.Since.IsZero() {
		k.node.since = min(since, at)
	}
	for k.relaxed < len(q.Relax) && int64(q.Relax[k.relaxed].After) <= at-k.node.since {
		k.relaxed++
	}
	needs := k.needs()
	var list []Choice
	for _, a := range c.roster {
		if !a.onDuty() || !a.present() || a.mode != modeReady || !k.wants(a) || slices.Contains(k.Never, a.ID) ||
			!able(a.Skills, a.Languages, needs, k.Language) || k.seat != (seat{}) && a.Capacity[k.seat.channel] < k.seat.weight {
			continue
		}
		t := c.grades.tally(a.ID, ev.Category, at)
		ch := Choice{Agent: a.ID, Stars: c.grades.shrunk(t), Weight: t.weight}
		if len(list) == most && ch.Stars < list[most-1].Stars {
			continue
		}
		ch.Wait, ch.Known = c.waitFor(a, at)
		if n, _ := slices.BinarySearchFunc(list, ch, before); n < most {
			list = slices.Insert(list[:min(len(list), most-1)], n, ch)
		}
	}
	return list
}

// before is the order in which agents are shown.
func before(a, b Choice) int {
	return cmp.Or(cmp.Compare(b.Stars, a.Stars), cmp.Compare(a.Wait, b.Wait), cmp.Compare(a.Agent, b.Agent))
}

// waitFor is how long a call will wait for an agent: what is left of what he does,
// and the calls that wait for him by name.
func (c *Core) waitFor(a *agent, now int64) (wait time.Duration, known bool) {
	each := guessedHandling
	if a.handling.calls > 0 {
		each, known = time.Duration(a.handling.mean*float64(time.Second)), true
	}
	for _, m := range a.members[1:] {
		wait += time.Duration(m.profile.of.waiting) * each / time.Duration(len(m.profile.members))
	}
	switch {
	case a.activity == activityWrapUp:
		wait += time.Duration(max(a.wrapUp.at-now, 0))
	case a.activity == activityOffered || a.busy:
		wait += each
	case a.activity == activityTalking: // a talk longer than most has a while to go still
		wait += max(each-time.Duration(now-a.began), each/4)
	case a.pausedFor != pauseNone:
		wait += time.Duration(max(a.pauseEnd.at-now, 0))
	default:
		known = known || wait == 0
	}
	return wait.Round(time.Second), known
}
