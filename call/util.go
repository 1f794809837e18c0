package call

import (
	"cmp"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"time"
)

type slogger = slog.Logger

// on reads a switch that is on unless it was turned off.
func on(b *bool) bool { return b == nil || *b }

func orDefault(d, def time.Duration) time.Duration {
	if d <= 0 {
		return def
	}
	return d
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

func itoa(n int) string { return strconv.Itoa(n) }
