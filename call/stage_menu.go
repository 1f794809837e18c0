package call

import (
	"context"
	"errors"
	"strings"

	"hotline/ivr"
	"hotline/store"
)

// menuStage runs a flow with the caller on the line.
type menuStage struct{ flow, start string } // start: node to begin with; "" the flow's

func (s menuStage) name() string { return "menu" }

func (s menuStage) run(ctx context.Context, c *Call) stage {
	w := c.eng.world.Load()
	flow, ok := w.flows[s.flow]
	if !ok {
		c.blame(404, 1, "flow "+s.flow+" is gone", "us")
		return c.sorry("error", "goodbye")
	}
	if err := c.answer(ctx); err != nil {
		return nil
	}
	env := c.env(w)
	env.Start = s.start
	out, err := ivr.Run(ctx, c.line(), flow, env)
	c.take(out)
	c.rate(out.Ratings) // a flow may ask for them itself after the talk
	c.flow, c.node = s.flow, out.Node
	if err != nil {
		if ctx.Err() == nil {
			c.log.Error("flow failed", "call", c.id, "flow", s.flow, "err", err)
			c.blame(500, 41, "flow "+s.flow+" failed", "us")
			c.say(ctx, "error")
		}
		return nil
	}
	return c.onward(out)
}

// onward turns what a flow ended with into the next stage.
func (c *Call) onward(out ivr.Outcome) stage {
	switch out.Kind {
	case ivr.KindQueue, ivr.KindChoose:
		w := c.eng.world.Load()
		node := w.flows[c.flow].Nodes[c.node]
		c.cdr.Chosen = out.Agent
		return waitStage{queue: out.Target, needs: out.Needs, since: out.Since, leave: node.Nobody != "",
			chosen: out.Agent, hold: out.Hold, category: c.wanted(w, out.Category)}
	case ivr.KindAgent:
		return dialStage{agent: out.Target}
	case ivr.KindVoicemail, ivr.KindMailbox:
		return c.eng.stageFor(c, out.Kind+":"+out.Target)
	case ivr.KindCallback:
		w := c.eng.world.Load()
		return offerStage{queue: out.Target, needs: out.Needs, since: out.Since, category: c.wanted(w, out.Category)}
	case ivr.KindNumber:
		if out.Trunk != "" {
			return dialStage{trunk: out.Trunk, number: out.Target}
		}
		return c.eng.stageForNumber(c, out.Target)
	}
	c.blame(0, 16, "flow ended", "us")
	return nil
}

// resume goes on in the flow that handed the call on, where that flow says so.
func (c *Call) resume(e ivr.Event) stage {
	if c.flow == "" {
		return nil
	}
	f := c.eng.world.Load().flows[c.flow]
	start, ok := f.After(c.node, e)
	if !ok {
		return nil
	}
	return menuStage{flow: c.flow, start: start}
}

// take keeps what the flow learned.
func (c *Call) take(out ivr.Outcome) {
	if out.Language != "" && out.Language != c.lang {
		c.lang, c.cdr.LanguageBy = out.Language, byChoice
	}
	if out.Vars != nil {
		c.vars = out.Vars
	}
	c.cdr.Path = append(c.cdr.Path, out.Path...)
}

func (c *Call) env(w *world) ivr.Env {
	vars := c.vars
	if vars == nil {
		vars = map[string]string{}
	}
	vars["caller"], vars["called"] = c.number, c.cdr.Called
	return ivr.Env{Now: w.now, Hours: w.open, Vars: vars, Language: c.lang,
		Choices: c.choices, Contacts: c.contacts(), Trace: func(node, what string) {
			c.log.Debug("flow", "call", c.id, "node", node, "what", what)
		}}
}

// line is the caller's leg as flows see it.
type line struct {
	c *Call
	l *Leg
}

func (c *Call) line() line { return line{c, c.caller} }

// Play makes line an ivr.Line.
func (n line) Play(ctx context.Context, s ivr.Speech) error {
	return n.l.play(ctx, n.c.eng.clips(s.Language, s.Prompts), s.Interruptible)
}

// Digit makes line an ivr.Line.
func (n line) Digit(ctx context.Context) (rune, error) {
	for {
		select {
		case d := <-n.l.digits:
			return d.r, nil
		case <-n.l.updated:
			n.l.changed()
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}
}

// Flush makes line an ivr.Line.
func (n line) Flush() { n.l.flush() }

// say plays prompts to the caller to their end.
func (c *Call) say(ctx context.Context, prompts ...string) error {
	return c.caller.play(ctx, c.eng.clips(c.lang, prompts), false)
}

// surveyStage asks the caller to rate the agent after the talk.
type surveyStage struct{ flow string }

func (s surveyStage) name() string { return "survey" }

func (s surveyStage) run(ctx context.Context, c *Call) stage {
	w := c.eng.world.Load()
	flow, ok := w.flows[s.flow]
	if !ok {
		return nil
	}
	c.caller.flush()
	env := c.env(w)
	env.Vars["agent"], env.Vars["queue"] = c.talked(), c.queue
	out, err := ivr.Run(ctx, c.line(), flow, env)
	c.cdr.Path = append(c.cdr.Path, out.Path...)
	c.rate(out.Ratings)
	if err != nil && ctx.Err() == nil {
		c.log.Error("survey failed", "call", c.id, "flow", s.flow, "err", err)
	}
	if errors.Is(context.Cause(ctx), ErrCallerGone) {
		c.blame(0, 16, "caller hung up in the survey", "caller")
	} else {
		c.blame(0, 16, "served", "us")
	}
	return nil
}

// rate keeps the caller's rating of the agent and lets it count at once.
func (c *Call) rate(items map[string]int) {
	if len(items) == 0 || c.talked() == "" {
		return
	}
	c.journal() // what the rating stands on
	for _, k := range sortedKeys(items) {
		c.cdr.Ratings = append(c.cdr.Ratings, store.Rating{Item: k, Stars: items[k]})
	}
	if _, err := c.eng.Evaluate(Actor{Kind: ActorCaller, ID: c.number}, EvaluationRequest{Call: c.id, Side: store.SideCaller, Items: items}); err != nil {
		c.log.Error("rating was not kept", "call", c.id, "err", err)
	}
}

func joinTrace(t []string) string { return strings.Join(t, "; ") }
