package call

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"

	"hotline/sip"
	"hotline/store"
)

// Why a number outside can't be dialled.
var (
	ErrForeign = errors.New("is abroad, and no rule permits it; see settings.outbound in the center's file")
	ErrNoRule  = errors.New("has no way out; name a trunk, or write a rule for it in settings.outbound")
	ErrTooMany = errors.New("as many calls out as there may be at once; see most in settings.outbound and of the trunk")
)

// exits is what is dialled for abroad besides 00, by country code.
var exits = map[string]string{"1": "011", "7": "810", "81": "010"}

// abroad writes 00, and what else is dialled for abroad here, as +.
func abroad(o *store.Outbound, number string) string {
	for _, exit := range []string{"00", o.Exit, exits[o.Country]} {
		if rest, ok := strings.CutPrefix(number, exit); ok && exit != "" {
			return "+" + rest
		}
	}
	return number
}

// foreign tells whether a number is of another country, as far as its form says.
func foreign(o *store.Outbound, number string) bool {
	n, ok := strings.CutPrefix(abroad(o, number), "+")
	return ok && (o.Country == "" || !strings.HasPrefix(n, o.Country))
}

// outside finds the way to a number outside for an agent; "" is an operator, whom
// roles do not bind. The agent's own trunks count only where there are no rules.
func (w *world) outside(number, agent string) (dialStage, error) {
	fail := func(err error) (dialStage, error) { return dialStage{}, fmt.Errorf("%s: %w", number, err) }
	if !dialable(number) || parkingSlot(number) { // an empty slot is no number of the world
		return fail(ErrNowhere)
	}
	if o := w.center.Settings.Outbound; o != nil {
		way, found, err := byRules(o, number, func(r store.Route) bool { return w.permits(r, agent) })
		if err != nil {
			return fail(err)
		}
		if found {
			return way, nil
		}
		if len(o.Rules) > 0 { // a mistyped extension is no number of the world
			return fail(ErrNoRule)
		}
	}
	if out := w.center.Agents[agent].Outbound; len(out) > 0 {
		return dialStage{trunk: out[0], number: number}, nil
	}
	return fail(ErrNotAllowed)
}

// own finds the way to a number that the center itself calls: over the trunk that it
// names for that, else by the rules. What those forbid is not called in either case.
// Open are the rules that count: those of who has it called.
func (w *world) own(trunk, number string, open func(store.Route) bool) (dialStage, error) {
	if !dialable(number) {
		return dialStage{}, fmt.Errorf("%s: %w", number, ErrNowhere)
	}
	way, found, err := dialStage{}, false, error(nil)
	if o := w.center.Settings.Outbound; o != nil {
		way, found, err = byRules(o, number, open)
	}
	switch {
	case err != nil:
		return dialStage{}, fmt.Errorf("%s: %w", number, err)
	case trunk != "":
		return dialStage{trunk: trunk, number: number}, nil
	case !found:
		return dialStage{}, fmt.Errorf("%s: %w", number, ErrNoRule)
	}
	return way, nil
}

// byRules finds the way that the rules give to a number, if one permits it; not
// found and no error is a number of our country without a rule.
func byRules(o *store.Outbound, number string, permits func(store.Route) bool) (way dialStage, found bool, err error) {
	rules := fitting(o, number)
	for _, r := range rules {
		if len(r.Trunks) == 0 || !permits(r) {
			continue
		}
		sent := r.Add + number[min(r.Strip, len(number)):]
		if !strings.HasPrefix(abroad(o, r.Prefix), "+") && leaves(o, r, sent) {
			return way, false, ErrForeign
		}
		trunks := byPriority(r.Trunks)
		return dialStage{trunk: trunks[0], more: trunks[1:], number: sent}, true, nil
	}
	switch {
	case len(rules) > 0:
		return way, false, ErrNotAllowed
	case foreign(o, number):
		return way, false, ErrForeign
	}
	return way, false, nil
}

// leaves tells whether a number is of another country only since a rule has
// rewritten it: 9 and a number, and the 9 is stripped. A rule that adds a country's
// code has chosen that country.
func leaves(o *store.Outbound, r store.Route, sent string) bool {
	return foreign(o, sent) && (o.Country != "" || len(abroad(o, r.Add)) < len("+1"))
}

// anyRule are the rules for an operator, whom roles do not bind.
func anyRule(store.Route) bool { return true }

// forAll are the rules that bind nobody: those for calls that somebody from outside
// has asked for.
func forAll(r store.Route) bool {
	return len(r.Roles) == 0 && len(r.Agents) == 0 || slices.Contains(r.Roles, "agent")
}

