package call

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hotline/acd"
	"hotline/sip"
	"hotline/store"
)

// ErrNotShown answers who wants a number shown that is not the agent's.
var ErrNotShown = errors.New("may not be shown; give the agent show: [NUMBER] in the center's file")

// ErrBusyAgent answers who wants an agent rung that is in another call.
var ErrBusyAgent = errors.New("is in another call")

// originate begins a call of our own: an agent's phone that we ring is its caller's
// leg. It goes on with next when that has answered; called is whom it is for.
func (e *Engine) originate(peer, number, called string, inv sip.Invite, confirm bool, next stage) (*Call, error) {
	c := e.ownCall(peer, number)
	c.cdr.Called = called
	return c, e.launch(c, "caller", peer, number, inv, outStage{confirm: confirm, next: next})
}

// launch rings the first leg of a call of our own and begins the call.
func (e *Engine) launch(c *Call, role, peer, number string, inv sip.Invite, first stage) error {
	l, err := e.newLeg(role, peer, number)
	if err != nil {
		return fmt.Errorf("call: originate: %w", err)
	}
	return e.setOff(c, l, inv, first)
}

// ownCall is a call that we begin.
func (e *Engine) ownCall(from, number string) *Call {
	now := time.Now()
	c := &Call{id: store.NewID(now), eng: e, log: e.log, began: now, from: from, number: number, hops: 70,
		lang: e.world.Load().language(store.Number{}), acd: make(chan acd.Command, acdInbox), orders: make(chan order),
		vars: map[string]string{}}
	if a, ok := strings.CutPrefix(from, "agent:"); ok {
		c.name = plainName(e.world.Load().center.Agents[a].Name)
	}
	c.cdr = store.CDR{ID: c.id, Node: e.cfg.Node, Began: now, Caller: number, Name: c.name, From: from}
	return c
}

// ErrFullHouse answers who wants a call when there are as many as there may be.
var ErrFullHouse = errors.New("call: no capacity for another call")

// Dial rings an agent's phone and goes on as if he had dialled there: click to
// dial. He may be led to a number, a colleague, a queue, by a feature code or a
// parking slot. The far end sees the number show, which the agent must be allowed to
// show; "" is his trunk's.
func (e *Engine) Dial(agent, to, show, actor string) (id string, err error) {
	w := e.world.Load()
	a, ok := w.center.Agents[agent]
	if !ok {
		return "", fmt.Errorf("agent %s: %w", agent, ErrUnknown)
	}
	if show != "" && !slices.Contains(a.Show, show) {
		return "", fmt.Errorf("agent %s: %s: %w", agent, show, ErrNotShown)
	}
	number, hidden := w.unhidden(to)
	chosen, number, err := w.showing(agent, number)
	if err != nil {
		return "", err
	}
	if show == "" {
		show = chosen
	}
	next, err := e.clicked(w, agent, number, show)
	if err != nil {
		return "", err
	}
	c, err := e.ringFirstFor(w, agent, to, sip.Address{Display: to, User: plainNumber(to)}, hidden, next)
	if err != nil {
		return "", err
	}
	e.log.Info("dial", "agent", agent, "to", to, "call", c.id, "actor", actor)
	return c.id, nil
}

// clicked is the stage for what an agent might dial, with what is known to fail told
// before his phone rings.
func (e *Engine) clicked(w *world, agent, to, show string) (stage, error) {
	switch s := codeFor(w, agent, to).(type) {
	case nil:
	case pickStage:
		return e.pick(w, agent, s.target)
	default:
		return s, nil
	}
	if e.slots.call(to) != "" {
		return e.unpark(agent, to)
	}
	d, err := e.destination(to, "agent:"+agent)
	switch {
	case errors.Is(err, ErrNowhere) && parkingSlot(to):
		return nil, fmt.Errorf("%s: %w", to, ErrNotParked)
	case err != nil:
		return nil, err
	}
	if !d.rings() {
		return leadStage{d}, nil
	}
	d.ring.show = show
	return d.ring, nil
}

// ringFirstFor rings an agent's phone, which shows a number, and goes on with next when
// he has answered.
func (e *Engine) ringFirstFor(w *world, agent, to string, shown sip.Address, hidden bool, next stage) (*Call, error) {
	if e.occupied(agent) {
		return nil, fmt.Errorf("agent %s: %w", agent, ErrBusyAgent)
	}
	a := w.center.Agents[agent]
	targets := e.targets(agent, a)
	if len(targets) == 0 {
		return nil, fmt.Errorf("agent %s: %w", agent, ErrNoPhone)
	}
	inv := sip.Invite{Targets: targets, NoAnswer: phoneSilence, AutoAnswer: a.AutoAnswer, From: shown, To: sip.Address{User: agent}}
	c := e.ownCall("agent:"+agent, agent)
	c.hidden, c.cdr.Called = hidden, to
	return c, e.launch(c, "caller", "agent:"+agent, agent, inv, outStage{confirm: w.confirms(agent), next: next})
}
