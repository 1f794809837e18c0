package sim

import (
	"math"
	"strconv"
	"time"

	"hotline/acd"
)

// opening is the instant at which every simulated day opens, a Monday.
var opening = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

// Visit is one call's time in one queue. Instants are counted from the opening.
type Visit struct {
	Stream   int
	Came     time.Duration
	Wait     time.Duration // until the talk, or until he left
	Talk     time.Duration
	Agent    int // who served him; -1 nobody
	End      End
	Standing float64
	Stars    float64 // what he got: the agent's true quality
	Chose    bool    // an agent
	Control  bool
}

// End is how a visit ended.
type End uint8

// The ends of a visit. Waiting is the zero value: the day ended before.
const (
	Waiting End = iota
	Served
	HungUp
	Overflowed
)

// visit is a Visit while it lasts.
type visit struct {
	Visit
	id         uint64 // of its draws
	call       acd.CallID
	customer   string
	state      visitState
	talk       time.Duration
	held       time.Duration // for the agent chosen, until then
	offers     int           // so far
	failed     bool          // one of them
	overtaken  int
	prev, next int32 // in the line of its stream
}

type visitState uint8

const (
	stateWaiting visitState = iota
	stateOffered
	stateTalking
	stateGone
)

// worker is an agent at work.
type worker struct {
	state   acd.State
	since   time.Duration // of state
	idle    time.Duration // since when, if available
	free    bool          // available
	skipped int           // while idle
	busy    time.Duration // talk, ringing and wrap-up within the hours that count
	on      time.Duration // logged in and not on a break, likewise
	served  int
}

// ring is an offer that has not been settled.
type ring struct {
	offer acd.Offer
	visit int32
	agent int32
}

// day is a running simulation.
type day struct {
	c       *Center
	core    *acd.Core
	now     time.Duration
	close   time.Duration
	next    queue // what happens by itself
	todo    []acd.Event
	visits  []visit
	workers []worker
	agents  map[acd.AgentID]int32
	rings   map[uint64]ring
	fits    [][]bool // stream, agent
	lines   []line   // of waiting visits, by stream
	streams []arrivals
	starts  uint64
	steps   int
	r       Result
}

// arrivals is where a stream stands.
type arrivals struct {
	drawn uint64 // candidates so far
	at    time.Duration
	peak  float64
}

// Run simulates the center once.
func Run(c Center) (Result, error) {
	if err := c.check(); err != nil {
		return Result{}, err
	}
	if c.Within == 0 {
		c.Within = defaultWithin
	}
	if c.Core == (acd.Config{}) {
		c.Core.Seed = mix(c.Seed)
	}
	d := &day{
		c: &c, core: acd.New(c.Core), now: -c.WarmUp, close: c.Open,
		agents: make(map[acd.AgentID]int32), rings: make(map[uint64]ring), workers: make([]worker, len(c.Agents)),
		fits: make([][]bool, len(c.Streams)), lines: make([]line, len(c.Streams)), streams: make([]arrivals, len(c.Streams)),
	}
	d.open()
	d.run()
	d.finish()
	return d.r, nil
}

// open lets the agents come to work and prepares the first callers.
func (d *day) open() {
	d.r.Reasons = make(map[string]int)
	ev := acd.Configure{Queues: d.c.Queues, Grades: d.c.Grades}
	for i := range d.c.Agents {
		a := &d.c.Agents[i]
		ev.Agents = append(ev.Agents, a.Agent)
		d.agents[a.ID] = int32(i)
		d.workers[i] = worker{state: acd.LoggedOut, since: d.now}
	}
	d.step(ev)
	d.history()
	for i := range d.c.Agents {
		a := &d.c.Agents[i]
		d.step(acd.Reachable{Agent: a.ID, Yes: true})
		if a.away(d.now) {
			d.step(acd.LogIn{Agent: a.ID})
		} else {
			d.step(acd.LogIn{Agent: a.ID, Ready: true})
		}
		for _, s := range a.Away {
			d.next.push(s.From, happensAway, int32(i))
			d.next.push(s.To, happensBack, int32(i))
		}
	}
	for i := range d.c.Streams {
		s := &d.c.Streams[i]
		d.lines[i] = newLine()
		d.streams[i] = arrivals{at: d.now, peak: s.peak()}
		d.fits[i] = make([]bool, len(d.c.Agents))
		for j := range d.c.Agents {
			d.fits[i][j] = fits(&d.c.Agents[j].Agent, d.c.queue(s.Queue), s)
		}
		d.expect(i)
	}
}

