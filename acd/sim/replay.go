package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hotline/acd"
)

// Logged is one event of the ACD's journal. The upper 24 bits of Seq are the epoch
// of the process, the lower 40 count its events from 1.
type Logged struct {
	Seq  uint64
	At   time.Time
	Body []byte // as [acd.EncodeEvent] wrote it
}

// Assigned is an offer as a call's record has it.
type Assigned struct {
	Call   acd.CallID
	Agent  acd.AgentID
	Reason []byte // JSON; empty: not compared
}

// ReplayConfig is what is replayed, and how.
type ReplayConfig struct {
	// Journal calls f with each event from the start of the process that ran at
	// From until To, in order. It is called once.
	Journal func(f func(Logged) error) error
	// Records are the day's offers by "epoch-n", the end of their ids.
	Records  map[string]Assigned
	From, To time.Time
	Policy   Policy
	Queues   []acd.QueueID // that the policy is for; empty: all
	Within   time.Duration // of the service level; default 20 s
	Examples int           // how many changes are told; default 10
}

// Replayed is what came of a replay.
type Replayed struct {
	Events    int      `json:"events"`    // of the day
	Processes int      `json:"processes"` // that ran on it
	Torn      bool     `json:"torn"`      // the journal begins after the process, or lacks events
	Offers    int      `json:"offers"`    // that the day made
	Compared  int      `json:"compared"`  // of them, with the records
	Differ    int      `json:"differ"`    // of them, other call or agent or reason
	Why       []string `json:"why,omitempty"`

	Was   DayStats `json:"was"`   // the day, by its journal
	Model int      `json:"model"` // calls whose agent differs when the same policy is simulated
	Would DayStats `json:"would"` // the day under the new policy

	Moved   int      `json:"moved"` // calls that another agent would have served
	Changes []Change `json:"changes"`
}

// DayStats are figures of the calls of a day, in the queues looked at.
type DayStats struct {
	Calls       int           `json:"calls"`
	Served      int           `json:"served"`
	HungUp      int           `json:"hung_up"`
	Overflowed  int           `json:"overflowed"`
	Wait        time.Duration `json:"wait"` // mean of all
	ASA         time.Duration `json:"asa"`
	P95         time.Duration `json:"p95"`
	Max         time.Duration `json:"max"`
	Within      float64       `json:"within"`
	Occupancy   float64       `json:"occupancy"`
	OccupancySD float64       `json:"occupancy_sd"`
}

// Change is a call that would have gone another way.
type Change struct {
	Call       acd.CallID    `json:"call"`
	Queue      acd.QueueID   `json:"queue"`
	Came       time.Time     `json:"came"`
	WaitWas    time.Duration `json:"wait_was"`
	WaitWould  time.Duration `json:"wait_would"`
	AgentWas   acd.AgentID   `json:"agent_was"` // "": nobody
	AgentWould acd.AgentID   `json:"agent_would"`
}

// epochShift separates the epoch of a sequence number from its count.
const epochShift = 40

// ErrNoEvents is returned for a day of which the journal has nothing.
var ErrNoEvents = errors.New("sim: replay: the journal has no event of that day")

// replayer replays the processes of a day one after the other.
type replayer struct {
	c       ReplayConfig
	r       Replayed
	epoch   uint64
	last    uint64    // Seq
	end     time.Time // of the last event: what came later is not known
	core    *acd.Core
	rules   []byte // the last Configure
	past    recorder
	model   *again // the same policy, simulated
	would   *again // the new one
	started bool   // From is reached
	was     tally
	next    tally
	all     []Change
}

// Replay re-runs a day and says what another policy would have changed.
//
// Taken from the journal: who called when, how long he talked, when he hung up,
// when agents were there, how their n-th offer of the day ended and after what
// time, ratings, changes of the center. Simulated: who is offered to whom. A call
// that was served may hang up if it waits longer than it did, at the rate at which
// callers of its queue hung up on that day; a call that hung up and would have been
// served talks as long as another one of its queue.
func Replay(c ReplayConfig) (Replayed, error) {
	if !c.From.Before(c.To) {
		return Replayed{}, fmt.Errorf("sim: replay: %v is not before %v", c.From, c.To)
	}
	if c.Within == 0 {
		c.Within = defaultWithin
	}
	if c.Examples == 0 {
		c.Examples = 10
	}
	p := &replayer{c: c}
	if err := c.Journal(p.event); err != nil {
		return p.r, err
	}
	if p.core != nil {
		p.finish()
	}
	if p.r.Events == 0 {
		return p.r, ErrNoEvents
	}
	p.report()
	return p.r, nil
}

// event takes the next one of the journal.
func (p *replayer) event(l Logged) error {
	if !l.At.Before(p.c.To) {
		return nil
	}
	if epoch := l.Seq >> epochShift; epoch != p.epoch || p.core == nil {
		if p.core != nil {
			p.finish()
		}
		p.begin(epoch, l.Seq)
	} else if l.Seq != p.last+1 {
		p.torn(fmt.Sprintf("%d events before %s are missing in the journal", l.Seq-p.last-1, l.At.Format(time.TimeOnly)))
	}
	p.last, p.end = l.Seq, l.At
	if !p.started && !l.At.Before(p.c.From) {
		p.start()
	}
	ev, err := acd.DecodeEvent(l.Body)
	if err != nil {
		p.torn(err.Error())
		return nil
	}
	if _, ok := ev.(acd.Configure); ok {
		p.rules = l.Body
	}
	ev = anonymous(ev)
	out := p.core.Step(l.At, ev)
	if !p.started {
		p.model.core.Step(l.At, p.copy(ev))
		p.would.core.Step(l.At, p.copy(ev))
		p.past.observe(l.At, ev, out)
		p.was.states(l.At, out, p.c)
		p.next.states(l.At, out, p.c)
		return nil
	}
	p.r.Events++
	p.compare(out)
	p.was.states(l.At, out, p.c)
	if p.past.observe(l.At, ev, out) {
		p.past.outside = append(p.past.outside, outside{l.At, p.copy(ev), l.Body, p.past.n})
	}
	return nil
}

