package sip

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestAlarmsRingInOrder(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	base := time.Unix(1e9, 0)
	var h alarms
	want := map[*alarm]time.Time{}
	var all []*alarm
	for range 300 {
		all = append(all, &alarm{})
	}
	for range 5000 {
		a := all[rnd.IntN(len(all))]
		if rnd.IntN(3) == 0 {
			h.clear(a)
			delete(want, a)
			continue
		}
		at := base.Add(time.Duration(rnd.IntN(1000)) * time.Millisecond)
		h.set(a, at)
		want[a] = at
	}
	var got, sorted []time.Time
	for _, at := range want {
		sorted = append(sorted, at)
	}
	slices.SortFunc(sorted, time.Time.Compare)
	if a := h.due(base.Add(-1)); a != nil {
		t.Fatal("an alarm rang too early")
	}
	for a := h.due(base.Add(time.Hour)); a != nil; a = h.due(base.Add(time.Hour)) {
		if a.on() || !want[a].Equal(a.at) {
			t.Fatalf("alarm of %v rang for %v, set %v", want[a], a.at, a.on())
		}
		got = append(got, a.at)
	}
	if !slices.EqualFunc(got, sorted, time.Time.Equal) {
		t.Errorf("%d alarms rang, %d were set; or out of order", len(got), len(sorted))
	}
}
