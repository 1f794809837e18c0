package bolt

import (
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/bbolt"

	"hotline/store"
)

// PutCDR implements store.Store.
func (s *Store) PutCDR(c store.CDR) error {
	v, err := encode(c.ID, c)
	if err != nil {
		return fmt.Errorf("store: put cdr %s: %w", c.ID, err)
	}
	return s.putOp("put cdr", c.ID, &op{size: len(v), calm: true, ends: journalKey(c.ID), apply: func(tx *bbolt.Tx) error {
		was := c.Began
		var places []entry
		if old := tx.Bucket(bucketCDR).Get([]byte(c.ID)); old != nil {
			o, err := decode[store.CDR]("cdr", pair{[]byte(c.ID), old})
			if err != nil {
				return err
			}
			was, places = o.Began, cdrEntries(o)
		}
		if err := reindex(tx, places, cdrEntries(c)); err != nil {
			return err
		}
		if err := tx.Bucket(bucketJournal).Delete([]byte(c.ID)); err != nil {
			return err
		}
		return putAt(tx, bucketCDR, bucketCDRAt, c.ID, v, c.Began, was)
	}})
}

// CDR implements store.Store.
func (s *Store) CDR(id string) (store.CDR, error) {
	return record[store.CDR](s, bucketCDR, "cdr", id)
}

// CDRs implements store.Store.
func (s *Store) CDRs(f store.Filter, yield func(store.CDR) bool) error {
	return list(s, "cdr", bucketCDR, index{bucketCDRAt, bucketCDRCaller, bucketCDRAgent}, f, f.MatchCDR, yield)
}

// journalKey is the key of a call's waiting journal.
func journalKey(call string) string { return "journal " + call }

// journalBytes is what a journal takes in memory, about, without its dialogs.
const journalBytes = 1 << 10

// LogJournal implements store.Store. A journal of a call whose CDR is stored is
// ignored: it could only come late. It is encoded only when it is written, since
// most are replaced by the call's next one before.
func (s *Store) LogJournal(j store.Journal) {
	if err := checkID(j.Call); err != nil {
		s.log.Error("store: log journal", "call", j.Call, "err", err)
		return
	}
	size := journalBytes
	for _, d := range j.Dialogs {
		size += len(d)
	}
	j = detach(j)
	s.later(&op{key: journalKey(j.Call), size: size, apply: func(tx *bbolt.Tx) error {
		if tx.Bucket(bucketCDR).Get([]byte(j.Call)) != nil {
			return nil
		}
		v, err := encode(j.Call, j)
		if err != nil { // no reason to fail what shares the transaction
			s.log.Error("store: log journal", "call", j.Call, "err", err)
			return nil
		}
		return tx.Bucket(bucketJournal).Put([]byte(j.Call), v)
	}})
}

// detach copies what the caller may change after LogJournal has returned.
func detach(j store.Journal) store.Journal {
	c := &j.CDR
	c.Stages, c.Legs, c.Offers = slices.Clone(c.Stages), slices.Clone(c.Legs), slices.Clone(c.Offers)
	c.Talks, c.Ratings, c.Path = slices.Clone(c.Talks), slices.Clone(c.Ratings), slices.Clone(c.Path)
	j.Dialogs = slices.Clone(j.Dialogs)
	if j.Recording != nil {
		r := *j.Recording
		j.Recording = &r
	}
	return j
}

// Journals implements store.Store.
func (s *Store) Journals() ([]store.Journal, error) {
	return all[store.Journal](s, bucketJournal, "journal")
}

// PutRecording implements store.Store.
func (s *Store) PutRecording(r store.Recording) error {
	v, err := encode(r.ID, r)
	if err != nil {
		return fmt.Errorf("store: put recording %s: %w", r.ID, err)
	}
	return s.putCalm("put recording", r.ID, len(v), func(tx *bbolt.Tx) error {
		was := r.Began
		if old := tx.Bucket(bucketRecording).Get([]byte(r.ID)); old != nil {
			o, err := decode[store.Recording]("recording", pair{[]byte(r.ID), old})
			if err != nil {
				return err
			}
			was = o.Began
		}
		return putAt(tx, bucketRecording, bucketRecordAt, r.ID, v, r.Began, was)
	})
}

// Recording implements store.Store.
func (s *Store) Recording(id string) (store.Recording, error) {
	return record[store.Recording](s, bucketRecording, "recording", id)
}

