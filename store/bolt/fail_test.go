package bolt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"go.etcd.io/bbolt"

	"hotline/store"
)

var quiet = slog.New(slog.DiscardHandler)

// field reaches a private field of bbolt, which has no other way to make writes
// fail: it takes real files only.
func field[T any](db *bbolt.DB, names ...string) *T {
	v := reflect.ValueOf(db).Elem()
	for _, n := range names {
		v = v.FieldByName(n)
	}
	return (*T)(unsafe.Pointer(v.UnsafeAddr()))
}

// disk decides about each write of a store. Set fail before the store is used.
type disk struct {
	writes atomic.Int64
	broken atomic.Bool        // all writes fail
	fail   func(n int64) bool // whether write n, from 1, fails
	torn   int                // bytes that a failing write writes all the same
	err    error
}

func (d *disk) attach(s *Store) {
	write := field[func([]byte, int64) (int, error)](s.db, "ops", "writeAt")
	real := *write
	*write = func(b []byte, off int64) (int, error) {
		n := d.writes.Add(1)
		if !d.broken.Load() && (d.fail == nil || !d.fail(n)) {
			return real(b, off)
		}
		done, _ := real(b[:min(d.torn, len(b))], off)
		return done, &os.PathError{Op: "write", Path: "disk", Err: d.err}
	}
}

