package call

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"math/big"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"hotline/acd"
	"hotline/sip"
	"hotline/store"
)

// Words of an agent's state, as operators and the center's file use them.
const (
	stateReady    = "ready"
	stateNotReady = "not ready"
	stateOut      = "logged out"
)

// account finds a phone's secret; it runs on SIP workers.
func (e *Engine) account(user string) (sip.Account, bool) {
	a, ok := (*e.accounts.Load())[user]
	if !ok {
		return sip.Account{}, false
	}
	if _, ok := e.world.Load().center.Agents[user]; !ok {
		return sip.Account{}, false
	}
	return sip.Account{User: a.User, HA1MD5: a.HA1MD5, HA1SHA256: a.HA1SHA256}, true
}

// loadAccounts makes the stored secrets those in force.
func (e *Engine) loadAccounts() error {
	e.accounting.Lock() // the later reading must win
	defer e.accounting.Unlock()
	list, err := e.store.Accounts()
	if err != nil {
		return fmt.Errorf("call: read the accounts: %w", err)
	}
	m := map[string]store.Account{}
	for _, a := range list {
		m[a.User] = a
	}
	e.accounts.Store(&m)
	return nil
}

// secretLength of a generated secret: 20 characters of 57 are 116 bits.
const secretLength = 20

// secretAlphabet leaves out what is easily misread.
const secretAlphabet = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"

// NewSecret makes a new secret for an agent's phones. It is told once: only its
// hashes are kept.
func (e *Engine) NewSecret(agent string) (string, error) {
	if _, ok := e.world.Load().center.Agents[agent]; !ok {
		return "", fmt.Errorf("agent %s: %w", agent, ErrUnknown)
	}
	var b strings.Builder
	for range secretLength {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(secretAlphabet))))
		if err != nil {
			return "", err
		}
		b.WriteByte(secretAlphabet[n.Int64()])
	}
	secret := b.String()
	err := e.store.PutAccount(store.Account{User: agent, Realm: e.realm, Changed: time.Now(),
		HA1MD5:    sip.HA1("MD5", agent, e.realm, secret),
		HA1SHA256: sip.HA1("SHA-256", agent, e.realm, secret)})
	if err != nil {
		return "", err
	}
	return secret, e.loadAccounts()
}

// targets are the ways to an agent's phones.
func (e *Engine) targets(id string, a store.Agent) []sip.Target {
	switch {
	case a.Trunk != "":
		t, _ := e.sip.Trunk(a.Trunk, a.Number)
		return t
	case a.Contact != "":
		t, err := sip.ParseTarget(a.Contact)
		if err != nil {
			e.log.Error("agent's contact can't be used", "agent", id, "err", err)
			return nil
		}
		return []sip.Target{t}
	}
	return e.sip.Contacts(id)
}

// reachable tells whether there is a way to an agent's phone.
func (e *Engine) reachable(id string, a store.Agent) bool {
	return a.Trunk != "" || a.Contact != "" || len(e.sip.Contacts(id)) > 0
}

// onBinding runs on a SIP worker and never blocks.
func (e *Engine) onBinding(ch sip.BindingChange) {
	b := ch.Binding
	id := b.AOR + " " + b.Contact
	if ch.Removed {
		e.store.LogUnbind(id)
	} else if body, err := json.Marshal(b); err == nil {
		e.store.LogBinding(store.Binding{ID: id, User: b.AOR, Body: body})
	}
	e.jobs.add(func() {
		a, ok := e.world.Load().center.Agents[b.AOR]
		if ok && a.Trunk == "" && a.Contact == "" {
			// Changes of several phones come from several workers.
			e.disp.mustLate(func() acd.Event { return acd.Reachable{Agent: acd.AgentID(b.AOR), Yes: e.reachable(b.AOR, a)} })
		}
	})
}

