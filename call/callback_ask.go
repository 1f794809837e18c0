package call

import (
	"context"
	"errors"
	"time"

	"hotline/ivr"
	"hotline/media"
	"hotline/store"
)

// asker asks a caller for the number at which he is called back. It runs beside
// the stage that waits for an agent, so it uses the leg's keys and player only.
type asker struct {
	eng  *Engine
	leg  *Leg
	lang string
	cfg  store.QueueCallback
	own  string // number from which he calls; "" unknown
}

// Bounds of the dialogue.
const (
	askRounds   = 5
	askWaits    = 6 * time.Second // for a key, and for each further digit of a number
	askSentence = time.Minute     // a sentence whose end is not told ends, too
	numberMost  = 20              // digits
)

// asker is the dialogue with the caller of a queue.
func (c *Call) asker(cfg store.QueueCallback) asker {
	a := asker{eng: c.eng, leg: c.caller, lang: c.lang, cfg: cfg}
	if _, agent := c.account(); !agent && c.number != anonymous {
		a.own = c.number
	}
	return a
}

// ask gives the number that the caller has confirmed; "" if he wants to stay or
// can't be called back.
func (a asker) ask(ctx context.Context) (string, error) {
	number := a.own
	other := len(a.cfg.Prefixes) > 0 // he may name another number
	if number == "" && !other {
		return "", a.say(ctx, "callback-refused")
	}
	for range askRounds {
		if number == "" {
			var err error
			if number, err = a.enter(ctx); err != nil || number == "" {
				return "", err
			}
		}
		if _, err := a.eng.mayCallBack(a.eng.world.Load(), a.cfg, number, a.own); err != nil {
			a.eng.log.Info("callback refused", "leg", string(a.leg.id), "err", err)
			if err := a.say(ctx, "callback-refused"); err != nil || !other {
				return "", err
			}
			number = ""
			continue
		}
		words := append([]string{"callback-number"}, ivr.Digits(a.lang, number)...)
		choices := "callback-confirm-own"
		if other {
			choices = "callback-confirm"
		}
		key, err := a.key(ctx, append(words, choices))
		switch {
		case err != nil:
			return "", err
		case key == '1':
			return number, nil
		case key == '2' && other:
			number = ""
		case key == '3' || key == '*':
			return "", nil
		}
	}
	return "", nil
}

// enter reads a number; # ends it.
func (a asker) enter(ctx context.Context) (string, error) {
	first, err := a.key(ctx, []string{"callback-enter"})
	got := ""
	for ; err == nil && first != 0 && first != '#' && len(got) < numberMost; first, err = a.digit(ctx) {
		if first >= '0' && first <= '9' {
			got += string(first)
		}
	}
	return got, err
}

// say plays sentences to their end.
func (a asker) say(ctx context.Context, words ...string) error {
	id, done := a.leg.start(a.eng.clips(a.lang, words), media.Tone{}, false)
	t := time.NewTimer(askSentence)
	defer t.Stop()
	select {
	case <-done:
		return nil
	case <-t.C:
		return nil
	case <-ctx.Done():
		a.leg.eng.media.Do(media.Stop{Leg: a.leg.id, ID: id})
		return context.Cause(ctx)
	}
}

// key plays a question and gives the key that answers it; 0 if none came.
func (a asker) key(ctx context.Context, words []string) (rune, error) {
	id, done := a.leg.start(a.eng.clips(a.lang, words), media.Tone{}, false)
	t := time.NewTimer(askSentence)
	defer t.Stop()
	for {
		select {
		case d := <-a.leg.digits:
			a.eng.media.Do(media.Stop{Leg: a.leg.id, ID: id})
			return d.r, nil
		case <-done:
			done = nil
			t.Reset(askWaits)
		case <-t.C:
			return 0, nil
		case <-ctx.Done():
			a.eng.media.Do(media.Stop{Leg: a.leg.id, ID: id})
			return 0, context.Cause(ctx)
		}
	}
}

