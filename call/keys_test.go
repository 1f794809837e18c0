package call_test

import (
	"testing"
	"time"

	"hotline/internal/phone"
)

// What agents press may be an order, which is nobody else's business, or a choice
// in a menu that the other side plays.
func TestTheOtherSideHearsTheKeysOfAnAgentThatAreNoOrder(t *testing.T) {
	for _, way := range []struct {
		name  string
		press func(c *phone.Call, b *bed, keys string) error
	}{
		{"telephone-events", func(c *phone.Call, b *bed, keys string) error { return c.Press(b.ctx(), keys, 100*time.Millisecond) }},
		{"INFO", func(c *phone.Call, b *bed, keys string) error {
			return c.PressInfo(b.ctx(), keys, 100*time.Millisecond)
		}},
	} {
		t.Run(way.name, func(t *testing.T) {
			for _, c := range []struct {
				press, want string
				held        bool // the caller, so that the agent hears nothing of him
			}{
				{"42", "42", false},   // at once
				{"*1", "", true},      // hold
				{"5*1", "5", true},    // what came before
				{"*A1", "*A1", false}, // no code
				{"*", "*", false},     // none either, after a pause
				{"*2777#", "", false}, // a transfer to nobody, refused
				{"#", "#", false},
			} {
				inTalk(t, func(w *watchedCall) {
					must(t, way.press(w.agent, w.bed, c.press))
					time.Sleep(5 * time.Second)
					if got := w.caller.DigitString(); got != c.want {
						t.Errorf("%q pressed: the caller has heard %q, want %q", c.press, got, c.want)
					}
					must(t, w.caller.Press(w.ctx(), "*19", 100*time.Millisecond))
					time.Sleep(5 * time.Second)
					if got := w.agent.DigitString(); got != "*19" && !c.held {
						t.Errorf("%q pressed: the agent has heard %q of the caller, want *19", c.press, got)
					}
				})
			}
		})
	}
}
