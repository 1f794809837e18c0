package call

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"hotline/media"
	"hotline/store"
)

// ErrNoTalk is why the keys of a call's caller can't be masked.
var ErrNoTalk = errors.New("is not in talk")

// actMask and actUnmask are in the audit log: which part of a recording is
// without keys, and who wanted that.
const (
	actMask   = "mask"
	actUnmask = "unmask"
)

// mask keeps the keys of a leg out of recordings and from other ears, while a
// flow asks for a secret or somebody in talk wants it.
type mask struct {
	mu     sync.Mutex // guards what follows, and the order of the commands
	talks  bool       // in talk: wanted may be set
	wanted bool
	secret bool
}

// change does something to the mask and tells the media engine, which never
// blocks, if it is another one then.
func (l *Leg) change(f func(*mask)) {
	m := &l.mask
	m.mu.Lock()
	defer m.mu.Unlock()
	was := m.wanted || m.secret
	f(m)
	if is := m.wanted || m.secret; is != was {
		l.eng.media.Do(media.MaskDigits{Leg: l.id, On: is})
	}
}

func (l *Leg) masked() bool {
	l.mask.mu.Lock()
	defer l.mask.mu.Unlock()
	return l.mask.wanted || l.mask.secret
}

// Secret makes line an ivr.Line.
func (n line) Secret(on bool) { n.l.change(func(m *mask) { m.secret = on }) }

// Mask keeps the keys of a call's caller, who is in talk, out of the recording
// and from the agent's ears, or no longer. ref is as in Supervise.
func (e *Engine) Mask(ref string, on bool, actor string) (CallView, error) {
	c, err := e.find(ref)
	if err != nil {
		return CallView{}, err
	}
	if !c.mask(on, actor) {
		return CallView{}, fmt.Errorf("call %s: %w", ref, ErrNoTalk)
	}
	v := c.shown()
	v.Masked = c.masked()
	return v, nil
}

// mask is false if the call is not in talk.
func (c *Call) mask(on bool, actor string) (ok bool) {
	l := c.front.Load()
	if l == nil {
		return false
	}
	changed := false
	l.change(func(m *mask) {
		if ok = m.talks; ok {
			changed = m.wanted != on
			m.wanted = on
		}
	})
	if !changed {
		return ok
	}
	act := actMask
	if !on {
		act = actUnmask
	}
	now, v := time.Now(), c.shown()
	c.log.Info(act, "call", c.id, "actor", actor)
	c.eng.store.LogAudit(store.Audit{ID: store.NewID(now), At: now, Actor: actor, Act: act, Agent: v.Agent, Call: c.id,
		With: []string{v.Caller}, Stage: v.Stage})
	return ok
}

// maskKeys lets the agent's key switch the mask; he hears one beep when it
// begins, two when it ends.
func (s talkStage) maskKeys(c *Call) {
	on := !c.caller.masked()
	if !c.mask(on, "agent:"+s.agent) {
		return
	}
	beeps := []string{"beep"}
	if !on {
		beeps = append(beeps, "beep")
	}
	s.leg.tell(c.eng.clips(c.lang, beeps), media.Tone{})
}

// masked is asked on any goroutine.
func (c *Call) masked() bool {
	l := c.front.Load()
	return l != nil && l.masked()
}
