package config

import (
	"slices"
	"strings"
)

// Suggest says what was perhaps meant by a word that is none of known:
// "overflow", or "one of a, b, c" when nothing is near.
func Suggest(word string, known []string) string {
	best, least := "", 1+max(1, len(word)/3)
	for _, k := range known {
		if d := distance(strings.ToLower(word), strings.ToLower(k)); d < least {
			best, least = k, d
		}
	}
	if best != "" {
		return best
	}
	known = slices.Sorted(slices.Values(known))
	switch {
	case len(known) == 0:
		return ""
	case len(known) > 24:
		return "one of " + strings.Join(known[:24], ", ") + ", ..."
	}
	return "one of " + strings.Join(known, ", ")
}

// distance counts the letters to add, drop, change or swap with the next one to
// make b of a. Words are short: longer ones are far apart.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return max(len(a), len(b))
	}
	var d [65][65]int
	for i := range len(a) + 1 {
		d[i][0] = i
	}
	for j := range len(b) + 1 {
		d[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}
