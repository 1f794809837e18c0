package call

import (
	"context"
	"math"
	"strconv"
	"time"

	"hotline/acd"
	"hotline/ivr"
	"hotline/media"
)

// How an agent who accepts by key is told of the caller; phones and screens
// show the standing in any case.
const (
	tellNone    = "none"    // only that there is a call
	tellDisplay = "display" // by voice, and in the name that his phone shows
)

// Headers of an INVITE to an agent that say who waits.
const (
	headerStars    = "X-Hotline-Customer-Stars"   // what agents gave him, weighed as grades are, "4.2"; absent: never rated
	headerRatings  = "X-Hotline-Customer-Ratings" // their weight, "3.5"
	headerWaited   = "X-Hotline-Waited"           // s since his arrival
	headerCategory = "X-Hotline-Category"         // what he needs
	headerDecline  = "X-Hotline-May-Decline"      // "yes" or "no"
)

// told is what the agent's phone is told of an offer.
func (c *Call) told(o acd.Offer) [][2]string {
	out := [][2]string{{headerWaited, strconv.Itoa(int(o.Waited / time.Second))}}
	if o.CustomerRatings > 0 {
		out = append(out, [2]string{headerStars, strconv.FormatFloat(o.CustomerStars, 'f', 1, 64)},
			[2]string{headerRatings, strconv.FormatFloat(o.CustomerRatings, 'f', 1, 64)})
	}
	if o.Category != "" {
		out = append(out, [2]string{headerCategory, o.Category})
	}
	may := "no"
	if o.MayDecline {
		may = "yes"
	}
	return append(out, [2]string{headerDecline, may})
}

// shown is the standing behind the caller's name: " (4.2*)".
func shown(told [][2]string) string {
	for _, h := range told {
		if h[0] == headerStars {
			return " (" + h[1] + "*)"
		}
	}
	return ""
}

// acceptance is how an agent takes a call.
type acceptance struct {
	key     bool     // by pressing 1; else by answering
	cue     []string // prompts that he hears before
	decline bool     // he is told that 2 declines
	sendOn  bool     // and that 3 sends the caller on
}

// acceptance is how the agent of an offer takes it, and what he is told.
func (c *Call) acceptance(o acd.Offer, queue string) acceptance {
	w := c.eng.world.Load()
	a := acceptance{key: w.confirms(string(o.Agent)), decline: o.MayDecline}
	a.sendOn = a.decline && w.center.Queues[queue].Instead != ""
	if a.key && w.center.Agents[string(o.Agent)].Tell != tellNone {
		a.cue = c.cue(o, queue)
	}
	return a
}

// cue says by voice who waits: his queue, what agents gave him, since when.
func (c *Call) cue(o acd.Offer, queue string) []string {
	var out []string
	if _, ok := c.eng.clip(c.lang, "queue-"+queue); ok {
		out = append(out, "call-from-queue", "queue-"+queue)
	}
	stars := 0.0
	if o.CustomerRatings > 0 {
		stars = math.Max(o.CustomerStars, 1)
	}
	out = append(append(out, "caller-rated"), ivr.Grade(c.lang, stars)...)
	if o.Waited >= time.Second {
		out = append(append(out, "caller-waited"), ivr.Duration(c.lang, o.Waited)...)
	}
	return out
}

// answerOf gives the outcome of a ring: nil once it is answered. The stage that
// asks must take it; it is woken when there is one.
func (c *Call) answerOf(ctx context.Context, l *Leg, a acceptance, wake func()) <-chan error {
	result := make(chan error, 1)
	give := func(err error) {
		result <- err
		if wake != nil {
			wake()
		}
	}
	// Owned by the stage; ends with ctx or the leg.
	c.eng.wg.Go(func() {
		defer func() {
			if p := recover(); p != nil {
				c.broke("ring", p)
				give(ErrInternal)
			}
		}()
		give(c.awaitAgent(ctx, l, a))
	})
	return result
}

// awaitAgent waits until the leg is answered and, where asked, its person has
// pressed 1. It reads the leg's digits and must be the only one who does.
func (c *Call) awaitAgent(ctx context.Context, l *Leg, a acceptance) error {
	select {
	case <-l.up:
	case <-l.ctx.Done():
		return context.Cause(l.ctx)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if err := l.waitReady(ctx); err != nil {
		return err
	}
	if !a.key {
		return nil
	}
	l.flush()
	ask := []string{"press-1-to-accept"}
	if a.decline {
		ask = append(ask, "press-2-to-decline")
	}
	if a.sendOn {
		ask = append(ask, "press-3-to-send-on")
	}
	for words := append(a.cue, ask...); ; words = ask {
		pressed, err := c.pressed(ctx, l, words)
		switch {
		case err != nil:
			return err
		case pressed == '1':
			return nil
		case pressed == '3' && a.sendOn:
			return errSentOn
		case pressed != 0:
			return errDeclined
		}
	}
}

// keyPauseAsk is how long a question to an agent waits for a key before it is
// asked again.
const keyPauseAsk = 4 * time.Second

// pressed plays a question and gives the key that answers it; 0 if none came.
func (c *Call) pressed(ctx context.Context, l *Leg, words []string) (rune, error) {
	_, done := l.start(c.eng.clips(c.lang, words), media.Tone{}, false)
	pause := time.NewTimer(time.Minute) // a question whose end is not told ends, too
	defer pause.Stop()
	for {
		select {
		case d := <-l.digits:
			l.stop()
			return d.r, nil
		case <-done:
			done = nil
			pause.Reset(keyPauseAsk)
		case <-pause.C:
			return 0, nil
		case <-l.ctx.Done():
			return 0, context.Cause(l.ctx)
		case <-ctx.Done():
			l.stop()
			return 0, context.Cause(ctx)
		}
	}
}
