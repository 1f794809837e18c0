package bolt

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"hotline/store"
)

// An index by name lists the records of an agent or a customer by their time:
// its keys are the name, the instant and the id, without a value. A name is at
// most maxName bytes of itself, behind their number, so that no name is the
// beginning of another; what a longer one finds too much the filter drops.
const maxName = 255

// nameKey begins the keys of a name.
func nameKey(name string) []byte {
	name = string([]rune(name)) // as JSON reads it back
	name = name[:min(len(name), maxName)]
	return append([]byte{byte(len(name))}, name...)
}

// entry is a record's place in one index by name.
type entry struct {
	index []byte // bucket
	key   string
}

// entries are all places of a record: names by index, at one instant.
func entries(id string, at time.Time, names map[string][]string) []entry {
	var out []entry
	for index, list := range names {
		for _, name := range list {
			if name == "" {
				continue
			}
			e := entry{[]byte(index), string(append(nameKey(name), atKey(at, id)...))}
			if !slices.ContainsFunc(out, func(o entry) bool { return o.key == e.key && bytes.Equal(o.index, e.index) }) {
				out = append(out, e)
			}
		}
	}
	return out
}

// cdrEntries are a call's places: its caller's, and those of all agents who talked.
func cdrEntries(c store.CDR) []entry {
	agents := []string{c.Agent}
	for _, t := range c.Talks {
		agents = append(agents, t.Agent)
	}
	return entries(c.ID, c.Began, map[string][]string{string(bucketCDRCaller): {c.Caller}, string(bucketCDRAgent): agents})
}

func evaluationEntries(e store.Evaluation) []entry {
	return entries(e.ID, e.At, map[string][]string{string(bucketEvalCustomer): {e.Customer}, string(bucketEvalAgent): {e.Agent}})
}

// reindex moves a record from its old places to its new ones.
func reindex(tx *bbolt.Tx, old, now []entry) error {
	same := func(list []entry, e entry) bool {
		return slices.ContainsFunc(list, func(o entry) bool { return o.key == e.key && bytes.Equal(o.index, e.index) })
	}
	for _, e := range old {
		if !same(now, e) {
			if err := tx.Bucket(e.index).Delete([]byte(e.key)); err != nil {
				return err
			}
		}
	}
	for _, e := range now {
		if err := tx.Bucket(e.index).Put([]byte(e.key), nil); err != nil {
			return err
		}
	}
	return nil
}

// span is a part of an index: keys that begin with prefix, with instants in
// [from, to); zero from or to: no bound.
type span struct {
	index    []byte // bucket
	prefix   []byte // of a name; nil in an index by time alone
	from, to time.Time
}

// bounds are the least key and the one above the last; nil above: none.
func (sp span) bounds() (low, high []byte) {
	low = slices.Clone(sp.prefix)
	if !sp.from.IsZero() {
		low = appendInstant(low, sp.from)
	}
	switch {
	case !sp.to.IsZero():
		high = appendInstant(slices.Clone(sp.prefix), sp.to)
	case sp.prefix != nil: // no instant is so late
		high = append(slices.Clone(sp.prefix), bytes.Repeat([]byte{0xff}, instantBytes)...)
	}
	return low, high
}

// scanAt calls f with the records of table that are in a span of its index:
// newest first, and by falling id where instants are the same. Only records that
// contain all of the wants, as JSON strings, are passed, and others may be.
func (s *Store) scanAt(table []byte, sp span, wants []string, f func(pair) (bool, error)) error {
	low, high := sp.bounds()
	head := len(sp.prefix) + instantBytes
	texts := make([][]byte, 0, len(wants))
	for _, w := range wants {
		if w != "" {
			text, _ := json.Marshal(w) // a string always can
			texts = append(texts, text)
		}
	}
	for {
		var got []pair
		end := false
		err := s.view(func(tx *bbolt.Tx) error {
			records := tx.Bucket(table)
			c := tx.Bucket(sp.index).Cursor()
			seen := 0
			for k := before(c, high); k != nil && bytes.Compare(k, low) >= 0; {
				if len(k) < head || high != nil && bytes.Compare(k, high) >= 0 {
					return errDamaged // keys that don't fall would be read for ever
				}
				high = clone(k)
				if v := records.Get(k[head:]); v != nil && containsAll(v, texts) {
					got = append(got, pair{high[head:], clone(v)})
				}
				if seen++; len(got) == chunk || seen == 16*chunk {
					return nil
				}
				k, _ = c.Prev()
			}
			end = true
			return nil
		})
		if err != nil {
			return err
		}
		for _, p := range got {
			if more, err := f(p); err != nil || !more {
				return err
			}
		}
		if end {
			return nil
		}
	}
}

// buildIndexes makes the indexes by name of a file that an older hotline wrote.
// It goes in steps, so that a large file takes little memory; a process killed in
// between leaves the old schema, and the next one begins again.
func buildIndexes(db *bbolt.DB, log *slog.Logger) error {
	began := time.Now()
	err := db.Update(func(tx *bbolt.Tx) error {
		for _, name := range nameIndexes {
			if tx.Bucket(name) != nil {
				if err := tx.DeleteBucket(name); err != nil {
					return err
				}
			}
			if _, err := tx.CreateBucket(name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	calls, err := indexAll(db, log, "cdr", bucketCDR, cdrEntries)
	if err != nil {
		return err
	}
	ratings, err := indexAll(db, log, "evaluation", bucketEvaluation, evaluationEntries)
	if err != nil {
		return err
	}
	log.Info("the store was brought to this version: its records can be found by caller and agent",
		"calls", calls, "evaluations", ratings, "took", time.Since(began).Round(time.Millisecond).String())
	return nil
}

// indexStep is how many records are indexed in one transaction.
const indexStep = 4096

// indexAll enters all records of a table into their indexes, and counts them.
func indexAll[T any](db *bbolt.DB, log *slog.Logger, what string, table []byte, places func(T) []entry) (n int, err error) {
	var from []byte
	for more := true; more; {
		more = false
		err := db.Update(func(tx *bbolt.Tx) error {
			b := tx.Bucket(table)
			if b == nil { // older than the table
				return nil
			}
			c := b.Cursor()
			step := 0
			for k, v := c.Seek(from); k != nil; k, v = c.Next() {
				if step == indexStep {
					from, more = clone(k), true
					return nil
				}
				record, err := decode[T](what, pair{k, v})
				if err != nil { // found by time, as it was before; the others count more
					log.Warn("a record can't be read and is not found by caller or agent", "err", err)
					continue
				}
				if err := reindex(tx, nil, places(record)); err != nil {
					return fmt.Errorf("index %s %s: %w", what, k, err)
				}
				step++
				n++
			}
			return nil
		})
		if err != nil {
			return n, err
		}
	}
	return n, nil
}
