package call

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"hotline/media"
	"hotline/store"
)

// Why something can't be done with a message.
var (
	ErrClaimed   = errors.New("is claimed already")
	ErrNotHisBox = errors.New("is in no box that he may hear; name him in the box's agents")
	ErrLongNote  = errors.New("the note is longer than 1000 characters")
)

// Limits of mailboxes.
const (
	messageLength = 3 * time.Minute  // longest message where the box says nothing
	messageMost   = 30 * time.Minute // longest that a box may take
	messageLeast  = time.Second      // shorter ones are dropped
	messageQuiet  = 10 * time.Second // silence that ends a message
	boxMost       = 1000             // messages in a box
	noteMost      = 1000             // characters
)

// The acts of people on messages in the audit log.
const (
	actClaim   = "voicemail claim"
	actHandle  = "voicemail handle"
	actDiscard = "voicemail delete"
)

// mail is what the engine knows of messages beside the store.
type mail struct {
	mu    sync.Mutex // one change of a message at a time; guards what follows
	pins  map[string]*wrongPINs
	saved map[media.RecordingID]chan<- bool // who waits for what becomes of a message
	due   map[string]time.Time              // messages that somebody is to be called about; the agenda's
}

// boxesOf are the mailboxes that an agent may hear, his own first.
func (w *world) boxesOf(agent string) []string {
	var own, shared []string
	for _, id := range sortedKeys(w.center.Voicemail) {
		switch b := w.center.Voicemail[id]; {
		case b.Agent == agent:
			own = append(own, id)
		case slices.Contains(b.Agents, agent):
			shared = append(shared, id)
		}
	}
	return append(own, shared...)
}

// mayHear tells whether an agent may hear a box.
func (w *world) mayHear(agent, box string) bool { return slices.Contains(w.boxesOf(agent), box) }

// Voicemails are the messages of a mailbox, or of all, newest first.
func (e *Engine) Voicemails(box string) ([]store.Voicemail, error) {
	out := []store.Voicemail{}
	err := e.store.Voicemails(func(v store.Voicemail) bool {
		if box == "" || v.Box == box {
			out = append(out, v)
		}
		return true
	})
	slices.Reverse(out)
	return out, err
}

// ClaimVoicemail gives a message to one agent and no other.
func (e *Engine) ClaimVoicemail(id, agent, actor string) (store.Voicemail, error) {
	return e.changeVoicemail(id, actor, actClaim, func(v *store.Voicemail) error {
		if err := e.concerns(agent, *v); err != nil {
			return err
		}
		if v.Claimed == "" {
			v.Claimed, v.Since = agent, time.Now()
		}
		return nil
	})
}

// HandleVoicemail notes that an agent has done what a message asks for. A message
// of nobody is his then.
func (e *Engine) HandleVoicemail(id, agent, note, actor string) (store.Voicemail, error) {
	if len([]rune(note)) > noteMost {
		return store.Voicemail{}, fmt.Errorf("voicemail %s: %w", id, ErrLongNote)
	}
	return e.changeVoicemail(id, actor, actHandle, func(v *store.Voicemail) error {
		if err := e.concerns(agent, *v); err != nil {
			return err
		}
		now := time.Now()
		if v.Claimed == "" {
			v.Claimed, v.Since = agent, now
		}
		if v.Handled == "" {
			v.Handled, v.Done = agent, now
		}
		if note != "" {
			v.Note = note
		}
		return nil
	})
}

// concerns tells why a message is not the agent's to deal with; nil if it is.
func (e *Engine) concerns(agent string, v store.Voicemail) error {
	w := e.world.Load()
	if _, ok := w.center.Agents[agent]; !ok {
		return fmt.Errorf("agent %s: %w", agent, ErrUnknown)
	}
	if !w.mayHear(agent, v.Box) {
		return fmt.Errorf("agent %s: box %s: the message %w", agent, v.Box, ErrNotHisBox)
	}
	if v.Claimed != "" && v.Claimed != agent {
		return fmt.Errorf("%w by agent %s", ErrClaimed, v.Claimed)
	}
	return nil
}

// DeleteVoicemail deletes a message and its audio.
func (e *Engine) DeleteVoicemail(id, actor string) error {
	e.mail.mu.Lock()
	defer e.mail.mu.Unlock()
	v, err := e.store.Voicemail(id)
	if err != nil {
		return err
	}
	if e.recs != nil {
		if err := e.recs.Delete(id); err != nil {
			e.log.Warn("audio of a message was not deleted", "voicemail", id, "err", err)
		}
	}
	if err := errors.Join(e.store.DeleteRecording(id), e.store.DeleteVoicemail(id)); err != nil {
		return fmt.Errorf("call: delete voicemail: %w", err)
	}
	e.auditVoicemail(v, actor, actDiscard)
	e.lamps(v.Box)
	return nil
}

// changeVoicemail reads, changes and writes a message; act "" is in no audit log.
func (e *Engine) changeVoicemail(id, actor, act string, f func(*store.Voicemail) error) (store.Voicemail, error) {
	e.mail.mu.Lock()
	defer e.mail.mu.Unlock()
	v, err := e.store.Voicemail(id)
	if err != nil {
		return v, err
	}
	was := v
	if err := f(&v); err != nil {
		return was, fmt.Errorf("voicemail %s: %w", id, err)
	}
	if v == was {
		return v, nil
	}
	if err := e.store.PutVoicemail(v); err != nil {
		return was, fmt.Errorf("call: voicemail: %w", err)
	}
	if act != "" {
		e.auditVoicemail(v, actor, act)
	}
	e.lamps(v.Box)
	return v, nil
}