func (e *Engine) loadBindings() ([]sip.Binding, error) {
	list, err := e.store.Bindings()
	if err != nil {
		return nil, fmt.Errorf("call: read the registrations: %w", err)
	}
	var out []sip.Binding
	for _, b := range list {
		var x sip.Binding
		if json.Unmarshal(b.Body, &x) == nil && x.Expires.After(time.Now()) {
			x.Flow = "" // its connection ended with the process
			out = append(out, x)
		}
	}
	return out, nil
}

// lastStates is what each agent wanted when the last process ended.
func (e *Engine) lastStates() map[string]store.AgentStatus {
	last := map[string]store.AgentStatus{}
	list, err := e.store.AgentStatuses()
	if err != nil {
		e.log.Error("agents' states were not read; they begin anew", "err", err)
	}
	for _, s := range list {
		last[s.ID] = s
	}
	return last
}

// introduce tells the ACD of an agent who is new to it.
func (e *Engine) introduce(w *world, id string, s store.AgentStatus, known bool) {
	a := w.center.Agents[id]
	e.disp.must(acd.Reachable{Agent: acd.AgentID(id), Yes: e.reachable(id, a)})
	if e.occupied(id) { // he was deleted and is back
		e.tellOccupied(id)
	}
	state, reason := a.State, ""
	if known {
		state, reason = s.State, s.Reason
	}
	switch state {
	case "", stateOut:
	case stateNotReady:
		e.disp.must(acd.LogIn{Agent: acd.AgentID(id)})
		e.disp.must(acd.NotReady{Agent: acd.AgentID(id), Reason: reason})
	default: // ready
		e.disp.must(acd.LogIn{Agent: acd.AgentID(id), Ready: true})
	}
}

// agentAsks keeps what an agent asks for, so that a later process knows it even
// if he is in a call; it runs on the dispatcher's goroutine.
func (e *Engine) agentAsks(ev acd.Event, now time.Time) {
	s := store.AgentStatus{Since: now}
	switch ev := ev.(type) {
	case acd.Ready:
		s.ID, s.State = string(ev.Agent), stateReady
	case acd.NotReady:
		s.ID, s.State, s.Reason = string(ev.Agent), stateNotReady, ev.Reason
	case acd.LogOut:
		s.ID, s.State = string(ev.Agent), stateOut
	default:
		return
	}
	e.store.LogAgentStatus(s)
}

// agentChanged keeps an agent's state, but not what he does for a while; it runs
// on the dispatcher's goroutine.
func (e *Engine) agentChanged(ch acd.AgentChanged) {
	if ch.State == acd.LoggedOut || ch.State == acd.NotReadyState || ch.State == acd.ReadyState {
		reason := ch.Reason
		if ch.State == acd.ReadyState {
			reason = "" // of a pause
		}
		e.store.LogAgentStatus(store.AgentStatus{ID: string(ch.Agent), State: ch.State.String(), Reason: reason, Since: ch.Since})
	}
	if call, w := e.wrapUps.changed(ch); call != "" {
		e.writes.add(func() { e.workedAfter(call, w) })
	}
	e.log.Debug("agent", "agent", ch.Agent, "state", ch.State.String(), "reason", ch.Reason)
}

// SetAgentState makes an agent ready, not ready or logged out.
func (e *Engine) SetAgentState(id, state, reason, actor string) error {
	if _, ok := e.world.Load().center.Agents[id]; !ok {
		return fmt.Errorf("agent %s: %w", id, ErrUnknown)
	}
	agent := acd.AgentID(id)
	var ev acd.Event
	switch strings.ReplaceAll(state, "-", " ") {
	case stateReady:
		ev = acd.Ready{Agent: agent}
	case stateNotReady:
		ev = acd.NotReady{Agent: agent, Reason: reason}
	case stateOut:
		ev = acd.LogOut{Agent: agent}
	default:
		return fmt.Errorf("agent %s: %q: %w", id, state, ErrBadState)
	}
	e.log.Info("agent state", "agent", id, "state", state, "reason", reason, "actor", actor)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := e.disp.send(ctx, ev); err != nil {
		return err
	}
	return e.disp.ask(ctx, func(*acd.Core, time.Time) {}) // seen by whoever asks next
}