// history gives each agent the ratings he has from before.
func (d *day) history() {
	for i := range d.c.Agents {
		a := &d.c.Agents[i]
		for n := range d.c.Ratings.History {
			id := uint64(i)<<32 | uint64(n) | 1<<62
			name := strconv.Itoa(i) + "h" + strconv.Itoa(n)
			ev := acd.Rated{Agent: a.ID, Customer: name, Contact: name, At: opening.Add(d.now)}
			ev.Stars = d.c.Ratings.stars(a.quality(""), d.c.Seed, id, "")
			for category, q := range a.Quality {
				if category == "" {
					continue
				}
				if ev.Items == nil {
					ev.Items = make(map[string]float64)
				}
				ev.Items[category] = min(max(ev.Stars+q-a.quality(""), 1), 5)
			}
			d.step(ev)
		}
	}
}

// expect finds when the next caller of a stream comes. Arrivals at a changing rate
// are those at the highest one, thinned.
func (d *day) expect(stream int) {
	s, at := &d.c.Streams[stream], &d.streams[stream]
	if s.Times != nil {
		if n := int(at.drawn); n < len(s.Times) {
			at.drawn++
			d.next.push(max(s.Times[n], d.now), happensArrival, int32(stream))
		}
		return
	}
	if at.peak <= 0 {
		return
	}
	gap := Dist{Mean: time.Duration(float64(time.Hour) / at.peak)}
	for {
		id := callOf(stream, at.drawn)
		at.drawn++
		at.at += gap.sample(draw(d.c.Seed, id, drawGap), 0)
		if at.at >= d.close {
			return
		}
		if len(s.Profile) == 0 || unit(draw(d.c.Seed, id, drawGap+1<<32))*at.peak < s.rate(at.at) {
			d.next.push(at.at, happensArrival, int32(stream))
			return
		}
	}
}

// moved marks the draws of a call that was transferred, which it is once.
const moved = 1 << 60

// callOf numbers the calls of all streams for their draws.
func callOf(stream int, n uint64) uint64 { return uint64(stream+1)<<40 | n }

// run lets time pass until nobody is left.
func (d *day) run() {
	for {
		h, ok := d.next.first()
		due, timed := d.core.Deadline()
		at := due.Sub(opening)
		switch {
		case !ok && (!timed || d.r.open == 0 || at > d.close+24*time.Hour):
			return
		case timed && (!ok || at <= h.at):
			d.now = max(d.now, at)
			d.step(acd.Tick{})
		default:
			d.next.pop()
			d.now = h.at
			d.happen(h)
		}
	}
}

func (d *day) happen(h happening) {
	switch h.kind {
	case happensArrival:
		d.arrive(int(h.who))
		d.expect(int(h.who))
	case happensHangUp:
		if v := &d.visits[h.who]; v.state == stateWaiting || v.state == stateOffered {
			d.leave(h.who, HungUp)
			d.step(acd.CallLeft{Call: v.call})
		}
	case happensAnswer:
		d.answer(uint64(h.who))
	case happensEnd:
		d.end(h.who)
	case happensAway:
		d.step(acd.NotReady{Agent: d.c.Agents[h.who].ID, Reason: "break"})
	case happensBack:
		if !d.c.Agents[h.who].away(d.now) && d.workers[h.who].state == acd.NotReadyState {
			d.step(acd.Ready{Agent: d.c.Agents[h.who].ID})
		}
	}
}

