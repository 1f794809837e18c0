package call

import (
	"testing"
	"time"

	"hotline/store"
)

func TestDaysAreReadAsNamesListsAndSpans(t *testing.T) {
	for _, tc := range []struct {
		in   string
		want string // sun..sat, "x" is in; "" is an error
	}{
		{"mon", ".x....."},
		{"mon-fri", ".xxxxx."},
		{"sat,sun", "x.....x"},
		{"Mon, Wed-FRI", ".x.xxx."},
		{"fri-mon", "xx...xx"},
		{"sun-sat", "xxxxxxx"},
		{"tue-tue", "..x...."},
		{"", ""},
		{"mon-", ""},
		{"-mon", ""},
		{"monday", ""},
		{"mon,,tue", ""},
		{"mon-tue-wed", ""},
	} {
		days, err := parseDays(tc.in)
		got := ""
		if err == nil {
			for _, d := range days {
				got += map[bool]string{true: "x", false: "."}[d]
			}
		}
		if got != tc.want {
			t.Errorf("parseDays(%q): got %q, %v, want %q", tc.in, got, err, tc.want)
		}
	}
}

func TestClockTimesAreReadStrictly(t *testing.T) {
	for _, tc := range []struct {
		in   string
		want int // minutes; -1 is an error
	}{
		{"00:00", 0}, {"09:00", 540}, {"9:05", 545}, {"23:59", 1439}, {"24:00", 1440},
		{"24:01", -1}, {"25:00", -1}, {"12:60", -1}, {"12", -1}, {"12:5", -1}, {"12:005", -1}, {"-0:30", -1}, {"+9:00", -1},
		{"009:00", -1}, {":30", -1}, {"12:", -1}, {"", -1}, {"12:+5", -1}, {"noon", -1}, {"12:00:00", -1},
	} {
		got, err := parseClock(tc.in)
		if err != nil {
			got = -1
		}
		if got != tc.want {
			t.Errorf("parseClock(%q): got %d, %v, want %d", tc.in, got, err, tc.want)
		}
	}
}

