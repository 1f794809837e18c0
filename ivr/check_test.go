package ivr

import (
	"os"
	"slices"
	"strings"
	"testing"

	"hotline/ivr/prompts"
)

// center knows what the sample flow needs.
var center = Known{
	Languages: prompts.Languages(),
	Prompt:    func(lang, name string) bool { _, ok := prompts.WAV(lang, name); return ok },
	Queue:     func(id string) bool { return id == "sales" || id == "support" },
	Agent:     func(id string) bool { return id == "1001" },
	Hours:     func(name string) bool { return name == "office" },
	Skill:     func(name string) bool { return name == "billing" },
	Category:  func(name string) bool { return name == "solved" },
	Number:    func(trunk, number string) bool { return trunk == "city" || trunk == "" && number == "4000" },
}

func TestSampleFlowHasNoProblems(t *testing.T) {
	for _, p := range Check(readFlow(t, "hotline.json"), center) {
		t.Errorf("got %v, want no problem", p)
	}
}

func TestExampleOfEachKindIsRight(t *testing.T) {
	for _, kind := range Kinds() {
		// The examples are YAML; in this form JSON needs only quotes.
		text := asJSON(examples[kind])
		flow := `{"start": "x", "nodes": {"x": ` + text + `,
			"main": {"kind": "hangup"}, "sales": {"kind": "hangup"}, "sorry": {"kind": "hangup"}}}`
		f, err := Parse([]byte(flow))
		if err != nil {
			t.Errorf("%s: got %v, want a flow: %s", kind, err, text)
			continue
		}
		for _, p := range Check(f, center) {
			if p.What != "no way leads to this node" {
				t.Errorf("%s: got %v, want no problem", kind, p)
			}
		}
		if f.Nodes["x"].Kind != kind {
			t.Errorf("got an example of %s, want one of %s", f.Nodes["x"].Kind, kind)
		}
	}
}

// asJSON puts quotes around the bare words of a flow-style YAML line.
func asJSON(yaml string) string {
	var out strings.Builder
	for i, quoted := range strings.Split(yaml, `"`) {
		if i%2 == 1 {
			out.WriteString(`"` + quoted + `"`)
			continue
		}
		word := ""
		for _, r := range quoted + " " {
			if strings.ContainsRune("{}[]:, ", r) {
				if word != "" {
					out.WriteString(`"` + word + `"`)
				}
				word = ""
				out.WriteRune(r)
				continue
			}
			word += string(r)
		}
	}
	return out.String()
}

