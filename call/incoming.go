package call

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"time"
	"unicode"

	"hotline/acd"
	"hotline/sip"
	"hotline/store"
)

// onCall takes a new INVITE; it runs on a SIP worker and never blocks.
func (e *Engine) onCall(inc *sip.Incoming) sip.Inbox {
	if e.ctx.Err() != nil || e.running() >= e.cfg.MaxCalls { // before anything is done for it
		e.stats.Refused.Add(1)
		return nil
	}
	c, first, refuse := e.newCall(inc)
	if refuse.Status != 0 {
		in := refusedInbox{}
		e.log.Info("call refused", "peer", peerName(inc.Peer), "status", refuse.Status, "cause", refuse.Text)
		e.jobs.add(func() {
			inc.End(refuse)
			e.closeCDR(c.refused(refuse))
		})
		return in
	}
	var ctx context.Context
	ctx, c.cancel = context.WithCancelCause(e.ctx)
	if !e.admit(c) {
		e.stats.Refused.Add(1)
		e.limits.leave(c.limited)
		e.jobs.add(func() { c.caller.close() }) // it waits
		return nil
	}
	e.log.Info("call begin", "call", c.id, "peer", c.from, "called", c.cdr.Called)
	// Owned by the engine; ends with the call, which ends with the engine's context.
	go func() {
		defer e.wg.Done()
		e.serve(ctx, c, first)
	}()
	return c.caller
}

// acdInbox is how many commands of the ACD wait for a call: each phone that
// rings for it may be offered and withdrawn meanwhile.
const acdInbox = 2*maxRing + 8

// refused is the record of a call that was turned away before it began.
func (c *Call) refused(why sip.Cause) store.CDR {
	now, blame := time.Now(), "caller"
	if why.Status >= 500 {
		blame = "us"
	}
	r := c.cdr
	r.Ended = now
	r.Cause = store.Cause{Status: why.Status, Q850: why.Q850, Text: why.Text, Blame: blame}
	if c.denied != "" { // the caller is told less
		r.Cause.Text = c.denied
	}
	r.Stages = []store.Stage{{Name: "refused", Began: r.Began, Ended: now}}
	r.Legs = []store.Leg{{ID: c.id, Role: "caller", Peer: c.from, Number: c.number, Began: r.Began, Ended: now, Cause: r.Cause}}
	r.Trace = "refused; end: " + r.Cause.Text
	return r
}

// admit counts a call in, unless the engine is full or ends.
func (e *Engine) admit(c *Call) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ctx.Err() != nil || len(e.calls) >= e.cfg.MaxCalls {
		return false
	}
	e.calls[c.id] = c
	e.wg.Add(1) // under the lock: whoever waits for the calls has ended ctx under it
	return true
}

// refusedInbox takes the last event of a call that was turned away.
type refusedInbox struct{}

func (refusedInbox) Deliver(sip.Event) {}

// serve runs one call to its end.
func (e *Engine) serve(ctx context.Context, c *Call, first stage) {
	defer func() {
		if p := recover(); p != nil { // not in a stage, so in the end of the call
			c.broke("end", p)
		}
		e.mu.Lock()
		delete(e.calls, c.id)
		e.mu.Unlock()
		e.limits.leave(c.limited)
		e.stats.Calls.Add(1)
		if b := c.item; b != nil {
			e.agenda.jobs.add(func() { e.rangFor(b, c) })
		}
	}()
	if agent, ok := strings.CutPrefix(c.from, "agent:"); ok {
		c.manned = agent
		e.occupy(agent, true)
		defer func() {
			if c.manned != "" {
				e.occupy(c.manned, false)
			}
		}()
	}
	c.run(ctx, c.recognise(first))
}

// newCall decides what an INVITE is for. With a refusal the call has no leg and
// is only good for its record.
func (e *Engine) newCall(inc *sip.Incoming) (*Call, stage, sip.Cause) {
	w := e.world.Load()
	now := time.Now()
	c := &Call{id: store.NewID(now), eng: e, inc: inc, log: e.log, began: now,
		acd: make(chan acd.Command, acdInbox), orders: make(chan order), vars: map[string]string{}}
	c.hops = inc.MaxForwards
	c.identify(w, inc)
	c.cdr = store.CDR{ID: c.id, Node: e.cfg.Node, Began: now, Caller: c.number, Name: c.name, Called: inc.Number, From: c.from}
	for _, d := range inc.Diverted {
		c.cdr.Diverted = append(c.cdr.Diverted, plainNumber(d.Address.User))
	}
	first, refuse := e.firstStage(w, c)
	if _, on := first.(dialStage); on && inc.MaxForwards < 2 { // none left to pass it on: a loop through us ends here
		refuse = causeHops
	}
	if inc.HasOffer && usable(inc.Offer, w.secures(c.from)) != nil { // nobody's phone is to ring for it
		refuse = causeMedia
	}
	if refuse.Status == 0 {
		first, refuse = e.unwanted(w, c, first)
	}
	if refuse.Status != 0 {
		return c, nil, refuse
	}
	leg, err := e.newLeg("caller", c.from, c.number)
	if err != nil {
		e.limits.leave(c.limited)
		e.log.Warn("call refused", "call", c.id, "err", err)
		return c, nil, causeFull
	}
	leg.d = inc.Dialog
	leg.call.Store(c)
	a := inc.Source.Addr().Unmap()
	leg.latch = []netip.Prefix{netip.PrefixFrom(a, a.BitLen())}
	leg.faces(a)
	leg.moved = c.journal
	c.caller = leg
	return c, first, sip.Cause{}
}

// customer is the caller as one who is known by his number; "" if he hides it.
func (c *Call) customer() string {
	if c.number == anonymous {
		return ""
	}
	return c.number
}

