package acd

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestTreeIsASortedListWithPositions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var tr tree[int]
		var list []*node[int]
		for i := range rapid.IntRange(1, 200).Draw(t, "operations") {
			if len(list) > 0 && rapid.IntRange(0, 2).Draw(t, "remove") == 0 {
				at := rapid.IntRange(0, len(list)-1).Draw(t, "at")
				tr.remove(list[at])
				list = slices.Delete(list, at, at+1)
			} else {
				n := &node[int]{item: i, prio: mix(uint64(i)), since: int64(rapid.IntRange(0, 9).Draw(t, "since"))}
				n.rank = rank{rapid.Bool().Draw(t, "head"), int64(rapid.IntRange(0, 5).Draw(t, "key")), n.since, fmt.Sprint(i)}
				tr.insert(n)
				list = append(list, n)
			}
			if err := tr.check(); err != nil {
				t.Fatal(err)
			}
		}
		slices.SortFunc(list, func(a, b *node[int]) int { return a.compare(&b.rank) })
		got := slices.Collect(tr.ascend)
		if !slices.Equal(got, list) || tr.len() != len(list) {
			t.Fatalf("tree has %d nodes in another order than the %d of the list", len(got), len(list))
		}
		for i, n := range list {
			if got := tr.before(&n.rank); got != i {
				t.Fatalf("%d nodes before node %d", got, i)
			}
		}
	})
}
