package simnet

import (
	"sync"
	"time"
)

// gate is a lock with waiting: like sync.Cond, but with time-outs. Waiting is on
// a channel made by the waiter and on a timer, so it is durable in a bubble.
type gate struct {
	mu   sync.Mutex
	wake chan struct{} // made by the first waiter, closed by notify; guarded by mu
}

// notify wakes all who wait. The caller holds mu.
func (g *gate) notify() {
	if g.wake != nil {
		close(g.wake)
		g.wake = nil
	}
}

// wait gives mu up until notify or the earliest non-zero instant, then takes it
// again. The caller holds mu and looks again at what it waits for.
func (g *gate) wait(instants ...time.Time) {
	if g.wake == nil {
		g.wake = make(chan struct{})
	}
	wake := g.wake
	var until time.Time
	for _, t := range instants {
		if !t.IsZero() && (until.IsZero() || t.Before(until)) {
			until = t
		}
	}
	g.mu.Unlock()
	if until.IsZero() {
		<-wake
	} else {
		t := time.NewTimer(time.Until(until))
		select {
		case <-wake:
		case <-t.C:
		}
		t.Stop()
	}
	g.mu.Lock()
}

// passed tells whether a deadline (zero = none) is over.
func passed(deadline, now time.Time) bool {
	return !deadline.IsZero() && !deadline.After(now)
}
