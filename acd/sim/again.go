package sim

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"hotline/acd"
)

// again is a day that is lived once more: the past's people, the core's decisions.
type again struct {
	core   *acd.Core
	first  acd.Event // at the beginning, before all others
	past   *recorder
	from   time.Time
	now    time.Duration // since from
	next   queue
	visits []relived
	follow map[int]int // visit to the one that follows it
	calls  map[acd.CallID]int
	rings  map[acd.OfferID]int32 // to offers
	offers []offerAgain
	taken  map[acd.AgentID]int // outcomes that were used up
	agents []acd.AgentID
	forced map[acd.AgentID]time.Duration // how long he takes to be ready again
	states map[acd.AgentID]acd.State
	todo   []acd.Event
	change func(*acd.Configure)
	see    func(time.Time, []acd.Command)
}

// seen is how a visit went.
type seen struct {
	left  time.Time
	end   End
	agent acd.AgentID
}

// relived is a visit as it went this time.
type relived struct {
	seen
	came  bool
	at    time.Time
	state visitState
}

type offerAgain struct {
	id    acd.OfferID
	visit int
	agent acd.AgentID
	how   acd.Refusal
}

func newAgain(epoch uint64) *again {
	return &again{core: acd.New(acd.Config{Epoch: epoch}), states: map[acd.AgentID]acd.State{}}
}

// run lives from one instant to the other.
func (d *again) run(past *recorder, from, to time.Time, change func(*acd.Configure), see func(time.Time, []acd.Command)) {
	d.past, d.from, d.change, d.see = past, from, change, see
	d.visits, d.follow, d.calls = make([]relived, len(past.visits)), map[int]int{}, map[acd.CallID]int{}
	d.rings, d.taken, d.forced = map[acd.OfferID]int32{}, map[acd.AgentID]int{}, map[acd.AgentID]time.Duration{}
	d.next.seq = past.n // of equal instants what the journal has comes first, in its order
	d.prepare()
	if d.first != nil {
		d.step(d.first)
	}
	end := to.Sub(from)
	for {
		h, ok := d.next.first()
		due, timed := d.core.Deadline()
		at := due.Sub(from)
		switch {
		case timed && at < end && (!ok || at < h.at): // an event of the same instant lets timers fire as well
			d.now = max(d.now, at)
			d.step(acd.Tick{})
		case ok && h.at < end:
			d.next.pop()
			d.now = max(d.now, h.at)
			d.happen(h)
		default:
			return
		}
	}
}

// prepare sets what was going on at the beginning, and what comes from outside.
func (d *again) prepare() {
	for i := range d.past.visits {
		v := &d.past.visits[i]
		if v.before >= 0 {
			d.follow[v.before] = i
		}
		if i >= d.past.open {
			if v.before < 0 {
				d.next.pushAs(v.at.Sub(d.from), v.order[0], happensArrival, int32(i))
			}
			continue
		}
		w := &d.visits[i]
		w.came, w.at = true, v.at
		d.calls[v.ev.Call] = i
		if v.end == Served && v.left.Before(d.from) {
			w.state, w.seen = stateTalking, seen{v.left, Served, v.agent}
			if !v.ended.IsZero() {
				d.next.pushAs(v.ended.Sub(d.from), v.order[2], happensEnd, int32(i))
			}
			continue
		}
		d.patience(i, v.at.Sub(d.from))
	}
	for _, id := range sortedOffers(d.past.early) {
		e := d.past.early[id]
		n := int32(len(d.offers))
		d.offers = append(d.offers, offerAgain{id, e.visit, e.agent, e.how})
		d.rings[id] = n
		d.visits[e.visit].state = stateOffered
		switch at := e.at.Add(e.after).Sub(d.from); e.kind {
		case answered:
			d.next.pushAs(at, e.order, happensAnswer, n)
		case refused:
			d.next.pushAs(at, e.order, happensRefuse, n)
		}
	}
	for i := range d.past.outside {
		d.next.pushAs(d.past.outside[i].at.Sub(d.from), d.past.outside[i].order, happensOutside, int32(i))
	}
}

