package call

import (
	"context"
	"fmt"
	"strings"
	"time"

	"hotline/sip"
	"hotline/store"
)

// Defaults of calls about new messages.
const (
	notifyTries = 3
	notifyPause = 10 * time.Minute
	notifyMost  = 10
	notifyBusy  = time.Minute      // until who is in another call is tried again
	notifyFresh = 24 * time.Hour   // nobody is called about an older message
	announceAsk = 2                // how often who is called is asked for the key
	closedLook  = 30 * time.Second // how often hours are looked at
)

// tellOf plans a call about a message; it runs on the agenda's goroutine.
func (e *Engine) tellOf(v store.Voicemail, at time.Time) {
	if e.world.Load().center.Voicemail[v.Box].Notify == nil {
		return
	}
	if e.mail.due == nil {
		e.mail.due = map[string]time.Time{}
	}
	e.mail.due[v.ID] = at
}

// remind plans the calls that an earlier process left to be made.
func (e *Engine) remind(now time.Time) {
	list, err := e.Voicemails("")
	if err != nil {
		e.log.Error("messages were not read; nobody is called about them", "err", err)
	}
	for _, v := range list {
		if v.State() == store.VoicemailNew && now.Sub(v.At) < notifyFresh {
			e.tellOf(v, now)
		}
	}
}

// messagesDue makes the calls about messages whose time has come; it runs on the
// agenda's goroutine.
func (e *Engine) messagesDue(now time.Time) {
	for _, id := range sortedKeys(e.mail.due) {
		if now.Before(e.mail.due[id]) {
			continue
		}
		again, err := e.announceMessage(id, now)
		if err != nil {
			e.log.Warn("nobody was called about a message", "voicemail", id, "err", err)
		}
		if again.IsZero() {
			delete(e.mail.due, id)
		} else {
			e.mail.due[id] = again
		}
	}
}

// announceMessage calls who is to be told of a message; again is when to look
// next, zero: never.
func (e *Engine) announceMessage(id string, now time.Time) (again time.Time, err error) {
	v, err := e.store.Voicemail(id)
	if err != nil {
		return time.Time{}, nil // deleted
	}
	w := e.world.Load()
	box, ok := w.center.Voicemail[v.Box]
	n := box.Notify
	if !ok || n == nil || v.State() != store.VoicemailNew || now.Sub(v.At) > notifyFresh {
		return time.Time{}, nil
	}
	tries := n.Tries
	if tries <= 0 {
		tries = notifyTries
	}
	if v.Told >= tries {
		e.log.Info("nobody answered the calls about a message", "voicemail", id, "box", v.Box, "tries", v.Told)
		return time.Time{}, nil
	}
	if open, known := w.open(n.Hours); n.Hours != "" && known && !open {
		return now.Add(closedLook), nil
	}
	next := mailboxStage{agent: box.Agent, boxes: []string{v.Box}}
	person, byPhone := strings.CutPrefix(n.To, "agent:")
	if byPhone && e.engagedNow(person) {
		return now.Add(notifyBusy), nil
	}
	_, err = e.changeVoicemail(id, "", "", func(v *store.Voicemail) error {
		v.Told, v.ToldAt = v.Told+1, now
		return nil
	})
	if err != nil { // else he would be called for ever
		return time.Time{}, err
	}
	if byPhone {
		next.agent = person
	}
	return now.Add(orDefault(n.Pause.D(), notifyPause)), e.callAbout(w, n, next)
}

// callAbout calls a person whom a box wants told.
func (e *Engine) callAbout(w *world, n *store.Notify, next mailboxStage) error {
	if id, ok := strings.CutPrefix(n.To, "agent:"); ok {
		inv := sip.Invite{Targets: e.targets(id, w.center.Agents[id]), NoAnswer: phoneSilence, To: sip.Address{User: id},
			From: sip.Address{Display: "Voicemail", User: "voicemail"}}
		if len(inv.Targets) == 0 {
			return fmt.Errorf("call: notify %s: %w", n.To, errUnreachable)
		}
		_, err := e.originate(n.To, id, "", inv, false, announceMailStage{next})
		return err
	}
	way, err := e.rested(w.own(n.Trunk, n.To, anyRule)) // the center's file wants it: an operator
	if err != nil {
		return fmt.Errorf("call: notify: %w", err)
	}
	_, err = e.originateOut(outgoing{way: way, from: "voicemail", display: "Voicemail"}, false, announceMailStage{next})
	return err
}

// engagedNow tells whether an agent is in a call or offered one.
func (e *Engine) engagedNow(id string) bool {
	for _, v := range e.Agents() {
		if v.ID == id && v.State != stateReady && v.State != stateNotReady && v.State != stateOut {
			return true
		}
	}
	return e.occupied(id)
}

// announceMailStage tells who was called of a new message and plays it after a
// key: a machine or somebody else who answers hears nothing of it.
type announceMailStage struct{ next mailboxStage }

func (s announceMailStage) name() string { return "announce message" }

func (s announceMailStage) run(ctx context.Context, c *Call) stage {
	if c.caller.waitReady(ctx) != nil {
		return nil
	}
	for range announceAsk {
		if c.caller.play(ctx, c.eng.clips(c.lang, []string{"voicemail-announce"}), true) != nil {
			return nil
		}
		kctx, cancel := context.WithTimeout(ctx, menuWaits)
		d, err := c.line().Digit(kctx)
		cancel()
		if ctx.Err() != nil {
			return nil
		}
		if err == nil && d == '1' {
			return s.next
		}
	}
	c.note("no key pressed")
	c.blame(480, 16, "the message was not wanted", blameOf("agent", c.from))
	return nil
}
