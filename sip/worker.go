package sip

import (
	"context"
	"runtime/debug"
	"sync"
	"time"
)

// worker owns the transactions and dialogs of the Call-IDs that hash to it. Its
// goroutine alone touches them, and never blocks.
type worker struct {
	e    *Endpoint
	in   chan *message // bounded; a reader waits when it is full
	wake chan struct{}

	mu   sync.Mutex // guards todo
	todo []func()   // commands of other goroutines

	now     time.Time
	alarms  alarms
	server  map[serverKey]*serverTx
	client  map[clientKey]*clientTx
	merged  map[mergeKey]*serverTx
	dialogs map[string]*Dialog // by local tag
	busy    *Dialog            // whose handler runs
}

func newWorker(e *Endpoint) *worker {
	return &worker{
		e:       e,
		in:      make(chan *message, e.cfg.Queue),
		wake:    make(chan struct{}, 1),
		server:  map[serverKey]*serverTx{},
		client:  map[clientKey]*clientTx{},
		merged:  map[mergeKey]*serverTx{},
		dialogs: map[string]*Dialog{},
	}
}

// post runs f on the worker, later. It never blocks; any goroutine.
func (w *worker) post(f func()) {
	w.mu.Lock()
	w.todo = append(w.todo, f)
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// run handles messages, commands and alarms until ctx ends.
func (w *worker) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var next time.Time // what timer is set to
	for {
		if len(w.alarms) > 0 && !w.alarms[0].at.Equal(next) {
			next = w.alarms[0].at
			timer.Reset(time.Until(next))
		}
		select {
		case <-ctx.Done():
			return
		case m := <-w.in:
			w.now = time.Now()
			w.safely(m, func() { w.message(m) })
		case <-w.wake:
			w.now = time.Now()
			w.commands()
		case <-timer.C:
			w.now, next = time.Now(), time.Time{}
			for a := w.alarms.due(w.now); a != nil; a = w.alarms.due(w.now) {
				w.safely(nil, func() { a.owner.ring(a.kind) })
			}
		}
	}
}

func (w *worker) commands() {
	w.mu.Lock()
	todo := w.todo
	w.todo = nil
	w.mu.Unlock()
	for _, f := range todo {
		w.safely(nil, f)
	}
}

// safely runs a handler. If it panics, the dialog it worked for is ended and the
// worker goes on.
func (w *worker) safely(m *message, f func()) {
	w.busy = nil
	defer func() {
		if p := recover(); p != nil {
			w.e.stats.Panics.Add(1)
			w.e.cfg.Log.Error("sip: handler panicked", "err", p, "stack", string(debug.Stack()))
			w.salvage(m)
		}
	}()
	f()
}

// salvage answers 500 to the request that broke its handler, and ends the dialog.
func (w *worker) salvage(m *message) {
	defer func() {
		if p := recover(); p != nil {
			w.e.stats.Panics.Add(1)
		}
	}()
	d := w.busy
	if m != nil && m.method != "" && m.method != "ACK" {
		if tx := w.server[keyOf(m, m.method)]; tx != nil && !tx.final {
			tx.respond(500, refusal(m, 500, "", tx.tag))
		}
	}
	if d != nil {
		d.crash()
	}
}

// set starts or moves an alarm.
func (w *worker) set(a *alarm, d time.Duration) { w.alarms.set(a, w.now.Add(d)) }

func (w *worker) clear(a *alarm) { w.alarms.clear(a) }