// patience sets when a caller gives up. One who was served waits on for as long as
// callers of his queue do; one who hung up does it again.
func (d *again) patience(i int, came time.Duration) {
	v := &d.past.visits[i]
	wait := v.left.Sub(v.at)
	switch {
	case v.moved:
		d.next.pushAs(came+wait, v.order[1], happensMove, int32(i))
	case v.end == HungUp:
		d.next.pushAs(came+wait, v.order[1], happensHangUp, int32(i))
	default:
		if v.left.IsZero() {
			wait = 0
		}
		if m := d.past.hangUps[v.ev.Queue]; m > 0 {
			d.next.push(came+wait+Dist{Mean: m}.sample(draw(1, uint64(i), drawPatience), 0), happensHangUp, int32(i))
		}
	}
}

func (d *again) happen(h happening) {
	i := int(h.who)
	switch h.kind {
	case happensArrival:
		d.arrive(i)
	case happensHangUp:
		if w := &d.visits[i]; w.state == stateWaiting || w.state == stateOffered {
			d.leave(i, HungUp)
			d.step(acd.CallLeft{Call: d.past.visits[i].ev.Call})
		}
	case happensMove:
		if w := &d.visits[i]; w.state == stateWaiting || w.state == stateOffered {
			d.leave(i, Overflowed)
		}
	case happensAnswer:
		d.answer(h.who)
	case happensRefuse:
		if o := d.offers[i]; d.ring(o.id) {
			d.step(acd.OfferRefused{Offer: o.id, How: o.how})
		}
	case happensEnd:
		d.end(i)
	case happensWrapUp:
		if a := d.visits[i].agent; d.states[a] == acd.WrapUp {
			d.step(acd.WrapUpDone{Agent: a})
		}
	case happensBack:
		if a := d.agents[i]; d.forced[a] > 0 {
			delete(d.forced, a)
			d.step(acd.Ready{Agent: a})
		}
	case happensOutside:
		d.outside(d.past.outside[i])
	}
}

// ring forgets an offer; false if it was withdrawn.
func (d *again) ring(id acd.OfferID) bool {
	n, ok := d.rings[id]
	delete(d.rings, id)
	if ok && d.visits[d.offers[n].visit].state == stateOffered {
		d.visits[d.offers[n].visit].state = stateWaiting
	}
	return ok
}

func (d *again) outside(o outside) {
	switch ev := o.ev.(type) {
	case acd.Configure:
		again, err := acd.DecodeEvent(o.body)
		if err != nil {
			return
		}
		c := again.(acd.Configure)
		d.change(&c)
		d.step(c)
		return
	case acd.NotReady:
		delete(d.forced, ev.Agent)
	case acd.LogOut:
		delete(d.forced, ev.Agent)
	}
	d.step(o.ev)
}

func (d *again) step(ev acd.Event) {
	d.todo = append(d.todo, ev)
	for len(d.todo) > 0 {
		ev := d.todo[0]
		d.todo = d.todo[1:]
		now := d.from.Add(d.now)
		out := d.core.Step(now, ev)
		d.see(now, out)
		for _, cmd := range out {
			d.obey(cmd)
		}
	}
}

func (d *again) obey(cmd acd.Command) {
	switch cmd := cmd.(type) {
	case acd.Offer:
		d.offered(cmd)
	case acd.Withdraw:
		d.ring(cmd.ID)
	case acd.Overflow:
		if i, ok := d.calls[cmd.Call]; ok && d.visits[i].state != stateGone {
			d.leave(i, Overflowed)
		}
	case acd.AgentChanged:
		d.states[cmd.Agent] = cmd.State
		if cmd.State != acd.NotReadyState || !forced(cmd.Reason) {
			return
		}
		back := time.Minute
		if n, all := d.taken[cmd.Agent]-1, d.past.outcomes[cmd.Agent]; n >= 0 && n < len(all) && (all[n].back > 0 || all[n].kind == rangOut) {
			back = all[n].back
		}
		if back > 0 { // otherwise he was not ready again on that day
			d.forced[cmd.Agent] = back
			d.next.push(d.now+back, happensBack, int32(len(d.agents)))
			d.agents = append(d.agents, cmd.Agent)
		}
	}
}

