package main

import "golang.org/x/sys/unix"

// freeSpace is what users may still write to a disk, in bytes.
func freeSpace(dir string) (uint64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return s.Bavail * uint64(s.Bsize), nil
}

// clockSynced tells whether NTP keeps the clock.
func clockSynced() (bool, error) {
	var t unix.Timex
	_, err := unix.Adjtimex(&t)
	return err == nil && t.Status&unix.STA_UNSYNC == 0, err
}
