package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"hotline/acd"
	"hotline/acd/sim"
	"hotline/call"
)

// simulated is the queue of a center that only flags describe.
const simulated acd.QueueID = "calls"

// build makes the center that the flags describe.
func (f *simulateFlags) build() (sim.Center, error) {
	_, within, err := f.level()
	if err != nil {
		return sim.Center{}, err
	}
	c := sim.Center{
		Open: f.hours, WarmUp: f.warmUp, Within: within, Seed: f.seed,
		Ratings: sim.Ratings{Share: f.rated, Noise: f.noise, Whole: true, History: f.history, Back: f.back},
	}
	stream, err := f.stream()
	if err != nil {
		return c, err
	}
	if f.center != "" {
		err := f.fromCenter(&c, stream)
		return c, err
	}
	c.Queues = []acd.Queue{{ID: simulated, H: f.headStart, G: f.idleStart, WrapUp: f.wrapUp, MissedNotReady: true}}
	for i := range f.agents {
		c.Agents = append(c.Agents, sim.Agent{Agent: acd.Agent{
			ID: acd.AgentID(strconv.Itoa(1001 + i)), Queues: []acd.QueueID{simulated}, Order: i}})
	}
	stream.Queue, stream.PerHour, stream.To = simulated, f.rate, simulated
	if c.Streams, err = f.bySkill(c.Agents, stream); err != nil {
		return c, err
	}
	err = f.people(&c)
	return c, err
}

// stream is what all callers have in common.
func (f *simulateFlags) stream() (s sim.Stream, err error) {
	bad := func(flag, value string, err error) error {
		return usageError{fmt.Sprintf("simulate: --%s %s: %v", flag, value, err), "exponential, lognormal or fixed"}
	}
	s = sim.Stream{Talk: sim.Dist{Mean: f.talk, Spread: f.spread}, High: 1, Transfer: f.transfer, Customers: f.customers}
	s.Choose = sim.Choose{Share: f.choose, Hold: f.hold, Told: true}
	if s.Talk.Shape, err = sim.ParseShape(f.talkShape); err != nil {
		return s, bad("talk-shape", f.talkShape, err)
	}
	if f.ring > 0 {
		s.PickUp = &sim.Dist{Mean: f.ring}
	}
	if f.patience != "none" {
		p := sim.Dist{Spread: 1}
		if p.Mean, err = time.ParseDuration(f.patience); err != nil || p.Mean <= 0 {
			return s, usageError{fmt.Sprintf("simulate: --patience %s: is no time of more than 0", f.patience), "--patience 2m, or none for callers who never hang up"}
		}
		if p.Shape, err = sim.ParseShape(f.patienceShape); err != nil {
			return s, bad("patience-shape", f.patienceShape, err)
		}
		s.Patience = &p
	}
	switch f.profile {
	case "":
		return s, nil
	case "day":
		s.Profile = sim.DayProfile
		return s, nil
	}
	for part := range strings.SplitSeq(f.profile, ",") {
		x, err := strconv.ParseFloat(strings.TrimSpace(part), 64)
		if err != nil || !(x >= 0 && x <= 1000) {
			return s, usageError{fmt.Sprintf("simulate: --profile: %q is no factor of 0 or more", part), "--profile 0.3,1,1.6"}
		}
		s.Profile = append(s.Profile, x)
	}
	if slices.Max(s.Profile) == 0 {
		return s, usageError{"simulate: --profile: nobody ever calls", "--profile 0.3,1,1.6"}
	}
	return s, nil
}

