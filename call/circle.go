package call

import (
	"fmt"
	"strings"

	"hotline/store"
)

// circle finds queues that send a caller round without end: on full ones, or
// where nobody is logged in, nobody waits.
func (k *check) circle(id string, q store.Queue) {
	for _, way := range sendsOn(q) {
		seen := map[string]bool{}
		for todo := []string{way.to}; len(todo) > 0; {
			to := todo[0]
			todo = todo[1:]
			next, ok := strings.CutPrefix(to, "queue:")
			if !ok || seen[next] {
				continue
			}
			if next == id {
				k.add(at("queues", id, way.field), fmt.Sprintf("%q leads back to this queue at once", way.to), "a flow at one of its ends, or hangup")
				break
			}
			seen[next] = true
			for _, w := range sendsOn(k.c.Queues[next]) {
				todo = append(todo, w.to)
			}
		}
	}
}

// way is where a queue sends a caller who has just come.
type way struct{ field, to string }

func sendsOn(q store.Queue) (ways []way) {
	if q.MaxLength > 0 {
		ways = append(ways, way{"overflow", q.Overflow})
	}
	return append(ways, way{"nobody", q.Nobody})
}
