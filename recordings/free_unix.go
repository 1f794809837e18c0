//go:build linux || darwin || freebsd

package recordings

import "syscall"

// errNotDir is what ReadDir says of a file that is named like a folder of ours.
const errNotDir = syscall.ENOTDIR

func freeBytes(path string) (uint64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(path, &st); err != nil {
		return 0, err
	}
	return uint64(st.Bavail) * uint64(st.Bsize), nil
}