// arrive queues a call.
func (d *again) arrive(i int) {
	v, w := &d.past.visits[i], &d.visits[i]
	w.came, w.at = true, d.from.Add(d.now)
	d.calls[v.ev.Call] = i
	d.patience(i, d.now)
	ev := v.ev
	if v.at.Sub(ev.Since) < time.Millisecond { // he arrived as he was queued
		ev.Since = ev.Since.Add(w.at.Sub(v.at))
	}
	d.step(ev)
}

// leave ends a visit without talk.
func (d *again) leave(i int, how End) {
	w := &d.visits[i]
	w.state, w.seen = stateGone, seen{left: d.from.Add(d.now), end: how}
	d.goOn(i, how)
}

// goOn queues a call again if it went so and was queued again.
func (d *again) goOn(i int, how End) {
	next, ok := d.follow[i]
	if ok && d.past.visits[i].end == how {
		d.next.pushAs(d.now+max(d.past.visits[next].after, 0), d.past.visits[next].order[0], happensArrival, int32(next))
	}
}

// offered rings a phone: what comes of it is what came of the agent's offers on
// that day, one after the other.
func (d *again) offered(o acd.Offer) {
	i, ok := d.calls[o.Call]
	if !ok {
		return
	}
	n := int32(len(d.offers))
	offer := offerAgain{id: o.ID, visit: i, agent: o.Agent}
	d.rings[o.ID] = n
	d.visits[i].state = stateOffered
	turn := d.taken[o.Agent]
	d.taken[o.Agent]++
	mean := max(d.past.mean[o.Agent], time.Millisecond)
	was := outcome{kind: answered, after: mean}
	if all := d.past.outcomes[o.Agent]; turn < len(all) {
		was = all[turn]
	}
	offer.how = was.how
	d.offers = append(d.offers, offer)
	switch was.kind {
	case answered:
		d.next.pushAs(d.now+was.after, max(was.order, 1), happensAnswer, n)
	case withdrawn: // he had not yet decided
		d.next.push(d.now+max(mean, was.after+time.Millisecond), happensAnswer, n)
	case refused:
		d.next.pushAs(d.now+was.after, was.order, happensRefuse, n)
	}
}

// answer begins a talk.
func (d *again) answer(n int32) {
	o := d.offers[n]
	if _, ok := d.rings[o.id]; !ok {
		return
	}
	delete(d.rings, o.id)
	v, w := &d.past.visits[o.visit], &d.visits[o.visit]
	w.state, w.seen = stateTalking, seen{d.from.Add(d.now), Served, o.agent}
	switch talks := d.past.talks[v.ev.Queue]; {
	case v.end == Served && !v.ended.IsZero():
		d.next.pushAs(d.now+v.ended.Sub(v.left), v.order[2], happensEnd, int32(o.visit))
	case v.end == Served: // it had not ended when the day did
	case len(talks) > 0:
		d.next.push(d.now+talks[draw(1, uint64(o.visit), drawTalk)%uint64(len(talks))], happensEnd, int32(o.visit))
	default:
		d.next.push(d.now+3*time.Minute, happensEnd, int32(o.visit))
	}
	d.step(acd.OfferAnswered{Offer: o.id})
}

// end is the end of a talk.
func (d *again) end(i int) {
	v, w := &d.past.visits[i], &d.visits[i]
	if w.state != stateTalking {
		return
	}
	w.state = stateGone
	if v.byCall {
		d.step(acd.CallLeft{Call: v.ev.Call})
	} else {
		d.step(acd.TalkEnded{Agent: w.agent, Call: v.ev.Call, NoWrapUp: v.how.NoWrapUp, PhoneDied: v.how.PhoneDied && w.agent == v.agent})
	}
	if v.wrapUp > 0 {
		d.next.push(d.now+v.wrapUp, happensWrapUp, int32(i))
	}
	if !v.how.PhoneDied || w.agent == v.agent {
		d.goOn(i, Served)
	}
}

// sortedOffers are the ids in the order in which they were offered.
func sortedOffers(m map[acd.OfferID]early) []acd.OfferID {
	return slices.SortedFunc(maps.Keys(m), func(a, b acd.OfferID) int { return cmp.Compare(a.N, b.N) })
}
