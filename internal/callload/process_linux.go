package callload

import (
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// cpuTime is what all threads of a process have used, those that ended included:
// its CPU clock, to the nanosecond, where /proc counts by 10 ms.
func cpuTime(pid int) (time.Duration, bool) {
	const scheduled = 2 // CPUCLOCK_SCHED of a process, clock_getcpuclockid(3)
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|scheduled), &t); err != nil {
		return 0, false
	}
	return time.Duration(t.Nano()), true
}

// prefer schedules this process as the media process and the relay are, if that is
// allowed: callers are other machines, who do not wait until this one has time. A
// load that falls behind would be a lighter one.
func prefer() {
	rr := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_RR, Priority: 1}
	tasks, _ := filepath.Glob("/proc/self/task/*")
	for _, t := range tasks {
		if tid, err := strconv.Atoi(filepath.Base(t)); err == nil {
			_ = unix.SchedSetAttr(tid, &rr, 0) // new threads take it over
		}
	}
}
