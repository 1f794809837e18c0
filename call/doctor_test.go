package call_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"hotline/call"
)

func TestDoctorNamesTheLegThatIsNotHeard(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		a, leg, sa, sb := audible(b, A, B)
		find := func() string {
			for _, f := range b.eng.Doctor(context.Background()) {
				if f.Check == "calls" {
					return f.Result + " " + f.What
				}
			}
			return ""
		}
		converse(6*time.Second, map[*sound]float64{sa: 500, sb: 700})
		if got := find(); got != call.Pass+" 1 run, each side is heard" {
			t.Errorf("while both talk: got %q", got)
		}
		converse(8*time.Second, map[*sound]float64{sa: 500}) // B is not heard
		if got := find(); !strings.HasPrefix(got, call.Fail) || !strings.Contains(got, "nothing has come from its agent (agent:1001) for 8s: one-way audio") {
			t.Errorf("while B is silent: got %q", got)
		}
		a.bye()
		leg.hungUp(time.Second)
		b.oneCDR()
	})
}
