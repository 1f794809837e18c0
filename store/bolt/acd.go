package bolt

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"hotline/store"
)

// acdKey orders events by time, then by number.
func acdKey(e store.ACDEvent) []byte {
	return binary.BigEndian.AppendUint64(instant(e.At), e.Seq)
}

// LogACD implements store.Store.
func (s *Store) LogACD(events []store.ACDEvent) {
	pairs := make([]pair, 0, len(events))
	size := 0
	for _, e := range events {
		v, err := json.Marshal(e)
		if err != nil {
			s.log.Error("store: log acd event", "seq", e.Seq, "err", err)
			continue
		}
		pairs = append(pairs, pair{acdKey(e), v})
		size += len(v)
	}
	if len(pairs) == 0 {
		return
	}
	s.later(&op{size: size, acd: len(pairs), apply: func(tx *bbolt.Tx) error {
		b := appendOnly(tx.Bucket(bucketACD))
		for _, p := range pairs {
			if err := b.Put(p.key, p.value); err != nil {
				return err
			}
		}
		return nil
	}})
}

// ACDEvents implements store.Store.
func (s *Store) ACDEvents(from, to time.Time, f func(store.ACDEvent) bool) error {
	var low, high []byte
	if !from.IsZero() {
		low = instant(from)
	}
	if !to.IsZero() {
		high = instant(to)
	}
	return s.scan(bucketACD, low, high, func(p pair) (bool, error) {
		var e store.ACDEvent
		if err := json.Unmarshal(p.value, &e); err != nil {
			return false, fmt.Errorf("store: acd event: %w: %w", errDamaged, err)
		}
		return f(e), nil
	})
}

// trimOps is how many events one transaction deletes, so that calls don't wait
// for a long one.
const trimOps = 4096

// TrimACD implements store.Store.
func (s *Store) TrimACD(before time.Time) error {
	high := instant(before)
	for more := true; more; {
		err := s.put("trim", "acd events", 0, func(tx *bbolt.Tx) error {
			b := tx.Bucket(bucketACD)
			var old [][]byte
			c := b.Cursor()
			k, _ := c.First()
			for ; k != nil && bytes.Compare(k, high) < 0 && len(old) < trimOps; k, _ = c.Next() {
				old = append(old, clone(k))
			}
			for _, k := range old {
				if err := b.Delete(k); err != nil {
					return err
				}
			}
			more = len(old) == trimOps
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
