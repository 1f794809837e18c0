package call

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"hotline/acd"
	"hotline/store"
)

// Why a callback can't be had or changed.
var (
	ErrNoCallback     = errors.New("can't be called back")
	ErrCallbackOver   = errors.New("the callback is over")
	ErrCallbackTalks  = errors.New("the customer is on the line already")
	errCalledBack     = errors.New("is called back already")
	errBlocked        = errors.New("is kept out; see hotline caller list")
	errCallbackCancel = errors.New("callback cancelled")
)

// Defaults and bounds of callbacks.
const (
	callbackTries  = 3
	callbackPause  = 5 * time.Minute
	callbackAborts = 10                  // times that an agent hangs up before the customer answers
	callbackKept   = 90 * 24 * time.Hour // how long one that is over is kept
	callbackKey    = "1"
)

// callbacks are those that are not over, by their name in the ACD.
type callbacks struct{ items sync.Map }

// callback is a place in a queue without a caller. The agenda's goroutine writes
// it; a call that serves it tells that what became of it.
type callback struct {
	rec    atomic.Pointer[store.Callback] // replaced, never changed
	talk   atomic.Pointer[Call]           // whose agent has accepted; nil: none
	queued bool                           // the ACD has it
	rings  map[acd.OfferID]*Call          // phones of agents
	aborts int
}

func (e *Engine) callback(id acd.CallID) *callback {
	if v, ok := e.callbacks.items.Load(id); ok {
		return v.(*callback)
	}
	return nil
}

func (b *callback) id() acd.CallID { return acd.CallID(b.rec.Load().ID) }

// acdID is the call's name in the ACD: that of the callback that it serves, or
// its own.
func (c *Call) acdID() acd.CallID {
	if c.item != nil {
		return c.item.id()
	}
	return acd.CallID(c.id)
}

// givenFor is whom the ACD gave away with an offer; "" for the call itself.
func (c *Call) givenFor(o acd.Offer) string {
	if id := string(o.Call); id != c.id {
		return id
	}
	return ""
}

// each calls f with all callbacks that are not over, oldest first.
func (k *callbacks) each(f func(*callback)) {
	byID := map[string]*callback{}
	k.items.Range(func(id, v any) bool {
		byID[string(id.(acd.CallID))] = v.(*callback)
		return true
	})
	for _, id := range sortedKeys(byID) {
		f(byID[id])
	}
}

// addCallback gives a callback its place in the queue.
func (e *Engine) addCallback(r store.Callback) error {
	return e.agenda.do(func() error {
		r.State = store.CallbackWaiting
		if err := e.store.PutCallback(r); err != nil {
			return err
		}
		b := &callback{rings: map[acd.OfferID]*Call{}}
		b.rec.Store(&r)
		e.callbacks.items.Store(acd.CallID(r.ID), b)
		e.enqueueCallback(b)
		e.log.Info("callback asked for", "callback", r.ID, "queue", r.Queue, "call", r.Call)
		return nil
	})
}

// change writes a callback anew; it runs on the agenda's goroutine, as all below.
func (e *Engine) change(b *callback, f func(*store.Callback)) {
	r := *b.rec.Load()
	r.Tries = slices.Clone(r.Tries)
	f(&r)
	b.rec.Store(&r)
	if err := e.store.PutCallback(r); err != nil {
		e.log.Error("callback was not noted", "callback", r.ID, "err", err)
	}
}

// enqueueCallback puts a callback at its place, if its queue is open.
func (e *Engine) enqueueCallback(b *callback) {
	w, r := e.world.Load(), b.rec.Load()
	q, ok := w.center.Queues[r.Queue]
	switch {
	case !ok || q.Callback == nil:
		e.endCallback(b, store.CallbackGivenUp, "queue "+r.Queue+" calls nobody back any more")
		return
	case !w.callbackOpen(q):
		e.change(b, func(r *store.Callback) { r.State, r.Next = store.CallbackClosed, time.Time{} })
		return
	}
	// Whose place it is decides who may serve him, as if he were on the line.
	c := &Call{id: r.ID, eng: e, log: e.log, number: r.Caller, lang: r.Language}
	c.cdr.Called = r.Called
	ev := c.queued(w, waitStage{queue: r.Queue, needs: maps.Clone(r.Needs), since: r.Since, category: r.Category}, q)
	ev.Stay = true
	b.queued = true
	if r.State != store.CallbackWaiting {
		e.change(b, func(r *store.Callback) { r.State, r.Next = store.CallbackWaiting, time.Time{} })
	}
	e.disp.must(ev)
}

