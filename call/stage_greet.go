package call

import (
	"context"
	"errors"
	"strings"

	"hotline/store"
)

// greetStage plays the greeting of a number before its menu or queue. With early it
// is heard as early media (183, RFC 3960 section 3.2) before the call is answered.
type greetStage struct {
	prompts []string
	early   bool
	next    stage
}

func (greetStage) name() string { return "greet" }

func (s greetStage) run(ctx context.Context, c *Call) stage {
	if s.early && !c.answers && c.inc != nil && c.inc.HasOffer { // without an offer there is no way for early audio
		c.early = true
		c.inc.Progress(c.caller)
		if err := c.caller.waitReady(ctx); err != nil {
			return nil
		}
	} else if err := c.answer(ctx); err != nil {
		return nil
	}
	if err := c.say(ctx, s.prompts...); err != nil {
		return nil
	}
	return s.next
}

// Who decides the language of a call.
const (
	byNumber   = "number"
	byCustomer = "customer"
	byChoice   = "choice"
)

// recognise looks at who calls from outside: his name, his language unless the
// number has one of its own, and the greeting that he hears.
func (c *Call) recognise(first stage) stage {
	if c.inc == nil || c.inc.Replaces != nil || c.denied != "" {
		return first
	}
	w := c.eng.world.Load()
	n, dialled := w.center.Numbers[c.inc.Number]
	if n.Language != "" {
		c.cdr.LanguageBy = byNumber
	}
	var cu store.Customer
	if strings.HasPrefix(c.from, "trunk:") && c.customer() != "" {
		var err error
		cu, err = c.eng.store.Customer(c.number)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			c.log.Warn("customer was not read; he is greeted like anybody", "call", c.id, "err", err)
		}
	}
	if c.name == "" {
		c.name, c.cdr.Name = cu.Name, cu.Name
	}
	if n.Language == "" && cu.Language != "" {
		c.lang, c.cdr.LanguageBy = cu.Language, byCustomer
	}
	greeting := n.Greeting
	switch {
	case cu.Greeting != "":
		greeting = []string{cu.Greeting}
	case cu.Calls > 0 && len(n.Known) > 0:
		greeting = n.Known
	}
	if _, rings := first.(dialStage); !dialled || len(greeting) == 0 || rings && len(n.Greeting) == 0 {
		return first // a customer's own greeting does not answer what only rings a phone
	}
	return greetStage{prompts: greeting, early: n.Early, next: first}
}
