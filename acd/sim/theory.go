package sim

import "math"

// ErlangB is the probability that a call finds all n servers busy where nobody
// waits; load is the offered load in erlangs. The recursion is stable for any n.
func ErlangB(n int, load float64) float64 {
	b := 1.0
	for k := 1; k <= n; k++ {
		b = load * b / (float64(k) + load*b)
	}
	return b
}

// Erlang is what theory says of a queue in its steady state. Times are in seconds.
type Erlang struct {
	Wait    float64 // probability that a call waits
	Mean    float64 // wait of all calls, those who hang up among them
	Answer  float64 // wait of those who are answered
	Abandon float64 // probability that a caller hangs up
	Busy    float64 // occupancy of an agent
	Within  float64 // probability to be answered within the limit
}

// ErlangC is the queue M/M/n: callers per second, talk in seconds, endless
// patience. With too few agents the queue grows for ever: Mean is infinite.
func ErlangC(n int, perSecond, talk, limit float64) Erlang {
	load := perSecond * talk
	if n < 1 || load >= float64(n) {
		return Erlang{Wait: 1, Mean: math.Inf(1), Busy: 1}
	}
	b, rho := ErlangB(n, load), load/float64(n)
	wait := b / (1 - rho*(1-b))
	drain := (float64(n) - load) / talk // calls per second
	return Erlang{Wait: wait, Mean: wait / drain, Answer: wait / drain, Busy: rho, Within: 1 - wait*math.Exp(-drain*limit)}
}

// ErlangA is the queue M/M/n+M: as ErlangC, but callers have an exponential
// patience of this mean in seconds. It integrates the density of the wait that is
// offered, which is proportional to
//
//	exp(perSecond * integral of P(patience > u) over 0..x  -  n*x/talk)
//
// (Zeltyn and Mandelbaum, Call centers with impatient customers, 2005).
func ErlangA(n int, perSecond, talk, patience, limit float64) Erlang {
	if n < 1 || perSecond <= 0 || talk <= 0 || patience <= 0 {
		return Erlang{}
	}
	free := ErlangB(n-1, perSecond*talk)
	if free == 0 { // less than the least number there is
		return Erlang{Busy: perSecond * talk / float64(n), Within: 1}
	}
	height := func(x float64) float64 {
		return perSecond*patience*-math.Expm1(-x/patience) - float64(n)*x/talk
	}
	// The exponent is greatest where arrivals of the patient equal departures.
	peak := max(0, patience*math.Log(perSecond*talk/float64(n)))
	top := height(peak)
	far := peak + talk
	for height(far)-top > -45 {
		far += max(talk, far) / 4
	}
	density := func(x float64) float64 { return math.Exp(height(x) - top) }
	all := integrate(density, 0, far)
	lost := integrate(func(x float64) float64 { return density(x) * -math.Expm1(-x/patience) }, 0, far)
	soon := integrate(func(x float64) float64 { return density(x) * math.Exp(-x/patience) }, 0, min(limit, far))
	// The states without a wait weigh 1/ErlangB(n-1) against the wait's integral.
	free = math.Exp(-top) / free
	total := free + perSecond*all
	e := Erlang{Wait: perSecond * all / total, Abandon: perSecond * lost / total}
	e.Mean = e.Abandon * patience
	answered := integrate(func(x float64) float64 { return x * density(x) * math.Exp(-x/patience) }, 0, far)
	e.Answer = perSecond * answered / total / (1 - e.Abandon)
	e.Busy = perSecond * talk * (1 - e.Abandon) / float64(n)
	e.Within = (free + perSecond*soon) / total
	return e
}

// integrate is Simpson's rule with steps that are fine enough for densities of waits.
func integrate(f func(float64) float64, from, to float64) float64 {
	const steps = 20000
	if to <= from {
		return 0
	}
	h := (to - from) / steps
	sum := f(from) + f(to)
	for i := 1; i < steps; i++ {
		w := 2.0
		if i%2 == 1 {
			w = 4
		}
		sum += w * f(from+float64(i)*h)
	}
	return sum * h / 3
}

// Deterministic is the queue M/D/n: all talks have the same length. It solves
// Crommelin's equations (1932) for the number of calls in the system, which hold
// because whoever is in talk now has left one talk later.
func Deterministic(n int, perSecond, talk float64) Erlang {
	load := perSecond * talk
	if n < 1 || load >= float64(n) {
		return Erlang{Wait: 1, Mean: math.Inf(1), Busy: 1}
	}
	size := n + 50 + int(40/(1-load/float64(n)))
	came := make([]float64, size) // probability of k arrivals within a talk
	for k := range came {
		g, _ := math.Lgamma(float64(k) + 1)
		came[k] = math.Exp(float64(k)*math.Log(load) - load - g)
	}
	p, next := make([]float64, size), make([]float64, size)
	p[0] = 1
	for change := 1.0; change > 1e-13; p, next = next, p {
		change = 0
		free := 0.0
		for k := range min(n+1, size) {
			free += p[k]
		}
		for j := range size {
			sum := free * came[j]
			for k := n + 1; k <= n+j && k < size; k++ {
				sum += p[k] * came[j-k+n]
			}
			next[j] = sum
			change = max(change, math.Abs(sum-p[j]))
		}
	}
	var waiting, busy float64
	for k, q := range p {
		waiting += q * float64(max(k-n, 0))
		if k >= n {
			busy += q
		}
	}
	return Erlang{Wait: busy, Mean: waiting / perSecond, Answer: waiting / perSecond, Busy: load / float64(n)}
}
