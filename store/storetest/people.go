package storetest

import (
	"encoding/json"
	"fmt"
	"testing"

	"hotline/store"
)

func people(t *testing.T, s store.Store, next func(store.Store) store.Store) {
	must(t, s.PutCustomer(store.Customer{ID: "200", Calls: 1, First: at(0), Last: at(0)}))
	must(t, s.PutCustomer(store.Customer{ID: "100", Calls: 1, First: at(0), Last: at(0)}))
	must(t, s.PutCustomer(store.Customer{ID: "200", Calls: 2, First: at(0), Last: at(9), Language: "zh", Agent: "1001"}))
	must(t, s.PutAccount(store.Account{User: "1001", Realm: "r", HA1MD5: "old"}))
	must(t, s.PutAccount(store.Account{User: "1001", Realm: "r", HA1MD5: "new"}))
	must(t, s.PutAccount(store.Account{User: "1000", Realm: "r"}))
	must(t, s.PutAccount(store.Account{User: "1002", Realm: "r"}))
	must(t, s.DeleteAccount("1002"))
	must(t, s.DeleteAccount("1002"))
	s = next(s)
	var got []string
	must(t, s.Customers(func(c store.Customer) bool {
		got = append(got, fmt.Sprint(c.ID, "x", c.Calls, c.Language))
		return true
	}))
	same(t, "customers by id", fmt.Sprint(got), "[100x1 200x2zh]")
	accounts := read(t, s.Accounts)
	got = nil
	for _, a := range accounts {
		got = append(got, a.User+a.HA1MD5)
	}
	same(t, "accounts by user", fmt.Sprint(got), "[1000 1001new]")
	seen := 0
	must(t, s.Customers(func(store.Customer) bool { seen++; return false }))
	same(t, "customers read until false", seen, 1)
}

func bindings(t *testing.T, s store.Store, next func(store.Store) store.Store) {
	bind := func(id, body string) {
		s.LogBinding(store.Binding{ID: id, User: "1001", Body: json.RawMessage(body)})
	}
	bind("a", `{"expires":1}`)
	bind("b", `{"expires":1}`)
	bind("c", `{"expires":1}`)
	bind("a", `{"expires":2}`)
	s.LogUnbind("b")
	s.LogUnbind("c")
	s.LogUnbind("never")
	bind("c", `{"expires":3}`)
	s = next(s)
	got := []string{}
	for _, b := range read(t, s.Bindings) {
		got = append(got, b.ID+string(b.Body))
	}
	same(t, "bindings by id", fmt.Sprint(got), `[a{"expires":2} c{"expires":3}]`)
	s.LogUnbind("a")
	must(t, s.Sync())
	same(t, "bindings after an unbind", len(read(t, s.Bindings)), 1)
}

func statuses(t *testing.T, s store.Store, next func(store.Store) store.Store) {
	for i := range 100 {
		s.LogAgentStatus(store.AgentStatus{ID: "1001", State: "ready", Since: at(i)})
		s.LogAgentStatus(store.AgentStatus{ID: "1000", State: "not ready", Reason: fmt.Sprint(i), Since: at(i)})
	}
	s = next(s)
	same(t, "statuses by id", read(t, s.AgentStatuses), []store.AgentStatus{
		{ID: "1000", State: "not ready", Reason: "99", Since: at(99)},
		{ID: "1001", State: "ready", Since: at(99)},
	})
}
