package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"hotline/acd"
	"hotline/acd/sim"
)

// picturePolicy is a strategy as the pictures of docs/routing.md show it.
type picturePolicy struct{ name, policy string }

var picturePolicies = []picturePolicy{
	{"longest idle", "longest-idle"},
	{"best rating first", "head-start:idle_start=24h"},
	{"head start 30/60 s", "head-start:head_start=30s:idle_start=60s"},
	{"head start 60/180 s", "head-start:head_start=60s:idle_start=180s"},
	{"accumulating 1.5", "accumulating:b=1.5:band=0.03:guard=120s"},
	{"accumulating 2", "accumulating:b=2:band=0.05:guard=300s"},
	{"counted 3/6", "counted:overtakes=3:skips=6"},
}

// pictureLoad is the load that the pictures are made at; a picture takes pictureCalls.
const (
	pictureLoad  = 0.85
	pictureCalls = 40_000
)

// pictureCenter is the center of the measured table.
func pictureCenter(calls int) sim.Center {
	const agents = 20
	c := sim.Center{Queues: []acd.Queue{{ID: simulated}}, Seed: 1, ByStart: true, Ratings: sim.Ratings{Share: 0.3, Noise: 0.9}}
	for i := range agents {
		c.Agents = append(c.Agents, sim.Agent{Agent: acd.Agent{ID: acd.AgentID(fmt.Sprint(1001 + i)), Queues: []acd.QueueID{simulated}, Order: i},
			Quality: map[string]float64{"": 3.4 + 1.2*float64(i)/(agents-1)}})
	}
	perHour := pictureLoad * agents * 20
	c.Streams = []sim.Stream{{Queue: simulated, PerHour: perHour, High: 1, Talk: sim.Dist{Mean: 3 * time.Minute}}}
	c.Open = time.Duration(float64(calls) / perHour * float64(time.Hour))
	return c
}

// pictures writes those of docs/routing.md.
func (a *app) pictures(ctx context.Context, dir string, calls int) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("simulate: --pictures: %w", err)
	}
	type run struct {
		picturePolicy
		r sim.Result
	}
	var runs []run
	for _, p := range picturePolicies {
		policy, err := sim.ParsePolicy(p.policy)
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		c := pictureCenter(calls)
		policy.Apply(&c.Queues[0])
		r, err := sim.Run(c)
		if err != nil {
			return err
		}
		runs = append(runs, run{p, r})
	}
	price := newPicture("What callers gain, and what agents pay", 720, 380,
		axis{from: 0, to: 12, step: 2, format: "%.0f %%", name: "unequal work: spread of occupancy between agents (standard deviation)"},
		axis{from: 0, to: 0.05, step: 0.01, format: "%+.2f", name: "rating that callers get, stars"})
	work := newPicture("How busy each of 20 agents is", 720, 40*float64(len(runs))+110,
		axis{from: 50, to: 100, step: 10, format: "%.0f %%", name: "occupancy; each dot is an agent"}, axis{from: 0, to: float64(len(runs))})
	work.y.low, work.x.low = work.height-marginBottom, marginLeft
	waits := newPicture("Who waits how long (the mean of all is the same)", 720, 380,
		axis{from: 0, to: float64(len(runs)), name: ""}, axis{from: 0, to: 30, step: 5, format: "%.0f s", name: "mean wait"})
	waits.key([]string{"well rated callers", "the others"}, []string{colours[0], colours[1]})
	base := runs[0].r.Rating
	for i, x := range runs {
		sd, gain := 100*x.r.Occupancy.SD, x.r.Rating-base
		colour := colours[i%len(colours)]
		price.dot(sd, gain, 6, colour)
		anchor, dx, dy := "start", 10.0, 4.0
		switch {
		case sd > 8 || i == 2: // beside the edge, or another one to the right
			anchor, dx = "end", -10
		case i == 0: // on the axis
			dy = -6
		}
		price.label(sd, gain, dx, dy, anchor, "#222", x.name)
		row := float64(len(runs)-i) - 0.5
		for _, o := range x.r.Occupancy.Agents {
			work.dot(100*o, row, 5, colour)
		}
		work.label(work.x.from, row, 6, -10, "start", "#222", x.name)
		at := float64(i) + 0.5
		waits.bar(at-0.17, x.r.Good.Seconds(), 28, colours[0])
		waits.bar(at+0.17, x.r.Bad.Seconds(), 28, colours[1])
		waits.label(at, 0, 0, 16+14*float64(i%2), "middle", "#222", x.name)
	}
	day, err := pictureDay(ctx, max(calls/1000, 1))
	if err != nil {
		return err
	}
	choice, err := pictureChoice(ctx, calls)
	if err != nil {
		return err
	}
	for name, p := range map[string]*picture{"price.svg": price, "work.svg": work, "waits.svg": waits, "day.svg": day, "choice.svg": choice} {
		if err := os.WriteFile(filepath.Join(dir, name), p.bytes(), 0o644); err != nil {
			return fmt.Errorf("simulate: --pictures: %w", err)
		}
	}
	fmt.Fprintf(a.out, "wrote choice.svg, day.svg, price.svg, waits.svg and work.svg to %s\n", dir)
	return nil
}

