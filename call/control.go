package call

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"hotline/acd"
	"hotline/recordings"
	"hotline/store"
)

// Store is where the engine keeps what it knows, for reading.
func (e *Engine) Store() store.Store { return e.store }

// Recordings is the folder of recordings; nil if nothing is recorded.
func (e *Engine) Recordings() *recordings.Dir { return e.recs }

// askTime bounds how long an operator's question may take.
const askTime = 5 * time.Second

// Agents are all agents of the center, by id.
func (e *Engine) Agents() []AgentView {
	ctx, cancel := context.WithTimeout(context.Background(), askTime)
	defer cancel()
	infos, _ := e.disp.snapshot(ctx)
	byID := map[acd.AgentID]acd.AgentInfo{}
	for _, a := range infos {
		byID[a.ID] = a
	}
	w := e.world.Load()
	accounts := *e.accounts.Load()
	offers, doing := e.ringing(), e.doing()
	out := make([]AgentView, 0, len(w.center.Agents))
	for _, id := range sortedKeys(w.center.Agents) {
		a, i := w.center.Agents[id], byID[acd.AgentID(id)]
		_, secret := accounts[id]
		v := AgentView{ID: id, Name: a.Name, State: i.State.String(), Reason: i.Reason, Since: i.Since,
			Until: i.Until, Call: e.nameOf(i.Call), Queues: a.Queues, Phone: e.phoneOf(id, a),
			Reachable: e.reachable(id, a), Grade: i.Stars, Ratings: int(i.Ratings + 0.5), HasSecret: secret, Offer: offers[id],
			Held: doing[id].Held, Consulting: doing[id].Consulting, Paused: doing[id].Paused, Parked: doing[id].Parked,
			Supervisors: doing[id].Supervisors}
		if v.Call == "" && doing[id].Call != "" { // the ACD knows of its own calls only
			v.Call, v.Outside = doing[id].Call, true
		}
		out = append(out, v)
	}
	return out
}

// doing is what agents do in their calls, by agent; only the fields for that are set.
func (e *Engine) doing() map[string]AgentView {
	out := map[string]AgentView{}
	sitting := map[string][]SupervisionView{}
	if e.world.Load().center.Settings.Supervision != unseen {
		for _, s := range e.Supervisions() {
			if s.State == "seated" {
				sitting[s.Call] = append(sitting[s.Call], s)
			}
		}
	}
	for _, c := range e.snapshotCalls() {
		v := c.view.Load()
		if v == nil {
			continue
		}
		if dialled, ok := strings.CutPrefix(v.From, "agent:"); ok && inTalk(v.Stage) {
			a := out[dialled]
			a.Call = c.id
			out[dialled] = a
		}
		if v.Agent == "" || !inTalk(v.Stage) && v.Slot == "" {
			continue
		}
		a := out[v.Agent]
		if v.Slot != "" {
			a.Parked = append(a.Parked, v.Slot)
			slices.Sort(a.Parked)
		} else {
			a.Held, a.Consulting, a.Paused = v.Held, v.Consulting, v.Paused
			a.Supervisors, a.Call = sitting[c.id], c.id
		}
		out[v.Agent] = a
	}
	return out
}

// ringing are the offers that ring, by agent.
func (e *Engine) ringing() map[string]*OfferView {
	out := map[string]*OfferView{}
	for _, c := range e.snapshotCalls() {
		if v := c.view.Load(); v != nil {
			for _, o := range v.Offers {
				out[o.Agent] = &o
			}
		}
	}
	return out
}

func (e *Engine) phoneOf(id string, a store.Agent) string {
	switch {
	case a.Trunk != "":
		return "trunk:" + a.Trunk + "/" + a.Number
	case a.Contact != "":
		return a.Contact
	}
	if t := e.sip.Contacts(id); len(t) > 0 {
		return t[0].URI
	}
	return ""
}

