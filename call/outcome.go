package call

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// What came of a transfer.
const (
	TransferAnswered = "answered" // who was named talks with the caller
	TransferLed      = "led"      // the caller is in the queue, menu or room that was named
	TransferBack     = "back"     // nobody took him: he is with the agent again, or the agent's phone rings
	TransferGone     = "gone"     // the caller hung up, or was led elsewhere
	TransferRuns     = "running"  // it is not over
)

// TransferView is what came of a transfer, for whoever asked for it.
type TransferView struct {
	State string `json:"state"`         // one of the Transfer constants
	To    string `json:"to"`            // as it was asked for
	By    string `json:"by,omitempty"`  // who took the call: "agent:1002", a number
	Why   string `json:"why,omitempty"` // of back and gone
}

// outcome takes what comes of a transfer. A stage gives it without waiting, and
// nil takes nothing: nobody who waits can hold up the call.
type outcome chan TransferView

func (o outcome) give(v TransferView) {
	select {
	case o <- v:
	default:
	}
}

// Transfer leads the caller of a talk to somebody else as [Engine.Order] does, and
// waits until it is known what came of it, the call is over or ctx ends, which
// leaves the transfer alone.
func (e *Engine) Transfer(ctx context.Context, ref, to, actor string) (TransferView, error) {
	o := Order{Do: DoTransfer, To: to}
	c, err := e.find(ref)
	if err != nil {
		return TransferView{}, err
	}
	x := order{Order: o, actor: actor, told: make(outcome, 1)}
	if x.dest, err = e.destinationOf(o, actor); err != nil {
		return TransferView{}, err
	}
	if err := c.order(x); err != nil {
		return TransferView{}, fmt.Errorf("call %s: %s: %w", c.id, o.Do, err)
	}
	v := TransferView{State: TransferRuns}
	select {
	case v = <-x.told:
	case <-ctx.Done():
	case <-c.life.Done():
		select {
		case v = <-x.told:
		case <-time.After(takeTime): // it broke
			v.State, v.Why = TransferGone, "the call is over"
		}
	}
	v.To = to
	return v, nil
}

// tell says what came of it that the stage has ended.
func (x *transferring) tell(state, why string) {
	v := TransferView{State: state, Why: why}
	if state == TransferAnswered {
		if v.By = x.to.name; x.to.ring.agent != "" {
			v.By = "agent:" + x.to.ring.agent
		}
	}
	x.told.give(v)
}

// stopped says why a transfer ended before anybody answered.
func stopped(ctx context.Context) string {
	var m *Moved
	if errors.As(context.Cause(ctx), &m) {
		return m.Error()
	}
	return "the caller hung up"
}
