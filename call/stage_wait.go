package call

import (
	"context"
	"slices"
	"time"

	"hotline/acd"
	"hotline/ivr"
	"hotline/media"
	"hotline/store"
)

// waitStage is the caller in a queue until an agent has answered.
type waitStage struct {
	queue string
	needs map[string]int
	since time.Time // arrival: kept when the caller comes back
	head  bool      // to the head: his agent's phone died
	leave bool      // his flow has a way for when nobody is logged in
	lead  []string  // prompts to say first

	chosen   string        // agent whom the caller chose; "" nobody
	hold     time.Duration // how long the call waits for him alone
	category string        // whose grade counts; "" the queue's
}

func (s waitStage) name() string { return "wait " + s.queue }

// waiting is the state of one waitStage.
type waiting struct {
	waitStage
	c        *Call
	q        store.Queue
	music    []media.ClipID
	saying   <-chan struct{} // closes when an announcement ends
	next     *time.Timer     // of announcements
	held     *time.Timer     // for the chosen agent
	rings    []*ring         // phones that ring; several only where the queue rings all
	woken    chan struct{}   // a ring has a result
	offers   int
	dialogue *dialogue // about a callback; nil: none
	over     bool      // the chosen agent did not become free or declined, and the caller has not heard it yet
	taken    bool      // an agent has the call: the ACD counts it as in talk
	stolen   bool      // a colleague has picked it up
}

func (s waitStage) run(ctx context.Context, c *Call) stage {
	w := c.eng.world.Load()
	q, ok := w.center.Queues[s.queue]
	if !ok {
		c.blame(404, 1, "queue "+s.queue+" is gone", "us")
		return c.sorry("nobody-available", "goodbye")
	}
	c.queue = s.queue
	c.publish()
	if to, closed := w.closed(s.queue); closed && !s.head { // who was promised to be served is served
		return c.closed(s, to, q.Direct)
	}
	if !q.Direct {
		if err := c.answer(ctx); err != nil {
			return nil
		}
	}
	if q.Callback != nil && !q.Direct && !s.head && c.item == nil {
		since, next, err := s.again(ctx, c)
		if err != nil || next != nil {
			return next
		}
		s.since = since
	}
	x := &waiting{waitStage: s, c: c, q: q, music: c.eng.music(q), woken: make(chan struct{}, 1)}
	ev := c.queued(w, s, q)
	ev.Control = c.draw(w, s.queue)
	c.cdr.Category = ev.Category
	if err := c.eng.disp.send(ctx, ev); err != nil {
		return nil
	}
	defer x.leave()
	return x.loop(ctx)
}

// leave ends what the stage began, whichever way it is left.
func (x *waiting) leave() {
	c := x.c
	if x.next != nil {
		x.next.Stop()
	}
	if x.held != nil {
		x.held.Stop()
	}
	if x.dialogue != nil {
		x.dialogue.stop()
		<-x.dialogue.result
	}
	for len(x.rings) > 0 {
		x.giveUp(x.rings[0])
	}
	x.c.ringing(nil)
	if !x.taken {
		c.eng.disp.must(acd.CallLeft{Call: c.acdID()})
	}
	for { // commands for a call that no longer waits
		select {
		case <-c.acd:
		default:
			return
		}
	}
}

func (x *waiting) loop(ctx context.Context) stage {
	c := x.c
	var tick <-chan time.Time
	if !x.q.Direct {
		x.speak(x.lead)
		x.next = time.NewTimer(announceFirst(x.q))
		tick = x.next.C
	}
	var late <-chan time.Time
	if x.chosen != "" && x.hold > 0 {
		x.held = time.NewTimer(x.hold)
		late = x.held.C
	}
	for {
		select {
		case cmd := <-c.acd:
			if next, done := x.command(ctx, cmd); done {
				return next
			}
		case r := <-x.alone():
			c.passRinging(r, x.rings[0].leg)
		case <-x.woken:
			if next, done := x.settle(ctx); done {
				return next
			}
		case d := <-x.keys():
			x.pressed(ctx, d)
		case number := <-x.asked():
			if next, done := x.answeredAsk(number); done {
				return next
			}
		case <-late:
			x.over = true
		case <-x.saying:
			x.saying = nil
			x.playMusic()
		case <-tick:
			x.announce(ctx)
			x.next.Reset(announceEvery(x.q))
		case o := <-c.orders:
			if (o.Do == doTake || o.Do == doPickUp) && len(x.rings) > 0 {
				return x.picked(o)
			}
			o.done(ErrNotNow)
		case <-c.caller.updated:
			c.journal()
		case <-ctx.Done():
			return nil
		}
		x.tellOver()
	}
}

