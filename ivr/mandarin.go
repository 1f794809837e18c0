package ivr

// mandarin reads 0 to 999,999,999 in sections of four digits: 亿, 万, ones.
// A gap of zeros inside the number is read as one 零; 2 is 两 where the number
// begins with it and a unit follows (两百, 两千, 两万), else 二.
func mandarin(n int64) []string {
	if n < 100 {
		return []string{word(n)}
	}
	var out []string
	for _, u := range []struct {
		value int64
		name  string
	}{{100_000_000, "n-yi"}, {10_000, "n-wan"}, {1, ""}} {
		section := n / u.value
		n %= u.value
		if section == 0 {
			continue
		}
		first := len(out) == 0
		if !first && section < 1000 {
			out = append(out, word(0))
		}
		out = append(out, mandarinSection(section, first, u.name != "")...)
		if u.name != "" {
			out = append(out, u.name)
		}
	}
	return out
}

// mandarinSection reads 1 to 9999. At the number's beginning 12 is 十二, inside
// it is 一十二; followed tells that 万 or 亿 comes after.
func mandarinSection(n int64, first, followed bool) []string {
	if first && n < 100 {
		if n == 2 && followed {
			return []string{"n-liang"}
		}
		return []string{word(n)}
	}
	var out []string
	gap := false // zeros were passed over since the last digit read
	for _, u := range []struct {
		value int64
		name  string
	}{{1000, "n-thousand"}, {100, "n-hundred"}} {
		digit := n / u.value
		n %= u.value
		if digit == 0 {
			gap = len(out) > 0
			continue
		}
		if gap {
			out = append(out, word(0))
			gap = false
		}
		if digit == 2 && first && len(out) == 0 {
			out = append(out, "n-liang", u.name)
		} else {
			out = append(out, word(digit), u.name)
		}
	}
	if n == 0 {
		return out
	}
	if len(out) > 0 && (gap || n < 10) {
		out = append(out, word(0))
	}
	if n >= 10 && n < 20 {
		out = append(out, word(1)) // 一百一十五
	}
	return append(out, word(n))
}

// mandarinClock reads the time of day with the part of the day in front, as
// Chinese speakers divide it: 凌晨, 上午, 中午, 下午, 晚上.
func mandarinClock(h, m int64) []string {
	var part string
	switch {
	case h < 6:
		part = "clock-night"
	case h < 12:
		part = "clock-am"
	case h == 12:
		part = "clock-noon"
	case h < 18:
		part = "clock-pm"
	default:
		part = "clock-evening"
	}
	if h > 12 {
		h -= 12
	}
	out := append([]string{part}, append(count(Mandarin, h), "clock-hour")...)
	switch {
	case m == 0:
		return out
	case m < 10:
		out = append(out, word(0))
	}
	return append(out, word(m), "clock-minute")
}