// digit gives the next key; 0 if none came.
func (a asker) digit(ctx context.Context) (rune, error) {
	t := time.NewTimer(askWaits)
	defer t.Stop()
	select {
	case d := <-a.leg.digits:
		return d.r, nil
	case <-t.C:
		return 0, nil
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

// place is a callback of the caller at his place in a queue.
func (c *Call) place(s waitStage, number string) store.Callback {
	now := time.Now()
	r := store.Callback{ID: store.NewID(now), Queue: s.queue, Number: number, Caller: c.number, Name: c.name, Called: c.cdr.Called,
		Language: c.lang, Call: c.id, Since: s.since, Asked: now, Needs: s.needs, Category: s.category}
	if r.Since.IsZero() || r.Since.After(now) {
		r.Since = now
	}
	return r
}

// asks leaves the caller's place to a callback and lets him go.
func (c *Call) asks(s waitStage, number string) error {
	r := c.place(s, number)
	if err := c.eng.addCallback(r); err != nil {
		c.log.Error("callback was not kept; the caller waits on", "call", c.id, "err", err)
		return err
	}
	c.cdr.Callback = r.ID
	c.note("callback to %s", number)
	c.blame(0, 16, "callback", "caller")
	return nil
}

// offerStage offers a callback where nobody is there to be waited for.
type offerStage struct {
	queue    string
	needs    map[string]int
	since    time.Time
	category string
}

func (s offerStage) name() string { return "callback " + s.queue }

func (s offerStage) run(ctx context.Context, c *Call) stage {
	w := c.eng.world.Load()
	q, ok := w.center.Queues[s.queue]
	if !ok || q.Callback == nil {
		c.blame(404, 1, "queue "+s.queue+" calls nobody back", "us")
		return c.sorry("nobody-available", "goodbye")
	}
	if err := c.answer(ctx); err != nil {
		return nil
	}
	c.queue = s.queue
	c.caller.flush()
	wait := waitStage{queue: s.queue, needs: s.needs, since: s.since, category: s.category}
	number, err := c.asker(*q.Callback).ask(ctx)
	if err != nil {
		return nil
	}
	if number != "" && c.asks(wait, number) == nil {
		if c.say(ctx, "callback-done") != nil {
			return nil
		}
		if next := c.resume(ivr.Served); next != nil {
			return next
		}
		return goodbyeStage{prompts: []string{"goodbye"}}
	}
	if next := c.resume(ivr.Failed); next != nil {
		return next
	}
	c.blame(480, 20, "no callback", "caller")
	return goodbyeStage{prompts: []string{"call-back-later", "goodbye"}}
}

// waitingFor is the callback of a number that waits in a queue; nil if there is
// none.
func (e *Engine) waitingFor(number, queue string) (found *callback) {
	e.callbacks.each(func(b *callback) {
		r := b.rec.Load()
		if found == nil && (r.Number == number || r.Caller == number) && r.Queue == queue && r.State != store.CallbackTalking {
			found = b
		}
	})
	return found
}

// again asks a caller whose callback waits what he wants: 1 or nothing is to wait
// in line with its place, 2 to cancel it.
func (s waitStage) again(ctx context.Context, c *Call) (since time.Time, next stage, err error) {
	b := c.eng.waitingFor(c.number, s.queue)
	if _, agent := c.account(); b == nil || agent || c.number == anonymous {
		return s.since, nil, nil
	}
	r := b.rec.Load()
	c.caller.flush()
	a := c.asker(store.QueueCallback{})
	key, err := a.key(ctx, []string{"callback-waits"})
	if err != nil {
		return s.since, nil, err
	}
	why := "the customer waits in line himself"
	if key == '2' {
		why = "the customer cancelled it"
	}
	switch err := c.eng.cancelCallback(r.ID, why); {
	case err == nil:
	case errors.Is(err, ErrCallbackOver), errors.Is(err, ErrCallbackTalks):
	default:
		c.log.Error("callback was not cancelled", "callback", r.ID, "err", err)
		return s.since, nil, nil
	}
	c.note("callback cancelled")
	if key == '2' {
		c.blame(0, 16, "callback cancelled", "caller")
		return s.since, goodbyeStage{prompts: []string{"callback-cancelled", "goodbye"}}, nil
	}
	return r.Since, nil, nil
}

// dialogue asks a waiting caller for his number while the queue goes on.
type dialogue struct {
	stop   context.CancelFunc
	result chan string // the number; "" none
}

// talkOfCallback begins the dialogue.
func (x *waiting) talkOfCallback(ctx context.Context) {
	a := x.c.asker(*x.q.Callback)
	dctx, stop := context.WithCancel(ctx)
	d := &dialogue{stop, make(chan string, 1)}
	x.dialogue, x.saying = d, nil
	// Owned by the stage, which waits for it; ends with ctx.
	x.c.eng.wg.Go(func() {
		number := ""
		defer func() {
			if p := recover(); p != nil {
				x.c.broke("callback", p)
			}
			d.result <- number
		}()
		if got, err := a.ask(dctx); err == nil {
			number = got
		}
	})
}

// keys are those of a caller who may ask for a callback now.
func (x *waiting) keys() <-chan digit {
	if x.q.Callback == nil || x.dialogue != nil || x.q.Direct {
		return nil
	}
	return x.c.caller.digits
}

// asked is the end of the dialogue, if there is one.
func (x *waiting) asked() <-chan string {
	if x.dialogue == nil {
		return nil
	}
	return x.dialogue.result
}

// answeredAsk goes on after the dialogue: on the line, or with a callback.
func (x *waiting) answeredAsk(number string) (next stage, done bool) {
	x.dialogue.stop()
	x.dialogue = nil
	if number == "" || x.c.asks(x.waitStage, number) != nil {
		x.speak([]string{"please-hold"})
		return nil, false
	}
	return goodbyeStage{prompts: []string{"callback-done", "goodbye"}}, true
}

// pressed begins the dialogue by its key.
func (x *waiting) pressed(ctx context.Context, d digit) {
	if key := x.q.Callback.Key; string(d.r) == key || key == "" && string(d.r) == callbackKey {
		x.talkOfCallback(ctx)
	}
}

// offered are the words that offer a callback.
func (x *waiting) offered() []string {
	if x.q.Callback == nil || x.q.Direct {
		return nil
	}
	key := x.q.Callback.Key
	if key == "" {
		key = callbackKey
	}
	return append([]string{"callback-offer"}, ivr.Key(x.c.lang, key)...)
}
