package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hotline/store"
)

func cdrOrder(t *testing.T, s store.Store, next func(store.Store) store.Store) {
	for _, c := range []store.CDR{cdr("b", 5), cdr("d", 9), cdr("a", 7), cdr("c", 7), cdr("old", -3600)} {
		must(t, s.PutCDR(c))
	}
	const want = "[d c a b old]" // of the same time: by falling id
	same(t, "order", cdrIDs(t, s, store.Filter{}), want)
	same(t, "order in the next process", cdrIDs(t, next(s), store.Filter{}), want)
}

func cdrMoves(t *testing.T, s store.Store, _ func(store.Store) store.Store) {
	must(t, s.PutCDR(cdr("a", 1)))
	must(t, s.PutCDR(cdr("b", 2)))
	must(t, s.PutCDR(cdr("a", 3)))
	same(t, "order", cdrIDs(t, s, store.Filter{}), "[a b]")
	same(t, "from second 2 on", cdrIDs(t, s, store.Filter{From: at(2)}), "[a b]")
	same(t, "up to second 2", cdrIDs(t, s, store.Filter{To: at(2)}), "[]")
}

func cdrFilters(t *testing.T, s store.Store, _ func(store.Store) store.Store) {
	for i, c := range []struct{ id, caller, agent, queue string }{
		{"a", "100", "1001", "sales"},
		{"b", "200", "1002", "sales"},
		{"c", "100", "1002", "help"},
		{"d", "100", "", ""},
		{"e", "1001", "10", `sa"les`},
	} {
		r := cdr(c.id, i)
		r.Caller, r.Agent, r.Queue = c.caller, c.agent, c.queue
		if c.id == "c" { // first with 1001 in sales, then transferred
			r.Talks = []store.Talk{{Agent: "1001", Queue: "sales"}, {Agent: "1002", Queue: "help"}}
		}
		must(t, s.PutCDR(r))
	}
	for _, c := range []struct {
		name   string
		filter store.Filter
		want   string
	}{
		{"all", store.Filter{}, "[e d c b a]"},
		{"from is inclusive", store.Filter{From: at(3)}, "[e d]"},
		{"to is exclusive", store.Filter{To: at(1)}, "[a]"},
		{"from and to", store.Filter{From: at(1), To: at(3)}, "[c b]"},
		{"to a nanosecond later", store.Filter{From: at(1), To: at(1).Add(time.Nanosecond)}, "[b]"},
		{"nothing in the span", store.Filter{From: at(50), To: at(60)}, "[]"},
		{"the span ends before it begins", store.Filter{From: at(3), To: at(1)}, "[]"},
		{"agent, also one who transferred", store.Filter{Agent: "1001"}, "[c a]"},
		{"queue, also one before the transfer", store.Filter{Queue: "sales"}, "[c b a]"},
		{"queue with a quote", store.Filter{Queue: `sa"les`}, "[e]"},
		{"caller", store.Filter{Caller: "100"}, "[d c a]"},
		{"all of them", store.Filter{From: at(1), Agent: "1002", Queue: "sales", Caller: "200"}, "[b]"},
		{"with a limit", store.Filter{Caller: "100", Limit: 2}, "[d c]"},
		{"unknown agent", store.Filter{Agent: "9"}, "[]"},
	} {
		same(t, c.name, cdrIDs(t, s, c.filter), c.want)
	}
}

func cdrLimit(t *testing.T, s store.Store, _ func(store.Store) store.Store) {
	for i := range 5 {
		must(t, s.PutCDR(cdr(fmt.Sprint(i), i)))
	}
	same(t, "limit 1", cdrIDs(t, s, store.Filter{Limit: 1}), "[4]")
	same(t, "limit 5", cdrIDs(t, s, store.Filter{Limit: 5}), "[4 3 2 1 0]")
	same(t, "limit 9", cdrIDs(t, s, store.Filter{Limit: 9}), "[4 3 2 1 0]")
	seen := 0
	must(t, s.CDRs(store.Filter{}, func(store.CDR) bool { seen++; return seen < 2 }))
	same(t, "records read until false", seen, 2)
}