// copy is an event of its own for another core, where it holds what cores keep and
// may change.
func (p *replayer) copy(ev acd.Event) acd.Event {
	if _, ok := ev.(acd.Configure); !ok {
		return ev
	}
	again, err := acd.DecodeEvent(p.rules)
	if err != nil {
		return ev
	}
	return again
}

// anonymous forgets the name of the process in offer ids: within one process they
// differ by their numbers.
func anonymous(ev acd.Event) acd.Event {
	switch ev := ev.(type) {
	case acd.OfferAnswered:
		ev.Offer.Node = ""
		return ev
	case acd.OfferRefused:
		ev.Offer.Node = ""
		return ev
	}
	return ev
}

func (p *replayer) torn(why string) {
	p.r.Torn = true
	if len(p.r.Why) < 5 {
		p.r.Why = append(p.r.Why, why)
	}
}

// begin takes up a process.
func (p *replayer) begin(epoch, seq uint64) {
	p.epoch, p.started, p.rules = epoch, false, nil
	p.core = acd.New(acd.Config{Epoch: epoch})
	p.past = newRecorder()
	p.model, p.would = newAgain(epoch), newAgain(epoch)
	p.was.restart(p.c)
	p.next.restart(p.c)
	if seq != epoch<<epochShift+1 {
		p.torn("the journal begins after the start of the process, so what it knew then is missing")
	}
}

// start is the first event of the process within the day.
func (p *replayer) start() {
	p.started = true
	p.r.Processes++
	p.past.restart()
	p.past.started, p.past.rules = true, p.rules
}

// compare checks offers against the records of calls.
func (p *replayer) compare(out []acd.Command) {
	for _, cmd := range out {
		o, ok := cmd.(acd.Offer)
		if !ok {
			continue
		}
		p.r.Offers++
		id := strings.TrimPrefix(o.ID.String(), "-")
		was, ok := p.c.Records[id]
		if !ok {
			continue
		}
		p.r.Compared++
		why := ""
		switch {
		case was.Call != o.Call || was.Agent != o.Agent:
			why = fmt.Sprintf("offer %s: %s to %s in the journal, %s to %s in the records", id, o.Call, o.Agent, was.Call, was.Agent)
		case len(was.Reason) > 0 && !sameReason(o.Reason, was.Reason):
			why = fmt.Sprintf("offer %s: %s to %s for another reason than in the records", id, o.Call, o.Agent)
		default:
			continue
		}
		p.r.Differ++
		if len(p.r.Why) < 5 {
			p.r.Why = append(p.r.Why, why)
		}
	}
}

func sameReason(r acd.Reason, was []byte) bool {
	now, err := json.Marshal(r)
	if err != nil {
		return false
	}
	var flat bytes.Buffer
	return json.Compact(&flat, was) == nil && bytes.Equal(flat.Bytes(), now)
}

// finish simulates what the process did within the day, under both policies.
func (p *replayer) finish() {
	if !p.started {
		p.core = nil
		return
	}
	end := p.end.Add(1)
	p.past.learn(end)
	same := func(*acd.Configure) {}
	p.model.run(&p.past, p.c.From, end, same, func(time.Time, []acd.Command) {})
	if ev := p.changed(); ev != nil {
		p.would.first = ev
	}
	p.would.run(&p.past, p.c.From, end, p.change, func(at time.Time, out []acd.Command) { p.next.states(at, out, p.c) })
	for i := range p.past.visits {
		v := &p.past.visits[i]
		if !p.looksAt(v.ev.Queue) || v.at.Before(p.c.From) {
			continue
		}
		was, model, would := seen{v.left, v.end, v.agent}, &p.model.visits[i], &p.would.visits[i]
		p.was.call(v.at, was, p.end, p.c)
		if model.agent != was.agent || model.end != was.end {
			p.r.Model++
		}
		if would.came {
			p.next.call(would.at, would.seen, p.end, p.c)
			p.note(v, would)
		}
	}
	p.was.close(p.end, p.c)
	p.next.close(p.end, p.c)
	p.core = nil
}

// looksAt tells whether calls of a queue count.
func (p *replayer) looksAt(q acd.QueueID) bool {
	return len(p.c.Queues) == 0 || slices.Contains(p.c.Queues, q)
}

// change puts the new policy into a configuration.
func (p *replayer) change(c *acd.Configure) {
	for i := range c.Queues {
		if p.looksAt(c.Queues[i].ID) {
			p.c.Policy.Apply(&c.Queues[i])
		}
	}
}

// changed is the last configuration with the new policy in it; nil if none came.
func (p *replayer) changed() acd.Event {
	ev, err := acd.DecodeEvent(p.past.rules)
	if err != nil {
		return nil
	}
	c, ok := ev.(acd.Configure)
	if !ok {
		return nil
	}
	p.change(&c)
	return c
}
