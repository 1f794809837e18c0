package call

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Order is what a person asks of a running call. Whether he does so by a command,
// over the API, by keys or by his phone's REFER, the same stage carries it out.
type Order struct {
	Do string `json:"do"`           // one of the Do constants
	To string `json:"to,omitempty"` // of transfer and consult: the destination
}

// The orders.
const (
	DoHold       = "hold"     // the caller hears music, the agent nothing
	DoRetrieve   = "retrieve" // ends hold
	DoTransfer   = "transfer" // to another agent, queue, number; who fails to answer brings the caller back
	DoConsult    = "consult"  // rings somebody while the caller hears music
	DoToggle     = "toggle"   // in a consultation: talk with the other one
	DoComplete   = "complete" // in a consultation: the two go on without the agent
	DoCancel     = "cancel"   // of a transfer or a consultation: back to the caller
	DoJoin       = "join"     // in a consultation: all three hear each other
	DoPark       = "park"     // the caller waits without an agent until somebody dials the slot
	DoSurvey     = "survey"   // ends the agent's part, the caller rates him
	DoRecord     = "record"   // begins a recording
	DoStopRecord = "stop-record"
	DoPause      = "pause"  // of the recording: silence in the file
	DoResume     = "resume" // of the recording
)

// Orders lists what can be asked of a call.
func Orders() []string {
	return []string{DoHold, DoRetrieve, DoTransfer, DoConsult, DoToggle, DoComplete, DoCancel, DoJoin, DoPark, DoSurvey,
		DoRecord, DoStopRecord, DoPause, DoResume}
}

// Why an order can't be carried out.
var (
	ErrBadOrder    = errors.New("no such order")
	ErrHeld        = errors.New("is on hold already")
	ErrNotHeld     = errors.New("is not on hold")
	ErrNoConsult   = errors.New("nobody is consulted; use consult first")
	ErrNoRing      = errors.New("does not ring, so nobody can be asked there first; use transfer")
	ErrNoAnswerYet = errors.New("the one consulted has not answered yet")
	ErrRecording   = errors.New("is recorded already")
	ErrNoRecording = errors.New("is not recorded")
	ErrNoRecorder  = errors.New("recordings can't be made now; see hotline status")
	ErrPaused      = errors.New("the recording is paused already")
	ErrNotPaused   = errors.New("the recording is not paused")
	ErrNoSlot      = errors.New("all parking slots are taken")
)

// doMask is pressed only; commands have [Engine.Mask].
const doMask = "mask"

// order is an Order on its way to the stage.
type order struct {
	Order
	actor string // "agent:1001", "cli:root"
	dest  destination
	hand  *handover        // brings a leg
	give  chan<- *handover // wants one
	reply chan<- error
	told  outcome // of a transfer that somebody waits for
}

// done answers who asked; nobody may wait any more.
func (o order) done(err error) {
	select { // a nil channel takes nothing
	case o.reply <- err:
	default:
	}
}

// words are what the audit log has of an order.
func (o order) words() string {
	switch o.Do {
	case doTake, doPickUp:
		return "takes the caller"
	case doAttach, doSurrender:
		return "attended transfer"
	}
	return strings.TrimSpace(o.Do + " " + o.To)
}

// takeTime is how long a stage may take until it takes an order. One that does
// not is in no state to carry it out.
const takeTime = time.Second

// Order asks something of a running call, named as for [Engine.Supervise].
func (e *Engine) Order(ref string, o Order, actor string) error {
	if !slices.Contains(Orders(), o.Do) {
		return fmt.Errorf("order %q: %w; use one of %s", o.Do, ErrBadOrder, strings.Join(Orders(), ", "))
	}
	c, err := e.find(ref)
	if err != nil {
		return err
	}
	x := order{Order: o, actor: actor}
	if o.Do == DoTransfer || o.Do == DoConsult {
		if x.dest, err = e.destinationOf(o, actor); err != nil {
			return err
		}
	}
	if err := c.order(x); err != nil {
		return fmt.Errorf("call %s: %s: %w", c.id, o.Do, err)
	}
	return nil
}

// destinationOf is where an order leads. Who is consulted must have a phone.
func (e *Engine) destinationOf(o Order, actor string) (destination, error) {
	d, err := e.destination(o.To, actor)
	if err == nil && o.Do == DoConsult && !d.rings() {
		err = fmt.Errorf("%s: %w", o.To, ErrNoRing)
	}
	return d, err
}

// order hands an order to the call's stage and waits for its answer.
func (c *Call) order(x order) error {
	reply := make(chan error, 1)
	x.reply = reply
	t := time.NewTimer(takeTime)
	defer t.Stop()
	select {
	case c.orders <- x:
	case <-t.C:
		return ErrNotNow
	}
	t.Reset(askTime)
	select {
	case err := <-reply:
		if err == nil {
			c.eng.log.Info("order", "call", c.id, "do", x.Do, "to", x.To, "actor", x.actor)
			c.eng.auditCall(c, x.actor, actOrder, x.words())
		}
		return err
	case <-t.C:
		return ErrNotNow
	}
}
