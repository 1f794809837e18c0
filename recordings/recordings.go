// Package recordings keeps finished recordings on disk: one folder per day, one
// WAV per recording with its SHA-256 beside it.
//
//	root/2026/11/20/<id>.wav       whole, never changed again
//	root/2026/11/20/<id>.sha256    its checksum, as sha256sum -c reads it
//	root/2026/11/20/<id>.peaks     its outline, to be drawn (media.Peaks)
//	root/2026/11/20/<id>.live.wav  still being written by media
//
// A recording is known by its id; the day is that of its beginning in UTC. The
// file of a running recording is media's until it has its final name; then
// [Dir.Finish] takes it over. [Dir.Recover] mends what a crash has left. Folders
// are 0700, files 0600: nobody but the engine's user hears them.
//
// The package knows nothing of calls, queues or who may listen. Nothing is held
// in memory, so files may be moved in, copied away or removed by hand.
package recordings

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"hotline/media"
)

// Errors to branch on.
var (
	ErrNotFound = errors.New("no such recording")
	ErrExists   = errors.New("recording exists already")
	ErrBadID    = errors.New("bad recording id") // want 1 to 64 of A-Z a-z 0-9 _ -
	ErrFull     = errors.New("disk full")
	ErrDamaged  = errors.New("recording is damaged")
)

const (
	finalSuffix  = ".wav"
	liveSuffix   = ".live.wav"
	sumSuffix    = ".sha256"
	partSuffix   = ".part"   // not whole yet: of Put, or of a checksum
	brokenSuffix = ".broken" // could not be repaired; kept for a person
	dayLayout    = "2006/01/02"
	maxID        = 64
)

// Recording is one finished recording.
type Recording struct {
	ID       string
	Day      time.Time     // midnight UTC of the day it began
	Path     string        // absolute
	Size     int64         // bytes of the file
	Duration time.Duration // as its header says
	SHA256   string        // hex; "" = not finished by Finish yet
}

// Dir is a store of recordings under one folder. Safe for concurrent use by
// different recordings; one recording has one writer. Make it with [New].
type Dir struct{ root string }

// New opens the store under root and makes the folder if it is missing.
func New(root string) (*Dir, error) {
	abs, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("recordings: open %s: %w", root, err)
	}
	d := &Dir{root: abs}
	if err := os.MkdirAll(abs, 0o700); err != nil {
		return nil, d.fail("open", root, err)
	}
	return d, nil
}

// Path makes the day's folder and tells the two names of a recording's file:
// live while it grows, final when it is whole.
func (d *Dir) Path(id string, began time.Time) (live, final string, err error) {
	if !validID(id) {
		return "", "", d.fail("path", id, ErrBadID)
	}
	dir := filepath.Join(d.root, filepath.FromSlash(began.UTC().Format(dayLayout)))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", "", d.fail("path", id, err)
	}
	final = filepath.Join(dir, id+finalSuffix)
	return media.LivePath(final), final, nil
}

// Finish takes over a file that has its final name: it computes and stores the
// checksum. It reads the whole file, so not on a call's goroutine. Doing it
// again is harmless.
func (d *Dir) Finish(id string) (Recording, error) {
	path, err := d.find(id)
	if err != nil {
		return Recording{}, d.fail("finish", id, err)
	}
	r, err := d.finish(path)
	if err != nil {
		return Recording{}, d.fail("finish", id, err)
	}
	return r, nil
}

func (d *Dir) finish(path string) (Recording, error) {
	r, err := d.stat(path)
	if err != nil {
		return r, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return r, err
	}
	if r.SHA256, err = checksum(path); err != nil {
		return r, err
	}
	sum := strings.TrimSuffix(path, finalSuffix) + sumSuffix
	text := r.SHA256 + "  " + filepath.Base(path) + "\n"
	return r, writeWhole(sum, strings.NewReader(text))
}

// Put stores a WAV that comes from elsewhere. After an error nothing is left.
func (d *Dir) Put(id string, began time.Time, wav io.Reader) (Recording, error) {
	_, final, err := d.Path(id, began)
	if err != nil {
		return Recording{}, err
	}
	if _, err := d.find(id); err == nil {
		return Recording{}, d.fail("put", id, ErrExists)
	} else if !errors.Is(err, ErrNotFound) {
		return Recording{}, d.fail("put", id, err)
	}
	if err := writeWhole(final, wav); err != nil {
		return Recording{}, d.fail("put", id, err)
	}
	r, err := d.finish(final)
	if err != nil {
		os.Remove(final)
		return Recording{}, d.fail("put", id, err)
	}
	return r, nil
}

