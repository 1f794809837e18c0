package call

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"hotline/media"
	"hotline/store"
)

// Why an operator can't have a supervisor in a call.
var (
	ErrNotSupervisor = errors.New("not a supervisor; give the agent role: supervisor in the center's file")
	ErrBadMode       = errors.New("no such mode; use listen, whisper or barge")
	ErrAmbiguous     = errors.New("more than one call fits; name it by its id")
	ErrOwnCall       = errors.New("is in this call himself")
	ErrElsewhere     = errors.New("sits in another call already; end that first")
	ErrNoPhone       = errors.New("his phone is not registered")
	ErrConference    = errors.New("the call is in a conference; its number can be dialled")
	ErrCrowded       = errors.New("too many supervisors sit in this call")
	ErrNoAgent       = fmt.Errorf("%w", ErrUnknown)
	ErrNotThere      = errors.New("does not sit in this call")
)

// The words of settings, supervision.
const (
	seen   = "seen"
	unseen = "unseen"
	beeps  = "beep" // seen, and heard when he comes
)

// maxSupervisors of one call.
const maxSupervisors = 8

// The ways to sit in a call: a listener is heard by nobody, a coach by the agent,
// a barger by both.
var (
	modes    = map[string]media.Role{"listen": media.Listener, "whisper": media.Coach, "barge": media.Barger}
	modeKeys = map[rune]string{'1': "listen", '2': "whisper", '3': "barge"}
	doing    = map[string]string{"listen": "listening to", "whisper": "whispering to", "barge": "joining"}
)

// Keys of a supervisor's phone beside those of the modes: he talks with the caller
// instead of the agent, he leaves.
const (
	takeKey  = '4'
	leaveKey = '0'
)

// modeTakeOver is the end of a supervision: the supervisor becomes the agent.
const modeTakeOver = "takeover"

// SupervisionView is a supervisor in a call as operators see him.
type SupervisionView struct {
	Call       string    `json:"call"`
	Supervisor string    `json:"supervisor"`
	Mode       string    `json:"mode"`  // "listen", "whisper", "barge"
	State      string    `json:"state"` // "ringing": his phone; "seated"
	Began      time.Time `json:"began"`
}

// supervisors are all who sit in calls that are not theirs.
type supervisors struct {
	mu   sync.Mutex // guards seats, each seat's own part and each call's watched
	seat map[string]*supervision
}

// watched is a call's part of that: who sits in it and who did. Its goroutines
// are waited for by the call.
type watched struct {
	wg     sync.WaitGroup
	live   []*supervision
	legs   []store.Leg // of those who left
	closed error       // nobody may come any more, and why
}

// Supervise rings a supervisor's phone and seats him in a running call, or, if
// he is there already, changes his mode. ref is the call's id, a prefix of it
// that no other call has, or the id of an agent in talk.
func (e *Engine) Supervise(ref, supervisor, mode, actor string) (SupervisionView, error) {
	return e.supervise(ref, supervisor, mode, actor, nil)
}

// TakeOver has a supervisor talk with the caller of a running call instead of
// whoever does; his phone is rung if he does not sit in the call already.
func (e *Engine) TakeOver(ref, supervisor, actor string) (SupervisionView, error) {
	return e.supervise(ref, supervisor, modeTakeOver, actor, nil)
}

