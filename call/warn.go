package call

import (
	"strings"
	"time"

	"hotline/media"
)

// warning is what an agent hears of a supervisor who sits down in his call.
var warning = media.Tone{Kind: media.ToneSine, Freq1: 1400, For: 150 * time.Millisecond}

// warn lets the agents in talk hear that a supervisor is there, once for each mode
// of his, where the settings want that; the others hear nothing of it. Any goroutine
// may call it.
func (c *Call) warn() {
	if c.eng.world.Load().center.Settings.Supervision != beeps {
		return
	}
	for _, l := range c.unwarned(c.agentsInTalk()) {
		l.tell(nil, warning)
	}
}

// unwarned gives those who do not know of each supervisor yet; from now on they do.
func (c *Call) unwarned(agents []*Leg) (out []*Leg) {
	c.eng.supers.mu.Lock()
	defer c.eng.supers.mu.Unlock()
	for _, l := range agents {
		news := false
		for _, s := range c.watched.live {
			if s.seated && !s.takes && s.warned[l.id] != s.mode {
				s.warned[l.id], news = s.mode, true
			}
		}
		if news {
			out = append(out, l)
		}
	}
	return out
}

// agentsInTalk are the legs of agents who talk in the call.
func (c *Call) agentsInTalk() (out []*Leg) {
	c.eng.legs.Range(func(_, v any) bool {
		if l := v.(*Leg); l.call.Load() == c && strings.HasPrefix(l.peer, "agent:") && l.talks.Load() != 0 {
			out = append(out, l)
		}
		return true
	})
	return out
}
