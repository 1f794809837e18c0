package bolt

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
)

// The buckets. Those named "at" are indexes: instant and id, without a value.
var (
	bucketStore      = []byte("hotline") // what makes the file ours: the schema
	bucketObject     = []byte("object")  // kind, 0, id
	bucketChange     = []byte("change")  // revision
	bucketCDR        = []byte("cdr")
	bucketCDRAt      = []byte("cdr.at")
	bucketJournal    = []byte("journal")
	bucketRecording  = []byte("recording")
	bucketRecordAt   = []byte("recording.at")
	bucketEvaluation = []byte("evaluation")
	bucketEvalAt     = []byte("evaluation.at")
	bucketCustomer   = []byte("customer")
	bucketAccount    = []byte("account")
	bucketBinding    = []byte("binding")
	bucketStatus     = []byte("status")
	bucketACD        = []byte("acd") // instant, sequence number
	bucketMeta       = []byte("meta")
	bucketAudit      = []byte("audit")
	bucketAuditAt    = []byte("audit.at")
	bucketVoicemail  = []byte("voicemail")
	bucketCallback   = []byte("callback")

	// Indexes by name; see index.go.
	bucketCDRCaller    = []byte("cdr.caller")
	bucketCDRAgent     = []byte("cdr.agent")
	bucketEvalCustomer = []byte("evaluation.customer")
	bucketEvalAgent    = []byte("evaluation.agent")
)

// nameIndexes came with schema 2.
var nameIndexes = [][]byte{bucketCDRCaller, bucketCDRAgent, bucketEvalCustomer, bucketEvalAgent}

var buckets = [][]byte{
	bucketStore, bucketObject, bucketChange, bucketCDR, bucketCDRAt, bucketJournal,
	bucketRecording, bucketRecordAt, bucketEvaluation, bucketEvalAt, bucketCustomer,
	bucketAccount, bucketBinding, bucketStatus, bucketACD, bucketMeta,
	bucketAudit, bucketAuditAt, bucketVoicemail, bucketCallback,
	bucketCDRCaller, bucketCDRAgent, bucketEvalCustomer, bucketEvalAgent,
}

var keySchema = []byte("schema")

// Limits of one record, in bytes.
const (
	maxID    = 1 << 10
	maxValue = 256 << 20
)

// instantBytes is the length of an instant in a key.
const instantBytes = 12

// appendInstant appends t so that keys sort by time: seconds with the sign
// turned, then nanoseconds. It takes any time, the zero one too.
func appendInstant(b []byte, t time.Time) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(t.Unix())^(1<<63))
	return binary.BigEndian.AppendUint32(b, uint32(t.Nanosecond()))
}

func instant(t time.Time) []byte { return appendInstant(make([]byte, 0, instantBytes), t) }

// atKey is the key of an index.
func atKey(t time.Time, id string) []byte {
	return append(appendInstant(make([]byte, 0, instantBytes+len(id)), t), id...)
}

// encode makes the value of a record and checks its id.
func encode(id string, record any) ([]byte, error) {
	if err := checkID(id); err != nil {
		return nil, err
	}
	v, err := json.Marshal(record)
	if err == nil && len(v) > maxValue {
		err = fmt.Errorf("%d bytes are more than %d", len(v), maxValue)
	}
	return v, err
}

func checkID(id string) error {
	switch {
	case id == "":
		return errors.New("it has no id")
	case len(id) > maxID:
		return fmt.Errorf("its id has %d bytes, more than %d", len(id), maxID)
	}
	return nil
}

// appendOnly fills pages well in buckets whose new keys come last.
func appendOnly(b *bbolt.Bucket) *bbolt.Bucket {
	b.FillPercent = 0.95
	return b
}

// putAt writes a record and moves its entry in the index at.
func putAt(tx *bbolt.Tx, table, at []byte, id string, value []byte, t, was time.Time) error {
	index := appendOnly(tx.Bucket(at))
	if !was.Equal(t) {
		if err := index.Delete(atKey(was, id)); err != nil {
			return err
		}
	}
	if err := index.Put(atKey(t, id), nil); err != nil {
		return err
	}
	return appendOnly(tx.Bucket(table)).Put([]byte(id), value)
}

