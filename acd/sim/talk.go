package sim

import (
	"time"

	"hotline/acd"
)

// wish adds to a call what its stream wants beyond the queue.
func (d *day) wish(s *Stream, v *visit, ev *acd.CallQueued) {
	if s.Control > 0 && unit(draw(d.c.Seed, v.id, drawControl)) < s.Control {
		v.Control, ev.Control = true, true
		return
	}
	ev.Category, ev.Priority = s.Category, s.Priority
	choose := s.Choose
	if choose.Share == 0 || unit(draw(d.c.Seed, v.id, drawChooses)) >= choose.Share {
		return
	}
	v.Chose = true
	for _, pick := range d.shown(choose, v.id, ev) { // best grade first
		if choose.Told && pick.Wait > choose.Hold {
			continue
		}
		hold := max(choose.Hold, 1) // a nanosecond: he is theirs if he is free
		ev.First, ev.FirstFor = []acd.AgentID{pick.Agent}, hold
		v.held = d.now + hold
		return
	}
}

// shown are the agents told to a caller, the best grade first.
func (d *day) shown(c Choose, id uint64, ev *acd.CallQueued) []acd.Choice {
	n := c.Shown
	if n == 0 {
		n = 3
	}
	if !c.Any {
		return d.core.Choices(*ev, n, opening.Add(d.now))
	}
	all := d.core.Choices(*ev, len(d.c.Agents), opening.Add(d.now))
	for drop := uint64(0); len(all) > n; drop++ {
		i := int(draw(d.c.Seed, id, drawShown+drop<<32) % uint64(len(all)))
		all = append(all[:i], all[i+1:]...)
	}
	return all
}

// offered is an agent's phone that begins to ring.
func (d *day) offered(o acd.Offer) {
	n, _ := visitOf(o.Call)
	a := d.agents[o.Agent]
	v := &d.visits[n]
	d.r.Reasons[o.Reason.Factor]++
	if v.state == stateTalking { // with ring-all: the phone before was picked up at once
		d.rings[o.ID.N] = ring{o, n, a}
		return
	}
	if v.state == stateWaiting {
		d.watch(n, a)
		d.line(n).remove(d.visits, n)
	}
	v.state = stateOffered
	v.offers++
	d.rings[o.ID.N] = ring{o, n, a}
	what := drawOffer + uint64(v.offers)
	s, agent := &d.c.Streams[v.Stream], &d.c.Agents[a]
	chance := 0.0
	if agent.Miss > 0 || agent.Decline > 0 {
		chance = unit(draw(d.c.Seed, v.id, what))
	}
	switch {
	case chance < agent.Miss: // it rings until the core takes it back
	case o.MayDecline && chance < agent.Miss+agent.Decline:
		d.todo = append(d.todo, acd.OfferRefused{Offer: o.ID, How: acd.Declined})
		d.r.Declined++
	case s.PickUp != nil:
		t := s.PickUp.sample(draw(d.c.Seed, v.id, drawPickUp+what<<32), draw(d.c.Seed, v.id, drawPickUp2+what<<32))
		d.next.push(d.now+t, happensAnswer, int32(o.ID.N))
	default:
		d.accept(o.ID.N)
	}
}

// answer is a phone that is picked up, if it still rings.
func (d *day) answer(offer uint64) {
	if _, ok := d.rings[offer]; ok {
		if d.accept(offer); len(d.todo) > 0 {
			d.step(d.takeTodo())
		}
	}
}

// takeTodo is the event just prepared.
func (d *day) takeTodo() acd.Event {
	ev := d.todo[len(d.todo)-1]
	d.todo = d.todo[:len(d.todo)-1]
	return ev
}

