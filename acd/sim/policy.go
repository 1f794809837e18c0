package sim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"hotline/acd"
)

// Policy is a strategy with numbers of its own, as people write it:
// "strategy=head-start head_start=60s", or shorter "head-start:head_start=60s".
// What it does not name stays as the queue has it.
type Policy struct {
	Text  string
	apply []func(*acd.Queue)
}

// ParsePolicy reads a policy. The keys are those of a queue in center.yaml.
func ParsePolicy(text string) (Policy, error) {
	p := Policy{Text: strings.TrimSpace(text)}
	words := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ':' || r == '\t' || r == ',' })
	if len(words) == 0 {
		return p, fmt.Errorf("policy: it is empty; try: strategy=head-start head_start=60s")
	}
	for i, w := range words {
		key, value, ok := strings.Cut(w, "=")
		if !ok && i == 0 {
			key, value = "strategy", w
		} else if !ok {
			return p, fmt.Errorf("policy: %q is not key=value; try: head_start=60s", w)
		}
		f, err := setting(key, value)
		if err != nil {
			return p, err
		}
		p.apply = append(p.apply, f)
	}
	return p, nil
}

// Apply changes a queue.
func (p Policy) Apply(q *acd.Queue) {
	for _, f := range p.apply {
		f(q)
	}
}

// settings are the keys by kind of value.
var (
	durationKeys = map[string]func(*acd.Queue, time.Duration){
		"head_start": func(q *acd.Queue, d time.Duration) { q.H = d },
		"idle_start": func(q *acd.Queue, d time.Duration) { q.G = d },
		"guard":      func(q *acd.Queue, d time.Duration) { q.T = d },
		"window":     func(q *acd.Queue, d time.Duration) { q.Window = d },
		"priority":   func(q *acd.Queue, d time.Duration) { q.Priority = d },
	}
	numberKeys = map[string]func(*acd.Queue, float64){
		"b":      func(q *acd.Queue, x float64) { q.B = x },
		"band":   func(q *acd.Queue, x float64) { q.Band = &x },
		"lambda": func(q *acd.Queue, x float64) { q.Lambda = &x },
	}
	countKeys = map[string]func(*acd.Queue, int){
		"overtakes": func(q *acd.Queue, n int) { q.Overtakes = &n },
		"skips":     func(q *acd.Queue, n int) { q.Skips = &n },
		"sight":     func(q *acd.Queue, n int) { q.Sight = n },
		"ring_most": func(q *acd.Queue, n int) { q.RingMost = n },
	}
)

// setting is one key and value as a change of a queue.
func setting(key, value string) (func(*acd.Queue), error) {
	if key == "strategy" {
		s := acd.Strategy(value)
		if !slices.Contains(acd.Strategies, s) {
			return nil, fmt.Errorf("policy: unknown strategy %q; try one of %s", value, strategyNames())
		}
		return func(q *acd.Queue) { q.Strategy = s }, nil
	}
	if set := durationKeys[key]; set != nil {
		d, err := time.ParseDuration(value)
		if err != nil || d < 0 || d > 24*time.Hour {
			return nil, fmt.Errorf("policy: %s=%s: is no time of 0 to 24h; try: %s=60s", key, value, key)
		}
		return func(q *acd.Queue) { set(q, d) }, nil
	}
	if set := numberKeys[key]; set != nil {
		x, err := strconv.ParseFloat(value, 64)
		if err != nil || !(x >= 0 && x <= 1000) || key == "b" && x < 1 {
			return nil, fmt.Errorf("policy: %s=%s: is no number within bounds; b is at least 1, band and lambda at least 0", key, value)
		}
		return func(q *acd.Queue) { set(q, x) }, nil
	}
	if set := countKeys[key]; set != nil {
		n, err := strconv.Atoi(value)
		if err != nil || n < 0 || n > 1_000_000 {
			return nil, fmt.Errorf("policy: %s=%s: is no count of 0 or more; try: %s=2", key, value, key)
		}
		return func(q *acd.Queue) { set(q, n) }, nil
	}
	return nil, fmt.Errorf("policy: unknown key %q; try strategy, head_start, idle_start, b, guard, band, window, overtakes, skips, sight, lambda, ring_most or priority", key)
}

func strategyNames() string {
	names := make([]string, len(acd.Strategies))
	for i, s := range acd.Strategies {
		names[i] = string(s)
	}
	return strings.Join(names, ", ")
}
