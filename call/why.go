package call

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"hotline/acd"
	"hotline/store"
)

// Why says how a call was given to agents, one decision per offer.
type Why struct {
	Call      string     `json:"call"`
	Caller    string     `json:"caller"`
	Queue     string     `json:"queue,omitempty"`
	Category  string     `json:"category,omitempty"` // what he needs
	Chosen    string     `json:"chosen,omitempty"`   // agent whom he chose
	Control   bool       `json:"control,omitempty"`  // one of the control group
	Running   bool       `json:"running,omitempty"`
	Now       string     `json:"now,omitempty"` // of a call that waits: where it stands
	Decisions []Decision `json:"decisions"`
}

// Decision is one offer with its reason, and what that means in sentences.
type Decision struct {
	Offer     string     `json:"offer"`
	Agent     string     `json:"agent"`
	Queue     string     `json:"queue"`
	At        time.Time  `json:"at"`
	Ended     time.Time  `json:"ended,omitzero"`
	Result    string     `json:"result,omitempty"`
	Reason    acd.Reason `json:"reason"`
	Sentences []string   `json:"sentences"`
}

// Why explains the offers of a call, also of one that runs.
func (e *Engine) Why(call string) (Why, error) {
	c, running, err := e.record(call)
	if err != nil {
		return Why{}, fmt.Errorf("call %s: %w", call, err)
	}
	w := Why{Call: c.ID, Caller: c.Caller, Queue: c.Queue, Category: c.Category, Chosen: c.Chosen, Control: c.Control,
		Running: running, Decisions: []Decision{}}
	for _, o := range c.Offers {
		w.Decisions = append(w.Decisions, decision(c, o))
	}
	if running {
		w.Now = e.standsAt(call)
	}
	return w, nil
}

// standsAt says where a waiting call stands; "" if it does not wait.
func (e *Engine) standsAt(call string) string {
	ctx, cancel := context.WithTimeout(context.Background(), askTime)
	defer cancel()
	pos, wait, ok := e.disp.position(ctx, acd.CallID(call))
	switch {
	case !ok:
		return ""
	case wait > 0:
		return fmt.Sprintf("The call waits at place %d; an agent is expected in about %s.", pos, seconds(wait))
	}
	return fmt.Sprintf("The call waits at place %d.", pos)
}

// decision is one offer in words. A reason that can't be read, of an older or a
// newer hotline, leaves what is known without it.
func decision(c store.CDR, o store.Offer) Decision {
	d := Decision{Offer: o.ID, Agent: o.Agent, Queue: o.Queue, At: o.Began, Ended: o.Ended, Result: o.Result}
	if len(o.Reason) > 0 && json.Unmarshal(o.Reason, &d.Reason) != nil {
		d.Reason = acd.Reason{}
	}
	x := explanation{c: c, o: o, r: d.Reason}
	x.caller()
	x.agent()
	x.rest()
	d.Sentences = x.out
	return d
}

// explanation gathers the sentences about one offer.
type explanation struct {
	c   store.CDR
	o   store.Offer
	r   acd.Reason
	out []string
}

func (x *explanation) say(f string, args ...any) { x.out = append(x.out, fmt.Sprintf(f, args...)) }

// caller says why this call and none of the others.
func (x *explanation) caller() {
	own, others, older := x.calls()
	if own == nil {
		if len(x.r.Calls) == 0 {
			x.say("No reason was kept of this offer.")
		}
		return
	}
	who, waited := x.c.Caller, seconds(x.o.Began.Sub(own.Since))
	switch {
	case x.r.Factor == acd.FactorHeld:
		x.say("The call of %s (waited %s) was held for agent %s: chosen, known from before, or preferred.", who, waited, x.o.Agent)
	case own.Head:
		x.say("Caller %s came first: he was served before and returned from a call that broke off. He has waited %s.", who, waited)
	case len(others) == 0:
		x.say("Caller %s has waited %s; no other waiting call could go to agent %s.", who, waited, x.o.Agent)
	case len(older) == 0:
		x.say("Caller %s has waited longest, %s, of the %d whom agent %s could take.", who, waited, len(others)+1, x.o.Agent)
	default:
		x.say("Caller %s (waited %s) was served before %s: %s.", who, waited, counted(len(older), "older one"), x.lead(*own, older))
	}
}