// Open reads a recording from its beginning. The caller closes it.
func (d *Dir) Open(id string) (io.ReadSeekCloser, error) {
	path, err := d.find(id)
	if err != nil {
		return nil, d.fail("open", id, err)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, d.fail("open", id, err)
	}
	return f, nil
}

// Stat describes one recording.
func (d *Dir) Stat(id string) (Recording, error) {
	path, err := d.find(id)
	if err != nil {
		return Recording{}, d.fail("stat", id, err)
	}
	r, err := d.stat(path)
	if err != nil {
		return Recording{}, d.fail("stat", id, err)
	}
	return r, nil
}

// Verify reads a recording and compares it with its checksum: ErrDamaged if they
// differ.
func (d *Dir) Verify(id string) error {
	r, err := d.Stat(id)
	if err != nil {
		return err
	}
	sum, err := checksum(r.Path)
	if err == nil && sum != r.SHA256 {
		err = fmt.Errorf("%w: its SHA-256 is %s, on record is %q", ErrDamaged, sum, r.SHA256)
	}
	if err != nil {
		return d.fail("verify", id, err)
	}
	return nil
}

// Delete removes a recording and what belongs to it.
func (d *Dir) Delete(id string) error {
	path, err := d.find(id)
	if err != nil {
		return d.fail("delete", id, err)
	}
	// The checksum goes last: a crash in between leaves nothing that can be heard.
	err = os.Remove(path)
	if e := os.Remove(media.PeaksPath(path)); err == nil && !errors.Is(e, fs.ErrNotExist) {
		err = e
	}
	if e := os.Remove(strings.TrimSuffix(path, finalSuffix) + sumSuffix); err == nil && !errors.Is(e, fs.ErrNotExist) {
		err = e
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return d.fail("delete", id, err)
	}
	return nil
}

// List describes all finished recordings, by day and id. One that can't be read
// as WAV is listed without duration.
func (d *Dir) List() ([]Recording, error) {
	var out []Recording
	err := d.walk(func(path string) error {
		if !strings.HasSuffix(path, finalSuffix) || strings.HasSuffix(path, liveSuffix) {
			return nil
		}
		r, err := d.stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // deleted meanwhile
		}
		if err != nil && !errors.Is(err, ErrDamaged) {
			return err
		}
		out = append(out, r)
		return nil
	})
	if err != nil {
		return nil, d.fail("list", d.root, err)
	}
	return out, nil
}

// Free tells how many bytes we can still write on the disk.
func (d *Dir) Free() (uint64, error) {
	n, err := freeBytes(d.root)
	if err != nil {
		return 0, d.fail("free", d.root, err)
	}
	return n, nil
}

// stat describes the file at path, which is ours. A file that is no WAV gives
// ErrDamaged and all but the duration.
func (d *Dir) stat(path string) (Recording, error) {
	f, err := os.Open(path)
	if err != nil {
		return Recording{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Recording{}, err
	}
	base := strings.TrimSuffix(path, finalSuffix)
	r := Recording{ID: filepath.Base(base), Path: path, Size: info.Size()}
	if rel, err := filepath.Rel(d.root, filepath.Dir(path)); err == nil {
		r.Day, _ = time.Parse(dayLayout, filepath.ToSlash(rel))
	}
	if b, err := os.ReadFile(base + sumSuffix); err == nil && len(b) >= 2*sha256.Size {
		r.SHA256 = string(b[:2*sha256.Size])
	}
	r.Duration, err = wavDuration(bufio.NewReader(f), info.Size())
	return r, err
}

// fail says what was tried, and plainly that the disk is full. A bad id may come
// from anywhere: it is quoted and cut.
func (d *Dir) fail(verb, what string, err error) error {
	if errors.Is(err, ErrBadID) && len(what) > maxID {
		what = what[:maxID] + "..."
	}
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		free, _ := freeBytes(d.root)
		return fmt.Errorf("recordings: %s %q: %w: %d bytes free at %s: %w", verb, what, ErrFull, free, d.root, err)
	}
	return fmt.Errorf("recordings: %s %q: %w", verb, what, err)
}

// checksum is the SHA-256 of a file in hex.
func checksum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