func cdrMany(t *testing.T, s store.Store, _ func(store.Store) store.Store) {
	const n = 700 // more than a store reads at once
	var want []string
	parallel(t, n, func(i int) error {
		c := cdr(fmt.Sprintf("%04d", i), i/3)
		c.Agent = fmt.Sprint(i % 7)
		return s.PutCDR(c)
	})
	for i := n - 1; i >= 0; i-- {
		want = append(want, fmt.Sprintf("%04d", i))
	}
	same(t, "ids", cdrIDs(t, s, store.Filter{}), fmt.Sprint(want))
	want = slices.DeleteFunc(want, func(id string) bool {
		var i int
		fmt.Sscan("1"+id, &i) // not octal
		return (i-10000)%7 != 3
	})
	same(t, "ids of agent 3", cdrIDs(t, s, store.Filter{Agent: "3"}), fmt.Sprint(want))
}

func recordings(t *testing.T, s store.Store, next func(store.Store) store.Store) {
	put := func(id string, second int, agent, queue string) {
		must(t, s.PutRecording(store.Recording{ID: id, Call: "c-" + id, Path: id + ".wav", Agent: agent, Queue: queue, Began: at(second), Bytes: 1 << 40}))
	}
	put("a", 1, "1001", "sales")
	put("b", 2, "1002", "sales")
	put("c", 3, "1001", "help")
	put("b", 4, "1002", "sales")
	s = next(s)
	for _, c := range []struct {
		name   string
		filter store.Filter
		want   string
	}{
		{"all", store.Filter{}, "[b c a]"},
		{"agent", store.Filter{Agent: "1001"}, "[c a]"},
		{"queue", store.Filter{Queue: "sales", Limit: 1}, "[b]"},
		{"span", store.Filter{From: at(1), To: at(3)}, "[a]"},
		{"a caller, whom recordings don't know", store.Filter{Caller: "100"}, "[]"},
	} {
		ids := []string{}
		must(t, s.Recordings(c.filter, func(r store.Recording) bool { ids = append(ids, r.ID); return true }))
		same(t, c.name, fmt.Sprint(ids), c.want)
	}
	r, err := s.Recording("c")
	must(t, err)
	same(t, "bytes", r.Bytes, 1<<40)
}

func evaluations(t *testing.T, s store.Store, next func(store.Store) store.Store) {
	put := func(id string, second, stars int) {
		must(t, s.PutEvaluation(store.Evaluation{ID: id, Call: id, Side: "caller", Agent: "1001", Items: map[string]int{"service": stars}, At: at(second)}))
	}
	list := func() string {
		out := []string{}
		must(t, s.Evaluations(func(e store.Evaluation) bool {
			out = append(out, fmt.Sprint(e.ID, "=", e.Items["service"]))
			return true
		}))
		return fmt.Sprint(out)
	}
	put("b", 2, 5)
	put("a", 1, 4)
	put("d", 3, 1)
	put("c", 3, 2)
	same(t, "order", list(), "[a=4 b=5 c=2 d=1]")
	put("a", 9, 3)
	must(t, s.DeleteEvaluation("d"))
	must(t, s.DeleteEvaluation("d"))
	must(t, s.DeleteEvaluation("never"))
	same(t, "after a replacement and a deletion", list(), "[b=5 c=2 a=3]")
	s = next(s)
	same(t, "in the next process", list(), "[b=5 c=2 a=3]")
	seen := 0
	must(t, s.Evaluations(func(store.Evaluation) bool { seen++; return false }))
	same(t, "read until false", seen, 1)
}

