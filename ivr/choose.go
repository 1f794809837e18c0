package ivr

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"time"
)

// Bounds of choose nodes.
const (
	maxChoices  = 3
	defaultHold = 30 * time.Second
	maxHold     = 10 * time.Minute
)

// Wish is what a caller needs of the agents that he may choose from.
type Wish struct {
	Queue    string
	Needs    map[string]int
	Category string // whose grade is compared; "" overall
	Most     int    // agents named
}

// Choice is one agent that a caller may choose.
type Choice struct {
	Agent string
	Stars float64       // his grade, 1..5; 0: nobody has rated him yet
	Wait  time.Duration // expected wait for him; 0: he is free; negative: unknown
}

// choose names up to three agents with their grades and waits; a key takes one.
// Silence, 0, the star or the hash key leave the choice to the queue. Either way
// the flow ends here as at a queue node.
func (w *walk) choose(ctx context.Context, n Node) error {
	if err := w.play(ctx, n, n.Prompts); err != nil {
		return err
	}
	since := w.env.Now()
	list := w.choices(n)
	chosen := ""
	if len(list) == 0 {
		w.trace("nobody to choose from")
	} else {
		var err error
		if chosen, err = w.chosen(ctx, n, list); err != nil {
			return err
		}
	}
	w.out.Kind, w.out.Node, w.out.Target = n.Kind, w.name, n.Queue
	w.out.Needs, w.out.Category, w.out.Since = maps.Clone(n.Needs), n.Category, since
	whole := false
	n.Interruptible = &whole // what he is told now is no question
	if chosen == "" {
		w.trace("choose " + n.Queue)
		return nil
	}
	w.out.Agent, w.out.Hold = chosen, defaultHold
	if n.Hold > 0 {
		w.out.Hold = min(time.Duration(n.Hold), maxHold)
	}
	w.trace("chose " + chosen)
	return w.play(ctx, n, append([]string{"choice-made", "agent"}, Digits(w.out.Language, chosen)...))
}

// choices asks for the agents, never more than can be remembered.
func (w *walk) choices(n Node) []Choice {
	if w.env.Choices == nil {
		return nil
	}
	most := maxChoices
	if n.Most > 0 {
		most = min(n.Most, maxChoices)
	}
	list := w.env.Choices(Wish{Queue: n.Queue, Needs: maps.Clone(n.Needs), Category: n.Category, Most: most})
	return list[:min(len(list), most)]
}

// chosen lets the caller hear the list until he has decided.
func (w *walk) chosen(ctx context.Context, n Node, list []Choice) (string, error) {
	for try := 1; try <= n.tries(); try++ {
		if err := w.offer(ctx, n, list); err != nil {
			return "", err
		}
		d, err := w.digit(ctx, span(n.Timeout, defaultTimeout))
		if errors.Is(err, errNoInput) {
			w.trace("left the choice: no key")
			return "", nil
		}
		if err != nil {
			return "", err
		}
		if d == '0' || d == '*' || d == '#' {
			w.trace("left the choice")
			return "", nil
		}
		if i := int(d - '1'); i >= 0 && i < len(list) {
			return list[i].Agent, nil
		}
		if err := w.wrong(ctx, n); err != nil {
			return "", err
		}
	}
	w.trace("faults used up")
	return "", nil
}

// offer says who can be chosen.
func (w *walk) offer(ctx context.Context, n Node, list []Choice) error {
	lang := w.out.Language
	rated := slices.ContainsFunc(list, func(c Choice) bool { return c.Stars > 0 })
	intro := []string{"choice-intro"}
	if !rated {
		intro = append(intro, "choice-unrated")
	}
	if err := w.play(ctx, n, intro); err != nil {
		return err
	}
	for i, c := range list {
		words := append([]string{"agent"}, Digits(lang, c.Agent)...)
		if rated {
			words = append(words, Grade(lang, c.Stars)...)
		}
		words = append(append(words, Expected(lang, c.Wait)...), Press(lang, i+1)...)
		if err := w.play(ctx, n, words); err != nil {
			return err
		}
	}
	return w.play(ctx, n, []string{"choice-leave"})
}

// Grade reads a number of stars, to a tenth: "four point six stars", 四点六星;
// 0 is an agent whom nobody has rated.
func Grade(lang string, stars float64) []string {
	if stars <= 0 {
		return []string{"no-ratings-yet"}
	}
	tenths := int64(stars*10 + 0.5)
	out := Number(lang, tenths/10)
	if rest := tenths % 10; rest > 0 {
		out = append(out, "n-point", word(rest))
	}
	if tenths == 10 {
		return append(out, "stars-1")
	}
	return append(out, "stars")
}

// Expected reads how long an agent lets wait: "is free now", "expected wait
// about three minutes"; nothing if it is unknown.
func Expected(lang string, d time.Duration) []string {
	switch {
	case d < 0:
		return nil
	case d == 0:
		return []string{"choice-free"}
	}
	return append([]string{"choice-wait"}, About(lang, d)...)
}

// Press names the key of an item of a list: "press one", 请按一.
func Press(lang string, key int) []string {
	return append([]string{"press"}, Key(lang, strconv.Itoa(key))...)
}