// dequeueCallback takes a callback out of the queue and ends what rings for it.
func (e *Engine) dequeueCallback(b *callback) {
	for _, c := range b.rings {
		c.cancel(errCallbackCancel)
	}
	if c := b.talk.Load(); c != nil {
		c.cancel(errCallbackCancel)
	}
	if b.queued {
		b.queued = false
		if b.talk.Load() == nil { // else the talk's end tells the ACD
			e.disp.must(acd.CallLeft{Call: b.id()})
		}
	}
}

// endCallback is the end of a callback.
func (e *Engine) endCallback(b *callback, state, why string) {
	e.dequeueCallback(b)
	e.change(b, func(r *store.Callback) {
		r.State, r.Why, r.Ended, r.Next = state, why, time.Now(), time.Time{}
	})
	r := b.rec.Load()
	e.callbacks.items.Delete(acd.CallID(r.ID))
	e.log.Info("callback over", "callback", r.ID, "queue", r.Queue, "state", state, "why", why, "tries", len(r.Tries))
}

// CancelCallback ends a callback that waits.
func (e *Engine) CancelCallback(id, actor string) error {
	return e.cancelCallback(id, "cancelled by "+actor)
}

func (e *Engine) cancelCallback(id, why string) error {
	return e.agenda.do(func() error {
		b := e.callback(acd.CallID(id))
		if b == nil {
			if _, err := e.store.Callback(id); err != nil {
				return err
			}
			return fmt.Errorf("callback %s: %w", id, ErrCallbackOver)
		}
		if b.rec.Load().State == store.CallbackTalking {
			return fmt.Errorf("callback %s: %w", id, ErrCallbackTalks)
		}
		e.endCallback(b, store.CallbackCancelled, why)
		return nil
	})
}

// toCallback hands a command of the ACD to a callback; it runs on the
// dispatcher's goroutine. It is false if there is none of that name.
func (e *Engine) toCallback(id acd.CallID, cmd acd.Command) bool {
	b := e.callback(id)
	if b == nil {
		return false
	}
	if _, back := cmd.(acd.Withdraw); !back {
		if c := b.talk.Load(); c != nil { // the customer waits again, on the line
			return c.put(cmd)
		}
	}
	e.agenda.jobs.add(func() {
		switch cmd := cmd.(type) {
		case acd.Offer:
			e.ringFor(b, cmd)
		case acd.Withdraw:
			if c := b.rings[cmd.ID]; c != nil {
				c.put(cmd)
			} else if c := b.talk.Load(); c != nil {
				c.put(cmd)
			}
		case acd.Overflow: // its queue is gone, or it is queued anew
			b.queued = false
			if e.callback(b.id()) == b && b.talk.Load() == nil {
				e.enqueueCallback(b)
			}
		}
	})
	return true
}

// ringFor rings the agent to whom a callback is offered.
func (e *Engine) ringFor(b *callback, o acd.Offer) {
	r := b.rec.Load()
	w := e.world.Load()
	q, ok := w.center.Queues[r.Queue]
	if r.Over() || b.talk.Load() != nil || !ok || q.Callback == nil || e.ctx.Err() != nil {
		e.disp.must(acd.OfferRefused{Offer: o.ID, How: acd.CallerGone})
		return
	}
	c, err := e.ringAgent(b, o, q)
	if err != nil {
		how, word := refusal(err)
		e.log.Warn("agent was not rung for a callback", "callback", r.ID, "agent", o.Agent, "why", word, "err", err)
		e.disp.must(acd.OfferRefused{Offer: o.ID, How: how})
		return
	}
	b.rings[o.ID] = c
}

// rangFor forgets a call that rang an agent, and ends the callback with the talk.
func (e *Engine) rangFor(b *callback, c *Call) {
	maps.DeleteFunc(b.rings, func(_ acd.OfferID, x *Call) bool { return x == c })
	if b.talk.Load() != c || b.rec.Load().Over() {
		return
	}
	if b.rec.Load().State == store.CallbackTalking {
		b.queued = false
		e.endCallback(b, store.CallbackDone, "served")
		return
	}
	e.tried(b, c, "", true) // it broke
}

