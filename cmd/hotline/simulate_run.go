package main

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"hotline/acd"
	"hotline/acd/sim"
)

// measured is one policy's column: values by the names of simulateRows.
type measured struct {
	Policy  string             `json:"policy"`
	Days    int                `json:"days,omitempty"`
	Calls   int                `json:"calls,omitempty"`
	Means   map[string]float64 `json:"means"`
	CI      map[string]float64 `json:"ci95,omitempty"` // half the width of the 95 % confidence interval
	Reasons map[string]int     `json:"reasons,omitempty"`
	Bounds  map[string]float64 `json:"bounds,omitempty"` // the worst seen, times in seconds
}

// simulateRow is one line of the table.
type simulateRow struct {
	name, key, unit string // unit: "%", "s", "" stars
	of              func(s *sim.Summary) sim.Stat
}

var simulateRows = []simulateRow{
	{"service level", "service_level", "%", func(s *sim.Summary) sim.Stat { return s.Within }},
	{"wait until the answer (ASA)", "asa", "s", func(s *sim.Summary) sim.Stat { return s.ASA }},
	{"wait of all calls", "wait", "s", func(s *sim.Summary) sim.Stat { return s.Wait }},
	{"95 of 100 wait at most", "p95", "s", func(s *sim.Summary) sim.Stat { return s.P95 }},
	{"calls that wait", "waited", "%", func(s *sim.Summary) sim.Stat { return s.Waited }},
	{"hung up while waiting", "abandoned", "%", func(s *sim.Summary) sim.Stat { return s.Abandon }},
	{"occupancy", "occupancy", "%", func(s *sim.Summary) sim.Stat { return s.Occupancy }},
	{"  between agents (sd)", "occupancy_sd", "%", func(s *sim.Summary) sim.Stat { return s.Spread }},
	{"rating that callers get", "rating", "*", func(s *sim.Summary) sim.Stat { return s.Rating }},
	{"wait of well rated callers", "wait_good", "s", func(s *sim.Summary) sim.Stat { return s.Good }},
	{"wait of the others", "wait_bad", "s", func(s *sim.Summary) sim.Stat { return s.Bad }},
	{"wait of those who choose", "wait_choosers", "s", func(s *sim.Summary) sim.Stat { return s.Choosers }},
	{"rating that they get", "rating_choosers", "*", func(s *sim.Summary) sim.Stat { return s.Chosen }},
}

// simulate runs each policy and prints them side by side.
func (a *app) simulate(ctx context.Context, f simulateFlags, c sim.Center) error {
	policies, err := f.policies()
	if err != nil {
		return err
	}
	var all []measured
	steps, began := 0, time.Now()
	for _, p := range policies {
		s, err := days(ctx, c, p, f.days)
		if err != nil {
			return err
		}
		steps += s.Steps
		all = append(all, column(p.Text, s))
	}
	took := time.Since(began)
	if f.center == "" && f.skills == "" && f.profile == "" {
		all = append(all, f.erlang(len(c.Agents), c.Within)...)
	}
	if *f.out == "json" {
		for _, m := range all {
			if err := a.jsonLine(m); err != nil {
				return err
			}
		}
		return nil
	}
	if err := a.printSimulated(f, all); err != nil {
		return err
	}
	if c.WarmUp+c.Open < 12*time.Hour || f.days == 1 {
		fmt.Fprintln(a.out, "\nshort runs are noisy: compare columns with each other, and with theory only over many days")
	}
	fmt.Fprintf(a.out, "\n%s, %d agents, %d days of %s from seed %d; %.0f steps of the ACD a second\n",
		simulatedWhat(f), len(c.Agents), f.days, brief(f.hours), f.seed, float64(steps)/took.Seconds())
	return nil
}

// days runs one policy.
func days(ctx context.Context, c sim.Center, p sim.Policy, n int) (sim.Summary, error) {
	queues := append([]acd.Queue(nil), c.Queues...)
	for i := range queues {
		p.Apply(&queues[i])
	}
	c.Queues = queues
	s := sim.Summary{Reasons: map[string]int{}}
	for i := range n {
		if ctx.Err() != nil {
			return s, context.Cause(ctx)
		}
		c := c
		c.Seed += uint64(i)
		r, err := sim.Run(c)
		if err != nil {
			return s, err
		}
		s.Add(r)
	}
	return s, nil
}

func column(name string, s sim.Summary) measured {
	m := measured{Policy: name, Days: s.Days, Calls: s.Calls, Means: map[string]float64{}, CI: map[string]float64{}, Reasons: s.Reasons}
	m.Bounds = map[string]float64{
		"call_gap": s.Bounds.CallGap.Seconds(), "agent_gap": s.Bounds.AgentGap.Seconds(), "overtaken": float64(s.Bounds.Overtaken),
		"longest_wait": s.Max, "skipped": float64(s.Bounds.Skipped), "wait_ratio": s.Bounds.Ratio, "waited_when_overtaken": s.Bounds.Guarded.Seconds(),
	}
	for _, r := range simulateRows {
		if x := r.of(&s); x.N > 0 {
			m.Means[r.key] = x.Mean
			if ci := x.CI(); !math.IsInf(ci, 1) {
				m.CI[r.key] = ci
			}
		}
	}
	return m
}

