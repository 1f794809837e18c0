package api

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// SocketName is the unix socket's file in the data directory.
const SocketName = "hotline.sock"

// maxSocketPath is the longest path of a unix socket on Linux, in bytes.
const maxSocketPath = 107

// ErrInUse is wrapped by Listen when another process answers there.
var ErrInUse = errors.New("another process answers there")

// Listen opens the unix socket of a data directory, for the user of the process
// alone (0600). A socket that nobody answers on is left from an earlier process
// and replaced; one in use is not touched.
func Listen(dataDir string) (net.Listener, error) {
	path := filepath.Join(dataDir, SocketName)
	if len(path)+4 > maxSocketPath {
		return nil, fmt.Errorf("api: listen %s: the path is longer than the %d bytes that a socket may have", path, maxSocketPath-4)
	}
	if err := removeStale(path); err != nil {
		return nil, fmt.Errorf("api: listen %s: %w", path, err)
	}
	// Bound under another name first, so that it is never open to others.
	tmp := path + ".new"
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("api: listen %s: %w", path, err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: tmp, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("api: listen %s: %w", path, err)
	}
	l.SetUnlinkOnClose(false)
	if err = os.Chmod(tmp, 0o600); err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		_ = l.Close()
		_ = os.Remove(tmp)
		return nil, fmt.Errorf("api: listen %s: %w", path, err)
	}
	return &socket{UnixListener: l, path: path}, nil
}

// removeStale deletes a socket without a process; whatever else is there stays.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return errors.New("something that is not a socket is in its place")
	}
	c, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		_ = c.Close()
		return ErrInUse
	}
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, fs.ErrPermission) {
		return ErrInUse
	}
	return os.Remove(path)
}

// socket removes its file once, when it is closed.
type socket struct {
	*net.UnixListener
	path string
	once sync.Once
}

func (s *socket) Close() error {
	s.once.Do(func() { _ = os.Remove(s.path) })
	return s.UnixListener.Close()
}
