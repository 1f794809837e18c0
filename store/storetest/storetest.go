// Package storetest is the conformance suite of stores: whatever passes [Run] is
// a [store.Store], and the engine works with it.
//
// The suite tests what the interface promises, not how: reads may be served from
// memory, and what a killed process leaves behind is for each implementation to
// prove.
package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"hotline/store"
)

// Open makes an empty store. It closes it in a cleanup of t, which is no error
// for a store that is closed already.
type Open func(t *testing.T) store.Store

// Reopen closes a store and opens it again, as the next process would.
type Reopen func(t *testing.T, s store.Store) store.Store

// Run proves that the stores that open makes are as package store says.
func Run(t *testing.T, open Open, reopen Reopen) {
	for _, c := range []struct {
		name string
		test func(*testing.T, store.Store, func(store.Store) store.Store)
	}{
		{"an empty store says not found and lists nothing", emptyStore},
		{"a record reads as it was written, also by the next process", roundTrip},
		{"writing a record twice is writing it once", writesTwice},
		{"an id that was not written is not found", notFound},

		{"call records come newest first", cdrOrder},
		{"a record that began at another time moves in the list", cdrMoves},
		{"filters pick by time, agent, queue and caller", cdrFilters},
		{"a limit ends the list, and so does the reader", cdrLimit},
		{"a long list of call records has no gap and no double", cdrMany},
		{"recordings are listed like calls", recordings},

		{"call records are found by caller and by agent", cdrIndexed},
		{"evaluations are found by agent and by customer, newest first", evaluationsOf},

		{"evaluations come oldest first and are replaced by id", evaluations},
		{"customers and accounts are replaced and deleted", people},
		{"bindings follow the last word", bindings},
		{"agent statuses are the last ones", statuses},

		{"messages and callbacks are kept, changed and deleted", left},
		{"audit entries are added, found and never changed", audits},

		{"a journal is replaced until the call's record is written", journals},
		{"a journal that waits never comes back after the call's record", journalRace},
		{"log writes keep their order", logOrder},
		{"ACD events come in order and are trimmed by time", acdEvents},
		{"a closed store has written everything", closeWrites},

		{"a change of the center is made at once or not at all", changeAtomic},
		{"revisions count the changes", revisions},
		{"objects are listed by kind and id", objectOrder},
		{"a prompt of 2 MB is kept", bigValues},
		{"unusual ids and texts are kept apart", unusualIDs},

		{"many callers write and read at once", concurrent},
		{"a reader may write", writesWhileReading},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.test(t, open(t), func(s store.Store) store.Store { return reopen(t, s) })
		})
	}
	t.Run("a log write is there after the log delay", func(t *testing.T) { logDelay(t, open) })
}

// begin is the instant that the tests count from; its nanoseconds must survive.
var begin = time.Date(2026, 3, 29, 0, 59, 59, 123456789, time.UTC)

func at(seconds int) time.Time { return begin.Add(time.Duration(seconds) * time.Second) }

// cdr makes a record of a call that began some seconds after begin.
func cdr(id string, second int) store.CDR {
	return store.CDR{ID: id, Began: at(second), Ended: at(second + 10), Caller: "+15550100", Called: "4001", Agent: "1001",
		Queue: "sales", Stages: []store.Stage{{Name: "talk", Began: at(second), Ended: at(second + 10)}},
		Legs: []store.Leg{{ID: id + "-1", Role: "caller", In: 500, Jitter: store.Duration(3 * time.Millisecond)}}, Cause: store.Cause{Text: "normal", Blame: "caller"}}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// text is how the tests compare values.
func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if g, w := text(got), text(want); g != w {
		t.Errorf("%s: got %s, want %s", what, g, w)
	}
}

func wantNotFound(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, store.ErrNotFound) {
		t.Errorf("%s: got error %v, want one that wraps ErrNotFound", what, err)
	}
}

// collect lists what an iteration gives.
func collect[T any](t *testing.T, each func(func(T) bool) error) []T {
	t.Helper()
	list := []T{}
	must(t, each(func(v T) bool {
		list = append(list, v)
		return true
	}))
	return list
}

// cdrIDs lists the ids of the records that f picks, in one line.
func cdrIDs(t *testing.T, s store.Store, f store.Filter) string {
	t.Helper()
	ids := []string{}
	must(t, s.CDRs(f, func(c store.CDR) bool {
		ids = append(ids, c.ID)
		return true
	}))
	return fmt.Sprint(ids)
}

// read gives the value or fails the test.
func read[T any](t *testing.T, f func() (T, error)) T {
	t.Helper()
	v, err := f()
	must(t, err)
	return v
}
