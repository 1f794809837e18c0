package sim

import (
	"math"
	"math/cmplx"
	"testing"
)

func near(a, b, tolerance float64) bool { return math.Abs(a-b) <= tolerance }

// The values are those of the published tables of Erlang's formulas, to the digits given there.
func TestErlangFormulasGiveTheTabulatedValues(t *testing.T) {
	for _, c := range []struct {
		n       int
		load, b float64
	}{{1, 1, 0.5}, {2, 1, 0.2}, {5, 3, 0.1101}, {10, 5, 0.0184}, {10, 8, 0.1217}, {20, 12, 0.0098}, {100, 84.06, 0.0100}} {
		if got := ErlangB(c.n, c.load); !near(got, c.b, 0.00006) {
			t.Errorf("Erlang B of %d servers, %v erlangs: got %.5f, want %.4f", c.n, c.load, got, c.b)
		}
	}
	for _, c := range []struct {
		n          int
		load, wait float64
	}{{1, 0.7, 0.7}, {2, 1, 1.0 / 3}, {10, 8, 0.4092}, {20, 14, 0.0936}, {20, 17, 0.3851}, {20, 18.4, 0.628}} {
		e := ErlangC(c.n, c.load/180, 180, 20)
		if !near(e.Wait, c.wait, 0.0006) {
			t.Errorf("Erlang C of %d agents, %v erlangs: got %.5f, want %.4f", c.n, c.load, e.Wait, c.wait)
		}
		if want := e.Wait * 180 / (float64(c.n) - c.load); !near(e.Mean, want, 1e-9) {
			t.Errorf("mean wait: got %v, want %v", e.Mean, want)
		}
	}
	if e := ErlangC(20, 21.0/180, 180, 20); !math.IsInf(e.Mean, 1) || e.Wait != 1 {
		t.Errorf("overloaded: got %+v, want an endless wait", e)
	}
}

func TestErlangAGivesItsTabulatedValueAndItsLimits(t *testing.T) {
	if e := ErlangA(20, 21.0/180, 180, 120, 20); !near(e.Abandon, 0.1209, 0.0001) {
		t.Errorf("20 agents, 21 erlangs, patience 120 s: abandonment %.4f, want 0.1209", e.Abandon)
	}
	// With endless patience it is Erlang C, with next to none Erlang B.
	c, a := ErlangC(20, 17.0/180, 180, 20), ErlangA(20, 17.0/180, 180, 1e8, 20)
	if !near(a.Wait, c.Wait, 1e-4) || !near(a.Mean, c.Mean, 0.01) || !near(a.Within, c.Within, 1e-4) {
		t.Errorf("endless patience: got %+v, want %+v", a, c)
	}
	if e := ErlangA(20, 17.0/180, 180, 1e-3, 20); !near(e.Abandon, ErlangB(20, 17), 1e-3) {
		t.Errorf("no patience: abandonment %v, want %v", e.Abandon, ErlangB(20, 17))
	}
	// M/M/1+M with equal rates is M/M/inf cut by the patience: P(n) is Poisson.
	if e := ErlangA(1, 2, 1, 1, 0); !near(e.Wait, 1-math.Exp(-2), 1e-6) {
		t.Errorf("one agent, patience as the talk: P(wait) %v, want %v", e.Wait, 1-math.Exp(-2))
	}
	for _, n := range []int{1, 500, 5000} { // no overflow, whatever the size
		for _, load := range []float64{0.01, 1, 3} {
			e := ErlangA(n, load*float64(n)/180, 180, 600, 20)
			if !(e.Abandon >= 0 && e.Abandon < 1 && e.Within >= 0 && e.Within <= 1.0000001 && e.Busy <= 1.0000001) {
				t.Errorf("%d agents at %v: %+v", n, load, e)
			}
		}
	}
}

func TestDeterministicTalksGiveTheTabulatedWaits(t *testing.T) {
	for _, rho := range []float64{0.5, 0.7, 0.85, 0.92} { // M/D/1 has a closed form
		if e := Deterministic(1, rho, 1); !near(e.Mean, rho/(2*(1-rho)), 1e-6) || !near(e.Wait, rho, 1e-6) {
			t.Errorf("M/D/1 at %v: got %v, want %v", rho, e.Mean, rho/(2*(1-rho)))
		}
	}
	// With more agents the wait is a little over half of Erlang C's, and half in heavy traffic.
	for _, c := range []struct{ rho, from, to float64 }{{0.7, 0.5, 0.62}, {0.92, 0.5, 0.53}} {
		for _, n := range []int{2, 5, 20} {
			ratio := Deterministic(n, c.rho*float64(n), 1).Mean / ErlangC(n, c.rho*float64(n), 1, 0).Mean
			if ratio < c.from || ratio > c.to {
				t.Errorf("M/D/%d at %v: %.4f of Erlang C, want %v to %v", n, c.rho, ratio, c.from, c.to)
			}
		}
	}
}

// The mean number in M/D/n is also known by the roots z within the unit circle of
// z^n = exp(load*(z-1)), of which there are n-1:
//
//	L = (n - (n-load)^2) / (2*(n-load)) + sum of 1/(1-z)
func TestCrommelinsEquationsAgreeWithTheRootsOfTheirTransform(t *testing.T) {
	for _, n := range []int{1, 2, 5, 20} {
		for _, rho := range []float64{0.5, 0.7, 0.85} {
			load := rho * float64(n)
			free := float64(n) - load
			in := complex((float64(n)-free*free)/(2*free), 0)
			for k := 1; k < n; k++ {
				turn, z := cmplx.Rect(1, 2*math.Pi*float64(k)/float64(n)), complex(0, 0)
				for range 5000 {
					z = turn * cmplx.Exp(complex(rho, 0)*(z-1))
				}
				in += 1 / (1 - z)
			}
			want := (real(in) - load) / load // waiting calls over arrivals per talk
			if got := Deterministic(n, load, 1); !near(got.Mean, want, 1e-6+1e-4*want) {
				t.Errorf("M/D/%d at %v: wait %.7f talks, want %.7f", n, rho, got.Mean, want)
			}
		}
	}
}
