package call

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"hotline/store"
)

// ErrNotBanned answers who wants an address let in that is not kept out.
var ErrNotBanned = errors.New("is not banned; see hotline ban list")

// actUnban is an act of the audit log.
const actUnban = "ban remove"

// BanView is an address whose requests are dropped for failed log-ins.
type BanView struct {
	Source   string    `json:"source"` // an IPv4 address, or an IPv6 /64
	Until    time.Time `json:"until"`
	Times    int       `json:"times"` // bans in a row
	Failures int       `json:"failures"`
}

// Bans are the addresses banned now, the one that ends first in front.
func (e *Engine) Bans() []BanView {
	out := []BanView{}
	for _, b := range e.sip.Bans() {
		source := b.Source.String()
		if b.Source.IsSingleIP() {
			source = b.Source.Addr().String()
		}
		out = append(out, BanView{source, b.Until, b.Times, b.Failures})
	}
	return out
}

// Unban lets an address in again, named as in the list.
func (e *Engine) Unban(source, actor string) error {
	a, err := netip.ParseAddr(source)
	if p, e := netip.ParsePrefix(source); err != nil && e == nil {
		a, err = p.Addr(), nil
	}
	if err != nil || !e.sip.Unban(a) {
		return fmt.Errorf("%q: %w", source, ErrNotBanned)
	}
	now := time.Now()
	e.log.Info("ban removed", "peer", source, "actor", actor)
	e.store.LogAudit(store.Audit{ID: store.NewID(now), At: now, Actor: actor, Act: actUnban, Text: source})
	return nil
}
