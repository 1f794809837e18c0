package sim

import (
	"fmt"
	"math"
	"os"
	"testing"
	"time"

	"hotline/acd"
)

// soak skips a test of millions of calls unless it was asked for.
func soak(t *testing.T) {
	t.Helper()
	if os.Getenv("HOTLINE_SOAK") != "1" {
		t.Skip("millions of simulated calls, minutes of time: make soak runs it")
	}
	t.Parallel()
}

// replications runs eight days of 300,000 calls without ratings, after a warm-up.
// Their means are independent, so their spread gives the confidence interval.
func replications(t *testing.T, c Center, value func(Result) []float64) []Stat {
	t.Helper()
	var all []Stat
	for n := range uint64(8) {
		c := c
		c.Seed, c.WarmUp, c.Ratings = 100+n, 10*time.Hour, Ratings{}
		for i, x := range value(run(t, c)) {
			if n == 0 {
				all = append(all, Stat{})
			}
			all[i].Add(x)
		}
	}
	return all
}

const soakCalls = 300_000

// within fails unless theory lies in the 95 % confidence interval of what was
// simulated, widened by Bonferroni's rule for the comparisons that the test makes:
// the whole test is wrong about a true simulator once in twenty seeds.
func within(t *testing.T, what string, s Stat, want float64, comparisons int) {
	t.Helper()
	half := s.CI() * widened(comparisons, s.N)
	if math.Abs(s.Mean-want) > half {
		t.Errorf("%s: simulated %.5f +- %.5f, theory %.5f", what, s.Mean, half, want)
	} else {
		t.Logf("%s: simulated %.5f +- %.5f, theory %.5f", what, s.Mean, s.CI(), want)
	}
}

// widened is the quantile of Student's t for so many comparisons over that for one, at n-1 = 7 degrees of freedom.
func widened(comparisons, n int) float64 {
	if n != 8 {
		panic("the table is for eight replications")
	}
	switch {
	case comparisons <= 1:
		return 1
	case comparisons <= 3:
		return 3.128 / 2.365
	case comparisons <= 4:
		return 3.335 / 2.365
	}
	return 3.855 / 2.365 // 8
}

func TestSoakWaitsFollowErlangC(t *testing.T) {
	soak(t)
	for _, rho := range []float64{0.5, 0.7, 0.85, 0.92} {
		t.Run(fmt.Sprint(rho), func(t *testing.T) {
			e := ErlangC(20, rho*20/180, 180, 20)
			s := replications(t, center(rho, acd.Queue{}, soakCalls), func(r Result) []float64 {
				return []float64{r.Waited, r.Wait.Seconds(), r.Within}
			})
			within(t, "P(wait)", s[0], e.Wait, 8)
			within(t, "E[W] in s", s[1], e.Mean, 8)
			within(t, "answered within 20 s", s[2], e.Within, 8)
		})
	}
}

func TestSoakAbandonmentFollowsErlangAUnderEachStrategy(t *testing.T) {
	soak(t)
	e := ErlangA(20, 1.05*20/180, 180, 120, 20)
	for _, policy := range []string{"longest-idle", "head-start:head_start=30s:idle_start=60s", "accumulating", "counted"} {
		t.Run(policy, func(t *testing.T) {
			p, err := ParsePolicy(policy)
			if err != nil {
				t.Fatal(err)
			}
			c := center(1.05, queueOf(p), soakCalls)
			c.Streams[0].Patience = &Dist{Mean: 2 * time.Minute}
			s := replications(t, c, func(r Result) []float64 {
				return []float64{r.Abandon, r.Wait.Seconds(), r.ASA.Seconds(), r.Waited}
			})
			within(t, "abandonment", s[0], e.Abandon, 4)
			within(t, "P(wait)", s[3], e.Wait, 4)
			if policy == "longest-idle" { // in the order of arrival, the mean waits of the served are Erlang's too
				within(t, "E[W] in s", s[1], e.Mean, 4)
				within(t, "ASA in s", s[2], e.Answer, 4)
			}
		})
	}
}

func TestSoakFixedTalksFollowCrommelin(t *testing.T) {
	soak(t)
	for _, rho := range []float64{0.7, 0.85, 0.92} {
		t.Run(fmt.Sprint(rho), func(t *testing.T) {
			c := center(rho, acd.Queue{}, soakCalls)
			c.Streams[0].Talk.Shape = Fixed
			e := Deterministic(20, rho*20/180, 180)
			s := replications(t, c, func(r Result) []float64 { return []float64{r.Waited, r.Wait.Seconds()} })
			within(t, "P(wait)", s[0], e.Wait, 8)
			within(t, "E[W] in s", s[1], e.Mean, 8)
		})
	}
}
