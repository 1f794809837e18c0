package sip

import "time"

// Timers of RFC 3261, table 4.
const (
	t1       = 500 * time.Millisecond
	t2       = 4 * time.Second
	t4       = 5 * time.Second
	lifetime = 64 * t1 // of transactions, and of what must still answer after its end
)

// alarm is one timer of a worker. Its owner is called when it is due.
type alarm struct {
	at    time.Time
	pos   int // index in the heap plus 1; 0 = not set
	owner alarmed
	kind  uint8 // for owners that have several
}

// alarmed owns alarms; called on the worker.
type alarmed interface{ ring(kind uint8) }

func (a *alarm) on() bool { return a.pos > 0 }

// alarms is a heap by time, owned by one worker.
type alarms []*alarm

func (h *alarms) set(a *alarm, at time.Time) {
	a.at = at
	if a.pos > 0 {
		i := a.pos - 1
		h.down(i)
		h.up(i)
		return
	}
	*h = append(*h, a)
	a.pos = len(*h)
	h.up(a.pos - 1)
}

func (h *alarms) clear(a *alarm) {
	if a.pos == 0 {
		return
	}
	i, n := a.pos-1, len(*h)-1
	h.swap(i, n)
	(*h)[n] = nil
	*h = (*h)[:n]
	a.pos = 0
	if i < n {
		h.down(i)
		h.up(i)
	}
}

// due takes the first alarm off if its time has come.
func (h *alarms) due(now time.Time) *alarm {
	if len(*h) == 0 || (*h)[0].at.After(now) {
		return nil
	}
	a := (*h)[0]
	h.clear(a)
	return a
}

func (h alarms) swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].pos, h[j].pos = i+1, j+1
}

func (h alarms) up(i int) {
	for i > 0 {
		p := (i - 1) / 2
		if !h[i].at.Before(h[p].at) {
			return
		}
		h.swap(i, p)
		i = p
	}
}

func (h alarms) down(i int) {
	for {
		c := 2*i + 1
		if c >= len(h) {
			return
		}
		if c+1 < len(h) && h[c+1].at.Before(h[c].at) {
			c++
		}
		if !h[c].at.Before(h[i].at) {
			return
		}
		h.swap(i, c)
		i = c
	}
}
