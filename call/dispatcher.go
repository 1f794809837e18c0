package call

import (
	"context"
	"fmt"
	"strings"
	"time"

	"hotline/acd"
	"hotline/store"
)

// dispatcher is the one goroutine that owns the acd.Core: it feeds it events
// and the time, journals them, and hands each command to the call it is for. A
// call whose inbox is full is broken and ended.
type dispatcher struct {
	core   *acd.Core
	events chan request
	gone   chan struct{} // closed when run has returned; what is sent then is lost
	began  time.Time
	eng    *Engine
	seq    uint64
	epoch  uint64
	back   []acd.Event                // of commands that could not be delivered
	offers map[acd.OfferID]acd.CallID // that ring
	quiet  bool                       // old ratings are fed: their alarms were raised when they were given
	doubts acd.Reconciler
}

// request is an event, or a question to the core.
type request struct {
	ev    acd.Event
	late  func() acd.Event // makes the event when its turn has come
	ask   func(*acd.Core, time.Time)
	reply chan []acd.Command // gets what an event led to; nil if nobody asks
}

// dispatchQueue is how many events may wait; calls wait for room.
const dispatchQueue = 4096

func newDispatcher(e *Engine, epoch uint64) *dispatcher {
	return &dispatcher{core: acd.New(acd.Config{Node: e.cfg.Node, Epoch: epoch}), eng: e, epoch: epoch,
		events: make(chan request, dispatchQueue), gone: make(chan struct{}), began: time.Now(), offers: map[acd.OfferID]acd.CallID{}}
}

// now is the wall clock of the start plus the time since: a wall clock that is
// set back must not stop the timers, nor one set forward end all waits.
func (d *dispatcher) now() time.Time { return d.began.Add(time.Since(d.began)) }

// run ends with ctx, which the engine cancels after its last call has ended.
func (d *dispatcher) run(ctx context.Context) {
	defer close(d.gone)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	look := time.NewTicker(acd.ReconcileEvery)
	defer look.Stop()
	for {
		if at, ok := d.core.Deadline(); ok {
			timer.Reset(max(at.Sub(d.now()), 0))
		} else {
			timer.Reset(time.Hour)
		}
		select {
		case r := <-d.events:
			d.handle(r)
		case <-timer.C:
			d.step(acd.Tick{})
		case <-look.C:
			d.reconcile()
		case <-ctx.Done():
			return
		}
	}
}

func (d *dispatcher) handle(r request) {
	if r.ask != nil {
		r.ask(d.core, d.now())
		close(r.reply)
		return
	}
	if r.late != nil {
		r.ev = r.late()
	}
	out := d.step(r.ev)
	if r.reply != nil {
		r.reply <- out
	}
}

// step applies an event and does what it leads to.
func (d *dispatcher) step(ev acd.Event) []acd.Command {
	now := d.now()
	out := d.apply(now, ev)
	for len(d.back) > 0 {
		ev := d.back[0]
		d.back = d.back[1:]
		d.apply(now, ev)
	}
	return out
}

func (d *dispatcher) apply(now time.Time, ev acd.Event) []acd.Command {
	d.log(now, ev)
	d.eng.agentAsks(ev, now)
	switch ev := ev.(type) {
	case acd.OfferAnswered:
		delete(d.offers, ev.Offer)
	case acd.OfferRefused:
		delete(d.offers, ev.Offer)
	}
	out := d.core.Step(now, ev)
	for _, cmd := range out {
		d.deliver(cmd)
	}
	return out
}

// log journals an event for replay. A Tick that found nothing due would add
// nothing, but what is due depends on its time, so it is kept too.
func (d *dispatcher) log(now time.Time, ev acd.Event) {
	body, err := acd.EncodeEvent(ev)
	if err != nil {
		d.eng.log.Error("acd event was not journalled", "err", err)
		return
	}
	d.seq++
	d.eng.store.LogACD([]store.ACDEvent{{Seq: d.epoch<<40 | d.seq, At: now, Kind: strings.TrimPrefix(fmt.Sprintf("%T", ev), "acd."), Body: body}})
}

