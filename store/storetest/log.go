package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hotline/store"
)

// parallel runs f(0) to f(n-1), 32 at a time.
func parallel(t *testing.T, n int, f func(int) error) {
	t.Helper()
	var wg sync.WaitGroup
	const workers = 32
	for w := range workers {
		wg.Go(func() { // ends by itself; parallel waits for it
			for i := w; i < n; i += workers {
				if err := f(i); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func event(seq uint64, at time.Time) store.ACDEvent {
	return store.ACDEvent{Seq: seq, At: at, Kind: "call", Body: json.RawMessage(fmt.Sprintf(`{"n":%d}`, seq))}
}

func events(t *testing.T, s store.Store, from, to time.Time) []store.ACDEvent {
	t.Helper()
	return collect(t, func(f func(store.ACDEvent) bool) error { return s.ACDEvents(from, to, f) })
}

// seqs lists the numbers of the events in a span, in one line.
func seqs(t *testing.T, s store.Store, from, to time.Time) string {
	t.Helper()
	out := []uint64{}
	for _, e := range events(t, s, from, to) {
		out = append(out, e.Seq)
	}
	return fmt.Sprint(out)
}

func journals(t *testing.T, s store.Store, next func(store.Store) store.Store) {
	list := func() string {
		out := []string{}
		for _, j := range read(t, s.Journals) {
			out = append(out, fmt.Sprint(j.Call, "@", j.Updated.Sub(begin)))
		}
		return fmt.Sprint(out)
	}
	s.LogJournal(store.Journal{Call: "b", Updated: at(1)})
	s.LogJournal(store.Journal{Call: "a", Updated: at(1)})
	s.LogJournal(store.Journal{Call: "b", Updated: at(2)})
	must(t, s.Sync())
	same(t, "journals", list(), "[a@1s b@2s]")
	s = next(s)
	same(t, "in the next process", list(), "[a@1s b@2s]")
	must(t, s.PutCDR(cdr("b", 0)))
	same(t, "after the record of b", list(), "[a@1s]")
	s.LogJournal(store.Journal{Call: "a", Updated: at(3)})
	s = next(s)
	same(t, "after a later journal of a", list(), "[a@3s]")
	must(t, s.PutCDR(cdr("a", 0)))
	same(t, "after both records", list(), "[]")
	same(t, "in the next process", len(read(t, next(s).Journals)), 0)
}

func journalRace(t *testing.T, s store.Store, next func(store.Store) store.Store) {
	const calls = 200
	parallel(t, calls, func(i int) error {
		id := fmt.Sprint(i)
		for step := range 5 {
			s.LogJournal(store.Journal{Call: id, Updated: at(step)})
		}
		return s.PutCDR(cdr(id, i))
	})
	same(t, "journals", len(read(t, s.Journals)), 0)
	must(t, s.Sync())
	same(t, "journals after a sync", len(read(t, s.Journals)), 0)
	s = next(s)
	same(t, "journals in the next process", len(read(t, s.Journals)), 0)
	same(t, "records", len(collect(t, func(f func(store.CDR) bool) error { return s.CDRs(store.Filter{}, f) })), calls)
}

func logOrder(t *testing.T, s store.Store, next func(store.Store) store.Store) {
	const rounds = 300
	for i := range rounds {
		s.LogBinding(store.Binding{ID: "b", Body: json.RawMessage(fmt.Sprint(i))})
		s.LogJournal(store.Journal{Call: "j", Updated: at(i)})
		s.LogAgentStatus(store.AgentStatus{ID: "a", Since: at(i)})
		if i%50 == 0 {
			must(t, s.Sync())
		}
		if i%2 == 0 {
			s.LogUnbind("b")
		}
	}
	s = next(s)
	same(t, "binding", read(t, s.Bindings), []store.Binding{{ID: "b", Body: json.RawMessage(fmt.Sprint(rounds - 1))}})
	same(t, "journal", read(t, s.Journals)[0].Updated, at(rounds-1))
	same(t, "status", read(t, s.AgentStatuses)[0].Since, at(rounds-1))
}

func acdEvents(t *testing.T, s store.Store, next func(store.Store) store.Store) {
	s.LogACD(nil)
	s.LogACD([]store.ACDEvent{event(1, at(1)), event(2, at(1)), event(3, at(2))})
	s.LogACD([]store.ACDEvent{event(300, at(3)), event(4, at(3))})
	s.LogACD([]store.ACDEvent{event(5, at(4))})
	s = next(s)
	var none time.Time
	for _, c := range []struct {
		name     string
		from, to time.Time
		want     string
	}{
		{"all, of one time by number", none, none, "[1 2 3 4 300 5]"},
		{"from is inclusive", at(3), none, "[4 300 5]"},
		{"to is exclusive", none, at(3), "[1 2 3]"},
		{"both", at(2), at(3), "[3]"},
	} {
		same(t, c.name, seqs(t, s, c.from, c.to), c.want)
	}
	seen := 0
	must(t, s.ACDEvents(none, none, func(store.ACDEvent) bool { seen++; return seen < 3 }))
	same(t, "events read until false", seen, 3)
	must(t, s.TrimACD(at(3)))
	same(t, "after the trim", seqs(t, s, none, none), "[4 300 5]")
	for i := range 50 { // more than a store deletes at once
		many := make([]store.ACDEvent, 200)
		for k := range many {
			many[k] = event(uint64(i*200+k), at(100+i))
		}
		s.LogACD(many)
	}
	must(t, s.Sync())
	same(t, "events", len(events(t, s, none, none)), 10003)
	must(t, s.TrimACD(at(149)))
	same(t, "after the long trim", len(events(t, s, none, none)), 200)
	same(t, "in the next process", len(events(t, next(s), none, none)), 200)
}

func logDelay(t *testing.T, open Open) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		for i := range 3 {
			id := fmt.Sprint(i)
			s.LogJournal(store.Journal{Call: id})
			s.LogBinding(store.Binding{ID: id, Body: json.RawMessage("1")})
			s.LogAgentStatus(store.AgentStatus{ID: id})
			s.LogACD([]store.ACDEvent{event(uint64(i), at(i))})
			time.Sleep(store.LogDelay + time.Millisecond)
			same(t, "journals, bindings, statuses, events",
				[]int{len(read(t, s.Journals)), len(read(t, s.Bindings)), len(read(t, s.AgentStatuses)), len(events(t, s, time.Time{}, time.Time{}))},
				[]int{i + 1, i + 1, i + 1, i + 1})
		}
		must(t, s.Close())
	})
}

func closeWrites(t *testing.T, s store.Store, next func(store.Store) store.Store) {
	for i := range 500 {
		s.LogACD([]store.ACDEvent{event(uint64(i), at(i))})
	}
	again := next(s)
	same(t, "events", len(events(t, again, time.Time{}, time.Time{})), 500)
	must(t, s.Close()) // closed already: no error
	s.LogUnbind("a")   // does nothing
	for name, err := range map[string]error{
		"put":  s.PutCDR(cdr("a", 1)),
		"sync": s.Sync(),
		"list": s.CDRs(store.Filter{}, func(store.CDR) bool { return true }),
	} {
		if !errors.Is(err, store.ErrClosed) {
			t.Errorf("%s after close: got error %v, want ErrClosed", name, err)
		}
	}
}

func concurrent(t *testing.T, s store.Store, next func(store.Store) store.Store) {
	const n = 320
	parallel(t, n, func(i int) error {
		id := fmt.Sprint(i / 2) // two write each record
		s.LogJournal(store.Journal{Call: id})
		s.LogACD([]store.ACDEvent{event(uint64(i), at(i))})
		err := errors.Join(s.PutCDR(cdr(id, i/2)), s.PutCustomer(store.Customer{ID: id}))
		_, notThere := s.CDR(id)
		switch i % 8 {
		case 0:
			_, e := s.Change([]store.Object{object(store.KindAgent, id, "{}")}, nil, "ann", at(i))
			err = errors.Join(err, e)
		case 1:
			err = errors.Join(err, s.CDRs(store.Filter{Limit: 5}, func(store.CDR) bool { return true }))
		case 2:
			_, e := s.Journals()
			err = errors.Join(err, e, s.Sync())
		case 3:
			err = errors.Join(err, s.PutEvaluation(store.Evaluation{ID: id, At: at(i)}))
		}
		return errors.Join(err, notThere)
	})
	s = next(s)
	_, revision, err := s.Objects()
	must(t, err)
	counts := []int{
		len(collect(t, func(f func(store.CDR) bool) error { return s.CDRs(store.Filter{}, f) })), len(collect(t, s.Customers)),
		len(events(t, s, time.Time{}, time.Time{})), len(collect(t, s.Evaluations)), int(revision),
	}
	same(t, "calls, customers, events, evaluations, revision", counts, []int{n / 2, n / 2, n, n / 8, n / 8})
}

func writesWhileReading(t *testing.T, s store.Store, _ func(store.Store) store.Store) {
	for i := range 10 {
		must(t, s.PutCDR(cdr(fmt.Sprint("a", i), i)))
		must(t, s.PutCustomer(store.Customer{ID: fmt.Sprint(i)}))
	}
	big := make([]byte, 1<<20)
	seen := 0
	must(t, s.CDRs(store.Filter{}, func(c store.CDR) bool {
		seen++
		must(t, s.PutMeta(c.ID, big)) // makes a file grow
		must(t, s.PutCDR(c))
		return true
	}))
	same(t, "calls read", seen, 10)
	must(t, s.Customers(func(c store.Customer) bool {
		c.Calls++
		must(t, s.PutCustomer(c))
		return true
	}))
	same(t, "calls of a customer", read(t, func() (store.Customer, error) { return s.Customer("3") }).Calls, 1)
}