// calls finds the call among those compared, the others, and of them the older.
func (x *explanation) calls() (own *acd.CallKey, others, older []acd.CallKey) {
	for i, k := range x.r.Calls {
		if string(k.Call) == x.c.ID {
			own = &x.r.Calls[i]
		} else {
			others = append(others, k)
		}
	}
	for _, k := range others {
		if own != nil && k.Since.Before(own.Since) {
			older = append(older, k)
		}
	}
	return own, others, older
}

// lead says what put a call ahead of older ones.
func (x *explanation) lead(own acd.CallKey, older []acd.CallKey) string {
	oldest := older[0]
	for _, k := range older {
		if k.Since.Before(oldest.Since) {
			oldest = k
		}
	}
	first := fmt.Sprintf("the oldest came %s before him", seconds(own.Since.Sub(oldest.Since)))
	switch start := own.Since.Sub(own.Key); {
	case x.r.Factor == acd.FactorOvertaken:
		return fmt.Sprintf("he was overtaken %s already, so nobody else may go before him; %s", counted(own.Overtaken, "time"), first)
	case x.r.Factor == acd.FactorPriority:
		return fmt.Sprintf("the priority of his tier or queue and his standing put him %s ahead; %s", seconds(start), first)
	case own.Priority > 0:
		return fmt.Sprintf("the priority he gathered is %.1f, the oldest has %.1f (standing %.2f and %.2f); %s", own.Priority, oldest.Priority, own.Standing, oldest.Standing, first)
	case own.Match != 0:
		return fmt.Sprintf("he fits the agent best, %.2f stars against %.2f of the oldest, who was overtaken %s so far; %s",
			own.Match, oldest.Match, counted(oldest.Overtaken, "time"), first)
	case start > 0:
		return fmt.Sprintf("head start %s%s (standing %.2f), the oldest has %s (%.2f); %s", seconds(start), most(x.r.Policy, "H", start), own.Standing,
			seconds(oldest.Since.Sub(oldest.Key)), oldest.Standing, first)
	}
	return first
}

// agent says why this agent and none of the others.
func (x *explanation) agent() {
	var own *acd.AgentKey
	var others, idler []acd.AgentKey
	for i, a := range x.r.Agents {
		if string(a.Agent) == x.o.Agent {
			own = &x.r.Agents[i]
		} else {
			others = append(others, a)
		}
	}
	if own == nil {
		return
	}
	for _, a := range others {
		if a.IdleSince.Before(own.IdleSince) {
			idler = append(idler, a)
		}
	}
	idle := seconds(x.o.Began.Sub(own.IdleSince))
	switch {
	case x.r.Factor == acd.FactorTogether:
		x.say("The phone of agent %s rings together with those of other agents; who answers first has the call.", x.o.Agent)
	case len(others) == 0:
		x.say("Agent %s was the only one free who may take this call.", x.o.Agent)
	case len(idler) == 0:
		x.say("Agent %s has been idle longest, %s, of the %d who were free for it%s.", x.o.Agent, idle, len(others)+1, x.figure(*own))
	default:
		x.say("Agent %s (idle %s) was called before %s: %s.", x.o.Agent, idle, counted(len(idler), "agent")+" idle for longer", x.preferred(*own, idler))
	}
}

