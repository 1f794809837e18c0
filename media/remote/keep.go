package remote

import "hotline/media"

// ledger is what the server knows of its engine: which legs and recordings are
// there, and the events that no control process has got yet. The server's mutex
// guards it.
type ledger struct {
	legs  map[media.LegID]*media.LegState
	recs  map[media.RecordingID]*media.RecordingState
	clips map[media.ClipID]bool

	waiting []media.Event
	fleet   int // of these, events that may be dropped
	room    int // for those
}

func newLedger(room int) ledger {
	return ledger{legs: map[media.LegID]*media.LegState{}, recs: map[media.RecordingID]*media.RecordingState{},
		clips: map[media.ClipID]bool{}, room: room}
}

// must says whether an event may never be lost.
func must(ev media.Event) bool {
	switch ev.(type) {
	case media.Closed, media.Recorded, media.Played:
		return true
	}
	return false
}

// did notes what a command changes; began is the time of a recording.
func (d *ledger) did(c media.Command, state func(*media.RecordingState)) {
	switch c := c.(type) {
	case media.SetRemote:
		d.leg(c.Leg, func(l *media.LegState) { l.Remote = c.Addr })
	case media.Seat:
		d.leg(c.Leg, func(l *media.LegState) { l.Bridge, l.Role = c.Bridge, c.Role })
	case media.Leave:
		d.leg(c.Leg, func(l *media.LegState) { l.Bridge = "" })
	case media.Record:
		if d.recs[c.ID] == nil {
			r := &media.RecordingState{ID: c.ID, Path: c.Path, Left: c.Left, Right: c.Right}
			state(r)
			d.recs[c.ID] = r
		}
	case media.Tap:
		if r := d.recs[c.ID]; r != nil {
			r.Left, r.Right = c.Left, c.Right
		}
	}
}

func (d *ledger) leg(id media.LegID, f func(*media.LegState)) {
	if l := d.legs[id]; l != nil {
		f(l)
	}
}

// heard takes an event; false: there was no room for it.
func (d *ledger) heard(ev media.Event, connected bool) bool {
	switch ev := ev.(type) {
	case media.Closed:
		delete(d.legs, ev.Leg)
	case media.Recorded:
		delete(d.recs, ev.ID)
	case media.Silent, media.Heard:
		if !connected {
			return true // of no use later: nobody misses it
		}
	}
	if !must(ev) {
		if d.fleet >= d.room {
			return false
		}
		d.fleet++
	}
	d.waiting = append(d.waiting, ev)
	return true
}

// take hands out the waiting events.
func (d *ledger) take() []media.Event {
	out := d.waiting
	d.waiting, d.fleet = nil, 0
	return out
}

// back puts events in front again that could not be written.
func (d *ledger) back(evs []media.Event) {
	d.waiting = append(evs, d.waiting...)
	d.fleet = 0
	for _, ev := range d.waiting {
		if !must(ev) {
			d.fleet++
		}
	}
}

// eventFrame makes the frame of an event. One whose figures are no JSON (not a
// number) is told without them: its end must not be lost.
func eventFrame(ev media.Event) ([]byte, error) {
	b, err := named(kindEvent, ev)
	if c, ok := ev.(media.Closed); ok && err != nil {
		return named(kindEvent, media.Closed{Leg: c.Leg})
	}
	return b, err
}
