package call

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"hotline/sip"
	"hotline/store"
)

// lampsEvery is the least time between two looks at what lamps show.
const lampsEvery = 200 * time.Millisecond

// lamps keeps what watching phones are told of agents, queues and parking slots. It
// has no state of the calls: it looks at them anew whenever something may have
// changed, so that a lamp never stays wrong.
type lamps struct {
	wake chan struct{}       // something may have changed
	lit  map[string]struct{} // addresses with something to tell; run's
}

// changed makes run look; it never blocks.
func (l *lamps) changed() { signal(l.wake) }

// runLamps publishes changes until ctx ends.
func (e *Engine) runLamps(ctx context.Context) {
	t := time.NewTimer(0)
	defer t.Stop()
	for {
		select {
		case <-e.blf.wake:
		case <-ctx.Done():
			return
		}
		e.light()
		t.Reset(lampsEvery)
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
	}
}

// light publishes what all lamps show now.
func (e *Engine) light() {
	shows := e.agentLamps()
	maps.Copy(shows, e.callLamps())
	for aor := range e.blf.lit {
		if _, ok := shows[aor]; !ok {
			e.sip.PublishDialogState(aor)
		}
	}
	e.blf.lit = map[string]struct{}{}
	for aor, list := range shows {
		slices.SortFunc(list, func(a, b sip.DialogInfo) int { return cmp.Compare(a.ID, b.ID) })
		e.sip.PublishDialogState(aor, list...)
		e.blf.lit[aor] = struct{}{}
	}
}

// agentLamps are the legs of agents: ringing, or in a call.
func (e *Engine) agentLamps() map[string][]sip.DialogInfo {
	shows := map[string][]sip.DialogInfo{}
	e.legs.Range(func(_, v any) bool {
		l := v.(*Leg)
		id, ok := strings.CutPrefix(l.peer, "agent:")
		if !ok || l.ctx.Err() != nil || l.closing.Load() {
			return true
		}
		shows[id] = append(shows[id], l.lamp())
		return true
	})
	return shows
}

// lamp is a leg as a lamp shows it. Whose leg is no call's supervises: nobody learns
// of whom.
func (l *Leg) lamp() sip.DialogInfo {
	info, rung := sip.DialogInfo{Incoming: true}, false
	if c := l.call.Load(); c != nil { // then d and rung are set
		info, rung = l.d.Lamp(), l.rung
		info.Incoming = rung
		if v := c.view.Load(); v != nil {
			info.Remote = sip.Address{Display: v.Name, User: v.Caller}
			if c.front.Load() == l {
				info.Remote = sip.Address{User: v.Called}
			}
		}
	}
	info.ID = string(l.id)
	info.Held = l.held.Load()
	switch {
	case l.answered.Load() != 0:
		info.State = "confirmed"
	case rung && !l.rang.Load():
		info.State = "proceeding"
	default:
		info.State = "early"
	}
	return info
}

// callLamps are the callers who wait in queues, by the queue and by the numbers that
// lead to it, and those who are parked.
func (e *Engine) callLamps() map[string][]sip.DialogInfo {
	shows := map[string][]sip.DialogInfo{}
	numbers := e.world.Load().queueNumbers()
	for _, c := range e.snapshotCalls() {
		v := c.view.Load()
		if v == nil {
			continue
		}
		info := sip.DialogInfo{ID: v.ID, State: "early", Incoming: true, Remote: sip.Address{Display: v.Name, User: v.Caller}}
		what, which, _ := strings.Cut(v.Stage, " ")
		switch what {
		case "wait":
			for _, aor := range append(numbers[which], which) {
				shows[aor] = append(shows[aor], info)
			}
		case "park":
			info.State = "confirmed"
			shows[which] = append(shows[which], info)
		}
	}
	return shows
}

// queueNumbers are the numbers that lead straight to a queue.
func (w *world) queueNumbers() map[string][]string {
	out := map[string][]string{}
	for _, number := range sortedKeys(w.center.Numbers) {
		queue, ok := strings.CutPrefix(w.center.Numbers[number].To, "queue:")
		_, agent := w.center.Agents[number]
		if ok && !agent && number != queue {
			out[queue] = append(out[queue], number)
		}
	}
	return out
}

// maySubscribe lets agents' phones watch agents, queues, numbers of queues and
// parking slots, and each its own messages; nobody else anything.
func (e *Engine) maySubscribe(who sip.Peer, event, aor string) int {
	w := e.world.Load()
	if who.Account == "" {
		return 403
	}
	if event == "message-summary" {
		if aor != who.Account {
			return 403
		}
		return 0
	}
	_, agent := w.center.Agents[aor]
	_, queue := w.center.Queues[aor]
	if agent || queue || queued(w.center.Numbers[aor]) || parkingSlot(aor) {
		return 0
	}
	return 404
}

func queued(n store.Number) bool { return strings.HasPrefix(n.To, "queue:") }
