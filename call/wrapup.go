package call

import (
	"errors"
	"slices"
	"sync"
	"time"

	"hotline/acd"
	"hotline/store"
)

// wrapUps measures how long agents work after their talks.
type wrapUps struct {
	calls sync.Map             // agent to the id of the call that the ACD last counted him in
	began map[string]time.Time // of agents in wrap-up; the dispatcher's
}

// worked is a wrap-up that is over.
type worked struct {
	agent string
	began time.Time
	long  time.Duration
}

// served notes whose wrap-up comes now, before the ACD hears of the talk's end.
func (u *wrapUps) served(agent, call string) { u.calls.Store(agent, call) }

// changed follows an agent's state; it gives a wrap-up that is over with its call.
// It runs on the dispatcher's goroutine.
func (u *wrapUps) changed(ch acd.AgentChanged) (call string, w worked) {
	id := string(ch.Agent)
	began, was := u.began[id]
	switch {
	case ch.State == acd.WrapUp && !was:
		if u.began == nil {
			u.began = map[string]time.Time{}
		}
		u.began[id] = ch.Since
	case ch.State != acd.WrapUp && was:
		delete(u.began, id)
		if v, ok := u.calls.LoadAndDelete(id); ok {
			return v.(string), worked{id, began, ch.Since.Sub(began)}
		}
	}
	return "", worked{}
}

// workedAfter writes an agent's wrap-up into the record of his call.
func (e *Engine) workedAfter(call string, w worked) {
	lock := e.noting.of(call)
	lock.Lock()
	defer lock.Unlock()
	if c := e.call(call); c != nil && !c.kept { // its caller is in the survey, say
		c.worked = append(c.worked, w)
		return
	}
	r, err := e.store.CDR(call)
	if err == nil {
		r.Talks = withWrapUp(r.Talks, w)
		err = e.store.PutCDR(r)
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		e.log.Warn("wrap-up was not noted", "call", call, "agent", w.agent, "err", err)
	}
}

// withWrapUp puts a wrap-up to the talk that it came after; it returns a new list.
func withWrapUp(talks []store.Talk, w worked) []store.Talk {
	out := slices.Clone(talks)
	for i := len(out) - 1; i >= 0; i-- {
		if out[i].Agent == w.agent && !out[i].Began.After(w.began) {
			out[i].WrapUp = store.Duration(w.long)
			break
		}
	}
	return out
}
