package config

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

func TestWhatIsFormattedReadsAsTheSameCenter(t *testing.T) {
	for _, text := range []string{
		"",
		"settings: {name: \"a: b # c\", codes: {ready: \"*41\", not_ready: \"\", log_out: yes, log_in: \"0\"}}\n",
		"agents:\n  1001: {name: \"no\", languages: [en, zh], skills: {a b: 3}, confirm: true}\n  \"a,b\": {number: \"+49 30\", queues: [\"[x]\", \"-\", \" \"]}\n",
		"agents: {\"1\": {name: \"line\\nbreak \\u2028 \\\" <&> 张\"}}\n",
		"flows:\n  f:\n    start: a\n    nodes:\n      a: {kind: survey, items: [{name: x, prompts: [p, q]}, {name: y, prompts: []}], next: b}\n      b: {kind: hangup}\n",
		"hours: {o: {open: [{days: mon, from: \"9:00\", to: \"24:00\"}], holidays: [2026-12-25]}}\n",
		"prompts: {hi: {en: {audio: AAEC}}}\n",
		"settings: {categories: [a, b], ratings: {half_life: 30m, prior: 3.75, recovery: 1e-9}, tiers: {gold: {standing: -0.5, priority: 20s}}}\n" +
			"queues: {q: {strategy: counted, b: 2, band: 0, overtakes: 0, lambda: 0.125, control: 0, relax: [{after: 30s, needs: {x: 0}}, {after: 1m, needs: {}}]}}\n" +
			"numbers: {\"4000\": {to: \"queue:q\", agents: [1001], regions: [{prefixes: [\"+49\", \"0049\"], queues: [q]}, {prefixes: [], agents: [\"1\"]}]}}\n" +
			"agents: {\"1\": {order: 3, capacity: {chat: 2}, tell: none}}\n",
	} {
		roundTrip(t, []byte(text))
	}
	for _, lang := range []string{"en", "zh"} {
		text, _ := SampleCenter(lang)
		roundTrip(t, text)
	}
}

func roundTrip(t *testing.T, text []byte) {
	t.Helper()
	first, err := ParseCenter("first", text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	out, err := FormatCenter(first.Center)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	second, err := ParseCenter("second", out)
	if err != nil {
		t.Fatalf("formatted:\n%s\n%v", out, err)
	}
	first.Center.Flows = tidy(first.Center.Flows) // an empty list in a node is as good as none
	a, errA := json.Marshal(first.Center)
	b, errB := json.Marshal(second.Center)
	if errA != nil || errB != nil || !sameJSON(a, b) {
		t.Errorf("formatted:\n%s\ngot  %s\nwant %s", out, b, a)
	}
}

// sameJSON compares but for the order of keys.
func sameJSON(a, b []byte) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}

func FuzzCenter(f *testing.F) {
	for _, lang := range []string{"en", "zh"} {
		text, _ := SampleCenter(lang)
		f.Add(text)
	}
	for _, text := range []string{"a: &x [*x]\n", "? a\n: b\n", "a: |\n  x\n", "- - -\n", "{a: {b: [}}\n", "<<: *a\n", "a: !!x y\n", "\xff\xfe", "a: 'x\n", "'': ''\n", "%YAML 1.2\n---\na: 1\n"} {
		f.Add([]byte(text))
	}
	files, _ := filepath.Glob("../../../testdata/*/*.yaml")
	for _, name := range files {
		if text, err := os.ReadFile(name); err == nil {
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := ParseCenter("f", text)
		if err != nil || !json.Valid(rawOf(c)) {
			return
		}
		if _, err := FormatCenter(c.Center); err != nil {
			t.Skip(err) // a list of mixed kinds in a flow, which no node has
		}
		roundTrip(t, text)
	})
}

func rawOf(c CenterFile) []byte {
	b, err := json.Marshal(c.Center)
	if err != nil {
		return nil // nodes are missing
	}
	return b
}

func FuzzProcess(f *testing.F) {
	f.Add(SampleProcess("en"))
	f.Add([]byte("sip: [udp://[::1]:0]\nrtp: '[::1]:2000-3000'\n"))
	f.Add([]byte("data: {a: b}\nlog_level: [info]\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := ParseProcess("f", text)
		if err == nil && (len(c.SIP) == 0 || c.Data == "" || c.RTP.Max <= c.RTP.Min) {
			t.Errorf("accepted %q as %+v", text, c)
		}
	})
}
