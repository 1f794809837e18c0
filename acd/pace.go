package acd

import (
	"math"
	"time"
)

// paceHalfLife is how fast the pace of a queue forgets.
const paceHalfLife = 10 * time.Minute

// leastStarts is the weight of service starts below which the pace is unknown.
const leastStarts = 1.0

// pace is how fast a queue moves while somebody waits: exponentially weighted
// service starts per second of the time with a caller waiting. Hours without
// waiting callers do not count, so they make a queue look neither slow nor fast;
// starts of calls that never waited do not count either.
type pace struct {
	at     int64   // ns since 1970 up to which it is accounted
	starts float64 // weighted count
	busy   float64 // weighted seconds
}

// run accounts the time up to now, in which a caller waited or not.
func (p *pace) run(now int64, waiting bool) {
	if now <= p.at {
		return
	}
	keep := math.Exp2(-float64(now-p.at) / float64(paceHalfLife))
	p.starts *= keep
	p.busy *= keep
	if waiting {
		p.busy += paceHalfLife.Seconds() / math.Ln2 * (1 - keep)
	}
	p.at = now
}

// wait is how long a call at a position will wait; 0 unknown.
func (p *pace) wait(position int) time.Duration {
	if p.starts < leastStarts {
		return 0
	}
	seconds := float64(position) * p.busy / p.starts
	return time.Duration(min(seconds, 24*3600) * float64(time.Second)).Round(time.Second)
}

// Position is a call's place in its queue, from 1, and its expected wait. Calls
// that are being offered stand before all that wait, and these by their keys, in
// whatever order a strategy may take them. The wait is the position
// divided by the queue's pace: service starts, weighted with a half-life of ten
// minutes, per second in which somebody waited. It is 0 while unknown, which is
// so until a caller who waited has been served lately. It takes an agent's next
// free moment for the queue's, so it is an estimate and no promise.
func (c *Core) Position(id CallID) (pos int, ewt time.Duration, ok bool) {
	k := c.calls[id]
	if k == nil {
		return 0, 0, false
	}
	q := k.queue
	if len(k.offers) > 0 {
		pos = q.offered.before(&k.node.rank) + 1
	} else {
		pos = q.offered.len() + 1
		for _, class := range q.classes {
			for i := range class.lanes {
				pos += class.lanes[i].before(&k.node.rank)
			}
		}
	}
	return pos, q.pace.wait(pos), true
}
