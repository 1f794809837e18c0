package storetest

import (
	"encoding/json"
	"testing"
	"time"

	"hotline/store"
)

func emptyStore(t *testing.T, s store.Store, next func(store.Store) store.Store) {
	for range 2 {
		objects, revision, err := s.Objects()
		must(t, err)
		same(t, "objects and revision", []any{len(objects), revision}, []int{0, 0})
		same(t, "changes", len(read(t, func() ([]store.Change, error) { return s.Changes(0) })), 0)
		same(t, "calls", cdrIDs(t, s, store.Filter{}), "[]")
		same(t, "recordings", len(collect(t, func(f func(store.Recording) bool) error { return s.Recordings(store.Filter{}, f) })), 0)
		same(t, "journals", len(read(t, s.Journals)), 0)
		same(t, "evaluations", len(collect(t, s.Evaluations)), 0)
		same(t, "customers", len(collect(t, s.Customers)), 0)
		same(t, "accounts", len(read(t, s.Accounts)), 0)
		same(t, "bindings", len(read(t, s.Bindings)), 0)
		same(t, "statuses", len(read(t, s.AgentStatuses)), 0)
		same(t, "events", len(events(t, s, time.Time{}, time.Time{})), 0)
		must(t, s.TrimACD(at(0)))
		must(t, s.Sync())
		s = next(s)
	}
}

// full is a CDR with all that one can have.
func full() store.CDR {
	c := cdr("call-1", 0)
	c.Node, c.Name, c.Language, c.Recording, c.Recovered, c.Trace = "n1", "王芳 <x>", "zh", "rec-1", true, "menu 2s > talk 8s"
	c.Answered = at(1).In(time.FixedZone("here", 3600))
	c.Path = []string{"welcome", "sales"}
	c.Offers = []store.Offer{{ID: "o", Agent: "1001", Queue: "sales", Began: at(2), Result: "declined", Reason: json.RawMessage(`{"rule":"idle","idle":12.5}`)}}
	c.Talks = []store.Talk{{Agent: "1001", Queue: "sales", Began: at(3), Ended: at(9)}}
	c.Ratings = []store.Rating{{Item: "service", Stars: 5}}
	c.Control, c.Category, c.Chosen = true, "knowledge", "1001"
	return c
}

func roundTrip(t *testing.T, s store.Store, next func(store.Store) store.Store) {
	var (
		recording  = store.Recording{ID: "rec-1", Call: "call-1", Path: "2026/rec-1.wav", Began: at(3), Length: store.Duration(6 * time.Second), SHA256: "ab", Torn: true}
		evaluation = store.Evaluation{ID: "call-1/caller", Call: "call-1", Side: "caller", Agent: "1001", Customer: "+15550100", Items: map[string]int{"a": 5, "b": 4}, At: at(20)}
		customer   = store.Customer{ID: "+15550100", Name: "Ann", Language: "en", Calls: 3, First: at(0), Last: at(9), Agent: "1001",
			Tier: "gold", Preferred: "1002", Never: []string{"1003"}, Notes: "calls on Mondays"}
		account = store.Account{User: "1001", Realm: "r", HA1MD5: "a", HA1SHA256: "b", Changed: at(4)}
		binding = store.Binding{ID: "1001 sip:1@h", User: "1001", Body: json.RawMessage(`{"path":["a"]}`)}
		status  = store.AgentStatus{ID: "1001", State: "not ready", Reason: "lunch", Since: at(5)}
		journal = store.Journal{Call: "call-2", CDR: full(), Dialogs: []json.RawMessage{json.RawMessage(`{"tag":"x"}`)}, Recording: &recording, Updated: at(6)}
		event   = store.ACDEvent{Seq: 1 << 63, At: at(7), Kind: "ready", Body: json.RawMessage(`{"agent":"1001"}`)}
		meta    = []byte{0, 255, '"'}
	)
	must(t, s.PutCDR(full()))
	must(t, s.PutRecording(recording))
	must(t, s.PutEvaluation(evaluation))
	must(t, s.PutCustomer(customer))
	must(t, s.PutAccount(account))
	must(t, s.PutMeta("realm", meta))
	must(t, s.PutMeta("empty", nil))
	s.LogBinding(binding)
	s.LogAgentStatus(status)
	s.LogJournal(journal)
	s.LogACD([]store.ACDEvent{event})
	must(t, s.Sync())
	for range 2 {
		same(t, "cdr", read(t, func() (store.CDR, error) { return s.CDR("call-1") }), full())
		same(t, "recording", read(t, func() (store.Recording, error) { return s.Recording("rec-1") }), recording)
		same(t, "evaluations", collect(t, s.Evaluations), []store.Evaluation{evaluation})
		same(t, "customer", read(t, func() (store.Customer, error) { return s.Customer("+15550100") }), customer)
		same(t, "accounts", read(t, s.Accounts), []store.Account{account})
		same(t, "bindings", read(t, s.Bindings), []store.Binding{binding})
		same(t, "statuses", read(t, s.AgentStatuses), []store.AgentStatus{status})
		same(t, "journals", read(t, s.Journals), []store.Journal{journal})
		same(t, "events", events(t, s, time.Time{}, time.Time{}), []store.ACDEvent{event})
		same(t, "meta", read(t, func() ([]byte, error) { return s.Meta("realm") }), meta)
		same(t, "length of empty meta", len(read(t, func() ([]byte, error) { return s.Meta("empty") })), 0)
		s = next(s)
	}
}

