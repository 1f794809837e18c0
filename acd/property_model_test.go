package acd

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
)

// model is who should be where, by the package doc alone: it hears the events and
// the commands, keeps its own books, and knows nothing of trees and classes.
type model struct {
	now    time.Time
	queues map[QueueID]Queue
	desks  map[AgentID]*desk
	calls  map[CallID]*ticket
	offers map[OfferID]Offer
}

// desk is an agent.
type desk struct {
	rule      Agent
	removed   bool
	mode      mode
	reason    string
	reachable bool
	occupied  bool
	rings     []OfferID
	talks     []*ticket
	wraps     CallID
	wrapEnd   time.Time
	pause     pauseKind
	pauseEnd  time.Time
	refusals  int
	declined  int
}

// ticket is a call: it waits, rings or talks.
type ticket struct {
	CallQueued
	entered  time.Time
	offers   []OfferID
	agent    AgentID // in talk
	queue    Queue   // whose offers and talk these are
	orphan   bool    // that queue has been removed: its last rule holds for what goes on
	overdue  bool
	held     bool
	wasHeld  bool // at the end of the last Step
	holdEnd  time.Time
	declined int
	apart    map[AgentID]time.Time
}

func newModel() *model {
	return &model{queues: map[QueueID]Queue{}, desks: map[AgentID]*desk{}, calls: map[CallID]*ticket{}, offers: map[OfferID]Offer{}}
}

func (k *ticket) voice() bool { return k.Channel == "" || k.Channel == voiceChannel }

func (k *ticket) load() int { return min(max(k.Weight, 1), 100) }

// shared are the items that an agent carries, besides a voice call.
func (m *model) shared(d *desk) (list []*ticket) {
	for _, k := range d.talks {
		if !k.voice() {
			list = append(list, k)
		}
	}
	for _, id := range d.rings {
		if k := m.calls[m.offers[id].Call]; k != nil && !k.voice() {
			list = append(list, k)
		}
	}
	return list
}

// whole is what takes all of an agent: his voice call, offered or in talk.
func (m *model) whole(d *desk) (State, CallID) {
	for _, k := range d.talks {
		if k.voice() {
			return Talking, k.Call
		}
	}
	for _, id := range d.rings {
		if k := m.calls[m.offers[id].Call]; k != nil && k.voice() {
			return Offered, k.Call
		}
	}
	if d.wraps != "" {
		return WrapUp, d.wraps
	}
	return ReadyState, ""
}

// shown is the state that screens should show.
func (m *model) shown(d *desk) (State, string, CallID) {
	if state, call := m.whole(d); call != "" {
		return state, "", call
	}
	if list := m.shared(d); len(list) > 0 {
		if len(d.talks) > 0 {
			return Talking, "", d.talks[0].Call
		}
		return Offered, "", list[0].Call
	}
	switch {
	case d.removed:
		return LoggedOut, ReasonRemoved, ""
	case d.mode == modeLoggedOut:
		return LoggedOut, "", ""
	case d.mode == modeNotReady:
		return NotReadyState, d.reason, ""
	case !d.reachable:
		return Unreachable, ReasonNoPhone, ""
	case d.pause == pauseUnreachable:
		return Unreachable, ReasonSilent, ""
	case d.occupied:
		return ReadyState, ReasonOccupied, ""
	case d.pause == pauseBusy:
		return ReadyState, ReasonBusy, ""
	case d.pause == pauseDeclining:
		return ReadyState, ReasonDeclining, ""
	}
	return ReadyState, "", ""
}

// free tells whether an agent can be offered a call at all.
func (m *model) free(d *desk, k *ticket) bool {
	if _, call := m.whole(d); call != "" || d.removed || d.mode != modeReady || !d.reachable || d.occupied || d.pause != pauseNone {
		return false
	}
	list := m.shared(d)
	if k.voice() {
		return len(list) == 0
	}
	load := k.load()
	for _, o := range list {
		if o.Channel == k.Channel {
			load += o.load()
		}
	}
	return load <= d.rule.Capacity[k.Channel]
}

// fits is eligibility by configuration, with the levels asked for at this moment.
func (m *model) fits(d *desk, k *ticket) bool {
	q, ok := m.queues[k.Queue]
	if !ok || d.removed || slices.Contains(k.Never, d.rule.ID) || m.now.Before(k.apart[d.rule.ID]) {
		return false
	}
	serves := func(id QueueID) bool {
		_, known := m.queues[id]
		return known && slices.Contains(d.rule.Queues, id)
	}
	switch {
	case len(k.Only) > 0 && !slices.Contains(k.Only, d.rule.ID):
		return false
	case len(k.Only) == 0 && !serves(k.Queue) && !slices.ContainsFunc(k.Also, serves):
		return false
	}
	for skill, least := range m.needs(q, k) {
		if d.rule.Skills[skill] < least {
			return false
		}
	}
	return k.Language == "" || len(d.rule.Languages) == 0 || slices.Contains(d.rule.Languages, k.Language)
}

