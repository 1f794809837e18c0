package sim

import "time"

// Bounds are the worst that was seen at any assignment, among calls of the same
// queue that the agent could have taken, and agents who could have taken the call.
// Calls with a failed offer, held, transferred and control calls are left out.
type Bounds struct {
	// CallGap is how much later a call came than the oldest one it overtook.
	CallGap time.Duration `json:"call_gap"`
	// AgentGap is how much later an agent became idle than one whom he passed.
	AgentGap time.Duration `json:"agent_gap"`
	// Overtaken is how often one call was overtaken, Skipped how often one agent was passed while idle.
	Overtaken int `json:"overtaken"`
	Skipped   int `json:"skipped"`
	// Ratio is the wait of an overtaken call over that of the call that overtook it.
	Ratio float64 `json:"ratio"`
	// Guarded is the longest wait of a call so far when it was overtaken.
	Guarded time.Duration `json:"guarded"`
}

// worst keeps the greater of each.
func (b *Bounds) worst(o Bounds) {
	b.CallGap, b.AgentGap = max(b.CallGap, o.CallGap), max(b.AgentGap, o.AgentGap)
	b.Overtaken, b.Skipped = max(b.Overtaken, o.Overtaken), max(b.Skipped, o.Skipped)
	b.Ratio, b.Guarded = max(b.Ratio, o.Ratio), max(b.Guarded, o.Guarded)
}

// watch looks at an assignment before it is made.
func (d *day) watch(n, a int32) {
	v := &d.visits[n]
	if v.failed {
		return
	}
	b := &d.r.Bounds
	for s := range d.lines {
		if !d.fits[s][a] || d.c.Streams[s].Queue != d.c.Streams[v.Stream].Queue {
			continue
		}
		for o := d.lines[s].head; o >= 0 && d.visits[o].Came < v.Came; o = d.visits[o].next {
			w := &d.visits[o]
			if w.failed || w.held > d.now || w.Control || v.Control {
				continue
			}
			w.overtaken++
			b.Overtaken = max(b.Overtaken, w.overtaken)
			b.CallGap = max(b.CallGap, v.Came-w.Came)
			b.Guarded = max(b.Guarded, d.now-w.Came)
			if mine := d.now - v.Came; mine > 0 {
				b.Ratio = max(b.Ratio, float64(d.now-w.Came)/float64(mine))
			}
		}
	}
	if v.held > d.now || v.Control {
		return
	}
	taker := &d.workers[a]
	for i := range d.workers {
		w := &d.workers[i]
		if !w.free || w.idle >= taker.idle || !d.fits[v.Stream][i] {
			continue
		}
		w.skipped++
		b.Skipped = max(b.Skipped, w.skipped)
		b.AgentGap = max(b.AgentGap, taker.idle-w.idle)
	}
}
