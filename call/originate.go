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
	c, err := e.originate("agent:"+agent, agent, to, inv, w.confirms(agent), d.ring)
	if err != nil {
		return "", err
	}
	e.log.Info("dial", "agent", agent, "to", to, "call", c.id, "actor", actor)
	return c.id, nil
}
