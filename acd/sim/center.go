package sim

import (
	"errors"
	"fmt"
	"time"

	"hotline/acd"
)

// Center is what is simulated. Instants are counted from the opening.
type Center struct {
	Queues  []acd.Queue
	Agents  []Agent
	Streams []Stream
	// Open is how long callers come. Afterwards those who are in are served.
	Open time.Duration
	// WarmUp comes before Open: its calls are served, but not counted.
	WarmUp time.Duration
	// Within is the wait up to which a call counts for the service level; default 20 s.
	Within time.Duration
	// Seed decides all chance.
	Seed uint64
	// ByStart deals talk times in the order in which talks start, not by the call.
	// Then equal agents who let nobody wait needlessly start talks at the same
	// instants under each strategy.
	ByStart bool
	Ratings Ratings
	// Keep fills Result.Visits.
	Keep bool
	// Core is the core's own configuration; empty: its seed comes from Seed.
	Core acd.Config
	// Grades are the rules by which ratings become grades; empty: the core's own.
	Grades acd.GradeRules
	// Log, unless nil, sees each step of the core, as a journal would.
	Log func(at time.Time, ev acd.Event, out []acd.Command)
}

// Agent is an agent with what the center does not know of him.
type Agent struct {
	acd.Agent
	// Quality is what callers of a category truly get, in stars; "" where the
	// category is not named; 4 where that is missing too.
	Quality map[string]float64
	Speed   float64 // talks are divided by it; 0 means 1
	Away    []Span  // breaks, and the hours before and after his shift
	Miss    float64 // chance that he lets an offer ring out
	Decline float64 // chance that he declines one that he may decline
	// Back is how long an agent who missed a call takes until he is ready again; default 1 min.
	Back time.Duration
}

// Span is from one instant to another.
type Span struct{ From, To time.Duration }

// Stream is one kind of callers.
type Stream struct {
	Queue acd.QueueID
	// PerHour is the mean number of callers an hour; arrivals are Poisson.
	PerHour float64
	// Profile multiplies PerHour in steps of Step (default 15 min), from the
	// opening on, over and over; the warm-up has the first one.
	Profile []float64
	Step    time.Duration
	// Times are the arrivals themselves, in order, instead of PerHour.
	Times    []time.Duration
	Talk     Dist
	Patience *Dist // nil: endless
	PickUp   *Dist // from the offer to the answer; nil: at once

	Category string
	Language string
	Needs    map[string]int
	Priority time.Duration
	// Standing of callers is spread evenly from Low to High.
	Low, High float64
	// Customers is how many different callers there are; 0: each calls once.
	Customers int
	// Transfer is the chance that a talk ends in the queue To.
	Transfer float64
	To       acd.QueueID
	Choose   Choose
	// Control is the share of callers kept as control group.
	Control float64
}

// DayProfile is a day of twelve hours in steps of 15 min, from 0.3 to 1.6 times the
// mean: a peak before noon, a lower one in the afternoon, a quiet end.
var DayProfile = []float64{
	0.56, 0.67, 0.79, 0.94, 1.09, 1.24, 1.38, 1.49, 1.57, 1.60, 1.59, 1.54, 1.45, 1.34, 1.22, 1.10,
	0.98, 0.87, 0.78, 0.86, 0.93, 1.00, 1.06, 1.11, 1.17, 1.21, 1.24, 1.27, 1.27, 1.26, 1.24, 1.19,
	1.13, 1.05, 0.97, 0.88, 0.80, 0.71, 0.63, 0.56, 0.50, 0.45, 0.41, 0.37, 0.35, 0.33, 0.31, 0.30,
}

// Choose is how callers pick an agent by rating.
type Choose struct {
	Share float64       // of callers who pick
	Shown int           // how many agents are told to them; default 3
	Hold  time.Duration // how long they hold for the chosen one; 0: he is theirs if he is free
	// Told makes them hear the expected wait, and leave the choice if none of the
	// shown is free before Hold is over.
	Told bool
	// Any shows agents at random instead of the best ones.
	Any bool
}

// Ratings is how callers rate the agents who served them.
type Ratings struct {
	Share   float64 // of served callers who rate
	Noise   float64 // standard deviation around what they got, in stars
	Lenient float64 // standard deviation between customers, in stars
	Whole   bool    // round to 1..5
	// Back is the share of talks after which the agent rates the customer. Then the
	// core knows no standing beforehand, but learns it: a customer of standing c is
	// worth 3.4 + 1.2*c stars. It needs Customers who call again.
	Back float64
	// History is how many ratings each agent has from before the day, from other callers.
	History int
}

// defaultWithin is the limit of the service level.
const defaultWithin = 20 * time.Second

// queue finds a queue; nil if it is not there.
func (c *Center) queue(id acd.QueueID) *acd.Queue {
	for i := range c.Queues {
		if c.Queues[i].ID == id {
			return &c.Queues[i]
		}
	}
	return nil
}

