package call

import (
	"context"
	"slices"
	"time"

	"hotline/acd"
	"hotline/store"
)

// CallbackView is a callback as operators see it.
type CallbackView struct {
	store.Callback
	Position int           `json:"position,omitempty"` // in its queue, while it waits
	Wait     time.Duration `json:"wait_ns,omitempty"`  // until its turn, as expected
}

// Callbacks are those that are not over, and with all also the others, newest
// first.
func (e *Engine) Callbacks(all bool) ([]CallbackView, error) {
	ctx, cancel := context.WithTimeout(context.Background(), askTime)
	defer cancel()
	out := []CallbackView{}
	err := e.store.Callbacks(func(r store.Callback) bool {
		if all || !r.Over() {
			out = append(out, CallbackView{Callback: r})
		}
		return true
	})
	for i := range out {
		if b := e.callback(acd.CallID(out[i].ID)); b != nil {
			out[i].Callback = *b.rec.Load()
			out[i].Position, out[i].Wait, _ = e.disp.position(ctx, b.id())
		}
	}
	slices.Reverse(out)
	return out, err
}

// nameOf is the id of the call that the ACD means, which is another one than its
// name where it serves a callback.
func (e *Engine) nameOf(id acd.CallID) string {
	if b := e.callback(id); b != nil {
		if c := b.talk.Load(); c != nil {
			return c.id
		}
	}
	return string(id)
}
