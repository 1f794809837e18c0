package call

import (
	"fmt"

	"hotline/store"
)

// maxPIN is the longest PIN of a conference, in digits.
const maxPIN = 16

func (k *check) conference(id string, c store.Conference) {
	k.id("conferences", id)
	if c.Max < 0 || c.Max > maxConference {
		k.add(at("conferences", id, "max"), fmt.Sprintf("%d is out of range", c.Max), fmt.Sprintf("1 to %d", maxConference))
	}
	if what, try := pinProblem(c.PIN, 1); what != "" {
		k.add(at("conferences", id, "pin"), what, try)
	}
}
