package acd

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// voiceChannel is the name of what takes a whole agent.
const voiceChannel = "voice"

// hears applies an event and then what was due by now, as the Core does before it
// assigns. What rings out is told by the Core's Withdraw.
func (m *model) hears(now time.Time, ev Event) {
	m.now = now
	switch ev := ev.(type) {
	case Configure:
		m.configured(ev)
	case CallQueued:
		m.leaves(ev.Call)
		k := &ticket{CallQueued: ev, entered: now, apart: map[AgentID]time.Time{}}
		if k.Since.IsZero() || k.Since.After(now) {
			k.Since = now
		}
		if len(ev.First) > 0 && ev.FirstFor > 0 {
			k.held, k.wasHeld, k.holdEnd = true, true, now.Add(ev.FirstFor)
		}
		m.calls[ev.Call] = k
	case CallLeft:
		m.leaves(ev.Call)
	case OfferAnswered:
		m.answered(ev.Offer)
	case OfferRefused:
		m.refused(ev.Offer, ev.How)
	case TalkEnded:
		if k, d := m.calls[ev.Call], m.desks[ev.Agent]; k != nil && d != nil && k.agent == ev.Agent {
			if ev.PhoneDied {
				d.pause, d.pauseEnd = pauseUnreachable, now.Add(backOff(k.queue))
			}
			m.endTalk(k, ev.NoWrapUp || ev.PhoneDied)
		}
	default:
		m.agentEvent(ev)
	}
	m.due()
}

func backOff(q Queue) time.Duration {
	if q.BackOff <= 0 {
		return defaultBackOff
	}
	return q.BackOff
}

func (m *model) agentEvent(ev Event) {
	switch ev := ev.(type) {
	case LogIn:
		if d := m.known(ev.Agent); d != nil && ev.Ready {
			m.ready(d)
		} else if d != nil && d.mode == modeLoggedOut {
			d.mode, d.reason, d.declined = modeNotReady, ReasonLogin, 0
		}
	case Ready:
		if d := m.known(ev.Agent); d != nil {
			m.ready(d)
		}
	case NotReady:
		if d := m.known(ev.Agent); d != nil {
			d.mode, d.reason, d.refusals = modeNotReady, ev.Reason, 0
		}
	case LogOut:
		if d := m.known(ev.Agent); d != nil {
			d.mode, d.reason, d.refusals = modeLoggedOut, "", 0
		}
	case Reachable:
		if d := m.known(ev.Agent); d != nil {
			d.reachable = ev.Yes
			if ev.Yes && d.pause == pauseUnreachable {
				d.pause = pauseNone
			}
		}
	case Occupied:
		if d := m.known(ev.Agent); d != nil {
			d.occupied = ev.Yes
			if !ev.Yes && d.pause == pauseBusy {
				d.pause = pauseNone
			}
		}
	case WrapUpDone:
		if d := m.known(ev.Agent); d != nil {
			d.wraps = ""
		}
	}
}

// known is an agent who can do things: one who was removed can only end his talk.
func (m *model) known(id AgentID) *desk {
	if d := m.desks[id]; d != nil && (!d.removed || len(d.talks) > 0) {
		return d
	}
	return nil
}

func (m *model) ready(d *desk) {
	if d.mode == modeLoggedOut {
		d.declined = 0
	}
	d.mode, d.reason, d.refusals, d.wraps = modeReady, "", 0, ""
	if d.pause == pauseBusy || d.pause == pauseDeclining {
		d.pause = pauseNone
	}
}

// configured replaces the rules. Who is gone leaves everything but his talks.
func (m *model) configured(ev Configure) {
	m.queues = map[QueueID]Queue{}
	for _, q := range ev.Queues {
		m.queues[q.ID] = q
	}
	named := map[AgentID]bool{}
	for _, a := range ev.Agents {
		named[a.ID] = true
		d := m.desks[a.ID]
		if d == nil {
			d = &desk{}
			m.desks[a.ID] = d
		}
		d.rule, d.removed = a, false
	}
	for id, d := range m.desks {
		if named[id] {
			continue
		}
		d.removed, d.mode, d.pause, d.wraps, d.rule.Queues = true, modeLoggedOut, pauseNone, "", nil
	}
	for _, k := range m.calls {
		k.overdue = false
		q, known := m.queues[k.Queue]
		if k.orphan = k.orphan || !known; !k.orphan {
			k.queue = q
		}
	}
}