// clone copies what bbolt lends. A length that no record has is damage, which
// guard reports, and no reason to ask for so much memory.
func clone(b []byte) []byte {
	if len(b) > maxValue {
		panic(errDamaged)
	}
	return bytes.Clone(b)
}

// chunk is how many records are read at once: a read must be short, and the
// callers of iterations may take their time, or write.
const chunk = 128

// pair is a record as it is kept.
type pair struct{ key, value []byte }

// scan calls f with the pairs of a bucket whose keys are in [from, to), in order,
// until false. Nil from or to: no bound. No read is open while f runs, so what is
// written meanwhile may be seen or not.
func (s *Store) scan(bucket, from, to []byte, f func(pair) (bool, error)) error {
	for {
		var got []pair
		err := s.view(func(tx *bbolt.Tx) error {
			c := tx.Bucket(bucket).Cursor()
			k, v := c.Seek(from)
			for size := 0; k != nil && (to == nil || bytes.Compare(k, to) < 0) && len(got) < chunk && size < 1<<20; k, v = c.Next() {
				if bytes.Compare(k, from) < 0 {
					return errDamaged // keys that don't rise would be read for ever
				}
				from = append(clone(k), 0) // the next possible key
				got = append(got, pair{from[:len(k):len(k)], clone(v)})
				size += len(v)
			}
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
		if len(got) == 0 {
			return nil
		}
	}
}

// before moves c to the last key below high, or to the very last if it is nil.
func before(c *bbolt.Cursor, high []byte) []byte {
	if high == nil {
		k, _ := c.Last()
		return k
	}
	if k, _ := c.Seek(high); k == nil {
		k, _ = c.Last()
		return k
	}
	k, _ := c.Prev()
	return k
}

func containsAll(v []byte, texts [][]byte) bool {
	for _, t := range texts {
		if !bytes.Contains(v, t) {
			return false
		}
	}
	return true
}

// decode reads a record.
func decode[T any](what string, p pair) (v T, err error) {
	if err := json.Unmarshal(p.value, &v); err != nil {
		return v, fmt.Errorf("store: %s %s: %w: %w", what, p.key, errDamaged, err)
	}
	return v, nil
}

// record reads one by its id.
func record[T any](s *Store, bucket []byte, what, id string) (v T, err error) {
	b, err := s.value(bucket, id)
	if err != nil {
		return v, fmt.Errorf("store: %s %s: %w", what, id, err)
	}
	return decode[T](what, pair{[]byte(id), b})
}

// each calls f with all records of a bucket by their ids.
func each[T any](s *Store, bucket []byte, what string, f func(T) bool) error {
	return s.scan(bucket, nil, nil, func(p pair) (bool, error) {
		v, err := decode[T](what, p)
		return err == nil && f(v), err
	})
}

// all lists a bucket by the ids.
func all[T any](s *Store, bucket []byte, what string) ([]T, error) {
	var list []T
	err := each(s, bucket, what, func(v T) bool {
		list = append(list, v)
		return true
	})
	return list, err
}

// putRecord writes one record of a bucket without an index; calm: as a call does.
func (s *Store) putRecord(bucket []byte, what, id string, v any, calm bool) error {
	b, err := encode(id, v)
	if err != nil {
		return fmt.Errorf("store: put %s %s: %w", what, id, err)
	}
	return s.putOp("put "+what, id, &op{size: len(b), calm: calm, apply: func(tx *bbolt.Tx) error {
		return tx.Bucket(bucket).Put([]byte(id), b)
	}})
}

// logRecord writes one record of about so many bytes later, and encodes it only
// then; the caller must not change what v refers to.
func (s *Store) logRecord(bucket []byte, what, id string, size int, v any) {
	if err := checkID(id); err != nil {
		s.log.Error("store: log "+what, "err", err)
		return
	}
	s.later(&op{key: what + " " + id, size: size, apply: func(tx *bbolt.Tx) error {
		b, err := encode(id, v)
		if err != nil { // no reason to fail what shares the transaction
			s.log.Error("store: log "+what, "err", err)
			return nil
		}
		return tx.Bucket(bucket).Put([]byte(id), b)
	}})
}