func (m *model) needs(q Queue, k *ticket) map[string]int {
	needs := map[string]int{}
	for skill, least := range q.Needs {
		needs[skill] = least
	}
	for skill, least := range k.Needs {
		needs[skill] = max(needs[skill], least)
	}
	steps := slices.Clone(q.Relax)
	slices.SortStableFunc(steps, func(a, b Relax) int { return cmp.Compare(a.After, b.After) })
	for _, s := range steps {
		for skill, least := range s.Needs {
			if now, asked := needs[skill]; asked && !m.now.Before(k.Since.Add(s.After)) {
				needs[skill] = min(now, least)
			}
		}
	}
	return needs
}

func (d *desk) in() bool {
	return d.mode != modeLoggedOut || len(d.talks) > 0 || len(d.rings) > 0 || d.wraps != ""
}

// waitsFor: one of the agents for whom the call is held could still take it.
func (m *model) waitsFor(k *ticket) bool {
	return slices.ContainsFunc(k.First, func(id AgentID) bool {
		d := m.desks[id]
		return d != nil && d.in() && d.reachable && d.pause != pauseUnreachable && m.fits(d, k)
	})
}

// nobody: the call should leave, for nobody of those who may take it is logged in.
func (m *model) nobody(k *ticket) bool {
	if !m.queues[k.Queue].LeaveWhenNobody && !k.Leave {
		return false
	}
	for _, d := range m.desks {
		if d.removed || !d.in() {
			continue
		}
		if slices.Contains(k.Only, d.rule.ID) {
			return false
		}
		for _, q := range append([]QueueID{k.Queue}, k.Also...) {
			if _, known := m.queues[q]; known && len(k.Only) == 0 && slices.Contains(d.rule.Queues, q) {
				return false
			}
		}
	}
	return true
}

// settled compares the model with what the Core tells, after a Step.
func (m *model) settled(c *Core) error {
	if err := m.sameCalls(c); err != nil {
		return err
	}
	for _, a := range c.Agents() {
		d := m.desks[a.ID]
		if d == nil {
			return fmt.Errorf("agent %s should not be there", a.ID)
		}
		state, reason, call := m.shown(d)
		if a.State != state || a.Reason != reason || a.Call != call && len(m.shared(d)) < 2 {
			return fmt.Errorf("agent %s is %v (%s) %q, should be %v (%s) %q", a.ID, a.State, a.Reason, a.Call, state, reason, call)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(m.calls)) {
		k := m.calls[id]
		if k.agent != "" || len(k.offers) > 0 {
			continue
		}
		switch q, ok := m.queues[k.Queue]; {
		case !ok:
			return fmt.Errorf("call %s waits in queue %s, which is gone", id, k.Queue)
		case q.MaxWait > 0 && !m.now.Before(k.entered.Add(q.MaxWait)):
			return fmt.Errorf("call %s waits longer than %v", id, q.MaxWait)
		case m.nobody(k):
			return fmt.Errorf("call %s waits for nobody", id)
		}
		for _, agent := range slices.Sorted(maps.Keys(m.desks)) {
			d := m.desks[agent]
			if m.fits(d, k) && m.free(d, k) && (!k.held && !k.wasHeld || slices.Contains(k.First, agent)) {
				return fmt.Errorf("agent %s is idle while call %s waits", agent, id)
			}
		}
	}
	return nil
}

// sameCalls: no call is lost and none has come from nowhere.
func (m *model) sameCalls(c *Core) error {
	for _, id := range slices.Sorted(maps.Keys(m.calls)) {
		k, a := m.calls[id], c.talks[id]
		switch {
		case k.agent == "" && c.calls[id] == nil:
			return fmt.Errorf("call %s is lost", id)
		case k.agent == "" && a != nil, k.agent != "" && (a == nil || a.ID != k.agent || c.calls[id] != nil):
			return fmt.Errorf("call %s should be with %q", id, k.agent)
		}
	}
	if len(m.calls) != len(c.calls)+len(c.talks) || len(m.offers) != len(c.offers) {
		return fmt.Errorf("%d calls wait, %d talk, %d offers ring; should be %d calls, %d offers", len(c.calls), len(c.talks), len(c.offers), len(m.calls), len(m.offers))
	}
	for id, o := range m.offers {
		if !o.Deadline.After(m.now) {
			return fmt.Errorf("offer %v rings on after its deadline", id)
		}
	}
	return nil
}
