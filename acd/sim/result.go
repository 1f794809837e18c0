package sim

import (
	"math"
	"slices"
	"time"
)

// Result is what came of a day. Only calls that came within the hours that count
// are in it; a call that is transferred counts in each queue.
type Result struct {
	Calls      int `json:"calls"`
	Served     int `json:"served"`
	Abandoned  int `json:"abandoned"`
	Overflowed int `json:"overflowed"`
	Waiting    int `json:"waiting"` // left over at the very end

	Rating float64 `json:"rating"` // mean of what was delivered, in stars
	Given  float64 `json:"given"`  // mean of the ratings given; 0: none

	Waited  float64       `json:"waited"`   // share of calls that were not answered at once
	Wait    time.Duration `json:"wait"`     // mean of all calls, with those who hung up
	ASA     time.Duration `json:"asa"`      // mean until the answer, of answered calls
	P95     time.Duration `json:"p95"`      // of all calls' waits
	Max     time.Duration `json:"max"`      //
	Good    time.Duration `json:"good"`     // mean wait of callers with a standing of 0.5 or more
	Bad     time.Duration `json:"bad"`      // and of the others
	Within  float64       `json:"within"`   // service level: share of all calls answered within the limit
	Abandon float64       `json:"abandon"`  // share of calls that hung up
	Choosy  time.Duration `json:"choosers"` // mean wait of those who chose an agent
	Chosen  float64       `json:"chosen"`   // mean stars delivered to them

	Occupancy Occupancy      `json:"occupancy"`
	Bounds    Bounds         `json:"bounds"`
	Reasons   map[string]int `json:"reasons"` // how often each factor decided

	Missed      int     `json:"missed"`
	Declined    int     `json:"declined"`
	Transferred int     `json:"transferred"`
	Steps       int     `json:"steps"` // events that the core took
	Visits      []Visit `json:"-"`     // all, in the order in which they came, if asked for

	open  int     // visits that have not ended
	given int     // ratings
	stars float64 // their sum
}

// Occupancy is how busy agents were: talk, ringing and wrap-up over the time that
// they were logged in and not on a break.
type Occupancy struct {
	Mean   float64   `json:"mean"` // of all agents' time
	SD     float64   `json:"sd"`   // between agents
	Min    float64   `json:"min"`
	Max    float64   `json:"max"`
	Agents []float64 `json:"-"` // in the order of the center
}

// finish counts the day.
func (d *day) finish() {
	for i := range d.workers {
		d.workers[i].account(d.now, d.close)
	}
	r := &d.r
	r.Steps = d.steps
	var waits []time.Duration
	var sum, asa, good, bad, choosy time.Duration
	var answered, waited, goods, bads, chose int
	for i := range d.visits {
		v := &d.visits[i]
		if d.c.Keep {
			r.Visits = append(r.Visits, v.Visit)
		}
		if v.Came < 0 {
			continue
		}
		r.Calls++
		waits = append(waits, v.Wait)
		sum += v.Wait
		if v.Wait > 0 {
			waited++
		}
		if v.Standing >= 0.5 {
			good, goods = good+v.Wait, goods+1
		} else {
			bad, bads = bad+v.Wait, bads+1
		}
		switch v.End {
		case Served:
			r.Served++
			r.Rating += v.Stars
			asa += v.Wait
			if v.Wait <= d.c.Within {
				answered++
			}
			if v.Chose {
				choosy, chose, r.Chosen = choosy+v.Wait, chose+1, r.Chosen+v.Stars
			}
		case HungUp:
			r.Abandoned++
		case Overflowed:
			r.Overflowed++
		case Waiting:
			r.Waiting++
		}
	}
	slices.Sort(waits)
	if n := len(waits); n > 0 {
		r.P95, r.Max = waits[(n-1)*95/100], waits[n-1]
	}
	r.Rating, r.Given = over(r.Rating, r.Served), over(r.stars, r.given)
	r.Wait, r.ASA, r.Good, r.Bad, r.Choosy = mean(sum, r.Calls), mean(asa, r.Served), mean(good, goods), mean(bad, bads), mean(choosy, chose)
	r.Waited, r.Within, r.Abandon = over(float64(waited), r.Calls), over(float64(answered), r.Calls), over(float64(r.Abandoned), r.Calls)
	r.Chosen = over(r.Chosen, chose)
	r.Occupancy = d.occupancy()
}

func (d *day) occupancy() (o Occupancy) {
	var busy, on time.Duration
	var all Stat
	for _, w := range d.workers {
		if w.on == 0 {
			o.Agents = append(o.Agents, 0)
			continue
		}
		busy, on = busy+w.busy, on+w.on
		x := float64(w.busy) / float64(w.on)
		o.Agents = append(o.Agents, x)
		if all.N == 0 || x < o.Min {
			o.Min = x
		}
		o.Max = max(o.Max, x)
		all.Add(x)
	}
	if on > 0 {
		o.Mean = float64(busy) / float64(on)
	}
	o.SD = all.SD()
	return o
}

func over(sum float64, n int) float64 {
	if n == 0 {
		return 0
	}
	return sum / float64(n)
}

func mean(sum time.Duration, n int) time.Duration {
	if n == 0 {
		return 0
	}
	return sum / time.Duration(n)
}

// Stat is the mean and spread of numbers (Welford's algorithm).
type Stat struct {
	N    int
	Mean float64
	m2   float64
}

// Add counts one number in.
func (s *Stat) Add(x float64) {
	s.N++
	delta := x - s.Mean
	s.Mean += delta / float64(s.N)
	s.m2 += delta * (x - s.Mean)
}

// SD is the standard deviation of the numbers.
func (s *Stat) SD() float64 {
	if s.N < 2 {
		return 0
	}
	return math.Sqrt(s.m2 / float64(s.N-1))
}

// CI is half the width of the 95 % confidence interval of the mean, by Student's t.
func (s *Stat) CI() float64 {
	if s.N < 2 {
		return math.Inf(1)
	}
	return student(s.N-1) * s.SD() / math.Sqrt(float64(s.N))
}

// student is the 97.5 % quantile of Student's t with n degrees of freedom, by the
// expansion of Cornish and Fisher, which is within 1 % from 3 on; below, by table.
func student(n int) float64 {
	switch n {
	case 1:
		return 12.706
	case 2:
		return 4.303
	}
	const z = 1.959964
	f := float64(n)
	return z + (z*z*z+z)/(4*f) + (5*math.Pow(z, 5)+16*z*z*z+3*z)/(96*f*f) + (3*math.Pow(z, 7)+19*math.Pow(z, 5)+17*z*z*z-15*z)/(384*f*f*f)
}
