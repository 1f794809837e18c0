package store_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"hotline/store"
)

// center has one object of each kind.
func center() store.Center {
	yes := true
	wrap := store.Duration(15 * time.Second)
	return store.Center{
		Settings: store.Settings{Name: "acme", Codes: &store.Codes{Ready: "*41"}, Silence: store.Duration(time.Minute)},
		Skills:   map[string]store.Skill{"go": {Name: "Go"}},
		Agents:   map[string]store.Agent{"1001": {Name: "Ann", Skills: map[string]int{"go": 3, "c": 1}, Confirm: &yes}, "1000": {}},
		Queues:   map[string]store.Queue{"sales": {WrapUp: &wrap, Announce: &store.Announce{Position: true}}},
		Numbers:  map[string]store.Number{"4001": {To: "queue:sales"}},
		Flows:    map[string]store.Flow{"main": {Start: "a", Nodes: json.RawMessage(`{"a":{"x":1,"big":12345678901234567890},"b":{}}`)}},
		Prompts:  map[string]store.Prompt{"hi": {"en": {Text: "hi <you>", Audio: []byte{0, 255}}}},
		Hours:    map[string]store.Hours{"day": {Open: []store.Open{{Days: "mon-fri", From: "09:00", To: "18:00"}}}},
		Trunks:   map[string]store.Trunk{"acme": {Peers: []string{"sip:a"}, User: "u", Secret: "s"}},
	}
}

func TestACenterReadsAsItWasWritten(t *testing.T) {
	objects, err := center().Objects()
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, o := range objects {
		keys = append(keys, string(o.Kind)+":"+o.ID)
	}
	const want = "agent:1000 agent:1001 flow:main hours:day number:4001 prompt:hi queue:sales settings:center skill:go trunk:acme"
	if got := strings.Join(keys, " "); got != want {
		t.Errorf("keys: got %s, want %s", got, want)
	}
	back, err := store.Decode(objects)
	if err != nil {
		t.Fatal(err)
	}
	got, _ := json.Marshal(back)
	if want, _ := json.Marshal(center()); string(got) != string(want) {
		t.Errorf("center: got %s, want %s", got, want)
	}
	if objects, err := (store.Center{}).Objects(); len(objects) != 0 || err != nil {
		t.Errorf("empty center: got %v, %v, want nothing", objects, err)
	}
}

func TestDecodeNamesTheObjectThatItCannotRead(t *testing.T) {
	for _, c := range []struct{ kind, id, body, want string }{
		{"agent", "1001", `{"name":1}`, "agent 1001"},
		{"robot", "r2", `{}`, "robot r2: unknown kind"},
		{"settings", "other", `{}`, "settings other"},
		{"queue", "q", `{"max_wait":"soon"}`, "queue q"},
		{"flow", "f", ``, "flow f"},
	} {
		_, err := store.Decode([]store.Object{{Key: store.Key{Kind: store.Kind(c.kind), ID: c.id}, Body: json.RawMessage(c.body)}})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("decode %s: got error %v, want one with %q", c.body, err, c.want)
		}
	}
}

