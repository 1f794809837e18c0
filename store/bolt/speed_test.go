package bolt

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hotline/store"
)

func TestPutsThatComeTogetherShareACommit(t *testing.T) {
	s := openTest(t, filepath.Join(t.TempDir(), "hotline.db"))
	const writers, each = 64, 5
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() { // ends by itself
			for i := range each {
				if err := s.PutCDR(store.CDR{ID: fmt.Sprint(w, "-", i)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got := s.Stats().Commits.Load(); got > writers*each/2 {
		t.Errorf("commits: got %d for %d puts, want less than half as many", got, writers*each)
	}
}

func TestLogWritesShareACommitToo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hotline.db")
	synctest.Test(t, func(t *testing.T) {
		s, err := Open(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 1000 { // one second of a busy center
			s.LogJournal(store.Journal{Call: fmt.Sprint(i % 100)})
			time.Sleep(time.Millisecond)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if got := s.Stats().Commits.Load(); got < 20 || got > 45 {
			t.Errorf("commits in a second: got %d, want about one per 25 ms", got)
		}
	})
}

func TestAPutTakesNoTimeOfTheBubble(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hotline.db")
	synctest.Test(t, func(t *testing.T) {
		s, err := Open(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		for i := range 10 {
			if err := s.PutCDR(store.CDR{ID: fmt.Sprint(i)}); err != nil {
				t.Error(err)
			}
		}
		if got := time.Since(began); got != 0 {
			t.Errorf("ten puts: got %v, want 0s, so that simulations stay exact", got)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestTheNewestRecordsAreFoundWithoutReadingAll(t *testing.T) {
	s := openTest(t, filepath.Join(t.TempDir(), "hotline.db"))
	var wg sync.WaitGroup
	for w := range 32 {
		wg.Go(func() { // ends by itself
			for i := range 100 {
				n := i*32 + w
				if err := s.PutCDR(store.CDR{ID: store.NewID(time.Unix(int64(n), 0)), Began: time.Unix(int64(n), 0), Trace: strings.Repeat("x", 2000)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	newest := func() {
		_ = s.CDRs(store.Filter{Limit: 1}, func(c store.CDR) bool {
			if !c.Began.Equal(time.Unix(3199, 0)) {
				t.Errorf("newest: got %v, want the last one", c.Began)
			}
			return true
		})
	}
	if got := testing.AllocsPerRun(10, newest); got > 8*chunk {
		t.Errorf("allocations for the newest record of 3200: got %v, want less than for reading all", got)
	}
}

func TestTheFilesTellNoTrunkSecret(t *testing.T) {
	const secret = "correct-horse-battery"
	dir := t.TempDir()
	sealer, err := store.LoadOrCreateKey(filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	objects, err := store.Center{Trunks: map[string]store.Trunk{"acme": {User: "u", Secret: secret}}}.Objects()
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := sealer.SealTrunks(objects)
	if err != nil {
		t.Fatal(err)
	}
	s := openTest(t, filepath.Join(dir, "hotline.db"))
	if _, err := s.Change(sealed, nil, "ann", time.Unix(0, 0)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 2 {
		t.Fatalf("files: got %v, %v, want the key and the store", files, err)
	}
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil || strings.Contains(string(b), secret) || strings.Contains(string(b), secret[:8]) {
			t.Errorf("%s: got the secret in it (%v), want it only sealed", f.Name(), err)
		}
	}
	s = openTest(t, s.path)
	list, _, err := s.Objects()
	if err != nil {
		t.Fatal(err)
	}
	if list, err = sealer.OpenTrunks(list); err != nil {
		t.Fatal(err)
	}
	if c, err := store.Decode(list); err != nil || c.Trunks["acme"].Secret != secret {
		t.Errorf("opened: got %v, %v, want the secret", c.Trunks, err)
	}
}

func TestASnapshotIsAStore(t *testing.T) {
	s := openTest(t, filled(t, 20))
	path := filepath.Join(t.TempDir(), "copy.db")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Snapshot(f); err != nil {
		t.Error(err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	wantKept(t, openTest(t, path), []string{"call0", "call19"})
}

// bigCDR is of the size of a usual one.
func bigCDR(id string, at time.Time) store.CDR {
	c := store.CDR{ID: id, Began: at, Ended: at.Add(time.Minute), Caller: "+15550100", Called: "4001", Agent: "1001", Queue: "sales"}
	for range 4 {
		c.Stages = append(c.Stages, store.Stage{Name: "wait sales", Began: at, Ended: at})
	}
	for range 2 {
		c.Legs = append(c.Legs, store.Leg{ID: id, Role: "agent", Peer: "agent:1001", Began: at, Answered: at, Ended: at, In: 3000, Out: 3000, Codec: "PCMU"})
	}
	return c
}

func BenchmarkPutCDR(b *testing.B) {
	for _, callers := range []int{1, 8, 64, 512} {
		b.Run(fmt.Sprintf("%d callers", callers), func(b *testing.B) {
			s := openTest(b, filepath.Join(b.TempDir(), "hotline.db"))
			before := s.Stats().Commits.Load()
			ids := make(chan int)
			var wg sync.WaitGroup
			for range callers {
				wg.Go(func() { // ends when ids is closed
					for range ids {
						now := time.Now()
						if err := s.PutCDR(bigCDR(store.NewID(now), now)); err != nil {
							b.Error(err)
						}
					}
				})
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				ids <- i
			}
			close(ids)
			wg.Wait()
			b.ReportMetric(2*float64(s.Stats().Commits.Load()-before)/float64(b.N), "fsyncs/op")
		})
	}
}

func BenchmarkLogJournal(b *testing.B) {
	s := openTest(b, filepath.Join(b.TempDir(), "hotline.db"))
	now := time.Now()
	j := store.Journal{CDR: bigCDR("x", now), Updated: now}
	ids := make([]string, 500) // calls that run
	for i := range ids {
		ids[i] = store.NewID(now)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		j.Call = ids[i%len(ids)]
		s.LogJournal(j)
		i++
	}
	b.ReportMetric(2*float64(s.Stats().Commits.Load())/float64(b.N), "fsyncs/op")
}

func BenchmarkNewestCDRs(b *testing.B) {
	s := openTest(b, filepath.Join(b.TempDir(), "hotline.db"))
	now := time.Now()
	var wg sync.WaitGroup
	for w := range 64 {
		wg.Go(func() { // ends by itself
			for i := range 300 {
				t := now.Add(time.Duration(i*64+w) * time.Second)
				_ = s.PutCDR(bigCDR(store.NewID(t), t))
			}
		})
	}
	wg.Wait()
	b.ReportAllocs()
	for b.Loop() {
		_ = s.CDRs(store.Filter{Limit: 50}, func(store.CDR) bool { return true })
	}
}