// occupy counts an agent's calls outside the ACD.
func (e *Engine) occupy(agent string, yes bool) {
	e.mu.Lock()
	n := e.busy[agent]
	was := n > 0
	if yes {
		n++
	} else {
		n--
	}
	if n <= 0 {
		delete(e.busy, agent)
	} else {
		e.busy[agent] = n
	}
	now := n > 0
	e.mu.Unlock()
	if was != now {
		e.tellOccupied(agent)
	}
}

func (e *Engine) occupied(agent string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.busy[agent] > 0
}

func (e *Engine) tellOccupied(agent string) {
	e.disp.mustLate(func() acd.Event { return acd.Occupied{Agent: acd.AgentID(agent), Yes: e.occupied(agent)} })
}

// codeStage changes an agent's state from his phone and says so.
type codeStage struct{ agent, state, reason, prompt string }

func (s codeStage) name() string { return "code " + s.state }

func (s codeStage) run(ctx context.Context, c *Call) stage {
	if err := c.eng.SetAgentState(s.agent, s.state, s.reason, "agent:"+s.agent); err != nil {
		c.blame(500, 41, err.Error(), "us")
		return nil
	}
	c.blame(0, 16, "feature code", "us")
	if c.answer(ctx) == nil {
		c.say(ctx, s.prompt)
	}
	return nil
}

// defaultReasons of not ready, by the digit dialled after the code.
var defaultReasons = map[string]string{"1": "break", "2": "lunch", "3": "meeting", "4": "training", "5": "paperwork"}

// reason is what a digit after the code for not ready means; none is no reason.
func (w *world) reason(digit string) (string, bool) {
	list := defaultReasons
	if w.center.Settings.Reasons != nil {
		list = w.center.Settings.Reasons
	}
	word, ok := list[digit]
	return word, ok || digit == ""
}

// codeFor recognises a feature code that an agent dialled.
func codeFor(w *world, agent, number string) stage {
	codes := w.codes()
	switch {
	case number == "":
		return nil
	case number == codes.Ready, number == codes.LogIn && codes.LogIn != "":
		return codeStage{agent: agent, state: stateReady, prompt: "agent-ready"}
	case number == codes.LogOut:
		return codeStage{agent: agent, state: stateOut, prompt: "agent-logged-out"}
	case number == codes.MyRatings:
		return ratingsStage{}
	case number == codes.Voicemail:
		return mailboxStage{agent: agent, boxes: w.boxesOf(agent)}
	case codes.Show != "" && strings.HasPrefix(number, codes.Show) && len(number) == len(codes.Show)+1:
		return showStage{agent: agent, digit: number[len(codes.Show):]}
	case codes.RateLast != "" && strings.HasPrefix(number, codes.RateLast) && len(number) == len(codes.RateLast)+1:
		stars, _ := strconv.Atoi(number[len(codes.RateLast):])
		if stars > 5 {
			stars = 0
		}
		return rateLastStage{agent: agent, stars: stars}
	case codes.Supervise != "" && strings.HasPrefix(number, codes.Supervise) && len(number) > len(codes.Supervise)+1:
		rest := number[len(codes.Supervise):]
		return superviseStage{agent: agent, key: rune(rest[0]), target: rest[1:]}
	case codes.PickUp != "" && strings.HasPrefix(number, codes.PickUp):
		return pickStage{agent: agent, target: number[len(codes.PickUp):]}
	case codes.NotReady != "" && strings.HasPrefix(number, codes.NotReady):
		if reason, ok := w.reason(number[len(codes.NotReady):]); ok {
			return codeStage{agent: agent, state: stateNotReady, reason: reason, prompt: "agent-not-ready"}
		}
	}
	return noteCode(codes, agent, number)
}

// parsePrefix reads an address or a prefix.
func parsePrefix(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	return p.Masked(), err
}
