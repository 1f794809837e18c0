package acd

import "maps"

// relax finds the steps of the queue's Relax that apply to a call by now, and
// arms the next one.
func (c *Core) relax(k *call) {
	steps, waited := k.queue.Relax, c.now-k.node.since
	k.relaxed = 0
	for k.relaxed < len(steps) && int64(steps[k.relaxed].After) <= waited {
		k.relaxed++
	}
	if k.relaxed == len(steps) {
		c.timers.disarm(&k.relaxAt)
		return
	}
	k.relaxAt.fire = func() { c.again(k) }
	c.timers.arm(&k.relaxAt, k.node.since+int64(steps[k.relaxed].After))
}

// needs are the levels that queue and call ask for, relaxed by the wait so far.
func (k *call) needs() map[string]int {
	if len(k.Needs) == 0 && k.relaxed == 0 {
		return k.queue.Needs
	}
	needs := maps.Clone(k.Needs)
	if needs == nil {
		needs = make(map[string]int)
	}
	for skill, least := range k.queue.Needs {
		needs[skill] = max(needs[skill], least)
	}
	for _, step := range k.queue.Relax[:k.relaxed] {
		for skill, least := range step.Needs {
			if now, ok := needs[skill]; ok {
				needs[skill] = min(now, least)
			}
		}
	}
	return needs
}
