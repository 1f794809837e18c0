package call

import (
	"context"
	"strings"
	"time"

	"hotline/acd"
	"hotline/ivr"
	"hotline/store"
)

// choices are the agents that the caller may choose from; none if the answer is
// late.
func (c *Call) choices(wish ivr.Wish) []ivr.Choice {
	w := c.eng.world.Load()
	q, ok := w.center.Queues[wish.Queue]
	if !ok {
		return nil
	}
	ev := c.queued(w, waitStage{queue: wish.Queue, needs: wish.Needs, since: time.Now(), category: c.wanted(w, wish.Category)}, q)
	ctx, cancel := context.WithTimeout(context.Background(), askTime)
	defer cancel()
	var list []acd.Choice
	if c.eng.disp.ask(ctx, func(core *acd.Core, now time.Time) { list = core.Choices(ev, wish.Most, now) }) != nil {
		return nil
	}
	out := make([]ivr.Choice, 0, len(list))
	for _, x := range list {
		ch := ivr.Choice{Agent: string(x.Agent), Stars: x.Stars, Wait: x.Wait}
		if x.Weight <= 0 {
			ch.Stars = 0 // what he has is the prior, not a rating
		}
		if !x.Known && x.Wait <= 0 {
			ch.Wait = -1
		}
		out = append(out, ch)
	}
	return out
}

// contacts are the earlier calls of who is on the line: of a caller from outside
// those in which he was served, of an agent those that he served.
func (c *Call) contacts() ivr.Contacts {
	if agent, ok := c.account(); ok {
		return c.eng.servedBy(agent)
	}
	if !c.believed() {
		return ivr.Contacts{List: func() []ivr.Contact { return nil }}
	}
	actor := Actor{Kind: ActorCaller, ID: c.number}
	return ivr.Contacts{
		List: func() []ivr.Contact {
			list, err := c.eng.Served(c.customer())
			if err != nil {
				c.log.Error("contacts were not read", "call", c.id, "err", err)
			}
			out := make([]ivr.Contact, 0, len(list))
			for _, k := range list {
				out = append(out, ivr.Contact{Call: k.Call, Agent: k.Agent, At: k.At, Items: k.ByCaller})
			}
			return out
		},
		Rate: func(k ivr.Contact, items map[string]int) error {
			_, err := c.eng.Evaluate(actor, EvaluationRequest{Call: k.Call, Side: store.SideCaller, Agent: k.Agent, Items: items})
			return err
		},
		Unrate: func(k ivr.Contact) error {
			return c.eng.Unevaluate(actor, k.Call, store.SideCaller, k.Agent)
		},
	}
}

// believed tells whether the caller's number is enough to hear and change the
// ratings given under it.
func (c *Call) believed() bool {
	w := c.eng.world.Load()
	rules := w.center.Settings.Ratings
	trunk, outside := strings.CutPrefix(c.cdr.From, "trunk:")
	return rules == nil || !rules.Trusted || outside && w.center.Trunks[trunk].Trusted
}

// ownCalls is how many of an agent's latest calls are looked at for those that
// he may rate.
const ownCalls = 30

// servedBy are the latest calls that an agent served, and how he rates their
// callers.
func (e *Engine) servedBy(agent string) ivr.Contacts {
	actor := Actor{Kind: ActorAgent, ID: agent}
	return ivr.Contacts{
		List: func() []ivr.Contact {
			list, err := e.served(agent)
			if err != nil {
				e.log.Error("contacts were not read", "agent", agent, "err", err)
			}
			return list
		},
		Rate: func(k ivr.Contact, items map[string]int) error {
			_, err := e.Evaluate(actor, EvaluationRequest{Call: k.Call, Side: store.SideAgent, Items: items})
			return err
		},
		Unrate: func(k ivr.Contact) error { return e.Unevaluate(actor, k.Call, store.SideAgent, "") },
	}
}
