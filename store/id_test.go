package store_test

import (
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"hotline/store"
)

func TestIDsOfOneInstantAreUniqueAndSorted(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	const workers, each = 8, 5000
	ids := make([][]string, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() { // ends by itself
			for range each {
				ids[w] = append(ids[w], store.NewID(now))
			}
		})
	}
	wg.Wait()
	seen := map[string]bool{}
	for _, list := range ids {
		if !slices.IsSorted(list) {
			t.Error("ids of one goroutine: got some out of order")
		}
		for _, id := range list {
			seen[id] = true
		}
	}
	if len(seen) != workers*each {
		t.Errorf("different ids: got %d, want %d", len(seen), workers*each)
	}
}

func TestIDsSortByTimeAndFitInAURL(t *testing.T) {
	form := regexp.MustCompile(`^[0-9a-z]{24}$`)
	was := ""
	for _, year := range []int{1, 1969, 1970, 1999, 2026, 2027, 2262, 5000} {
		id := store.NewID(time.Date(year, 6, 1, 0, 0, 0, 0, time.UTC))
		if !form.MatchString(id) {
			t.Errorf("id of %d: got %q, want %s", year, id, form)
		}
		if id <= was {
			t.Errorf("id of %d: got %q, want one after %q", year, id, was)
		}
		was = id
	}
}

func BenchmarkNewID(b *testing.B) {
	b.ReportAllocs()
	now := time.Now()
	for b.Loop() {
		store.NewID(now)
	}
}
