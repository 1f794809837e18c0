package acd

import "time"

// Reasons that the core itself gives to an agent's state.
const (
	ReasonLogin     = "login"
	ReasonMissed    = "missed"
	ReasonRemoved   = "removed"
	ReasonBusy      = "busy"
	ReasonOccupied  = "in another call"
	ReasonDeclining = "declined often"
	ReasonSilent    = "phone does not answer"
	ReasonNoPhone   = "no phone"
	ReasonDeclined  = "declined" // more than his quota, or a call that can't be
)

// mode is what an agent wants; in talk and wrap-up it is what comes afterwards.
type mode uint8

const (
	modeLoggedOut mode = iota
	modeNotReady
	modeReady
)

// activity is what the ACD has him do.
type activity uint8

const (
	activityNone activity = iota
	activityOffered
	activityTalking
	activityWrapUp
)

// pauseKind is why an agent who wants calls gets none for a while.
type pauseKind uint8

const (
	pauseNone pauseKind = iota
	pauseBusy
	pauseDeclining
	pauseUnreachable
)

// agent is a configured agent with what he does.
type agent struct {
	Agent
	gone     bool      // no longer configured; removed after his talk
	members  []*member // the first is that of all agents like him
	prio     uint64
	listed   openness // what he is in the orders for
	listedAt int64    // when his grade was taken
	counted  bool     // as logged in, in his queues
	there    bool     // present, when last looked at
	mode     mode
	reason   string // of modeNotReady
	activity activity
	offer    *offer
	call     CallID // offered, in talk or being wrapped up
	talkOf   *queue // whose call it is, in talk
	began    int64  // that talk
	wrapUp   timer
	items    []*item // that share him
	version  uint32  // of items

	registered bool // his phone can be rung
	busy       bool // by a call outside the ACD
	pausedFor  pauseKind
	pauseEnd   timer
	refusals   int // declined in a row
	pairs      int // back-offs

	lastOffer int64
	served    int   // since log-in
	talked    int64 // since log-in, ns
	declined  int   // since log-in
	skipped   int64 // how often he was passed over, with Counted
	skippedAt int64 // while idle since this
	handling  handling
	work      workload
	passed    int64 // audit: how often since passedAt, which is his idleSince
	passedAt  int64

	idleSince int64
	shown     AgentChanged
}

// openness is what an agent can be offered.
type openness struct {
	voice   bool   // a call that takes all of him
	shared  bool   // items that share him, as far as his capacity goes
	version uint32 // of what he carries
}

func (a *agent) pool() *profile { return a.members[0].profile }

// willing tells whether an agent wants calls and his phone lets him.
func (a *agent) willing() bool {
	return a.mode == modeReady && a.activity == activityNone && a.registered && !a.busy && a.pausedFor == pauseNone && !a.gone
}

func (a *agent) available() bool { return a.willing() && len(a.items) == 0 }

func (a *agent) open() openness {
	if !a.willing() {
		return openness{}
	}
	return openness{len(a.items) == 0, len(a.Capacity) > 0, a.version}
}

// refresh brings lists, counts and the owner's picture in line with the agent.
func (c *Core) refresh(a *agent) {
	c.account(a)
	if open := a.open(); open != a.listed {
		if a.listed != (openness{}) {
			c.unlist(a)
		}
		if open != (openness{}) {
			c.list(a)
		}
	}
	c.count(a)
	now := a.show()
	now.Since, now.Agent = a.shown.Since, a.ID
	if now != a.shown {
		now.Since = instant(c.at)
		a.shown = now
		c.emit(now)
	}
	if there := a.present(); there != a.there {
		a.there = there
		if !there {
			c.left = append(c.left, a)
		}
	}
	if a.gone && a.activity == activityNone && len(a.items) == 0 {
		c.forget(a)
	}
}

// show is the state for screens, without Agent and Since.
func (a *agent) show() AgentChanged {
	s := AgentChanged{Call: a.call}
	switch {
	case a.activity == activityOffered:
		s.State = Offered
	case a.activity == activityTalking:
		s.State = Talking
	case a.activity == activityWrapUp:
		s.State, s.Until = WrapUp, instant(a.wrapUp.at)
	case len(a.items) > 0:
		s.State, s.Call = a.carries()
	case a.gone:
		s.State, s.Reason = LoggedOut, ReasonRemoved
	case a.mode == modeLoggedOut:
		s.State = LoggedOut
	case a.mode == modeNotReady:
		s.State, s.Reason = NotReadyState, a.reason
	case !a.registered:
		s.State, s.Reason = Unreachable, ReasonNoPhone
	case a.pausedFor == pauseUnreachable:
		s.State, s.Reason, s.Until = Unreachable, ReasonSilent, instant(a.pauseEnd.at)
	case a.busy:
		s.State, s.Reason = ReadyState, ReasonOccupied
	case a.pausedFor == pauseBusy:
		s.State, s.Reason, s.Until = ReadyState, ReasonBusy, instant(a.pauseEnd.at)
	case a.pausedFor == pauseDeclining:
		s.State, s.Reason, s.Until = ReadyState, ReasonDeclining, instant(a.pauseEnd.at)
	default:
		s.State = ReadyState
	}
	return s
}

