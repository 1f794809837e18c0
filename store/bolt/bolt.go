// Package bolt keeps a [store.Store] in one bbolt file.
//
// One goroutine, the writer, makes all changes. Whatever is written while a
// commit runs shares the next one, so that many Puts share one fsync; a Put that
// returned nil survives kill -9 and power cuts. Log writes wait in memory for the
// next commit, at most half of [store.LogDelay]. The records that each call leaves
// (CDR, recording, evaluation, customer) may be told to wait for company too, with
// [Options].Gather; other Puts never wait for more than a commit that runs.
//
// When the disk fails, Puts return the error (one that wraps [store.ErrFull] if
// it is full) and Log writes stay in memory, are tried again each second and
// with each Put, and are reported once per episode. Memory is bounded: a later
// journal, binding or status replaces the waiting one of the same id, and beyond
// a limit the oldest ACD events, which only serve replay, are dropped and counted.
//
// The package knows what records look like, but not what they mean.
package bolt

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"hotline/store"
)

// schema is the version of the layout of buckets and keys. 2 brought the indexes
// by name; older files get them when they are opened.
const schema = 2

// lockWait is how long Open waits for another process to let go of the file.
const lockWait = 300 * time.Millisecond

// Options of Open. Zero fields take the defaults named here.
type Options struct {
	Log     *slog.Logger  // default slog.Default()
	MaxSize int           // bytes that the file may grow to; default: as the disk allows
	Gather  time.Duration // least time between commits of call records, which wait for company; default 0
}

// Stats counts what a Store did since it was opened. Fields only grow.
type Stats struct {
	Commits  atomic.Uint64 // transactions written, with two fsyncs each
	Puts     atomic.Uint64 // writes that waited for their commit
	Logs     atomic.Uint64 // writes that did not wait
	Failures atomic.Uint64 // commits that failed
	Dropped  atomic.Uint64 // ACD events lost because the disk did not take them for too long
}

// Store is a store.Store in a file. Create it with Open.
type Store struct {
	db     *bbolt.DB
	path   string
	log    *slog.Logger
	stats  Stats
	queue  queue
	writer sync.WaitGroup

	closing  sync.Once
	closeErr error // written inside closing
}

var _ store.Store = (*Store)(nil)

// Open opens the file at path, or makes it with its folder. Only one process can
// have it open. The caller must Close the store.
func Open(path string, o Options) (*Store, error) {
	db, err := openFile(path, o)
	if err != nil {
		return nil, explain(path, err)
	}
	s := &Store{db: db, path: path, log: o.Log}
	if s.log == nil {
		s.log = slog.Default()
	}
	s.queue.init(o.Gather)
	s.writer.Go(s.write) // owned by the store; ends with Close, which waits for it
	return s, nil
}

// Stats are live.
func (s *Store) Stats() *Stats { return &s.stats }

// Close writes what waits, then closes the file. It returns an error if
// something could not be written.
func (s *Store) Close() error {
	s.closing.Do(func() {
		err := s.submit(&op{last: true})
		s.writer.Wait()
		if n := s.queue.live(); n > 0 {
			err = fmt.Errorf("%d writes are lost: %w", n, err)
		}
		if err = errors.Join(err, s.db.Close()); err != nil {
			s.closeErr = fmt.Errorf("store: close: %w", err)
		}
	})
	return s.closeErr
}

// Sync implements store.Store.
func (s *Store) Sync() error {
	if err := s.submit(&op{}); err != nil {
		return fmt.Errorf("store: sync: %w", err)
	}
	return nil
}

// Snapshot writes a consistent copy of the whole file, which Open takes, while
// the store is in use.
func (s *Store) Snapshot(w io.Writer) (n int64, err error) {
	err = s.db.View(func(tx *bbolt.Tx) error {
		n, err = tx.WriteTo(w)
		return err
	})
	if err != nil {
		return n, fmt.Errorf("store: snapshot: %w", wrapErr(err))
	}
	return n, nil
}

// errDamaged is what a page that makes no sense becomes. Not all damage is found:
// bbolt has no checksums but those of its two heads, and a tree whose branches
// were bent into a circle makes it go round.
var errDamaged = errors.New("the file is damaged; restore it from a backup")

// guard turns the panics and memory faults, in which bbolt ends on damaged
// pages, into an error.
func guard(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w (%v)", errDamaged, r)
		}
	}()
	return f()
}