// step feeds an event and all that follows at once from it.
func (d *day) step(ev acd.Event) {
	d.todo = append(d.todo, ev)
	for len(d.todo) > 0 {
		ev := d.todo[0]
		d.todo = d.todo[1:]
		d.steps++
		if r, ok := ev.(acd.OfferRefused); ok {
			if g, ok := d.rings[r.Offer.N]; ok {
				d.refused(r.Offer.N, g)
			}
		}
		out := d.core.Step(opening.Add(d.now), ev)
		if d.c.Log != nil {
			d.c.Log(opening.Add(d.now), ev, out)
		}
		for _, cmd := range out {
			d.obey(cmd)
		}
	}
	d.todo = d.todo[:0]
}

func (d *day) obey(cmd acd.Command) {
	switch cmd := cmd.(type) {
	case acd.Offer:
		d.offered(cmd)
	case acd.Withdraw:
		if g, ok := d.rings[cmd.ID.N]; ok {
			d.refused(cmd.ID.N, g)
		}
	case acd.Overflow:
		if n, ok := visitOf(cmd.Call); ok && d.visits[n].state != stateGone {
			d.leave(n, Overflowed)
		}
	case acd.AgentChanged:
		d.changed(cmd)
	}
}

// arrive queues a caller.
func (d *day) arrive(stream int) {
	d.enter(stream, callOf(stream, d.streams[stream].drawn-1), d.c.Streams[stream].Queue)
}

// enter begins a visit in a queue.
func (d *day) enter(stream int, id uint64, q acd.QueueID) {
	s, seed := &d.c.Streams[stream], d.c.Seed
	n := int32(len(d.visits))
	v := visit{id: id, call: acd.CallID("c" + strconv.Itoa(int(n)))}
	v.Stream, v.Came, v.Agent = stream, d.now, -1
	v.Standing = s.Low + (s.High-s.Low)*unit(draw(seed, id, drawStanding))
	if s.Customers > 0 {
		k := draw(seed, id, drawCustomer) % uint64(s.Customers)
		v.customer = "u" + strconv.Itoa(stream) + "-" + strconv.FormatUint(k, 10)
		v.Standing = s.Low + (s.High-s.Low)*unit(draw(seed, k, drawStanding+1<<32))
	}
	v.talk = s.Talk.sample(draw(seed, id, drawTalk), draw(seed, id, drawTalk2))
	v.failed = id&moved != 0 // other agents may take it than those of its stream
	ev := acd.CallQueued{Call: v.call, Queue: q, Since: opening.Add(d.now), Language: s.Language, Needs: s.Needs,
		Customer: v.customer, Standing: v.Standing}
	if d.c.Ratings.Back > 0 {
		ev.Standing = 0.5
	}
	d.wish(s, &v, &ev)
	d.visits = append(d.visits, v)
	d.r.open++
	d.line(n).add(d.visits, n)
	if s.Patience != nil {
		d.next.push(d.now+s.Patience.sample(draw(seed, id, drawPatience), draw(seed, id, drawPatience2)), happensHangUp, n)
	}
	d.step(ev)
}

// line is where a visit waits.
func (d *day) line(n int32) *line { return &d.lines[d.visits[n].Stream] }

// leave ends a visit that was not served.
func (d *day) leave(n int32, how End) {
	v := &d.visits[n]
	if v.state == stateWaiting {
		d.line(n).remove(d.visits, n)
	}
	v.state, v.End, v.Wait = stateGone, how, d.now-v.Came
	d.r.open--
}

// visitOf is the number of a call's visit.
func visitOf(id acd.CallID) (int32, bool) {
	n, err := strconv.ParseInt(string(id[1:]), 10, 32)
	return int32(n), err == nil
}

// stars is one rating of what was delivered.
func (r Ratings) stars(got float64, seed, id uint64, customer string) float64 {
	got += r.Noise * normal(draw(seed, id, drawNoise), draw(seed, id, drawNoise2))
	if r.Lenient > 0 && customer != "" {
		k := uint64(len(customer))
		for _, b := range []byte(customer) {
			k = mix(k + uint64(b))
		}
		got += r.Lenient * normal(draw(seed, k, drawLenient), draw(seed, k, drawLenient2))
	}
	if r.Whole {
		got = math.Round(got)
	}
	return min(max(got, 1), 5)
}
