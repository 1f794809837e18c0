package call

import (
	"slices"
	"strings"

	"hotline/store"
)

// party is who serves the calls of a number.
type party struct {
	// Queue is where a caller of a region waits if his call goes straight to a
	// queue; "" is the one that the number or its flow says.
	Queue string
	// Also are further queues whose agents may take his call.
	Also []string
	// Only are the agents who may take it, whatever queues they serve; empty: all
	// of the queues.
	Only []string
}

// party finds who serves a caller of a number. The regions that match his number
// by a prefix are merged into one set, the one with the longest prefix first; a
// match stands above the number's named agents, and without one these count. A
// region of agents alone is served by them; one of queues and agents by those
// agents and all of the queues.
func (w *world) party(number, caller string) party {
	n := w.center.Numbers[number]
	queues, agents, matched := regions(n.Regions, caller)
	switch {
	case !matched:
		return party{Only: n.Agents}
	case len(queues) == 0:
		return party{Only: agents}
	case len(agents) == 0:
		return party{Queue: queues[0], Also: queues[1:]}
	}
	return party{Queue: queues[0], Only: w.withAgentsOf(agents, queues)}
}

// regions merges those that match a caller, longest prefix first.
func regions(list []store.Region, caller string) (queues, agents []string, matched bool) {
	type match struct {
		length int
		region store.Region
	}
	var found []match
	for _, r := range list {
		if n := longest(r.Prefixes, caller); n > 0 {
			found = append(found, match{n, r})
		}
	}
	slices.SortStableFunc(found, func(a, b match) int { return b.length - a.length })
	for _, m := range found {
		queues, agents = union(queues, m.region.Queues), union(agents, m.region.Agents)
	}
	return queues, agents, len(found) > 0
}

// longest is the length of the longest prefix of a number; 0 if none fits.
func longest(prefixes []string, number string) int {
	n := 0
	for _, p := range prefixes {
		if strings.HasPrefix(number, p) {
			n = max(n, len(p))
		}
	}
	return n
}

// union adds what a does not have yet.
func union(a, b []string) []string {
	for _, s := range b {
		if !slices.Contains(a, s) {
			a = append(a, s)
		}
	}
	return a
}

// withAgentsOf adds the agents of queues.
func (w *world) withAgentsOf(agents, queues []string) []string {
	out := slices.Clone(agents)
	for _, id := range sortedKeys(w.center.Agents) {
		serves := slices.ContainsFunc(w.center.Agents[id].Queues, func(q string) bool { return slices.Contains(queues, q) })
		if serves && !slices.Contains(agents, id) {
			out = append(out, id)
		}
	}
	return out
}
