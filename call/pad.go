package call

import (
	"strings"
	"time"

	"hotline/store"
)

// pad reads what an agent presses in talk: a code alone, or a code, a number and
// the hash key.
type pad struct {
	codes map[string]string // keys -> order
	have  string
	none  string // keys that are part of no code: for the other side
	code  string // complete; its number follows
	last  time.Time
	rest  *time.Timer // until have is given up; nil before the first key
}

// keyPause is the longest pause between two keys that belong together.
const keyPause = 3 * time.Second

// numberPause is the longest pause between the keys of a number.
const numberPause = 8 * time.Second

// longestNumber that is read after a code.
const longestNumber = 32

func newPad(codes map[string]string) *pad { return &pad{codes: codes} }

// press takes a key; ok is true when it completes an order.
func (p *pad) press(r rune, now time.Time) (do, number string, ok bool) {
	limit := keyPause
	if p.code != "" {
		limit = numberPause
	}
	if now.Sub(p.last) > limit {
		p.giveUp()
	}
	p.last = now
	if p.code != "" {
		return p.digit(r)
	}
	p.have += string(r)
	for p.have != "" && !p.prefix() {
		p.none += p.have[:1]
		p.have = p.have[1:]
	}
	do, found := p.codes[p.have]
	if !found {
		return "", "", false
	}
	if do == DoTransfer || do == DoConsult {
		p.code, p.have = do, ""
		return "", "", false
	}
	p.have = ""
	return do, "", true
}

// giveUp ends a code that was begun and not finished.
func (p *pad) giveUp() {
	if p.code == "" {
		p.none += p.have
	}
	p.have, p.code = "", ""
}

// others returns the keys that turned out to be for the other side, once.
func (p *pad) others() string {
	keys := p.none
	p.none = ""
	return keys
}

// pause tells when keys that wait for others have waited long enough; nil while
// none do.
func (p *pad) pause() <-chan time.Time {
	if p.have == "" || p.code != "" {
		return nil
	}
	if p.rest == nil {
		p.rest = time.NewTimer(time.Until(p.last.Add(keyPause)))
	} else {
		p.rest.Reset(time.Until(p.last.Add(keyPause)))
	}
	return p.rest.C
}

// digit takes a key of the number after a code.
func (p *pad) digit(r rune) (do, number string, ok bool) {
	if r != '#' && len(p.have) < longestNumber {
		p.have += string(r)
		return "", "", false
	}
	do, number = p.code, p.have
	p.code, p.have = "", ""
	return do, number, number != "" && r == '#'
}

// prefix tells whether what was pressed may become a code.
func (p *pad) prefix() bool {
	for code := range p.codes {
		if strings.HasPrefix(code, p.have) {
			return true
		}
	}
	return false
}

// defaultKeys are those of a center that names none.
var defaultKeys = store.Keys{Survey: "**", Mask: "*8", Hold: "*1", Transfer: "*2", Consult: "*3", Join: "*4", Toggle: "*5",
	Cancel: "*6", Complete: "*7", Pause: "*9", Park: "*0", Record: "*#"}

// keys are the codes that agents press in talk.
func (w *world) keys() map[string]string {
	k := defaultKeys
	if s := w.center.Settings.Keys; s != nil {
		k = *s
	}
	all := map[string]string{k.Survey: DoSurvey, k.Hold: DoHold, k.Transfer: DoTransfer, k.Consult: DoConsult, k.Join: DoJoin,
		k.Toggle: DoToggle, k.Cancel: DoCancel, k.Complete: DoComplete, k.Pause: DoPause, k.Park: DoPark, k.Record: DoRecord, k.Mask: doMask}
	delete(all, "")
	return all
}
