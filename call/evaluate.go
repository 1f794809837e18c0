package call

import (
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"hotline/acd"
	"hotline/store"
)

// Why a rating is refused, and what to do.
var (
	ErrUnknownContact = errors.New("there is no call of that id; hotline cdr list shows those that were")
	ErrNotServed      = errors.New("no agent talked in this call, so nobody can be rated; rate a call that was served")
	ErrScale          = errors.New("stars are whole numbers from 1 (bad) to 5 (good)")
	ErrCategory       = errors.New("not among the categories of the center (settings.categories) nor the items of its surveys")
	ErrForbidden      = errors.New("may not rate here")
	ErrNoEvaluation   = errors.New("there is no such rating; hotline evaluation list shows those that are in force")
	ErrSide           = errors.New(`no such side; use "caller" (the caller rates the agent) or "agent" (the agent rates the caller)`)
)

// The kinds of actors.
const (
	ActorCaller     = "caller"     // ID is his number
	ActorAgent      = "agent"      // ID is the agent's
	ActorSupervisor = "supervisor" // ID is that of an agent with that role
	ActorOperator   = "operator"   // ID is how the commands name him
)

// Actor is who asks for a change, for the rules of who may and for the audit log.
type Actor struct {
	Kind string // one of the Actor constants
	ID   string
	By   string // who speaks for him, such as "cli:root"; "" himself
}

// String names him for the audit log.
func (a Actor) String() string {
	if a.By != "" {
		return a.By + " as " + a.Kind + ":" + a.ID
	}
	return a.Kind + ":" + a.ID
}

// ItemOverall is the item of a rating that asks for no category. It may be rated
// in every center.
const ItemOverall = "overall"

// maxItems of one evaluation: four categories, or as many as a survey may ask.
const maxItems = 32

// EvaluationRequest is a rating of one contact by one side. It replaces an
// earlier one with all its items.
type EvaluationRequest struct {
	Call  string         `json:"call"`
	Side  string         `json:"side"`            // store.SideCaller or store.SideAgent
	Agent string         `json:"agent,omitempty"` // in a call that several served; default: who served last, or the agent who asks
	Items map[string]int `json:"items"`           // category to stars
}

// grading orders the changes of evaluations: those of one call one after
// another, and none while the gradebook is built anew.
type grading struct {
	rebuild sync.RWMutex // held for writing by a rebuild
	calls   stripes
}

// stripes are locks of many names: one name always has the same lock.
type stripes [64]sync.Mutex

func (s *stripes) of(name string) *sync.Mutex {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name)) // never fails
	return &s[h.Sum32()%uint32(len(s))]
}

// Evaluate gives a rating of a served contact or changes it, and lets it count
// in the next decision. Callers rate the agents of their own calls, agents the
// callers whom they served; supervisors and operators may change both, which is
// audited like every later change.
func (e *Engine) Evaluate(actor Actor, r EvaluationRequest) (store.Evaluation, error) {
	ct, err := e.rateable(actor, r.Call, r.Side, r.Agent)
	if err != nil {
		return store.Evaluation{}, fmt.Errorf("rating of call %s: %w", r.Call, err)
	}
	ev, err := e.evaluate(actor, ct, r)
	if err != nil {
		return ev, fmt.Errorf("rating of call %s: %w", r.Call, err)
	}
	return ev, nil
}

func (e *Engine) evaluate(actor Actor, ct contact, r EvaluationRequest) (store.Evaluation, error) {
	e.grading.rebuild.RLock()
	defer e.grading.rebuild.RUnlock()
	lock := e.grading.calls.of(r.Call)
	lock.Lock()
	defer lock.Unlock()
	id, old, err := e.evaluationOf(r.Call, r.Side, ct.agent)
	if err != nil {
		return store.Evaluation{}, err
	}
	if err := e.world.Load().rateableItems(r.Items, old.Items); err != nil {
		return store.Evaluation{}, err
	}
	had := old.ID != ""
	if had && maps.Equal(old.Items, r.Items) {
		return old, nil
	}
	now := time.Now()
	ev := store.Evaluation{ID: id, Call: r.Call, Side: r.Side, Agent: ct.agent, Customer: ct.customer, Queue: ct.queue,
		Items: maps.Clone(r.Items), At: now, Control: ct.control, Strategy: ct.strategy}
	act := actEvaluate
	if had {
		ev.At, ev.Edited, act = old.At, now, actReevaluate
	}
	if had || !actor.own() {
		if err := e.audit(actor, act, ev, itemText(old.Items), itemText(ev.Items)); err != nil {
			return store.Evaluation{}, err
		}
	}
	if err := e.store.PutEvaluation(ev); err != nil {
		return store.Evaluation{}, err
	}
	e.metrics.evaluation(ev.Side, act)
	e.rated(ev)
	return ev, nil
}

// Unevaluate takes a rating back, as if it had never been given. agent may be
// empty as in an EvaluationRequest.
func (e *Engine) Unevaluate(actor Actor, call, side, agent string) error {
	if err := e.unevaluate(actor, call, side, agent); err != nil {
		return fmt.Errorf("rating of call %s: %w", call, err)
	}
	return nil
}