func TestHoursAreOpenWhenTheySay(t *testing.T) {
	office := []store.Open{{Days: "mon-fri", From: "09:00", To: "18:00"}}
	night := []store.Open{{Days: "fri", From: "22:00", To: "02:00"}}
	always := []store.Open{{Days: "sun-sat", From: "00:00", To: "24:00"}}
	broken := []store.Open{{Days: "someday", From: "09:00", To: "18:00"}}
	for _, tc := range []struct {
		name     string
		open     []store.Open
		holidays []string
		at       string // 2026-11-20 is a Friday
		want     bool
	}{
		{"before", office, nil, "2026-11-20 08:59", false},
		{"the first minute", office, nil, "2026-11-20 09:00", true},
		{"the last minute", office, nil, "2026-11-20 17:59", true},
		{"after", office, nil, "2026-11-20 18:00", false},
		{"weekend", office, nil, "2026-11-21 12:00", false},
		{"holiday", office, []string{"2026-11-20"}, "2026-11-20 12:00", false},
		{"another holiday", office, []string{"2026-11-19"}, "2026-11-20 12:00", true},
		{"before midnight", night, nil, "2026-11-20 23:00", true},
		{"after midnight belongs to the day before", night, nil, "2026-11-21 01:59", true},
		{"the end after midnight", night, nil, "2026-11-21 02:00", false},
		{"the morning of its own day", night, nil, "2026-11-20 01:00", false},
		{"a holiday ends the night before", night, []string{"2026-11-21"}, "2026-11-21 01:00", false},
		{"always", always, nil, "2026-11-22 00:00", true},
		{"always, the last minute", always, nil, "2026-11-22 23:59", true},
		{"no spans", nil, nil, "2026-11-20 12:00", false},
		{"what can't be read is closed", broken, nil, "2026-11-20 12:00", false},
	} {
		at, err := time.Parse("2006-01-02 15:04", tc.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := openAt(store.Hours{Open: tc.open, Holidays: tc.holidays}, at); got != tc.want {
			t.Errorf("%s: at %s open is %v, want %v", tc.name, tc.at, got, tc.want)
		}
	}
}

func TestHoursFollowTheirZone(t *testing.T) {
	h := store.Hours{Open: []store.Open{{Days: "sun-sat", From: "09:00", To: "10:00"}}}
	now := time.Now().UTC()
	open := func(zone string) bool {
		z, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		in := now.In(z)
		h.Zone, h.Open[0].From, h.Open[0].To = zone, in.Format("15:04"), in.Add(2*time.Minute).Format("15:04")
		w, err := newWorld(store.Center{Settings: store.Settings{Zone: "America/New_York"}, Hours: map[string]store.Hours{"h": h}}, 1)
		if err != nil {
			t.Fatal(err)
		}
		is, ok := w.open("h")
		return is && ok
	}
	for _, zone := range []string{"Asia/Shanghai", "Europe/Berlin"} {
		if !open(zone) {
			t.Errorf("closed in %s at a time of its own", zone)
		}
	}
}

func TestASequenceOfKeysIsRecognised(t *testing.T) {
	at := time.Now()
	for _, tc := range []struct {
		keys, press string
		gap         time.Duration
		want        string // "!" where the sequence is complete
	}{
		{"**", "**", time.Second, ".!"},
		{"**", "*5*", time.Second, "..."},
		{"**", "***", time.Second, ".!."},
		{"**", "****", time.Second, ".!.!"},
		{"**", "**", keyPause + time.Millisecond, ".."},
		{"**", "**", keyPause, ".!"},
		{"#1", "##1", time.Second, "..!"},
		{"*12", "*1*12", time.Second, "....!"},
		{"5", "55", time.Second, "!!"},
		{"", "**", time.Second, ".."},
	} {
		k, got := newPad(map[string]string{tc.keys: DoSurvey}), ""
		delete(k.codes, "")
		for i, r := range tc.press {
			got += map[bool]string{true: "!", false: "."}[pressed(k, r, at.Add(time.Duration(i)*tc.gap))]
		}
		if got != tc.want {
			t.Errorf("keys %q, pressed %q each %v: got %q, want %q", tc.keys, tc.press, tc.gap, got, tc.want)
		}
	}
}

func pressed(p *pad, r rune, at time.Time) bool {
	_, _, ok := p.press(r, at)
	return ok
}

func TestACodeMayBeFollowedByANumberAndTheHashKey(t *testing.T) {
	at := time.Now()
	for _, tc := range []struct {
		press      string
		gap        time.Duration
		do, number string
	}{
		{"*21002#", time.Second, DoTransfer, "1002"},
		{"5*3*6#", time.Second, DoConsult, "*6"},
		{"*21002", time.Second, "", ""},
		{"*2#", time.Second, "", ""},
		{"*1", time.Second, DoHold, ""},
		{"*1", keyPause + 1, "", ""},
		{"*21002#", numberPause + 1, "", ""},
	} {
		p := newPad((&world{}).keys())
		do, number := "", ""
		for i, r := range tc.press {
			if d, n, ok := p.press(r, at.Add(time.Duration(i)*tc.gap)); ok {
				do, number = d, n
			}
		}
		if do != tc.do || number != tc.number {
			t.Errorf("%s each %v: got %q %q, want %q %q", tc.press, tc.gap, do, number, tc.do, tc.number)
		}
	}
}

func TestKeysThatAreNoCodeAreForTheOtherSide(t *testing.T) {
	at := time.Now()
	for press, want := range map[string]string{
		"12": "12", "*1": "", "1*1": "1", "**": "", "*A": "*A", "*A*1": "*A", "*21002#": "", "*3": "", "#*": "#",
	} {
		p, got := newPad((&world{}).keys()), ""
		for i, r := range press {
			p.press(r, at.Add(time.Duration(i)*time.Second))
			got += p.others()
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", press, got, want)
		}
		waits := press == "#*"
		if (p.pause() != nil) != waits {
			t.Errorf("%s: a key waits: %v, want %v", press, !waits, waits)
		}
		p.giveUp()
		if rest := p.others(); (rest == "*") != waits {
			t.Errorf("%s: given up, %q is for the other side", press, rest)
		}
	}
}
