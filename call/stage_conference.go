package call

import (
	"context"
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

// conferenceStage is the caller in a room with the callers of other calls, each
// hearing all others.
type conferenceStage struct {
	room    string
	invited bool // by one who is in it or by an operator: neither PIN nor lock stop him
}

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
	if room.PIN != "" && !s.invited && !s.admitted(ctx, c, room.PIN) {
		if ctx.Err() == nil {
			c.blame(403, 21, "wrong PIN", "caller")
			return goodbyeStage{prompts: []string{"not-allowed", "goodbye"}}
		}
		return nil
	}
	p, err := c.eng.rooms.enter(s.room, c, places(room), s.invited)
	if err != nil {
		c.blame(486, 17, "conference "+err.Error(), "us")
		return goodbyeStage{prompts: []string{"number-busy", "goodbye"}}
	}
	defer c.eng.rooms.leave(s.room, c)
	if err := c.say(ctx, "beep"); err != nil {
		return nil
	}
	if s.sit(ctx, c, p) {
		c.blame(0, 16, "removed from the conference", "us")
		return goodbyeStage{prompts: []string{"goodbye"}}
	}
	return nil
}

// places of a conference.
func places(room store.Conference) int {
	if room.Max <= 0 {
		return maxConference
	}
	return min(room.Max, maxConference)
}

// sit is the caller's time in the room; kicked is true if somebody removed him. Who
// is alone hears music.
func (s conferenceStage) sit(ctx context.Context, c *Call, p *place) (kicked bool) {
	seat := func(role media.Role) {
		c.eng.media.Do(media.Seat{Bridge: media.BridgeID("conference/" + s.room), Leg: c.caller.id, Role: role})
	}
	seat(media.Caller)
	defer c.eng.media.Do(media.Leave{Leg: c.caller.id})
	c.eng.rooms.take(s.room, p)
	c.caller.talks.Store(time.Now().UnixNano())
	defer c.caller.audible()
	defer c.caller.talks.Store(0)
	alone, muted := false, false
	keys := newPad(c.eng.world.Load().keyCodes)
	for {
		now := c.eng.rooms.look(s.room, p)
		if now.kicked {
			return true
		}
		if is := now.seated < 2; is != alone {
			alone = is
			if alone {
				c.caller.start(c.eng.music(store.Queue{}), media.Tone{}, true)
			} else {
				c.caller.stop()
			}
		}
		if now.muted != muted { // he takes his seat anew: nobody loses a frame by that
			muted = now.muted
			seat(map[bool]media.Role{true: media.Listener, false: media.Caller}[muted])
		}
		select {
		case <-p.changed:
		case d := <-c.caller.digits: // they went to the others as sound
			s.pressed(c, keys, d)
		case <-c.caller.holds:
		case <-c.caller.quiet.changed:
			c.listens(c.caller)
		case <-c.caller.updated:
			c.journal()
		case <-ctx.Done():
			return false
		}
	}
}

// pressed takes a key of an agent: as in a talk, the keys to consult somebody and a
// number invite him, those to mask mute the agent himself, or no longer.
func (s conferenceStage) pressed(c *Call, keys *pad, d digit) {
	if c.manned == "" {
		return
	}
	do, number, ok := keys.press(d.r, time.Now())
	if !ok {
		return
	}
	actor, said := "agent:"+c.manned, []string{"beep", "beep"}
	var err error
	switch do {
	case DoConsult:
		_, err = c.eng.ConferenceInvite(s.room, number, actor)
	case doMask:
		err = c.eng.ConferenceMute(s.room, c.id, !c.eng.rooms.muted(s.room, c), actor)
	default:
		return
	}
	if err == nil {
		said = said[:1]
	} else {
		c.log.Info("keys refused", "call", c.id, "agent", c.manned, "err", err)
	}
	if c.eng.rooms.seated(s.room) > 1 { // else music plays
		c.caller.tell(c.eng.clips(c.lang, said), media.Tone{})
	}
}

// admitted asks for the PIN until it is right.
func (s conferenceStage) admitted(ctx context.Context, c *Call, kept string) bool {
	pin, _ := store.ParsePIN(kept) // what is none matches nothing
	c.line().Secret(true)
	defer c.line().Secret(false)
	for range pinTries {
		if !c.eng.mail.mayTry(c.number, "", time.Now()) {
			c.note("too many wrong PINs")
			return false
		}
		if err := c.caller.play(ctx, c.eng.clips(c.lang, []string{"enter-number"}), true); err != nil {
			return false
		}
		got, err := s.typed(ctx, c, pin.Digits)
		if err != nil {
			return false
		}
		if pin.Matches(got) {
			return true
		}
		c.eng.mail.wrong(c.number, "", time.Now())
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
