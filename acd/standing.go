package acd

import (
	"maps"
	"slices"
)

// standingChanged gives a customer's calls the places of his present standing.
func (c *Core) standingChanged(customer string) {
	for _, id := range slices.Sorted(maps.Keys(c.calls)) {
		k := c.calls[id]
		if k.Customer != customer || customer == "" {
			continue
		}
		now := c.grades.standing(customer, k.Standing, k.Tier, c.now)
		if now == k.standing {
			continue
		}
		if k.class == nil { // offered: the new place is that of his return
			k.queue.offered.remove(&k.node)
			k.standing = now
			k.rekey()
			k.queue.offered.insert(&k.node)
			continue
		}
		k.class.calls.remove(&k.node)
		k.standing = now
		k.rekey()
		k.class.calls.insert(&k.node)
		c.mark(k.class)
	}
}
