package phone

import (
	"slices"

	"hotline/sip"
)

// Transfer asks the peer to call a number instead of us (REFER); with the other
// call of this phone that is to be replaced it is an attended transfer.
func (c *Call) Transfer(number string, other *Call) {
	to := sip.ReferTarget{URI: c.p.uri(number)}
	if other != nil {
		id := other.dialog().Replaces()
		to.Replaces = &id
	}
	c.dialog().Refer(to)
}

// Transferred is what became of Transfer so far, one after the other.
func (c *Call) Transferred() []sip.ReferProgress {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.referral)
}
