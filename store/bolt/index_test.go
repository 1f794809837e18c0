package bolt

import (
	"compress/gzip"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"hotline/store"
)

// schema1 unpacks a store that a hotline with schema 1 wrote: twelve calls of
// three callers with two agents, every second one rated.
func schema1(t *testing.T) string {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "schema1.db.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "hotline.db")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func found(t *testing.T, s *Store, f store.Filter) string {
	t.Helper()
	var ids []string
	if err := s.CDRs(f, func(c store.CDR) bool { ids = append(ids, strings.TrimPrefix(c.ID, "call-")); return true }); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(ids)
}

func wantOld(t *testing.T, s *Store) {
	t.Helper()
	for _, c := range []struct {
		filter store.Filter
		want   string
	}{
		{store.Filter{Caller: "+4930111"}, "[09 06 03 00]"},
		{store.Filter{Agent: "1001", Limit: 3}, "[10 08 06]"},
		{store.Filter{Agent: "1003"}, "[05]"},
	} {
		if got := found(t, s, c.filter); got != c.want {
			t.Errorf("calls of %+v: got %s, want %s", c.filter, got, c.want)
		}
	}
	var stars []float64
	if err := s.EvaluationsOf(store.Filter{Caller: "+4930111"}, store.SideCaller, func(e store.Evaluation) bool {
		stars = append(stars, e.Stars())
		return true
	}); err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(stars), "[2 1]"; got != want {
		t.Errorf("ratings of a customer, newest first: got %s, want %s", got, want)
	}
	if cu, err := s.Customer("+4930111"); err != nil || cu.Calls != 4 || cu.Tier != "" {
		t.Errorf("customer: got %+v, %v, want four calls and no tier", cu, err)
	}
	objects, revision, err := s.Objects()
	if err != nil {
		t.Fatal(err)
	}
	center, err := store.Decode(objects)
	if err != nil || revision != 1 || center.Queues["sales"].HeadStart.D() != 30*time.Second || center.Queues["sales"].Strategy != "" {
		t.Errorf("center: got revision %d, %+v, %v, want the one that was applied", revision, center.Queues, err)
	}
}

func TestAnOlderStoreIsReadAndIndexedOnce(t *testing.T) {
	path := schema1(t)
	var log strings.Builder
	for range 2 {
		s, err := Open(path, Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		wantOld(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Count(log.String(), "brought to this version"); got != 1 || !strings.Contains(log.String(), "calls=12 evaluations=6") {
		t.Errorf("log of two starts: got %q, want one line of 12 calls and 6 evaluations", log.String())
	}
}

func TestAnUpgradeThatWasCutOffBeginsAgain(t *testing.T) {
	path := schema1(t)
	edit := func(f func(tx *bbolt.Tx) error) {
		db, err := bbolt.Open(path, 0o600, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Update(f); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	edit(func(tx *bbolt.Tx) error { // half of an index, and a stale entry in it
		b, err := tx.CreateBucket(bucketCDRCaller)
		if err != nil {
			return err
		}
		return b.Put(append(nameKey("+4930111"), atKey(time.Unix(9e9, 0), "call-01")...), nil)
	})
	edit(func(tx *bbolt.Tx) error { // a record that can't be read
		return putAt(tx, bucketCDR, bucketCDRAt, "broken", []byte("{"), time.Unix(0, 0), time.Unix(0, 0))
	})
	s := openTest(t, path)
	wantOld(t, s)
}

// fillCalls writes many calls by few transactions.
func fillCalls(t testing.TB, s *Store, n int) {
	t.Helper()
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	const step = 2000
	for from := 0; from < n; from += step {
		err := s.db.Update(func(tx *bbolt.Tx) error {
			for i := from; i < min(from+step, n); i++ {
				c := store.CDR{ID: fmt.Sprintf("%08d", i), Began: began.Add(time.Duration(i) * time.Second), Caller: fmt.Sprintf("+49%07d", i*7919%(n/10)),
					Agent: fmt.Sprint(1000 + i%200), Trace: strings.Repeat("x", 800)}
				v, err := encode(c.ID, c)
				if err != nil {
					return err
				}
				if err := reindex(tx, nil, cdrEntries(c)); err != nil {
					return err
				}
				if err := putAt(tx, bucketCDR, bucketCDRAt, c.ID, v, c.Began, c.Began); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestACustomersCallsAreFoundWithoutReadingAll(t *testing.T) {
	s := openTest(t, filepath.Join(t.TempDir(), "hotline.db"))
	const n = 20000
	fillCalls(t, s, n)
	for _, c := range []struct {
		name   string
		filter store.Filter
		want   int
	}{
		{"caller", store.Filter{Caller: "+490000007"}, 10},
		{"agent", store.Filter{Agent: "1007", Limit: 10}, 10},
		{"nobody", store.Filter{Caller: "+49"}, 0},
	} {
		got := 0
		look := func() {
			got = 0
			if err := s.CDRs(c.filter, func(store.CDR) bool { got++; return true }); err != nil {
				t.Error(err)
			}
		}
		allocs := testing.AllocsPerRun(3, look)
		if got != c.want || allocs > 5000 {
			t.Errorf("%s: got %d calls with %.0f allocations, want %d with fewer than for reading %d", c.name, got, allocs, c.want, n)
		}
	}
}

func BenchmarkCallsOfACallerAmong100000(b *testing.B) {
	s, err := Open(filepath.Join(b.TempDir(), "hotline.db"), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	fillCalls(b, s, 100000)
	for _, f := range []store.Filter{{Caller: "+490000007"}, {Agent: "1007", Limit: 20}} {
		b.Run("caller="+f.Caller+" agent="+f.Agent, func(b *testing.B) {
			for b.Loop() {
				if err := s.CDRs(f, func(store.CDR) bool { return true }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("upgrade", func(b *testing.B) {
		for b.Loop() {
			if err := buildIndexes(s.db, slog.New(slog.DiscardHandler)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
