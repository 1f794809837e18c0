package call

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"hotline/store"
)

// callbackOpen tells whether customers of a queue are called now.
func (w *world) callbackOpen(q store.Queue) bool {
	hours := q.Callback.Hours
	if hours == "" {
		hours = q.Hours
	}
	open, known := w.open(hours)
	return open || !known
}

// mayCallBack finds the way to a number that is to be called back, or tells why it
// is not; own is the one from which the caller calls.
func (e *Engine) mayCallBack(w *world, cfg store.QueueCallback, number, own string) (dialStage, error) {
	refused := func(why error) (dialStage, error) {
		return dialStage{}, fmt.Errorf("%s: %w: %w", number, ErrNoCallback, why)
	}
	_, ours := w.center.Numbers[number]
	_, agent := w.center.Agents[number]
	_, blocked := w.blocked(number, time.Now())
	switch {
	case !dialable(number), ours, agent, len(cfg.Prefixes) == 0 && number != own, len(cfg.Prefixes) > 0 && !begins(w.outbound(), number, cfg.Prefixes):
		return refused(ErrNotAllowed)
	case blocked:
		return refused(errBlocked)
	}
	way, err := w.callbackWay(cfg, number)
	if err != nil {
		return refused(err)
	}
	waiting := 0
	e.callbacks.each(func(b *callback) {
		if b.rec.Load().Number == number {
			waiting++
		}
	})
	if waiting >= max(cfg.MostPerNumber, 1) {
		return refused(errCalledBack)
	}
	return way, nil
}

// begins tells whether a number has one of the beginnings, 00 the same as +.
func begins(o *store.Outbound, number string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(abroad(o, number), abroad(o, p)) })
}

// outbound are the rules for numbers outside; none if the center has none.
func (w *world) outbound() *store.Outbound {
	if o := w.center.Settings.Outbound; o != nil {
		return o
	}
	return &store.Outbound{}
}

// callbackWay is the way to a customer. Whoever calls us may ask for it, so it never
// leads abroad, whatever agents may dial, and only rules that bind nobody count.
// While the center has not said which country is its own, a number with + or 00 is
// called where a prefix of the queue names its country.
func (w *world) callbackWay(cfg store.QueueCallback, number string) (dialStage, error) {
	o := w.outbound()
	named := slices.DeleteFunc(slices.Clone(cfg.Prefixes), func(p string) bool { return len(abroad(o, p)) < len("+1") || abroad(o, p)[0] != '+' })
	if foreign(o, number) && (o.Country != "" || !begins(o, number, named)) {
		return dialStage{}, ErrForeign
	}
	return w.own(cfg.Trunk, number, forAll)
}

// mayStillCall finds the way to a number that was allowed, or tells why it is not
// any more.
func (e *Engine) mayStillCall(r store.Callback, cfg store.QueueCallback) (dialStage, error) {
	cfg.MostPerNumber = callbackShares
	return e.rested(e.mayCallBack(e.world.Load(), cfg, r.Number, r.Caller))
}
