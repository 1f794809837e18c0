package call

import (
	"sync/atomic"
	"time"

	"hotline/media"
)

// quietAfter is how long a leg in talk must send nothing to be called silent.
const quietAfter = 5 * time.Second

// quiet is what is known of a leg's silences in talk. The media engine's goroutine
// writes it, the call's reads it.
type quiet struct {
	now     atomic.Int64  // how long it lasts so far, ns; 0: the leg is heard
	longest atomic.Int64  // of the call so far, ns
	changed chan struct{} // now is another one
}

// silenced takes that a leg has sent nothing for so long.
func (l *Leg) silenced(d time.Duration) {
	d = l.silent(d)
	if d < quietAfter || l.held.Load() {
		return
	}
	if l.quiet.now.Swap(int64(d)) == 0 {
		l.eng.stats.Silences.Add(1)
	}
	l.quiet.longest.Store(max(l.quiet.longest.Load(), int64(d)))
	signal(l.quiet.changed)
}

// audible takes that the leg is heard again, or that its silence counts no more.
func (l *Leg) audible() {
	if l.quiet.now.Swap(0) != 0 {
		signal(l.quiet.changed)
	}
}

// listens tells operators and the log that a leg fell silent or is heard again.
func (c *Call) listens(l *Leg) {
	d := time.Duration(l.quiet.now.Load())
	switch {
	case d == 0:
		c.log.Warn("leg is heard again", "call", c.id, "leg", l.role, "peer", l.peer,
			"longest", time.Duration(l.quiet.longest.Load()).Round(time.Second).String())
	case d < 2*quietAfter: // once for each silence
		c.log.Warn("leg is silent", "call", c.id, "leg", l.role, "peer", l.peer, "for", d.Round(time.Second).String())
	}
	c.publish()
}

// silences are the legs that are silent now, for the view.
func (c *Call) silences() []SilenceView {
	var out []SilenceView
	for _, l := range append([]*Leg{c.caller}, c.legs...) {
		if l == nil {
			continue // a call that lost its caller to another one
		}
		if d := time.Duration(l.quiet.now.Load()); d > 0 {
			out = append(out, SilenceView{Leg: l.role, Peer: l.peer, Since: time.Now().Add(-d)})
		}
	}
	return out
}

// heardOf takes the events of the media engine that say whether a leg is heard.
func (l *Leg) heardOf(ev media.Event) {
	switch ev := ev.(type) {
	case media.Heard:
		l.audible()
	case media.Silent:
		if l.eng.world.Load().vanished(l.silent(ev.For)) && !l.held.Load() {
			l.end(&legEnded{status: 408, text: "no audio", died: true, sipWhy: "silence"})
		}
		l.silenced(ev.For)
	}
}
