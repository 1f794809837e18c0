package bolt

import (
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"hotline/store"
)

// errWritten refuses to change what was written once.
var errWritten = errors.New("an entry of that id is there, and entries are never changed")

// addAudit writes an entry that is not there yet.
func addAudit(tx *bbolt.Tx, a store.Audit, value []byte) error {
	if tx.Bucket(bucketAudit).Get([]byte(a.ID)) != nil {
		return errWritten
	}
	return putAt(tx, bucketAudit, bucketAuditAt, a.ID, value, a.At, a.At)
}

// PutAudit implements store.Store.
func (s *Store) PutAudit(a store.Audit) error {
	v, err := encode(a.ID, a)
	if err != nil {
		return fmt.Errorf("store: put audit %s: %w", a.ID, err)
	}
	var refused error // no reason to fail what shares the transaction
	err = s.put("put audit", a.ID, len(v), func(tx *bbolt.Tx) error {
		if refused = addAudit(tx, a, v); errors.Is(refused, errWritten) {
			return nil
		}
		return refused
	})
	if err == nil && refused != nil {
		err = fmt.Errorf("store: put audit %s: %w", a.ID, refused)
	}
	return err
}

// LogAudit implements store.Store.
func (s *Store) LogAudit(a store.Audit) {
	v, err := encode(a.ID, a)
	if err != nil {
		s.log.Error("store: log audit", "err", err)
		return
	}
	s.later(&op{size: len(v), apply: func(tx *bbolt.Tx) error {
		if err := addAudit(tx, a, v); !errors.Is(err, errWritten) {
			return err
		}
		s.log.Error("store: log audit", "id", a.ID, "err", errWritten)
		return nil
	}})
}

// Audits implements store.Store.
func (s *Store) Audits(f store.Filter, yield func(store.Audit) bool) error {
	return list(s, "audit", bucketAudit, index{at: bucketAuditAt}, f, f.MatchAudit, yield)
}
