package media

import (
	"errors"
	"math/rand/v2"
	"sync"
	"time"
)

// errPortBusy marks a port that another socket holds: try the next one.
var errPortBusy = errors.New("port is in use")

// portRest is how long a closed port is left alone while others are free, so
// that packets still under way to the old leg do not reach a new one.
const portRest = time.Second

// ports hands out the even ports of a range, beginning at a random one.
type ports struct {
	mu    sync.Mutex // guards all below
	first uint16
	next  int
	slots []portSlot
}

type portSlot struct {
	taken bool
	freed time.Time
}

func newPorts(first, last uint16) *ports {
	first += first & 1
	n := 0
	if last >= first {
		n = int(last-first)/2 + 1
	}
	p := &ports{first: first, slots: make([]portSlot, n)}
	if n > 0 {
		p.next = rand.IntN(n)
	}
	return p
}

func (p *ports) size() int { return len(p.slots) }

// take finds a free port, one that has rested if there is any.
func (p *ports) take(now time.Time) (uint16, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	oldest := -1
	for i := range p.slots {
		n := (p.next + i) % len(p.slots)
		s := &p.slots[n]
		if s.taken {
			continue
		}
		if s.freed.IsZero() || now.Sub(s.freed) >= portRest {
			return p.give(n), true
		}
		if oldest < 0 || s.freed.Before(p.slots[oldest].freed) {
			oldest = n
		}
	}
	if oldest < 0 {
		return 0, false
	}
	return p.give(oldest), true
}

func (p *ports) give(n int) uint16 {
	p.slots[n].taken = true
	p.next = (n + 1) % len(p.slots)
	return p.first + uint16(2*n)
}

func (p *ports) release(port uint16, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := int(port-p.first) / 2
	p.slots[n] = portSlot{freed: now}
}