// accept begins a talk.
func (d *day) accept(offer uint64) {
	g := d.rings[offer]
	delete(d.rings, offer)
	v := &d.visits[g.visit]
	if v.state != stateOffered { // somebody else's phone rang for the same call
		return
	}
	if d.c.ByStart {
		s := &d.c.Streams[v.Stream]
		v.talk = s.Talk.sample(draw(d.c.Seed, d.starts, drawTalk), draw(d.c.Seed, d.starts, drawTalk2))
	}
	d.starts++
	if speed := d.c.Agents[g.agent].Speed; speed > 0 {
		v.talk = time.Duration(float64(v.talk) / speed)
	}
	v.state, v.End, v.Wait, v.Talk, v.Agent = stateTalking, Served, d.now-v.Came, v.talk, int(g.agent)
	v.Stars = d.c.Agents[g.agent].quality(d.c.Streams[v.Stream].Category)
	d.next.push(d.now+v.talk, happensEnd, g.visit)
	d.todo = append(d.todo, acd.OfferAnswered{Offer: g.offer.ID})
}

// refused puts a call back to its place: the offer was taken back.
func (d *day) refused(offer uint64, g ring) {
	delete(d.rings, offer)
	v := &d.visits[g.visit]
	v.failed = true
	if v.state == stateOffered {
		v.state = stateWaiting
		d.line(g.visit).add(d.visits, g.visit)
	}
}

// end is the end of a talk: the agent goes into wrap-up, the caller may rate, or
// go on to another queue.
func (d *day) end(n int32) {
	v := &d.visits[n]
	s, agent := &d.c.Streams[v.Stream], &d.c.Agents[v.Agent]
	v.state = stateGone
	d.r.open--
	d.workers[v.Agent].served++
	d.step(acd.TalkEnded{Agent: agent.ID, Call: v.call})
	v = &d.visits[n]
	if r := d.c.Ratings; r.Share > 0 && unit(draw(d.c.Seed, v.id, drawRates)) < r.Share {
		ev := acd.Rated{Agent: agent.ID, Customer: v.customer, Contact: string(v.call), At: opening.Add(d.now)}
		ev.Stars = r.stars(v.Stars, d.c.Seed, v.id, v.customer)
		if s.Category != "" {
			ev.Items = map[string]float64{s.Category: ev.Stars}
		}
		d.r.given++
		d.r.stars += ev.Stars
		d.step(ev)
	}
	if v = &d.visits[n]; v.customer != "" && unit(draw(d.c.Seed, v.id, drawBack)) < d.c.Ratings.Back {
		d.step(acd.RatedCustomer{Agent: agent.ID, Customer: v.customer, Contact: string(v.call), At: opening.Add(d.now),
			Stars: d.c.Ratings.stars(3.4+1.2*v.Standing, d.c.Seed, v.id|1<<61, "")})
	}
	if id := d.visits[n].id; s.Transfer > 0 && id&moved == 0 && unit(draw(d.c.Seed, id, drawTransfer)) < s.Transfer {
		d.r.Transferred++
		d.enter(d.visits[n].Stream, id|moved, s.To)
	}
}

// changed follows an agent's state: what he worked, and since when he is idle.
func (d *day) changed(ch acd.AgentChanged) {
	i := d.agents[ch.Agent]
	w := &d.workers[i]
	w.account(d.now, d.close)
	was := w.state
	w.state, w.since = ch.State, d.now
	w.free = ch.State == acd.ReadyState && ch.Reason == ""
	switch {
	case ch.State == acd.Offered:
	case was != acd.Offered && (ch.State == acd.ReadyState || ch.State == acd.NotReadyState):
		w.idle, w.skipped = d.now, 0
	}
	if ch.State == acd.NotReadyState && forced(ch.Reason) {
		if ch.Reason == acd.ReasonMissed {
			d.r.Missed++
		}
		back := d.c.Agents[i].Back
		if back <= 0 {
			back = time.Minute
		}
		d.next.push(d.now+back, happensBack, i)
	}
}

// account adds the time since the last change to the agent's hours from 0 to close.
func (w *worker) account(now, close time.Duration) {
	from, to := max(w.since, 0), min(now, close)
	if to <= from {
		return
	}
	switch w.state {
	case acd.Offered, acd.Talking, acd.WrapUp:
		w.busy += to - from
		w.on += to - from
	case acd.ReadyState, acd.Unreachable:
		w.on += to - from
	}
}
