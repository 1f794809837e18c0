package call

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"hotline/ivr"
	"hotline/media"
	"hotline/sip"
	"hotline/store"
)

// Why an agent's phone could not be rung, or was rung in vain.
var (
	errUnreachable = errors.New("unreachable")
	errDeclined    = errors.New("declined")
	errSentOn      = errors.New("sent on")
)

// How long a phone rings, and the world beyond a trunk, which has timers of its
// own (RFC 3261, timer C: more than 3 min).
const (
	ringFor      = time.Minute
	ringTrunkFor = 4 * time.Minute
)

// How long an INVITE may get no response whatsoever before the next way is tried.
const (
	phoneSilence = 8 * time.Second
	trunkSilence = 4 * time.Second
)

// dialStage rings one phone or one trunk for the caller, and passes through
// what it says until it answers.
type dialStage struct {
	agent  string // an agent's phone, or
	trunk  string // a number over a trunk
	number string
	more   []string // trunks to try next
	show   string   // the caller's number that it sees; "": the rule of trunk and agent
}

func (s dialStage) name() string {
	if s.agent != "" {
		return "dial agent " + s.agent
	}
	return "dial " + s.trunk
}

func (s dialStage) run(ctx context.Context, c *Call) stage {
	if s.agent != "" && c.from == "agent:"+s.agent {
		c.blame(causeBusy.Status, causeBusy.Q850, "called himself", "caller")
		return nil
	}
	rctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	leg, err := s.dial(c)
	if err != nil {
		return s.failed(ctx, c, err)
	}
	result := c.answerOf(rctx, leg, acceptance{key: s.agent != "" && c.eng.world.Load().confirms(s.agent)}, nil)
	ringOut := time.NewTimer(ringFor)
	defer ringOut.Stop()
	if s.trunk != "" {
		ringOut.Reset(ringTrunkFor)
	}
	for {
		select {
		case r := <-leg.ringing:
			c.passRinging(r, leg)
		case <-ringOut.C:
			stop(ErrWithdrawn)
		case o := <-c.orders:
			mine := c.manned != "" && o.actor == "agent:"+c.manned
			if o.Do != doTake && o.Do != doPickUp && (o.Do != doSurrender || !mine) {
				o.done(ErrNotNow)
				break
			}
			stop(ErrWithdrawn)
			<-result
			if o.Do == doSurrender {
				return s.surrender(c, leg, o)
			}
			c.dropLeg(leg, sip.Elsewhere, "us")
			return c.taken(o, talkStage{})
		case <-c.caller.updated:
			c.journal()
		case err := <-result:
			c.drainRinging(leg)
			if err == nil {
				if s.agent != "" {
					c.eng.occupy(s.agent, true)
					c.agent = s.agent
				}
				t := talkStage{leg: leg, agent: s.agent}
				c.engaged = &t
				return t
			}
			c.dropLeg(leg, causeElsewhere, blameOf(leg.role, leg.peer))
			return s.failed(ctx, c, err)
		}
	}
}

// surrender gives the phone that rings to another call of the agent who dialled, and
// ends this one: he leads somebody there before it is answered.
func (s dialStage) surrender(c *Call, leg *Leg, o order) stage {
	c.give(leg)
	c.blame(487, 16, errGivenAway.Error(), "us")
	o.give <- &handover{leg: leg, agent: s.agent, way: &s}
	o.done(nil)
	return nil
}

// dial rings the phone, or the number over the first of the trunks.
func (s dialStage) dial(c *Call) (*Leg, error) {
	if s.agent != "" {
		return c.callAgent(s.agent, store.Queue{}, "")
	}
	return c.callTrunk(s.trunk, s.number, s.show)
}

// after is the way over the next trunk, if that may do better after an error: with
// its own caller ID and limits.
func (s dialStage) after(err error) (dialStage, bool) {
	if len(s.more) == 0 || !nextTrunk(err) {
		return s, false
	}
	s.trunk, s.more = s.more[0], s.more[1:]
	return s, true
}

// failed tells the caller why: by status before the answer, by voice after it.
func (s dialStage) failed(ctx context.Context, c *Call, err error) stage {
	if ctx.Err() != nil {
		return nil
	}
	if next, ok := s.after(err); ok {
		c.note("failed: %v", err)
		return next
	}
	to, blame := causeUnavailable, "agent"
	if s.trunk != "" {
		blame = "trunk"
	}
	var e *legEnded
	switch {
	case errors.As(err, &e) && e.lost:
		to, blame = causeMediaDied, "us"
	case errors.As(err, &e):
		to = passOn(e)
	case errors.Is(err, ErrWithdrawn):
		to = causeNoAnswer
	case errors.Is(err, ErrTooMany):
		to, blame = causeTooMany, "us"
	case errors.Is(err, media.ErrNoPorts), errors.Is(err, media.ErrDown):
		to, blame = causeFull, "us"
	}
	c.note("failed: %v", err)
	if next := c.resume(ivr.Failed); next != nil {
		return next
	}
	if box := c.eng.world.Load().center.Agents[s.agent].Voicemail; box != "" && to != causeFull && to != causeMediaDied {
		return voicemailStage{box: box}
	}
	c.blame(to.Status, to.Q850, to.Text, blame)
	return c.sorry("ringing-failed", "goodbye")
}

