package call

import (
	"errors"
	"sync"
	"time"
)

// rooms are the conferences that somebody is in.
type rooms struct {
	mu     sync.Mutex // guards both and what is in them
	in     map[string]map[*Call]*place
	locked map[string]bool // until somebody unlocks it, or the last one has left
}

// place is one caller's in a room.
type place struct {
	since   time.Time
	seated  bool          // he hears and, unless he is muted, is heard
	muted   bool          // he shall hear only
	kicked  bool          // he shall leave
	changed chan struct{} // the number of those seated may be another
}

// Why nobody enters a room.
var (
	errRoomFull   = errors.New("is full")
	errRoomLocked = errors.New("is locked")
)

// enter keeps a place for a call, unless the room is full or locked.
func (r *rooms) enter(room string, c *Call, most int, invited bool) (*place, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case len(r.in[room]) >= most:
		return nil, errRoomFull
	case r.locked[room] && !invited:
		return nil, errRoomLocked
	}
	if r.in == nil {
		r.in = map[string]map[*Call]*place{}
	}
	if r.in[room] == nil {
		r.in[room] = map[*Call]*place{}
	}
	p := &place{changed: make(chan struct{}, 1), since: time.Now()}
	r.in[room][c] = p
	return p, nil
}

// take counts a call in as one who is heard.
func (r *rooms) take(room string, p *place) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p.seated = true
	r.tell(room)
}

func (r *rooms) leave(room string, c *Call) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.in[room], c)
	if len(r.in[room]) == 0 {
		delete(r.in, room)
		delete(r.locked, room)
	}
	r.tell(room)
}

// tell wakes all who are in a room; it never blocks.
func (r *rooms) tell(room string) {
	for _, p := range r.in[room] {
		select {
		case p.changed <- struct{}{}:
		default:
		}
	}
}

// seated counts those who hear each other.
func (r *rooms) seated(room string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, p := range r.in[room] {
		if p.seated {
			n++
		}
	}
	return n
}

// standing is what one who is in a room has to know.
type standing struct {
	seated        int
	muted, kicked bool
}

func (r *rooms) look(room string, p *place) standing {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := standing{muted: p.muted, kicked: p.kicked}
	for _, p := range r.in[room] {
		if p.seated {
			s.seated++
		}
	}
	return s
}

func (r *rooms) muted(room string, c *Call) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.in[room][c]
	return p != nil && p.muted
}

// change changes a call's place; false if it has none.
func (r *rooms) change(room string, c *Call, f func(p *place)) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.in[room][c]
	if p == nil {
		return false
	}
	f(p)
	signal(p.changed)
	return true
}

// lock keeps others out, or no longer; false if nobody is in it.
func (r *rooms) lock(room string, on bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if on && len(r.in[room]) == 0 {
		return false
	}
	if !on {
		delete(r.locked, room)
		return true
	}
	if r.locked == nil {
		r.locked = map[string]bool{}
	}
	r.locked[room] = true
	return true
}

// occupant is one who is in a room.
type occupant struct {
	call          *Call
	since         time.Time
	seated, muted bool
}

func (r *rooms) occupants(room string) (all []occupant, locked bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c, p := range r.in[room] {
		all = append(all, occupant{c, p.since, p.seated, p.muted})
	}
	return all, r.locked[room]
}
