package call_test

import (
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hotline/acd"
	"hotline/acd/sim"
	"hotline/internal/simnet"
	"hotline/store"
)

// TestWhateverHappensTheDayCanBeReplayed feeds the journal of random days to a new
// ACD and compares each offer with the calls' records; then the days' people live
// them again, under the same policy, and each call must go as it went.
func TestWhateverHappensTheDayCanBeReplayed(t *testing.T) {
	offers := 0
	for seed := range uint64(12) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			dir := memoryDir(t)
			synctest.Test(t, func(t *testing.T) {
				b := newBed(t, dir, simnet.New(simnet.Options{Latency: time.Millisecond}))
				defer b.end()
				b.apply(chaosCenter())
				x := &chaos{bed: b, seed: seed}
				x.ctx = b.ctx()
				x.run()
				offers += replayed(t, b)
			})
		})
	}
	if offers < 20 {
		t.Errorf("%d offers were compared: the test proves nothing", offers)
	}
}

// replayed tells how many offers came out again as they are in the records.
func replayed(t *testing.T, b *bed) int {
	t.Helper()
	records := map[string]sim.Assigned{}
	for _, c := range b.cdrs() {
		for _, o := range c.Offers {
			_, id, _ := strings.Cut(o.ID, "-")
			records[id] = sim.Assigned{Call: acd.CallID(o.Given(c.ID)), Agent: acd.AgentID(o.Agent), Reason: o.Reason}
		}
	}
	if err := b.st.Sync(); err != nil {
		t.Fatal(err)
	}
	same, err := sim.ParsePolicy("ring_most=10") // of a strategy that no queue has
	if err != nil {
		t.Fatal(err)
	}
	r, err := sim.Replay(sim.ReplayConfig{
		Records: records, From: time.Now().Add(-time.Hour), To: time.Now(), Policy: same,
		Journal: func(f func(sim.Logged) error) error {
			var fault error
			err := b.st.ACDEvents(time.Time{}, time.Time{}, func(e store.ACDEvent) bool {
				fault = f(sim.Logged{Seq: e.Seq, At: e.At, Body: e.Body})
				return fault == nil
			})
			if err == nil {
				err = fault
			}
			return err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if r.Torn || r.Differ != 0 || r.Compared != len(records) || r.Model != 0 || r.Moved != 0 || r.Would != r.Was {
		t.Errorf("%d of %d offers differ, %d are recorded; torn %v %q; %d calls go to another agent\nwas   %+v\nwould %+v",
			r.Differ, r.Compared, len(records), r.Torn, r.Why, r.Model, r.Was, r.Would)
	}
	return r.Compared
}
