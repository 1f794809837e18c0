package storetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"hotline/store"
)

func object(kind store.Kind, id, body string) store.Object {
	return store.Object{Key: store.Key{Kind: kind, ID: id}, Body: json.RawMessage(body)}
}

// objects lists what is kept, with the revision, in one line.
func objects(t *testing.T, s store.Store) string {
	t.Helper()
	list, revision, err := s.Objects()
	must(t, err)
	out := []string{}
	for _, o := range list {
		out = append(out, fmt.Sprintf("%s:%s=%s", o.Kind, o.ID, o.Body))
	}
	return fmt.Sprint(revision, out)
}

func change(t *testing.T, s store.Store, put []store.Object, del []store.Key) uint64 {
	t.Helper()
	return read(t, func() (uint64, error) { return s.Change(put, del, "ann", at(1)) })
}

func changeAtomic(t *testing.T, s store.Store, next func(store.Store) store.Store) {
	change(t, s, []store.Object{object(store.KindAgent, "1", "{}"), object(store.KindAgent, "2", "{}")}, nil)
	const before = "1 [agent:1={} agent:2={}]"
	for _, bad := range []store.Object{
		object(store.KindAgent, "", "{}"),
		object("", "4", "{}"),
		object(store.KindAgent, "4", "{"),
		object(store.KindAgent, "4", ""),
	} {
		_, err := s.Change([]store.Object{object(store.KindAgent, "3", "{}"), bad}, []store.Key{{Kind: store.KindAgent, ID: "1"}}, "ann", at(2))
		if err == nil {
			t.Errorf("change with %s %q %q: got no error, want one", bad.Kind, bad.ID, bad.Body)
		}
		same(t, "after a change that was refused", objects(t, s), before)
	}
	change(t, s, []store.Object{object(store.KindAgent, "3", `{"name":"c"}`), object(store.KindAgent, "2", `{"name":"b"}`)},
		[]store.Key{{Kind: store.KindAgent, ID: "1"}, {Kind: store.KindAgent, ID: "never"}, {Kind: store.KindAgent, ID: "2"}})
	const after = `2 [agent:2={"name":"b"} agent:3={"name":"c"}]` // deletions first
	same(t, "after the change", objects(t, s), after)
	same(t, "in the next process", objects(t, next(s)), after)
}

func revisions(t *testing.T, s store.Store, next func(store.Store) store.Store) {
	one := []store.Object{object(store.KindSkill, "go", "{}")}
	same(t, "first revision", change(t, s, one, nil), 1)
	same(t, "a change of nothing", change(t, s, nil, nil), 1)
	same(t, "second revision", change(t, s, nil, []store.Key{one[0].Key}), 2)
	s = next(s)
	same(t, "third revision", change(t, s, one, nil), 3)
	changes := func(limit int) []store.Change {
		return read(t, func() ([]store.Change, error) { return s.Changes(limit) })
	}
	want := []store.Change{
		{Revision: 3, At: at(1), Actor: "ann", Put: []store.Key{one[0].Key}},
		{Revision: 2, At: at(1), Actor: "ann", Deleted: []store.Key{one[0].Key}},
		{Revision: 1, At: at(1), Actor: "ann", Put: []store.Key{one[0].Key}},
	}
	same(t, "changes", changes(0), want)
	same(t, "the last two changes", changes(2), want[:2])
	same(t, "more changes than there are", changes(9), want)
}

func objectOrder(t *testing.T, s store.Store, _ func(store.Store) store.Store) {
	change(t, s, []store.Object{
		object(store.KindTrunk, "a", "1"), object(store.KindAgent, "20", "2"), object(store.KindAgent, "100", "3"),
		object(store.KindSettings, "center", "4"), object(store.KindFlow, "z", "5"),
	}, nil)
	same(t, "objects", objects(t, s), "1 [agent:100=3 agent:20=2 flow:z=5 settings:center=4 trunk:a=1]")
}

func bigValues(t *testing.T, s store.Store, next func(store.Store) store.Store) {
	audio := bytes.Repeat([]byte{0xff, 0x7f, 0, 1}, 512<<10) // 262 s of speech
	body, err := json.Marshal(store.Prompt{"en": {Text: "welcome", Audio: audio}})
	must(t, err)
	o := store.Object{Key: store.Key{Kind: store.KindPrompt, ID: "welcome"}, Body: body}
	for i := range 3 { // also over itself
		same(t, "revision", change(t, s, []store.Object{o}, nil), i+1)
	}
	s = next(s)
	list, _, err := s.Objects()
	must(t, err)
	c, err := store.Decode(list)
	must(t, err)
	if got := c.Prompts["welcome"]["en"].Audio; !bytes.Equal(got, audio) {
		t.Errorf("audio: got %d bytes that differ, want the %d written", len(got), len(audio))
	}
	must(t, s.PutMeta("big", audio))
	if got := read(t, func() ([]byte, error) { return s.Meta("big") }); !bytes.Equal(got, audio) {
		t.Errorf("meta: got %d bytes that differ, want the %d written", len(got), len(audio))
	}
	change(t, s, nil, []store.Key{o.Key})
	same(t, "cdr after big values", s.PutCDR(cdr("a", int(time.Minute/time.Second))), nil)
}