func openFile(path string, o Options) (*bbolt.DB, error) {
	if path == "" {
		return nil, errors.New("no path")
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := create(path); err != nil {
			return nil, err
		}
	}
	if err := os.Chmod(path, 0o600); err != nil && !errors.Is(err, fs.ErrPermission) {
		return nil, err
	}
	var db *bbolt.DB
	err := guard(func() (err error) {
		db, err = bbolt.Open(path, 0o600, &bbolt.Options{
			Timeout:      lockWait,
			FreelistType: bbolt.FreelistMapType,
			MaxSize:      o.MaxSize,
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	log := o.Log
	if log == nil {
		log = slog.Default()
	}
	if err := guard(func() error { return prepare(db, log) }); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// create makes the file beside its place and links it there when it is
// complete: a process killed in between leaves no half-made store.
func create(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+"-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if err := f.Close(); err != nil {
		return err
	}
	db, err := bbolt.Open(f.Name(), 0o600, &bbolt.Options{Timeout: lockWait})
	if err != nil {
		return err
	}
	if err := errors.Join(prepare(db, slog.Default()), db.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return errors.Join(syncDir(dir), syncDir(filepath.Dir(dir)))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// errNewer and errForeign tell files that are no store of ours.
var (
	errNewer   = errors.New("it was written by a newer hotline; use that one, or restore an older backup")
	errForeign = errors.New("it is not a store of hotline")
)

// prepare checks that the file is a whole store of our version, makes the buckets
// of a new one, and brings an older one to ours.
func prepare(db *bbolt.DB, log *slog.Logger) error {
	done, older := false, false
	err := db.View(func(tx *bbolt.Tx) error {
		if info, err := os.Stat(db.Path()); err != nil {
			return err
		} else if info.Size() < tx.Size() {
			return fmt.Errorf("%w (%d bytes are missing)", errDamaged, tx.Size()-info.Size())
		}
		b := tx.Bucket(bucketStore)
		if b == nil {
			if k, _ := tx.Cursor().First(); k != nil {
				return errForeign
			}
			return nil
		}
		v, err := strconv.Atoi(string(b.Get(keySchema)))
		if err != nil || v < 1 {
			return errDamaged
		}
		if v > schema {
			return fmt.Errorf("%w (its schema is %d, ours %d)", errNewer, v, schema)
		}
		older = v < schema
		done = !older
		for _, name := range buckets {
			b := tx.Bucket(name)
			if b == nil {
				done = false
				continue
			}
			c := b.Cursor() // a damaged bucket shows now rather than in a call
			c.First()
			c.Last()
		}
		return nil
	})
	if err != nil || done {
		return err
	}
	if older {
		if err := buildIndexes(db, log); err != nil {
			return err
		}
	}
	return db.Update(func(tx *bbolt.Tx) error {
		for _, name := range buckets {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		return tx.Bucket(bucketStore).Put(keySchema, strconv.AppendInt(nil, schema, 10))
	})
}

// explain says in the operator's words why a file can't be opened.
func explain(path string, err error) error {
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return fmt.Errorf("store: open %s: another hotline is using it; stop it or choose another --data: %w", path, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("store: open %s: no permission; give it to the user that runs hotline, or choose another --data: %w", path, err)
	case errors.Is(err, syscall.EROFS):
		return fmt.Errorf("store: open %s: the disk is read-only; choose another --data: %w", path, err)
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrChecksum), errors.Is(err, berrors.ErrVersionMismatch):
		return fmt.Errorf("store: open %s: it is not a store, or is damaged; restore it from a backup, or choose another --data: %w", path, err)
	}
	return fmt.Errorf("store: open %s: %w", path, wrapErr(err))
}

// wrapErr marks the errors that mean a full disk, and those after Close.
func wrapErr(err error) error {
	for _, full := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG, berrors.ErrMaxSizeReached} {
		if errors.Is(err, full) {
			return fmt.Errorf("%w: %w", store.ErrFull, err)
		}
	}
	if errors.Is(err, berrors.ErrDatabaseNotOpen) {
		return store.ErrClosed
	}
	return err
}

// view reads. f must be short and must not call out: an open read keeps pages
// from being reused and the file from growing.
func (s *Store) view(f func(*bbolt.Tx) error) error {
	return wrapErr(guard(func() error { return s.db.View(f) }))
}

// value copies the value of key in bucket; store.ErrNotFound if there is none.
func (s *Store) value(bucket []byte, key string) (v []byte, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		v = clone(tx.Bucket(bucket).Get([]byte(key)))
		if v == nil {
			return store.ErrNotFound
		}
		return nil
	})
	return v, err
}