// erlang is what theory says of such calls, where it says something.
func (f *simulateFlags) erlang(agents int, within time.Duration) []measured {
	perSecond, handle := f.rate/3600, (f.talk + f.wrapUp + f.ring).Seconds()
	limit := within.Seconds()
	row := func(name string, e sim.Erlang, asa float64) measured {
		m := measured{Policy: name, Means: map[string]float64{}}
		if !math.IsInf(e.Mean, 0) {
			m.Means["wait"], m.Means["asa"] = e.Mean, asa
		}
		m.Means["service_level"], m.Means["waited"], m.Means["abandoned"], m.Means["occupancy"] = e.Within, e.Wait, e.Abandon, e.Busy
		return m
	}
	c := sim.ErlangC(agents, perSecond, handle, limit)
	out := []measured{row("Erlang C", c, c.Mean)}
	if p, err := time.ParseDuration(f.patience); err == nil {
		e := sim.ErlangA(agents, perSecond, handle, p.Seconds(), limit)
		out = append(out, row("Erlang A", e, e.Answer))
	}
	return out
}

func (a *app) printSimulated(f simulateFlags, all []measured) error {
	g := grid{head: []string{""}}
	for _, m := range all {
		g.head = append(g.head, m.Policy)
	}
	for _, r := range simulateRows {
		cells, any := []string{r.name}, false
		if r.key == "service_level" {
			cells[0] += " " + f.sl
		}
		for _, m := range all {
			x, ok := m.Means[r.key]
			any = any || ok
			cells = append(cells, r.format(x, m.CI[r.key], ok))
		}
		if any {
			g.add(cells...)
		}
	}
	g.bounds(all)
	if err := a.print(g); err != nil {
		return err
	}
	return a.printFactors(all)
}

// printFactors says how often each factor decided.
func (a *app) printFactors(all []measured) error {
	g := grid{head: []string{"what decided"}}
	factors := map[string]bool{}
	var sums []float64
	for _, m := range all {
		sum := 0
		for why, n := range m.Reasons {
			factors[why] = true
			sum += n
		}
		if sum > 0 {
			g.head, sums = append(g.head, m.Policy), append(sums, float64(sum))
		}
	}
	for _, why := range slices.Sorted(maps.Keys(factors)) {
		cells := []string{why}
		for i, m := range all[:len(sums)] {
			cells = append(cells, fmt.Sprintf("%.1f %%", 100*float64(m.Reasons[why])/sums[i]))
		}
		g.add(cells...)
	}
	fmt.Fprintln(a.out)
	return a.print(g)
}

// bounds adds what was seen of overtaking.
func (g *grid) bounds(all []measured) {
	for _, r := range [][3]string{
		{"longest wait", "longest_wait", "%.0f s"}, {"overtaken by who came later by", "call_gap", "%.1f s"}, {"  at most so often", "overtaken", "%.0f"},
		{"passed by who was idle later by", "agent_gap", "%.1f s"}, {"  at most so often", "skipped", "%.0f"},
	} {
		cells := []string{r[0]}
		for _, m := range all {
			if m.Bounds == nil {
				cells = append(cells, "")
				continue
			}
			cells = append(cells, fmt.Sprintf(r[2], m.Bounds[r[1]]))
		}
		g.add(cells...)
	}
}

func (r simulateRow) format(x, ci float64, ok bool) string {
	if !ok {
		return ""
	}
	scale, digits, unit := 1.0, 1, " s"
	switch r.unit {
	case "%":
		scale, unit = 100, " %"
	case "*":
		digits, unit = 3, ""
	}
	s := fmt.Sprintf("%.*f%s", digits, scale*x, unit)
	if ci > 0 {
		s += fmt.Sprintf(" ±%.*f", digits, scale*ci)
	}
	return s
}

// simulatedWhat names the load in a few words.
func simulatedWhat(f simulateFlags) string {
	if f.rates != "" {
		return f.rates + " calls an hour"
	}
	return fmt.Sprintf("%g calls an hour of %s (%s), patience %s", f.rate, brief(f.talk), f.talkShape, f.patience)
}

// brief is a duration as people write it: 3m, not 3m0s.
func brief(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// staff searches the least number of agents that reaches the service level. More
// agents never make it worse, so the search halves what is left.
func (a *app) staff(ctx context.Context, f simulateFlags, c sim.Center) error {
	share, _, err := f.level()
	if err != nil {
		return err
	}
	policies, err := f.policies()
	if err != nil {
		return err
	}
	p := policies[0]
	load := f.rate / 3600 * (f.talk + f.wrapUp + f.ring).Seconds()
	reached := func(n int) (bool, sim.Summary, error) {
		f := f
		f.agents = n
		c, err := f.build()
		if err != nil {
			return false, sim.Summary{}, err
		}
		s, err := days(ctx, c, p, f.days)
		return s.Within.Mean >= share, s, err
	}
	low, high := 0, max(1, int(load)) // low is too few
	var best sim.Summary
	for {
		ok, s, err := reached(high)
		if err != nil {
			return err
		}
		if best = s; ok {
			break
		}
		if high >= 5000 {
			return fmt.Errorf("simulate: --staff: even 5000 agents do not reach %s; try: fewer calls an hour", f.sl)
		}
		low, high = high, min(5000, high+1+high/10)
	}
	for high-low > 1 {
		mid := (low + high) / 2
		ok, s, err := reached(mid)
		if err != nil {
			return err
		}
		if ok {
			high, best = mid, s
		} else {
			low = mid
		}
	}
	f.agents = high
	cols := append([]measured{column(fmt.Sprintf("%d agents, %s", high, p.Text), best)}, f.erlang(high, c.Within)...)
	if *f.out == "json" {
		return a.jsonLine(struct {
			Agents int     `json:"agents"`
			Load   float64 `json:"load_erlangs"`
			measured
		}{high, load, cols[0]})
	}
	fmt.Fprintf(a.out, "%d agents are the fewest that reach %s (load %.1f erlangs)\n\n", high, f.sl, load)
	return a.printSimulated(f, cols)
}
