package call

import (
	"context"
	"time"
)

// agenda does what the engine has to do at a later time: it calls customers back
// and tells people of new messages. One goroutine does all of it in order.
type agenda struct {
	jobs jobs
	gone chan struct{} // closed when run has returned
}

// agendaEvery is how often it looks for what is due.
const agendaEvery = time.Second

// run ends with ctx, which the engine cancels after its last call has ended.
func (e *Engine) runAgenda(ctx context.Context) {
	a := &e.agenda
	defer close(a.gone)
	t := time.NewTicker(agendaEvery)
	defer t.Stop()
	for {
		a.jobs.drain()
		select {
		case <-a.jobs.wake:
		case <-t.C:
			if e.ctx.Err() == nil {
				e.callbacksDue(time.Now())
				e.messagesDue(time.Now())
			}
		case <-ctx.Done():
			return
		}
	}
}

// do does something on the agenda's goroutine and waits for it.
func (a *agenda) do(f func() error) error {
	reply := make(chan error, 1)
	a.jobs.add(func() { reply <- f() })
	select {
	case err := <-reply:
		return err
	case <-a.gone:
		return ErrShutdown
	}
}