// supervise seats a supervisor, on the leg of a call of his if there is one.
func (e *Engine) supervise(ref, supervisor, mode, actor string, leg *Leg) (SupervisionView, error) {
	if _, ok := modes[mode]; !ok && mode != modeTakeOver {
		return SupervisionView{}, fmt.Errorf("mode %q: %w", mode, ErrBadMode)
	}
	w := e.world.Load()
	a, ok := w.center.Agents[supervisor]
	switch {
	case !ok:
		return SupervisionView{}, fmt.Errorf("agent %s: %w", supervisor, ErrNoAgent)
	case a.Role != "supervisor":
		e.auditRefused(ref, supervisor, mode, actor)
		return SupervisionView{}, fmt.Errorf("agent %s: %w", supervisor, ErrNotSupervisor)
	}
	c, err := e.find(ref)
	if err != nil {
		return SupervisionView{}, err
	}
	if s := e.supervising(supervisor); s != nil && s.call == c && leg == nil {
		if mode == modeTakeOver {
			return s.takeOver(actor), nil
		}
		return s.turn(mode, actor), nil
	}
	v := c.shown()
	if v.From == "agent:"+supervisor || v.Agent == supervisor && inTalk(v.Stage) {
		return SupervisionView{}, fmt.Errorf("agent %s: %w", supervisor, ErrOwnCall)
	}
	if leg == nil && !e.reachable(supervisor, a) {
		return SupervisionView{}, fmt.Errorf("agent %s: %w", supervisor, ErrNoPhone)
	}
	s := newSupervision(c, supervisor, mode)
	if mode == modeTakeOver {
		s.mode, s.takes = "listen", true
		e.auditCall(c, actor, actTakeOver, "by "+supervisor)
	}
	if leg != nil {
		leg.call.Store(nil)
		s.leg.Store(leg)
	}
	return s.begin(actor)
}

// auditRefused notes who wanted to do to a call what only supervisors may.
func (e *Engine) auditRefused(ref, agent, mode, actor string) {
	now := time.Now()
	a := store.Audit{ID: store.NewID(now), At: now, Actor: actor, Act: actRefused, Agent: agent, Mode: mode, Text: "not a supervisor"}
	if c, err := e.find(ref); err != nil {
		a.Text += "; " + plainNumber(ref) + " is no call"
	} else {
		v := c.shown()
		a.Call, a.Stage = c.id, v.Stage
		if v.Agent != "" && inTalk(v.Stage) {
			a.With = append(a.With, v.Agent)
		}
		a.With = append(a.With, v.Caller)
	}
	e.log.Info("supervise refused", "agent", agent, "mode", mode, "call", a.Call, "actor", actor)
	e.store.LogAudit(a)
}

// Unsupervise takes a supervisor out of a call.
func (e *Engine) Unsupervise(ref, supervisor, actor string) error {
	c, err := e.find(ref)
	if err != nil {
		return err
	}
	s := e.supervising(supervisor)
	if s == nil || s.call != c {
		return fmt.Errorf("agent %s: %w", supervisor, ErrNotThere)
	}
	s.end(&dismissed{why: "ended by an operator", actor: actor})
	return nil
}

// Supervisions are all supervisors in calls, by the supervisor's id.
func (e *Engine) Supervisions() []SupervisionView {
	e.supers.mu.Lock()
	byID := map[string]*supervision{}
	for id, s := range e.supers.seat {
		byID[id] = s
	}
	e.supers.mu.Unlock()
	out := make([]SupervisionView, 0, len(byID))
	for _, id := range sortedKeys(byID) {
		out = append(out, byID[id].view())
	}
	return out
}

// find reads what an operator calls a call.
func (e *Engine) find(ref string) (*Call, error) {
	if c := e.call(ref); c != nil {
		return c, nil
	}
	var ofAgent, ofPrefix []*Call
	for _, c := range e.snapshotCalls() {
		v := c.shown()
		if v.Agent == ref && inTalk(v.Stage) || v.From == "agent:"+ref {
			ofAgent = append(ofAgent, c)
		}
		if ref != "" && strings.HasPrefix(c.id, ref) {
			ofPrefix = append(ofPrefix, c)
		}
	}
	for _, found := range [][]*Call{ofAgent, ofPrefix} {
		switch len(found) {
		case 0:
		case 1:
			return found[0], nil
		default:
			return nil, fmt.Errorf("call %s: %w", ref, ErrAmbiguous)
		}
	}
	if _, ok := e.world.Load().center.Agents[ref]; ok {
		return nil, fmt.Errorf("agent %s: %w", ref, ErrIdle)
	}
	return nil, fmt.Errorf("call %s: %w", ref, ErrUnknown)
}

