package acd

import (
	"cmp"
	"math/rand/v2"
	"time"
)

// Config of a Core.
type Config struct {
	Node  string // name of this process in offer ids
	Epoch uint64 // must grow with each start of the process, so that old offers stay stale
	Audit bool   // tests: verify the bounds at every assignment, for Check; slow
	Seed  uint64 // of all random choices; 0: from Epoch. The same seed and events give the same commands
}

// Core is the state of one ACD. It is not safe for concurrent use: one goroutine owns it.
type Core struct {
	cfg   Config
	stats Stats
	now   int64 // time of the running Step, ns since 1970; never goes back
	at    int64 // when what is being applied happened: now, or when a timer was due
	out   []Command

	queues map[QueueID]*queue
	agents map[AgentID]*agent
	calls  map[CallID]*call  // that wait or are offered
	talks  map[CallID]*agent // who talks with whom
	offers map[OfferID]*offer
	timers timers

	roster   []*agent // all agents by id
	lines    []*queue // all queues by id
	profiles []*profile
	classes  map[string]*class
	sweepAt  int       // number of classes that makes empty ones go
	dirty    []*class  // that may hold a new pair since the last assignment
	emptied  []*queue  // that may have lost their last agent in this Step
	left     []*agent  // who can no longer be rung since the last Step
	grades   gradebook // evaluations

	customers  map[string][]*call // that wait or are offered, of known customers
	categories []string           // of calls, that orders tell apart
	windows    []time.Duration    // of occupancy, each once
	rnd        *rand.Rand         // the only source of chance
	sight      []*node[*call]     // scratch of one choice
	drawn      []*node[*agent]    // likewise

	broken  error  // the first bound that an audited assignment broke
	offered uint64 // number of the last offer
	items   uint64 // number of the last call or agent, for tree priorities
}

// seedStream is which of the generator's sequences a seed stands for.
const seedStream = 0x686f746c696e65

// New is an empty Core: no queue, no agent, until Configure.
func New(cfg Config) *Core {
	return &Core{
		cfg:     cfg,
		queues:  make(map[QueueID]*queue),
		agents:  make(map[AgentID]*agent),
		calls:   make(map[CallID]*call),
		talks:   make(map[CallID]*agent),
		offers:  make(map[OfferID]*offer),
		classes: make(map[string]*class),
		sweepAt: minSweep,
		grades:  newGradebook(),

		customers: make(map[string][]*call),
		rnd:       rand.New(rand.NewPCG(cmp.Or(cfg.Seed, cfg.Epoch), seedStream)),
	}
}

// Step applies one event at time now and returns what has to be done, in order.
// First the event is applied, then whatever was due by now, then calls and
// agents are assigned. The event and what it points to belong to the Core from
// here on. A now before an earlier Step's counts as that Step's: an owner whose
// wall clock may be set back should pass start.Add(time.Since(start)).
func (c *Core) Step(now time.Time, ev Event) []Command {
	c.stats.Steps++
	c.now = max(c.now, stamp(now))
	c.at = c.now
	c.out = nil
	c.apply(ev)
	for t := c.timers.due(c.now); t != nil; t = c.timers.due(c.now) {
		c.at = t.at
		t.fire()
	}
	c.at = c.now
	c.leaveWhenNobody()
	c.abandoned()
	c.assign()
	return c.out
}

// Deadline is when the owner must call Step with a [Tick] at the latest; ok is
// false if nothing is due.
func (c *Core) Deadline() (at time.Time, ok bool) {
	if len(c.timers.heap) == 0 {
		return time.Time{}, false
	}
	return instant(c.timers.heap[0].at), true
}

func (c *Core) apply(ev Event) {
	switch ev := ev.(type) {
	case Configure:
		c.configure(ev)
	case CallQueued:
		c.enqueue(ev)
	case CallLeft:
		if !c.leave(ev.Call, WithdrawCallerGone) {
			c.stats.Ignored++
		}
	case OfferAnswered:
		c.withOffer(ev.Offer, c.answered)
	case OfferRefused:
		c.withOffer(ev.Offer, func(o *offer) { c.refused(o, ev.How) })
	case TalkEnded:
		c.withAgent(ev.Agent, func(a *agent) { c.talkEnded(a, ev) })
	case LogIn:
		c.withAgent(ev.Agent, func(a *agent) { c.logIn(a, ev.Ready) })
	case Ready:
		c.withAgent(ev.Agent, func(a *agent) { c.ready(a) })
	case NotReady:
		c.withAgent(ev.Agent, func(a *agent) { c.rest(a, modeNotReady, ev.Reason) })
	case LogOut:
		c.withAgent(ev.Agent, func(a *agent) { c.rest(a, modeLoggedOut, "") })
	case Reachable:
		c.withAgent(ev.Agent, func(a *agent) { c.reachable(a, ev.Yes) })
	case Occupied:
		c.withAgent(ev.Agent, func(a *agent) { c.occupied(a, ev.Yes) })
	case WrapUpDone:
		c.withAgent(ev.Agent, func(a *agent) { c.wrapUpDone(a) })
	case WrapUpExtended:
		c.withAgent(ev.Agent, func(a *agent) { c.extendWrapUp(a, ev.By) })
	case Rated:
		c.rated(ev)
	case Unrated:
		c.unrated(ev.Contact)
	case RatedCustomer:
		c.ratedCustomer(ev)
	case UnratedCustomer:
		c.unratedCustomer(ev.Contact)
	case ResetGrades:
		c.resetGrades()
	case Rekey:
		c.rekey(ev)
	}
}

// withAgent applies f to an agent. One who is gone from the configuration can
// only end his talk.
func (c *Core) withAgent(id AgentID, f func(*agent)) {
	if a := c.agents[id]; a != nil && (!a.gone || a.activity == activityTalking || len(a.items) > 0) {
		f(a)
		return
	}
	c.stats.Ignored++
}

func (c *Core) withOffer(id OfferID, f func(*offer)) {
	if o := c.offers[id]; o != nil {
		f(o)
		return
	}
	c.stats.StaleOffers++
}

func (c *Core) emit(cmd Command) { c.out = append(c.out, cmd) }

// priority is the next tree priority.
func (c *Core) priority() uint64 {
	c.items++
	return mix(c.items)
}
