package call

import (
	"fmt"
	"slices"

	"hotline/store"
)

// advice says what a sound center has that is probably not meant: it is no fault,
// since agents and skills may be on their way, but somebody should know.
func (w *world) advice() []string {
	var out []string
	c := w.center
	for _, id := range sortedKeys(c.Queues) {
		if !w.staffed(id) {
			out = append(out, fmt.Sprintf("queue %s has no agents: its callers wait until they are sent on; give agents queues: [%s]", id, id))
		}
	}
	for _, id := range sortedKeys(c.Agents) {
		for _, q := range c.Agents[id].Queues {
			if skill, level := lacks(c.Agents[id], c.Queues[q]); skill != "" {
				out = append(out, fmt.Sprintf("agent %s serves queue %s but gets no call of it: it needs %s %d, he has %d", id, q, skill, level, c.Agents[id].Skills[skill]))
			}
		}
	}
	return out
}

// staffed tells whether anybody may ever take a queue's calls: its own agents, or
// those that numbers name for it.
func (w *world) staffed(queue string) bool {
	for _, a := range w.center.Agents {
		if slices.Contains(a.Queues, queue) {
			return true
		}
	}
	for _, n := range w.center.Numbers {
		if n.To == "queue:"+queue && len(n.Agents) > 0 {
			return true
		}
		for _, r := range n.Regions {
			if len(r.Agents) > 0 && (n.To == "queue:"+queue || slices.Contains(r.Queues, queue)) {
				return true
			}
		}
	}
	return false
}

// lacks is the first skill of a queue that an agent never has enough of, however
// far its needs relax.
func lacks(a store.Agent, q store.Queue) (skill string, level int) {
	for _, s := range sortedKeys(q.Needs) {
		least := q.Needs[s]
		for _, r := range q.Relax {
			if l, ok := r.Needs[s]; ok {
				least = min(least, l)
			}
		}
		if a.Skills[s] < least {
			return s, least
		}
	}
	return "", 0
}

// advise tells operators, at the start and after each change.
func (e *Engine) advise(w *world) {
	for _, words := range w.advice() {
		e.log.Warn(words)
	}
}
