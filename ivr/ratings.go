package ivr

import (
	"context"
	"maps"
	"strconv"
	"time"
)

// Bounds of ratings nodes.
const (
	maxContacts = 9  // one key each
	maxChanges  = 10 // of ratings in one visit
)

// overall is the item of a rating that was asked as one question.
const overall = "overall"

// Contacts are the earlier contacts of who is on the line, and how he changes
// what he said of them. Each field may be nil.
type Contacts struct {
	List   func() []Contact                            // newest first
	Rate   func(c Contact, items map[string]int) error // adds or changes a rating
	Unrate func(c Contact) error
}

// Contact is one served call. A caller hears the agent's id, an agent the last
// digits of the caller's number.
type Contact struct {
	Call   string
	Agent  string // "" where an agent listens
	Caller string
	At     time.Time
	Items  map[string]int // the rating given, item -> 1..5; empty: none yet
}

// stars is the rating as it is read: the rounded mean of its items.
func (c Contact) stars() int64 {
	if len(c.Items) == 0 {
		return 0
	}
	sum := 0
	for _, v := range c.Items {
		sum += v
	}
	return int64(float64(sum)/float64(len(c.Items)) + 0.5)
}

// ratings reads the contacts with what was given for each; a key takes one,
// whose rating is asked anew or deleted. Silence, 0, the star or the hash key go
// on to the next node.
func (w *walk) ratings(ctx context.Context, n Node) (string, error) {
	w.line.Flush()
	if err := w.play(ctx, n, n.Prompts); err != nil {
		return "", err
	}
	var list []Contact
	if w.env.Contacts.List != nil {
		list = w.env.Contacts.List()
		list = list[:min(len(list), maxContacts)]
	}
	if len(list) == 0 {
		w.trace("no contacts")
		return n.Next, w.play(ctx, n, []string{"ratings-none"})
	}
	for range maxChanges {
		at, wrong := -1, false
		once := n
		once.Tries = 1
		_, err := w.ask(ctx, once, func() error { return w.readContacts(ctx, n, list) }, func(key string) bool {
			i, err := strconv.Atoi(key)
			if err == nil && i >= 1 && i <= len(list) {
				at = i - 1
			}
			wrong = at < 0 && key != "0" && key != "*" && key != "#"
			return !wrong
		})
		if err != nil {
			return "", err
		}
		if wrong {
			continue
		}
		if at < 0 {
			break
		}
		if err := w.rerate(ctx, n, &list[at]); err != nil {
			return "", err
		}
	}
	return n.Next, nil
}

// readContacts reads the list, a key behind each.
func (w *walk) readContacts(ctx context.Context, n Node, list []Contact) error {
	if err := w.play(ctx, n, []string{"ratings-intro"}); err != nil {
		return err
	}
	for i, c := range list {
		words := append(w.contact(c, twice(list, i)), Press(w.out.Language, i+1)...)
		if err := w.play(ctx, n, words); err != nil {
			return err
		}
	}
	return w.play(ctx, n, []string{"ratings-done"})
}

// twice tells whether another contact of the list would read the same.
func twice(list []Contact, i int) bool {
	for k, c := range list {
		if k != i && c.Agent == list[i].Agent && c.Caller == list[i].Caller && c.At.Format(time.DateOnly) == list[i].At.Format(time.DateOnly) {
			return true
		}
	}
	return false
}

// contact reads one: "agent 1001, on November third, you gave four stars".
func (w *walk) contact(c Contact, clock bool) []string {
	lang := w.out.Language
	var out []string
	if c.Agent != "" {
		out = append([]string{"agent"}, Digits(lang, c.Agent)...)
	} else {
		out = append([]string{"caller-ending"}, Digits(lang, c.Caller[max(0, len(c.Caller)-4):])...)
	}
	now := w.env.Now()
	at := c.At.In(now.Location())
	out = append(out, Date(lang, at, now)...)
	if clock {
		out = append(out, Clock(lang, at)...)
	}
	if len(c.Items) == 0 {
		return append(out, "not-rated-yet")
	}
	return append(append(append(out, "you-gave"), Number(lang, c.stars())...), singular("stars", c.stars()))
}

