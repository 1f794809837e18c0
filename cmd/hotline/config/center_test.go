package config

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"hotline/store"
)

func TestEachFaultIsShownAtItsPlaceWithWhatToDo(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"an unknown key near a known one", "queues:\n  sales:\n    ring_timeot: 20s\n",
			`c.yaml:3:5: queues.sales: unknown key "ring_timeot"; try: ring_timeout`},
		{"an unknown key near none", "skills:\n  a: {zzzzzz: 1}\n", `c.yaml:2:7: skills.a: unknown key "zzzzzz"; try: one of name`},
		{"an unknown kind", "agent:\n  1001: {}\n", `c.yaml:1:1: unknown key "agent"; try: agents`},
		{"a key twice", "agents:\n  1001: {name: a}\n  1001: {name: b}\n",
			"c.yaml:3:3: agents.1001: is here twice, first in line 2; try: one of the two"},
		{"a length of time without a unit", "queues:\n  s: {max_wait: 10}\n",
			"c.yaml:2:17: queues.s.max_wait: 10 is a length of time without a unit; try: 10s"},
		{"a bad length of time", "queues:\n  s: {max_wait: soon}\n",
			`c.yaml:2:17: queues.s.max_wait: "soon" is not a length of time; try: 30s, 2m or 1h30m`},
		{"text for a truth value", "agents:\n  1001:\n    confirm: yes\n",
			`c.yaml:3:14: agents.1001.confirm: must be true or false, is text, "yes"; try: true`},
		{"text for a list", "agents:\n  1001:\n    queues: sales\n",
			`c.yaml:3:13: agents.1001.queues: must be a list, is text, "sales"; try: [sales]`},
		{"a list for a map", "agents: [1001]\n", `c.yaml:1:9: agents: must be a map, is a list; try: id: value`},
		{"text for a number", "queues:\n  s: {max_length: many}\n",
			`c.yaml:2:19: queues.s.max_length: must be a whole number, is text, "many"`},
		{"a broken number", "skills: {a: {}}\nagents:\n  1: {skills: {a: 1.5}}\n",
			`c.yaml:3:19: agents.1.skills.a: must be a whole number, is a number, "1.5"`},
		{"a truth value for text", "settings: {name: true}\n", `c.yaml:1:18: settings.name: must be text, is true or false; try: "true"`},
		{"a map for text", "settings:\n  name: {a: b}\n", `c.yaml:2:10: settings.name: must be text, is a map`},
		{"a feature code without quotes", "settings:\n  codes: {ready: *41}\n",
			`c.yaml:2:18: settings.codes.ready: *41: a star at the beginning repeats the value marked &41, and there is none; try: quotes: "*41"`},
		{"a merge key", "agents:\n  1: &a {name: x}\n  2: {<<: *a}\n",
			"c.yaml:3:7: this key is not plain text; try: the keys written out, without <<, & or *"},
		{"a tag", "settings: {name: !!str x}\n",
			"c.yaml:1:18: settings.name: YAML's tags, merge keys and directives are not understood; try: plain values"},
		{"a second document", "settings: {name: a}\n---\nsettings: {name: b}\n", "c.yaml:3:9: a second document; try: one file for each"},
		{"a list as the file", "- a\n", "c.yaml:1:1: the file is a list, not a map; try: key: value"},
		{"a tab", "agents:\n\t1001: {}\n",
			"c.yaml:2:1: found character '\t' that cannot start any token; try: spaces instead of a tab, quotes around special signs"},
		{"an open bracket", "agents: [\n", "c.yaml:1:9: sequence end token ']' not found"},
		{"bad base64", "prompts: {a: {en: {audio: '#'}}}\n",
			`c.yaml:1:27: prompts.a.en.audio: must be base64, is text, "#"; try: file: name.wav`},
		{"an empty id", "agents: {\"\": {}}\n", "c.yaml:1:10: agents: a key without a name; try: an id"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParseCenter("c.yaml", []byte(c.text))
			if err == nil || err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestAllFaultsAreToldAtOnceButNotMoreThanFifty(t *testing.T) {
	var b strings.Builder
	b.WriteString("agents:\n")
	for i := range 100 {
		b.WriteString("  " + strings.Repeat("a", i+1) + ": {nam: x}\n")
	}
	_, err := ParseCenter("c.yaml", []byte(b.String()))
	var ps Problems
	if !errors.As(err, &ps) || len(ps) != maxProblems {
		t.Errorf("got %d problems, want %d", len(ps), maxProblems)
	}
}

func TestNumbersWithAPointAreReadAndOthersRefused(t *testing.T) {
	for text, want := range map[string]float64{"1": 1, "1.5": 1.5, "-0.25": -0.25, "1e-3": 0.001, "0": 0} {
		c, err := ParseCenter("c.yaml", []byte("queues: {q: {b: "+text+"}}"))
		if err != nil || c.Center.Queues["q"].B == nil || *c.Center.Queues["q"].B != want {
			t.Errorf("b: %s: got %+v, %v, want %v", text, c.Center.Queues["q"].B, err, want)
		}
	}
	for _, text := range []string{".inf", "-.inf", ".nan", "much", "\"1.5\"", "[1]", "1e999", "true"} {
		if _, err := ParseCenter("c.yaml", []byte("queues: {q: {b: "+text+"}}")); err == nil || !strings.Contains(err.Error(), "c.yaml:1:17: queues.q.b: must be a number") {
			t.Errorf("b: %s: got %v, want its place and that it must be a number", text, err)
		}
	}
}

func TestKeysAndTextsThatLookLikeNumbersStayAsWritten(t *testing.T) {
	f, err := ParseCenter("c.yaml", []byte(`
agents:
  1001: {name: 42, number: +8613800138000}
  0123: {name: 007}
  1_0: {name: 0x10}
  true: {name: 1e3}
  null: {name: .5}
  "q": {}
numbers:
  4000: {to: "queue:sales"}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]store.Agent{
		"1001": {Name: "42", Number: "+8613800138000"}, "0123": {Name: "007"}, "1_0": {Name: "0x10"},
		"true": {Name: "1e3"}, "null": {Name: ".5"}, "q": {},
	}
	if !reflect.DeepEqual(f.Center.Agents, want) {
		t.Errorf("got %+v, want %+v", f.Center.Agents, want)
	}
}

func TestValuesOfAllKindsAreRead(t *testing.T) {
	f, err := ParseCenter("c.yaml", []byte(`
settings: {name: Ä, codes: {ready: "*1"}, silence: -1s}
agents:
  a: {languages: [en, zh], skills: {sales: 7}, confirm: false, wrap_up: 0s}
queues:
  q: &q {ring_timeout: 90s, max_length: 5, announce: {position: true, every: 1m30s}, record: false}
  r: *q
  s:
prompts: {hi: {en: {file: hi.wav, audio: AAEC}}}
hours: {o: {open: [{days: mon-fri, from: 09:00, to: 24:00}], holidays: [2026-12-25]}}
`))
	if err != nil {
		t.Fatal(err)
	}
	no, none := false, store.Duration(0)
	q := store.Queue{RingTimeout: store.Duration(90 * time.Second), MaxLength: 5, Record: &no,
		Announce: &store.Announce{Position: true, Every: store.Duration(90 * time.Second)}}
	want := store.Center{
		Settings: store.Settings{Name: "Ä", Codes: &store.Codes{Ready: "*1"}, Silence: store.Duration(-time.Second)},
		Agents:   map[string]store.Agent{"a": {Languages: []string{"en", "zh"}, Skills: map[string]int{"sales": 7}, Confirm: &no, WrapUp: &none}},
		Queues:   map[string]store.Queue{"q": q, "r": q, "s": {}},
		Prompts:  map[string]store.Prompt{"hi": {"en": {File: "hi.wav", Audio: []byte{0, 1, 2}}}},
		Hours:    map[string]store.Hours{"o": {Open: []store.Open{{Days: "mon-fri", From: "09:00", To: "24:00"}}, Holidays: []string{"2026-12-25"}}},
	}
	if !reflect.DeepEqual(f.Center, want) {
		t.Errorf("got  %+v\nwant %+v", f.Center, want)
	}
}

func TestNodesOfFlowsBecomeJSONWithTextWhereTextBelongs(t *testing.T) {
	f, err := ParseCenter("c.yaml", []byte(`
flows:
  main:
    start: a
    nodes:
      a: {kind: menu, prompts: [1, two], keys: {1: b, "*": a}, tries: 3, interruptible: true, at_least: 5}
      b: {kind: agent, agent: 01001, new: 7}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"a":{"at_least":5,"interruptible":true,"keys":{"*":"a","1":"b"},"kind":"menu","prompts":["1","two"],"tries":3},` +
		`"b":{"agent":"01001","kind":"agent","new":7}}`
	if got := string(f.Center.Flows["main"].Nodes); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestPlacesFindPathsAsTheEngineWritesThem(t *testing.T) {
	f, err := ParseCenter("c.yaml", []byte(`agents:
  1001:
    queues: [sales, suport]
queues:
  sales:
    overflow: flow:nigth
flows:
  a.b:
    start: x
    nodes:
      x: {kind: menu, keys: {"*": y}}
`))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]Position{
		"$.queues.sales.overflow":              {6, 15},
		"queues.sales.overflow":                {6, 15},
		"$.queues.sales":                       {5, 3},
		"$.queues.sales.max_wait":              {5, 3}, // not in the file: its object
		"$.queues.support.overflow":            {},     // of another file
		"$.agents.1001.queues[1]":              {3, 21},
		"$.agents['1001'].queues[1]":           {3, 21},
		"$.flows['a.b'].nodes.x.keys.'*'":      {11, 35},
		"$.flows.a.b.nodes.x.keys.*":           {11, 35},
		"$.flows.a.b.nodes.x.wrong_input[0]":   {11, 7},
		"$.flows['a.b'].nodes.gone.keys['\\''": {10, 5},
		"$.trunks":                             {},
		"$":                                    {},
		"":                                     {},
	} {
		if got := f.Places.Problem(path, "x", "").Position; got != want {
			t.Errorf("%s: got %v, want %v", path, got, want)
		}
	}
	if !f.Places.Has("$.agents.1001") || f.Places.Has("$.agents.1002") {
		t.Error("the file names agent 1001 and not 1002")
	}
}

func TestHostileFilesAreRefusedQuickly(t *testing.T) {
	laughs := "a: &a [x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c <= 'p'; c++ {
		p := string(c - 1)
		laughs += string(c) + ": &" + string(c) + " [*" + p + ", *" + p + ", *" + p + ", *" + p + ", *" + p + ", *" + p + ", *" + p + "]\n"
	}
	for name, text := range map[string]string{
		"deep brackets": "agents: " + strings.Repeat("[", 100000),
		"deep maps":     strings.Repeat("{a: ", 50000),
		"deep dashes":   strings.Repeat("- ", 100000),
		"question":      strings.Repeat("? ", 100000),
		"many laughs":   "flows: {f: {start: a, nodes: {n: *p}}}\n",
		"large":         "#" + strings.Repeat("x", maxFile),
	} {
		began := time.Now()
		if name == "many laughs" {
			text = "flows:\n  f:\n    nodes:\n" + "      " + strings.ReplaceAll(strings.TrimSpace(laughs), "\n", "\n      ") + "\n"
		}
		_, err := ParseCenter("c.yaml", []byte(text))
		var ps Problems
		if !errors.As(err, &ps) {
			t.Errorf("%s: got %v, want problems", name, err)
		}
		if d := time.Since(began); d > 30*time.Second {
			t.Errorf("%s: took %s", name, d)
		}
	}
}

func TestEmptyFilesAreEmptyCenters(t *testing.T) {
	for _, text := range []string{"", "\n", "# nothing\n", "---\n", "agents:\n", "settings: {}\n"} {
		f, err := ParseCenter("c.yaml", []byte(text))
		if err != nil || len(f.Center.Agents) > 0 {
			t.Errorf("%q: got %+v, %v", text, f.Center, err)
		}
	}
}

func TestSamplesAreReadAndSayTheSame(t *testing.T) {
	var counts [2]int
	for i, lang := range []string{"en", "zh"} {
		text, ok := SampleCenter(lang)
		if !ok {
			t.Fatalf("no sample in %s", lang)
		}
		f, err := ParseCenter(lang, text)
		if err != nil {
			t.Fatal(err)
		}
		counts[i] = len(f.Center.Agents)*100 + len(f.Center.Queues)*10 + len(f.Center.Numbers)
	}
	if counts[0] != counts[1] || counts[0] != 324 {
		t.Errorf("got %v agents, queues and numbers in digits, want 324 in both", counts)
	}
	if _, ok := SampleCenter("fr"); ok {
		t.Error("there is no French sample")
	}
}
