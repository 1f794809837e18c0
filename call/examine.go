package call

import (
	"slices"
	"strings"
	"time"

	"hotline/store"
)

// Examine looks for what in a center would leave callers without anybody, though
// nothing in it is wrong by itself. Reachable tells whether there is a way to an
// agent's phone now.
func Examine(c store.Center, reachable func(agent string) bool) []Finding {
	var f findings
	for _, p := range Check(c) {
		f.add("center", Fail, p.Try, "%s: %s", p.Path, p.What)
	}
	if len(f) == 0 {
		f.add("center", Pass, "", "%d agents, %d queues, %d numbers refer to what is there", len(c.Agents), len(c.Queues), len(c.Numbers))
	}
	f.phones(c, reachable)
	f.staff(c)
	f.ways(c)
	f.sounds(c)
	return f
}

// someOf lists at most eight.
func someOf(list []string) string {
	if len(list) > 8 {
		list = append(slices.Clone(list[:8]), "...")
	}
	return strings.Join(list, ", ")
}

func (f *findings) phones(c store.Center, reachable func(agent string) bool) {
	var gone []string
	for _, id := range sortedKeys(c.Agents) {
		if !reachable(id) {
			gone = append(gone, id)
		}
	}
	try := "hotline agent secret ID --new, then log the phone in with it; or contact or trunk of the agent"
	switch {
	case len(c.Agents) == 0:
		f.add("phones", Warn, "agents in center.yaml", "there are no agents")
	case len(gone) == len(c.Agents):
		f.add("phones", Fail, try, "no agent's phone is registered: %s", someOf(gone))
	case len(gone) > 0:
		f.add("phones", Warn, try, "no phone is registered of %s", someOf(gone))
	default:
		f.add("phones", Pass, "", "all %d agents have one", len(c.Agents))
	}
}

// staff: a queue that nobody serves keeps its callers for ever, if nothing leads
// them on.
func (f *findings) staff(c store.Center) {
	w := worldOf(c)
	for _, id := range sortedKeys(c.Queues) {
		if w.staffed(id) {
			continue
		}
		try := "queues: [" + id + "] of an agent"
		if to, why := w.onward(id); to != "" {
			f.add("queues", Warn, try, "%s has no agents: all its callers go on to %s %s", id, to, why)
		} else {
			f.add("queues", Fail, try+", or nobody: flow:NAME of the queue", "%s has no agents, and its callers wait for ever", id)
		}
	}
	if !slices.ContainsFunc(*f, func(x Finding) bool { return x.Check == "queues" }) {
		f.add("queues", Pass, "", "all %d have agents", len(c.Queues))
	}
}

// worldOf is enough of a world to ask who serves and what is open.
func worldOf(c store.Center) *world {
	w := &world{center: c, zone: time.UTC}
	if z, err := time.LoadLocation(c.Settings.Zone); err == nil && c.Settings.Zone != "" {
		w.zone = z
	}
	return w
}

// onward is where the callers of a queue without agents are led, and when; "" if they
// wait for ever.
func (w *world) onward(id string) (to, why string) {
	q := w.center.Queues[id]
	overflow := q.Overflow
	if overflow == "" {
		overflow = "hangup"
	}
	shut, closed := w.closed(id)
	switch {
	case closed && q.Nobody == "" && maxWait(q) == 0:
		return shut, "while it is closed, and wait for ever when it opens"
	case closed:
		return shut, "while it is closed"
	case q.Nobody != "":
		return q.Nobody, "(nobody)"
	case q.Direct:
		return overflow, "(direct)"
	case q.MaxWait > 0:
		return overflow, "after " + q.MaxWait.String()
	}
	return "", ""
}

// ways: numbers that lead to nobody.
func (f *findings) ways(c store.Center) {
	lost := 0
	for _, number := range sortedKeys(c.Numbers) {
		n := c.Numbers[number]
		if why := deadEnd(c, n); why != "" {
			lost++
			f.add("numbers", Fail, "to: of that number in center.yaml", "%s leads to %s: %s", number, n.To, why)
		}
	}
	switch {
	case len(c.Numbers) == 0:
		f.add("numbers", Warn, "numbers in center.yaml", "there are none: nobody can call")
	case lost == 0:
		f.add("numbers", Pass, "", "all %d lead somewhere", len(c.Numbers))
	}
}

// deadEnd is why whoever dials a number reaches nobody; "" if he does.
func deadEnd(c store.Center, n store.Number) string {
	kind, id, _ := strings.Cut(n.To, ":")
	missing := "there is no " + kind + " of that name"
	switch kind {
	case "queue":
		if _, ok := c.Queues[id]; !ok {
			return missing
		}
		w := worldOf(c)
		if to, _ := w.onward(id); to == "" && !w.staffed(id) && len(n.Agents) == 0 && len(n.Regions) == 0 {
			return "nobody serves it"
		}
	case "agent":
		if _, ok := c.Agents[id]; !ok {
			return missing
		}
	case "flow":
		if _, ok := c.Flows[id]; !ok {
			return missing
		}
	case "trunk":
		t, ok := c.Trunks[id]
		if !ok {
			return missing
		}
		if len(t.Peers) == 0 {
			return "that trunk has no peers to call"
		}
	case "conference":
		if _, ok := c.Conferences[id]; !ok {
			return missing
		}
	}
	return ""
}

// sounds: a prompt without its audio is silence.
func (f *findings) sounds(c store.Center) {
	var silent []string
	for _, id := range sortedKeys(c.Prompts) {
		for _, lang := range sortedKeys(c.Prompts[id]) {
			if len(c.Prompts[id][lang].Audio) == 0 {
				silent = append(silent, lang+"/"+id)
			}
		}
	}
	if len(silent) > 0 {
		f.add("prompts", Fail, "their WAV files beside center.yaml, then hotline apply", "no audio for %s: callers hear silence there", someOf(silent))
		return
	}
	f.add("prompts", Pass, "", "%d of the center's own, all with audio", len(c.Prompts))
}
