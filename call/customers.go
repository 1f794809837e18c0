package call

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hotline/acd"
	"hotline/ivr/prompts"
	"hotline/store"
)

// ErrBadValue refuses what an operator wants to set; the words before say what.
var ErrBadValue = errors.New("not set")

// Limits of what an operator may note of a customer.
const (
	maxNever = 100  // agents
	maxNotes = 2000 // bytes
)

// CustomerChange is what an operator sets of a customer; nil fields stay.
type CustomerChange struct {
	Name      *string   `json:"name,omitempty"`
	Language  *string   `json:"language,omitempty"`
	Tier      *string   `json:"tier,omitempty"`      // "" none
	Preferred *string   `json:"preferred,omitempty"` // "" none
	Never     *[]string `json:"never,omitempty"`     // all of them; empty: none
	Notes     *string   `json:"notes,omitempty"`
	Greeting  *string   `json:"greeting,omitempty"` // prompt; "" none
}

// CustomerView is a customer as operators see him: with his standing, and who
// served him.
type CustomerView struct {
	store.Customer
	Stars    float64   `json:"stars,omitempty"`   // what agents think of him, smoothed, 1..5
	Ratings  float64   `json:"ratings,omitempty"` // weight of the ratings behind it; 0: never rated
	Contacts []Contact `json:"contacts"`          // the latest 20, newest first
}

// Customer is one customer with his standing and his contacts.
func (e *Engine) Customer(id string) (CustomerView, error) {
	v := CustomerView{Contacts: []Contact{}}
	cu, err := e.store.Customer(id)
	if err != nil {
		if errors.Is(err, store.ErrNotFound) {
			err = ErrUnknown
		}
		return v, fmt.Errorf("customer %s: %w", id, err)
	}
	v.Customer = cu
	list, err := e.Served(id)
	if err != nil {
		return v, err
	}
	v.Contacts = append(v.Contacts, list...)
	ctx, cancel := context.WithTimeout(context.Background(), askTime)
	defer cancel()
	var stars, weight float64
	if err := e.disp.ask(ctx, func(c *acd.Core, now time.Time) { stars, weight = c.Reputation(id, now) }); err != nil {
		return v, fmt.Errorf("customer %s: %w", id, err)
	}
	if weight > 0 {
		v.Stars, v.Ratings = stars, weight
	}
	return v, nil
}

// SetCustomer changes what operators set of a customer, and makes one whom no
// call has brought yet. The next decision about his calls follows it.
func (e *Engine) SetCustomer(actor Actor, id string, ch CustomerChange) (store.Customer, error) {
	var before, after, tier string
	cu, err := e.changeCustomer(id, func(cu *store.Customer, known bool) error {
		if !known && !dialable(id) {
			return fmt.Errorf("%q is no number, and nobody has called with it: %w", id, ErrUnknown)
		}
		was := *cu
		if err := e.world.Load().apply(cu, ch); err != nil {
			return err
		}
		before, after, tier = customerText(was), customerText(*cu), was.Tier
		if before == after {
			return errUnchanged
		}
		now := time.Now()
		return e.store.PutAudit(store.Audit{ID: store.NewID(now), At: now, Actor: actor.String(), Act: actCustomer,
			With: []string{id}, Before: before, After: after})
	})
	if err != nil {
		return cu, fmt.Errorf("customer %s: %w", id, err)
	}
	if cu.Tier != tier {
		e.rekey(func(caller string) bool { return caller == id })
	}
	return cu, nil
}

// rekey gives callers who wait the priority of their tier as it is now.
func (e *Engine) rekey(concerns func(caller string) bool) {
	w := e.world.Load()
	for _, c := range e.snapshotCalls() {
		v := c.shown()
		if !strings.HasPrefix(v.Stage, "wait ") || v.Caller == anonymous || !concerns(v.Caller) {
			continue
		}
		cu, err := e.store.Customer(v.Caller)
		if err != nil { // never called before, so of no tier
			continue
		}
		_, priority := w.tier(cu)
		e.disp.must(acd.Rekey{Call: c.acdID(), Priority: priority})
	}
}

const actCustomer = "change customer"

// errUnchanged ends a change that would write what is there.
var errUnchanged = errors.New("unchanged")

// changeCustomer reads, changes and writes a customer, one after another for one
// customer: neither the engine, which remembers his calls, nor an operator loses
// what the other wrote.
func (e *Engine) changeCustomer(id string, change func(cu *store.Customer, known bool) error) (store.Customer, error) {
	lock := e.customers.of(id)
	lock.Lock()
	defer lock.Unlock()
	cu, err := e.store.Customer(id)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return cu, err
	}
	known := err == nil
	if !known {
		cu = store.Customer{ID: id}
	}
	if err := change(&cu, known); err != nil {
		if errors.Is(err, errUnchanged) {
			err = nil
		}
		return cu, err
	}
	return cu, e.store.PutCustomer(cu)
}