// leaves takes a call out of wherever it is; its offers are withdrawn by commands.
func (m *model) leaves(id CallID) {
	k := m.calls[id]
	if k == nil {
		return
	}
	if k.agent != "" {
		m.endTalk(k, false)
		return
	}
	delete(m.calls, id)
}

func (m *model) endTalk(k *ticket, noWrapUp bool) {
	d := m.desks[k.agent]
	d.talks = slices.DeleteFunc(d.talks, func(o *ticket) bool { return o == k })
	delete(m.calls, k.Call)
	length := k.queue.WrapUp
	if d.rule.WrapUp != nil {
		length = *d.rule.WrapUp
	}
	if length > 0 && !noWrapUp && !d.removed && len(m.shared(d)) == 0 {
		d.wraps, d.wrapEnd = k.Call, m.now.Add(length)
	}
}

// hangUp takes an offer off both sides.
func (m *model) hangUp(id OfferID) (k *ticket, d *desk) {
	o := m.offers[id]
	k, d = m.calls[o.Call], m.desks[o.Agent]
	delete(m.offers, id)
	same := func(other OfferID) bool { return other == id }
	if k != nil {
		k.offers = slices.DeleteFunc(k.offers, same)
	}
	d.rings = slices.DeleteFunc(d.rings, same)
	return k, d
}

func (m *model) answered(id OfferID) {
	if _, rings := m.offers[id]; !rings {
		return
	}
	agent := m.offers[id].Agent
	k, d := m.hangUp(id)
	k.agent, d.refusals = agent, 0
	d.talks = append(d.talks, k)
}

func (m *model) refused(id OfferID, how Refusal) {
	o, rings := m.offers[id]
	if !rings {
		return
	}
	k, d := m.hangUp(id)
	rest := backOff(k.queue)
	if how == CallerGone || how == SentOn {
		if how == SentOn {
			m.declines(o, k, d, rest)
		}
		delete(m.calls, o.Call)
		return
	}
	k.apart[o.Agent] = m.now.Add(rest)
	switch how {
	case Busy:
		d.pause, d.pauseEnd = pauseBusy, m.now.Add(rest)
	case PhoneUnreachable:
		d.pause, d.pauseEnd = pauseUnreachable, m.now.Add(rest)
	case NoAnswer:
		if k.queue.MissedNotReady {
			d.mode, d.reason = modeNotReady, ReasonMissed
		}
	default:
		m.declines(o, k, d, rest)
	}
}

func (m *model) declines(o Offer, k *ticket, d *desk, rest time.Duration) {
	if !o.MayDecline {
		d.mode, d.reason, d.refusals = modeNotReady, ReasonDeclined, 0
		return
	}
	d.declined++
	k.declined++
	if d.refusals++; d.refusals >= maxRefusals {
		d.refusals, d.pause, d.pauseEnd = 0, pauseDeclining, m.now.Add(rest)
	}
}

// due ends what has had its time.
func (m *model) due() {
	for _, d := range m.desks {
		if d.wraps != "" && !d.wrapEnd.After(m.now) {
			d.wraps = ""
		}
		if d.pause != pauseNone && !d.pauseEnd.After(m.now) {
			d.pause = pauseNone
		}
	}
	for _, k := range m.calls {
		if k.held && !k.holdEnd.After(m.now) {
			k.held = false
		}
		if q := m.queues[k.Queue]; q.MaxWait > 0 && !m.now.Before(k.entered.Add(q.MaxWait)) {
			k.overdue = true
		}
	}
}

// obeys follows a command, and says what is wrong with it.
func (m *model) obeys(cmd Command) error {
	switch cmd := cmd.(type) {
	case Withdraw:
		return m.withdrawn(cmd)
	case Overflow:
		return m.overflowed(cmd)
	case Offer:
		return m.offered(cmd)
	}
	return nil
}

