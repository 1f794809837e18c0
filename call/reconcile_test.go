package call_test

import (
	"strings"
	"testing"
	"time"

	"hotline/store"
)

// TestNoAgentIsStuckLongerThanFiveSeconds: what the ACD keeps for a call that is
// gone is freed by the reconciler, counted and logged.
func TestNoAgentIsStuckLongerThanFiveSeconds(t *testing.T) {
	none := store.Duration(0)
	center := store.Center{
		Queues: map[string]store.Queue{"sales": {WrapUp: &none}},
		Agents: map[string]store.Agent{
			"1001": {Contact: "sip:1001@" + addrB, State: "ready", Queues: []string{"sales"}},
			"1002": {Contact: "sip:1002@" + addrC, State: "ready", Queues: []string{"sales"}},
		},
	}
	inBubble(t, center, func(b *bed) {
		if err := b.eng.Haunt("1001", "1002", "sales"); err != nil {
			t.Fatal(err)
		}
		busy := func() (n int) {
			for _, q := range b.eng.Queues() {
				n += q.Waiting + q.Talking
			}
			for _, a := range b.eng.Agents() {
				if a.State != "ready" || a.Reason != "" {
					n++
				}
			}
			return n
		}
		if got := busy(); got != 4 {
			t.Fatalf("%d calls and agents are held, want 4: the ghosts and both agents", got)
		}
		time.Sleep(time.Second)
		if got := busy(); got != 4 {
			t.Errorf("after a second %d are held, want 4: what ends by itself has time", got)
		}
		time.Sleep(4 * time.Second)
		if got := busy(); got != 0 {
			t.Errorf("after five seconds %d calls and agents are held, want none", got)
		}
		if got := b.eng.Reconciled(); got != 3 || !strings.Contains(b.log.String(), "ghost 1") {
			t.Errorf("%d events mended the ACD, want 3, with a line in the log", got)
		}
	})
}