// pictureDay is the wait through an uneven day, the mean of many.
func pictureDay(ctx context.Context, days int) (*picture, error) {
	const step = 15 * time.Minute
	slots := len(sim.DayProfile)
	p := newPicture("An uneven day: who waits when", 720, 380,
		axis{from: 8, to: 20, step: 2, format: "%02.0f:00", name: "time of day"}, axis{from: 0, to: 35, step: 5, format: "%.0f s", name: "mean wait"})
	patience := sim.Dist{Mean: 2 * time.Minute}
	series := []struct {
		name, policy string
		good         int // 1: well rated callers only, -1 the others, 0 all
		colour       string
		dashed       bool
	}{
		{"longest idle, all", "longest-idle", 0, colours[6], false},
		{"head start 30/60 s, well rated", "head-start:head_start=30s:idle_start=60s", 1, colours[0], false},
		{"head start 30/60 s, others", "head-start:head_start=30s:idle_start=60s", -1, colours[1], true},
	}
	names, colour := []string{}, []string{}
	for _, s := range series {
		policy, err := sim.ParsePolicy(s.policy)
		if err != nil {
			return nil, err
		}
		sum, n := make([]float64, slots), make([]float64, slots)
		for d := range days {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			c := pictureCenter(1)
			policy.Apply(&c.Queues[0])
			c.Streams[0].PerHour, c.Streams[0].Profile, c.Streams[0].Patience = 300, sim.DayProfile, &patience
			c.Open, c.Seed, c.Keep, c.ByStart = time.Duration(slots)*step, uint64(d+1), true, false
			c.Ratings.History = 50
			r, err := sim.Run(c)
			if err != nil {
				return nil, err
			}
			for _, v := range r.Visits {
				if good := v.Standing >= 0.5; s.good == 0 || good == (s.good > 0) {
					i := min(int(v.Came/step), slots-1)
					sum[i], n[i] = sum[i]+v.Wait.Seconds(), n[i]+1
				}
			}
		}
		var xs, ys []float64
		for i := range sum {
			xs, ys = append(xs, 8+(float64(i)+0.5)*step.Hours()), append(ys, sum[i]/max(n[i], 1))
		}
		p.curve(xs, ys, s.colour, s.dashed)
		names, colour = append(names, s.name), append(colour, s.colour)
	}
	p.key(names, colour)
	return p, nil
}

// pictureChoice is what callers gain who choose one of three agents, by how long
// they hold for him.
func pictureChoice(ctx context.Context, calls int) (*picture, error) {
	p := newPicture("Choosing an agent by rating (30 % of callers do, load 0.7)", 720, 380,
		axis{from: 0, to: 120, step: 20, format: "%.0f s", name: "mean wait of those who choose"},
		axis{from: 0, to: 0.25, step: 0.05, format: "%+.2f", name: "rating that they get, stars"})
	p.key([]string{"they hear the expected wait", "they do not"}, []string{colours[0], colours[1]})
	for i, told := range []bool{true, false} {
		var xs, ys []float64
		for _, hold := range []time.Duration{0, 30 * time.Second, time.Minute, 2 * time.Minute} {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			c := pictureCenter(calls / 2)
			c.Queues[0].Strategy = acd.LongestIdle
			c.Streams[0].PerHour *= 0.7 / pictureLoad
			c.Ratings.History = 50
			c.Streams[0].Choose = sim.Choose{Share: 0.3, Hold: hold, Told: told}
			r, err := sim.Run(c)
			if err != nil {
				return nil, err
			}
			x, y := r.Choosy.Seconds(), r.Chosen-4
			xs, ys = append(xs, x), append(ys, y)
			p.dot(x, y, 5, colours[i])
			dy := 18.0
			if hold == 0 {
				dy = -10
			}
			p.label(x, y, 6, dy, "start", "#444", "hold "+brief(hold))
		}
		p.curve(xs, ys, colours[i], !told)
	}
	return p, nil
}
