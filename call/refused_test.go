package call_test

import (
	"testing"
	"time"
)

// A trunk's call that is turned away leaves a record too; a stranger's leaves none.
func TestACallThatIsTurnedAwayLeavesARecord(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		A.call("4999", A.sdp(30000)).refused(404, time.Second)
		B.call("4003", B.sdp(30000)).response(401, "INVITE", time.Second)
		all := b.cdrs()
		if len(all) != 1 {
			t.Fatalf("got %d CDRs, want the trunk's one", len(all))
		}
		c := all[0]
		if c.Cause.Status != 404 || c.Cause.Blame != "caller" || c.Called != "4999" || c.From != "trunk:world" ||
			c.Trace != "refused; end: number not in service" || len(c.Legs) != 1 {
			t.Errorf("got %+v", c)
		}
	})
}
