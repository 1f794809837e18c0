package call

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hotline/store"
	"hotline/store/bolt"
)

func TestWhatIsNamedIsLaidOverTheOldCenter(t *testing.T) {
	old := store.Center{
		Settings: store.Settings{Language: "zh"},
		Agents:   map[string]store.Agent{"1001": {Name: "Ann"}, "1002": {Name: "Bob"}},
		Queues:   map[string]store.Queue{"sales": {}},
		Trunks:   map[string]store.Trunk{"a": {User: "u", Secret: "s"}, "b": {User: "u", Secret: "t"}},
	}
	named := store.Center{
		Agents: map[string]store.Agent{"1002": {Name: "Bert"}, "1003": {}},
		Trunks: map[string]store.Trunk{"a": {User: "u", Name: "A"}},
	}
	for _, tc := range []struct {
		prune                  bool
		agents, queues, trunks string
	}{
		{false, "1001 1002 1003", "sales", "a b"},
		{true, "1002 1003", "sales", "a"}, // queues are not named at all, so they stay
	} {
		got := merge(old, named, tc.prune)
		for _, k := range []struct{ got, want string }{
			{strings.Join(sortedKeys(got.Agents), " "), tc.agents},
			{strings.Join(sortedKeys(got.Queues), " "), tc.queues},
			{strings.Join(sortedKeys(got.Trunks), " "), tc.trunks},
			{got.Agents["1002"].Name, "Bert"},
			{got.Settings.Language, "zh"},
			{got.Trunks["a"].Secret + got.Trunks["a"].Name, "sA"}, // a file without the secret keeps it
		} {
			if k.got != k.want {
				t.Errorf("prune %v: got %q, want %q", tc.prune, k.got, k.want)
			}
		}
	}
	if old.Agents["1002"].Name != "Bob" || len(old.Agents) != 2 || old.Trunks["a"].Name != "" {
		t.Errorf("the old center was changed: %+v", old)
	}
	if got := merge(old, store.Center{Agents: map[string]store.Agent{}}, true); len(got.Agents) != 0 {
		t.Errorf("an empty kind, pruned: got %v, want none", got.Agents)
	}
	if got := merge(old, store.Center{Trunks: map[string]store.Trunk{"a": {User: "other"}}}, false); got.Trunks["a"].Secret != "" {
		t.Error("another user has got the old one's secret")
	}
	if got := merge(old, store.Center{Settings: store.Settings{Name: "x"}}, false); got.Settings.Language != "" {
		t.Errorf("settings are one object: got %+v, want only what was named", got.Settings)
	}
}

func TestADiffNamesFieldsButNoSecretsAndNoAudio(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want []string
	}{
		{`{"x":1}`, `{"x":1}`, nil},
		{`{"x":1,"y":2}`, `{"y":2,"x":1}`, nil},
		{`{"ring_timeout":"20s"}`, `{"ring_timeout":"30s"}`, []string{`ring_timeout: "20s" -> "30s"`}},
		{`{}`, `{"b":1,"a":[1,2]}`, []string{"a: (none) -> [1,2]", "b: (none) -> 1"}},
		{`{"a":1}`, `{}`, []string{"a: 1 -> (none)"}},
		{`{"secret":"old"}`, `{"secret":"new"}`, []string{"secret"}},
		{`{"en":{"audio":"AAAA"}}`, `{"en":{"audio":"BBBB"}}`, []string{"en"}},
		{`{}`, `{"zh":{"audio":"BBBB"}}`, []string{"zh"}},
		{`{"en":{"text":"a"}}`, `{"en":{"text":"b"}}`, []string{`en: {"text":"a"} -> {"text":"b"}`}},
		{`[]`, `{}`, []string{"everything"}},
	} {
		if got := fieldDiff(json.RawMessage(tc.a), json.RawMessage(tc.b)); !slices.Equal(got, tc.want) {
			t.Errorf("%s to %s: got %q, want %q", tc.a, tc.b, got, tc.want)
		}
	}
	long := brief(strings.Repeat("é", 200))
	if n := len([]rune(long)); n != 80 || !strings.HasSuffix(long, "...") {
		t.Errorf("a long value is told in %d characters: %s", n, long)
	}
}

// sealed is an engine of a store and a key alone.
func sealed(t *testing.T, st store.Store, key byte) *Engine {
	t.Helper()
	s, err := store.NewSealer(bytes.Repeat([]byte{key}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return &Engine{cfg: Config{Sealer: s}, store: st}
}

// put stores a center as Apply does.
func put(t *testing.T, e *Engine, c store.Center) (changed int) {
	t.Helper()
	was, err := e.sealedStored()
	if err != nil {
		t.Fatal(err)
	}
	c, err = e.seal(c)
	if err != nil {
		t.Fatal(err)
	}
	objects, del, err := store.Diff(was, c, true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.store.Change(objects, del, "test", time.Now()); err != nil {
		t.Fatal(err)
	}
	return len(objects) + len(del)
}

func TestTrunkSecretsAreSealedAndOutliveALostKey(t *testing.T) {
	st, err := bolt.Open(filepath.Join(t.TempDir(), "x.db"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	e := sealed(t, st, 1)
	c := store.Center{Trunks: map[string]store.Trunk{"a": {User: "u", Secret: "hush"}, "b": {}}}
	if n := put(t, e, c); n < 2 {
		t.Errorf("%d objects were written, want the trunks", n)
	}
	inside, err := e.sealedStored()
	if err != nil || inside.Trunks["a"].Secret == "hush" || inside.Trunks["a"].Secret == "" {
		t.Errorf("stored secret is %q, %v; want it sealed", inside.Trunks["a"].Secret, err)
	}
	plain, err := e.stored()
	if err != nil || plain.Trunks["a"].Secret != "hush" {
		t.Errorf("opened secret is %q, %v", plain.Trunks["a"].Secret, err)
	}
	if n := put(t, e, plain); n != 0 {
		t.Errorf("the same again wrote %d objects, want none", n)
	}
	other := sealed(t, st, 2) // the key file was lost
	plain, err = other.stored()
	if err != nil {
		t.Fatalf("a lost key blocks all changes: %v", err)
	}
	if n := put(t, other, plain); n != 0 {
		t.Errorf("with a lost key the same again wrote %d objects, want none", n)
	}
	plain.Trunks["a"] = store.Trunk{User: "u", Secret: "new"}
	put(t, other, plain)
	if got, err := other.stored(); err != nil || got.Trunks["a"].Secret != "new" {
		t.Errorf("set again, the secret is %q, %v; want new", got.Trunks["a"].Secret, err)
	}
}