// tellOver tells a caller whose chosen agent did not become free that anybody
// may serve him now; not while the phone of just this agent rings.
func (x *waiting) tellOver() {
	chosen := func(r *ring) bool { return string(r.offer.Agent) == x.chosen }
	if !x.over || x.saying != nil || x.dialogue != nil || slices.ContainsFunc(x.rings, chosen) {
		return
	}
	x.over = false
	x.c.note("chosen agent %s not available", x.chosen)
	if !x.q.Direct {
		x.speak([]string{"choice-over"})
	}
}

// picked goes on with a colleague who takes what rings at another's phone.
func (x *waiting) picked(o order) stage {
	x.c.note("picked up by %s", o.actor)
	x.stolen = true
	for len(x.rings) > 0 {
		x.giveUp(x.rings[0])
	}
	return x.c.taken(o, talkStage{queue: x.queue, wait: x.waitStage, record: on(x.q.Record)})
}

// command does what the ACD decided.
func (x *waiting) command(ctx context.Context, cmd acd.Command) (stage, bool) {
	switch cmd := cmd.(type) {
	case acd.Offer:
		if len(x.rings) >= maxRing {
			x.c.eng.disp.must(acd.OfferRefused{Offer: cmd.ID, How: acd.Failed})
			return nil, false
		}
		x.begin(ctx, cmd)
	case acd.Withdraw:
		if r := x.ringOf(cmd.ID); r != nil {
			r.why = cmd.Why
			r.stop(ErrWithdrawn) // its result comes at once, the next offer perhaps as fast
			return x.outcome(ctx, r, <-r.result)
		}
	case acd.Overflow:
		x.c.note("overflow: %s", cmd.Why)
		return x.c.overflow(x.waitStage, x.q, cmd.Why), true
	}
	return nil, false
}

// announce tells position and expected wait, and ends in the music.
func (x *waiting) announce(ctx context.Context) {
	a := announced(x.q)
	offer := x.offered()
	if x.saying != nil || x.dialogue != nil || !a.Position && !a.Wait && offer == nil {
		return
	}
	pos, ewt, ok := x.c.eng.disp.position(ctx, x.c.acdID())
	if !ok {
		return
	}
	var names []string
	if a.Position {
		names = append(names, ivr.Position(x.c.lang, pos)...)
	}
	if a.Wait && ewt > 0 {
		names = append(names, ivr.Wait(x.c.lang, ewt)...)
	}
	x.speak(append(names, offer...))
}

// speak says prompts to the waiting caller, then goes on with the music.
func (x *waiting) speak(names []string) {
	clips := x.c.eng.clips(x.c.lang, names)
	if len(clips) == 0 {
		x.playMusic()
		return
	}
	_, x.saying = x.c.caller.start(clips, media.Tone{}, false)
}

func (x *waiting) playMusic() {
	if len(x.music) > 0 {
		x.c.caller.start(x.music, media.Tone{}, true)
	}
}

// overflow is where a caller goes whom the queue sends on: where the flow says
// that brought him here, else where the queue says.
func (c *Call) overflow(from waitStage, q store.Queue, why string) stage {
	event := ivr.Overflow
	to := q.Overflow
	if why == acd.OverflowNobody {
		event, to = ivr.Nobody, q.Nobody
	}
	if next := c.resume(event); next != nil {
		return next
	}
	if to == "" || to == "hangup" {
		c.blame(480, 20, "queue sent on: "+why, "us")
		return c.sorry("nobody-available", "call-back-later", "goodbye")
	}
	return c.sendOn(from, to)
}

// sendOn leads a caller from a queue elsewhere. In another one he arrived when he
// arrived in the first.
func (c *Call) sendOn(from waitStage, to string) stage {
	next := c.eng.stageFor(c, to)
	if w, ok := next.(waitStage); ok {
		w.since = from.since
		return w
	}
	return next
}

// closed is where a caller goes who comes outside of the queue's hours.
func (c *Call) closed(from waitStage, to string, direct bool) stage {
	c.note("closed")
	if to == "hangup" {
		c.blame(480, 20, "queue is closed", "us")
		if direct {
			return c.sorry("closed", "goodbye")
		}
		return goodbyeStage{prompts: []string{"closed", "goodbye"}}
	}
	return c.sendOn(from, to)
}

// sorry says something to a caller whom we have answered; others get a status.
func (c *Call) sorry(prompts ...string) stage {
	if !c.answers {
		return nil
	}
	return goodbyeStage{prompts: prompts}
}

// goodbyeStage says something and hangs up.
type goodbyeStage struct{ prompts []string }

func (s goodbyeStage) name() string { return "goodbye" }

func (s goodbyeStage) run(ctx context.Context, c *Call) stage {
	if c.answer(ctx) == nil {
		c.say(ctx, s.prompts...)
	}
	return nil
}
