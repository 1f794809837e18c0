package ivr

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Languages that have a grammar here; any other is joined as English is.
const (
	English  = "en"
	Mandarin = "zh"
)

// MaxNumber is the largest number that is read as one; larger ones are read
// digit by digit.
const MaxNumber = 999_999_999

// Number reads a whole number: "three hundred forty five", 三百四十五.
func Number(lang string, n int64) []string {
	if n < 0 {
		return append([]string{"n-minus"}, Number(lang, max(-n, 0))...)
	}
	if n > MaxNumber {
		return Digits(lang, strconv.FormatInt(n, 10))
	}
	if lang == Mandarin {
		return mandarin(n)
	}
	return english(n)
}

// word is the prompt of a number below 100, recorded whole.
func word(n int64) string { return "n-" + strconv.FormatInt(n, 10) }

func english(n int64) []string {
	var out []string
	for _, u := range []struct {
		value int64
		name  string
	}{{1_000_000, "n-million"}, {1000, "n-thousand"}, {100, "n-hundred"}} {
		if n >= u.value {
			out = append(append(out, english(n/u.value)...), u.name)
			n %= u.value
		}
	}
	if n > 0 || len(out) == 0 {
		out = append(out, word(n))
	}
	return out
}

// count reads a number before a measure word: in Mandarin a lone 2 is 两 there.
func count(lang string, n int64) []string {
	if lang == Mandarin && n == 2 {
		return []string{"n-liang"}
	}
	return Number(lang, n)
}

// Digits reads an id, a phone number or an account one by one: "one zero zero
// seven"; in Mandarin 1 is yao, as is the custom there. Letters, * and # are
// read too; what can't be read is left out.
func Digits(lang, s string) []string {
	var out []string
	for _, r := range strings.ToLower(s) {
		switch {
		case r == '1' && lang == Mandarin:
			out = append(out, "n-yao")
		case r >= '0' && r <= '9':
			out = append(out, word(int64(r-'0')))
		case r >= 'a' && r <= 'z':
			out = append(out, "d-"+string(r))
		case r == '*':
			out = append(out, "d-star")
		case r == '#':
			out = append(out, "d-hash")
		}
	}
	return out
}

// Key reads a key to press; in Mandarin 1 is yi, unlike in Digits.
func Key(lang, key string) []string {
	if key == "1" {
		return []string{word(1)}
	}
	return Digits(lang, key)
}

// Currencies lists the currencies that Money has words for.
func Currencies() []string { return []string{"cny", "eur", "gbp", "hkd", "usd"} }

// Money reads an amount given in hundredths: "twelve dollars and fifty cents",
// 十二美元五十美分, 十二元五角. Of an unknown currency it reads the number only.
func Money(lang, currency string, cents int64) []string {
	if cents < 0 {
		return append([]string{"n-minus"}, Money(lang, currency, max(-cents, 0))...)
	}
	currency = strings.ToLower(currency)
	whole, rest := cents/100, cents%100
	if !slices.Contains(Currencies(), currency) {
		out := Number(lang, whole)
		if rest > 0 {
			out = append(append(out, "n-point"), decimals(rest)...)
		}
		return out
	}
	name := "money-" + currency
	var out []string
	if whole > 0 || rest == 0 {
		out = append(count(lang, whole), singular(name, whole))
	}
	switch {
	case rest == 0:
	case lang == Mandarin && (currency == "cny" || currency == "hkd"):
		out = append(out, jiao(name, rest, whole > 0)...)
	default:
		if whole > 0 && lang != Mandarin {
			out = append(out, "money-and")
		}
		out = append(append(out, count(lang, rest)...), singular(name+"-cent", rest))
	}
	return out
}

func singular(name string, n int64) string {
	if n == 1 {
		return name + "-1"
	}
	return name
}

// decimals reads hundredths after a point: 5 -> zero five, 50 -> five.
func decimals(rest int64) []string {
	if rest%10 == 0 {
		return []string{word(rest / 10)}
	}
	return []string{word(rest / 10), word(rest % 10)}
}

// jiao reads hundredths as the Chinese do: tenths, then hundredths, with 零
// where the tenths are missing: 三元零五分.
func jiao(name string, rest int64, after bool) []string {
	var out []string
	if tenths := rest / 10; tenths > 0 {
		out = append(count(Mandarin, tenths), "money-jiao")
	} else if after {
		out = append(out, word(0))
	}
	if h := rest % 10; h > 0 {
		out = append(append(out, word(h)), name+"-cent")
	}
	return out
}

// Clock reads the time of day: "two thirty p.m.", 下午两点三十分.
func Clock(lang string, t time.Time) []string {
	h, m := int64(t.Hour()), int64(t.Minute())
	if lang == Mandarin {
		return mandarinClock(h, m)
	}
	half := "clock-am"
	if h >= 12 {
		half = "clock-pm"
	}
	out := []string{word((h+11)%12 + 1)}
	switch {
	case m == 0:
	case m < 10:
		out = append(out, "clock-oh", word(m))
	default:
		out = append(out, word(m))
	}
	return append(out, half)
}

// Duration reads a time span exactly, in seconds below a minute, else in hours
// and minutes, rounded: "two hours five minutes".
func Duration(lang string, d time.Duration) []string {
	d = max(d, 0)
	if d = d.Round(time.Second); d < time.Minute {
		return unit(lang, int64(d/time.Second), "unit-second")
	}
	d = d.Round(time.Minute)
	h, m := int64(d/time.Hour), int64(d%time.Hour/time.Minute)
	var out []string
	if h > 0 {
		out = unit(lang, h, "unit-hour")
	}
	if m > 0 {
		out = append(out, unit(lang, m, "unit-minute")...)
	}
	return out
}

func unit(lang string, n int64, name string) []string {
	if n != 1 {
		name += "s"
	}
	return append(count(lang, n), name)
}

// About reads a time span roughly: "about three minutes", "less than a
// minute". Minutes are rounded up, so that a wait is never promised too short.
func About(lang string, d time.Duration) []string {
	if d < time.Minute {
		return []string{"less-than-a-minute"}
	}
	if up := d.Truncate(time.Minute); up < d {
		d = up + time.Minute
	}
	return append([]string{"about"}, Duration(lang, d)...)
}

// Position tells a waiting caller his place: "you are number three in the
// queue", 您是第三位.
func Position(lang string, n int) []string {
	return append(append([]string{"you-are-number"}, Number(lang, int64(n))...), "in-the-queue")
}

// Wait tells a waiting caller how long it may take: "your expected wait is
// about three minutes".
func Wait(lang string, d time.Duration) []string {
	return append([]string{"expected-wait"}, About(lang, d)...)
}

// AtYourService names the agent to the caller by his id: "agent one zero zero
// one is at your service", 工号幺零零幺为您服务.
func AtYourService(lang, agent string) []string {
	return append(append([]string{"agent"}, Digits(lang, agent)...), "is-at-your-service")
}

// Count reads a number before a thing, whose prompt in the singular ends in -1:
// "one new message", "three new messages".
func Count(lang string, n int, name string) []string {
	return append(count(lang, int64(n)), singular(name, int64(n)))
}
