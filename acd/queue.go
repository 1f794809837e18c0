package acd

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"
)

// What queues use where the configuration says 0 or nothing.
const (
	defaultRingTimeout     = 15 * time.Second
	defaultBackOff         = 30 * time.Second
	defaultB               = 1.5
	defaultT               = 120 * time.Second
	defaultBand            = 0.03
	defaultWindow          = time.Hour
	defaultOvertakes       = 2
	defaultSkips           = 4
	defaultSight           = 8
	defaultLambda          = 0.2
	defaultRingMost        = 10
	defaultDeclines        = 5
	defaultDeclinesPerCall = 2
)

// What no configuration gets beyond.
const (
	maxB        = 100
	maxSight    = 64
	maxRingMost = 100
	minWindow   = time.Minute
	maxWindow   = 7 * 24 * time.Hour
)

// queue is a configured queue with what happens in it. The embedded rule has its
// defaults filled in.
type queue struct {
	Queue
	policy   string
	band     float64 // of occupancy; 0 off
	window   int     // index in Core.windows
	skips    int64
	overs    int64
	lambda   float64
	gone     bool     // no longer configured; its last offers and talks still run
	classes  []*class // of its waiting calls
	offered  tree[*call]
	waiting  int
	talking  int
	loggedIn int  // agents of this queue
	ready    int  // of them, available
	more     bool // RingAll: somebody may be free for a call that rings already
	starts   uint64
	pace     pace
	duty     duty
}

// set puts a rule in force; what is out of range becomes the nearest, or the
// default where there is no near.
func (q *queue) set(rule Queue) {
	q.Queue = rule
	q.H, q.G = max(rule.H, 0), max(rule.G, 0)
	q.Priority = min(max(rule.Priority, 0), maxPriority)
	q.RingTimeout = positive(rule.RingTimeout, defaultRingTimeout)
	q.BackOff = positive(rule.BackOff, defaultBackOff)
	q.T = positive(rule.T, defaultT)
	q.Window = min(max(positive(rule.Window, defaultWindow), minWindow), maxWindow)
	q.B = defaultB
	if rule.B > 0 {
		q.B = min(max(rule.B, 1), maxB)
	}
	q.band = bounded(rule.Band, defaultBand, 1)
	q.lambda = bounded(rule.Lambda, defaultLambda, 10)
	q.overs, q.skips = atLeastZero(rule.Overtakes, defaultOvertakes), atLeastZero(rule.Skips, defaultSkips)
	q.Sight = min(positive(rule.Sight, defaultSight), maxSight)
	q.RingMost = min(positive(rule.RingMost, defaultRingMost), maxRingMost)
	q.Declines = quota(rule.Declines, defaultDeclines)
	q.DeclinesPerCall = quota(rule.DeclinesPerCall, defaultDeclinesPerCall)
	q.Relax = slices.Clone(rule.Relax)
	slices.SortStableFunc(q.Relax, func(a, b Relax) int { return cmp.Compare(a.After, b.After) })
	if !slices.Contains(Strategies, q.Strategy) {
		q.Strategy = HeadStart
	}
	q.policy, q.more = q.name(), true
}

// name is the strategy with its bounds, as reasons show it.
func (q *queue) name() string {
	switch q.Strategy {
	case HeadStart:
		return fmt.Sprintf("A1 H=%v G=%v", q.H, q.G)
	case Accumulating:
		return fmt.Sprintf("A2 B=%v T=%v band=%v window=%v", q.B, q.T, q.band, q.Window)
	case Counted:
		return fmt.Sprintf("A3 M=%d L=%d W=%d lambda=%v", q.overs, q.skips, q.Sight, q.lambda)
	case RingAll:
		return fmt.Sprintf("ring-all most=%d", q.RingMost)
	}
	return string(q.Strategy)
}

func positive[T int | time.Duration](v, otherwise T) T {
	if v <= 0 {
		return otherwise
	}
	return v
}

func bounded(v *float64, otherwise, most float64) float64 {
	if v == nil || math.IsNaN(*v) {
		return otherwise
	}
	return min(max(*v, 0), most)
}

func atLeastZero(v *int, otherwise int64) int64 {
	if v == nil {
		return otherwise
	}
	return max(int64(*v), 0)
}

// quota of declines: 0 the default, negative none.
func quota(v, otherwise int) int {
	if v == 0 {
		return otherwise
	}
	return max(v, 0)
}
