package call

import (
	"context"
	"crypto/subtle"
	"sync"
	"time"

	"hotline/media"
	"hotline/store"
)

// maxConference is how many callers a conference takes at most.
const maxConference = 50

// A PIN is asked for so often; its digits must come within pinTime of each other.
const (
	pinTries = 3
	pinTime  = 8 * time.Second
)

// rooms are the conferences that somebody is in.
type rooms struct {
	mu sync.Mutex // guards in
	in map[string]map[*Call]*place
}

// place is one caller's in a room.
type place struct {
	seated  bool          // he hears and is heard
	changed chan struct{} // the number of those seated may be another
}

// enter keeps a place for a call, unless the room is full.
func (r *rooms) enter(room string, c *Call, most int) (p *place, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.in[room]) >= most {
		return nil, false
	}
	if r.in == nil {
		r.in = map[string]map[*Call]*place{}
	}
	if r.in[room] == nil {
		r.in[room] = map[*Call]*place{}
	}
	p = &place{changed: make(chan struct{}, 1)}
	r.in[room][c] = p
	return p, true
}

// take counts a call in as one who is heard.
func (r *rooms) take(room string, p *place) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p.seated = true
	r.tell(room)
}

func (r *rooms) leave(room string, c *Call) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.in[room], c)
	if len(r.in[room]) == 0 {
		delete(r.in, room)
	}
	r.tell(room)
}

// tell wakes all who are in a room; it never blocks.
func (r *rooms) tell(room string) {
	for _, p := range r.in[room] {
		select {
		case p.changed <- struct{}{}:
		default:
		}
	}
}

// seated counts those who hear each other.
func (r *rooms) seated(room string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, p := range r.in[room] {
		if p.seated {
			n++
		}
	}
	return n
}

// conferenceStage is the caller in a room with the callers of other calls, each
// hearing all others.
type conferenceStage struct{ room string }

func (s conferenceStage) name() string { return "conference " + s.room }

func (s conferenceStage) run(ctx context.Context, c *Call) stage {
	room, ok := c.eng.world.Load().center.Conferences[s.room]
	if !ok {
		c.blame(404, 1, "conference "+s.room+" is gone", "us")
		return nil
	}
	if err := c.answer(ctx); err != nil {
		return nil
	}
	// The caller leaves the call's bridge, and with it those who watch it.
	c.cdr.Legs = append(c.cdr.Legs, c.dismiss(ErrConference, "the call went to a conference")...)
	if room.PIN != "" && !s.admitted(ctx, c, room.PIN) {
		if ctx.Err() == nil {
			c.blame(403, 21, "wrong PIN", "caller")
			return goodbyeStage{prompts: []string{"not-allowed", "goodbye"}}
		}
		return nil
	}
	p, ok := c.eng.rooms.enter(s.room, c, places(room))
	if !ok {
		c.blame(486, 17, "conference is full", "us")
		return goodbyeStage{prompts: []string{"number-busy", "goodbye"}}
	}
	defer c.eng.rooms.leave(s.room, c)
	if err := c.say(ctx, "beep"); err != nil {
		return nil
	}
	s.sit(ctx, c, p)
	return nil
}

// places of a conference.
func places(room store.Conference) int {
	if room.Max <= 0 {
		return maxConference
	}
	return min(room.Max, maxConference)
}

// sit is the caller's time in the room. Who is alone hears music.
func (s conferenceStage) sit(ctx context.Context, c *Call, p *place) {
	c.eng.media.Do(media.Seat{Bridge: media.BridgeID("conference/" + s.room), Leg: c.caller.id, Role: media.Caller})
	defer c.eng.media.Do(media.Leave{Leg: c.caller.id})
	c.eng.rooms.take(s.room, p)
	c.caller.talks.Store(time.Now().UnixNano())
	defer c.caller.audible()
	defer c.caller.talks.Store(0)
	alone := false
	for {
		if is := c.eng.rooms.seated(s.room) < 2; is != alone {
			alone = is
			if alone {
				c.caller.start(c.eng.music(store.Queue{}), media.Tone{}, true)
			} else {
				c.caller.stop()
			}
		}
		select {
		case <-p.changed:
		case <-c.caller.digits: // they went to the others as sound, or mean nothing
		case <-c.caller.holds:
		case <-c.caller.quiet.changed:
			c.listens(c.caller)
		case <-c.caller.updated:
			c.journal()
		case <-ctx.Done():
			return
		}
	}
}

// admitted asks for the PIN until it is right.
func (s conferenceStage) admitted(ctx context.Context, c *Call, pin string) bool {
	c.line().Secret(true)
	defer c.line().Secret(false)
	for range pinTries {
		if err := c.caller.play(ctx, c.eng.clips(c.lang, []string{"enter-number"}), true); err != nil {
			return false
		}
		got, err := s.typed(ctx, c, len(pin))
		if err != nil {
			return false
		}
		if subtle.ConstantTimeCompare([]byte(got), []byte(pin)) == 1 {
			return true
		}
		if err := c.say(ctx, "invalid-choice"); err != nil {
			return false
		}
		c.caller.flush()
	}
	return false
}

// typed gives up to n digits; # ends them earlier.
func (s conferenceStage) typed(ctx context.Context, c *Call, n int) (string, error) {
	t := time.NewTimer(pinTime)
	defer t.Stop()
	got := ""
	for len(got) < n {
		select {
		case d := <-c.caller.digits:
			if d.r == '#' {
				return got, nil
			}
			got += string(d.r)
			t.Reset(pinTime)
		case <-t.C:
			return got, nil
		case <-c.caller.updated:
			c.journal()
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	}
	return got, nil
}
