package recordings

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"hotline/media"
)

// Recovered is what a crash has left of one recording.
type Recovered struct {
	Recording       // as it is now; only ID and Path when Err is set
	Torn      bool  // it was still being written
	Err       error // it could not be saved; Path tells where the bytes are
}

// Recover ends what an earlier process could not: live files are repaired and
// get their final name, finished ones without checksum get it, parts of files
// are removed. A file that can't be repaired is kept as <id>.broken, and so
// reported once. Call it before anything records; the ids of recordings that
// another process still writes are left alone.
func (d *Dir) Recover(running ...string) ([]Recovered, error) {
	return d.recover(repair, running...)
}

func repair(path string) error { _, err := media.Repair(path); return err }

// Rescue ends one recording whose writer died, as Recover does.
func (d *Dir) Rescue(id string) Recovered {
	lost := func(err error) Recovered {
		return Recovered{Recording: Recording{ID: id}, Torn: true, Err: d.fail("rescue", id, err)}
	}
	if !validID(id) {
		return lost(ErrBadID)
	}
	days, err := d.days()
	if err != nil {
		return lost(err)
	}
	for _, day := range slices.Backward(days) {
		if live := filepath.Join(day, id+liveSuffix); exists(live) {
			return d.mend(live, repair)
		}
		if final := filepath.Join(day, id+finalSuffix); exists(final) {
			r, err := d.finish(final)
			if err != nil {
				return lost(err)
			}
			return Recovered{Recording: r}
		}
	}
	return lost(ErrNotFound)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// idOf is the recording that a file belongs to.
func idOf(path string) string {
	id, _, _ := strings.Cut(filepath.Base(path), ".")
	return id
}

func (d *Dir) recover(repair func(path string) error, running ...string) ([]Recovered, error) {
	var out []Recovered
	err := d.walk(func(path string) error {
		switch {
		case slices.Contains(running, idOf(path)):
		case strings.HasSuffix(path, partSuffix):
			return os.Remove(path)
		case strings.HasSuffix(path, liveSuffix):
			out = append(out, d.mend(path, repair))
		case strings.HasSuffix(path, finalSuffix):
			if r, ok := d.complete(path); ok {
				out = append(out, r)
			}
		}
		return nil
	})
	if err != nil {
		return out, d.fail("recover", d.root, err)
	}
	return out, nil
}

// complete finishes a whole file that has no checksum yet.
func (d *Dir) complete(path string) (Recovered, bool) {
	base := strings.TrimSuffix(path, finalSuffix)
	if _, err := os.Stat(base + sumSuffix); err == nil {
		return Recovered{}, false
	}
	r, err := d.finish(path)
	if err != nil {
		return d.broken(path, base, false, err), true
	}
	return Recovered{Recording: r}, true
}

// mend makes a live file a finished one, or a broken one.
func (d *Dir) mend(live string, repair func(path string) error) Recovered {
	base := strings.TrimSuffix(live, liveSuffix)
	final := base + finalSuffix
	if _, err := os.Stat(final); err == nil {
		return d.broken(live, base, true, fmt.Errorf("%w: the whole file is %s", ErrExists, final))
	}
	if err := repair(live); err != nil {
		return d.broken(live, base, true, err)
	}
	err := syncFile(live)
	if err == nil {
		err = os.Rename(live, final)
	}
	if err != nil {
		return d.broken(live, base, true, err)
	}
	r, err := d.finish(final)
	if err != nil {
		return d.broken(final, base, true, err)
	}
	return Recovered{Recording: r, Torn: true}
}

// broken reports a file that could not be saved. If the file itself is to blame
// it is put aside; what the disk refused (full, no right) is tried again at the
// next start.
func (d *Dir) broken(path, base string, torn bool, err error) Recovered {
	id := filepath.Base(base)
	var disk syscall.Errno
	if !errors.As(err, &disk) {
		if os.Rename(path, base+brokenSuffix) == nil {
			path = base + brokenSuffix
		}
	}
	return Recovered{Recording: Recording{ID: id, Path: path}, Torn: torn, Err: d.fail("recover", id, err)}
}
