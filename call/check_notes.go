package call

import (
	"fmt"
	"strings"
	"time"

	"hotline/store"
)

// maxReasons and dispositions that a center may have; they are read by people.
const (
	maxReasons      = 100
	maxDispositions = 200
)

// dispositions checks what agents may say of calls and of their absence.
func (k *check) dispositions(s store.Settings) {
	if len(s.Dispositions) > maxDispositions {
		k.add("$.settings.dispositions", fmt.Sprintf("%d codes are more than anybody knows", len(s.Dispositions)), fmt.Sprintf("at most %d", maxDispositions))
	}
	k.blockPrompt("$.settings.blocked", s.Blocked)
	k.span("$.settings.block_for", s.BlockFor, 10*365*24*time.Hour)
	codes := (&world{center: k.c}).codes()
	taken := map[string]string{}
	for _, id := range sortedKeys(s.Dispositions) {
		path := strings.Replace(at("dispositions", id, ""), "$.", "$.settings.", 1)
		d := s.Dispositions[id]
		if !idPattern.MatchString(id) {
			k.add(path, fmt.Sprintf("%q can't be a code", id), "1 to 64 letters, digits and _ . + * # -")
		}
		digits := digitsOf(id, d)
		switch {
		case digits == "":
		case strings.Trim(digits, "0123456789") != "" || len(digits) > 8:
			k.add(path+".digits", fmt.Sprintf("%q can't be dialled", digits), "up to 8 digits, in quotes")
		case taken[digits] != "":
			k.add(path+".digits", fmt.Sprintf("%q is that of %s", digits, taken[digits]), "other digits")
		case codes.Note != "" && otherCode(codes, codes.Note+digits) != "":
			k.add(path+".digits", fmt.Sprintf("%s%s begins with another code, %s", codes.Note, digits, otherCode(codes, codes.Note+digits)), "other digits, or another code for note")
		default:
			taken[digits] = id
		}
		for i, q := range d.Queues {
			if _, ok := k.c.Queues[q]; !ok {
				k.add(fmt.Sprintf("%s.queues[%d]", path, i), fmt.Sprintf("no queue %q", q), choice("queues", k.c.Queues))
			}
		}
	}
	if len(s.Reasons) > maxReasons {
		k.add("$.settings.reasons", fmt.Sprintf("%d reasons are too many", len(s.Reasons)), fmt.Sprintf("at most %d", maxReasons))
	}
	for _, digits := range sortedKeys(s.Reasons) {
		path := strings.Replace(at("reasons", digits, ""), "$.", "$.settings.", 1)
		if digits == "" || strings.Trim(digits, "0123456789") != "" || len(digits) > 4 {
			k.add(path, fmt.Sprintf("%q can't be dialled", digits), "1 to 4 digits, in quotes")
		}
		if w := s.Reasons[digits]; w == "" || w != plainName(w) {
			k.add(path, fmt.Sprintf("%q can't be shown as a reason", w), "a word or two, such as lunch")
		}
	}
}

// otherCode is the code that dialled digits begin with, beside the one for notes.
func otherCode(c store.Codes, dialled string) string {
	for _, code := range []string{c.Nuisance, c.Hide, c.Show, c.Extend, c.MyRatings, c.RateLast, c.Supervise, c.PickUp, c.Ready, c.NotReady, c.LogOut, c.LogIn} {
		if code != "" && code != c.Note && strings.HasPrefix(dialled, code) {
			return code
		}
	}
	return ""
}
