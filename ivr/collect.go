package ivr

import (
	"context"
	"errors"
	"strconv"
)

// collect asks for an entry of several digits until one is valid.
func (w *walk) collect(ctx context.Context, n Node) (string, error) {
	if n.Secret {
		w.line.Secret(true)
		defer w.line.Secret(false)
	}
	for try := 1; try <= n.tries(); try++ {
		if err := w.play(ctx, n, n.Prompts); err != nil {
			return "", err
		}
		if !n.interruptible() {
			w.line.Flush()
		}
		entry, err := w.entry(ctx, n)
		switch {
		case errors.Is(err, errNoInput):
			w.trace("no input")
			if try == n.tries() {
				continue
			}
			err = w.play(ctx, n, orPrompts(n.NoInput, "no-input"))
		case err == nil && n.valid(entry):
			w.entered(n, entry)
			return n.Next, nil
		case err == nil:
			err = w.wrong(ctx, n)
		}
		if err != nil {
			return "", err
		}
	}
	w.trace("faults used up")
	return n.Default, nil
}

// entered holds a valid entry; one that is secret under its own key only.
func (w *walk) entered(n Node, entry string) {
	if n.Secret {
		w.trace("collected secret digits")
		if w.out.Secrets == nil {
			w.out.Secrets = map[string]Secret{}
		}
		w.out.Secrets[n.Into] = Secret(entry)
		return
	}
	w.trace("collected " + strconv.Itoa(len(entry)) + " digits")
	w.out.Vars[n.Into] = entry
}

// Secret is an entry that is never printed, logged or stored as text.
type Secret string

// String hides what it holds.
func (Secret) String() string { return "***" }

// GoString hides it from %#v.
func (Secret) GoString() string { return "***" }

// MarshalText hides it from JSON and logs.
func (Secret) MarshalText() ([]byte, error) { return []byte("***"), nil }

// entry reads digits until the terminator, the last digit possible or a pause.
// Nothing entered at all is errNoInput. Key presses are counted, so that a
// caller who starts anew for ever comes to an end too.
func (w *walk) entry(ctx context.Context, n Node) (string, error) {
	end, most := n.terminator(), n.maxDigits()
	var got []rune
	wait := span(n.Timeout, defaultTimeout)
	for presses := 0; len(got) < most && presses < 4*limitDigits; presses++ {
		d, err := w.digit(ctx, wait)
		if errors.Is(err, errNoInput) && len(got) > 0 {
			return string(got), nil
		}
		if err != nil {
			return "", err
		}
		switch {
		case string(d) == end:
			return string(got), nil
		case d == '*':
			got, wait = nil, span(n.Timeout, defaultTimeout)
		case d >= '0' && d <= '9':
			got, wait = append(got, d), span(n.Between, defaultBetween)
		}
	}
	return string(got), nil
}

func (n Node) terminator() string {
	if n.Terminator == "" {
		return "#"
	}
	return n.Terminator
}

func (n Node) maxDigits() int {
	if n.MaxDigits <= 0 {
		return defaultMaxDigits
	}
	return min(n.MaxDigits, limitDigits)
}

// valid tells whether an entry has the length and the value asked for.
func (n Node) valid(entry string) bool {
	if len(entry) < max(n.MinDigits, 1) || len(entry) > n.maxDigits() {
		return false
	}
	if n.AtLeast == nil && n.AtMost == nil {
		return true
	}
	v, err := strconv.ParseInt(entry, 10, 64)
	return err == nil && (n.AtLeast == nil || v >= *n.AtLeast) && (n.AtMost == nil || v <= *n.AtMost)
}