func TestDiffWritesOnlyWhatDiffers(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*store.Center)
		prune  bool
		put    string
		del    string
	}{
		{"nothing changed", func(*store.Center) {}, true, "[]", "[]"},
		{"only an agent named", func(n *store.Center) { *n = store.Center{Agents: n.Agents} }, false, "[]", "[]"},
		{"an agent renamed", func(n *store.Center) { n.Agents["1000"] = store.Agent{Name: "Bob"} }, true, "[agent:1000]", "[]"},
		{"a flow spelt otherwise", func(n *store.Center) {
			n.Flows["main"] = store.Flow{Start: "a", Nodes: json.RawMessage(` {"b" : {}, "a":{"big":12345678901234567890, "x":1}}`)}
		}, true, "[]", "[]"},
		{"a large number in a flow changed", func(n *store.Center) {
			n.Flows["main"] = store.Flow{Start: "a", Nodes: json.RawMessage(`{"a":{"x":1,"big":12345678901234567891},"b":{}}`)}
		}, true, "[flow:main]", "[]"},
		{"new ones", func(n *store.Center) {
			n.Skills["a"], n.Trunks["z"], n.Agents["0"] = store.Skill{}, store.Trunk{}, store.Agent{}
		}, true, "[agent:0 skill:a trunk:z]", "[]"},
		{"left out", func(n *store.Center) { delete(n.Agents, "1000"); n.Queues = nil }, false, "[]", "[]"},
		{"left out and pruned", func(n *store.Center) { delete(n.Agents, "1000"); n.Queues = nil }, true, "[]", "[agent:1000 queue:sales]"},
		{"all pruned", func(n *store.Center) { *n = store.Center{} }, true, "[]",
			"[agent:1000 agent:1001 flow:main hours:day number:4001 prompt:hi queue:sales settings:center skill:go trunk:acme]"},
		{"settings changed", func(n *store.Center) { n.Settings.Name = "b" }, false, "[settings:center]", "[]"},
		{"exported without its secret", func(n *store.Center) { n.Trunks["acme"] = store.Trunk{Peers: []string{"sip:a"}, User: "u"} }, true, "[]", "[]"},
		{"another user without a secret", func(n *store.Center) { n.Trunks["acme"] = store.Trunk{Peers: []string{"sip:a"}, User: "v"} }, true, "[trunk:acme]", "[]"},
		{"another secret", func(n *store.Center) {
			n.Trunks["acme"] = store.Trunk{Peers: []string{"sip:a"}, User: "u", Secret: "t"}
		}, true, "[trunk:acme]", "[]"},
	} {
		want := center()
		c.change(&want)
		put, del, err := store.Diff(center(), want, c.prune)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		keys := []string{}
		for _, o := range put {
			keys = append(keys, string(o.Kind)+":"+o.ID)
		}
		gone := []string{}
		for _, k := range del {
			gone = append(gone, string(k.Kind)+":"+k.ID)
		}
		if got := fmt.Sprint(keys, gone); got != c.put+" "+c.del {
			t.Errorf("%s: got %s, want %s %s", c.name, got, c.put, c.del)
		}
	}
}

func TestDiffKeepsTheSecretWhenItWritesATrunk(t *testing.T) {
	want := center()
	want.Trunks["acme"] = store.Trunk{Peers: []string{"sip:b"}, User: "u"}
	put, _, err := store.Diff(center(), want, false)
	if err != nil || len(put) != 1 || !strings.Contains(string(put[0].Body), `"secret":"s"`) {
		t.Errorf("put: got %s, %v, want the trunk with its secret", put, err)
	}
	if want.Trunks["acme"].Secret != "" {
		t.Error("argument: got a secret in it, want it unchanged")
	}
}

func TestDiffRefusesAFlowThatIsNotJSON(t *testing.T) {
	bad := store.Center{Flows: map[string]store.Flow{"f": {Nodes: json.RawMessage(`{`)}}}
	if put, _, err := store.Diff(center(), bad, true); err == nil || !strings.Contains(err.Error(), "flow f") {
		t.Errorf("diff: got %v, %v, want an error that names the flow", put, err)
	}
}

func TestDurationsReadAndPrintForPeople(t *testing.T) {
	for text, want := range map[string]time.Duration{`"1m30s"`: 90 * time.Second, `"0s"`: 0, `"-1s"`: -time.Second} {
		var d store.Duration
		if err := json.Unmarshal([]byte(text), &d); err != nil || d.D() != want {
			t.Errorf("%s: got %v, %v, want %v", text, d, err, want)
		}
		if got, _ := json.Marshal(d); string(got) != text {
			t.Errorf("%v: got %s, want %s", want, got, text)
		}
	}
	var d store.Duration
	if err := json.Unmarshal([]byte(`"soon"`), &d); err == nil || !strings.Contains(err.Error(), "30s") {
		t.Errorf("soon: got %v, want an error that shows how to write it", err)
	}
}
