package call

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"hotline/sip"
	"hotline/store"
)

// limits counts the calls of each caller to numbers that have a limit. Who calls
// seldom is forgotten when his last call is older than the limit's time.
type limits struct {
	mu   sync.Mutex // guards seen
	seen map[limited]*attempts
}

// limited is one caller of one number.
type limited struct{ number, caller string }

// attempts are those of one caller: when, as far as they count, and how many run.
type attempts struct {
	at      []time.Time
	running int
	until   time.Time // from then on none counts any more
}

// maxLimited is how many callers are remembered. A flood of made-up numbers makes
// the engine forget who is not in a call.
const maxLimited = 100_000

// take counts a call in, or says why it may not be.
func (l *limits) take(k limited, rule store.Limit, now time.Time) (why string) {
	per := orDefault(rule.Per.D(), time.Minute)
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.seen[k]
	if a == nil {
		a = &attempts{}
	}
	for len(a.at) > 0 && now.Sub(a.at[0]) >= per {
		a.at = a.at[1:]
	}
	switch {
	case rule.AtOnce > 0 && a.running >= rule.AtOnce:
		return fmt.Sprintf("limit: %d calls of one caller at once", rule.AtOnce)
	case rule.Calls > 0 && len(a.at) >= rule.Calls:
		return fmt.Sprintf("limit: %d calls of one caller in %s", rule.Calls, per)
	}
	if rule.Calls > 0 {
		a.at = append(a.at, now)
	}
	a.running++
	a.until = now.Add(per)
	if l.seen == nil {
		l.seen = map[limited]*attempts{}
	}
	l.seen[k] = a
	if len(l.seen) > maxLimited {
		l.forget(now)
	}
	return ""
}

// forget drops who is over, and all who are not in a call if that is not enough.
func (l *limits) forget(now time.Time) {
	for _, all := range []bool{false, true} {
		for k, a := range l.seen {
			if a.running == 0 && (all || now.After(a.until)) {
				delete(l.seen, k)
			}
		}
		if len(l.seen) <= maxLimited/2 {
			return
		}
	}
}

// leave counts a call out again.
func (l *limits) leave(k limited) {
	if k == (limited{}) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if a := l.seen[k]; a != nil {
		a.running--
		if a.running == 0 && !time.Now().Before(a.until) {
			delete(l.seen, k)
		}
	}
}

// unwanted turns away callers from outside who are blocked or call too often. It
// runs on a SIP worker. Denied is why, for the record: the caller is told no more
// than that it is busy, or hears what he is to hear.
func (e *Engine) unwanted(w *world, c *Call, first stage) (stage, sip.Cause) {
	if !strings.HasPrefix(c.from, "trunk:") {
		return first, sip.Cause{}
	}
	now := time.Now()
	if b, ok := w.blocked(c.number, now); ok {
		c.denied = strings.TrimSuffix("blocked: "+b.Reason, ": ")
		say := b.Say
		if say == "" {
			say = w.center.Settings.Blocked
		}
		if say == "" || say == blockedBusy {
			return first, causeBusy
		}
		return turnAwayStage{say}, sip.Cause{}
	}
	n := w.center.Numbers[c.inc.Number]
	if n.Limit == nil || c.number == anonymous {
		return first, sip.Cause{}
	}
	k := limited{c.inc.Number, c.number}
	if why := e.limits.take(k, *n.Limit, now); why != "" {
		c.denied = why
		return first, causeBusy
	}
	c.limited = k
	return first, sip.Cause{}
}

// turnAwayStage tells a blocked caller so.
type turnAwayStage struct{ prompt string }

func (turnAwayStage) name() string { return "refused" }

func (s turnAwayStage) run(ctx context.Context, c *Call) stage {
	c.blame(0, 21, c.denied, "caller")
	if c.answer(ctx) == nil {
		c.say(ctx, s.prompt)
	}
	return nil
}

// nuisanceStage is an agent who blocks the caller of his last call by a code.
type nuisanceStage struct{ agent string }

func (nuisanceStage) name() string { return "nuisance" }

func (s nuisanceStage) run(ctx context.Context, c *Call) stage {
	_, err := c.eng.Nuisance(s.agent)
	return c.codeDone(ctx, "thank-you", err)
}
