package sim

import (
	"time"

	"hotline/acd"
)

// past is one call's time in one queue as the journal tells it.
type past struct {
	ev     acd.CallQueued
	at     time.Time // when it was queued
	left   time.Time // when it was answered or left; zero: it still waited
	end    End
	agent  acd.AgentID
	ended  time.Time // of the talk; zero: it still ran
	how    acd.TalkEnded
	byCall bool          // the talk ended because the call left
	moved  bool          // its owner took it out of the queue by queueing it anew
	wrapUp time.Duration // until the agent ended it himself; 0: he did not
	order  [3]uint32     // of the events that queued it, ended the wait and ended the talk, in the journal
	before int           // visit of the same call that this one follows; -1 none
	after  time.Duration // the end of that visit
}

// finished is when the visit was over; zero if it was not.
func (v *past) finished() time.Time {
	if v.end == Served {
		return v.ended
	}
	return v.left
}

// outcome is how an offer to an agent ended.
type outcome struct {
	kind  outcomeKind
	how   acd.Refusal
	after time.Duration // the offer
	order uint32        // of the event that settled it, in the journal
	back  time.Duration // after a missed or declined one: until he was ready again; 0: he was not
}

type outcomeKind uint8

const (
	withdrawn outcomeKind = iota // nobody knows what he would have done
	answered
	refused
	rangOut
)

// outside is an event that comes from people and phones, whatever the ACD does.
type outside struct {
	at    time.Time
	ev    acd.Event
	body  []byte
	order uint32 // in the journal
}

// ringing is an offer that has not been settled.
type ringing struct {
	visit int
	agent acd.AgentID
	at    time.Time
	n     int // of the agent's outcomes; -1: offered before the day
}

// early is an offer that rang when the day began, with its outcome.
type early struct {
	ringing
	outcome
}

// recorder tells from events and commands what calls and agents did.
type recorder struct {
	rules    []byte // the configuration when the day began
	visits   []past
	current  map[acd.CallID]int
	rings    map[acd.OfferID]ringing
	outcomes map[acd.AgentID][]outcome
	missed   map[acd.AgentID]time.Time // Not ready by the core's own doing, since then
	wrapping map[acd.AgentID]int       // visit
	outside  []outside
	open     int                   // visits that began before the day and are not over
	early    map[acd.OfferID]early // offers from before the day
	started  bool
	n        uint32 // events so far

	mean    map[acd.AgentID]time.Duration // until he answers
	talks   map[acd.QueueID][]time.Duration
	hangUps map[acd.QueueID]time.Duration // mean patience by queue; 0 endless
}

func newRecorder() recorder {
	return recorder{
		current: map[acd.CallID]int{}, rings: map[acd.OfferID]ringing{}, early: map[acd.OfferID]early{}, outcomes: map[acd.AgentID][]outcome{},
		missed: map[acd.AgentID]time.Time{}, wrapping: map[acd.AgentID]int{},
	}
}

// keptPast is how many visits from before the day are kept before those that are
// over are forgotten.
const keptPast = 1 << 16

// restart forgets what was over before the day.
func (r *recorder) restart() {
	kept := make([]past, 0, len(r.visits))
	moved := make(map[int]int)
	for i := range r.visits {
		v := r.visits[i]
		if v.finished().IsZero() {
			v.before = -1
			moved[i] = len(kept)
			kept = append(kept, v)
		}
	}
	r.visits, r.open = kept, len(kept)
	for call, i := range r.current {
		if n, ok := moved[i]; ok {
			r.current[call] = n
		} else {
			delete(r.current, call)
		}
	}
	for n, g := range r.rings {
		g.visit, g.n = moved[g.visit], -1
		r.rings[n] = g
	}
	for a, i := range r.wrapping {
		if n, ok := moved[i]; ok {
			r.wrapping[a] = n
		} else {
			delete(r.wrapping, a)
		}
	}
	clear(r.outcomes)
	clear(r.early)
	clear(r.missed) // who was made Not ready before the day is ready again when he was
}

// observe learns from an event and what the core did; true if the event is one
// from outside.
func (r *recorder) observe(at time.Time, ev acd.Event, out []acd.Command) bool {
	r.n++
	from := r.event(at, ev)
	for _, cmd := range out {
		r.command(at, cmd)
	}
	if !r.started && len(r.visits) > keptPast {
		r.restart()
	}
	return from
}

