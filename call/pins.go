package call

import (
	"fmt"
	"maps"
	"strings"
	"time"

	"hotline/store"
)

// PINs of conferences and mailboxes are kept as hashes, and these sealed with the
// key of the process: a copy of the store alone tells nothing of them. A hash alone,
// as export shows it, falls to who tries all PINs of four digits in minutes; longer
// ones take longer.

// eachPIN gives every PIN of a center to f and puts in what it returns. The center's
// maps are copied.
func eachPIN(c store.Center, f func(key store.Key, pin string) string) store.Center {
	c.Conferences, c.Voicemail = maps.Clone(c.Conferences), maps.Clone(c.Voicemail)
	for id, v := range c.Conferences {
		if v.PIN != "" {
			v.PIN = f(store.Key{Kind: store.KindConference, ID: id}, v.PIN)
			c.Conferences[id] = v
		}
	}
	for id, v := range c.Voicemail {
		if v.PIN != "" {
			v.PIN = f(store.Key{Kind: store.KindVoicemail, ID: id}, v.PIN)
			c.Voicemail[id] = v
		}
	}
	return c
}

// pinsOf are the PINs of a center.
func pinsOf(c store.Center) map[store.Key]string {
	out := map[store.Key]string{}
	eachPIN(c, func(k store.Key, pin string) string {
		out[k] = pin
		return pin
	})
	return out
}

// openPINs undoes sealPINs. What can't be opened stays as it is: nobody can type it,
// so nobody comes in.
func (e *Engine) openPINs(c store.Center) store.Center {
	if e.cfg.Sealer == nil {
		return c
	}
	return eachPIN(c, func(k store.Key, pin string) string {
		if !store.IsSealed(pin) {
			return pin
		}
		plain, err := e.cfg.Sealer.Open(pin)
		if err != nil {
			e.log.Error("PIN can't be opened: set it again", "kind", string(k.Kind), "id", k.ID, "err", err)
			return pin
		}
		return plain
	})
}

// hashPINs hashes those that somebody wrote in the clear. One that is the same as
// before keeps its hash, so that applying a file twice changes nothing.
func hashPINs(c, old store.Center) store.Center {
	before := pinsOf(old)
	return eachPIN(c, func(k store.Key, pin string) string {
		if store.IsHashedPIN(pin) || store.IsSealed(pin) {
			return pin
		}
		if was, ok := store.ParsePIN(before[k]); ok && store.IsHashedPIN(before[k]) && was.Matches(pin) {
			return before[k]
		}
		return store.HashPIN(pin)
	})
}

// sealPINs encrypts hashes; was is what is stored, whose ciphertext stays where
// nothing changes.
func (e *Engine) sealPINs(c, was store.Center) store.Center {
	before := pinsOf(was)
	return eachPIN(c, func(k store.Key, pin string) string {
		old := before[k]
		if plain, err := e.cfg.Sealer.Open(old); err == nil && plain == pin || old == pin && store.IsSealed(pin) {
			return old
		}
		return e.cfg.Sealer.Seal(pin)
	})
}

// hidePINs hashes and seals PINs that an earlier version left in the store in the
// clear. It runs before anything else does.
func (e *Engine) hidePINs() error {
	was, err := e.sealedStored()
	if err != nil {
		return err
	}
	plain := 0
	for _, pin := range pinsOf(was) {
		if !store.IsHashedPIN(pin) && !store.IsSealed(pin) {
			plain++
		}
	}
	if plain == 0 {
		return nil
	}
	now := hashPINs(was, store.Center{})
	if e.cfg.Sealer != nil {
		now = e.sealPINs(now, was)
	}
	put, del, err := store.Diff(was, now, false)
	if err == nil {
		_, err = e.store.Change(put, del, "hotline", time.Now())
	}
	if err != nil {
		return fmt.Errorf("call: hash PINs: %w", err)
	}
	e.log.Info("PINs that were stored in the clear are hashed now", "pins", plain)
	return nil
}

// pinProblem tells what is wrong with a PIN; "" if nothing is. It must have at least
// so many digits.
func pinProblem(pin string, least int) (what, try string) {
	if pin == "" || store.IsSealed(pin) {
		return "", ""
	}
	p, ok := store.ParsePIN(pin)
	if !ok {
		return "is no hash of a PIN", "digits in quotes, or what hotline export center shows"
	}
	if !store.IsHashedPIN(pin) && strings.Trim(pin, "0123456789") != "" || p.Digits > maxPIN || p.Digits < least {
		return "no PIN that is safe and can be typed on a phone", fmt.Sprintf("%d to %d digits, in quotes", least, maxPIN)
	}
	return "", ""
}
