package call

import (
	"fmt"
	"strings"
	"time"

	"hotline/store"
)

// block checks one who is kept out.
func (k *check) block(id string, b store.Block) {
	if !blockable(id) {
		k.add(at("blocks", id, ""), fmt.Sprintf("%q is no number", id), "a number, the beginning of numbers with a star behind it, such as '+49190*', or anonymous")
	}
	k.blockPrompt(at("blocks", id, "say"), b.Say)
	if b.Reason != plainName(b.Reason) {
		k.add(at("blocks", id, "reason"), "can't be shown", "at most 64 letters")
	}
}

// blockPrompt checks what somebody hears who is kept out.
func (k *check) blockPrompt(path, name string) {
	if name != "" && name != blockedBusy && !hasPrompt(k.c, "en", name) {
		k.add(path, fmt.Sprintf("no prompt %q", name), "busy, or a prompt such as not-allowed")
	}
}

// blockable tells whether a block may have such an id: one star alone would keep
// out everybody.
func blockable(id string) bool {
	number := strings.TrimSuffix(id, "*")
	return id == anonymous || number != "" && idPattern.MatchString(id) && number == plainNumber(number) && !strings.Contains(number, "*")
}

// Bounds of a number's limit; the engine remembers so many calls of each caller.
const (
	maxLimit    = 1000
	maxLimitPer = 24 * time.Hour
)

func (k *check) limit(number string, l *store.Limit) {
	if l == nil {
		return
	}
	for _, f := range []struct {
		name string
		n    int
	}{{"calls", l.Calls}, {"at_once", l.AtOnce}} {
		if f.n < 0 || f.n > maxLimit {
			k.add(at("numbers", number, "limit."+f.name), fmt.Sprintf("%d is out of range", f.n), fmt.Sprintf("0 (no limit) to %d", maxLimit))
		}
	}
	k.span(at("numbers", number, "limit.per"), l.Per, maxLimitPer)
	if l.Calls == 0 && l.Per != 0 {
		k.add(at("numbers", number, "limit.per"), "how many calls in that time?", "calls: 3")
	}
}

// greetings checks what callers of a number hear first.
func (k *check) greetings(number string, n store.Number) {
	for _, f := range []struct {
		name    string
		prompts []string
	}{{"greeting", n.Greeting}, {"known", n.Known}} {
		for i, p := range f.prompts {
			if !hasPrompt(k.c, "en", p) && !hasPrompt(k.c, n.Language, p) {
				k.add(fmt.Sprintf("%s[%d]", at("numbers", number, f.name), i), fmt.Sprintf("no prompt %q", p), "a prompt of the center, or a built-in one such as welcome")
			}
		}
	}
	if n.Early && len(n.Greeting) == 0 {
		k.add(at("numbers", number, "early"), "there is nothing to be heard early", "greeting: [welcome]")
	}
}
