package acd

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

func ptr[T any](v T) *T { return &v }

// policies are all strategies with bounds that leave much to choose.
var policies = []Queue{
	{Strategy: HeadStart},
	{Strategy: HeadStart, H: 30 * time.Second, G: time.Minute},
	{Strategy: HeadStart, H: 10 * time.Minute, G: time.Hour},
	{Strategy: Accumulating, B: 1, Band: ptr(0.0)},
	{Strategy: Accumulating},
	{Strategy: Accumulating, B: 2, T: 5 * time.Minute, Band: ptr(0.05)},
	{Strategy: Counted, Overtakes: ptr(0), Skips: ptr(0)},
	{Strategy: Counted},
	{Strategy: Counted, Overtakes: ptr(5), Skips: ptr(12), Sight: 3},
	{Strategy: LongestIdle},
	{Strategy: RoundRobin},
	{Strategy: FewestCalls},
	{Strategy: LeastTalk},
	{Strategy: Random},
	{Strategy: RingAll},
	{Strategy: InOrder},
	{Strategy: BySkill},
}

func (q Queue) describe() string {
	rule := queue{}
	rule.set(q)
	return rule.policy
}

// TestWithoutBoundsEveryStrategyIsFirstComeFirstServedAndLongestIdle: the log of
// assignments is the same, call by call and agent by agent.
func TestWithoutBoundsEveryStrategyIsFirstComeFirstServedAndLongestIdle(t *testing.T) {
	for _, load := range []float64{0.7, 0.92, 1.1} {
		var want []string
		for _, rule := range []Queue{
			{Strategy: LongestIdle},
			{Strategy: HeadStart},
			{Strategy: Accumulating, B: 1, Band: ptr(0.0)},
			{Strategy: Counted, Overtakes: ptr(0), Skips: ptr(0)},
		} {
			var log []string
			d := newDayOf(rule, 12, load)
			d.offered = func(now time.Time, o Offer) { log = append(log, fmt.Sprint(now.Sub(t0), o.Call, o.Agent)) }
			d.run(2000)
			switch {
			case d.err != nil:
				t.Errorf("%s: %v", rule.describe(), d.err)
			case want == nil:
				want = log
			case !slices.Equal(log, want):
				t.Errorf("load %v: %s assigns otherwise than longest idle", load, rule.describe())
			}
		}
	}
}

// TestStrategiesOnlyRedistributeWaiting: the instants at which calls are served
// are the same under all of them; only who is served then differs.
func TestStrategiesOnlyRedistributeWaiting(t *testing.T) {
	var want []time.Duration
	for i, rule := range policies {
		d := newDayOf(rule, 10, 0.9)
		d.run(2000)
		if i == 0 {
			want = d.starts
		} else if !slices.Equal(d.starts, want) {
			t.Errorf("%s: %d starts differ from the %d of first come first served", rule.describe(), len(d.starts), len(want))
		}
		if d.err != nil {
			t.Errorf("%s: %v", rule.describe(), d.err)
		}
	}
}

// TestBoundsOfEveryStrategyHoldAtEveryAssignment lets the audited core watch,
// and wants that the strategy did choose: otherwise the test proves nothing.
func TestBoundsOfEveryStrategyHoldAtEveryAssignment(t *testing.T) {
	for _, rule := range policies {
		factors := map[string]int{}
		for _, load := range []float64{0.7, 0.95, 1.2} {
			d := newDayOf(rule, 12, load)
			d.offered = func(_ time.Time, o Offer) { factors[o.Reason.Factor]++ }
			d.run(1500)
			if d.err != nil || len(d.starts) != 1500 {
				t.Errorf("%s at load %v: %d of 1500 calls served, %v", rule.describe(), load, len(d.starts), d.err)
			}
		}
		var want []string
		switch rule.Strategy {
		case HeadStart:
			if rule.H > 0 {
				want = []string{FactorCallStart, FactorAgentStart}
			}
		case Accumulating:
			if rule.B != 1 {
				want = []string{FactorAccumulated, FactorLeastBusy, FactorGrade}
			}
		case Counted:
			if rule.Overtakes == nil || *rule.Overtakes > 0 {
				want = []string{FactorOvertaken, FactorMatch, FactorSkipped, FactorSample}
			}
		case RoundRobin:
			want = []string{FactorRound}
		case FewestCalls:
			want = []string{FactorCalls}
		case LeastTalk:
			want = []string{FactorTalk}
		case Random:
			want = []string{FactorRandom}
		case InOrder:
			want = []string{FactorOrder}
		default:
			want = []string{FactorLongest, FactorOldestCall}
		}
		for _, f := range want {
			if factors[f] < 20 {
				t.Errorf("%s: %q decided %d times, want at least 20: the test proves nothing", rule.describe(), f, factors[f])
			}
		}
	}
}

