package call

import (
	"context"
	"errors"
	"time"

	"hotline/media"
	"hotline/store"
)

// hangUpKey follows the code by which a supervisor ends a call from his phone.
const hangUpKey = '5'

// superviseStage is a supervisor who dials into a call of an agent: *31 and the
// agent's id listens, and so on. The leg of his call becomes his seat.
type superviseStage struct {
	agent  string // the supervisor
	key    rune
	target string
}

func (s superviseStage) name() string { return "supervise " + s.target }

func (s superviseStage) run(ctx context.Context, c *Call) stage {
	mode, ok := modeKeys[s.key]
	switch {
	case s.key == takeKey:
		mode = modeTakeOver
	case s.key == hangUpKey:
		return s.hangUp(ctx, c)
	case !ok:
		c.blame(causeNotFound.Status, causeNotFound.Q850, causeNotFound.Text, "caller")
		return nil
	}
	if c.eng.world.Load().center.Agents[s.agent].Role != "supervisor" {
		c.eng.auditRefused(s.target, s.agent, mode, "agent:"+s.agent)
		return s.refused(c, ErrNotSupervisor)
	}
	if _, err := c.eng.find(s.target); err != nil {
		return s.refused(c, err)
	}
	if err := c.answer(ctx); err != nil {
		return nil
	}
	c.unwatch() // from here on its end is the supervision's concern
	c.caller.role, c.caller.moved = "supervisor", nil
	was := c.caller.record(media.LegStats{}, store.Cause{}, time.Time{})
	if _, err := c.eng.supervise(s.target, s.agent, mode, "agent:"+s.agent, c.caller); err != nil {
		c.caller.role, c.caller.moved = "caller", c.journal
		c.watchCaller()
		return s.refused(c, err)
	}
	c.given = &was
	c.blame(0, 16, errGivenAway.Error(), "us")
	return nil
}

// hangUp ends the call of the agent.
func (s superviseStage) hangUp(ctx context.Context, c *Call) stage {
	if c.eng.world.Load().center.Agents[s.agent].Role != "supervisor" {
		c.eng.auditRefused(s.target, s.agent, "hang up", "agent:"+s.agent)
		return s.refused(c, ErrNotSupervisor)
	}
	if err := c.eng.Hangup(s.target, "agent:"+s.agent); err != nil {
		return s.refused(c, err)
	}
	c.blame(0, 16, "feature code", "us")
	if c.answer(ctx) == nil {
		c.say(ctx, "beep")
	}
	return nil
}

// refused tells the phone why nothing came of it.
func (s superviseStage) refused(c *Call, err error) stage {
	status := causeForbidden
	if errors.Is(err, ErrUnknown) || errors.Is(err, ErrAmbiguous) {
		status = causeNotFound
	}
	c.blame(status.Status, status.Q850, err.Error(), "caller")
	return c.sorry("not-allowed", "goodbye")
}