// apply sets what a change names, all or nothing.
func (w *world) apply(cu *store.Customer, ch CustomerChange) error {
	if err := w.sound(ch); err != nil {
		return err
	}
	set := func(to *string, v *string) {
		if v != nil {
			*to = *v
		}
	}
	set(&cu.Name, ch.Name)
	set(&cu.Language, ch.Language)
	set(&cu.Tier, ch.Tier)
	set(&cu.Preferred, ch.Preferred)
	set(&cu.Notes, ch.Notes)
	set(&cu.Greeting, ch.Greeting)
	if ch.Never != nil {
		cu.Never = slices.Compact(slices.Sorted(slices.Values(*ch.Never)))
	}
	if cu.Preferred != "" && slices.Contains(cu.Never, cu.Preferred) {
		return fmt.Errorf("agent %s can't be preferred and never offered at once: %w", cu.Preferred, ErrBadValue)
	}
	return nil
}

// sound says what is wrong with a change, and what would be right.
func (w *world) sound(ch CustomerChange) error {
	agents := func(ids ...string) error {
		for _, id := range ids {
			if _, ok := w.center.Agents[id]; !ok && id != "" {
				return fmt.Errorf("no agent %q, %s: %w", id, choice("agents", w.center.Agents), ErrBadValue)
			}
		}
		return nil
	}
	if ch.Tier != nil && *ch.Tier != "" {
		if _, ok := w.center.Settings.Tiers[*ch.Tier]; !ok {
			return fmt.Errorf("no tier %q, %s: %w", *ch.Tier, choice("settings.tiers", w.center.Settings.Tiers), ErrBadValue)
		}
	}
	if ch.Language != nil && *ch.Language != "" && !slices.Contains(prompts.Languages(), *ch.Language) {
		return fmt.Errorf("no prompts in language %q, one of %s: %w", *ch.Language, strings.Join(prompts.Languages(), ", "), ErrBadValue)
	}
	if ch.Greeting != nil && *ch.Greeting != "" && !hasPrompt(w.center, "en", *ch.Greeting) {
		return fmt.Errorf("no prompt %q: %w", *ch.Greeting, ErrBadValue)
	}
	if ch.Notes != nil && len(*ch.Notes) > maxNotes {
		return fmt.Errorf("notes of %d bytes are too long, at most %d: %w", len(*ch.Notes), maxNotes, ErrBadValue)
	}
	if ch.Name != nil && *ch.Name != plainName(*ch.Name) {
		return fmt.Errorf("name: use at most 64 letters that can be shown: %w", ErrBadValue)
	}
	if ch.Never != nil {
		if len(*ch.Never) > maxNever {
			return fmt.Errorf("%d agents who are never offered are too many, at most %d: %w", len(*ch.Never), maxNever, ErrBadValue)
		}
		if slices.Contains(*ch.Never, "") {
			return fmt.Errorf("an agent without a name: %w", ErrBadValue)
		}
		if err := agents(*ch.Never...); err != nil {
			return err
		}
	}
	if ch.Preferred != nil {
		return agents(*ch.Preferred)
	}
	return nil
}

// customerText is what operators set, in one line for the audit log.
func customerText(cu store.Customer) string {
	var parts []string
	add := func(name, v string) {
		if v != "" {
			parts = append(parts, name+" "+v)
		}
	}
	add("name", cu.Name)
	add("tier", cu.Tier)
	add("preferred", cu.Preferred)
	add("never", strings.Join(cu.Never, " "))
	add("language", cu.Language)
	add("greeting", cu.Greeting)
	add("notes", cu.Notes)
	return strings.Join(parts, ", ")
}

// GradeView is what callers think of an agent in one category.
type GradeView struct {
	Agent    string  `json:"agent"`
	Name     string  `json:"name,omitempty"`
	Category string  `json:"category"` // "" overall
	Stars    float64 `json:"stars"`    // smoothed, 1..5
	SD       float64 `json:"sd"`       // how far off it may be, in stars
	Weight   float64 `json:"weight"`   // how many ratings of today it stands on
}

// Grades are those of all agents of the center by agent and category, or of one.
func (e *Engine) Grades(agent string) ([]GradeView, error) {
	w := e.world.Load()
	if _, ok := w.center.Agents[agent]; !ok && agent != "" {
		return nil, fmt.Errorf("agent %s: %w", agent, ErrUnknown)
	}
	ctx, cancel := context.WithTimeout(context.Background(), askTime)
	defer cancel()
	var all []acd.AgentGrade
	if err := e.disp.ask(ctx, func(c *acd.Core, now time.Time) { all = c.Grades(now) }); err != nil {
		return nil, fmt.Errorf("call: grades: %w", err)
	}
	out := []GradeView{}
	for _, g := range all {
		a, ok := w.center.Agents[string(g.Agent)]
		if !ok || agent != "" && agent != string(g.Agent) {
			continue
		}
		out = append(out, GradeView{Agent: string(g.Agent), Name: a.Name, Category: g.Category, Stars: g.Stars, SD: g.SD, Weight: g.Weight})
	}
	return out, nil
}
