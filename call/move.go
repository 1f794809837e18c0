package call

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"hotline/acd"
)

// Moved is why a stage ends out of which somebody takes the call: the driver
// goes on with the stage that it names.
type Moved struct{ to stage }

func (m *Moved) Error() string { return "moved to " + m.to.name() }

// ErrNotNow answers those who want of a call what it cannot do where it stands.
var ErrNotNow = errors.New("the call cannot do that where it stands; look at hotline call show")

// ErrNotWaiting answers who wants to change the place of a call that has none.
var ErrNotWaiting = errors.New("does not wait in a queue")

// running is the stage that a call is in, for those who may take it out.
type running struct {
	mu   sync.Mutex // guards both
	ctx  context.Context
	away context.CancelCauseFunc
}

func (r *running) set(ctx context.Context, away context.CancelCauseFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ctx, r.away = ctx, away
}

// clear is for the time between two stages.
func (r *running) clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ctx, r.away = nil, nil
}

// move ends the stage; false between two stages, after the last, and when the
// call has ended just before.
func (r *running) move(to stage) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.away == nil {
		return false
	}
	m := &Moved{to}
	r.away(m)
	r.away = nil // the first word counts
	return context.Cause(r.ctx) == error(m)
}

// pass runs one stage and gives the next: the one that it returned, or the one
// to which the call was moved meanwhile.
func (c *Call) pass(ctx context.Context, s stage) stage {
	sctx, away := context.WithCancelCause(ctx)
	defer away(nil)
	c.running.set(sctx, away)
	next := s.run(sctx, c)
	c.running.clear()
	var m *Moved
	if !errors.As(context.Cause(sctx), &m) {
		return next
	}
	if ctx.Err() != nil {
		return m.to // which does not run any more
	}
	if c.given != nil { // its caller has gone on in another call as it was moved
		if to, ok := m.to.(abandoner); ok {
			to.abandon()
		}
		return next
	}
	if c.engaged != nil { // he answered as the call was moved
		c.engaged.release(c, acd.TalkEnded{}, causeNormal)
	}
	c.caller.stop()
	return m.to
}

// Move takes a call out of whatever it does and leads it on: "queue:sales",
// "agent:1002", "flow:main", "4000", a number of the world over a trunk. An agent
// who talks with the caller is set free.
func (e *Engine) Move(ref, to, actor string) error {
	c, err := e.find(ref)
	if err != nil {
		return err
	}
	t, err := e.destination(to, actor)
	if err != nil {
		return err
	}
	if !c.running.move(leadStage{t}) {
		return fmt.Errorf("call %s: %w", c.id, ErrNotNow)
	}
	e.log.Info("call moved", "call", c.id, "to", to, "actor", actor)
	e.auditCall(c, actor, actMove, to)
	return nil
}

// leadStage takes a call to where a person wants it.
type leadStage struct{ to destination }

func (s leadStage) name() string { return "move " + s.to.name }

func (s leadStage) run(_ context.Context, c *Call) stage {
	if s.to.rings() {
		return s.to.ring
	}
	return s.to.next(c)
}
