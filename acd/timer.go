package acd

import (
	"container/heap"
	"time"
)

// timer is something due at an instant. It lives inside its owner and is in the
// heap while armed.
type timer struct {
	at   int64  // ns since 1970
	seq  uint64 // order of arming, decides between equal instants
	pos  int    // in the heap, from 1; 0 not armed
	fire func()
}

func (t *timer) armed() bool { return t.pos > 0 }

// timers is the heap of all armed timers, the earliest first.
type timers struct {
	heap []*timer
	seq  uint64
}

// arm sets t to fire at an instant, replacing an earlier setting.
func (ts *timers) arm(t *timer, at int64) {
	ts.seq++
	t.at, t.seq = at, ts.seq
	if t.armed() {
		heap.Fix(ts, t.pos-1)
		return
	}
	heap.Push(ts, t)
}

// disarm forgets t; it may not be armed.
func (ts *timers) disarm(t *timer) {
	if t.armed() {
		heap.Remove(ts, t.pos-1)
	}
}

// due removes and returns the next timer that is due at now, or nil.
func (ts *timers) due(now int64) *timer {
	if len(ts.heap) == 0 || ts.heap[0].at > now {
		return nil
	}
	return heap.Pop(ts).(*timer)
}

func (ts *timers) Len() int { return len(ts.heap) }

func (ts *timers) Less(i, j int) bool {
	a, b := ts.heap[i], ts.heap[j]
	return a.at < b.at || a.at == b.at && a.seq < b.seq
}

func (ts *timers) Swap(i, j int) {
	ts.heap[i], ts.heap[j] = ts.heap[j], ts.heap[i]
	ts.heap[i].pos, ts.heap[j].pos = i+1, j+1
}

// Push and Pop are for package heap.
func (ts *timers) Push(x any) {
	t := x.(*timer)
	ts.heap = append(ts.heap, t)
	t.pos = len(ts.heap)
}

// Pop is for package heap.
func (ts *timers) Pop() any {
	last := len(ts.heap) - 1
	t := ts.heap[last]
	ts.heap[last] = nil
	ts.heap = ts.heap[:last]
	t.pos = 0
	return t
}

// lastStamp is 2200-01-01 in s since 1970: differences between instants and head
// starts up to then cannot overflow.
const lastStamp = 7258118400

// stamp and instant translate between the owner's time and ns since 1970.
func stamp(t time.Time) int64 {
	if s := t.Unix(); s < 0 || s > lastStamp {
		return min(max(s, 0), lastStamp) * int64(time.Second)
	}
	return t.UnixNano()
}

func instant(ns int64) time.Time { return time.Unix(0, ns).UTC() }
