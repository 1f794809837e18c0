package call

import (
	"context"
	"fmt"
	"time"

	"hotline/acd"
	"hotline/media"
)

// Idle fails unless an engine without calls holds nothing of those that ended.
func (e *Engine) Idle() error {
	var fault error
	if err := e.disp.ask(context.Background(), func(c *acd.Core, now time.Time) {
		if fault = c.Check(); fault != nil {
			return
		}
		for _, q := range c.Queues(now) {
			if q.Waiting+q.Offered+q.Talking > 0 {
				fault = fmt.Errorf("queue %s has %d waiting, %d offered, %d in talk", q.ID, q.Waiting, q.Offered, q.Talking)
			}
		}
		for _, a := range c.Agents() {
			if a.Occupied || a.State == acd.Offered || a.State == acd.Talking || a.State == acd.WrapUp {
				fault = fmt.Errorf("agent %s is %v, occupied %v, call %q", a.ID, a.State, a.Occupied, a.Call)
			}
		}
		if n := len(e.disp.offers); n > 0 {
			fault = fmt.Errorf("dispatcher keeps %d offers", n)
		}
	}); err != nil {
		return err
	}
	if fault != nil {
		return fault
	}
	st := e.media.(*media.Engine).Stats()
	if n := st.Legs.Load(); n != 0 {
		return fmt.Errorf("media engine has %d legs", n)
	}
	if n := st.Bridges.Load(); n != 0 {
		return fmt.Errorf("media engine has %d bridges", n)
	}
	if err := e.nobody(); err != nil {
		return err
	}
	legs := 0
	e.legs.Range(func(any, any) bool { legs++; return true })
	recordings := 0
	e.records.Range(func(any, any) bool { recordings++; return true })
	e.mu.Lock()
	defer e.mu.Unlock()
	if legs+recordings+len(e.busy)+len(e.calls) > 0 {
		return fmt.Errorf("engine keeps %d legs, %d recordings, %d busy agents, %d calls", legs, recordings, len(e.busy), len(e.calls))
	}
	if e.stats.Panics.Load()+e.stats.Stuck.Load()+e.stats.Dropped.Load()+e.stats.Reconciled.Load() > 0 {
		return fmt.Errorf("%d panics, %d stuck, %d dropped, %d reconciled", e.stats.Panics.Load(), e.stats.Stuck.Load(), e.stats.Dropped.Load(), e.stats.Reconciled.Load())
	}
	return nil
}

// Haunt makes the ACD believe that an agent talks in a call that does not exist,
// another one in a call outside, and that such a call waits: as if their last
// words had been lost.
func (e *Engine) Haunt(talks, occupied, queue string) error {
	return e.disp.ask(context.Background(), func(c *acd.Core, now time.Time) {
		out := c.Step(now, acd.Occupied{Agent: acd.AgentID(occupied), Yes: true})
		out = append(out, c.Step(now, acd.CallQueued{Call: "ghost 1", Queue: acd.QueueID(queue)})...)
		for _, cmd := range out {
			if o, ok := cmd.(acd.Offer); ok && o.Agent == acd.AgentID(talks) {
				c.Step(now, acd.OfferAnswered{Offer: o.ID})
			}
		}
		c.Step(now, acd.CallQueued{Call: "ghost 2", Queue: acd.QueueID(queue)})
	})
}

// Reconciled is how often the ACD's belief was mended.
func (e *Engine) Reconciled() uint64 { return e.stats.Reconciled.Swap(0) }

// nobody fails if somebody is counted as in a room or in a call to a number.
func (e *Engine) nobody() error {
	e.rooms.mu.Lock()
	defer e.rooms.mu.Unlock()
	if len(e.rooms.in)+len(e.rooms.locked) > 0 {
		return fmt.Errorf("%d rooms are kept, %d locks", len(e.rooms.in), len(e.rooms.locked))
	}
	e.outs.mu.Lock()
	defer e.outs.mu.Unlock()
	if len(e.outs.n) > 0 {
		return fmt.Errorf("calls out are counted that are over: %v", e.outs.n)
	}
	e.limits.mu.Lock()
	defer e.limits.mu.Unlock()
	for k, a := range e.limits.seen {
		if a.running != 0 {
			return fmt.Errorf("%d calls of %s to %s are counted", a.running, k.caller, k.number)
		}
	}
	return nil
}