// ErrIdle answers who names a call by an agent who is in none; it is an ErrUnknown.
var ErrIdle error = idle{}

type idle struct{}

func (idle) Error() string        { return "is in no call now" }
func (idle) Is(target error) bool { return target == ErrUnknown }

// inTalk tells the stages in which a call's agent is on the line.
func inTalk(stage string) bool {
	return stage == "talk" || stage == "announce" || strings.HasPrefix(stage, "consult ") || strings.HasPrefix(stage, "transfer ")
}

// shown is the call as operators see it; empty before its first stage.
func (c *Call) shown() CallView {
	if v := c.view.Load(); v != nil {
		return *v
	}
	return CallView{ID: c.id, Caller: c.number, Name: c.name, From: c.from}
}

func (e *Engine) supervising(agent string) *supervision {
	e.supers.mu.Lock()
	defer e.supers.mu.Unlock()
	return e.supers.seat[agent]
}

// admitSupervisor counts one in, unless he or the call can't.
func (e *Engine) admitSupervisor(s *supervision) error {
	e.supers.mu.Lock()
	defer e.supers.mu.Unlock()
	w := &s.call.watched
	switch {
	case w.closed != nil:
		return fmt.Errorf("call %s: %w", s.call.id, w.closed)
	case e.supers.seat[s.agent] != nil:
		return fmt.Errorf("agent %s: %w", s.agent, ErrElsewhere)
	case len(w.live) >= maxSupervisors:
		return fmt.Errorf("call %s: %w", s.call.id, ErrCrowded)
	}
	if e.supers.seat == nil {
		e.supers.seat = map[string]*supervision{}
	}
	e.supers.seat[s.agent] = s
	w.live = append(w.live, s)
	return nil
}

// startSupervisor lets the call wait for him from now on, unless it has ended
// since he was admitted.
func (e *Engine) startSupervisor(s *supervision) error {
	e.supers.mu.Lock()
	defer e.supers.mu.Unlock()
	if err := s.call.watched.closed; err != nil {
		return fmt.Errorf("call %s: %w", s.call.id, err)
	}
	s.call.watched.wg.Add(1) // under the lock: whoever waits has closed the call under it
	return nil
}

// dropSupervisor counts one out; what he leaves goes into the call's record.
func (e *Engine) dropSupervisor(s *supervision, left ...store.Leg) {
	e.supers.mu.Lock()
	defer e.supers.mu.Unlock()
	w := &s.call.watched
	for i, x := range w.live {
		if x == s {
			w.live = append(w.live[:i:i], w.live[i+1:]...)
			break
		}
	}
	w.legs = append(w.legs, left...)
	if e.supers.seat[s.agent] == s {
		delete(e.supers.seat, s.agent)
	}
}

// dismiss ends all supervision of the call, lets no new one begin, and gives the
// legs that it had. It waits for their last figures, about a second at most.
func (c *Call) dismiss(closed error, why string) []store.Leg {
	c.eng.supers.mu.Lock()
	c.watched.closed = closed
	live := c.watched.live
	c.eng.supers.mu.Unlock()
	for _, s := range live {
		s.end(&dismissed{why: why})
	}
	c.watched.wg.Wait()
	c.eng.supers.mu.Lock()
	defer c.eng.supers.mu.Unlock()
	legs := c.watched.legs
	c.watched.legs = nil
	return legs
}

// journalSupervisors adds what a later process needs to end the supervisors' legs.
func (c *Call) journalSupervisors(j *store.Journal) {
	c.eng.supers.mu.Lock()
	live := append([]*supervision(nil), c.watched.live...)
	j.CDR.Legs = append(j.CDR.Legs, c.watched.legs...)
	c.eng.supers.mu.Unlock()
	for _, s := range live {
		l := s.leg.Load()
		if l == nil {
			continue
		}
		j.CDR.Legs = append(j.CDR.Legs, l.record(media.LegStats{}, store.Cause{}, time.Time{}))
		if b, ok := dialogState(l); ok {
			j.Dialogs = append(j.Dialogs, b)
		}
	}
}
