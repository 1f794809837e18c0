package call

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"hotline/sip"
)

// A caller who rings at a colleague's phone or is parked goes to the agent who
// dials for him, or whose phone is rung for that.

// Why there is nobody to be taken.
var (
	ErrNothingRings = errors.New("no colleague's phone rings there; colleagues share a queue, see hotline call list")
	ErrNotParked    = errors.New("nobody is parked there; see hotline call list")
)

// TakeView is an agent's phone that rings so that he takes a caller.
type TakeView struct {
	Call  string `json:"call"`  // that of his phone
	Takes string `json:"takes"` // whose caller he gets
}

// PickUp rings an agent's phone and gives him what rings at that of a colleague, or
// with "" whichever colleague's rings longest, as if he had dialled the code for it.
func (e *Engine) PickUp(agent, colleague, actor string) (TakeView, error) {
	w := e.world.Load()
	if _, ok := w.center.Agents[agent]; !ok {
		return TakeView{}, fmt.Errorf("agent %s: %w", agent, ErrUnknown)
	}
	s, err := e.pick(w, agent, colleague)
	if err != nil {
		return TakeView{}, err
	}
	return e.take(w, agent, "pick up "+colleague, s.(joinStage), actor)
}

// Unpark rings an agent's phone and gives him a parked caller, named by the slot or
// by his call, as if he had dialled the slot.
func (e *Engine) Unpark(agent, ref, actor string) (TakeView, error) {
	w := e.world.Load()
	if _, ok := w.center.Agents[agent]; !ok {
		return TakeView{}, fmt.Errorf("agent %s: %w", agent, ErrUnknown)
	}
	slot := ref
	if !parkingSlot(ref) {
		c, err := e.find(ref)
		if err != nil {
			return TakeView{}, err
		}
		slot = e.slots.of(c.id)
	}
	s, err := e.unpark(agent, slot)
	if err != nil {
		return TakeView{}, fmt.Errorf("%s: %w", ref, ErrNotParked)
	}
	return e.take(w, agent, "unpark "+slot, s.(joinStage), actor)
}

// take rings the agent's phone, which shows the caller whom he gets.
func (e *Engine) take(w *world, agent, what string, s joinStage, actor string) (TakeView, error) {
	var shown sip.Address
	if other := e.call(s.call); other != nil {
		v := other.shown()
		shown = sip.Address{Display: v.Name, User: v.Caller}
	}
	c, err := e.ringFirstFor(w, agent, strings.TrimSpace(what), shown, false, s)
	if err != nil {
		return TakeView{}, err
	}
	e.log.Info("take", "agent", agent, "what", what, "call", c.id, "actor", actor)
	return TakeView{Call: c.id, Takes: s.call}, nil
}

// pick is the stage in which an agent takes what rings at a colleague's phone.
func (e *Engine) pick(w *world, agent, colleague string) (stage, error) {
	id, err := e.ringsAt(w, agent, colleague)
	if err != nil {
		return nil, err
	}
	return joinStage{what: "pick up " + id, call: id, order: doPickUp, agent: agent}, nil
}

// unpark is the stage in which an agent takes who is parked in a slot.
func (e *Engine) unpark(agent, slot string) (stage, error) {
	parked := e.slots.call(slot)
	if parked == "" {
		return nil, fmt.Errorf("%s: %w", slot, ErrNotParked)
	}
	return joinStage{what: "unpark " + slot, call: parked, order: doPickUp, agent: agent}, nil
}

// pickStage is an agent who takes what rings at a colleague's phone.
type pickStage struct{ agent, target string }

func (s pickStage) name() string { return "pick up" }

func (s pickStage) run(_ context.Context, c *Call) stage {
	next, err := c.eng.pick(c.eng.world.Load(), s.agent, s.target)
	if err != nil {
		c.blame(causeNotFound.Status, causeNotFound.Q850, err.Error(), "caller")
		return nil
	}
	return next
}

// ringsAt finds the call that rings the phone of a colleague, or that of any, the
// longest first. Colleagues share a queue. A phone that we ring before anybody else
// is no caller's.
func (e *Engine) ringsAt(w *world, agent, target string) (call string, err error) {
	var best *Leg
	e.legs.Range(func(_, v any) bool {
		l := v.(*Leg)
		id, ok := strings.CutPrefix(l.peer, "agent:")
		c := l.call.Load()
		switch {
		case c == nil || !l.rung || l.answered.Load() != 0 || l.ctx.Err() != nil || c.front.Load() == l:
		case !ok || id == agent || !w.colleagues(agent, id) || target != "" && target != id:
		case best == nil || l.began.Before(best.began):
			best = l
		}
		return true
	})
	if best == nil {
		return "", ErrNothingRings
	}
	if c := best.call.Load(); c != nil {
		return c.id, nil
	}
	return "", ErrNothingRings
}
