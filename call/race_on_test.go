//go:build race

package call_test

// raceEnabled: the race detector makes everything ten times slower.
const raceEnabled = true