// TestAnEndlessStreamOfBetterCallersStarvesNobody: the only caller of standing 0
// among callers of standing 1, at load 1.2, is overtaken within the bound.
func TestAnEndlessStreamOfBetterCallersStarvesNobody(t *testing.T) {
	const victim = 400
	for _, rule := range policies {
		d := newDayOf(rule, 10, 1.2)
		d.c = func(n int) float64 {
			if n == victim {
				return 0
			}
			return 1
		}
		var came, served time.Time
		overtakers, latest := 0, time.Duration(0)
		d.offered = func(now time.Time, o Offer) {
			since := o.Reason.Calls[0].Since
			switch {
			case o.Call == callName(victim):
				came, served = since, now
			case o.Call > callName(victim) && served.IsZero():
				overtakers++
				latest = max(latest, now.Sub(t0))
			}
		}
		d.run(900)
		most := 0
		switch rule.Strategy {
		case HeadStart: // a call comes each 15 s
			most = int(rule.H/(5*time.Second)) + 1
		case Accumulating: // before T is over
			if rule.B != 1 {
				most = 30
			}
		case Counted:
			if most = defaultOvertakes; rule.Overtakes != nil {
				most = *rule.Overtakes
			}
		}
		if served.IsZero() || overtakers > most || d.err != nil {
			t.Errorf("%s: came %v, served %v, overtaken %d times, at most %d, %v", rule.describe(), came, served, overtakers, most, d.err)
		}
	}
}

// TestTheWorstRatedAgentWorksUnderEveryStrategy: one agent of one star. Within
// the band he has his share of the work, with a counter his turns.
func TestTheWorstRatedAgentWorksUnderEveryStrategy(t *testing.T) {
	for _, rule := range policies {
		d := newDayOf(rule, 10, 0.7)
		for n := range 100 {
			at := t0.Add(time.Duration(n) * -time.Hour)
			d.step(Rated{Agent: agentName(0), Customer: fmt.Sprint("w", n), Contact: fmt.Sprint("worst", n), Stars: 1, At: at})
		}
		worked := map[AgentID]int{}
		d.offered = func(_ time.Time, o Offer) { worked[o.Agent]++ }
		d.run(2000)
		least := 100
		switch rule.Strategy {
		case Accumulating:
			least = 150
		case InOrder: // the last of ten has little to do, but he is the first here
			least = 200
		case RingAll, BySkill, Random, RoundRobin, FewestCalls, LeastTalk, LongestIdle:
			least = 150
		}
		if rule.G == time.Hour {
			least = 30
		}
		if d.err != nil || worked[agentName(0)] < least {
			t.Errorf("%s: the worst agent took %d of 2000 calls, want at least %d; %v", rule.describe(), worked[agentName(0)], least, d.err)
		}
	}
}

// TestOccupanciesStayWithinTheBand: with the band all agents work about the same
// share of their time, and without it the best work much more.
func TestOccupanciesStayWithinTheBand(t *testing.T) {
	const band = 0.05
	spread := func(rule Queue) float64 {
		d := newDayOf(rule, 10, 0.7)
		busy := map[AgentID]time.Duration{}
		d.offered = func(now time.Time, o Offer) {
			if now.Sub(t0) > 4*time.Hour {
				busy[o.Agent] += exponential(mix(uint64(len(d.starts)+1)), d.mean)
			}
		}
		d.run(4000)
		if d.err != nil {
			t.Error(rule.describe(), d.err)
		}
		list := []time.Duration{}
		for _, b := range busy {
			list = append(list, b)
		}
		slices.Sort(list)
		return float64(list[len(list)-1]-list[0]) / float64(list[len(list)/2])
	}
	within := spread(Queue{Strategy: Accumulating, Band: ptr(band)})
	if without := spread(Queue{Strategy: HeadStart, G: time.Hour}); within > 3*band/0.7 || without < 2*within {
		t.Errorf("work differs by %.3f of the median with the band, %.3f by grade alone", within, without)
	}
}
