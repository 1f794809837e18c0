package bolt

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.etcd.io/bbolt"

	"hotline/store"
)

// objectKey orders objects by kind, then by id.
func objectKey(k store.Key) []byte { return []byte(string(k.Kind) + "\x00" + k.ID) }

// Objects implements store.Store. All are of one moment, so the read is one.
func (s *Store) Objects() (list []store.Object, revision uint64, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		revision = lastRevision(tx)
		return tx.Bucket(bucketObject).ForEach(func(k, v []byte) error {
			kind, id, _ := strings.Cut(string(k), "\x00")
			list = append(list, store.Object{Key: store.Key{Kind: store.Kind(kind), ID: id}, Body: clone(v)})
			return nil
		})
	})
	if err != nil {
		return nil, 0, fmt.Errorf("store: objects: %w", err)
	}
	return list, revision, nil
}

func lastRevision(tx *bbolt.Tx) uint64 {
	if k, _ := tx.Bucket(bucketChange).Cursor().Last(); len(k) == 8 {
		return binary.BigEndian.Uint64(k)
	}
	return 0
}

// Change implements store.Store. It deletes first, then puts. A change of nothing
// makes no revision.
func (s *Store) Change(put []store.Object, del []store.Key, actor string, at time.Time) (revision uint64, err error) {
	c := store.Change{At: at, Actor: actor, Deleted: del}
	pairs := make([]pair, 0, len(put))
	size := 0
	for _, o := range put {
		if err := checkObject(o); err != nil {
			return 0, fmt.Errorf("store: change %s %s: %w", o.Kind, o.ID, err)
		}
		c.Put = append(c.Put, o.Key)
		pairs = append(pairs, pair{objectKey(o.Key), bytes.Clone(o.Body)})
		size += len(o.Body)
	}
	err = s.put("change by", actor, size, func(tx *bbolt.Tx) error {
		revision = lastRevision(tx)
		if len(put)+len(del) == 0 {
			return nil
		}
		revision++
		b := tx.Bucket(bucketObject)
		for _, k := range del {
			if err := b.Delete(objectKey(k)); err != nil {
				return err
			}
		}
		for _, p := range pairs {
			if err := b.Put(p.key, p.value); err != nil {
				return err
			}
		}
		c.Revision = revision
		v, err := json.Marshal(c)
		if err != nil {
			return err
		}
		return appendOnly(tx.Bucket(bucketChange)).Put(binary.BigEndian.AppendUint64(nil, revision), v)
	})
	if err != nil {
		return 0, err
	}
	return revision, nil
}

func checkObject(o store.Object) error {
	switch {
	case o.Kind == "" || len(o.Kind) > maxID || strings.Contains(string(o.Kind), "\x00"):
		return errors.New("it has no valid kind")
	case len(o.Body) > maxValue:
		return fmt.Errorf("%d bytes are more than %d", len(o.Body), maxValue)
	case !json.Valid(o.Body):
		return errors.New("its body is not JSON")
	}
	return checkID(o.ID)
}

// Changes implements store.Store.
func (s *Store) Changes(limit int) ([]store.Change, error) {
	var list []store.Change
	err := s.view(func(tx *bbolt.Tx) error {
		c := tx.Bucket(bucketChange).Cursor()
		for k, v := c.Last(); k != nil && (limit <= 0 || len(list) < limit); k, v = c.Prev() {
			change, err := decode[store.Change]("change", pair{k, v})
			if err != nil {
				return err
			}
			list = append(list, change)
		}
		return nil
	})
	return list, err
}