func (r *recorder) event(at time.Time, ev acd.Event) (from bool) {
	switch ev := ev.(type) {
	case acd.CallQueued:
		r.queued(at, ev)
	case acd.CallLeft:
		if v := r.visit(ev.Call); v != nil && v.left.IsZero() {
			v.left, v.end, v.order[1] = at, HungUp, r.n
		} else if v != nil && v.end == Served && v.ended.IsZero() {
			v.ended, v.byCall, v.order[2] = at, true, r.n
		}
	case acd.OfferAnswered:
		if g, ok := r.rings[ev.Offer]; ok {
			v := &r.visits[g.visit]
			v.left, v.end, v.agent = at, Served, g.agent
			r.settle(ev.Offer, outcome{kind: answered, after: at.Sub(g.at)})
		}
	case acd.OfferRefused:
		if g, ok := r.rings[ev.Offer]; ok {
			o := outcome{kind: refused, how: ev.How, after: at.Sub(g.at)}
			if ev.How == acd.CallerGone || ev.How == acd.SentOn {
				o.kind = withdrawn
			}
			r.settle(ev.Offer, o)
		}
	case acd.TalkEnded:
		if v := r.visit(ev.Call); v != nil && v.end == Served && v.ended.IsZero() && v.agent == ev.Agent {
			v.ended, v.how, v.order[2] = at, ev, r.n
			r.wrapping[ev.Agent] = r.current[ev.Call]
		}
	case acd.WrapUpDone:
		i, ok := r.wrapping[ev.Agent]
		if !ok {
			return true
		}
		r.visits[i].wrapUp = at.Sub(r.visits[i].ended)
		delete(r.wrapping, ev.Agent)
	case acd.Ready:
		return !r.back(ev.Agent, at)
	case acd.NotReady:
		delete(r.missed, ev.Agent)
		return true
	case acd.LogOut:
		delete(r.missed, ev.Agent)
		return true
	default: // also a Tick: at an instant with other events its turn counts
		return true
	}
	return false
}

// queued begins a visit.
func (r *recorder) queued(at time.Time, ev acd.CallQueued) {
	n := len(r.visits)
	v := past{ev: ev, at: at, before: -1, order: [3]uint32{r.n}}
	if i, ok := r.current[ev.Call]; ok {
		b := &r.visits[i]
		if b.left.IsZero() {
			b.left, b.end, b.moved, b.order[1] = at, Overflowed, true, r.n
		} else if b.end == Served && b.ended.IsZero() {
			b.ended, b.byCall, b.order[2] = at, true, r.n
		}
		v.before, v.after = i, at.Sub(b.finished())
	}
	r.visits = append(r.visits, v)
	r.current[ev.Call] = n
}

func (r *recorder) visit(id acd.CallID) *past {
	if i, ok := r.current[id]; ok {
		return &r.visits[i]
	}
	return nil
}

func (r *recorder) command(at time.Time, cmd acd.Command) {
	switch cmd := cmd.(type) {
	case acd.Offer:
		i, ok := r.current[cmd.Call]
		if !ok {
			return
		}
		r.outcomes[cmd.Agent] = append(r.outcomes[cmd.Agent], outcome{})
		r.rings[cmd.ID] = ringing{i, cmd.Agent, at, len(r.outcomes[cmd.Agent]) - 1}
		delete(r.wrapping, cmd.Agent)
	case acd.Withdraw:
		g, ok := r.rings[cmd.ID]
		if !ok {
			return
		}
		o := outcome{after: at.Sub(g.at)}
		if cmd.Why == acd.WithdrawNoAnswer {
			o.kind = rangOut
		}
		r.settle(cmd.ID, o)
	case acd.Overflow:
		if v := r.visit(cmd.Call); v != nil && v.left.IsZero() {
			v.left, v.end = at, Overflowed
		}
	case acd.AgentChanged:
		if cmd.State == acd.NotReadyState && forced(cmd.Reason) {
			r.missed[cmd.Agent] = at
		}
	}
}

// forced tells whether the core itself made an agent Not ready.
func forced(reason string) bool { return reason == acd.ReasonMissed || reason == acd.ReasonDeclined }

// settle notes how an offer ended.
func (r *recorder) settle(offer acd.OfferID, o outcome) {
	g := r.rings[offer]
	delete(r.rings, offer)
	o.order = r.n
	if g.n < 0 {
		r.early[offer] = early{g, o}
		return
	}
	r.outcomes[g.agent][g.n] = o
}

// back notes that an agent is ready again whom the core had made Not ready.
func (r *recorder) back(a acd.AgentID, at time.Time) bool {
	since, ok := r.missed[a]
	if !ok {
		return false
	}
	delete(r.missed, a)
	if all := r.outcomes[a]; len(all) > 0 {
		all[len(all)-1].back = at.Sub(since)
	}
	return true
}

// learn draws from the day what its calls would have done otherwise.
func (r *recorder) learn(to time.Time) {
	r.mean, r.talks, r.hangUps = map[acd.AgentID]time.Duration{}, map[acd.QueueID][]time.Duration{}, map[acd.QueueID]time.Duration{}
	for a, all := range r.outcomes {
		var s Stat
		for _, o := range all {
			if o.kind == answered {
				s.Add(float64(o.after))
			}
		}
		r.mean[a] = time.Duration(s.Mean)
	}
	waited, hung := map[acd.QueueID]time.Duration{}, map[acd.QueueID]int{}
	for i := range r.visits {
		v := &r.visits[i]
		left := v.left
		if left.IsZero() {
			left = to
		}
		waited[v.ev.Queue] += left.Sub(v.at)
		if v.end == HungUp {
			hung[v.ev.Queue]++
		}
		if v.end == Served && !v.ended.IsZero() {
			r.talks[v.ev.Queue] = append(r.talks[v.ev.Queue], v.ended.Sub(v.left))
		}
	}
	for q, n := range hung { // the best estimate of an exponential patience that is seen in part
		r.hangUps[q] = waited[q] / time.Duration(n)
	}
}