// count keeps the queues' numbers of logged-in agents.
func (c *Core) count(a *agent) {
	in := a.in()
	if in == a.counted {
		return
	}
	a.counted = in
	if !in {
		c.left = append(c.left, a)
	}
	for _, q := range a.pool().queues {
		if in {
			q.loggedIn++
			continue
		}
		if q.loggedIn--; q.loggedIn == 0 {
			c.emptied = append(c.emptied, q)
		}
	}
}

func (c *Core) logIn(a *agent, ready bool) {
	if ready {
		c.ready(a)
		return
	}
	if a.mode == modeLoggedOut {
		c.newShift(a)
		a.mode, a.reason = modeNotReady, ReasonLogin
	}
	c.refresh(a)
}

// newShift begins the counts of an agent who logs in.
func (c *Core) newShift(a *agent) { a.served, a.talked, a.declined, a.work.fresh = 0, 0, 0, true }

// ready also ends a wrap-up and a pause that the agent can judge himself.
func (c *Core) ready(a *agent) {
	if a.mode != modeReady {
		a.idleSince = c.at
	}
	if a.mode == modeLoggedOut {
		c.newShift(a)
	}
	a.mode, a.reason, a.refusals = modeReady, "", 0
	if a.activity == activityWrapUp {
		c.endWrapUp(a)
	}
	if a.pausedFor == pauseBusy || a.pausedFor == pauseDeclining {
		c.endPause(a)
	}
	c.refresh(a)
}

// rest is Not ready or the end of the shift.
func (c *Core) rest(a *agent, m mode, reason string) {
	a.mode, a.reason, a.refusals = m, reason, 0
	why := WithdrawNotReady
	if m == modeLoggedOut {
		why = WithdrawLoggedOut
	}
	for o := a.ringing(); o != nil; o = a.ringing() {
		c.withdraw(o, why)
		if len(o.call.offers) == 0 {
			c.wait(o.call)
		}
	}
	c.refresh(a)
}

func (c *Core) reachable(a *agent, yes bool) {
	a.registered = yes
	if yes && a.pausedFor == pauseUnreachable {
		c.endPause(a)
	}
	c.refresh(a)
}

func (c *Core) occupied(a *agent, yes bool) {
	if a.busy && !yes {
		a.idleSince = c.at
	}
	a.busy = yes
	if !yes && a.pausedFor == pauseBusy {
		c.endPause(a)
	}
	c.refresh(a)
}

// pause leaves an agent alone for a while.
func (c *Core) pause(a *agent, kind pauseKind, d time.Duration) {
	a.pausedFor = kind
	c.timers.arm(&a.pauseEnd, c.now+int64(d))
}

// endPause forgives: an agent who was on the phone or refused too often starts
// to be idle now, one whose phone was silent was idle all the time.
func (c *Core) endPause(a *agent) {
	if a.pausedFor != pauseUnreachable {
		a.idleSince = c.at
	}
	a.pausedFor = pauseNone
	c.timers.disarm(&a.pauseEnd)
}

func (c *Core) talkEnded(a *agent, ev TalkEnded) {
	if c.talks[ev.Call] != a {
		c.stats.Ignored++
		return
	}
	if ev.PhoneDied {
		c.pause(a, pauseUnreachable, a.talkQueue(ev.Call).BackOff)
	}
	c.endTalk(a, ev.Call, ev.NoWrapUp || ev.PhoneDied)
}

// talkQueue is whose call an agent talks in.
func (a *agent) talkQueue(id CallID) *queue {
	if i := a.item(id); i != nil {
		return i.queue
	}
	return a.talkOf
}

// endTalk sends an agent into wrap-up, or on.
func (c *Core) endTalk(a *agent, id CallID, noWrapUp bool) {
	q, began := a.talkQueue(id), a.began
	d := q.WrapUp
	if a.WrapUp != nil {
		d = *a.WrapUp
	}
	q.talking--
	delete(c.talks, id)
	if i := a.item(id); i != nil {
		began = i.began
		a.remove(i)
	} else {
		a.talkOf = nil
	}
	a.talked += c.now - began
	if len(a.items) > 0 {
		c.refresh(a)
		return
	}
	wraps := d > 0 && !noWrapUp && !a.gone
	a.handling.add(time.Duration(c.now-began), d, wraps)
	if wraps {
		a.activity, a.call = activityWrapUp, id
		c.timers.arm(&a.wrapUp, c.now+int64(d))
	} else {
		c.endWrapUp(a)
	}
	c.refresh(a)
}

func (c *Core) wrapUpDone(a *agent) {
	if a.activity != activityWrapUp {
		c.stats.Ignored++
		return
	}
	c.endWrapUp(a)
	c.refresh(a)
}

// MaxWrapUp is how long a wrap-up may still last after it was extended.
const MaxWrapUp = time.Hour

func (c *Core) extendWrapUp(a *agent, by time.Duration) {
	if a.activity != activityWrapUp || by <= 0 {
		c.stats.Ignored++
		return
	}
	most := c.now + int64(MaxWrapUp)
	c.timers.arm(&a.wrapUp, max(a.wrapUp.at, min(a.wrapUp.at+int64(min(by, MaxWrapUp)), most)))
	c.refresh(a)
}

func (c *Core) endWrapUp(a *agent) {
	c.timers.disarm(&a.wrapUp)
	a.activity, a.call = activityNone, ""
	a.idleSince = c.at
}