func TestEachMistakeIsNamedWithItsPlace(t *testing.T) {
	const bye = `"bye": {"kind": "hangup"}`
	for _, c := range []struct{ name, nodes, want string }{
		{"no start", `"a": {"kind": "hangup"}`, `$.start: there is no node "main"; nodes are a`},
		{"no nodes", ``, `$.start: there is no node "main"; the flow has no nodes: write one`},
		{"dangling key", `"main": {"kind": "menu", "prompts": ["menu-main"], "keys": {"1": "sales"}, "default": "bye"}, ` + bye,
			`$.nodes.main.keys.1: there is no node "sales"; nodes are bye, main`},
		{"dangling star", `"main": {"kind": "menu", "prompts": ["menu-main"], "keys": {"*": "x"}, "default": "bye"}, ` + bye,
			`$.nodes.main.keys.'*': there is no node "x"; nodes are bye, main`},
		{"unreachable", `"main": {"kind": "hangup"}, "x": {"kind": "hangup"}`, `$.nodes.x: no way leads to this node`},
		{"unreachable circle", `"main": {"kind": "hangup"}, "x": {"kind": "menu", "prompts": ["menu-main"], "keys": {"1": "x"}, "default": "main"}`,
			`$.nodes.x: no way leads to this node`},
		{"missing prompt", `"main": {"kind": "hangup", "prompts": ["goodbye", "nonsense"]}`,
			`$.nodes.main.prompts[1]: prompt "nonsense" is missing in en, zh`},
		{"missing item prompt", `"main": {"kind": "survey", "items": [{"name": "a", "prompts": ["nonsense"]}]}`,
			`$.nodes.main.items[0].prompts[0]: prompt "nonsense" is missing`},
		{"menu without keys", `"main": {"kind": "menu", "prompts": ["menu-main"], "keys": {}, "default": "bye"}, ` + bye,
			`$.nodes.main.keys: a node of kind menu needs keys; for example {kind: menu`},
		{"menu without default", `"main": {"kind": "menu", "prompts": ["menu-main"], "keys": {"1": "bye"}}, ` + bye,
			`$.nodes.main.default: a node of kind menu needs default`},
		{"no key of a phone", `"main": {"kind": "menu", "prompts": ["menu-main"], "keys": {"10": "bye"}, "default": "bye"}, ` + bye,
			`$.nodes.main.keys.10: "10" is no key of a phone`},
		{"busy loop", `"main": {"kind": "play", "prompts": ["welcome"], "next": "b"}, "b": {"kind": "set", "set": {"x": "1"}, "next": "main"}`,
			`$.nodes.b: a loop that never waits for the caller: b -> main -> b`},
		{"loop of hours", `"main": {"kind": "hours", "hours": "office", "open": "bye", "closed": "b"}, "b": {"kind": "play", "prompts": ["closed"], "next": "main"}, ` + bye,
			`$.nodes.b: a loop that never waits for the caller: b -> main -> b`},
		{"loop of silence", `"main": {"kind": "menu", "prompts": ["menu-main"], "keys": {"1": "bye"}, "default": "main"}, ` + bye,
			`$.nodes.main: a loop that a caller who presses nothing never leaves: main -> main`},
		{"loop without exit", `"main": {"kind": "menu", "prompts": ["menu-main"], "keys": {"1": "b"}, "default": "b"}, "b": {"kind": "play", "prompts": ["welcome"], "next": "main"}`,
			`$.nodes.b: a loop that a caller who presses nothing never leaves: b -> main -> b`},
		{"unknown queue", `"main": {"kind": "queue", "queue": "x"}`, `$.nodes.main.queue: there is no queue "x"`},
		{"too many to choose from", `"main": {"kind": "choose", "queue": "sales", "most": 4}`, `$.nodes.main.most: 4 is not within 1 and 3; nobody`},
		{"held for too long", `"main": {"kind": "choose", "queue": "sales", "hold": "1h"}`, `$.nodes.main.hold: 1h0m0s is not within 1s and 10m`},
		{"unknown queue to choose in", `"main": {"kind": "choose", "queue": "x"}`, `$.nodes.main.queue: there is no queue "x"`},
		{"unknown category", `"main": {"kind": "choose", "queue": "sales", "category": "x"}`, `$.nodes.main.category: there is no category "x"`},
		{"unknown skill", `"main": {"kind": "queue", "queue": "sales", "needs": {"x": 1}}`, `$.nodes.main.needs.x: there is no skill "x"`},
		{"level", `"main": {"kind": "queue", "queue": "sales", "needs": {"billing": 0}}`, `$.nodes.main.needs.billing: level 0 is not within`},
		{"unknown agent", `"main": {"kind": "agent", "agent": "x"}`, `$.nodes.main.agent: there is no agent "x"`},
		{"unknown hours", `"main": {"kind": "hours", "hours": "x", "open": "bye", "closed": "bye"}, ` + bye, `$.nodes.main.hours: there is no hours "x"`},
		{"unknown number", `"main": {"kind": "number", "number": "5"}`, `$.nodes.main.number: there is no number "5"; name one`},
		{"unknown trunk", `"main": {"kind": "number", "number": "5", "trunk": "x"}`, `$.nodes.main.number: there is no number "5" through trunk "x"`},
		{"hang-up to a menu", `"main": {"kind": "menu", "prompts": ["menu-main"], "keys": {"1": "bye"}, "default": "bye", "on_hangup": "p"}, "p": {"kind": "play", "prompts": ["welcome"], "next": "bye"}, ` + bye,
			`$.nodes.main.on_hangup: node "p" is a play, which needs the caller`},
		{"say nothing", `"main": {"kind": "say", "as": "number", "next": "bye"}, ` + bye, `$.nodes.main.value: a say node has either value or var`},
		{"say both", `"main": {"kind": "say", "as": "number", "value": "1", "var": "x", "next": "bye"}, ` + bye, `$.nodes.main.value: a say node has either value or var`},
		{"say what", `"main": {"kind": "say", "as": "poem", "value": "1", "next": "bye"}, ` + bye, `$.nodes.main.as: can't say a value as "poem"`},
		{"say number", `"main": {"kind": "say", "as": "number", "value": "x", "next": "bye"}, ` + bye, `$.nodes.main.value: "x" is not a whole number`},
		{"say secret", `"main": {"kind": "collect", "prompts": ["enter-number"], "into": "x", "secret": true, "next": "say", "default": "bye"}, "say": {"kind": "say", "as": "digits", "var": "x", "next": "bye"}, ` + bye, `$.nodes.say.var: "x" is secret: it can't be said; another variable`},
		{"say time", `"main": {"kind": "say", "as": "time", "value": "25:00", "next": "bye"}, ` + bye, `$.nodes.main.value: "25:00" is not a time`},
		{"say money", `"main": {"kind": "say", "as": "money", "value": "1.234", "currency": "eur", "next": "bye"}, ` + bye, `$.nodes.main.value: "1.234" is not an amount`},
		{"say currency", `"main": {"kind": "say", "as": "money", "value": "1.23", "next": "bye"}, ` + bye, `$.nodes.main.currency: no words for currency ""; currencies are cny`},
		{"tries", `"main": {"kind": "menu", "prompts": ["menu-main"], "keys": {"1": "bye"}, "default": "bye", "tries": 11}, ` + bye, `$.nodes.main.tries: 11 is not within 1 and 10`},
		{"timeout", `"main": {"kind": "menu", "prompts": ["menu-main"], "keys": {"1": "bye"}, "default": "bye", "timeout": "5ms"}, ` + bye, `$.nodes.main.timeout: 5ms is not within`},
		{"digits", `"main": {"kind": "collect", "prompts": ["enter-number"], "into": "x", "min_digits": 5, "max_digits": 4, "next": "bye", "default": "bye"}, ` + bye, `$.nodes.main.min_digits: 5 is more than max_digits, 4`},
		{"range", `"main": {"kind": "collect", "prompts": ["enter-number"], "into": "x", "at_least": 5, "at_most": 4, "next": "bye", "default": "bye"}, ` + bye, `$.nodes.main.at_least: 5 is more than at_most, 4`},
		{"terminator", `"main": {"kind": "collect", "prompts": ["enter-number"], "into": "x", "terminator": "5", "next": "bye", "default": "bye"}, ` + bye, `$.nodes.main.terminator: "5" can't end an entry`},
		{"variable", `"main": {"kind": "set", "set": {"a b": "1"}, "next": "bye"}, ` + bye, `$.nodes.main.set.'a b': "a b" is no name of a variable`},
		{"language", `"main": {"kind": "language", "language": "xx", "next": "bye"}, ` + bye, `$.nodes.main.language: no prompts in language "xx"; languages are en, zh`},
		{"languages", `"main": {"kind": "language", "next": "bye"}, ` + bye, `$.nodes.main.languages: a language node has either language or languages`},
		{"language asked and set", `"main": {"kind": "language", "language": "en", "tries": 2, "next": "bye"}, ` + bye, `$.nodes.main.tries: nothing is asked where language is set`},
		{"item twice", `"main": {"kind": "survey", "items": [{"name": "a", "prompts": ["survey-agent"]}, {"name": "a", "prompts": ["survey-agent"]}]}`, `$.nodes.main.items[1].name: item "a" is asked twice`},
		{"item mute", `"main": {"kind": "survey", "items": [{"name": "a"}]}`, `$.nodes.main.items[0].prompts: the item asks nothing`},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := Parse([]byte(`{"start": "main", "nodes": {` + c.nodes + `}}`))
			if err != nil {
				t.Fatalf("got %v, want a flow that can be read", err)
			}
			problems := Check(f, center)
			if len(problems) != 1 || !strings.HasPrefix(problems[0].String(), c.want) {
				t.Errorf("got %v, want %q", problems, c.want)
			}
		})
	}
}

