package acd

import (
	"math"
	"slices"
	"time"
)

// Occupancy is the share of an agent's duty (ready or busy, not the breaks)
// that he is busy (offered, talking, wrapping up, in another call). The past
// weighs less and less: exponentially, with the window as time constant. A
// break neither raises nor lowers it, and who logs in starts at the mean of his
// colleagues. So an idle agent's occupancy falls by the same factor as that of all
// other idle ones, and their order stands still: it is the instant at which the
// occupancy, traced back along that fall, would have been one.

// workload is an agent's occupancy, one for each window that queues use.
type workload struct {
	on, busy bool
	fresh    bool  // logged in since he was last on duty
	at       int64 // when share was taken
	share    []float64
}

// duty is the sum of the occupancies of those on duty in a queue.
type duty struct {
	at      int64
	on      int
	busy    int
	idle    float64 // sum of the shares of who is idle
	missing float64 // sum of what the busy ones lack to 1
}

// fade is the factor by which shares fall, or lacks shrink, in the time between.
func fade(from, to int64, window time.Duration) float64 {
	if to <= from {
		return 1
	}
	return math.Exp(-float64(to-from) / float64(window))
}

// leastShare keeps logarithms finite: less occupancy than this is none.
const leastShare = 1e-18

// occupancyKey is where an idle agent of that share stands among the idle.
func (c *Core) occupancyKey(share float64, window int) int64 {
	return c.now + int64(float64(c.windows[window])*math.Log(max(share, leastShare)))
}

// occupancyAt is the share of an idle agent with that key.
func (c *Core) occupancyAt(key int64, window int) float64 {
	share := math.Exp(float64(key-c.now) / float64(c.windows[window]))
	if share < 2*leastShare {
		return 0
	}
	return share
}

// runTo brings a workload up to an instant.
func (w *workload) runTo(now int64, windows []time.Duration) {
	for i := range w.share {
		f := fade(w.at, now, windows[i])
		switch {
		case w.on && w.busy:
			w.share[i] = 1 - (1-w.share[i])*f
		case w.on:
			w.share[i] *= f
		}
	}
	w.at = max(w.at, now)
}

func (d *duty) runTo(now int64, window time.Duration) {
	f := fade(d.at, now, window)
	d.idle *= f
	d.missing *= f
	d.at = max(d.at, now)
}

// count adds (sign 1) or takes away (-1) one agent at the instant of both.
func (d *duty) count(w *workload, window int, sign float64) {
	d.on += int(sign)
	if w.busy {
		d.busy += int(sign)
		d.missing += sign * (1 - w.share[window])
	} else {
		d.idle += sign * w.share[window]
	}
	if d.on == 0 {
		d.idle, d.missing = 0, 0
	}
}

// mean is the mean occupancy of those on duty.
func (d *duty) mean() float64 {
	if d.on == 0 {
		return 0
	}
	return min(max((d.idle+float64(d.busy)-d.missing)/float64(d.on), 0), 1)
}

// meanOf is the mean occupancy of a queue's agents now.
func (c *Core) meanOf(q *queue) float64 {
	q.duty.runTo(c.now, c.windows[q.window])
	return q.duty.mean()
}

// onDuty and busyNow are the two facts that occupancy is made of.
func (a *agent) onDuty() bool {
	return a.mode == modeReady || a.activity != activityNone || len(a.items) > 0
}

func (a *agent) busyNow() bool { return a.activity != activityNone || len(a.items) > 0 || a.busy }

// account brings an agent's workload in line with what he does.
func (c *Core) account(a *agent) {
	if len(c.windows) == 0 {
		return
	}
	w, on, busy := &a.work, a.onDuty(), a.busyNow()
	if w.on == on && w.busy == busy {
		return
	}
	w.runTo(c.now, c.windows)
	if w.on {
		c.onDuty(a, -1)
	}
	if w.fresh && on {
		w.fresh = false
		for _, q := range a.pool().queues {
			if q.Strategy == Accumulating {
				w.share[q.window] = c.meanOf(q)
			}
		}
	}
	w.on, w.busy = on, busy
	if w.on {
		c.onDuty(a, 1)
	}
}

// onDuty counts an agent in or out of the duty of his queues.
func (c *Core) onDuty(a *agent, sign float64) {
	for _, q := range a.pool().queues {
		if q.Strategy == Accumulating {
			q.duty.runTo(c.now, c.windows[q.window])
			q.duty.count(&a.work, q.window, sign)
		}
	}
}

// setWindows finds the windows of the configured queues and carries the agents'
// occupancies over: a window that is new takes the longest known.
func (c *Core) setWindows() {
	old := c.windows
	for _, a := range c.roster {
		a.work.runTo(c.now, old)
	}
	c.windows = nil
	for _, q := range c.lines {
		q.duty = duty{at: c.now}
		if q.Strategy != Accumulating {
			continue
		}
		if q.window = slices.Index(c.windows, q.Window); q.window < 0 {
			q.window = len(c.windows)
			c.windows = append(c.windows, q.Window)
		}
	}
	for _, a := range c.roster {
		share := make([]float64, len(c.windows))
		for i, window := range c.windows {
			if at := slices.Index(old, window); at >= 0 && at < len(a.work.share) {
				share[i] = a.work.share[at]
			} else if len(a.work.share) > 0 {
				share[i] = a.work.share[len(a.work.share)-1]
			}
		}
		a.work.share, a.work.at = share, c.now
		a.work.on, a.work.busy = a.onDuty() && !a.gone, a.busyNow()
		if a.work.on {
			c.onDuty(a, 1)
		}
	}
}

// handling is how long an agent takes for a call with its wrap-up, on average.
type handling struct {
	mean  float64 // s
	calls int
}

// add counts a talk; the wrap-up counts in full, as nobody knows better yet.
func (h *handling) add(talk, wrapUp time.Duration, wraps bool) {
	if wraps {
		talk += wrapUp
	}
	h.calls++
	h.mean += (talk.Seconds() - h.mean) / float64(min(h.calls, 10))
}
