package media

import (
	"slices"
	"sync"
)

// router knows which shard has which leg, bridge and recording, as commands told
// so far: what it knows is what each shard will have come to when it has done
// all that is in its queue. With one shard it has nothing to do.
type router struct {
	mu      sync.Mutex // guards all below, and the order in which commands of moves are queued
	legs    map[LegID]*place
	bridges map[BridgeID]*site
	recs    map[RecordingID]*shard
}

// place is where a leg is.
type place struct {
	leg    *leg
	shard  *shard
	bridge BridgeID // "" none
	seated bool
}

// site is where a bridge is, while it has seats.
type site struct {
	shard *shard
	seats int
}

func newRouter() router {
	return router{legs: map[LegID]*place{}, bridges: map[BridgeID]*site{}, recs: map[RecordingID]*shard{}}
}

// depart takes a leg out of its shard; arrived brings it to the next one, which
// was told by expect to keep the leg's commands until then. arrived without a
// leg says that there is none.
type (
	depart struct {
		id LegID
		to *shard
	}
	expect  struct{ id LegID }
	arrived struct {
		id  LegID
		leg *leg
	}
)

func (depart) command()  {}
func (expect) command()  {}
func (arrived) command() {}

// freest is the shard with the fewest legs. The router is locked.
func (e *Engine) freest() *shard {
	var count = make(map[*shard]int, len(e.shards))
	for _, p := range e.router.legs {
		count[p.shard]++
	}
	return slices.MinFunc(e.shards, func(a, b *shard) int { return count[a] - count[b] })
}

// route queues a command at the shard that it belongs to.
func (e *Engine) route(c Command) {
	if len(e.shards) == 1 {
		e.shards[0].post(c)
		return
	}
	r := &e.router
	r.mu.Lock()
	defer r.mu.Unlock()
	to := e.shards[0] // which counts what nobody knows
	switch c := c.(type) {
	case Record:
		if r.recs[c.ID] == nil {
			r.recs[c.ID] = r.home(to, c.Left, c.Right)
		}
		to = r.recs[c.ID]
		e.pull(to, c.Left, c.Right)
	case Tap:
		if at := r.recs[c.ID]; at != nil {
			to = at
			e.pull(to, c.Left, c.Right)
		}
	case Pause:
		to = r.recording(c.ID, to)
	case Finish:
		to = r.recording(c.ID, to)
		delete(r.recs, c.ID)
	default:
		if p := r.legs[legOf(c)]; p != nil {
			to = e.routeLeg(p, c)
		}
	}
	to.post(c)
}

func (r *router) recording(id RecordingID, otherwise *shard) *shard {
	if at := r.recs[id]; at != nil {
		return at
	}
	return otherwise
}

// routeLeg is route for a command that names a leg.
func (e *Engine) routeLeg(p *place, c Command) *shard {
	r := &e.router
	switch c := c.(type) {
	case Seat:
		if c.Role >= numRoles || p.seated && p.bridge == c.Bridge {
			break
		}
		r.unseat(p)
		b := r.bridges[c.Bridge]
		if b == nil {
			b = &site{shard: p.shard}
			r.bridges[c.Bridge] = b
		}
		b.seats++
		p.bridge, p.seated = c.Bridge, true
		e.move(p, b.shard)
	case Leave:
		r.unseat(p)
	case Close:
		r.unseat(p)
		delete(r.legs, p.leg.id)
	}
	return p.shard
}

// unseat takes note that a leg has left its bridge.
func (r *router) unseat(p *place) {
	if !p.seated {
		return
	}
	p.seated = false
	if b := r.bridges[p.bridge]; b != nil {
		if b.seats--; b.seats == 0 {
			delete(r.bridges, p.bridge)
		}
	}
}

// home is the shard for a recording of two legs: that of one in a bridge, which
// cannot be moved, else that of the first.
func (r *router) home(otherwise *shard, ids ...LegID) *shard {
	var first *place
	for _, id := range ids {
		p := r.legs[id]
		if p != nil && p.seated {
			return p.shard
		}
		if first == nil {
			first = p
		}
	}
	if first == nil {
		return otherwise
	}
	return first.shard
}

// pull brings legs without a bridge to the shard of a recording that names them.
// One in a bridge elsewhere is heard in the recording once it comes.
func (e *Engine) pull(to *shard, ids ...LegID) {
	for _, id := range ids {
		if p := e.router.legs[id]; p != nil && !p.seated {
			e.move(p, to)
		}
	}
}

// move brings a leg to another shard. The next one is told first, so that it
// waits for the leg before it does anything for it.
func (e *Engine) move(p *place, to *shard) {
	from := p.shard
	if from == to {
		return
	}
	p.shard = to
	to.post(expect{p.leg.id})
	from.post(depart{p.leg.id, to})
	e.stats.Moves.Add(1)
}

// settle takes a new leg in; false once the engine has ended.
func (e *Engine) settle(l *leg, s *shard) bool {
	if len(e.shards) == 1 {
		return s.post(opened{l})
	}
	r := &e.router
	r.mu.Lock()
	defer r.mu.Unlock()
	if old := r.legs[l.id]; old != nil {
		r.unseat(old)
		old.shard.post(Close{l.id})
	}
	r.legs[l.id] = &place{leg: l, shard: s}
	return s.post(opened{l})
}

// choose gives the shard for a new leg.
func (e *Engine) choose() *shard {
	if len(e.shards) == 1 {
		return e.shards[0]
	}
	e.router.mu.Lock()
	defer e.router.mu.Unlock()
	return e.freest()
}

// forget takes note that a leg has ended by itself. Called by its shard.
func (e *Engine) forget(l *leg) {
	if len(e.shards) <= 1 {
		return
	}
	r := &e.router
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.legs[l.id]; p != nil && p.leg == l {
		r.unseat(p)
		delete(r.legs, l.id)
	}
}

// transit carries out the commands of moves; it is true for a command that is
// done, or kept for a leg on its way.
func (s *shard) transit(c Command) bool {
	switch c := c.(type) {
	case expect:
		if _, again := s.awaited[c.id]; !again {
			s.awaited[c.id] = nil
			return true
		}
	case arrived:
		s.arrival(c)
		return true
	}
	if len(s.awaited) == 0 {
		return false
	}
	id := legOf(c)
	kept, waits := s.awaited[id]
	if waits {
		s.awaited[id] = append(kept, c)
	}
	return waits
}

// arrival takes a leg in and does what was kept for it.
func (s *shard) arrival(c arrived) {
	kept := s.awaited[c.id]
	delete(s.awaited, c.id)
	if l := c.leg; l != nil {
		l.sock.attach(s.io)
		if l.control.sock != nil {
			l.control.sock.attach(s.io)
		}
		s.legs[l.id] = l
		s.tapLate(l)
		if l.busy() {
			s.runClock(l)
		}
	}
	for _, k := range kept {
		s.do(k) // which keeps it again behind a further move
	}
}

// departs sends a leg away to another shard.
func (s *shard) departs(c depart) {
	l := s.legs[c.id]
	if l != nil {
		s.leave(l)
		l.taps, l.past = nil, past{}
		l.clocked = false
		s.clocked = slices.DeleteFunc(s.clocked, func(o *leg) bool { return o == l })
		l.sock.detach()
		if l.control.sock != nil {
			l.control.sock.detach()
		}
		delete(s.legs, c.id)
	}
	if !c.to.post(arrived{c.id, l}) && l != nil { // the engine ends
		s.arrival(arrived{c.id, l})
		s.closeLeg(l)
	}
}
