package call

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"hotline/store"
)

// contact is one service of a caller by an agent: what a rating stands on.
type contact struct {
	agent    string
	customer string // "" anonymous
	queue    string
	control  bool
	strategy string
}

// record is a call's CDR, or what it is so far while the call runs.
func (e *Engine) record(call string) (c store.CDR, running bool, err error) {
	if k := e.call(call); k != nil {
		if sofar := k.sofar.Load(); sofar != nil {
			return *sofar, true, nil
		}
	}
	c, err = e.store.CDR(call)
	if errors.Is(err, store.ErrNotFound) {
		err = ErrUnknownContact
	}
	return c, false, err
}

// rateable finds the contact that a side rates, if the actor may.
func (e *Engine) rateable(actor Actor, call, side, agent string) (contact, error) {
	if side != store.SideCaller && side != store.SideAgent {
		return contact{}, fmt.Errorf("side %q: %w", side, ErrSide)
	}
	c, running, err := e.record(call)
	if err != nil {
		return contact{}, err
	}
	if err := e.may(actor, side, c, running); err != nil {
		return contact{}, err
	}
	if actor.Kind == ActorAgent {
		if agent != "" && agent != actor.ID {
			return contact{}, fmt.Errorf("agent %s: %w for agent %s", actor.ID, ErrForbidden, agent)
		}
		agent = actor.ID
	}
	ct, ok := contactOf(c, agent)
	switch {
	case !ok && agent != "":
		return contact{}, fmt.Errorf("agent %s did not talk in it: %w", agent, ErrNotServed)
	case !ok:
		return contact{}, ErrNotServed
	case side == store.SideAgent && ct.customer == "":
		return contact{}, fmt.Errorf("an anonymous caller %w: nobody would know him again", ErrForbidden)
	}
	return ct, nil
}

// may says why an actor may not rate for a side of a call, whoever served it.
func (e *Engine) may(actor Actor, side string, c store.CDR, running bool) error {
	switch actor.Kind {
	case ActorCaller:
		if side != store.SideCaller {
			return fmt.Errorf("a caller %w for the agent's side; side caller is his", ErrForbidden)
		}
		if actor.ID != c.Caller || actor.ID == anonymous && !running {
			return fmt.Errorf("caller %s %w: the call was not his", actor.ID, ErrForbidden)
		}
	case ActorAgent:
		if side != store.SideAgent {
			return fmt.Errorf("an agent %w for the caller's side; side agent is his", ErrForbidden)
		}
	case ActorSupervisor:
		if e.world.Load().center.Agents[actor.ID].Role != "supervisor" {
			return fmt.Errorf("%s: %w", actor.ID, ErrNotSupervisor)
		}
	case ActorOperator:
	default:
		return fmt.Errorf("%q %w: use caller, agent, supervisor or operator", actor.Kind, ErrForbidden)
	}
	return nil
}

// contactOf finds an agent's last talk in a call, or the last one of any agent.
func contactOf(c store.CDR, agent string) (contact, bool) {
	for i := len(c.Talks) - 1; i >= 0; i-- {
		t := c.Talks[i]
		if t.Agent == "" || agent != "" && t.Agent != agent {
			continue
		}
		ct := contact{agent: t.Agent, customer: c.Caller, queue: t.Queue, control: c.Control, strategy: strategyOf(c, t.Agent)}
		if ct.customer == anonymous {
			ct.customer = ""
		}
		return ct, true
	}
	return contact{}, false
}

// strategyOf is the policy by which the call's last offer to an agent was made.
func strategyOf(c store.CDR, agent string) string {
	for i := len(c.Offers) - 1; i >= 0; i-- {
		if c.Offers[i].Agent != agent {
			continue
		}
		var why struct {
			Policy string `json:"policy"`
		}
		if json.Unmarshal(c.Offers[i].Reason, &why) == nil {
			return why.Policy
		}
	}
	return ""
}

// Contact is one service of a customer, with what both sides said of it.
type Contact struct {
	Call     string         `json:"call"`
	Agent    string         `json:"agent"`
	Queue    string         `json:"queue,omitempty"`
	At       time.Time      `json:"at"` // of the talk
	ByCaller map[string]int `json:"by_caller,omitempty"`
	ByAgent  map[string]int `json:"by_agent,omitempty"`
}

// Limits of Served: contacts listed, and calls looked at for them.
const (
	maxContacts = 20
	maxLooked   = 200
)

// Served lists who served a customer, the latest first, at most 20 of his last
// 200 calls. An anonymous customer was never served.
func (e *Engine) Served(customer string) ([]Contact, error) {
	if customer == "" || customer == anonymous {
		return nil, nil
	}
	var out []Contact
	err := e.store.CDRs(store.Filter{Caller: customer, Limit: maxLooked}, func(c store.CDR) bool {
		out = append(out, contactsOf(c)...)
		return len(out) < maxContacts
	})
	if err != nil {
		return nil, fmt.Errorf("call: contacts of %s: %w", customer, err)
	}
	out = out[:min(len(out), maxContacts)]
	for i := range out {
		if err := e.fillContact(&out[i]); err != nil {
			return nil, fmt.Errorf("call: contacts of %s: %w", customer, err)
		}
	}
	return out, nil
}

// contactsOf are the agents of a call, the last one first, each once.
func contactsOf(c store.CDR) []Contact {
	var out []Contact
	seen := map[string]bool{}
	for i := len(c.Talks) - 1; i >= 0; i-- {
		t := c.Talks[i]
		if t.Agent == "" || seen[t.Agent] {
			continue
		}
		seen[t.Agent] = true
		out = append(out, Contact{Call: c.ID, Agent: t.Agent, Queue: t.Queue, At: t.Began})
	}
	return out
}

// fillContact adds what both sides said.
func (e *Engine) fillContact(ct *Contact) error {
	for side, items := range map[string]*map[string]int{store.SideCaller: &ct.ByCaller, store.SideAgent: &ct.ByAgent} {
		_, ev, err := e.evaluationOf(ct.Call, side, ct.Agent)
		if err != nil {
			return err
		}
		*items = ev.Items
	}
	return nil
}

// The acts upon ratings and customers in the audit log.
const (
	actEvaluate   = "evaluate"
	actReevaluate = "change evaluation"
	actUnevaluate = "delete evaluation"
	actAlarm      = "rating alarm"
)

// audit notes a change of an evaluation before it is made.
func (e *Engine) audit(actor Actor, act string, ev store.Evaluation, before, after string) error {
	now := time.Now()
	a := store.Audit{ID: store.NewID(now), At: now, Actor: actor.String(), Act: act, Call: ev.Call, Mode: ev.Side,
		With: []string{ev.Agent, ev.Customer}, Before: before, After: after}
	if actor.Kind == ActorAgent || actor.Kind == ActorSupervisor {
		a.Agent = actor.ID
	}
	return e.store.PutAudit(a)
}

// itemText is a rating in one line: "attitude 5, knowledge 4".
func itemText(items map[string]int) string {
	parts := make([]string, 0, len(items))
	for _, k := range sortedKeys(items) {
		parts = append(parts, k+" "+strconv.Itoa(items[k]))
	}
	return strings.Join(parts, ", ")
}