// preferred says what put an agent before those who were idle for longer.
func (x *explanation) preferred(own acd.AgentKey, idler []acd.AgentKey) string {
	next := idler[0]
	for _, a := range idler {
		if a.IdleSince.Before(next.IdleSince) {
			next = a
		}
	}
	longest := fmt.Sprintf("agent %s was idle %s longer", next.Agent, seconds(own.IdleSince.Sub(next.IdleSince)))
	switch start := own.IdleSince.Sub(own.Key); {
	case x.r.Factor == acd.FactorRandom:
		return "drawn by lot; " + longest
	case x.r.Factor == acd.FactorSkipped:
		return fmt.Sprintf("he was passed over %s already, so it is his turn; %s", counted(own.Skipped, "time"), longest)
	case own.Sample != 0:
		return fmt.Sprintf("%.2f stars, drawn from his grade and how sure it is, against %.2f; %s and was passed over %s so far",
			own.Sample, next.Sample, longest, counted(next.Skipped, "time"))
	case own.Occupancy != 0 || next.Occupancy != 0:
		return fmt.Sprintf("%.0f %% of his time was busy against %.0f %%, grade %.2f against %.2f; %s", 100*own.Occupancy, 100*next.Occupancy, own.Grade, next.Grade, longest)
	case own.Measure != 0 || next.Measure != 0:
		return fmt.Sprintf("by %s, %g against %g; %s", x.r.Policy, own.Measure, next.Measure, longest)
	case start > 0:
		return fmt.Sprintf("head start %s%s (grade %.2f), agent %s has %s (%.2f); %s", seconds(start), most(x.r.Policy, "G", start), own.Grade,
			next.Agent, seconds(next.IdleSince.Sub(next.Key)), next.Grade, longest)
	}
	return longest
}

// figure is what the strategy measured of an agent, where it did.
func (x *explanation) figure(a acd.AgentKey) string {
	switch {
	case a.Sample != 0:
		return fmt.Sprintf(" (%.2f stars drawn)", a.Sample)
	case a.Occupancy != 0:
		return fmt.Sprintf(" (%.0f %% of his time was busy)", 100*a.Occupancy)
	}
	return ""
}

// results are the ends of offers in words.
var results = map[string]string{
	"answered": "Agent %s answered after %s.", "declined": "Agent %s declined after %s; the call kept its place.",
	"busy": "The phone of agent %s was busy (after %s); the call kept its place.", "no answer": "Agent %s did not answer for %s; the call kept its place.",
	"unreachable": "The phone of agent %s could not be reached (after %s); the call kept its place.",
	"sent on":     "Agent %s sent the caller on after %s.",
	"caller gone": "The caller hung up while agent %s was rung (after %s).", "withdrawn": "The offer to agent %s was taken back after %s.",
	"answered elsewhere": "Another agent answered before agent %s, after %s.",
}

// rest says by which policy and factor, and what came of the offer.
func (x *explanation) rest() {
	if x.r.Control || x.c.Control {
		x.say("The call is one of the control group: first come first served, evaluations did not count.")
	}
	if x.c.Chosen == x.o.Agent {
		x.say("The caller chose agent %s himself.", x.o.Agent)
	}
	if x.r.Policy != "" {
		x.say("Policy %s; decided by: %s.", x.r.Policy, x.r.Factor)
	}
	f, known := results[x.o.Result]
	switch {
	case x.o.Ended.IsZero():
		x.say("The phone of agent %s rings.", x.o.Agent)
	case known:
		x.say(f, x.o.Agent, seconds(x.o.Ended.Sub(x.o.Began)))
	default:
		x.say("It ended with: %s.", x.o.Result)
	}
}

// most reads the bound of a head start from a policy such as "A1 H=30s G=1m0s":
// " of at most 30 s". A start beyond it has a priority in it.
func most(policy, name string, start time.Duration) string {
	var a1, h, g string
	if n, _ := fmt.Sscan(policy, &a1, &h, &g); n != 3 {
		return ""
	}
	for _, part := range []string{h, g} {
		if len(part) > 2 && part[:2] == name+"=" {
			if d, err := time.ParseDuration(part[2:]); err == nil && start <= d {
				return " of at most " + seconds(d)
			}
		}
	}
	return ""
}

// seconds is a length of time as people say it: "24 s", "3 min 20 s".
func seconds(d time.Duration) string {
	s := int(max(d, 0).Round(time.Second) / time.Second)
	if s < 120 {
		return fmt.Sprintf("%d s", s)
	}
	return fmt.Sprintf("%d min %d s", s/60, s%60)
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
