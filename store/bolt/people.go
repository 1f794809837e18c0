package bolt

import (
	"fmt"
	"slices"

	"go.etcd.io/bbolt"

	"hotline/store"
)

// PutCustomer implements store.Store.
func (s *Store) PutCustomer(c store.Customer) error {
	return s.putRecord(bucketCustomer, "customer", c.ID, c, true)
}

// Customer implements store.Store.
func (s *Store) Customer(id string) (store.Customer, error) {
	return record[store.Customer](s, bucketCustomer, "customer", id)
}

// Customers implements store.Store.
func (s *Store) Customers(f func(store.Customer) bool) error {
	return each(s, bucketCustomer, "customer", f)
}

// PutAccount implements store.Store.
func (s *Store) PutAccount(a store.Account) error {
	return s.putRecord(bucketAccount, "account", a.User, a, false)
}

// DeleteAccount implements store.Store.
func (s *Store) DeleteAccount(user string) error {
	return s.put("delete account", user, 0, func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketAccount).Delete([]byte(user))
	})
}

// Accounts implements store.Store.
func (s *Store) Accounts() ([]store.Account, error) {
	return all[store.Account](s, bucketAccount, "account")
}

// LogBinding implements store.Store.
func (s *Store) LogBinding(b store.Binding) {
	b.Body = slices.Clone(b.Body)
	s.logRecord(bucketBinding, "binding", b.ID, len(b.ID)+len(b.User)+len(b.Body), b)
}

// LogUnbind implements store.Store.
func (s *Store) LogUnbind(id string) {
	s.later(&op{key: "binding " + id, apply: func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketBinding).Delete([]byte(id))
	}})
}

// Bindings implements store.Store.
func (s *Store) Bindings() ([]store.Binding, error) {
	return all[store.Binding](s, bucketBinding, "binding")
}

// LogAgentStatus implements store.Store.
func (s *Store) LogAgentStatus(a store.AgentStatus) {
	s.logRecord(bucketStatus, "agent status", a.ID, 128, a)
}

// AgentStatuses implements store.Store.
func (s *Store) AgentStatuses() ([]store.AgentStatus, error) {
	return all[store.AgentStatus](s, bucketStatus, "agent status")
}

// PutMeta implements store.Store.
func (s *Store) PutMeta(name string, value []byte) error {
	if err := checkID(name); err != nil {
		return fmt.Errorf("store: put meta %s: %w", name, err)
	}
	value = append([]byte{}, value...) // never nil, which would read as not there
	return s.put("put meta", name, len(value), func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketMeta).Put([]byte(name), value)
	})
}

// Meta implements store.Store.
func (s *Store) Meta(name string) ([]byte, error) {
	v, err := s.value(bucketMeta, name)
	if err != nil {
		return nil, fmt.Errorf("store: meta %s: %w", name, err)
	}
	return v, nil
}
