package ivr

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hotline/ivr/prompts"
)

// written joins what the prompts of a phrase say.
func written(t interface{ Fatalf(string, ...any) }, lang string, names []string) string {
	var out []string
	for _, n := range names {
		for _, l := range prompts.Languages() {
			if _, ok := prompts.WAV(l, n); !ok {
				t.Fatalf("prompt %q is missing in %s", n, l)
			}
		}
		out = append(out, strings.TrimRight(prompts.Text(lang, n), ".。"))
	}
	if lang == Mandarin {
		return strings.Join(out, "")
	}
	return strings.Join(out, " ")
}

func TestNumbersAreReadAsPeopleReadThem(t *testing.T) {
	for _, c := range []struct {
		n      int64
		en, zh string
	}{
		{0, "zero", "零"},
		{2, "two", "二"},
		{10, "ten", "十"},
		{12, "twelve", "十二"},
		{22, "twenty two", "二十二"},
		{99, "ninety nine", "九十九"},
		{100, "one hundred", "一百"},
		{105, "one hundred five", "一百零五"},
		{110, "one hundred ten", "一百一十"},
		{115, "one hundred fifteen", "一百一十五"},
		{200, "two hundred", "两百"},
		{222, "two hundred twenty two", "两百二十二"},
		{345, "three hundred forty five", "三百四十五"},
		{1000, "one thousand", "一千"},
		{1005, "one thousand five", "一千零五"},
		{1015, "one thousand fifteen", "一千零一十五"},
		{1200, "one thousand two hundred", "一千二百"},
		{2000, "two thousand", "两千"},
		{10000, "ten thousand", "一万"},
		{10001, "ten thousand one", "一万零一"},
		{12345, "twelve thousand three hundred forty five", "一万二千三百四十五"},
		{20000, "twenty thousand", "两万"},
		{100500, "one hundred thousand five hundred", "十万零五百"},
		{102345, "one hundred two thousand three hundred forty five", "十万二千三百四十五"},
		{120000, "one hundred twenty thousand", "十二万"},
		{1000000, "one million", "一百万"},
		{10010001, "ten million ten thousand one", "一千零一万零一"},
		{100000005, "one hundred million five", "一亿零五"},
		{100150000, "one hundred million one hundred fifty thousand", "一亿零一十五万"},
		{200000000, "two hundred million", "两亿"},
		{999999999, "nine hundred ninety nine million nine hundred ninety nine thousand nine hundred ninety nine", "九亿九千九百九十九万九千九百九十九"},
		{1000000000, "one zero zero zero zero zero zero zero zero zero", "幺零零零零零零零零零"},
		{-5, "minus five", "负五"},
	} {
		if got := written(t, English, Number(English, c.n)); got != c.en {
			t.Errorf("%d: got %q, want %q", c.n, got, c.en)
		}
		if got := written(t, Mandarin, Number(Mandarin, c.n)); got != c.zh {
			t.Errorf("%d: got %q, want %q", c.n, got, c.zh)
		}
	}
}

// A reader who knows only the words must get back the number, in both
// languages: no word is lost, doubled or ambiguous.
func TestNumbersAreUnderstoodAsMeant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		digits := rapid.IntRange(1, 9).Draw(t, "digits")
		n := int64(0)
		for range digits { // zeros are as likely as all other digits together
			n *= 10
			if rapid.Bool().Draw(t, "zero?") {
				n += rapid.Int64Range(1, 9).Draw(t, "digit")
			}
		}
		for _, lang := range []string{English, Mandarin} {
			names := Number(lang, n)
			written(t, lang, names)
			if got := understand(names); got != n {
				t.Fatalf("%s: got %d from %v, want %d", lang, got, names, n)
			}
		}
	})
}

// understand evaluates a number's prompts.
func understand(names []string) int64 {
	values := map[string]int64{"n-liang": 2, "n-hundred": 100, "n-thousand": 1000, "n-wan": 10_000, "n-million": 1_000_000, "n-yi": 100_000_000}
	for n := range int64(100) {
		values[word(n)] = n
	}
	var total, section, digit int64
	for _, name := range names {
		switch v := values[name]; {
		case v == 100, v == 1000 && !slices.Contains(names, "n-million") && section+digit < 10:
			section, digit = section+digit*v, 0
		case v >= 1000:
			total, section, digit = total+(section+digit)*v, 0, 0
		case v == 10 && digit == 1, v > 10 && v < 20 && digit == 1: // 一十, 一十五
			digit = v
		default:
			digit += v
		}
	}
	return total + section + digit
}

func TestIdsAreSpokenDigitByDigit(t *testing.T) {
	for _, c := range []struct{ lang, s, want string }{
		{English, "1001", "one zero zero one"},
		{Mandarin, "1001", "幺零零幺"},
		{English, "ab-7*#", "A B seven star hash"},
		{Mandarin, "+86 10", "八六幺零"},
		{English, "…", ""},
	} {
		if got := written(t, c.lang, Digits(c.lang, c.s)); strings.TrimSpace(got) != c.want {
			t.Errorf("%q: got %q, want %q", c.s, got, c.want)
		}
	}
	if got := written(t, Mandarin, Key(Mandarin, "1")); got != "一" {
		t.Errorf("key 1: got %q, want 一: a key is not spoken as in an id", got)
	}
}

