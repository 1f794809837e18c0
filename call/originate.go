package call

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"hotline/acd"
	"hotline/media"
	"hotline/sip"
	"hotline/store"
)

// ErrNotShown answers who wants a number shown that is not the agent's.
var ErrNotShown = errors.New("may not be shown; give the agent show: [NUMBER] in the center's file")

// ErrBusyAgent answers who wants an agent rung that is in another call.
var ErrBusyAgent = errors.New("is in another call")

// originate begins a call of our own: a phone that we ring is its caller's leg. It
// goes on with next when that has answered.
func (e *Engine) originate(peer, number string, inv sip.Invite, confirm bool, next stage) (*Call, error) {
	c := e.ownCall(peer, number)
	return c, e.launch(c, "caller", peer, number, inv, outStage{confirm: confirm, next: next})
}

// launch rings the first leg of a call of our own and begins the call.
func (e *Engine) launch(c *Call, role, peer, number string, inv sip.Invite, first stage) error {
	l, err := e.newLeg(role, peer, number)
	if err != nil {
		return fmt.Errorf("call: originate: %w", err)
	}
	l.moved = c.journal
	l.aims(inv.Targets)
	c.caller = l
	var ctx context.Context
	ctx, c.cancel = context.WithCancelCause(e.ctx)
	if !e.admit(c) {
		l.close()
		return ErrFullHouse
	}
	inv.Media, inv.Inbox = l, l
	l.rung = true
	l.d = e.sip.Dial(inv)
	l.call.Store(c)
	e.log.Info("call begin", "call", c.id, "peer", peer, "called", number, "origin", "us")
	// Owned by the engine; ends with the call, which ends with the engine's context.
	go func() {
		defer e.wg.Done()
		e.serve(ctx, c, first)
	}()
	return nil
}

// ownCall is a call that we begin.
func (e *Engine) ownCall(from, number string) *Call {
	now := time.Now()
	c := &Call{id: store.NewID(now), eng: e, log: e.log, began: now, from: from, number: number, hops: 70,
		lang: e.world.Load().language(store.Number{}), acd: make(chan acd.Command, acdInbox), orders: make(chan order),
		vars: map[string]string{}}
	c.cdr = store.CDR{ID: c.id, Node: e.cfg.Node, Began: now, Caller: number, From: from}
	return c
}

// ErrFullHouse answers who wants a call when there are as many as there may be.
var ErrFullHouse = errors.New("call: no capacity for another call")

// outStage waits until the phone that we ring first is answered.
type outStage struct {
	confirm bool
	next    stage
}

func (s outStage) name() string { return "ring" }

func (s outStage) run(ctx context.Context, c *Call) stage {
	ctx, cancel := context.WithTimeoutCause(ctx, ringFor, ErrWithdrawn)
	defer cancel()
	if err := c.awaitAgent(ctx, c.caller, acceptance{key: s.confirm}); err != nil {
		c.stopMoving(ctx)
		c.note("not answered: %v", err)
		c.blame(causeNoAnswer.Status, causeNoAnswer.Q850, "not answered: "+err.Error(), blameOf("agent", c.from))
		return nil
	}
	c.answers, c.cdr.Answered = true, time.Now()
	c.eng.media.Do(media.Seat{Bridge: media.BridgeID(c.id), Leg: c.caller.id, Role: media.Caller})
	return s.next
}

// Dial rings an agent's phone and then calls somebody for him: click to dial. The
// far end sees the number show, which the agent must be allowed to show; "" is his
// trunk's.
func (e *Engine) Dial(agent, to, show, actor string) (id string, err error) {
	w := e.world.Load()
	a, ok := w.center.Agents[agent]
	if !ok {
		return "", fmt.Errorf("agent %s: %w", agent, ErrUnknown)
	}
	d, err := e.destination(to, "agent:"+agent)
	if err != nil {
		return "", err
	}
	if !d.rings() {
		return "", fmt.Errorf("%s: %w", to, ErrNowhere)
	}
	if e.occupied(agent) {
		return "", fmt.Errorf("agent %s: %w", agent, ErrBusyAgent)
	}
	targets := e.targets(agent, a)
	if len(targets) == 0 {
		return "", fmt.Errorf("agent %s: %w", agent, ErrNoPhone)
	}
	if show != "" && !slices.Contains(a.Show, show) {
		return "", fmt.Errorf("agent %s: %s: %w", agent, show, ErrNotShown)
	}
	d.ring.show = show
	inv := sip.Invite{Targets: targets, NoAnswer: phoneSilence, AutoAnswer: a.AutoAnswer,
		From: sip.Address{Display: to, User: plainNumber(to)}, To: sip.Address{User: agent}}
	c, err := e.originate("agent:"+agent, agent, inv, w.confirms(agent), d.ring)
	if err != nil {
		return "", err
	}
	e.log.Info("dial", "agent", agent, "to", to, "call", c.id, "actor", actor)
	return c.id, nil
}
