package call

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"hotline/acd"
	"hotline/ivr"
	"hotline/media"
	"hotline/store"
)

// rateWithin is how long an agent has for his rating after a talk.
const rateWithin = 8 * time.Second

// rater is an agent on the line after the talk, asked to rate the caller.
type rater struct {
	leg  *Leg
	stop context.CancelFunc
	done chan struct{} // closed when his leg has been told to end
	at   time.Time     // of that
}

// asks tells whether the agent is asked for his rating now: his queue wants so,
// he is still on the line, and the caller is one who will be known again.
func (s talkStage) asks(c *Call) bool {
	return s.queue != "" && s.agent != "" && c.eng.world.Load().rateCustomer(s.queue) == "keys" && c.customer() != "" && s.leg.ctx.Err() == nil
}

// leave ends the agent's part of the talk. Where he is to rate the caller his leg
// lives on for that, while the call goes its way; his phone counts as occupied.
func (s talkStage) leave(c *Call) {
	if !s.asks(c) {
		s.release(c, acd.TalkEnded{}, causeNormal)
		return
	}
	e := c.eng
	c.engaged = nil
	c.unseat(s.leg)
	if s.acd { // else his phone counts as occupied already
		e.occupy(s.agent, true) // before the ACD could give him the next call
		e.wrapUps.served(s.agent, c.id)
		e.disp.must(acd.TalkEnded{Agent: acd.AgentID(s.agent), Call: c.acdID()})
	}
	c.journal() // what the rating stands on
	ctx, cancel := context.WithTimeout(e.ctx, rateWithin)
	r := &rater{leg: s.leg, stop: cancel, done: make(chan struct{})}
	c.raters = append(c.raters, r)
	call, lang := c.id, c.lang
	// Owned by the call, whose end waits for it; ends after rateWithin at the latest.
	e.wg.Go(func() {
		defer func() {
			if p := recover(); p != nil {
				c.broke("rate", p)
			}
			s.leg.d.End(causeNormal)
			r.at = time.Now()
			e.occupy(s.agent, false)
			close(r.done)
		}()
		if stars := e.starsBy(ctx, s.leg, lang); stars > 0 {
			e.rateAs(s.agent, call, stars)
		}
	})
}

// starsBy asks on a leg for 1 to 5; 0 if none was given.
func (e *Engine) starsBy(ctx context.Context, l *Leg, lang string) int {
	l.flush() // what he typed in the talk
	l.start(e.clips(lang, []string{"rate-caller"}), media.Tone{}, false)
	for {
		select {
		case d := <-l.digits:
			switch {
			case d.r >= '1' && d.r <= '5':
				return int(d.r - '0')
			case strings.ContainsRune("0*#", d.r):
				return 0
			}
		case <-l.ctx.Done():
			return 0
		case <-ctx.Done():
			return 0
		}
	}
}

// rateAs keeps an agent's rating of the caller of one of his calls.
func (e *Engine) rateAs(agent, call string, stars int) error {
	_, err := e.Evaluate(Actor{Kind: ActorAgent, ID: agent},
		EvaluationRequest{Call: call, Side: store.SideAgent, Items: map[string]int{ItemOverall: stars}})
	if err != nil {
		e.log.Warn("agent's rating was not kept", "call", call, "agent", agent, "err", err)
	}
	return err
}

// awaitRaters waits for the agents who still rate the caller, each for a few
// seconds at most; not when the call was ended by others than the two.
func (c *Call) awaitRaters(gone error) {
	if len(c.raters) == 0 {
		return
	}
	for _, r := range c.raters {
		defer r.stop()
		if gone != nil && !errors.Is(gone, ErrCallerGone) {
			r.stop()
		}
	}
	for _, r := range c.raters {
		select {
		case <-r.done:
		default:
			if n := len(c.cdr.Stages); n > 0 && c.cdr.Stages[n-1].Name != "rate" {
				c.enter("rate")
			}
			<-r.done
		}
	}
}

// dropRaters puts the legs of agents who have rated into the record.
func (c *Call) dropRaters() {
	for _, r := range c.raters {
		had := len(c.cdr.Legs)
		c.dropLeg(r.leg, causeNormal, "agent")
		for i := had; i < len(c.cdr.Legs); i++ {
			c.cdr.Legs[i].Ended = r.at
		}
	}
	c.raters = nil
}

// account is the agent who calls; false for callers from outside.
func (c *Call) account() (string, bool) { return strings.CutPrefix(c.from, "agent:") }

// ratingsStage lets who calls hear and change the ratings that he gave.
type ratingsStage struct{}

func (ratingsStage) name() string { return "ratings" }

// ratingsFlow is what runs without a flow of the center's own.
var ratingsFlow = ivr.Flow{Start: "ratings", Nodes: map[string]ivr.Node{
	"ratings": {Kind: ivr.KindRatings, Next: "bye"},
	"bye":     {Kind: ivr.KindHangup, Prompts: []string{"goodbye"}},
}}

func (s ratingsStage) run(ctx context.Context, c *Call) stage {
	if err := c.answer(ctx); err != nil {
		return nil
	}
	if _, err := ivr.Run(ctx, c.line(), ratingsFlow, c.env(c.eng.world.Load())); err != nil {
		return nil // he hung up
	}
	c.blame(0, 16, "feature code", "us")
	return nil
}

// rateLastStage is an agent who rates the caller of his last call by a code.
type rateLastStage struct {
	agent string
	stars int // 0: none that can be given
}

func (rateLastStage) name() string { return "rate last" }

func (s rateLastStage) run(ctx context.Context, c *Call) stage {
	said := "rating-refused"
	if list, err := c.eng.served(s.agent); err == nil && len(list) > 0 && s.stars > 0 {
		if c.eng.rateAs(s.agent, list[0].Call, s.stars) == nil {
			said = "survey-thanks"
		}
	}
	c.blame(0, 16, "feature code", "us")
	if c.answer(ctx) == nil {
		c.say(ctx, said)
	}
	return nil
}

// served are the callers whom an agent served and may rate, the latest first.
func (e *Engine) served(agent string) ([]ivr.Contact, error) {
	var out []ivr.Contact
	seen := map[string]bool{}
	add := func(c store.CDR) {
		k, ok := contactOf(c, agent)
		if !ok || k.customer == "" || seen[c.ID] {
			return
		}
		seen[c.ID] = true
		for i := len(c.Talks) - 1; i >= 0; i-- {
			if t := c.Talks[i]; t.Agent == agent {
				out = append(out, ivr.Contact{Call: c.ID, Caller: k.customer, At: t.Began})
				return
			}
		}
	}
	for _, c := range e.snapshotCalls() { // whose caller is still there, in a survey say
		if r := c.sofar.Load(); r != nil {
			add(*r)
		}
	}
	err := e.store.CDRs(store.Filter{Agent: agent, Limit: ownCalls}, func(c store.CDR) bool { add(c); return true })
	slices.SortStableFunc(out, func(a, b ivr.Contact) int { return b.At.Compare(a.At) })
	out = out[:min(len(out), maxContacts)]
	for i := range out {
		_, ev, fault := e.evaluationOf(out[i].Call, store.SideAgent, agent)
		out[i].Items = ev.Items
		err = errors.Join(err, fault)
	}
	return out, err
}
