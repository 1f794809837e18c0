package main

import (
	"os"
	"runtime/debug"
)

// How far the heap may grow over what is in use before it is collected, in per
// cent. A standing call makes no garbage, so what its set-up left would stay for
// minutes; collecting earlier costs set-ups little and calls nothing.
const (
	heapGrowthServe = 40
	heapGrowthMedia = 25
)

// frugal sets that, unless GOGC says otherwise.
func frugal(percent int) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
}
