package ivr

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"hotline/ivr/prompts"
)

func TestParseRefusesWhatItDoesNotKnow(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"not JSON", `{`, `$: not JSON`},
		{"two values", `{} {}`, `$: text after the flow`},
		{"list", `[]`, `$: a flow is a map, not a list`},
		{"unknown part", `{"begin": "x"}`, `$.begin: unknown field; a flow has start and nodes`},
		{"nodes as a list", `{"nodes": []}`, `$.nodes: nodes are a map, not a list`},
		{"node as text", `{"nodes": {"a": "x"}}`, `$.nodes.a: a node is a map, not text`},
		{"no kind", `{"nodes": {"a": {}}}`, `$.nodes.a.kind: the node has no kind; kinds are agent`},
		{"unknown kind", `{"nodes": {"a": {"kind": "fax"}}}`, `$.nodes.a.kind: unknown kind "fax"; kinds are agent, callback, choose, collect, hangup, hours, language, menu, number, play, queue, ratings, say, set, survey, voicemail, voicemail-box`},
		{"unknown field", `{"nodes": {"a": {"kind": "hangup", "promts": []}}}`, `$.nodes.a.promts: unknown field; hangup has interruptible, prompts`},
		{"case matters", `{"nodes": {"a": {"kind": "hangup", "Prompts": []}}}`, `$.nodes.a.Prompts: unknown field`},
		{"field of another kind", `{"nodes": {"a": {"kind": "hangup", "queue": "x"}}}`, `$.nodes.a.queue: a node of kind hangup has no such field`},
		{"number for text", `{"nodes": {"a": {"kind": "agent", "agent": 1001}}}`, `$.nodes.a.agent: must be text, is a number; put it in quotes`},
		{"text for list", `{"nodes": {"a": {"kind": "hangup", "prompts": "x"}}}`, `$.nodes.a.prompts: must be a list, is text; write [a, b]`},
		{"number in list", `{"nodes": {"a": {"kind": "hangup", "prompts": ["x", 1]}}}`, `$.nodes.a.prompts[1]: must be text`},
		{"list for map", `{"nodes": {"a": {"kind": "menu", "keys": []}}}`, `$.nodes.a.keys: must be a map, is a list`},
		{"number for span", `{"nodes": {"a": {"kind": "menu", "timeout": 5}}}`, `$.nodes.a.timeout: must be a time span, is a number; write 5s`},
		{"fraction", `{"nodes": {"a": {"kind": "menu", "tries": 1.5}}}`, `$.nodes.a.tries: must be a whole number`},
		{"huge", `{"nodes": {"a": {"kind": "menu", "tries": 99999999999}}}`, `$.nodes.a.tries: must be a whole number`},
		{"text for bool", `{"nodes": {"a": {"kind": "menu", "interruptible": "no"}}}`, `$.nodes.a.interruptible: must be true or false, is text`},
		{"item as text", `{"nodes": {"a": {"kind": "survey", "items": ["x"]}}}`, `$.nodes.a.items[0]: an item is a map`},
		{"item's field", `{"nodes": {"a": {"kind": "survey", "items": [{"nam": "x"}]}}}`, `$.nodes.a.items[0].nam: unknown field; an item has name and prompts`},
		{"odd name", `{"nodes": {"a.b": 1}}`, `$.nodes.'a.b': a node is a map, not a number`},
		{"too long", `"` + strings.Repeat("x", maxFlowBytes) + `"`, `$: the flow has`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse([]byte(c.text))
			if err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestDecodeTakesWhatYAMLLibrariesMake(t *testing.T) {
	f, problems := Decode(map[string]any{"start": "a", "nodes": map[string]any{
		"a": map[string]any{"kind": "collect", "prompts": []any{"enter-number"}, "into": "x", "max_digits": uint64(4),
			"tries": 2, "at_least": int64(-7), "at_most": float64(9), "timeout": "4s", "interruptible": false, "secret": true, "next": "b", "default": "b"},
	}})
	if len(problems) > 0 {
		t.Fatalf("got %v, want no problem", problems)
	}
	no, least, most := false, int64(-7), int64(9)
	want := Node{Kind: KindCollect, Prompts: []string{"enter-number"}, Into: "x", MaxDigits: 4, Tries: 2,
		AtLeast: &least, AtMost: &most, Timeout: Span(4 * time.Second), Interruptible: &no, Secret: true, Next: "b", Default: "b"}
	if got := f.Nodes["a"]; !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestFlowsSurviveWritingAndReading(t *testing.T) {
	want := readFlow(t, "hotline.json")
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got struct{ Flow Flow }
	if err := json.Unmarshal([]byte(`{"flow": `+string(text)+`}`), &got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got.Flow, want) {
		t.Errorf("got %+v, want %+v", got.Flow, want)
	}
}

func TestAfterNamesTheWayOnFromAQueueOrNumber(t *testing.T) {
	f := readFlow(t, "hotline.json")
	for _, c := range []struct {
		node  string
		event Event
		want  string
	}{
		{"sales", Served, "survey"}, {"sales", Overflow, "sorry"}, {"sales", Nobody, "sorry"}, {"sales", Failed, ""},
		{"support", Nobody, "outside"}, {"outside", Failed, "sorry"}, {"outside", Served, ""}, {"gone", Served, ""}, {"none", Nobody, ""},
	} {
		if got, ok := f.After(c.node, c.event); got != c.want || ok != (c.want != "") {
			t.Errorf("after %s %s: got %q %v, want %q", c.node, c.event, got, ok, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, kind := range Kinds() {
		f.Add([]byte(`{"start": "x", "nodes": {"x": ` + asJSON(examples[kind]) + `}}`))
	}
	sample, err := os.ReadFile("../testdata/flows/hotline.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sample)
	torture, _ := filepath.Glob("../../shared/data/torture/*")
	if len(torture) == 0 {
		f.Log("no torture messages here")
	}
	for _, file := range torture {
		if b, err := os.ReadFile(file); err == nil {
			f.Add(b)
		}
	}
	known := center
	known.Languages = prompts.Languages()
	f.Fuzz(func(t *testing.T, text []byte) {
		flow, err := Parse(text)
		if err != nil {
			if len(err.(Problems)) == 0 {
				t.Errorf("got an error without a problem")
			}
			return
		}
		problems := Check(flow, known)
		for _, p := range problems {
			if !strings.HasPrefix(p.Path, "$.") || p.What == "" {
				t.Errorf("got problem %+v, want a path and what is wrong", p)
			}
		}
		again, err := json.Marshal(flow)
		if err != nil {
			t.Fatal(err)
		}
		back, err := Parse(again)
		if err != nil {
			t.Fatalf("got %v, want to read again what was written: %s", err, again)
		}
		if got, _ := json.Marshal(back); string(got) != string(again) {
			t.Errorf("got %s, want %s", got, again)
		}
		if len(problems) == 0 {
			endsForTheSilent(t, flow)
		}
	})
}
