package sim

import (
	"testing"
	"time"
)

func TestRandomTimesHaveTheirMeanAndSpread(t *testing.T) {
	for _, c := range []struct {
		d  Dist
		sd float64 // over the mean
	}{
		{Dist{Mean: time.Minute}, 1}, {Dist{Mean: time.Minute, Shape: Fixed}, 0},
		{Dist{Mean: time.Minute, Shape: LogNormal}, 1}, {Dist{Mean: time.Minute, Shape: LogNormal, Spread: 0.5}, 0.5},
	} {
		var s Stat
		for n := range uint64(200_000) {
			s.Add(c.d.sample(draw(1, n, drawTalk), draw(1, n, drawTalk2)).Seconds())
		}
		if !near(s.Mean, 60, 0.6) || !near(s.SD(), 60*c.sd, 1.5) {
			t.Errorf("%v: mean %.2f s, sd %.2f s, want 60 and %.0f", c.d.Shape, s.Mean, s.SD(), 60*c.sd)
		}
	}
}

func TestStudentsQuantilesAreThoseOfTheTable(t *testing.T) {
	for n, want := range map[int]float64{1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 7: 2.365, 9: 2.262, 30: 2.042, 1000: 1.962} {
		if got := student(n); !near(got, want, want/100) {
			t.Errorf("%d degrees of freedom: got %.3f, want %.3f", n, got, want)
		}
	}
}

func TestATraceOfArrivalsIsFollowed(t *testing.T) {
	c := visitsCenter(t, fifo)
	c.Streams[0].Times = []time.Duration{time.Minute, 61 * time.Second, 61 * time.Second, time.Hour}
	c.Open, c.Keep = 2*time.Hour, true
	var got []time.Duration
	for _, v := range run(t, c).Visits {
		got = append(got, v.Came)
	}
	if len(got) != 4 || got[0] != time.Minute || got[2] != 61*time.Second || got[3] != time.Hour {
		t.Errorf("callers came at %v, want %v", got, c.Streams[0].Times)
	}
}

func TestNonsenseIsRefusedWithWhatToDo(t *testing.T) {
	for name, spoil := range map[string]func(*Center){
		"no agents": func(c *Center) { c.Agents = nil }, "no queue": func(c *Center) { c.Queues = nil },
		"no callers": func(c *Center) { c.Streams = nil }, "never open": func(c *Center) { c.Open = 0 },
		"agent twice": func(c *Center) { c.Agents[1].ID = c.Agents[0].ID }, "negative rate": func(c *Center) { c.Streams[0].PerHour = -1 },
		"talks of nothing": func(c *Center) { c.Streams[0].Talk.Mean = 0 }, "unknown queue": func(c *Center) { c.Streams[0].Queue = "x" },
		"share of 2": func(c *Center) { c.Streams[0].Transfer = 2 }, "transfer to nowhere": func(c *Center) { c.Streams[0].Transfer = 0.1 },
		"too many calls": func(c *Center) { c.Streams[0].PerHour = 1e9 }, "negative noise": func(c *Center) { c.Ratings.Noise = -1 },
	} {
		c := visitsCenter(t, fifo)
		spoil(&c)
		if _, err := Run(c); err == nil {
			t.Errorf("%s: is simulated", name)
		}
	}
}

// What the policy brings is seen in the difference to the control group, which is
// what a live center has.
func TestTheControlGroupShowsWhatThePolicyBrings(t *testing.T) {
	gain := func(policy string) (diff, half float64) {
		c := visitsCenter(t, policy)
		types(&c)
		for i := range c.Streams {
			c.Streams[i].Control = 0.1
		}
		c.Open, c.Keep, c.Ratings.History = 3*c.Open, true, 50
		var by [2]Stat
		for _, v := range run(t, c).Visits {
			if v.Control {
				by[0].Add(v.Stars)
			} else {
				by[1].Add(v.Stars)
			}
		}
		return by[1].Mean - by[0].Mean, by[0].CI() + by[1].CI()
	}
	if diff, half := gain("counted"); diff-half < 0.05 {
		t.Errorf("counted: the others got %.3f +- %.3f stars more than the control group, want 0.05 at least", diff, half)
	}
	if diff, half := gain(fifo); diff < -half || diff > half {
		t.Errorf("longest idle: the others got %.3f +- %.3f stars more than the control group", diff, half)
	}
}
