package sim

import "time"

// happening is something that comes by itself at an instant.
type happening struct {
	at   time.Duration
	seq  uint32 // order between equal instants
	kind happens
	who  int32 // stream, visit, agent or offer
}

// happens is the kind of a happening.
type happens uint8

const (
	happensArrival happens = iota
	happensHangUp
	happensAnswer
	happensEnd
	happensAway
	happensBack
	happensRefuse // this and the following in replays
	happensMove
	happensWrapUp
	happensOutside
)

func (h *happening) before(o *happening) bool {
	return h.at < o.at || h.at == o.at && h.seq < o.seq
}

// queue is a heap of happenings, the next one first.
type queue struct {
	heap []happening
	seq  uint32
}

func (q *queue) push(at time.Duration, kind happens, who int32) {
	q.seq++
	q.pushAs(at, q.seq, kind, who)
}

// pushAs is push with an order of its own among equal instants.
func (q *queue) pushAs(at time.Duration, seq uint32, kind happens, who int32) {
	q.heap = append(q.heap, happening{at, seq, kind, who})
	h, i := q.heap, len(q.heap)-1
	for up := (i - 1) / 2; i > 0 && h[i].before(&h[up]); up = (i - 1) / 2 {
		h[i], h[up] = h[up], h[i]
		i = up
	}
}

func (q *queue) first() (happening, bool) {
	if len(q.heap) == 0 {
		return happening{}, false
	}
	return q.heap[0], true
}

func (q *queue) pop() {
	h := q.heap
	last := len(h) - 1
	h[0] = h[last]
	q.heap = h[:last]
	for i := 0; ; {
		least := i
		for _, down := range [2]int{2*i + 1, 2*i + 2} {
			if down < last && h[down].before(&h[least]) {
				least = down
			}
		}
		if least == i {
			return
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
}

// line is the waiting visits of one stream in the order in which they came. The
// links are in the visits.
type line struct{ head, tail int32 }

func newLine() line { return line{-1, -1} }

// add puts a visit to its place; most come last.
func (l *line) add(all []visit, n int32) {
	after := l.tail
	for after >= 0 && all[after].Came > all[n].Came {
		after = all[after].prev
	}
	v := &all[n]
	v.prev = after
	if after < 0 {
		v.next, l.head = l.head, n
	} else {
		v.next, all[after].next = all[after].next, n
	}
	if v.next < 0 {
		l.tail = n
	} else {
		all[v.next].prev = n
	}
}

func (l *line) remove(all []visit, n int32) {
	v := &all[n]
	if v.prev < 0 {
		l.head = v.next
	} else {
		all[v.prev].next = v.next
	}
	if v.next < 0 {
		l.tail = v.prev
	} else {
		all[v.next].prev = v.prev
	}
}