// passRinging lets the caller hear what the second leg says before its answer:
// 180 as 180, early audio as 183 with the bridge open.
func (c *Call) passRinging(r sip.Ringing, l *Leg) {
	if c.answers || c.early && !r.Early { // who was told that audio comes waits for it
		if !r.Early {
			c.caller.start(nil, media.Tone{Kind: media.ToneRingback}, true)
			return
		}
		c.caller.stop()
		c.seat(l)
		return
	}
	if !r.Early {
		if r.Status != 183 {
			c.inc.Ring()
		}
		return
	}
	c.seat(l)
	c.inc.Progress(c.caller)
}

// drainRinging passes on what stood before the final answer in the queue.
func (c *Call) drainRinging(l *Leg) {
	for {
		select {
		case r := <-l.ringing:
			c.passRinging(r, l)
		default:
			return
		}
	}
}

// callAgent rings an agent's phone, wherever it is, with what it is told of an
// offer. The leg lives when err is nil.
func (c *Call) callAgent(id string, q store.Queue, queue string, told ...[2]string) (*Leg, error) {
	inv, err := c.agentInvite(id, q, queue, told...)
	if err != nil {
		return nil, err
	}
	return c.dialLeg("agent", "agent:"+id, id, inv)
}

// agentInvite is how an agent's phone is rung.
func (c *Call) agentInvite(id string, q store.Queue, queue string, told ...[2]string) (sip.Invite, error) {
	w := c.eng.world.Load()
	a, ok := w.center.Agents[id]
	if !ok {
		return sip.Invite{}, errUnreachable
	}
	targets := c.eng.targets(id, a)
	if len(targets) == 0 {
		return sip.Invite{}, errUnreachable
	}
	inv := sip.Invite{Targets: targets, NoAnswer: phoneSilence}
	inv.From = sip.Address{Display: c.display(q, queue), User: c.number}
	if a.Tell == tellDisplay {
		inv.From.Display += shown(told)
	}
	if t, ok := w.center.Trunks[a.Trunk]; ok { // his trunk's rules hold
		inv.NoAnswer = orDefault(t.NoAnswer.D(), trunkSilence)
		if t.CallerID != "" {
			inv.From.User = t.CallerID
		}
	}
	inv.To = sip.Address{User: id}
	inv.AutoAnswer = a.AutoAnswer
	inv.Headers = [][2]string{{"X-Hotline-Call", c.id}}
	if queue != "" {
		inv.Headers = append(inv.Headers, [2]string{"X-Hotline-Queue", queue})
		inv.Headers = append(inv.Headers, told...)
	}
	return inv, nil
}

// display is the name that an agent's phone shows: who calls, and on which queue.
func (c *Call) display(q store.Queue, queue string) string {
	name := c.name
	if name == "" {
		name = c.number
	}
	if queue == "" {
		return name
	}
	title := q.Name
	if title == "" {
		title = queue
	}
	return title + ": " + name
}

// callTrunk dials a number over a trunk's peers, in their order.
func (c *Call) callTrunk(trunk, number, show string) (*Leg, error) {
	w := c.eng.world.Load()
	t, ok := w.center.Trunks[trunk]
	if !ok {
		return nil, errUnreachable
	}
	targets, ok := c.eng.sip.Trunk(trunk, number)
	if !ok || len(targets) == 0 {
		return nil, errUnreachable
	}
	from := show
	if from == "" && c.manned != "" {
		from = c.shows(w)
	}
	if from == "" {
		from = t.CallerID
	}
	if from == "" && c.item != nil { // the customer is called: he sees what he had dialled
		from = c.cdr.Called
	}
	if from == "" {
		from = c.number
	}
	inv := sip.Invite{Targets: targets, NoAnswer: orDefault(t.NoAnswer.D(), trunkSilence), Redirects: t.Redirects,
		Anonymous: c.hides(w, t)}
	inv.From = sip.Address{Display: c.name, User: from}
	if t.Trusted {
		inv.Asserted = from
	}
	if c.inc != nil {
		inv.Diversion = c.inc.Diverted
	}
	inv.To = sip.Address{User: number}
	agent := c.manned
	if agent == "" {
		agent = c.agent // who leads the caller there
	}
	counted, err := c.eng.goesOut(w, trunk, agent)
	if err != nil {
		return nil, err
	}
	l, err := c.dialLeg("party", "trunk:"+trunk, number, inv)
	if err != nil {
		c.eng.outs.give(counted)
		return nil, err
	}
	l.counted.Store(&counted)
	return l, nil
}

// dialLeg opens a second leg and sends its INVITE.
func (c *Call) dialLeg(role, peer, number string, inv sip.Invite) (*Leg, error) {
	if role == "party" && c.hops < 2 {
		return nil, fmt.Errorf("call: dial %s: too many hops: %w", peer, errUnreachable)
	}
	l, err := c.eng.newLeg(role, peer, number)
	if err != nil {
		return nil, fmt.Errorf("call: dial %s: %w", peer, err)
	}
	l.aims(inv.Targets)
	inv.Media, inv.Inbox = l, l
	inv.MaxForwards = max(c.hops-1, 1) // a phone is the end of the way: it may have the last hop
	l.rung = true
	l.d = c.eng.sip.Dial(inv)
	l.call.Store(c)
	c.legs = append(c.legs, l)
	return l, nil
}

func blameOf(role, peer string) string {
	switch {
	case role == "agent":
		return "agent"
	case strings.HasPrefix(peer, "trunk:"):
		return "trunk"
	case role == "caller":
		return "caller"
	}
	return "agent"
}
