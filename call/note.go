package call

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"hotline/store"
)

// NoteRequest says what came of a call. What is empty stays as it was.
type NoteRequest struct {
	Code string `json:"code,omitempty"` // of the settings' dispositions, or its digits
	Text string `json:"text,omitempty"`
}

// Why what came of a call is not noted.
var (
	ErrNoCode    = errors.New("no such disposition")
	ErrNoNote    = errors.New("nothing to note; give a code, a text, or both")
	ErrNotHis    = errors.New("was not his call; agents note their own")
	ErrNoLast    = errors.New("has served no call yet")
	ErrNoWrapUp  = errors.New("is not in wrap-up")
	ErrBadExtend = errors.New("is no time to extend a wrap-up by; from 1s to 1h")
)

const actNote = "call note"

// Note says what came of a call: during the talk, in wrap-up or later. Ref is the
// id of a call, that of a running one as for [Engine.Supervise], or an agent's: his
// last call. An agent may note his own calls, an operator all.
func (e *Engine) Note(ref string, n NoteRequest, actor string) (store.Disposition, error) {
	id, err := e.noteTarget(ref)
	if err != nil {
		return store.Disposition{}, err
	}
	d, err := e.note(id, n, actor)
	if err != nil {
		return d, fmt.Errorf("call %s: note: %w", id, err)
	}
	return d, nil
}

// noteTarget finds the call that a person means.
func (e *Engine) noteTarget(ref string) (string, error) {
	c, err := e.find(ref)
	switch {
	case err == nil:
		return c.id, nil
	case errors.Is(err, ErrAmbiguous):
		return "", err
	}
	if _, ok := e.world.Load().center.Agents[ref]; ok {
		return e.lastCall(ref)
	}
	return ref, nil
}

// lastCall is the one that an agent served last.
func (e *Engine) lastCall(agent string) (string, error) {
	var last string
	var at time.Time
	look := func(c store.CDR) {
		for _, t := range c.Talks {
			if t.Agent == agent && t.Began.After(at) {
				last, at = c.ID, t.Began
			}
		}
	}
	for _, c := range e.snapshotCalls() {
		if r := c.sofar.Load(); r != nil {
			look(*r)
		}
	}
	// A call that began earlier may have come to him later: some are looked at.
	err := e.store.CDRs(store.Filter{Agent: agent, Limit: 20}, func(c store.CDR) bool { look(c); return true })
	if last == "" && err == nil {
		err = ErrNoLast
	}
	if err != nil {
		return "", fmt.Errorf("agent %s: %w", agent, err)
	}
	return last, nil
}

func (e *Engine) note(id string, n NoteRequest, actor string) (store.Disposition, error) {
	lock := e.noting.of(id)
	lock.Lock()
	defer lock.Unlock()
	running := e.call(id)
	if running != nil && running.kept {
		running = nil
	}
	var r store.CDR
	var err error
	if running != nil && running.sofar.Load() != nil {
		r = *running.sofar.Load()
		r.Disposition = running.noted.Load()
	} else if r, err = e.store.CDR(id); err != nil {
		if errors.Is(err, store.ErrNotFound) {
			err = ErrUnknownContact
		}
		return store.Disposition{}, err
	}
	d, before, err := e.world.Load().disposition(r, n, actor)
	if err != nil {
		return d, err
	}
	if running != nil {
		running.noted.Store(&d)
		signal(running.front.Load().updated) // the stage journals it
	} else {
		r.Disposition = &d
		if err := e.store.PutCDR(r); err != nil {
			return d, err
		}
	}
	e.log.Info("note", "call", id, "code", d.Code, "actor", actor)
	e.store.LogAudit(store.Audit{ID: store.NewID(d.At), At: d.At, Actor: actor, Act: actNote, Call: id,
		With: []string{r.Agent, r.Caller}, Before: before, After: dispositionText(d)})
	return d, nil
}

// keep stores the record of a call with what was noted of it.
func (e *Engine) keep(c *Call) {
	lock := e.noting.of(c.id)
	lock.Lock()
	defer lock.Unlock()
	c.cdr.Disposition = c.noted.Load()
	for _, w := range c.worked {
		c.cdr.Talks = withWrapUp(c.cdr.Talks, w)
	}
	e.closeCDR(c.cdr)
	c.kept = true
}

// disposition is the new one of a call, if the actor may and what he says is right.
func (w *world) disposition(r store.CDR, n NoteRequest, actor string) (d store.Disposition, before string, err error) {
	if agent, ok := strings.CutPrefix(actor, "agent:"); ok && w.center.Agents[agent].Role != "supervisor" {
		if !slices.ContainsFunc(r.Talks, func(t store.Talk) bool { return t.Agent == agent }) {
			return d, "", fmt.Errorf("agent %s: %w", agent, ErrNotHis)
		}
	}
	text := strings.TrimSpace(n.Text)
	switch {
	case n.Code == "" && text == "":
		return d, "", ErrNoNote
	case len(text) > maxNotes:
		return d, "", fmt.Errorf("notes of %d bytes are too long, at most %d: %w", len(text), maxNotes, ErrBadValue)
	case strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) && r != '\n' && r != '\t' }):
		return d, "", fmt.Errorf("notes with letters that can't be shown: %w", ErrBadValue)
	}
	if r.Disposition != nil {
		d, before = *r.Disposition, dispositionText(*r.Disposition)
	}
	if n.Code != "" {
		if d.Code, err = w.dispositionCode(n.Code, r.Queue); err != nil {
			return d, "", err
		}
	}
	if text != "" {
		d.Notes = text
	}
	d.By, d.At = actor, time.Now()
	return d, before, nil
}

// dispositionCode reads a code or its digits; it must be one for the queue.
func (w *world) dispositionCode(said, queue string) (string, error) {
	all := w.center.Settings.Dispositions
	code := said
	if _, ok := all[said]; !ok {
		for _, id := range sortedKeys(all) {
			if digitsOf(id, all[id]) == said {
				code = id
			}
		}
	}
	d, ok := all[code]
	if !ok {
		return "", fmt.Errorf("%q: %w; %s", said, ErrNoCode, choice("settings.dispositions", all))
	}
	if len(d.Queues) > 0 && !slices.Contains(d.Queues, queue) {
		return "", fmt.Errorf("%q: %w for calls of queue %q; it is for %s", said, ErrNoCode, queue, strings.Join(d.Queues, ", "))
	}
	return code, nil
}

// digitsOf a disposition are dialled by phone; "" if it can't be.
func digitsOf(code string, d store.DispositionCode) string {
	if d.Digits == "" && strings.Trim(code, "0123456789") == "" {
		return code
	}
	return d.Digits
}

// dispositionText is for the audit log.
func dispositionText(d store.Disposition) string {
	return strings.TrimSpace(d.Code + " " + d.Notes)
}