// cdrIndexed proves that a filter by name finds the same as reading all would,
// whatever was written again under another name.
func cdrIndexed(t *testing.T, s store.Store, next func(store.Store) store.Store) {
	put := func(id string, second int, caller string, agents ...string) {
		c := cdr(id, second)
		c.Caller, c.Agent = caller, ""
		for _, a := range agents {
			c.Talks = append(c.Talks, store.Talk{Agent: a})
			c.Agent = a
		}
		must(t, s.PutCDR(c))
	}
	put("a", 1, "100", "1001")
	put("b", 2, "1", "1001", "1002", "1001")
	put("c", 3, "100")
	put("d", 4, "10", "100")
	put("a", 5, "1", "1002") // was 100's and 1001's, and earlier
	for range 2 {
		for _, c := range []struct {
			name   string
			filter store.Filter
			want   string
		}{
			{"a caller whose call moved to another", store.Filter{Caller: "100"}, "[c]"},
			{"a caller whose number begins others", store.Filter{Caller: "1"}, "[a b]"},
			{"an agent of the name of a caller", store.Filter{Agent: "100"}, "[d]"},
			{"an agent, each call once", store.Filter{Agent: "1001"}, "[b]"},
			{"an agent and a caller", store.Filter{Agent: "1002", Caller: "1", Limit: 1}, "[a]"},
			{"an agent, in a span", store.Filter{Agent: "1002", From: at(2), To: at(5)}, "[b]"},
			{"a caller, before", store.Filter{Caller: "1", To: at(2)}, "[]"},
			{"a caller, from", store.Filter{Caller: "1", From: at(5)}, "[a]"},
		} {
			same(t, c.name, cdrIDs(t, s, c.filter), c.want)
		}
		s = next(s)
	}
	long := strings.Repeat("7", 300)
	put("x", 1, long+"1")
	put("y", 2, long+"2")
	same(t, "names that begin alike", cdrIDs(t, s, store.Filter{Caller: long + "1"}), "[x]")
}

func evaluationsOf(t *testing.T, s store.Store, next func(store.Store) store.Store) {
	put := func(id, side string, second int, agent, customer string) {
		must(t, s.PutEvaluation(store.Evaluation{ID: id, Call: id, Side: side, Agent: agent, Customer: customer, Queue: "sales",
			Items: map[string]int{"attitude": 4}, At: at(second), Edited: at(second + 1), Control: true, Strategy: "A1"}))
	}
	put("a", store.SideCaller, 1, "1001", "100")
	put("b", store.SideAgent, 2, "1001", "100")
	put("c", store.SideCaller, 3, "1002", "100")
	put("d", store.SideCaller, 4, "1001", "")
	put("e", store.SideCaller, 5, "1001", "200")
	put("c", store.SideCaller, 3, "1003", "300") // is another contact's now
	must(t, s.DeleteEvaluation("e"))
	for range 2 {
		for _, c := range []struct {
			name   string
			filter store.Filter
			side   string
			want   string
		}{
			{"all", store.Filter{}, "", "[d c b a]"},
			{"one side", store.Filter{}, store.SideAgent, "[b]"},
			{"of an agent", store.Filter{Agent: "1001"}, "", "[d b a]"},
			{"of an agent who has none any more", store.Filter{Agent: "1002"}, "", "[]"},
			{"of a customer", store.Filter{Caller: "100"}, "", "[b a]"},
			{"of a customer, by himself", store.Filter{Caller: "100"}, store.SideCaller, "[a]"},
			{"of both", store.Filter{Caller: "300", Agent: "1003"}, "", "[c]"},
			{"deleted", store.Filter{Caller: "200"}, "", "[]"},
			{"the newest two", store.Filter{Limit: 2}, "", "[d c]"},
			{"in a span", store.Filter{From: at(2), To: at(4)}, "", "[c b]"},
			{"of a queue", store.Filter{Queue: "help"}, "", "[]"},
		} {
			ids := []string{}
			must(t, s.EvaluationsOf(c.filter, c.side, func(e store.Evaluation) bool { ids = append(ids, e.ID); return true }))
			same(t, c.name, fmt.Sprint(ids), c.want)
		}
		e, err := s.Evaluation("c")
		must(t, err)
		same(t, "one of them", e, store.Evaluation{ID: "c", Call: "c", Side: store.SideCaller, Agent: "1003", Customer: "300", Queue: "sales",
			Items: map[string]int{"attitude": 4}, At: at(3), Edited: at(4), Control: true, Strategy: "A1"})
		_, err = s.Evaluation("e")
		wantNotFound(t, "a deleted one", err)
		s = next(s)
	}
}
