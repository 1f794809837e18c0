package call

import (
	"slices"
	"strings"
	"time"

	"hotline/store"
)

// recallMost is how many records are read for the limits of numbers at a start, and
// recallSpan how far back they may lie.
const (
	recallMost = 20_000
	recallSpan = 24 * time.Hour
)

// recallLimits counts the callers of before the start against the limits of numbers,
// so that a restart frees nobody. Their records tell: nothing is written for it.
func (e *Engine) recallLimits(now time.Time) error {
	numbers, long := e.world.Load().center.Numbers, time.Duration(0)
	for _, n := range numbers {
		if n.Limit != nil && n.Limit.Calls > 0 {
			long = max(long, orDefault(n.Limit.Per.D(), time.Minute))
		}
	}
	if long == 0 {
		return nil
	}
	count := func(c store.CDR) bool {
		n := numbers[c.Called]
		if n.Limit != nil && n.Limit.Calls > 0 && called(c) {
			e.limits.recall(limited{c.Called, c.Caller}, c.Began, orDefault(n.Limit.Per.D(), time.Minute), now)
		}
		return true
	}
	left, err := e.store.Journals() // that ran when the process died
	for _, j := range left {
		count(j.CDR)
	}
	if err == nil {
		err = e.store.CDRs(store.Filter{From: now.Add(-min(long, recallSpan)), Limit: recallMost}, count)
	}
	return err
}

// called tells whether somebody from outside called us and was let in.
func called(c store.CDR) bool {
	first := ""
	if len(c.Stages) > 0 {
		first = c.Stages[0].Name
	}
	return strings.HasPrefix(c.From, "trunk:") && c.Caller != anonymous && first != "refused" && first != "callback"
}

// recall counts a call of an earlier process.
func (l *limits) recall(k limited, at time.Time, per time.Duration, now time.Time) {
	if now.Sub(at) >= per || at.After(now) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.seen[k]
	switch {
	case a == nil && len(l.seen) >= maxLimited:
		return
	case a == nil:
		a = &attempts{}
		if l.seen == nil {
			l.seen = map[limited]*attempts{}
		}
		l.seen[k] = a
	}
	i, _ := slices.BinarySearchFunc(a.at, at, time.Time.Compare)
	a.at = slices.Insert(a.at, i, at)
	if until := at.Add(per); until.After(a.until) {
		a.until = until
	}
}
