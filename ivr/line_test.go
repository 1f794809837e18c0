package ivr

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

var errCallerGone = errors.New("caller gone")

// fakeLine is a leg in virtual time: a prompt takes 3 s, keys come from a
// channel. It writes down what the caller hears.
type fakeLine struct {
	keys   chan rune
	ahead  []rune // typed ahead
	begin  time.Time
	log    []string
	broken map[string]bool // prompts that fail
}

func newLine() *fakeLine {
	return &fakeLine{keys: make(chan rune, 1000), begin: time.Now()}
}

func (l *fakeLine) note(format string, args ...any) {
	l.log = append(l.log, fmt.Sprintf("> %-5v ", time.Since(l.begin))+fmt.Sprintf(format, args...))
}

func (l *fakeLine) Play(ctx context.Context, s Speech) error {
	l.drain()
	what := s.Language + " " + strings.Join(s.Prompts, " ")
	for _, p := range s.Prompts {
		if l.broken[p] {
			return fmt.Errorf("no sound for %s", p)
		}
	}
	if s.Interruptible && len(l.ahead) > 0 {
		l.note("skip %s", what)
		return nil
	}
	l.note("play %s", what)
	end := time.NewTimer(time.Duration(len(s.Prompts)) * 3 * time.Second)
	defer end.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-end.C:
			return nil
		case d := <-l.keys:
			l.ahead = append(l.ahead, d)
			if s.Interruptible {
				l.note("cut")
				return nil
			}
		}
	}
}

func (l *fakeLine) drain() {
	for {
		select {
		case d := <-l.keys:
			l.ahead = append(l.ahead, d)
		default:
			return
		}
	}
}

func (l *fakeLine) Digit(ctx context.Context) (rune, error) {
	l.drain()
	if len(l.ahead) > 0 {
		d := l.ahead[0]
		l.ahead = slices.Delete(l.ahead, 0, 1)
		return d, nil
	}
	select {
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	case d := <-l.keys:
		return d, nil
	}
}

func (l *fakeLine) Flush() {
	l.drain()
	if len(l.ahead) > 0 {
		l.note("flush %s", string(l.ahead))
	}
	l.ahead = nil
}

func (l *fakeLine) Secret(on bool) {
	l.note("%s", map[bool]string{true: "secret from here", false: "no longer secret"}[on])
}