// deliver never blocks.
func (d *dispatcher) deliver(cmd acd.Command) {
	switch cmd := cmd.(type) {
	case acd.Offer:
		d.eng.metrics.decision(string(cmd.Queue), cmd.Reason.Factor)
		d.offers[cmd.ID] = cmd.Call
		if !d.toCall(cmd.Call, cmd) {
			d.back = append(d.back, acd.OfferRefused{Offer: cmd.ID, How: acd.CallerGone})
		}
	case acd.Withdraw:
		call := d.offers[cmd.ID]
		delete(d.offers, cmd.ID)
		d.toCall(call, cmd)
	case acd.Overflow:
		d.toCall(cmd.Call, cmd)
	case acd.AgentChanged:
		d.eng.agentChanged(cmd)
	case acd.RatingAlarm:
		if !d.quiet {
			d.eng.ratingAlarm(cmd)
		}
	}
}

func (d *dispatcher) toCall(id acd.CallID, cmd acd.Command) bool {
	c := d.eng.call(string(id))
	if c == nil {
		return d.eng.toCallback(id, cmd)
	}
	return c.put(cmd)
}

// put hands the call a command of the ACD; it never blocks.
func (c *Call) put(cmd acd.Command) bool {
	select {
	case c.acd <- cmd:
		return true
	default: // it would wait for ever for what it missed
		c.eng.stats.Dropped.Add(1)
		c.cancel(ErrInternal)
		return false
	}
}

// send hands over an event; it waits for room, unless ctx ends.
func (d *dispatcher) send(ctx context.Context, ev acd.Event) error {
	select {
	case d.events <- request{ev: ev}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// must hands over an event that may not be lost: the last words of a stage. It
// waits for room; the dispatcher outlives all calls.
func (d *dispatcher) must(ev acd.Event) { d.put(request{ev: ev}) }

// mustLate is must for an event that tells how something is now: it is made on
// the dispatcher's goroutine, so that of several changes the last one counts.
func (d *dispatcher) mustLate(f func() acd.Event) { d.put(request{late: f}) }

func (d *dispatcher) put(r request) {
	select {
	case d.events <- r:
	case <-d.gone:
	}
}

// ask runs a question on the dispatcher's goroutine. What it writes may be read
// only if ask returns nil: otherwise it may still run.
func (d *dispatcher) ask(ctx context.Context, f func(*acd.Core, time.Time)) error {
	r := request{ask: f, reply: make(chan []acd.Command)}
	select {
	case d.events <- r:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case <-r.reply:
		return nil
	case <-d.gone:
		return ErrShutdown
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// accept tells that the agent has answered; false if the offer is no longer his.
func (d *dispatcher) accept(ctx context.Context, o acd.Offer) bool {
	r := request{ev: acd.OfferAnswered{Offer: o.ID}, reply: make(chan []acd.Command, 1)}
	select {
	case d.events <- r:
	case <-ctx.Done():
		return false
	}
	var out []acd.Command
	select {
	case out = <-r.reply:
	case <-d.gone:
	}
	for _, cmd := range out {
		if a, ok := cmd.(acd.AgentChanged); ok && a.State == acd.Talking && a.Call == o.Call && a.Agent == o.Agent {
			return true
		}
	}
	return false
}

// position is a caller's place in his queue and what he may expect to wait.
func (d *dispatcher) position(ctx context.Context, id acd.CallID) (int, time.Duration, bool) {
	var got struct {
		pos  int
		wait time.Duration
		ok   bool
	}
	if d.ask(ctx, func(c *acd.Core, _ time.Time) { got.pos, got.wait, got.ok = c.Position(id) }) != nil {
		return 0, 0, false
	}
	return got.pos, got.wait, got.ok
}

// snapshot is all agents and queues as they are; nothing if the answer is late.
func (d *dispatcher) snapshot(ctx context.Context) ([]acd.AgentInfo, []acd.QueueInfo) {
	var got struct {
		agents []acd.AgentInfo
		queues []acd.QueueInfo
	}
	if d.ask(ctx, func(c *acd.Core, now time.Time) { got.agents, got.queues = c.Agents(), c.Queues(now) }) != nil {
		return nil, nil
	}
	return got.agents, got.queues
}