// rerate asks one contact's rating anew.
func (w *walk) rerate(ctx context.Context, n Node, c *Contact) error {
	if len(c.Items) > 0 {
		if err := w.play(ctx, n, []string{"rating-zero"}); err != nil {
			return err
		}
	}
	questions := n.Items
	if len(questions) == 0 {
		questions = []Item{{Name: overall, Prompts: []string{"rating-new"}}}
	}
	given, erase := map[string]int{}, false
	for _, it := range questions {
		_, err := w.ask(ctx, n, func() error { return w.play(ctx, n, it.Prompts) }, func(key string) bool {
			stars, err := strconv.Atoi(key)
			erase = key == "0" && len(c.Items) > 0
			if erase {
				return true
			}
			if err != nil || stars < 1 || stars > maxStars {
				return false
			}
			given[it.Name] = stars
			return true
		})
		if err != nil {
			return err
		}
		if erase {
			return w.erase(ctx, n, c)
		}
	}
	if len(given) == 0 {
		return nil
	}
	return w.keep(ctx, n, c, given)
}

// keep hands a new rating over. Items that were not asked stay as they were, but
// one answer to the only question stands for all of them.
func (w *walk) keep(ctx context.Context, n Node, c *Contact, given map[string]int) error {
	items := given
	if len(n.Items) > 0 {
		items = maps.Clone(c.Items)
		if items == nil {
			items = map[string]int{}
		}
		delete(items, overall)
		maps.Copy(items, given)
	}
	if w.env.Contacts.Rate == nil {
		return w.play(ctx, n, []string{"rating-refused"})
	}
	if err := w.env.Contacts.Rate(*c, items); err != nil {
		w.trace("rating refused: " + err.Error())
		return w.play(ctx, n, []string{"rating-refused"})
	}
	c.Items = items
	w.trace("rated " + c.Call)
	return w.play(ctx, n, orPrompts(n.Thanks, "survey-thanks"))
}

func (w *walk) erase(ctx context.Context, n Node, c *Contact) error {
	if w.env.Contacts.Unrate == nil {
		return w.play(ctx, n, []string{"rating-refused"})
	}
	if err := w.env.Contacts.Unrate(*c); err != nil {
		w.trace("rating refused: " + err.Error())
		return w.play(ctx, n, []string{"rating-refused"})
	}
	c.Items = nil
	w.trace("rating deleted")
	return w.play(ctx, n, []string{"rating-deleted"})
}

// Date reads a day: "today", "yesterday", "on November third", 十一月三日; with
// the year if it is another.
func Date(lang string, t, now time.Time) []string {
	day := func(t time.Time) string { return t.Format(time.DateOnly) }
	switch day(t) {
	case day(now):
		return []string{"today"}
	case day(now.AddDate(0, 0, -1)):
		return []string{"yesterday"}
	}
	out := []string{"month-" + strconv.Itoa(int(t.Month())), "day-" + strconv.Itoa(t.Day())}
	if t.Year() == now.Year() {
		return out
	}
	if lang == Mandarin { // the year stands first, digit by digit
		var year []string
		for _, r := range strconv.Itoa(t.Year()) {
			year = append(year, word(int64(r-'0')))
		}
		return append(append(year, "year"), out...)
	}
	return append(out, yearWords(t.Year())...)
}

// yearWords reads a year as the English do: "twenty twenty six", "two thousand
// five".
func yearWords(year int) []string {
	if year%1000 < 10 || year < 1000 || year > 9999 {
		return english(int64(year))
	}
	out := []string{word(int64(year / 100))}
	switch rest := year % 100; {
	case rest == 0:
		out = append(out, "n-hundred")
	case rest < 10:
		out = append(out, "clock-oh", word(int64(rest)))
	default:
		out = append(out, word(int64(rest)))
	}
	return out
}