// fitting are the rules of the longest prefix that a number has.
func fitting(o *store.Outbound, number string) (out []store.Route) {
	longest := -1
	for _, r := range o.Rules {
		p := abroad(o, r.Prefix)
		if !strings.HasPrefix(abroad(o, number), p) || foreign(o, number) && !strings.HasPrefix(p, "+") {
			continue
		}
		if len(p) > longest {
			longest, out = len(p), nil
		}
		if len(p) == longest {
			out = append(out, r)
		}
	}
	return out
}

func (w *world) permits(r store.Route, agent string) bool {
	if agent == "" || len(r.Roles) == 0 && len(r.Agents) == 0 {
		return true
	}
	role := w.center.Agents[agent].Role
	if role == "" {
		role = "agent"
	}
	return slices.Contains(r.Roles, role) || slices.Contains(r.Agents, agent)
}

// byPriority are the trunks of a rule by priority, those of one priority drawn by
// weight (as RFC 2782 does).
func byPriority(list []store.RouteTrunk) (out []string) {
	left := slices.Clone(list)
	for len(left) > 0 {
		least := slices.MinFunc(left, func(a, b store.RouteTrunk) int { return a.Priority - b.Priority }).Priority
		sum := 0
		for _, t := range left {
			if t.Priority == least {
				sum += max(t.Weight, 1)
			}
		}
		drawn := rand.IntN(sum)
		i := slices.IndexFunc(left, func(t store.RouteTrunk) bool {
			if t.Priority != least {
				return false
			}
			drawn -= max(t.Weight, 1)
			return drawn < 0
		})
		out = append(out, left[i].Trunk)
		left = slices.Delete(left, i, i+1)
	}
	return out
}

// rested puts the trunks that are down behind the others (RFC 3261, 21.5.4: one that
// answered 503 with Retry-After is not used before).
func (e *Engine) rested(way dialStage, err error) (dialStage, error) {
	if len(way.more) == 0 {
		return way, err
	}
	var up, down []string
	for _, t := range append([]string{way.trunk}, way.more...) {
		if e.sip.TrunkDown(t) {
			down = append(down, t)
		} else {
			up = append(up, t)
		}
	}
	all := append(up, down...)
	way.trunk, way.more = all[0], all[1:]
	return way, err
}

// mayDialForeign guards a trunk that is named: "trunk:out/0041...".
func (w *world) mayDialForeign(number, actor string) bool {
	agent, ok := strings.CutPrefix(actor, "agent:")
	o := w.center.Settings.Outbound
	if !ok || o == nil || !foreign(o, number) {
		return true
	}
	_, err := w.outside(number, agent)
	return err == nil
}

// outs counts the calls that go out at once, by "trunk:x" and "agent:y".
type outs struct {
	mu sync.Mutex // guards n
	n  map[string]int
}

// take counts one more for each name, unless one has as many as it may; 0 is no limit.
func (o *outs) take(names []string, most []int) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i, name := range names {
		if most[i] > 0 && o.n[name] >= most[i] {
			return false
		}
	}
	if o.n == nil {
		o.n = map[string]int{}
	}
	for _, name := range names {
		o.n[name]++
	}
	return true
}

func (o *outs) give(names []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, name := range names {
		if o.n[name]--; o.n[name] <= 0 {
			delete(o.n, name)
		}
	}
}

// goesOut counts a call out over a trunk against its limit and that of the agent
// who makes it; "": nobody's.
func (e *Engine) goesOut(w *world, trunk, agent string) ([]string, error) {
	names, most := []string{"trunk:" + trunk}, []int{w.center.Trunks[trunk].Most}
	if o := w.center.Settings.Outbound; o != nil && agent != "" {
		names, most = append(names, "agent:"+agent), append(most, o.Most)
	}
	if !e.outs.take(names, most) {
		return nil, ErrTooMany
	}
	return names, nil
}

// nextTrunk tells whether another trunk may do better after an error.
func nextTrunk(err error) bool {
	var e *legEnded
	switch {
	case errors.Is(err, errUnreachable), errors.Is(err, ErrTooMany):
		return true
	case errors.As(err, &e):
		moved := e.status >= 300 && e.status < 400 || e.status == 482 // elsewhere, which is not followed or in a circle
		return !e.lost && (e.nobody || moved || slices.Contains([]int{408, 500, 502, 503, 504}, e.status))
	}
	return false
}

// causeTooMany is the refusal of a call over a limit.
var causeTooMany = sip.Cause{Status: 503, Q850: 34, Text: "too many calls out"}
