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
	gone     bool // no longer configured; removed after his talk
	profile  *profile
	nodes    []node[*agent] // one for each order of the profile
	prio     uint64
	listed   bool // available: in the trees of the profile
	counted  bool // as logged in, in his queues
	mode     mode
	reason   string // of modeNotReady
	activity activity
	offer    *offer
	call     CallID // offered, in talk or being wrapped up
	talkOf   *queue // whose call it is, in talk
	wrapUp   timer

	registered bool // his phone can be rung
	busy       bool // by a call outside the ACD
	pausedFor  pauseKind
	pauseEnd   timer
	refusals   int // declined in a row
	pairs      int // back-offs

	idleSince int64
	grade     float64 // g when he was listed
	shown     AgentChanged
}

func (a *agent) available() bool {
	return a.mode == modeReady && a.activity == activityNone && a.registered && !a.busy && a.pausedFor == pauseNone && !a.gone
}

// refresh brings lists, counts and the owner's picture in line with the agent.
func (c *Core) refresh(a *agent) {
	if a.available() != a.listed {
		if a.listed {
			c.unlist(a)
		} else {
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
	if a.gone && a.activity == activityNone {
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
	in := a.mode != modeLoggedOut || a.activity != activityNone
	if in == a.counted {
		return
	}
	a.counted = in
	for _, q := range a.profile.queues {
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
		a.mode, a.reason = modeNotReady, ReasonLogin
	}
	c.refresh(a)
}

// ready also ends a wrap-up and a pause that the agent can judge himself.
func (c *Core) ready(a *agent) {
	if a.mode != modeReady {
		a.idleSince = c.at
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
	if o := a.offer; o != nil {
		why := WithdrawNotReady
		if m == modeLoggedOut {
			why = WithdrawLoggedOut
		}
		c.withdraw(o, why)
		c.wait(o.call)
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
	if a.activity != activityTalking || a.call != ev.Call {
		c.stats.Ignored++
		return
	}
	if ev.PhoneDied {
		c.pause(a, pauseUnreachable, a.talkOf.BackOff)
	}
	c.endTalk(a, ev.NoWrapUp || ev.PhoneDied)
}

// endTalk sends an agent into wrap-up, or on.
func (c *Core) endTalk(a *agent, noWrapUp bool) {
	d := a.talkOf.WrapUp
	if a.WrapUp != nil {
		d = *a.WrapUp
	}
	a.talkOf.talking--
	a.talkOf = nil
	delete(c.talks, a.call)
	if d > 0 && !noWrapUp && !a.gone {
		a.activity = activityWrapUp
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

func (c *Core) endWrapUp(a *agent) {
	c.timers.disarm(&a.wrapUp)
	a.activity, a.call = activityNone, ""
	a.idleSince = c.at
}
