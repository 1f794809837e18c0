package ivr

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Defaults and bounds of nodes that ask.
const (
	defaultTries     = 3
	maxTries         = 10
	defaultTimeout   = 5 * time.Second
	defaultBetween   = 3 * time.Second
	maxTimeout       = time.Minute
	defaultMaxDigits = 16
	limitDigits      = 64
	maxStars         = 5
)

// interruptible is true by default where a digit can be of use: not in the last
// words of a node that ends the flow without asking.
func (n Node) interruptible() bool {
	if n.Interruptible != nil {
		return *n.Interruptible
	}
	return !kinds[n.Kind].ends || kinds[n.Kind].waits
}

func (n Node) tries() int {
	if n.Tries <= 0 {
		return defaultTries
	}
	return min(n.Tries, maxTries)
}

// span is the time s, or its default when unset, never more than a minute.
func span(s Span, unset time.Duration) time.Duration {
	if s <= 0 {
		return unset
	}
	return min(time.Duration(s), maxTimeout)
}

func orPrompts(own []string, unset string) []string {
	if len(own) > 0 {
		return own
	}
	return []string{unset}
}

// ask speaks, waits for one digit and tries again on silence and on digits that
// accept refuses; ok is false when the tries are used up.
func (w *walk) ask(ctx context.Context, n Node, speak func() error, accept func(key string) bool) (ok bool, err error) {
	for try := 1; try <= n.tries(); try++ {
		if err := speak(); err != nil {
			return false, err
		}
		if !n.interruptible() {
			w.line.Flush()
		}
		d, err := w.digit(ctx, span(n.Timeout, defaultTimeout))
		switch {
		case errors.Is(err, errNoInput):
			w.trace("no input")
			if try == n.tries() {
				continue
			}
			err = w.play(ctx, n, orPrompts(n.NoInput, "no-input"))
		case err == nil && accept(string(d)):
			return true, nil
		case err == nil:
			err = w.wrong(ctx, n)
		}
		if err != nil {
			return false, err
		}
	}
	w.trace("faults used up")
	return false, nil
}

// wrong tells the caller, who can't cut this short. Digits typed right behind a
// wrong one are forgotten; those typed while he is told are his correction.
func (w *walk) wrong(ctx context.Context, n Node) error {
	w.trace("wrong input")
	w.line.Flush()
	whole := false
	n.Interruptible = &whole
	return w.play(ctx, n, orPrompts(n.WrongInput, "invalid-choice"))
}

func (w *walk) menu(ctx context.Context, n Node) (string, error) {
	next := n.Default
	_, err := w.ask(ctx, n, func() error { return w.play(ctx, n, n.Prompts) }, func(key string) bool {
		to, ok := n.Keys[key]
		if ok {
			w.trace("key " + key)
			next = to
		}
		return ok
	})
	return next, err
}

// language sets the language, asked for or not. Each language is offered in
// itself: a caller need not understand another to find his own.
func (w *walk) language(ctx context.Context, n Node) (string, error) {
	if n.Language != "" {
		w.out.Language = n.Language
		w.trace("language " + n.Language)
		return n.Next, w.play(ctx, n, n.Prompts)
	}
	offer := func() error {
		if err := w.play(ctx, n, n.Prompts); err != nil {
			return err
		}
		for _, key := range slices.Sorted(maps.Keys(n.Languages)) {
			lang := n.Languages[key]
			if err := w.speak(ctx, n, lang, append([]string{"for-this-language-press"}, Key(lang, key)...)); err != nil {
				return err
			}
		}
		return nil
	}
	ok, err := w.ask(ctx, n, offer, func(key string) bool {
		lang, ok := n.Languages[key]
		if ok {
			w.out.Language = lang
			w.trace("language " + lang)
		}
		return ok
	})
	if !ok && n.Default != "" {
		return n.Default, err
	}
	return n.Next, err
}

func (w *walk) hours(n Node) string {
	open, ok := true, false
	if w.env.Hours != nil {
		open, ok = w.env.Hours(n.Hours)
	}
	if w.env.Holiday != nil && w.env.Holiday(n.Hours) {
		w.trace("holiday")
		if n.Holiday != "" {
			return n.Holiday
		}
		return n.Closed
	}
	switch {
	case !ok: // better a caller in a queue than one sent away by a mistake
		w.trace("hours unknown: " + n.Hours)
		return n.Open
	case open:
		w.trace("open")
		return n.Open
	}
	w.trace("closed")
	return n.Closed
}

func (w *walk) set(n Node) string {
	maps.Copy(w.out.Vars, n.Set)
	return n.Next
}

func (w *walk) say(ctx context.Context, n Node) (string, error) {
	value := n.Value
	if n.Var != "" {
		value = w.out.Vars[n.Var]
	}
	words, err := phrase(w.out.Language, n.As, value, n.Currency, w.env.Now())
	if err != nil {
		w.trace("nothing to say: " + err.Error())
	}
	return n.Next, w.play(ctx, n, slices.Concat(n.Prompts, words))
}

// phrase reads a value as written in a flow or a variable.
func phrase(lang, as, value, currency string, now time.Time) ([]string, error) {
	switch as {
	case "number":
		v, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return nil, errors.New("not a whole number")
		}
		return Number(lang, v), nil
	case "digits":
		words := Digits(lang, value)
		if len(words) == 0 {
			return nil, errors.New("no digits")
		}
		return words, nil
	case "time":
		if value == "now" {
			return Clock(lang, now), nil
		}
		t, err := time.Parse("15:04", value)
		if err != nil {
			return nil, errors.New("not a time such as 14:30")
		}
		return Clock(lang, t), nil
	case "money":
		cents, err := parseCents(value)
		if err != nil {
			return nil, err
		}
		return Money(lang, currency, cents), nil
	case "duration":
		d, err := time.ParseDuration(value)
		if err != nil {
			return nil, errors.New("not a time span such as 3m")
		}
		return Duration(lang, d), nil
	}
	return nil, fmt.Errorf("can't say a value as %q", as)
}

// parseCents reads "12", "12.5" and "-12.50" as hundredths.
func parseCents(s string) (int64, error) {
	bad := errors.New("not an amount such as 12.50")
	whole, frac, point := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	if point && (len(frac) == 0 || len(frac) > 2) || !allDigits(whole) || !allDigits(frac) || whole == "" {
		return 0, bad
	}
	cents, err := strconv.ParseInt(whole+(frac + "00")[:2], 10, 64)
	if err != nil {
		return 0, bad
	}
	if strings.HasPrefix(s, "-") {
		cents = -cents
	}
	return cents, nil
}

func allDigits(s string) bool {
	return strings.Trim(s, "0123456789") == ""
}

// survey asks item by item; an item left unanswered is passed over.
func (w *walk) survey(ctx context.Context, n Node) (string, error) {
	w.line.Flush() // digits of the talk or of an earlier menu are no ratings
	if err := w.play(ctx, n, n.Prompts); err != nil {
		return "", err
	}
	rated := false
	for _, it := range n.Items {
		_, err := w.ask(ctx, n, func() error { return w.play(ctx, n, it.Prompts) }, func(key string) bool {
			stars, err := strconv.Atoi(key)
			if err != nil || stars < 1 || stars > maxStars {
				return false
			}
			w.out.Ratings[it.Name], rated = stars, true
			w.trace("rated " + it.Name)
			return true
		})
		if err != nil {
			return "", err
		}
	}
	if !rated {
		return n.Next, nil
	}
	return n.Next, w.play(ctx, n, orPrompts(n.Thanks, "survey-thanks"))
}
