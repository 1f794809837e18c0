package callload

import "time"

// Heard is what all ends of the running calls heard since Watch.
type Heard struct {
	Ends    int           // that heard anything
	Packets uint64        // least of an end
	Lost    uint64        // most of an end, by number between its first and its last packet
	Gap     time.Duration // longest between two packets of an end
	Delay   time.Duration // longest from sending to hearing
}

// watch is one stream's share; the stream's mutex guards it.
type watch struct {
	on          bool
	first, last uint32
	packets     uint64
	at          int64
	gap, delay  time.Duration
}

func (w *watch) take(n uint32, now, delay int64) {
	if !w.on {
		return
	}
	if w.packets == 0 {
		w.first = n
	} else {
		w.gap = max(w.gap, time.Duration(now-w.at))
	}
	w.last, w.at = max(w.last, n), now
	w.delay = max(w.delay, time.Duration(delay))
	w.packets++
}

// Watch begins to listen at all ends of the calls that run now; the function
// tells what they have heard until it is called.
func (l *Load) Watch() func() Heard {
	var all []*stream
	add := func(s *stream) {
		if s != nil {
			all = append(all, s)
		}
	}
	l.calls.Range(func(_, v any) bool { add(v.(*Call).stream); return true })
	l.answered.Range(func(_, v any) bool { add(v.(*agentCall).stream); return true })
	for _, s := range all {
		s.mu.Lock()
		s.watch = watch{on: true}
		s.mu.Unlock()
	}
	return func() (h Heard) {
		for i, s := range all {
			s.mu.Lock()
			w := s.watch
			s.mu.Unlock()
			if i == 0 {
				h.Packets = w.packets
			}
			h.Packets = min(h.Packets, w.packets)
			if w.packets == 0 {
				continue
			}
			h.Ends++
			h.Lost = max(h.Lost, uint64(w.last-w.first)+1-w.packets)
			h.Gap, h.Delay = max(h.Gap, w.gap), max(h.Delay, w.delay)
		}
		return h
	}
}