// check refuses what can't be simulated, with what to do.
func (c *Center) check() error {
	switch {
	case len(c.Queues) == 0:
		return errors.New("sim: no queue; give at least one")
	case len(c.Agents) == 0:
		return errors.New("sim: no agents; give at least one")
	case len(c.Streams) == 0:
		return errors.New("sim: no callers; give at least one stream")
	case c.Open <= 0 || c.Open > 10000*time.Hour || c.WarmUp < 0 || c.WarmUp > 1000*time.Hour:
		return fmt.Errorf("sim: open for %v after a warm-up of %v; a day is up to 10000 h, a warm-up not negative", c.Open, c.WarmUp)
	}
	calls := 0.0
	for i := range c.Streams {
		s := &c.Streams[i]
		if err := c.checkStream(s); err != nil {
			return fmt.Errorf("sim: callers of queue %s: %w", s.Queue, err)
		}
		calls += float64(len(s.Times)) + s.peak()*(c.Open+c.WarmUp).Hours()
	}
	if calls > mostCalls {
		return fmt.Errorf("sim: about %.0f calls in a run, at most %d; make several shorter runs", calls, mostCalls)
	}
	seen := map[acd.AgentID]bool{}
	for _, a := range c.Agents {
		switch {
		case a.ID == "" || seen[a.ID]:
			return fmt.Errorf("sim: agent %q is there twice or has no name", a.ID)
		case a.Speed < 0 || !share(a.Miss) || !share(a.Decline):
			return fmt.Errorf("sim: agent %s: negative speed, or a chance that is not within 0..1", a.ID)
		}
		seen[a.ID] = true
	}
	if r := c.Ratings; !share(r.Share) || !share(r.Back) || r.Noise < 0 || r.Lenient < 0 || r.History < 0 {
		return errors.New("sim: ratings: the share is not within 0..1, or a number is negative")
	}
	return nil
}

// mostCalls bounds the memory of a run: about 250 bytes each.
const mostCalls = 5_000_000

func (c *Center) checkStream(s *Stream) error {
	switch {
	case c.queue(s.Queue) == nil:
		return errors.New("there is no such queue")
	case s.PerHour < 0 || s.PerHour == 0 && s.Times == nil:
		return fmt.Errorf("%g calls an hour; give more than 0, or arrivals", s.PerHour)
	case s.Talk.Mean <= 0:
		return fmt.Errorf("talks of %v; give more than 0", s.Talk.Mean)
	case s.Patience != nil && s.Patience.Mean <= 0:
		return fmt.Errorf("patience of %v; give more than 0, or none for endless patience", s.Patience.Mean)
	case s.Talk.Spread < 0:
		return fmt.Errorf("spread of talks %g is negative", s.Talk.Spread)
	case !share(s.Transfer) || !share(s.Choose.Share) || !share(s.Control):
		return errors.New("a share is not within 0..1")
	case s.Transfer > 0 && c.queue(s.To) == nil:
		return fmt.Errorf("transfers go to queue %q, which is not there", s.To)
	}
	for _, f := range s.Profile {
		if f < 0 || f != f {
			return fmt.Errorf("profile: %g is negative", f)
		}
	}
	return nil
}

func share(x float64) bool { return x >= 0 && x <= 1 }

// peak is the highest rate of the stream, in calls an hour.
func (s *Stream) peak() float64 {
	if s.Times != nil {
		return 0
	}
	top := 1.0
	for i, f := range s.Profile {
		if i == 0 || f > top {
			top = f
		}
	}
	return s.PerHour * top
}

// rate is the calls an hour at an instant.
func (s *Stream) rate(at time.Duration) float64 {
	if len(s.Profile) == 0 {
		return s.PerHour
	}
	step := s.Step
	if step <= 0 {
		step = 15 * time.Minute
	}
	return s.PerHour * s.Profile[int(max(at, 0)/step)%len(s.Profile)]
}

// quality is what a caller of a category gets from an agent.
func (a *Agent) quality(category string) float64 {
	if q, ok := a.Quality[category]; ok {
		return q
	}
	if q, ok := a.Quality[""]; ok {
		return q
	}
	return 4
}

// away tells whether the agent has a break at an instant.
func (a *Agent) away(at time.Duration) bool {
	for _, s := range a.Away {
		if at >= s.From && at < s.To {
			return true
		}
	}
	return false
}

// fits tells whether an agent may take calls of a stream, as the core would say
// of a call that has just come.
func fits(a *acd.Agent, q *acd.Queue, s *Stream) bool {
	in := false
	for _, id := range a.Queues {
		in = in || id == q.ID
	}
	for _, needs := range []map[string]int{q.Needs, s.Needs} {
		for skill, least := range needs {
			in = in && a.Skills[skill] >= least
		}
	}
	if s.Language == "" || len(a.Languages) == 0 {
		return in
	}
	for _, l := range a.Languages {
		if l == s.Language {
			return in
		}
	}
	return false
}