func (m *model) withdrawn(cmd Withdraw) error {
	o, rings := m.offers[cmd.ID]
	if !rings {
		return fmt.Errorf("%v: it does not ring", cmd)
	}
	if cmd.Why == WithdrawNoAnswer {
		if m.now.Before(o.Deadline) {
			return fmt.Errorf("%v: before its deadline", cmd)
		}
		m.refused(cmd.ID, NoAnswer)
		return nil
	}
	d := m.desks[o.Agent]
	k := m.calls[o.Call]
	well := map[string]bool{
		WithdrawNotReady: d.mode == modeNotReady, WithdrawLoggedOut: d.mode == modeLoggedOut, WithdrawRemoved: d.removed,
		WithdrawElsewhere: k != nil && k.agent != "", WithdrawCallerGone: k == nil, WithdrawRequeued: k != nil && !slices.Contains(k.offers, cmd.ID),
	}
	if !well[cmd.Why] {
		return fmt.Errorf("%v: without that reason", cmd)
	}
	m.hangUp(cmd.ID)
	return nil
}

func (m *model) overflowed(cmd Overflow) error {
	k := m.calls[cmd.Call]
	if k == nil || k.agent != "" || len(k.offers) > 0 {
		return fmt.Errorf("%v: it does not wait", cmd)
	}
	q, known := m.queues[k.Queue]
	here := 0
	for _, o := range m.calls {
		if o.Queue == k.Queue && o.agent == "" {
			here++
		}
	}
	well := map[string]bool{
		OverflowNoQueue: !known, OverflowMaxWait: k.overdue, OverflowNobody: m.nobody(k),
		OverflowFull: q.MaxLength > 0 && here > q.MaxLength && k.entered.Equal(m.now),
	}
	if !well[cmd.Why] {
		return fmt.Errorf("%v: without that reason", cmd)
	}
	delete(m.calls, cmd.Call)
	return nil
}

func (m *model) offered(cmd Offer) error {
	k, d := m.calls[cmd.Call], m.desks[cmd.Agent]
	switch {
	case k == nil || k.agent != "" || d == nil:
		return fmt.Errorf("%v: no such call or agent", cmd)
	case !m.fits(d, k):
		return fmt.Errorf("%v: the agent may not take it", cmd)
	case !m.free(d, k):
		return fmt.Errorf("%v: the agent is not free", cmd)
	case k.held && m.waitsFor(k) && !slices.Contains(k.First, cmd.Agent):
		return fmt.Errorf("%v: the call is held for %v", cmd, k.First)
	}
	q := m.queues[k.Queue]
	if most := max(q.RingMost, 1); len(k.offers) >= most && q.RingMost > 0 || len(k.offers) > 0 && (q.Strategy != RingAll || !k.voice()) {
		return fmt.Errorf("%v: it rings elsewhere", cmd)
	}
	quota := func(v, otherwise int) int {
		if v == 0 {
			return otherwise
		}
		return max(v, 0)
	}
	if may := d.declined < quota(q.Declines, 5) && k.declined < quota(q.DeclinesPerCall, 2); cmd.MayDecline != may {
		return fmt.Errorf("%v: may decline %v, should be %v", cmd, cmd.MayDecline, may)
	}
	k.held = k.held && slices.Contains(k.First, cmd.Agent)
	m.offers[cmd.ID] = cmd
	k.queue, k.orphan = q, false
	k.offers, d.rings = append(k.offers, cmd.ID), append(d.rings, cmd.ID)
	return nil
}

// ends does what belongs to the end of a Step: agents who are gone and free are
// forgotten, holds without an agent end.
func (m *model) ends() {
	for _, id := range slices.Sorted(maps.Keys(m.desks)) {
		if d := m.desks[id]; d.removed && len(d.talks)+len(d.rings) == 0 {
			delete(m.desks, id)
			for _, k := range m.calls { // who comes back is a new agent
				delete(k.apart, id)
			}
		}
	}
	for _, k := range m.calls {
		k.wasHeld = k.held
		if k.agent == "" && len(k.offers) == 0 && k.held && !m.waitsFor(k) {
			k.held = false
		}
	}
}
