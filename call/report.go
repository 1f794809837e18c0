package call

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"hotline/store"
)

// ControlReport compares the contacts that a queue's policy served with its
// control group, which was served first come first served, at random. Only
// queues that had a control group count, each from its first such contact on.
type ControlReport struct {
	From     time.Time    `json:"from,omitzero"`
	To       time.Time    `json:"to,omitzero"`
	Queues   []string     `json:"queues"`
	Measures []Comparison `json:"measures"`
	Verdict  string       `json:"verdict"` // what can be said of the ratings
}

// Comparison is one measure of both groups. The interval has the true difference,
// policy less control, in 95 of 100 such samples (Welch).
type Comparison struct {
	Measure    string  `json:"measure"` // "rating" in stars, "wait" in s, "abandoned" as a share
	Policy     Sample  `json:"policy"`
	Control    Sample  `json:"control"`
	Difference float64 `json:"difference"`
	Low        float64 `json:"low"` // of the interval; both 0 if a group has fewer than two
	High       float64 `json:"high"`
	Enough     bool    `json:"enough"` // both groups have 30 or more
}

// Sample are the figures of one group.
type Sample struct {
	N    int     `json:"n"`
	Mean float64 `json:"mean"`
	SD   float64 `json:"sd"`
}

// leastSample: of fewer contacts nothing is said; their mean is hardly normal.
const leastSample = 30

// tally gathers a Sample (Welford), so that nothing is kept of the contacts.
type tally struct {
	n       int
	mean, m float64
}

func (t *tally) add(v float64) {
	t.n++
	d := v - t.mean
	t.mean += d / float64(t.n)
	t.m += d * (v - t.mean)
}

func (t *tally) sample() Sample {
	s := Sample{N: t.n, Mean: t.mean}
	if t.n > 1 {
		s.SD = math.Sqrt(t.m / float64(t.n-1))
	}
	return s
}

// groups are the two tallies of one measure.
type groups struct{ policy, control tally }

func (g *groups) add(control bool, v float64) {
	if control {
		g.control.add(v)
	} else {
		g.policy.add(v)
	}
}

// ControlReport reads the records of the filter's span and queue.
func (e *Engine) ControlReport(f store.Filter) (ControlReport, error) {
	r := ControlReport{From: f.From, To: f.To, Queues: []string{}}
	began, err := e.controlBegan(f)
	if err != nil {
		return r, fmt.Errorf("call: report: %w", err)
	}
	r.Queues = append(r.Queues, sortedKeys(began)...)
	counts := func(queue string, at time.Time) bool {
		first, ok := began[queue]
		return ok && !at.Before(first)
	}
	var rating, wait, gone groups
	err = e.store.CDRs(f, func(c store.CDR) bool {
		if counts(c.Queue, c.Began) {
			waited, abandoned := fate(c)
			wait.add(c.Control, waited.Seconds())
			gone.add(c.Control, abandoned)
		}
		return true
	})
	if err == nil {
		err = e.store.EvaluationsOf(f, store.SideCaller, func(ev store.Evaluation) bool {
			if counts(ev.Queue, ev.At) {
				rating.add(ev.Control, ev.Stars())
			}
			return true
		})
	}
	if err != nil {
		return r, fmt.Errorf("call: report: %w", err)
	}
	r.Measures = []Comparison{compare("rating", &rating), compare("wait", &wait), compare("abandoned", &gone)}
	r.Verdict = verdictOf(r)
	return r, nil
}

// controlBegan is when each queue had its first contact of the control group.
func (e *Engine) controlBegan(f store.Filter) (map[string]time.Time, error) {
	began := map[string]time.Time{}
	err := e.store.CDRs(f, func(c store.CDR) bool {
		if c.Control && c.Queue != "" {
			began[c.Queue] = c.Began // newest first: the last one is the first
		}
		return true
	})
	return began, err
}

