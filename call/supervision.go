package call

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"hotline/media"
	"hotline/sip"
	"hotline/store"
)

// supervisorRings is how long a supervisor's phone rings.
const supervisorRings = 30 * time.Second

// supervision is one supervisor in one call, from the ringing of his phone to his
// last packet. It has a goroutine and a leg of its own, so that nothing of it can
// hold up the call; what both know goes through the lock of supervisors.
type supervision struct {
	eng   *Engine
	call  *Call
	agent string // the supervisor
	began time.Time

	ctx     context.Context // ends with a *dismissed
	end     context.CancelCauseFunc
	changed chan struct{} // mode is another
	leg     atomic.Pointer[Leg]
	barges  *Leg // to whom he speaks; run's alone

	// Guarded by eng.supers.mu.
	mode   string
	seated bool
	takes  bool                   // takes the call over as soon as he sits in it
	warned map[media.LegID]string // agents who have heard that he is there, and in which mode
}

// dismissed is why a supervision was ended from outside or by a key.
type dismissed struct{ why, actor string }

func (d *dismissed) Error() string { return d.why }

func newSupervision(c *Call, agent, mode string) *supervision {
	s := &supervision{eng: c.eng, call: c, agent: agent, mode: mode, began: time.Now(), changed: make(chan struct{}, 1),
		warned: map[media.LegID]string{}}
	s.ctx, s.end = context.WithCancelCause(context.Background())
	return s
}

func (s *supervision) view() SupervisionView {
	s.eng.supers.mu.Lock()
	defer s.eng.supers.mu.Unlock()
	v := SupervisionView{Call: s.call.id, Supervisor: s.agent, Mode: s.mode, State: "ringing", Began: s.began}
	if s.seated {
		v.State = "seated"
	}
	return v
}

// begin starts what was asked for. Nobody listens without an entry in the audit
// log; the call does not wait for the disk that takes it.
func (s *supervision) begin(actor string) (SupervisionView, error) {
	e := s.eng
	if err := e.admitSupervisor(s); err != nil {
		return SupervisionView{}, err
	}
	if err := e.store.PutAudit(s.entry(actSupervise, actor, "")); err != nil {
		e.dropSupervisor(s)
		return SupervisionView{}, fmt.Errorf("call: supervise: %w", err)
	}
	if err := e.startSupervisor(s); err != nil {
		e.dropSupervisor(s)
		e.store.LogAudit(s.entry(actLeave, "hotline", "the call ended"))
		return SupervisionView{}, err
	}
	e.log.Info("supervise", "call", s.call.id, "agent", s.agent, "mode", s.view().Mode, "actor", actor)
	go s.run() // owned by the call, which waits for it; ends with the call, the phone or an operator's word
	return s.view(), nil
}

// turn changes the mode: another role in the same seat, which the media engine
// does without a break.
func (s *supervision) turn(mode, actor string) SupervisionView {
	s.eng.supers.mu.Lock()
	same := s.mode == mode
	s.mode = mode
	s.eng.supers.mu.Unlock()
	if !same {
		s.eng.store.LogAudit(s.entry(actTurn, actor, ""))
		s.eng.log.Info("supervise", "call", s.call.id, "agent", s.agent, "mode", mode, "actor", actor)
		select {
		case s.changed <- struct{}{}:
		default:
		}
	}
	return s.view()
}

// run is the supervision; it ends with whatever comes first, and tells why.
func (s *supervision) run() {
	e := s.eng
	defer s.call.watched.wg.Done()
	e.occupy(s.agent, true)
	defer e.occupy(s.agent, false)
	err := s.guarded()
	s.end(err)
	s.speaksTo(nil)
	var left []store.Leg
	if !errors.Is(err, errTakesOver) || !s.hand() {
		left = s.leave(err)
	}
	e.dropSupervisor(s, left...)
	why, actor := endOf(err, s.agent)
	e.store.LogAudit(s.entry(actLeave, actor, why))
	e.log.Info("supervise end", "call", s.call.id, "agent", s.agent, "cause", why, "actor", actor)
	s.pokeCall()
}

