package main

import (
	"fmt"
	"slices"
	"time"

	"hotline/acd"
	"hotline/acd/sim"
)

// dayRow is how long a simulated day takes.
type dayRow struct {
	Strategy acd.Strategy `json:"strategy"`
	Calls    int          `json:"calls"`
	MS       float64      `json:"day_ms"` // median of three
	Steps    float64      `json:"steps_per_second"`
}

// dayTarget is what a simulated day of dayCalls may take, in ms.
const (
	dayCalls  = 20_000
	dayTarget = 1000
)

// simulateDay measures a day of 20 agents at a load of 0.85 with ratings.
func simulateDay(s acd.Strategy) (dayRow, error) {
	c := sim.Center{Queues: []acd.Queue{{ID: simulated, Strategy: s, H: 30 * time.Second, G: time.Minute}}, Seed: 1,
		Ratings: sim.Ratings{Share: 0.3, Noise: 0.9}}
	for i := range 20 {
		c.Agents = append(c.Agents, sim.Agent{Agent: acd.Agent{ID: acd.AgentID(fmt.Sprint(1001 + i)), Queues: []acd.QueueID{simulated}}})
	}
	c.Streams = []sim.Stream{{Queue: simulated, PerHour: 340, Talk: sim.Dist{Mean: 3 * time.Minute}, High: 1}}
	c.Open = dayCalls * time.Hour / 340
	var took []float64
	row := dayRow{Strategy: s}
	for range 3 {
		began := time.Now()
		r, err := sim.Run(c)
		if err != nil {
			return row, err
		}
		took = append(took, float64(time.Since(began))/1e6)
		row.Calls, row.Steps = r.Calls, float64(r.Steps)
	}
	slices.Sort(took)
	row.MS = took[1]
	row.Steps /= row.MS / 1000
	return row, nil
}

// benchDays measures a day under each kind of strategy.
func (a *app) benchDays(o format) error {
	for _, s := range []acd.Strategy{acd.HeadStart, acd.Accumulating, acd.Counted, acd.LongestIdle} {
		row, err := simulateDay(s)
		switch {
		case err != nil:
			return fmt.Errorf("bench: day: %w", err)
		case o == "json":
			err = a.jsonLine(row)
		default:
			_, err = fmt.Fprintf(a.out, "day: %d calls under %s: %.0f ms, %.0f steps/s; at most %d ms: %s\n",
				row.Calls, s, row.MS, row.Steps, dayTarget, verdict(row.MS <= dayTarget))
		}
		if err != nil {
			return err
		}
	}
	return nil
}