// fate is how long a caller waited for agents, and 1 if he gave up. Who left his
// place to a callback did not.
func fate(c store.CDR) (waited time.Duration, abandoned float64) {
	for _, s := range c.Stages {
		if strings.HasPrefix(s.Name, "wait ") {
			waited += s.Ended.Sub(s.Began)
		}
	}
	served := slices.ContainsFunc(c.Talks, func(t store.Talk) bool { return t.Agent != "" })
	if !served && c.Cause.Blame == "caller" && c.Callback == "" {
		abandoned = 1
	}
	return waited, abandoned
}

// compare makes Welch's interval of the difference of two means.
func compare(measure string, g *groups) Comparison {
	c := Comparison{Measure: measure, Policy: g.policy.sample(), Control: g.control.sample()}
	c.Enough = c.Policy.N >= leastSample && c.Control.N >= leastSample
	if c.Policy.N == 0 || c.Control.N == 0 {
		return c
	}
	c.Difference = c.Policy.Mean - c.Control.Mean
	if c.Policy.N < 2 || c.Control.N < 2 {
		return c
	}
	p := c.Policy.SD * c.Policy.SD / float64(c.Policy.N)
	k := c.Control.SD * c.Control.SD / float64(c.Control.N)
	half := 0.0
	if p+k > 0 { // the degrees of freedom of Welch and Satterthwaite
		df := (p + k) * (p + k) / (p*p/float64(c.Policy.N-1) + k*k/float64(c.Control.N-1))
		half = student(df) * math.Sqrt(p+k)
	}
	c.Low, c.High = c.Difference-half, c.Difference+half
	return c
}

// student is the 97.5 % point of Student's t: a table for few degrees of freedom,
// else the expansion around the normal one (Abramowitz and Stegun 26.7.5), which
// is right to 0.003 from six on.
func student(df float64) float64 {
	table := []float64{12.706, 4.303, 3.182, 2.776, 2.571}
	if df < float64(len(table)+1) {
		return table[max(int(df), 1)-1]
	}
	const z = 1.959964
	z3 := z * z * z
	z5 := z3 * z * z
	return z + (z3+z)/(4*df) + (5*z5+16*z3+3*z)/(96*df*df) + (3*z5*z*z+19*z5+17*z3-15*z)/(384*df*df*df)
}

// verdictOf says what the ratings prove, and when they prove nothing.
func verdictOf(r ControlReport) string {
	c := r.Measures[0]
	switch {
	case len(r.Queues) == 0:
		return "No queue had a control group in this time: nothing can be compared. Set control: 0.1 at a queue, and come back when callers have rated."
	case c.Policy.N == 0 || c.Control.N == 0:
		return fmt.Sprintf("Nothing can be said yet: %d rated contacts by the policy, %d of the control group.", c.Policy.N, c.Control.N)
	case !c.Enough:
		return fmt.Sprintf("Too few to tell: %d rated contacts by the policy, %d of the control group, and fewer than %d of either may differ by chance alone.%s",
			c.Policy.N, c.Control.N, leastSample, needed(c))
	case c.Low > 0:
		return fmt.Sprintf("The policy is rated better by %.2f stars (95 %% sure: %.2f to %.2f).", c.Difference, c.Low, c.High)
	case c.High < 0:
		return fmt.Sprintf("The policy is rated worse by %.2f stars (95 %% sure: %.2f to %.2f).", -c.Difference, -c.High, -c.Low)
	}
	return fmt.Sprintf("No difference is proven: %+.2f stars, anything from %+.2f to %+.2f is likely.%s", c.Difference, c.Low, c.High, needed(c))
}

// needed is about how many rated contacts of the control group would show a tenth
// of a star, at today's spread and shares of the groups.
func needed(c Comparison) string {
	if c.Policy.N < 2 || c.Control.N < 2 || c.Policy.SD+c.Control.SD == 0 {
		return ""
	}
	ratio := float64(c.Control.N) / float64(c.Policy.N)
	n := math.Ceil(1.96 * 1.96 * (c.Control.SD*c.Control.SD + c.Policy.SD*c.Policy.SD*ratio) / 0.01)
	if n <= float64(c.Control.N) {
		return ""
	}
	return fmt.Sprintf(" A tenth of a star would show with about %.0f of the control group.", n)
}
