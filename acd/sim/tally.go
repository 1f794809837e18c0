package sim

import (
	"cmp"
	"slices"
	"time"

	"hotline/acd"
)

// tally adds up the calls and agents of a day.
type tally struct {
	r      DayStats
	waits  []time.Duration
	answer time.Duration
	soon   int
	agents map[acd.AgentID]*worker
}

// restart is a new process: everybody is logged out until told otherwise.
func (t *tally) restart(c ReplayConfig) {
	if t.agents == nil {
		t.agents = make(map[acd.AgentID]*worker)
	}
	for _, w := range t.agents {
		w.state = acd.LoggedOut
	}
}

// close ends the process.
func (t *tally) close(end time.Time, c ReplayConfig) {
	for _, w := range t.agents {
		w.account(end.Sub(c.From), c.To.Sub(c.From))
		w.state = acd.LoggedOut
	}
}

// states follows what agents do.
func (t *tally) states(at time.Time, out []acd.Command, c ReplayConfig) {
	for _, cmd := range out {
		ch, ok := cmd.(acd.AgentChanged)
		if !ok {
			continue
		}
		w := t.agents[ch.Agent]
		if w == nil {
			w = &worker{state: acd.LoggedOut}
			t.agents[ch.Agent] = w
		}
		now := at.Sub(c.From)
		w.account(now, c.To.Sub(c.From))
		w.state, w.since = ch.State, now
	}
}

// call counts one in. One who still waits at the end has waited until then.
func (t *tally) call(came time.Time, s seen, end time.Time, c ReplayConfig) {
	if s.left.IsZero() {
		s.left = end
	}
	wait := s.left.Sub(came)
	t.waits = append(t.waits, wait)
	t.r.Calls++
	switch s.end {
	case Served:
		t.r.Served++
		t.answer += wait
		if wait <= c.Within {
			t.soon++
		}
	case HungUp:
		t.r.HungUp++
	case Overflowed:
		t.r.Overflowed++
	}
}

// stats is the sum of it all.
func (t *tally) stats(c ReplayConfig) DayStats {
	r := t.r
	slices.Sort(t.waits)
	var sum time.Duration
	for _, w := range t.waits {
		sum += w
	}
	if n := len(t.waits); n > 0 {
		r.P95, r.Max = t.waits[(n-1)*95/100], t.waits[n-1]
	}
	r.Wait, r.ASA, r.Within = mean(sum, r.Calls), mean(t.answer, r.Served), over(float64(t.soon), r.Calls)
	var busy, on time.Duration
	var each Stat
	for _, id := range sortedAgents(t.agents) {
		w := t.agents[id]
		if w.on > 0 {
			busy, on = busy+w.busy, on+w.on
			each.Add(float64(w.busy) / float64(w.on))
		}
	}
	if on > 0 {
		r.Occupancy = float64(busy) / float64(on)
	}
	r.OccupancySD = each.SD()
	return r
}

func sortedAgents(m map[acd.AgentID]*worker) []acd.AgentID {
	ids := make([]acd.AgentID, 0, len(m))
	for id := range m {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// note keeps a call that went another way.
func (p *replayer) note(v *past, w *relived) {
	ch := Change{Call: v.ev.Call, Queue: v.ev.Queue, Came: v.at, AgentWas: v.agent, AgentWould: w.agent}
	if v.agent != w.agent {
		p.r.Moved++
	}
	if v.left.IsZero() || w.left.IsZero() {
		return
	}
	ch.WaitWas, ch.WaitWould = v.left.Sub(v.at), w.left.Sub(w.at)
	if ch.AgentWas != ch.AgentWould || (ch.WaitWas-ch.WaitWould).Abs() >= time.Second {
		p.all = append(p.all, ch)
	}
}

// report takes the sums.
func (p *replayer) report() {
	p.r.Was, p.r.Would = p.was.stats(p.c), p.next.stats(p.c)
	slices.SortStableFunc(p.all, func(a, b Change) int {
		return cmp.Or(cmp.Compare((b.WaitWould-b.WaitWas).Abs(), (a.WaitWould-a.WaitWas).Abs()), a.Came.Compare(b.Came))
	})
	p.r.Changes = p.all[:min(len(p.all), p.c.Examples)]
}
