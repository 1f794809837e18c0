package call

import (
	"fmt"
	"strings"

	"hotline/acd"
)

// reconcile frees agents and places that the ACD keeps for what is gone. Calls
// say their last words themselves (dispatcher.must), so whatever is found here is
// a fault: it is counted and logged. It runs on the dispatcher's goroutine.
func (d *dispatcher) reconcile() {
	for _, ev := range d.doubts.Look(d.core, d.now(), d.eng.reality()) {
		d.eng.stats.Reconciled.Add(1)
		d.eng.log.Error("the acd believed in what was gone; it was freed", "event", fmt.Sprintf("%#v", ev))
		d.step(ev)
	}
}

// reality is a picture of all calls and of the agents who have a leg. A leg
// belongs to an agent by its peer, whoever called whom.
func (e *Engine) reality() acd.Reality {
	phones := make(map[acd.AgentID]bool)
	e.legs.Range(func(_, v any) bool {
		l := v.(*Leg)
		if id, ok := strings.CutPrefix(l.peer, "agent:"); ok && l.ctx.Err() == nil {
			phones[acd.AgentID(id)] = true
		}
		return true
	})
	return acd.Reality{
		Call:     func(id acd.CallID) bool { return e.call(string(id)) != nil || e.callback(id) != nil },
		Phone:    func(id acd.AgentID) bool { return phones[id] },
		Occupied: func(id acd.AgentID) bool { return e.occupied(string(id)) },
	}
}
