package call

import (
	"context"
	"fmt"
	"time"

	"hotline/sip"
)

// outgoing is a call of our own to a number, over each trunk of its way in turn.
type outgoing struct {
	way     dialStage
	agent   string // who has it made: counted against his limit; "" nobody
	from    string // what the far end sees where neither the agent nor the trunk has a number
	display string
}

// invite is the INVITE over the first trunk of the way.
func (o outgoing) invite(e *Engine, w *world) (sip.Invite, error) {
	t := w.center.Trunks[o.way.trunk]
	targets, _ := e.sip.Trunk(o.way.trunk, o.way.number)
	if len(targets) == 0 {
		return sip.Invite{}, fmt.Errorf("call: trunk %s: %w", o.way.trunk, errUnreachable)
	}
	inv := sip.Invite{Targets: targets, NoAnswer: orDefault(t.NoAnswer.D(), trunkSilence), Redirects: t.Redirects, Anonymous: t.Hide,
		From: sip.Address{Display: o.display, User: t.CallerID}, To: sip.Address{User: o.way.number}}
	if own := w.center.Agents[o.agent].Show; len(own) > 0 {
		inv.From.User = own[0]
	}
	if inv.From.User == "" {
		inv.From.User = o.from
	}
	if t.Trusted {
		inv.Asserted = inv.From.User
	}
	return inv, nil
}

// outLeg opens the leg for the first trunk that takes the call; the way is what is
// left of it then.
func (e *Engine) outLeg(o *outgoing) (*Leg, sip.Invite, error) {
	w := e.world.Load()
	for {
		inv, err := o.invite(e, w)
		var counted []string
		if err == nil {
			counted, err = e.goesOut(w, o.way.trunk, o.agent)
		}
		if err == nil {
			l, err := e.newLeg("caller", "trunk:"+o.way.trunk, o.way.number)
			if err != nil {
				e.outs.give(counted)
				return nil, inv, fmt.Errorf("call: originate: %w", err)
			}
			l.counted.Store(&counted)
			l.trial.Store(len(o.way.more) > 0)
			return l, inv, nil
		}
		next, ok := o.way.after(err)
		if !ok {
			return nil, inv, err
		}
		e.log.Warn("trunk takes no call; the next one is tried", "peer", "trunk:"+o.way.trunk, "err", err)
		o.way = next
	}
}

// originateOut begins a call of our own whose caller's leg is a number outside.
func (e *Engine) originateOut(o outgoing, confirm bool, next stage) (*Call, error) {
	l, inv, err := e.outLeg(&o)
	if err != nil {
		return nil, err
	}
	c := e.ownCall(l.peer, l.phone)
	return c, e.setOff(c, l, inv, outStage{confirm: confirm, next: next, out: o})
}

// again rings over the next trunk of a call of our own, if that may do better after
// an error. The leg that failed goes into the record.
func (s *outStage) again(ctx context.Context, c *Call, err error) bool {
	way, ok := s.out.way.after(err)
	if !ok || ctx.Err() != nil {
		return false
	}
	was, out := c.caller, s.out
	out.way = way
	l, inv, fault := c.eng.outLeg(&out)
	if fault != nil {
		return false
	}
	c.note("%s failed: %v", s.out.way.trunk, err)
	s.out = out
	c.unwatch()
	was.moved = nil
	c.legs = append(c.legs, was)
	c.from, c.cdr.From = l.peer, l.peer
	c.ringFirst(l, inv)
	c.watchCaller()
	c.dropLeg(was, causeElsewhere, blameOf(was.role, was.peer))
	c.journal()
	return true
}

// ringFirst sends the INVITE of the caller's leg of a call of our own.
func (c *Call) ringFirst(l *Leg, inv sip.Invite) {
	l.moved = c.journal
	l.aims(inv.Targets)
	c.caller = l
	inv.Media, inv.Inbox = l, l
	l.rung = true
	l.d = c.eng.sip.Dial(inv)
	l.call.Store(c)
}

// setOff rings the first leg of a call of our own and begins the call.
func (e *Engine) setOff(c *Call, l *Leg, inv sip.Invite, first stage) error {
	var ctx context.Context
	ctx, c.cancel = context.WithCancelCause(e.ctx)
	c.caller = l
	if !e.admit(c) {
		l.close()
		return ErrFullHouse
	}
	c.ringFirst(l, inv)
	e.log.Info("call begin", "call", c.id, "peer", l.peer, "called", l.phone, "origin", "us")
	// Owned by the engine; ends with the call, which ends with the engine's context.
	go func() {
		defer e.wg.Done()
		e.serve(ctx, c, first)
	}()
	return nil
}

// outStage waits until the phone that we ring first is answered.
type outStage struct {
	confirm bool
	next    stage
	out     outgoing // of a number outside; zero: an agent's phone
}

func (s outStage) name() string { return "ring" }

func (s outStage) run(ctx context.Context, c *Call) stage {
	ctx, cancel := context.WithTimeoutCause(ctx, ringFor, ErrWithdrawn)
	defer cancel()
	for {
		err := c.awaitAgent(ctx, c.caller, acceptance{key: s.confirm})
		if err == nil {
			break
		}
		if s.again(ctx, c, err) {
			continue
		}
		c.stopMoving(ctx)
		c.note("not answered: %v", err)
		c.blame(causeNoAnswer.Status, causeNoAnswer.Q850, "not answered: "+err.Error(), blameOf("agent", c.from))
		return nil
	}
	c.answers, c.cdr.Answered = true, time.Now()
	c.seatCaller()
	return s.next
}