// anonymous is the number of those who show none.
const anonymous = "anonymous"

// plainName keeps what people can read of a name, at most 64 characters: it is
// shown in tables, on phones and in reports.
func plainName(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, s)
	if r := []rune(s); len(r) > 64 {
		return string(r[:64])
	}
	return s
}

// identify says who calls: an agent by his account, the world by its number.
func (c *Call) identify(w *world, inc *sip.Incoming) {
	who := inc.From
	if inc.Asserted.User != "" {
		who = inc.Asserted
	}
	c.number, c.name = plainNumber(who.User), plainName(who.Display)
	c.from = peerName(inc.Peer)
	if id := inc.Peer.Account; id != "" {
		c.number = id
		if a, ok := w.center.Agents[id]; ok && a.Name != "" {
			c.name = a.Name
		}
	}
}

func peerName(p sip.Peer) string {
	if p.Account != "" {
		return "agent:" + p.Account
	}
	return "trunk:" + p.Trunk
}

// plainNumber keeps what may stand in a number or name, so that it is safe as a
// file name, in a header and in a report.
func plainNumber(s string) string {
	keep := func(r rune) rune {
		switch {
		case r >= '0' && r <= '9', r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', strings.ContainsRune("+-._*#", r):
			return r
		}
		return -1
	}
	s = strings.Map(keep, s)
	if s == "" {
		return anonymous
	}
	return s[:min(len(s), 64)]
}

// firstStage finds what the dialled number is for this caller.
func (e *Engine) firstStage(w *world, c *Call) (stage, sip.Cause) {
	number := c.inc.Number
	if agent := c.inc.Peer.Account; agent != "" {
		number, c.hidden = w.unhidden(number)
		var err error
		if c.show, number, err = w.showing(agent, number); err != nil {
			return nil, causeForbidden
		}
	}
	n, ok := w.center.Numbers[number]
	c.lang = w.language(n)
	if c.inc.Replaces != nil {
		if s := e.replacing(c); s != nil {
			return s, sip.Cause{}
		}
		return nil, causeGone
	}
	if agent := c.inc.Peer.Account; agent != "" {
		if s := codeFor(w, agent, number); s != nil {
			return s, sip.Cause{}
		}
		if parked := e.slots.call(number); parked != "" {
			return joinStage{what: "unpark " + number, call: parked, order: doPickUp, agent: agent}, sip.Cause{}
		}
	}
	if !ok && number != "" && number == w.codes().MyRatings { // from outside: he is known by his number
		return ratingsStage{}, sip.Cause{}
	}
	if ok && allowed(n, c.inc.Peer) {
		if to, id, _ := strings.Cut(n.To, ":"); to == "trunk" {
			return e.outward(w, c, id, number)
		}
		if s := e.stageFor(c, n.To); s != nil {
			if q := w.party(number, c.number).Queue; q != "" {
				if wait, ok := s.(waitStage); ok {
					wait.queue = q
					s = wait
				}
			}
			return s, sip.Cause{}
		}
	}
	if agent := c.inc.Peer.Account; agent != "" && !ok {
		if _, ok := w.center.Agents[number]; ok {
			return dialStage{agent: number}, sip.Cause{}
		}
		switch way, err := e.rested(w.outside(number, agent)); {
		case err == nil:
			return way, sip.Cause{}
		case w.center.Settings.Outbound != nil && !errors.Is(err, ErrNowhere) && !errors.Is(err, ErrNoRule):
			return nil, causeForbidden
		}
	}
	return nil, causeNotFound
}

// outward lets a call out over a trunk: from a phone, or from a trunk that may
// hairpin.
func (e *Engine) outward(w *world, c *Call, trunk, number string) (stage, sip.Cause) {
	if in := c.inc.Peer.Trunk; in != "" && w.center.Trunks[in].Hairpin != "allow" && w.center.Trunks[trunk].Hairpin != "allow" {
		return nil, causeForbidden
	}
	return dialStage{trunk: trunk, number: number}, sip.Cause{}
}

// allowed tells whether a peer may dial a number.
func allowed(n store.Number, p sip.Peer) bool {
	if len(n.Trunks) == 0 || p.Account != "" {
		return true
	}
	for _, t := range n.Trunks {
		if t == p.Trunk {
			return true
		}
	}
	return false
}

// dialable tells whether a string is a plain number that may go to a trunk.
func dialable(s string) bool {
	if len(s) < 2 || len(s) > 32 {
		return false
	}
	for i, r := range s {
		if (r < '0' || r > '9') && !(i == 0 && r == '+') {
			return false
		}
	}
	return true
}

// stageFor reads a destination: "flow:x", "queue:x", "voicemail:x" and so on.
func (e *Engine) stageFor(c *Call, to string) stage {
	kind, id, _ := strings.Cut(to, ":")
	switch kind {
	case "flow":
		return menuStage{flow: id}
	case "queue":
		return waitStage{queue: id, since: c.began}
	case "agent":
		return dialStage{agent: id}
	case "trunk":
		return dialStage{trunk: id, number: c.cdr.Called}
	case "conference":
		return conferenceStage{room: id}
	case "voicemail":
		return voicemailStage{box: id}
	case "voicemail-box":
		return mailboxStage{agent: e.world.Load().center.Voicemail[id].Agent, boxes: []string{id}, pin: true}
	}
	return nil
}

// stageForNumber goes on as if the caller had dialled one of our numbers.
func (e *Engine) stageForNumber(c *Call, number string) stage {
	n, ok := e.world.Load().center.Numbers[number]
	if !ok {
		c.blame(causeNotFound.Status, causeNotFound.Q850, causeNotFound.Text, "us")
		return goodbyeStage{prompts: []string{"number-not-in-service", "goodbye"}}
	}
	return e.stageFor(c, n.To)
}