// load writes calls from three goroutines, as the engine does, and returns the
// ids that were acknowledged. With again, what failed is tried once more.
func load(s *Store, calls int, again bool) []string {
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex // guards acked
		acked []string
	)
	for w := range 3 {
		wg.Go(func() { // ends by itself; load waits for it
			for i := w; i < calls; i += 3 {
				id := fmt.Sprintf("%03d", i)
				s.LogJournal(store.Journal{Call: id})
				s.LogACD([]store.ACDEvent{{Seq: uint64(i), Body: []byte("1")}})
				err := s.PutCDR(store.CDR{ID: id, Began: time.Unix(int64(i), 0), Trace: strings.Repeat("x", 3000)})
				if err != nil && again {
					err = s.PutCDR(store.CDR{ID: id, Began: time.Unix(int64(i), 0)})
				}
				if err == nil {
					mu.Lock()
					acked = append(acked, id)
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	return acked
}

// wantKept fails the test if an acknowledged call is lost, or has a journal.
func wantKept(t *testing.T, s *Store, acked []string) {
	t.Helper()
	for _, id := range acked {
		if _, err := s.CDR(id); err != nil {
			t.Errorf("acknowledged: got %v, want it", err)
		}
	}
	journals, err := s.Journals()
	if err != nil {
		t.Error(err)
	}
	for _, j := range journals {
		if _, err := s.CDR(j.Call); err == nil {
			t.Errorf("journal of %s: got one, want none beside its record", j.Call)
		}
	}
}

func TestAWriteThatFailsLosesNothingAcknowledged(t *testing.T) {
	const calls = 24
	dir := t.TempDir()
	for n := int64(1); n <= 50; n++ {
		for _, c := range []struct {
			name string
			fail func(int64) bool
			torn int
		}{
			{"once", func(i int64) bool { return i == n }, int(n % 2 * 40)}, // every other one torn within a page's head
			{"for good", func(i int64) bool { return i >= n }, 40},
		} {
			name := fmt.Sprintf("write %d fails %s", n, c.name)
			path := filepath.Join(dir, fmt.Sprint(n, c.name))
			s, err := Open(path, Options{Log: quiet})
			if err != nil {
				t.Fatal(err)
			}
			d := disk{fail: c.fail, torn: c.torn, err: syscall.EIO}
			d.attach(s)
			once := c.name != "for good"
			acked := load(s, calls, once)
			wantKept(t, s, acked)
			if once && len(acked) != calls {
				t.Errorf("%s: got %d calls acknowledged at the second try, want %d", name, len(acked), calls)
			}
			if d.writes.Load() < n {
				t.Errorf("%s: got %d writes, want more, or the test proves nothing", name, d.writes.Load())
			}
			if err := s.Close(); err != nil && !errors.Is(err, syscall.EIO) {
				t.Errorf("%s: close: got %v, want no other error than the disk's", name, err)
			}
			s = openTest(t, path)
			wantKept(t, s, acked)
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestAnFsyncThatFailsIsToldAndTheNextOneServes(t *testing.T) {
	s, err := Open(filepath.Join(t.TempDir(), "hotline.db"), Options{Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	null, err := os.Open("/dev/null") // can't be synced
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	file := field[*os.File](s.db, "file")
	real := *file
	*file = null
	for range 3 {
		if err := s.PutCDR(store.CDR{ID: "a"}); err == nil {
			t.Error("put: got no error, want one")
		}
	}
	*file = real
	if err := s.PutCDR(store.CDR{ID: "a"}); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	s = openTest(t, s.path)
	wantKept(t, s, []string{"a"})
}

func TestAFullFileIsToldAndPutsThatFitGoOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hotline.db")
	s, err := Open(path, Options{Log: quiet, MaxSize: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.PutMeta("big", make([]byte, 4<<20)); !errors.Is(err, store.ErrFull) || !strings.Contains(err.Error(), "put meta big") {
		t.Errorf("put: got %v, want one that wraps ErrFull and names the record", err)
	}
	s.LogACD([]store.ACDEvent{{Body: fmt.Appendf(nil, "%q", strings.Repeat("x", 4<<20))}}) // never fits
	s.LogJournal(store.Journal{Call: "a"})
	if err := s.Sync(); !errors.Is(err, store.ErrFull) {
		t.Errorf("sync: got %v, want ErrFull", err)
	}
	if err := s.PutCDR(store.CDR{ID: "a"}); err != nil {
		t.Errorf("put of a small record beside a backlog that does not fit: got %v, want none", err)
	}
	if err := s.Close(); !errors.Is(err, store.ErrFull) || !strings.Contains(err.Error(), "2 writes are lost") {
		t.Errorf("close: got %v, want ErrFull and how much is lost", err)
	}
	s = openTest(t, path)
	wantKept(t, s, []string{"a"})
}

// lines counts the log records of each level.
type lines struct {
	slog.Handler
	warn, err *atomic.Int64
}

func (l lines) Handle(ctx context.Context, r slog.Record) error {
	switch r.Level {
	case slog.LevelWarn:
		l.warn.Add(1)
	case slog.LevelError:
		l.err.Add(1)
	}
	return l.Handler.Handle(ctx, r)
}

func TestLogWritesWaitForTheDiskAndAreReportedOncePerEpisode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hotline.db")
	synctest.Test(t, func(t *testing.T) {
		l := lines{slog.NewTextHandler(io.Discard, nil), new(atomic.Int64), new(atomic.Int64)}
		s, err := Open(path, Options{Log: slog.New(l)})
		if err != nil {
			t.Fatal(err)
		}
		d := disk{err: syscall.ENOSPC}
		d.attach(s)
		for episode := range int64(2) {
			d.broken.Store(true)
			for i := range 100 {
				s.LogJournal(store.Journal{Call: "a", Updated: time.Unix(episode, int64(i))})
				s.LogAgentStatus(store.AgentStatus{ID: fmt.Sprint(episode, i)})
				time.Sleep(100 * time.Millisecond)
			}
			if err := s.PutCDR(store.CDR{ID: "b"}); !errors.Is(err, store.ErrFull) {
				t.Errorf("put: got %v, want ErrFull", err)
			}
			if n := s.queue.live(); n != 101 {
				t.Errorf("waiting writes: got %d, want 100 statuses and one journal", n)
			}
			d.broken.Store(false)
			time.Sleep(retry + store.LogDelay)
			if err := s.Sync(); !errors.Is(err, store.ErrFull) {
				t.Errorf("first sync: got %v, want the error of the episode, ErrFull", err)
			}
			if err := s.Sync(); err != nil {
				t.Errorf("next sync: got %v, want none", err)
			}
			if got := []int64{l.err.Load(), l.warn.Load()}; got[0] != episode+1 || got[1] != episode+1 {
				t.Errorf("errors and warnings logged: got %v, want %d of each", got, episode+1)
			}
			journals, _ := s.Journals()
			if len(journals) != 1 || !journals[0].Updated.Equal(time.Unix(episode, 99)) {
				t.Errorf("journals: got %v, want the last one", journals)
			}
			if list, _ := s.AgentStatuses(); len(list) != 100*int(episode+1) {
				t.Errorf("statuses: got %d, want %d", len(list), 100*(episode+1))
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestABacklogIsBoundedAndDropsTheOldestACDEvents(t *testing.T) {
	s := openTest(t, filepath.Join(t.TempDir(), "hotline.db"))
	s.log = quiet
	d := disk{err: syscall.ENOSPC}
	d.attach(s)
	d.broken.Store(true)
	s.LogJournal(store.Journal{Call: "a"})
	if err := s.Sync(); !errors.Is(err, store.ErrFull) { // the episode has begun
		t.Fatalf("sync: got %v, want ErrFull", err)
	}
	s.queue.hard = 1000
	const events = 1000 + txOps + 500 // the writer may hold txOps
	for i := range events {
		s.LogACD([]store.ACDEvent{{Seq: uint64(i), Body: []byte("1")}})
	}
	if n := s.queue.live(); n > 1000 {
		t.Errorf("waiting writes: got %d, want at most 1000", n)
	}
	d.broken.Store(false)
	if err := s.Sync(); err != nil && !errors.Is(err, store.ErrFull) {
		t.Error(err)
	}
	if err := s.Sync(); err != nil {
		t.Error(err)
	}
	kept, last := uint64(0), uint64(0)
	err := s.ACDEvents(time.Time{}, time.Time{}, func(e store.ACDEvent) bool {
		kept++
		last = e.Seq
		return true
	})
	if dropped := s.Stats().Dropped.Load(); err != nil || kept+dropped != events || dropped == 0 || last != events-1 {
		t.Errorf("events: got %d kept, %d dropped, last %d (%v), want %d in sum and the last one kept", kept, dropped, last, err, events)
	}
	if journals, _ := s.Journals(); len(journals) != 1 {
		t.Errorf("journals: got %d, want 1", len(journals))
	}
}

func TestALogWriteWaitsOnlyShortlyForASlowDisk(t *testing.T) {
	s := openTest(t, filepath.Join(t.TempDir(), "hotline.db"))
	d := disk{}
	hang := make(chan struct{})
	var once sync.Once
	hangs := make(chan struct{})
	d.fail = func(int64) bool {
		once.Do(func() { close(hangs) })
		<-hang
		return false
	}
	d.attach(s)
	s.LogUnbind("a")
	<-hangs
	s.queue.soft = 100
	const events = 103
	for i := range events { // the last ones wait for LogDelay each
		s.LogACD([]store.ACDEvent{{Seq: uint64(i), Body: []byte("1")}})
	}
	close(hang)
	if err := s.Sync(); err != nil {
		t.Error(err)
	}
	n := 0
	if err := s.ACDEvents(time.Time{}, time.Time{}, func(store.ACDEvent) bool { n++; return true }); err != nil || n != events {
		t.Errorf("events: got %d, %v, want %d", n, err, events)
	}
}
