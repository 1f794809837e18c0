package call

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"hotline/ivr"
)

// An agent chooses by phone which of the numbers that he may show his next call
// out shows, or this one: the code, a digit, and the number that he dials. Any
// other call of his phone shows the first.

// ownNumber is the n-th of the numbers that an agent may show; digit is "1" to "9".
func (w *world) ownNumber(agent, digit string) (string, error) {
	n, _ := strconv.Atoi(digit)
	all := w.center.Agents[agent].Show
	if n < 1 || n > len(all) {
		return "", fmt.Errorf("agent %s: number %s of %d: %w", agent, digit, len(all), ErrNotShown)
	}
	return all[n-1], nil
}

// showing splits what an agent dials into the number that the call shows and the
// rest; without the code in front the first is "".
func (w *world) showing(agent, dialled string) (show, rest string, err error) {
	code := w.codes().Show
	after, ok := strings.CutPrefix(dialled, code)
	if code == "" || !ok || len(after) < 2 || !dialable(after[1:]) {
		return "", dialled, nil
	}
	show, err = w.ownNumber(agent, after[:1])
	return show, after[1:], err
}

// showStage is an agent who chooses the number that his next call out shows; 0 is
// no choice any more.
type showStage struct{ agent, digit string }

func (s showStage) name() string { return "show number " + s.digit }

func (s showStage) run(ctx context.Context, c *Call) stage {
	if s.digit == "0" {
		c.eng.showNext.Delete(s.agent)
		return c.codeDone(ctx, "thank-you", nil)
	}
	number, err := c.eng.world.Load().ownNumber(s.agent, s.digit)
	if err != nil {
		return c.codeDone(ctx, "", err)
	}
	c.eng.showNext.Store(s.agent, number)
	c.blame(0, 16, "feature code", "us")
	if c.answer(ctx) == nil {
		c.say(ctx, append([]string{"you-entered"}, ivr.Digits(c.lang, number)...)...)
	}
	return nil
}

// shows is the number of his own that an agent's call out shows, "" if he has none:
// the one that he chose, while he may show it.
func (c *Call) shows(w *world) string {
	own := w.center.Agents[c.manned].Show
	if v, ok := c.eng.showNext.LoadAndDelete(c.manned); ok && c.show == "" {
		c.show = v.(string) // of all trunks that are tried
	}
	switch {
	case slices.Contains(own, c.show):
		return c.show
	case len(own) > 0:
		return own[0]
	}
	return ""
}