func TestCheckFindsWhatParseCouldNotSee(t *testing.T) {
	for _, c := range []struct {
		node Node
		want string
	}{
		{Node{Kind: "fax"}, `$.nodes.main.kind: unknown kind "fax"; kinds are agent, callback, choose, collect, hangup`},
		{Node{Kind: KindHangup, Queue: "sales"}, `$.nodes.main.queue: a node of kind hangup has no such field; hangup has`},
	} {
		got := Check(Flow{Start: "main", Nodes: map[string]Node{"main": c.node}}, center)
		if len(got) != 1 || !strings.HasPrefix(got[0].String(), c.want) {
			t.Errorf("got %v, want %q", got, c.want)
		}
	}
}

func TestEveryFieldOfANodeBelongsToAKind(t *testing.T) {
	used := []string{"kind"}
	for _, kind := range Kinds() {
		must, may := Fields(kind)
		for _, f := range append(must, may...) {
			if _, ok := nodeFields[f]; !ok {
				t.Errorf("%s: got field %q, want one that Node has", kind, f)
			}
			used = append(used, f)
		}
	}
	for f := range nodeFields {
		if !slices.Contains(used, f) {
			t.Errorf("got field %q of no kind, want it in the table", f)
		}
	}
}

func TestPromptsThatRunPlaysByItselfExist(t *testing.T) {
	for _, file := range []string{"nodes.go", "collect.go"} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range strings.Split(string(b), `"`) {
			if len(part) > 1 && strings.Contains(part, "-") && plain.MatchString(part) {
				if _, ok := prompts.WAV(English, part); !ok {
					t.Errorf("%s: prompt %q does not exist", file, part)
				}
			}
		}
	}
}