func TestMoneyIsReadInItsUnits(t *testing.T) {
	for _, c := range []struct {
		currency string
		cents    int64
		en, zh   string
	}{
		{"usd", 0, "zero dollars", "零美元"},
		{"usd", 100, "one dollar", "一美元"},
		{"USD", 1250, "twelve dollars and fifty cents", "十二美元五十美分"},
		{"usd", 1, "one cent", "一美分"},
		{"usd", 201, "two dollars and one cent", "两美元一美分"},
		{"eur", 305, "three euros and five cents", "三欧元五美分"},
		{"gbp", 101, "one pound and one penny", "一英镑一便士"},
		{"cny", 1250, "twelve yuan and fifty fen", "十二元五角"},
		{"cny", 345, "three yuan and forty five fen", "三元四角五分"},
		{"cny", 305, "three yuan and five fen", "三元零五分"},
		{"cny", 5, "five fen", "五分"},
		{"cny", 200, "two yuan", "两元"},
		{"hkd", 99900, "nine hundred ninety nine Hong Kong dollars", "九百九十九港元"},
		{"usd", -250, "minus two dollars and fifty cents", "负两美元五十美分"},
		{"xyz", 1205, "twelve point zero five", "十二点零五"},
		{"xyz", 1250, "twelve point five", "十二点五"},
	} {
		if c.currency == "eur" {
			c.zh = "三欧元五欧分"
		}
		if got := written(t, English, Money(English, c.currency, c.cents)); got != c.en {
			t.Errorf("%s %d: got %q, want %q", c.currency, c.cents, got, c.en)
		}
		if got := written(t, Mandarin, Money(Mandarin, c.currency, c.cents)); got != c.zh {
			t.Errorf("%s %d: got %q, want %q", c.currency, c.cents, got, c.zh)
		}
	}
}

func TestTimesAreReadByTheClock(t *testing.T) {
	for _, c := range []struct{ clock, en, zh string }{
		{"00:00", "twelve a.m.", "凌晨零点"},
		{"02:05", "two oh five a.m.", "凌晨两点零五分"},
		{"09:30", "nine thirty a.m.", "上午九点三十分"},
		{"12:00", "twelve p.m.", "中午十二点"},
		{"14:02", "two oh two p.m.", "下午两点零二分"},
		{"23:59", "eleven fifty nine p.m.", "晚上十一点五十九分"},
	} {
		at, err := time.Parse("15:04", c.clock)
		if err != nil {
			t.Fatal(err)
		}
		// The helper trims a last full stop, which "a.m." and "p.m." have.
		if got := written(t, English, Clock(English, at)) + "."; got != c.en {
			t.Errorf("%s: got %q, want %q", c.clock, got, c.en)
		}
		if got := written(t, Mandarin, Clock(Mandarin, at)); got != c.zh {
			t.Errorf("%s: got %q, want %q", c.clock, got, c.zh)
		}
	}
}

func TestTimeSpansAreReadInFull(t *testing.T) {
	for _, c := range []struct {
		d      time.Duration
		en, zh string
	}{
		{0, "zero seconds", "零秒"},
		{time.Second, "one second", "一秒"},
		{2 * time.Second, "two seconds", "两秒"},
		{59600 * time.Millisecond, "one minute", "一分钟"},
		{3 * time.Minute, "three minutes", "三分钟"},
		{time.Hour, "one hour", "一小时"},
		{2*time.Hour + time.Minute, "two hours one minute", "两小时一分钟"},
		{-time.Minute, "zero seconds", "零秒"},
	} {
		if got := written(t, English, Duration(English, c.d)); got != c.en {
			t.Errorf("%v: got %q, want %q", c.d, got, c.en)
		}
		if got := written(t, Mandarin, Duration(Mandarin, c.d)); got != c.zh {
			t.Errorf("%v: got %q, want %q", c.d, got, c.zh)
		}
	}
}

func TestWaitingCallersAreToldTheirPlaceAndTheWait(t *testing.T) {
	for _, c := range []struct {
		lang  string
		names []string
		want  string
	}{
		{English, Position(English, 3), "You are number three in the queue"},
		{Mandarin, Position(Mandarin, 3), "您是第三位"},
		{Mandarin, Position(Mandarin, 2), "您是第二位"},
		{English, Wait(English, 30*time.Second), "Your expected wait is less than a minute"},
		{English, Wait(English, 2*time.Minute+time.Second), "Your expected wait is about three minutes"},
		{English, Wait(English, time.Minute), "Your expected wait is about one minute"},
		{Mandarin, Wait(Mandarin, 2*time.Minute), "您的预计等待时间大约两分钟"},
		{Mandarin, Wait(Mandarin, 0), "您的预计等待时间不到一分钟"},
		{English, AtYourService(English, "1001"), "Agent one zero zero one is at your service"},
		{Mandarin, AtYourService(Mandarin, "1001"), "工号幺零零幺为您服务"},
	} {
		if got := written(t, c.lang, c.names); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestEveryPhraseIsMadeOfPromptsThatExist(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lang := rapid.SampledFrom([]string{English, Mandarin, "fr", ""}).Draw(t, "language")
		d := time.Duration(rapid.Int64().Draw(t, "duration"))
		n := rapid.Int64().Draw(t, "number")
		for _, names := range [][]string{
			Number(lang, n), Digits(lang, rapid.String().Draw(t, "digits")),
			Money(lang, rapid.SampledFrom(append(Currencies(), "", "xyz")).Draw(t, "currency"), n),
			Clock(lang, time.Unix(0, int64(d)).UTC()), Duration(lang, d), About(lang, d),
			Position(lang, int(n)), Wait(lang, d), AtYourService(lang, "agent 7"), Key(lang, "#"),
		} {
			written(t, lang, names)
		}
	})
}
