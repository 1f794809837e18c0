package main

import (
	"os"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"
)

// How far the heap may grow over what is in use before it is collected, in per
// cent. A standing call makes no garbage, so what its set-up left would stay for
// minutes; collecting earlier costs set-ups little and calls nothing.
const (
	heapGrowthServe = 40
	heapGrowthMedia = 25
)

var tidies sync.Once

// frugal sets that, unless GOGC says otherwise, and tidies up after bursts of set-ups.
func frugal(percent int) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
	tidies.Do(func() { go tidy() }) // ends with the process
}

const (
	tidyEvery = time.Second
	tidyWorth = 4 << 20 // bytes allocated, below which nothing is won
	tidyCalm  = 1 << 20 // bytes a second, below which no burst is on
)

// tidy gives back what a burst of set-ups left, as soon as it is over, for calls
// that stand will not do it for minutes.
func tidy() {
	allocated := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	var before, tidied uint64
	for range time.Tick(tidyEvery) {
		metrics.Read(allocated)
		now := allocated[0].Value.Uint64()
		if now-before < tidyCalm && now-tidied > tidyWorth {
			debug.FreeOSMemory()
			tidied = now
		}
		before = now
	}
}