// tried notes how a call to the customer ended before he was on the line; "": he
// was not called, since the agent hung up.
func (e *Engine) tried(b *callback, c *Call, result string, again bool) {
	if b.talk.Load() == c {
		b.talk.Store(nil)
	}
	b.queued = false // the ACD forgot it with the end of the agent's part
	if b.rec.Load().Over() || e.ctx.Err() != nil {
		return
	}
	q := e.world.Load().center.Queues[b.rec.Load().Queue]
	cfg := q.Callback
	if result == "" {
		b.aborts++
		switch {
		case !again:
			e.endCallback(b, store.CallbackCancelled, "an operator ended it")
		case b.aborts >= callbackAborts:
			e.endCallback(b, store.CallbackGivenUp, "agents hung up too often")
		default:
			e.enqueueCallback(b)
		}
		return
	}
	most, pause := callbackTries, callbackPause
	if cfg != nil {
		if cfg.Tries > 0 {
			most = cfg.Tries
		}
		pause = orDefault(cfg.Pause.D(), callbackPause)
	}
	if result != noLine {
		e.change(b, func(r *store.Callback) {
			r.Tries = append(r.Tries, store.CallbackTry{Call: c.id, Agent: c.agent, At: time.Now(), Result: result})
		})
	}
	if len(b.rec.Load().Tries) >= most || !again {
		e.endCallback(b, store.CallbackGivenUp, "not reached: "+result)
		return
	}
	e.change(b, func(r *store.Callback) { r.State, r.Next = store.CallbackPaused, time.Now().Add(pause) })
}

// reached notes that the customer is on the line.
func (e *Engine) reached(b *callback, c *Call) {
	e.change(b, func(r *store.Callback) {
		r.State = store.CallbackTalking
		r.Tries = append(r.Tries, store.CallbackTry{Call: c.id, Agent: c.agent, At: time.Now(), Result: "answered"})
	})
}

// callbacksDue takes up what paused and follows the opening hours.
func (e *Engine) callbacksDue(now time.Time) {
	w := e.world.Load()
	e.callbacks.each(func(b *callback) {
		r := b.rec.Load()
		q, ok := w.center.Queues[r.Queue]
		switch {
		case b.talk.Load() != nil || len(b.rings) > 0:
		case !ok || q.Callback == nil:
			e.enqueueCallback(b) // which ends it
		case r.State == store.CallbackPaused && !now.Before(r.Next),
			r.State == store.CallbackClosed && w.callbackOpen(q):
			e.enqueueCallback(b)
		case r.State == store.CallbackWaiting && b.queued && !w.callbackOpen(q):
			e.dequeueCallback(b)
			e.change(b, func(r *store.Callback) { r.State = store.CallbackClosed })
		}
	})
}

// resumeCallbacks brings the callbacks of an earlier process to their places.
func (e *Engine) resumeCallbacks() {
	var list []store.Callback
	err := e.store.Callbacks(func(r store.Callback) bool {
		if !r.Over() {
			list = append(list, r)
		}
		return true
	})
	if err != nil {
		e.log.Error("callbacks were not read; nobody is called back", "err", err)
	}
	for _, r := range list {
		b := &callback{rings: map[acd.OfferID]*Call{}}
		b.rec.Store(&r)
		e.callbacks.items.Store(acd.CallID(r.ID), b)
		switch r.State {
		case store.CallbackTalking:
			e.endCallback(b, store.CallbackDone, "the engine ended in the talk")
		case store.CallbackPaused: // goes on when its time has come
		default:
			e.enqueueCallback(b)
		}
	}
}

// trimCallbacks forgets those that are long over.
func (e *Engine) trimCallbacks(before time.Time) {
	var old []string
	err := e.store.Callbacks(func(r store.Callback) bool {
		if r.Over() && r.Ended.Before(before) {
			old = append(old, r.ID)
		}
		return true
	})
	for _, id := range old {
		err = errors.Join(err, e.store.DeleteCallback(id))
	}
	if err != nil {
		e.log.Warn("old callbacks were not deleted", "err", err)
	}
}
