package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// beFirst lets all threads of this process run before others: round-robin in
// real time, or else with a high priority. Threads that come later inherit it.
// It says which; an error tells what was not allowed.
func beFirst() (how string, err error) {
	rr := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_RR, Priority: 1}
	e1 := eachThread(func(tid int) error { return unix.SchedSetAttr(tid, &rr, 0) })
	if e1 == nil {
		return "SCHED_RR", nil
	}
	e2 := eachThread(func(tid int) error { return unix.Setpriority(unix.PRIO_PROCESS, tid, -10) })
	if e2 == nil {
		return "nice -10", nil
	}
	return "normal", fmt.Errorf("SCHED_RR: %w, nice -10: %w; try: CAP_SYS_NICE, or LimitRTPRIO=1 and LimitNICE=-10", e1, e2)
}

// eachThread does f for each thread. Threads may come while it looks, so it
// looks until all were seen.
func eachThread(f func(tid int) error) error {
	seen := map[int]bool{}
	for {
		dir, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return err
		}
		before := len(seen)
		for _, d := range dir {
			tid, err := strconv.Atoi(d.Name())
			if err != nil || seen[tid] {
				continue
			}
			if err := f(tid); err != nil && !errors.Is(err, unix.ESRCH) {
				return err
			}
			seen[tid] = true
		}
		if len(seen) == before {
			return nil
		}
	}
}

// peerOf is the process at the other end of a Unix socket; 0: not known.
func peerOf(conn net.Conn) int {
	u, ok := conn.(*net.UnixConn)
	if !ok {
		return 0
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return 0
	}
	pid := 0
	_ = raw.Control(func(fd uintptr) {
		if c, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			pid = int(c.Pid)
		}
	})
	return pid
}