// bySkill splits the callers by the skills they need and gives these to agents,
// each to those next in turn.
func (f *simulateFlags) bySkill(agents []sim.Agent, all sim.Stream) ([]sim.Stream, error) {
	if f.skills == "" {
		return []sim.Stream{all}, nil
	}
	var streams []sim.Stream
	rest, turn := 1.0, 0
	for part := range strings.SplitSeq(f.skills, ",") {
		name, text, _ := strings.Cut(strings.TrimSpace(part), "=")
		count, share, _ := strings.Cut(text, "/")
		n, err1 := strconv.Atoi(count)
		x, err2 := strconv.ParseFloat(share, 64)
		if name == "" || err1 != nil || err2 != nil || n < 1 || n > len(agents) || !(x > 0 && x <= rest+1e-9) {
			return nil, usageError{fmt.Sprintf("simulate: --skills: %q: wants name=agents/share with 1 to %d agents and shares that add up to 1 at most", part, len(agents)), "--skills zh=5/0.2,billing=8/0.3"}
		}
		for range n {
			a := &agents[turn%len(agents)]
			if a.Skills == nil {
				a.Skills = map[string]int{}
			}
			a.Skills[name] = 1
			turn++
		}
		s := all
		s.PerHour, s.Needs = all.PerHour*x, map[string]int{name: 1}
		streams = append(streams, s)
		rest -= x
	}
	if rest > 1e-9 {
		all.PerHour *= rest
		streams = append(streams, all)
	}
	return streams, nil
}

// people gives the agents their quality, breaks and habits.
func (f *simulateFlags) people(c *sim.Center) error {
	var low, high float64
	if _, err := fmt.Sscanf(strings.Replace(f.quality, "-", " ", 1), "%g %g", &low, &high); err != nil || low < 1 || high > 5 || low > high {
		return usageError{fmt.Sprintf("simulate: --quality %s: is no span of 1 to 5 stars", f.quality), "--quality 3.4-4.6"}
	}
	for i := range c.Agents {
		a := &c.Agents[i]
		// Spread like a shuffled pack, so that names and skills say nothing of quality.
		place := float64(i*7919%len(c.Agents)) / float64(max(len(c.Agents)-1, 1))
		a.Quality = map[string]float64{"": low + (high-low)*place}
		a.Miss, a.Decline = f.miss, f.decline
		if f.breaks > 0 {
			from := f.hours/3 + time.Duration(float64(f.hours/3)*float64(i)/float64(len(c.Agents)))
			a.Away = []sim.Span{{From: from, To: from + f.breaks}}
		}
	}
	return nil
}

// fromCenter takes queues and agents from a file.
func (f *simulateFlags) fromCenter(c *sim.Center, all sim.Stream) error {
	file, err := loadCenter(f.center)
	if err != nil {
		return err
	}
	if err := checkCenter(file); err != nil {
		return err
	}
	rules := call.Rules(file.Center)
	c.Queues = rules.Queues
	for _, a := range rules.Agents {
		if len(a.Queues) > 0 {
			c.Agents = append(c.Agents, sim.Agent{Agent: a})
		}
	}
	if len(c.Queues) == 0 || len(c.Agents) == 0 {
		return errors.New("simulate: " + f.center + ": has no queue with agents; try: a center with queues and agents in them")
	}
	rates, err := f.queueRates(c.Queues)
	if err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(rates)) {
		s := all
		s.Queue, s.To, s.PerHour = id, id, rates[id]
		s.Category = file.Center.Queues[string(id)].Category
		s.Control = call.ControlShare(file.Center, string(id))
		c.Streams = append(c.Streams, s)
	}
	return f.people(c)
}

// queueRates are the calls an hour of each queue.
func (f *simulateFlags) queueRates(queues []acd.Queue) (map[acd.QueueID]float64, error) {
	rates := map[acd.QueueID]float64{}
	if f.rates == "" {
		for _, q := range queues {
			rates[q.ID] = f.rate / float64(len(queues))
		}
		return rates, nil
	}
	for part := range strings.SplitSeq(f.rates, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		x, err := strconv.ParseFloat(value, 64)
		if err != nil || !(x > 0 && x <= 1e6) {
			return nil, usageError{fmt.Sprintf("simulate: --rates: %q is not queue=calls an hour", part), "--rates sales=200,support=90"}
		}
		if !slices.ContainsFunc(queues, func(q acd.Queue) bool { return string(q.ID) == name }) {
			return nil, usageError{fmt.Sprintf("simulate: --rates: no queue %q in %s", name, f.center), "hotline check -f " + f.center}
		}
		rates[acd.QueueID(name)] = x
	}
	return rates, nil
}
