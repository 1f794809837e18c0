package call

import (
	"strings"

	"hotline/store"
)

// hides tells whether a call out over a trunk shows no number (CLIR): as the trunk,
// the agent or the call says. A caller from outside who hides his own stays hidden.
func (c *Call) hides(w *world, t store.Trunk) bool {
	return t.Hide || c.hidden || w.center.Agents[c.manned].Hide || c.inc != nil && c.manned == "" && c.inc.Private
}

// unhidden is a number dialled without the code that hides the caller's own, and
// whether that was in front.
func (w *world) unhidden(number string) (string, bool) {
	code := w.codes().Hide
	rest, ok := strings.CutPrefix(number, code)
	if code == "" || !ok || !dialable(rest) {
		return number, false
	}
	return rest, true
}
