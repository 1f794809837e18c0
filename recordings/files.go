package recordings

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// validID keeps ids from being paths: no dot, no slash, nothing to escape.
func validID(id string) bool {
	if id == "" || len(id) > maxID {
		return false
	}
	for _, c := range []byte(id) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}

// find looks for the recording's file, youngest day first: one stat per day.
func (d *Dir) find(id string) (string, error) {
	if !validID(id) {
		return "", ErrBadID
	}
	days, err := d.days()
	if err != nil {
		return "", err
	}
	for _, day := range slices.Backward(days) {
		path := filepath.Join(day, id+finalSuffix)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return "", ErrNotFound
}

// days lists the folders root/year/month/day, oldest first.
func (d *Dir) days() ([]string, error) {
	folders := []string{d.root}
	for _, digits := range []int{4, 2, 2} {
		var below []string
		for _, f := range folders {
			entries, err := os.ReadDir(f)
			if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errNotDir) {
				continue
			}
			if err != nil {
				return nil, err
			}
			for _, e := range entries {
				if isNumber(e.Name(), digits) {
					below = append(below, filepath.Join(f, e.Name()))
				}
			}
		}
		folders = below
	}
	return folders, nil
}

func isNumber(s string, digits int) bool {
	if len(s) != digits {
		return false
	}
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// walk visits the files of all days, by day and name.
func (d *Dir) walk(visit func(path string) error) error {
	days, err := d.days()
	if err != nil {
		return err
	}
	for _, day := range days {
		entries, err := os.ReadDir(day)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errNotDir) {
			continue
		}
		if err != nil {
			return err
		}
		for _, e := range entries {
			if err := visit(filepath.Join(day, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// writeWhole writes a file that has its name only when all of it is on disk.
func writeWhole(path string, r io.Reader) (err error) {
	part := path + partSuffix
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(part, path)
	}
	if err != nil {
		os.Remove(part)
		return err
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes names that were added or removed survive a power cut.
func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