// guarded sits; a panic ends this supervision and nothing else.
func (s *supervision) guarded() (err error) {
	defer func() {
		if p := recover(); p != nil {
			s.eng.stats.Panics.Add(1)
			s.eng.log.Error("supervision panicked", "call", s.call.id, "agent", s.agent, "err", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = ErrInternal
		}
	}()
	return s.sit()
}

// sit rings the phone and sits in the call until something ends it.
func (s *supervision) sit() error {
	if s.ctx.Err() != nil {
		return context.Cause(s.ctx)
	}
	l := s.leg.Load()
	if l == nil {
		var err error
		if l, err = s.ring(); err != nil {
			return err
		}
	}
	l.flush()
	l.talks.Store(time.Now().UnixNano())
	if s.take(l) {
		return errTakesOver
	}
	s.pokeCall()
	for {
		select {
		case <-s.changed:
			s.take(l)
		case d := <-l.digits:
			switch d.r {
			case leaveKey:
				return &dismissed{why: "left by key", actor: "agent:" + s.agent}
			case takeKey:
				s.takeOver("agent:" + s.agent)
			}
			if mode, ok := modeKeys[d.r]; ok {
				s.turn(mode, "agent:"+s.agent)
			}
		case <-l.holds: // he hears nothing meanwhile
		case <-l.updated:
			s.pokeCall()
		case <-l.ctx.Done():
			return context.Cause(l.ctx)
		case <-s.ctx.Done():
			return context.Cause(s.ctx)
		}
	}
}

// ring rings the supervisor's phone and waits for him.
func (s *supervision) ring() (*Leg, error) {
	l, err := s.dial()
	if err != nil {
		return nil, err
	}
	w := s.eng.world.Load()
	ctx, cancel := context.WithTimeoutCause(s.ctx, supervisorRings, ErrWithdrawn)
	defer cancel()
	asks := &Call{eng: s.eng, lang: w.language(store.Number{})} // for the key in the center's language
	return l, asks.awaitAgent(ctx, l, acceptance{key: w.confirms(s.agent)})
}

// errTakesOver ends a supervision whose leg becomes the agent's.
var errTakesOver = errors.New("takes the call over")

// takeOver ends the sitting: the supervisor is the agent from now on.
func (s *supervision) takeOver(actor string) SupervisionView {
	s.eng.auditCall(s.call, actor, actTakeOver, "by "+s.agent)
	s.eng.supers.mu.Lock()
	s.takes = true
	seated := s.seated
	s.eng.supers.mu.Unlock()
	if seated { // else as soon as he answers
		s.end(errTakesOver)
	}
	return s.view()
}

// hand gives the leg to the call, whatever it does; false if it ends just then.
func (s *supervision) hand() bool {
	l := s.leg.Load()
	// He is heard as the agent from now on, so that there is no pause between the two.
	s.eng.media.Do(media.Seat{Bridge: media.BridgeID(s.call.id), Leg: l.id, Role: media.Agent})
	return s.call.running.move(&takenStage{hand: &handover{leg: l, agent: s.agent}})
}

// take gives the leg the seat of the mode. Only run's goroutine does, so the last
// word wins. Over tells that he is to take the call over.
func (s *supervision) take(l *Leg) (over bool) {
	s.eng.supers.mu.Lock()
	role := modes[s.mode]
	s.seated, over = true, s.takes
	s.eng.supers.mu.Unlock()
	var to *Leg
	if role == media.Barger {
		to = s.call.front.Load()
	}
	s.speaksTo(to)
	s.eng.media.Do(media.Seat{Bridge: media.BridgeID(s.call.id), Leg: l.id, Role: role})
	s.call.warn()
	return over
}

// dial opens the leg and rings the phone, which shows whom it will hear.
func (s *supervision) dial() (*Leg, error) {
	e := s.eng
	w := e.world.Load()
	a := w.center.Agents[s.agent]
	targets := e.targets(s.agent, a)
	if len(targets) == 0 {
		return nil, errUnreachable
	}
	l, err := e.newLeg("supervisor", "agent:"+s.agent, s.agent)
	if err != nil {
		return nil, err
	}
	l.aims(targets)
	inv := sip.Invite{Targets: targets, NoAnswer: 8 * time.Second, Media: l, Inbox: l,
		From: sip.Address{Display: s.title(w), User: s.call.number}, To: sip.Address{User: s.agent},
		Headers: [][2]string{{"X-Hotline-Call", s.call.id}}}
	if id := w.center.Trunks[a.Trunk].CallerID; id != "" { // his trunk's rule holds
		inv.From.User = id
	}
	l.d = e.sip.Dial(inv)
	s.leg.Store(l)
	return l, nil
}

// title is what the phone shows: "listening to Ann / +493012345".
func (s *supervision) title(w *world) string {
	v := s.call.shown()
	who := v.Caller
	if v.Agent != "" && inTalk(v.Stage) {
		name := w.center.Agents[v.Agent].Name
		if name == "" {
			name = v.Agent
		}
		who = name + " / " + who
	}
	return doing[s.view().Mode] + " " + who
}

// leave frees seat and leg. The others are passed through again.
func (s *supervision) leave(err error) []store.Leg {
	l := s.leg.Load()
	if l == nil {
		return nil
	}
	s.eng.media.Do(media.Leave{Leg: l.id})
	e := l.ended() // before we end it: what its phone says to that is no cause
	cause := causeNormal
	if errors.Is(err, ErrWithdrawn) {
		cause = causeNoAnswer
	}
	l.d.End(cause)
	why := store.Cause{Q850: cause.Q850, Text: cause.Text, Blame: "us"}
	switch {
	case e == nil:
	case e.lost:
		why.Q850, why.Text = causeMediaDied.Q850, e.text
	case e.byPeer, e.died, e.never:
		why = store.Cause{Status: e.status, Text: e.text, Blame: "agent"}
	}
	return []store.Leg{l.record(l.close(), why, time.Now())}
}

// pokeCall lets the call write its journal anew, which names our dialog.
func (s *supervision) pokeCall() {
	if l := s.call.front.Load(); l != nil {
		signal(l.updated)
	}
}

// The acts of supervisors in the audit log.
const (
	actSupervise = "supervise"
	actRefused   = "supervise refused"
	actTurn      = "supervise mode"
	actLeave     = "supervise end"
)

// entry is one act for the audit log.
func (s *supervision) entry(act, actor, why string) store.Audit {
	now := time.Now()
	v := s.call.shown()
	a := store.Audit{ID: store.NewID(now), At: now, Actor: actor, Act: act, Agent: s.agent, Call: s.call.id,
		Mode: s.view().Mode, Stage: v.Stage, Text: why}
	if v.Agent != "" && inTalk(v.Stage) {
		a.With = append(a.With, v.Agent)
	}
	a.With = append(a.With, v.Caller)
	return a
}

// endOf says in words why a supervision ended, and who did it.
func endOf(err error, agent string) (why, actor string) {
	actor = "agent:" + agent
	var d *dismissed
	var e *legEnded
	switch {
	case errors.Is(err, errTakesOver):
		return "took the call over", actor
	case errors.As(err, &d):
		if d.actor == "" {
			return d.why, "hotline"
		}
		return d.why, d.actor
	case errors.Is(err, ErrWithdrawn):
		return "no answer", actor
	case errors.Is(err, errDeclined):
		return "declined", actor
	case errors.As(err, &e) && e.lost:
		return e.text, "hotline"
	case errors.As(err, &e) && e.died:
		return "vanished: " + e.sipWhy, actor
	case errors.As(err, &e) && e.nobody:
		return "unreachable", actor
	case errors.As(err, &e) && e.never:
		return "declined: " + e.Error(), actor
	case errors.As(err, &e):
		return "hung up", actor
	}
	return err.Error(), "hotline"
}

// cutSupervisions closes in the record of a call that a process left behind what
// its supervisors did, and says so in the audit log.
func (e *Engine) cutSupervisions(c *store.CDR) {
	for i := range c.Legs {
		l := &c.Legs[i]
		if l.Role != "supervisor" || !l.Ended.IsZero() {
			continue
		}
		now := time.Now()
		l.Ended, l.Cause = now, c.Cause
		e.store.LogAudit(store.Audit{ID: store.NewID(now), At: now, Actor: "hotline", Act: actLeave, Agent: l.Number,
			Call: c.ID, With: []string{c.Caller}, Text: causeRestarted.Text})
	}
}