// heardVoicemail notes that somebody has heard a message.
func (e *Engine) heardVoicemail(id string) {
	_, err := e.changeVoicemail(id, "", "", func(v *store.Voicemail) error {
		if v.Heard.IsZero() {
			v.Heard = time.Now()
		}
		return nil
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		e.log.Warn("message was not noted as heard", "voicemail", id, "err", err)
	}
}

func (e *Engine) auditVoicemail(v store.Voicemail, actor, act string) {
	now := time.Now()
	e.log.Info(act, "voicemail", v.ID, "box", v.Box, "actor", actor)
	e.store.LogAudit(store.Audit{ID: store.NewID(now), At: now, Actor: actor, Act: act, Call: v.Call, With: []string{v.Caller}, Text: "box " + v.Box + ", message " + v.ID})
}

// received keeps a message whose audio is whole, unless nothing is said in it.
func (e *Engine) received(r store.Recording, path string) {
	kept := e.says(r, path)
	if kept {
		v := store.Voicemail{ID: r.ID, Box: r.Box, Call: r.Call, Caller: r.Caller, Name: r.Name, At: r.Began, Length: r.Length}
		if err := errors.Join(e.store.PutRecording(r), e.store.PutVoicemail(v)); err != nil {
			e.log.Error("message was not noted; its audio is kept", "box", r.Box, "voicemail", r.ID, "err", err)
		}
		e.mail.mu.Lock()
		e.lamps(v.Box)
		e.mail.mu.Unlock()
		e.agenda.jobs.add(func() { e.tellOf(v, time.Now()) })
	} else if err := e.recs.Delete(r.ID); err != nil {
		e.log.Warn("audio of an empty message was not deleted", "voicemail", r.ID, "err", err)
	}
	e.mail.mu.Lock()
	defer e.mail.mu.Unlock()
	if who := e.mail.saved[media.RecordingID(r.ID)]; who != nil {
		who <- kept
		delete(e.mail.saved, media.RecordingID(r.ID))
	}
}

// A message says something if a voice is heard in it for so long.
const (
	voiceLeast = 3 // tenths of a second
	voicePeak  = 3 // of 255
)

// says tells whether there is a message in a recording; what can't be read is
// kept.
func (e *Engine) says(r store.Recording, path string) bool {
	if r.Error != "" {
		return true
	}
	if r.Length.D() < messageLeast {
		return false
	}
	p, err := media.ReadPeaks(path)
	if err != nil || len(p.Channels) == 0 {
		return true
	}
	n := 0
	for _, peak := range p.Channels[0] {
		if peak >= voicePeak {
			n++
		}
	}
	return n >= voiceLeast
}

// lamps tells the phones of a box's agents how many messages they have; mail.mu
// is held, so that the last word is the true one.
func (e *Engine) lamps(box string) {
	w := e.world.Load()
	b := w.center.Voicemail[box]
	e.lampsOf(w, append([]string{b.Agent}, b.Agents...))
}

func (e *Engine) lampsOf(w *world, agents []string) {
	counts := map[string][2]int{}
	err := e.store.Voicemails(func(v store.Voicemail) bool {
		for _, a := range agents {
			if a == "" || !w.mayHear(a, v.Box) {
				continue
			}
			n := counts[a]
			if fresh := v.Heard.IsZero() && v.Handled == "" && (v.Claimed == "" || v.Claimed == a); fresh {
				n[0]++
			} else {
				n[1]++
			}
			counts[a] = n
		}
		return true
	})
	if err != nil {
		e.log.Warn("messages were not counted", "err", err)
		return
	}
	for _, a := range agents {
		if a != "" {
			e.sip.PublishMessages(a, counts[a][0], counts[a][1])
		}
	}
}

// allLamps tells all phones, at the start and when boxes have changed.
func (e *Engine) allLamps() {
	e.mail.mu.Lock()
	defer e.mail.mu.Unlock()
	w := e.world.Load()
	if len(w.center.Voicemail) > 0 {
		e.lampsOf(w, sortedKeys(w.center.Agents))
	}
}

// wrongPINs counts those of somebody, or of all for a box.
type wrongPINs struct {
	n     int
	since time.Time
}

// So many wrong PINs are allowed within an hour: of one number, and for one box
// whatever numbers they show.
const (
	pinsOfNumber = 6
	pinsOfBox    = 30
	pinHour      = time.Hour
	pinsKept     = 10000 // numbers remembered
)

// mayTry tells whether a caller may try another PIN, of a box or, with "", of a
// conference: that is not closed to all by wrong PINs of some.
func (m *mail) mayTry(number, box string, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	under := func(key string, most int) bool {
		a := m.pins[key]
		return a == nil || now.Sub(a.since) >= pinHour || a.n < most
	}
	return under("number "+number, pinsOfNumber) && (box == "" || under("box "+box, pinsOfBox))
}

// wrong counts a wrong PIN.
func (m *mail) wrong(number, box string, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.pins == nil || len(m.pins) > pinsKept {
		kept := map[string]*wrongPINs{}
		for k, a := range m.pins { // of boxes all: who sends many numbers must not free them
			if strings.HasPrefix(k, "box ") && now.Sub(a.since) < pinHour {
				kept[k] = a
			}
		}
		m.pins = kept
	}
	keys := []string{"number " + number}
	if box != "" {
		keys = append(keys, "box "+box)
	}
	for _, key := range keys {
		a := m.pins[key]
		if a == nil || now.Sub(a.since) >= pinHour {
			a = &wrongPINs{since: now}
			m.pins[key] = a
		}
		a.n++
	}
}
