package bolt

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"hotline/store"
)

func TestOpenMakesAPrivateFileAndItsFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data", "hotline.db")
	openTest(t, path)
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("file: got %v, %v, want mode 0600", info, err)
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("folder: got %v, %v, want mode 0700", info, err)
	}
	if list, _ := os.ReadDir(filepath.Dir(path)); len(list) != 1 {
		t.Errorf("files in the folder: got %v, want only the store", list)
	}
}

func TestOpenTakesFileModesBack(t *testing.T) {
	path := filled(t, 1)
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	openTest(t, path)
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("file: got %v, %v, want mode 0600", info, err)
	}
}

func TestTwoOpenANewStoreAtOnceAndOneGetsIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hotline.db")
	results := make(chan error)
	hold := make(chan struct{})
	for range 2 {
		go func() { // ends when hold is closed; the test takes both results
			s, err := Open(path, Options{})
			results <- err
			<-hold
			if err == nil {
				err = s.Close()
			}
			results <- err
		}()
	}
	first, second := <-results, <-results
	close(hold)
	<-results
	<-results
	if (first == nil) == (second == nil) {
		t.Errorf("open: got %v and %v, want one error", first, second)
	}
}

// filled makes a closed store with some records.
func filled(t testing.TB, calls int) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "hotline.db")
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range calls {
		id := fmt.Sprint("call", i)
		s.LogJournal(store.Journal{Call: "j" + id})
		s.LogACD([]store.ACDEvent{{Seq: uint64(i), Body: []byte("1")}})
		if i%10 == 0 {
			if err := s.PutEvaluation(store.Evaluation{ID: id}); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.PutCDR(store.CDR{ID: id, Began: time.Unix(int64(i), 0)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOpenSaysWhyItCannot(t *testing.T) {
	write := func(content string) func(*testing.T) string {
		return func(t *testing.T) string {
			path := filepath.Join(t.TempDir(), "hotline.db")
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			return path
		}
	}
	edit := func(f func(*bbolt.Tx) error) func(*testing.T) string {
		return func(t *testing.T) string {
			path := filled(t, 1)
			db, err := bbolt.Open(path, 0o600, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(db.Update(f), db.Close()); err != nil {
				t.Fatal(err)
			}
			return path
		}
	}
	for _, c := range []struct {
		name string
		make func(*testing.T) string
		want string
	}{
		{"in use", func(t *testing.T) string {
			s := openTest(t, filepath.Join(t.TempDir(), "hotline.db"))
			return s.path
		}, "another hotline is using it; stop it or choose another --data"},
		{"text", write("port: 5060\n"), "it is not a store, or is damaged"},
		{"long text", write(strings.Repeat("port: 5060\n", 10000)), "it is not a store, or is damaged"},
		{"zeros", write(string(make([]byte, 1<<16))), "it is not a store, or is damaged"},
		{"a folder", func(t *testing.T) string { return t.TempDir() }, "is a directory"},
		{"below a file", func(t *testing.T) string { return filepath.Join(write("x")(t), "hotline.db") }, "not a directory"},
		{"nothing", func(*testing.T) string { return "" }, "no path"},
		{"cut off", func(t *testing.T) string {
			path := filled(t, 300)
			if err := os.Truncate(path, 64<<10); err != nil {
				t.Fatal(err)
			}
			return path
		}, "damaged"},
		{"a newer schema", edit(func(tx *bbolt.Tx) error {
			return tx.Bucket(bucketStore).Put(keySchema, []byte("3"))
		}), "it was written by a newer hotline; use that one, or restore an older backup (its schema is 3, ours 2)"},
		{"no schema", edit(func(tx *bbolt.Tx) error {
			return tx.Bucket(bucketStore).Delete(keySchema)
		}), "damaged"},
		{"another program's", edit(func(tx *bbolt.Tx) error {
			return tx.DeleteBucket(bucketStore)
		}), "it is not a store of hotline"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := c.make(t)
			s, err := Open(path, Options{})
			if err == nil {
				t.Fatalf("open: got no error, want %q (%v)", c.want, s.Close())
			}
			if got := err.Error(); !strings.HasPrefix(got, "store: open ") || !strings.Contains(got, path) || !strings.Contains(got, c.want) {
				t.Errorf("open: got %q, want the path and %q", got, c.want)
			}
		})
	}
}

func TestErrorsOfTheSystemAreExplained(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{&fs.PathError{Op: "open", Path: "x", Err: syscall.EACCES}, "no permission"},
		{&fs.PathError{Op: "open", Path: "x", Err: syscall.EPERM}, "no permission"},
		{&fs.PathError{Op: "open", Path: "x", Err: syscall.EROFS}, "read-only"},
		{&fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}, "disk full"},
	} {
		if got := explain("x", c.err).Error(); !strings.Contains(got, c.want) {
			t.Errorf("%v: got %q, want %q", c.err, got, c.want)
		}
	}
}

func TestAnOlderFileGetsTheBucketsThatItLacks(t *testing.T) {
	path := filled(t, 3)
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error { return tx.DeleteBucket(bucketCustomer) })
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	s := openTest(t, path)
	if err := s.PutCustomer(store.Customer{ID: "1"}); err != nil {
		t.Error(err)
	}
	if c, err := s.CDR("call1"); err != nil {
		t.Errorf("cdr: got %v, %v, want that it is still there", c, err)
	}
}

// A damaged file may give errors or wrong records, but never ends the process.
// Damage that bends the tree into a circle is left out: bbolt would go round it.
func TestADamagedFileNeverPanics(t *testing.T) {
	whole, err := os.ReadFile(filled(t, 60))
	if err != nil {
		t.Fatal(err)
	}
	used := bytes.TrimRight(whole, "\x00")
	pages := len(used) / os.Getpagesize()
	rnd := rand.New(rand.NewPCG(1, 2))
	path := filepath.Join(t.TempDir(), "hotline.db")
	opened, failed := 0, 0
	const files = 100
	for range files {
		b := bytes.Clone(whole)
		damage(b[rnd.IntN(pages)*os.Getpagesize():][:os.Getpagesize()], rnd)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(path, Options{Log: quiet})
		if err != nil {
			os.Remove(path) // a fresh inode: bbolt's lock may still be held
			continue
		}
		opened++
		if err := useAll(s); err != nil {
			failed++
		}
	}
	t.Logf("of %d damaged files %d opened, of which %d failed later", files, opened, failed)
	if opened == 0 || opened == files {
		t.Errorf("opened: got %d of %d, want some", opened, files)
	}
}

// damage writes noise into the records of a page with records (flag 2 at byte 8),
// and empties others, and the one that lists the buckets.
func damage(page []byte, rnd *rand.Rand) {
	if page[8] != 2 || bytes.Contains(page, bucketRecordAt) {
		clear(page)
		return
	}
	from := 16 + rnd.IntN(len(page)-16) // behind the head
	for i := from; i < min(from+64, len(page)); i++ {
		page[i] = byte(rnd.Uint32())
	}
}

// useAll reads and writes a bit of everything.
func useAll(s *Store) error {
	_, _, err := s.Objects()
	errs := []error{err,
		s.CDRs(store.Filter{}, func(store.CDR) bool { return true }),
		s.Evaluations(func(store.Evaluation) bool { return true }),
		s.ACDEvents(time.Time{}, time.Time{}, func(store.ACDEvent) bool { return true }),
	}
	_, err = s.Journals()
	errs = append(errs, err, s.PutCDR(store.CDR{ID: "new"}), s.PutCDR(store.CDR{ID: "call7"}), s.TrimACD(time.Unix(1, 0)), s.Close())
	return errors.Join(errs...)
}