func writesTwice(t *testing.T, s store.Store, next func(store.Store) store.Store) {
	for range 2 {
		must(t, s.PutCDR(cdr("a", 1)))
		must(t, s.PutRecording(store.Recording{ID: "a", Began: at(1)}))
		must(t, s.PutEvaluation(store.Evaluation{ID: "a", At: at(1)}))
		must(t, s.PutCustomer(store.Customer{ID: "a"}))
		must(t, s.PutAccount(store.Account{User: "a"}))
		must(t, s.PutMeta("a", []byte("v")))
		s.LogBinding(store.Binding{ID: "a", Body: json.RawMessage(`1`)})
		s.LogAgentStatus(store.AgentStatus{ID: "a"})
		s.LogJournal(store.Journal{Call: "b"})
		s.LogACD([]store.ACDEvent{{Seq: 1, At: at(1), Body: json.RawMessage(`1`)}})
		s = next(s)
	}
	same(t, "calls", cdrIDs(t, s, store.Filter{}), "[a]")
	counts := []int{
		len(collect(t, func(f func(store.Recording) bool) error { return s.Recordings(store.Filter{}, f) })),
		len(collect(t, s.Evaluations)), len(collect(t, s.Customers)), len(read(t, s.Accounts)), len(read(t, s.Bindings)),
		len(read(t, s.AgentStatuses)), len(read(t, s.Journals)), len(events(t, s, time.Time{}, time.Time{})),
	}
	same(t, "recordings, evaluations, customers, accounts, bindings, statuses, journals, events", counts, []int{1, 1, 1, 1, 1, 1, 1, 1})
}

func notFound(t *testing.T, s store.Store, _ func(store.Store) store.Store) {
	must(t, s.PutCDR(cdr("a", 1)))
	for _, id := range []string{"b", "", "aa", "a\x00"} {
		_, err := s.CDR(id)
		wantNotFound(t, "cdr", err)
		_, err = s.Recording(id)
		wantNotFound(t, "recording", err)
		_, err = s.Customer(id)
		wantNotFound(t, "customer", err)
		_, err = s.Evaluation(id)
		wantNotFound(t, "evaluation", err)
		_, err = s.Meta(id)
		wantNotFound(t, "meta", err)
	}
	if err := s.PutCDR(store.CDR{}); err == nil {
		t.Error("a record without an id: got no error, want one")
	}
}

// unusualIDs holds for whatever the outside chooses: numbers and contacts.
func unusualIDs(t *testing.T, s store.Store, next func(store.Store) store.Store) {
	ids := []string{"a", "a\x00", "a\x00b", "ab", "A", "\xff\xfe", "anonymous", "sip:a@b;x=\"<&>\"", "王芳", " "}
	for i, id := range ids {
		must(t, s.PutCustomer(store.Customer{ID: id, Calls: i, Name: id}))
		must(t, s.PutMeta(id, []byte{byte(i)}))
	}
	s = next(s)
	for i, id := range ids {
		same(t, "calls of "+id, read(t, func() (store.Customer, error) { return s.Customer(id) }).Calls, i)
		same(t, "meta of "+id, read(t, func() ([]byte, error) { return s.Meta(id) }), []byte{byte(i)})
	}
}