// Recordings implements store.Store.
func (s *Store) Recordings(f store.Filter, yield func(store.Recording) bool) error {
	return list(s, "recording", bucketRecording, index{at: bucketRecordAt}, f, f.MatchRecording, yield)
}

// index are the buckets by which a table is found: by time, and by caller and
// agent where it has those.
type index struct{ at, caller, agent []byte }

// span is the part of the indexes to look through: a caller has fewer records
// than an agent.
func (x index) span(f store.Filter) span {
	sp := span{index: x.at, from: f.From, to: f.To}
	switch {
	case f.Caller != "" && x.caller != nil:
		sp.index, sp.prefix = x.caller, nameKey(f.Caller)
	case f.Agent != "" && x.agent != nil:
		sp.index, sp.prefix = x.agent, nameKey(f.Agent)
	}
	return sp
}

// list passes on the records that match, newest first.
func list[T any](s *Store, what string, table []byte, by index, f store.Filter, match func(T) bool, yield func(T) bool) error {
	n := 0
	return s.scanAt(table, by.span(f), []string{f.Agent, f.Queue, f.Caller}, func(p pair) (bool, error) {
		v, err := decode[T](what, p)
		if err != nil || !match(v) {
			return err == nil, err
		}
		n++
		return yield(v) && n != f.Limit, nil
	})
}

// PutEvaluation implements store.Store.
func (s *Store) PutEvaluation(e store.Evaluation) error {
	v, err := encode(e.ID, e)
	if err != nil {
		return fmt.Errorf("store: put evaluation %s: %w", e.ID, err)
	}
	return s.putCalm("put evaluation", e.ID, len(v), func(tx *bbolt.Tx) error {
		old, had, err := keptEvaluation(tx, e.ID)
		if err != nil {
			return err
		}
		was := e.At
		var places []entry
		if had {
			was, places = old.At, evaluationEntries(old)
		}
		if err := reindex(tx, places, evaluationEntries(e)); err != nil {
			return err
		}
		return putAt(tx, bucketEvaluation, bucketEvalAt, e.ID, v, e.At, was)
	})
}

// DeleteEvaluation implements store.Store.
func (s *Store) DeleteEvaluation(id string) error {
	return s.put("delete evaluation", id, 0, func(tx *bbolt.Tx) error {
		old, had, err := keptEvaluation(tx, id)
		if err != nil || !had {
			return err
		}
		if err := reindex(tx, evaluationEntries(old), nil); err != nil {
			return err
		}
		if err := tx.Bucket(bucketEvalAt).Delete(atKey(old.At, id)); err != nil {
			return err
		}
		return tx.Bucket(bucketEvaluation).Delete([]byte(id))
	})
}

// Evaluation implements store.Store.
func (s *Store) Evaluation(id string) (store.Evaluation, error) {
	return record[store.Evaluation](s, bucketEvaluation, "evaluation", id)
}

// EvaluationsOf implements store.Store.
func (s *Store) EvaluationsOf(f store.Filter, side string, yield func(store.Evaluation) bool) error {
	match := func(e store.Evaluation) bool { return f.MatchEvaluation(e, side) }
	return list(s, "evaluation", bucketEvaluation, index{bucketEvalAt, bucketEvalCustomer, bucketEvalAgent}, f, match, yield)
}

// keptEvaluation is what is kept of that id.
func keptEvaluation(tx *bbolt.Tx, id string) (e store.Evaluation, had bool, err error) {
	old := tx.Bucket(bucketEvaluation).Get([]byte(id))
	if old == nil {
		return e, false, nil
	}
	e, err = decode[store.Evaluation]("evaluation", pair{[]byte(id), old})
	return e, err == nil, err
}

// Evaluations implements store.Store.
func (s *Store) Evaluations(f func(store.Evaluation) bool) error {
	return s.scan(bucketEvalAt, nil, nil, func(p pair) (bool, error) {
		if len(p.key) < instantBytes {
			return false, errDamaged
		}
		v, err := s.value(bucketEvaluation, string(p.key[instantBytes:]))
		if errors.Is(err, store.ErrNotFound) { // deleted since
			return true, nil
		}
		if err != nil {
			return false, err
		}
		e, err := decode[store.Evaluation]("evaluation", pair{p.key[instantBytes:], v})
		return err == nil && f(e), err
	})
}
