package storetest

import (
	"fmt"
	"testing"

	"hotline/store"
)

func audits(t *testing.T, s store.Store, next func(store.Store) store.Store) {
	entry := func(id string, second int, agent string, with ...string) store.Audit {
		return store.Audit{ID: id, At: at(second), Actor: "cli", Act: "supervise", Agent: agent, Call: "c1", With: with, Mode: "listen"}
	}
	must(t, s.PutAudit(entry("a", 1, "9001", "1001", "+100")))
	s.LogAudit(entry("b", 2, "9002", "1002", "+100"))
	s.LogAudit(entry("c", 3, "9001", "1002", "+200"))
	must(t, s.PutAudit(entry("d", 4, "9001")))
	if err := s.PutAudit(entry("a", 9, "9009")); err == nil {
		t.Error("an entry was written twice, want an error")
	}
	s.LogAudit(entry("b", 9, "9009"))
	must(t, s.Sync())
	s = next(s)
	for _, c := range []struct {
		name   string
		filter store.Filter
		want   string
	}{
		{"all", store.Filter{}, "[d c b a]"},
		{"a supervisor", store.Filter{Agent: "9001"}, "[d c a]"},
		{"an agent who was listened to", store.Filter{Agent: "1002"}, "[c b]"},
		{"a caller", store.Filter{Caller: "+100"}, "[b a]"},
		{"a queue, which entries don't know", store.Filter{Queue: "sales"}, "[]"},
		{"span", store.Filter{From: at(2), To: at(4)}, "[c b]"},
		{"limit", store.Filter{Limit: 2}, "[d c]"},
	} {
		ids := []string{}
		must(t, s.Audits(c.filter, func(a store.Audit) bool { ids = append(ids, a.ID); return true }))
		same(t, c.name, fmt.Sprint(ids), c.want)
	}
	for _, a := range collect(t, func(f func(store.Audit) bool) error { return s.Audits(store.Filter{}, f) }) {
		if a.ID == "a" {
			same(t, "an entry", a, entry("a", 1, "9001", "1001", "+100"))
		}
	}
}
