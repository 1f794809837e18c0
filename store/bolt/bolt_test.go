package bolt

import (
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	"hotline/store"
	"hotline/store/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		return openTest(t, filepath.Join(t.TempDir(), "hotline.db"))
	}, func(t *testing.T, s store.Store) store.Store {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		return openTest(t, s.(*Store).path)
	})
}

// openTest opens a store whose file is checked at the end.
func openTest(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		check(t, path)
	})
	return s
}

// check fails the test if the file breaks an invariant of bbolt, or of ours.
func check(t testing.TB, path string) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, Timeout: lockWait})
	if err != nil {
		t.Error(err)
		return
	}
	defer db.Close()
	err = db.View(func(tx *bbolt.Tx) error {
		for err := range tx.Check() {
			t.Error(err)
		}
		for _, table := range [][2][]byte{{bucketCDR, bucketCDRAt}, {bucketRecording, bucketRecordAt}, {bucketEvaluation, bucketEvalAt}} {
			records, index := 0, 0
			_ = tx.Bucket(table[0]).ForEach(func(k, _ []byte) error { records++; return nil })
			_ = tx.Bucket(table[1]).ForEach(func(k, _ []byte) error {
				index++
				if tx.Bucket(table[0]).Get(k[instantBytes:]) == nil {
					t.Errorf("%s: %q is not in %s", table[1], k, table[0])
				}
				return nil
			})
			if records != index {
				t.Errorf("%s: got %d entries, want %d", table[1], index, records)
			}
		}
		checkNames(t, tx, bucketCDR, cdrEntries, bucketCDRCaller, bucketCDRAgent)
		checkNames(t, tx, bucketEvaluation, evaluationEntries, bucketEvalCustomer, bucketEvalAgent)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// checkNames fails the test if a table's indexes by name are not what its records
// say; records that can't be read have none.
func checkNames[T any](t testing.TB, tx *bbolt.Tx, table []byte, places func(T) []entry, indexes ...[]byte) {
	t.Helper()
	want := map[string]bool{}
	_ = tx.Bucket(table).ForEach(func(k, v []byte) error {
		if r, err := decode[T]("record", pair{k, v}); err == nil {
			for _, e := range places(r) {
				want[string(e.index)+" "+e.key] = true
			}
		}
		return nil
	})
	for _, name := range indexes {
		_ = tx.Bucket(name).ForEach(func(k, _ []byte) error {
			if e := string(name) + " " + string(k); !want[e] {
				t.Errorf("%q is in an index and in no record", e)
			} else {
				delete(want, e)
			}
			return nil
		})
	}
	for e := range want {
		t.Errorf("%q is missing in its index", e)
	}
}
