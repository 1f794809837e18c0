//go:build !linux

package callload

import "time"

func cpuTime(int) (time.Duration, bool) { return 0, false }

func prefer() {}