// Queues are all queues of the center, by id.
func (e *Engine) Queues() []QueueView {
	ctx, cancel := context.WithTimeout(context.Background(), askTime)
	defer cancel()
	agents, queues := e.disp.snapshot(ctx)
	w := e.world.Load()
	at := map[string]int{}
	out := make([]QueueView, 0, len(w.center.Queues))
	for i, id := range sortedKeys(w.center.Queues) {
		at[id] = i
		out = append(out, QueueView{ID: id, Name: w.center.Queues[id].Name})
	}
	for _, q := range queues {
		if i, ok := at[string(q.ID)]; ok {
			out[i].Waiting, out[i].Longest = q.Waiting+q.Offered, q.Longest
		}
	}
	for _, a := range agents {
		for _, q := range a.Queues {
			i, ok := at[string(q)]
			switch {
			case !ok || a.State == acd.LoggedOut:
			case a.State == acd.ReadyState && a.Reachable:
				out[i].Ready++
			case a.State == acd.Talking:
				out[i].Talking++
			default:
				out[i].Others++
			}
		}
	}
	return out
}

// Numbers are all numbers of the center.
func (e *Engine) Numbers() []NumberView {
	w := e.world.Load()
	out := make([]NumberView, 0, len(w.center.Numbers))
	for _, id := range sortedKeys(w.center.Numbers) {
		n := w.center.Numbers[id]
		out = append(out, NumberView{Number: id, Name: n.Name, To: n.To, Trunks: n.Trunks})
	}
	return out
}

// Calls are the running calls, oldest first.
func (e *Engine) Calls() []CallView {
	byID := map[string]CallView{}
	for _, c := range e.snapshotCalls() {
		if v := c.view.Load(); v != nil {
			shown := *v
			shown.Masked = c.masked()
			byID[v.ID] = shown
		}
	}
	for _, s := range e.Supervisions() {
		if v, ok := byID[s.Call]; ok {
			v.Supervisors = append(v.Supervisors, s)
			byID[s.Call] = v
		}
	}
	out := make([]CallView, 0, len(byID))
	for _, id := range sortedKeys(byID) { // ids are ordered by time
		out = append(out, byID[id])
	}
	return out
}

// Hangup ends a call for both sides; ref is as in Supervise.
func (e *Engine) Hangup(ref, actor string) error {
	c, err := e.find(ref)
	if err != nil {
		return err
	}
	e.log.Info("hang up", "call", c.id, "actor", actor)
	e.auditCall(c, actor, actHangup, "")
	c.cancel(ErrOperator)
	return nil
}

// Front puts a waiting caller before all others, as one who comes back from a
// phone that died.
func (e *Engine) Front(ref, actor string) error {
	c, err := e.find(ref)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(c.shown().Stage, "wait ") {
		return fmt.Errorf("call %s: %w", c.id, ErrNotWaiting)
	}
	ctx, cancel := context.WithTimeout(context.Background(), askTime)
	defer cancel()
	if err := e.disp.send(ctx, acd.Rekey{Call: c.acdID(), Head: true}); err != nil {
		return err
	}
	e.log.Info("call to the front", "call", c.id, "actor", actor)
	e.auditCall(c, actor, actFront, "")
	return nil
}

// Status is the engine at a glance.
func (e *Engine) Status() Status {
	s := Status{Version: e.cfg.Version, Up: time.Since(e.began), Realm: e.realm, Calls: e.running(),
		Served: e.stats.Calls.Load(), Panics: e.stats.Panics.Load() + e.sip.Stats().Panics.Load()}
	for _, p := range e.cfg.SIP.Packet {
		s.SIP = append(s.SIP, "udp://"+p.LocalAddr().String())
	}
	for _, l := range e.cfg.SIP.Stream {
		s.SIP = append(s.SIP, "tcp://"+l.Addr().String())
	}
	for _, l := range e.cfg.SIP.Secure {
		s.SIP = append(s.SIP, "tls://"+l.Addr().String())
	}
	s.RTP = fmt.Sprintf("%s:%d-%d", e.cfg.Media.Addr, e.cfg.Media.PortMin, e.cfg.Media.PortMax)
	s.Media = e.mediaView()
	e.mu.Lock()
	for _, k := range sortedKeys(e.degraded) {
		s.Degraded = append(s.Degraded, e.degraded[k])
	}
	e.mu.Unlock()
	return s
}