func (e *Engine) unevaluate(actor Actor, call, side, agent string) error {
	ct, err := e.rateable(actor, call, side, agent)
	if err != nil {
		return err
	}
	e.grading.rebuild.RLock()
	defer e.grading.rebuild.RUnlock()
	lock := e.grading.calls.of(call)
	lock.Lock()
	defer lock.Unlock()
	_, old, err := e.evaluationOf(call, side, ct.agent)
	if err != nil {
		return err
	}
	if old.ID == "" {
		return ErrNoEvaluation
	}
	if err := e.audit(actor, actUnevaluate, old, itemText(old.Items), ""); err != nil {
		return err
	}
	if err := e.store.DeleteEvaluation(old.ID); err != nil {
		return err
	}
	e.metrics.evaluation(old.Side, actUnevaluate)
	if old.Side == store.SideCaller {
		e.disp.must(acd.Unrated{Contact: old.ID})
	} else {
		e.disp.must(acd.UnratedCustomer{Contact: old.ID})
	}
	return nil
}

// evaluationOf finds the evaluation of a contact, or the id that one would get:
// the first of a side has that of the call and the side, those of further agents
// in the same call have theirs behind it.
func (e *Engine) evaluationOf(call, side, agent string) (string, store.Evaluation, error) {
	id := call + "." + side
	first, err := e.store.Evaluation(id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return id, store.Evaluation{}, nil
	case err != nil:
		return id, store.Evaluation{}, err
	case first.Agent == agent:
		return id, first, nil
	}
	id += "." + agent
	ev, err := e.store.Evaluation(id)
	if errors.Is(err, store.ErrNotFound) {
		return id, store.Evaluation{}, nil
	}
	return id, ev, err
}

// rated lets an evaluation count in the next decision.
func (e *Engine) rated(ev store.Evaluation) { e.disp.must(ratedEvent(ev)) }

// ratedEvent is an evaluation as the ACD knows it.
func ratedEvent(ev store.Evaluation) acd.Event {
	items := make(map[string]float64, len(ev.Items))
	for name, stars := range ev.Items {
		items[name] = float64(stars)
	}
	if ev.Side == store.SideAgent {
		return acd.RatedCustomer{Agent: acd.AgentID(ev.Agent), Customer: ev.Customer, Contact: ev.ID, Stars: ev.Stars(), Items: items, At: ev.At}
	}
	return acd.Rated{Agent: acd.AgentID(ev.Agent), Customer: ev.Customer, Contact: ev.ID, Stars: ev.Stars(), Items: items, At: ev.At}
}

// feedGrades gives all evaluations of the store, the one truth, to the ACD.
func (e *Engine) feedGrades() (n int, err error) {
	e.grading.rebuild.Lock()
	defer e.grading.rebuild.Unlock()
	e.disp.mustLate(func() acd.Event { e.disp.quiet = true; return acd.ResetGrades{} })
	defer e.disp.mustLate(func() acd.Event { e.disp.quiet = false; return acd.Tick{} })
	err = e.store.Evaluations(func(ev store.Evaluation) bool {
		n++
		e.rated(ev)
		return e.ctx.Err() == nil
	})
	return n, err
}

// RebuildGrades makes all grades and reputations anew from the records, and says
// how many evaluations are in force. Calls go on meanwhile with what is read.
func (e *Engine) RebuildGrades(actor Actor) (int, error) {
	n, err := e.feedGrades()
	e.log.Info("grades were built anew", "evaluations", n, "actor", actor.String(), "err", err)
	if err != nil {
		return n, fmt.Errorf("call: rebuild grades: %w", err)
	}
	return n, nil
}

// rateableItems says what is wrong with the items of a rating: each has to be a
// category of the center, an item of one of its surveys, [ItemOverall], or one
// that the rating has had before.
func (w *world) rateableItems(items, before map[string]int) error {
	if len(items) == 0 || len(items) > maxItems {
		return fmt.Errorf("%d items: give 1 to %d, such as %s=5: %w", len(items), maxItems, w.categories()[0], ErrCategory)
	}
	for _, name := range sortedKeys(items) {
		_, had := before[name]
		if !had && name != ItemOverall && !w.surveyed[name] && !slices.Contains(w.categories(), name) {
			return fmt.Errorf("%q is %w; they are %s", name, ErrCategory, strings.Join(w.categories(), ", "))
		}
		if s := items[name]; s < 1 || s > 5 {
			return fmt.Errorf("%s=%d: %w", name, s, ErrScale)
		}
	}
	return nil
}

// own is true for the two who were in the call, who rate for themselves.
func (a Actor) own() bool { return a.By == "" && (a.Kind == ActorCaller || a.Kind == ActorAgent) }

// ratingAlarm tells operators of ratings that look like an attack. It runs on the
// dispatcher's goroutine.
func (e *Engine) ratingAlarm(cmd acd.RatingAlarm) {
	e.stats.RatingAlarms.Add(1)
	e.log.Warn("ratings look like an attack; look at hotline evaluation list", "agent", cmd.Agent, "customer", cmd.Customer, "why", cmd.Why)
	now := time.Now()
	e.store.LogAudit(store.Audit{ID: store.NewID(now), At: now, Actor: "hotline", Act: actAlarm, Agent: string(cmd.Agent),
		With: []string{cmd.Customer}, Text: cmd.Why})
}
