package call

import (
	"bytes"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"hotline/store"
	"hotline/store/bolt"
)

func TestPINsAreHashedAndSealedAndOutliveALostKey(t *testing.T) {
	st, err := bolt.Open(filepath.Join(t.TempDir(), "x.db"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	left := store.Center{Conferences: map[string]store.Conference{"team": {PIN: "2468"}, "all": {}},
		Voicemail: map[string]store.Mailbox{"ann": {Agent: "1001", PIN: "13579"}}}
	objects, err := left.Objects()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := st.Change(objects, nil, "test", time.Now()); err != nil { // as an earlier version did
		t.Fatal(err)
	}
	e := sealed(t, st, 1)
	e.log = slog.New(slog.DiscardHandler)
	for range 2 {
		if err := e.hidePINs(); err != nil {
			t.Fatal(err)
		}
	}
	inside, revision, err := st.Objects()
	if err != nil || revision != 2 {
		t.Errorf("got revision %d, %v, want one change", revision, err)
	}
	for _, o := range inside {
		for _, part := range []string{"2468", "13579", "pin:v1"} {
			if bytes.Contains(o.Body, []byte(part)) {
				t.Errorf("%s %s: %q stands in the store: %s", o.Kind, o.ID, part, o.Body)
			}
		}
	}
	opened, err := e.stored()
	if err != nil {
		t.Fatal(err)
	}
	for pin, kept := range map[string]string{"2468": opened.Conferences["team"].PIN, "13579": opened.Voicemail["ann"].PIN} {
		if p, ok := store.ParsePIN(kept); !ok || !store.IsHashedPIN(kept) || !p.Matches(pin) || p.Digits != len(pin) {
			t.Errorf("%s is kept as %q", pin, kept)
		}
	}
	if opened.Conferences["all"].PIN != "" {
		t.Errorf("a conference without a PIN got %q", opened.Conferences["all"].PIN)
	}
	again := hashPINs(merge(opened, left, false), opened)
	if n := len(e.describe(opened, again)); n != 0 {
		t.Errorf("the same PINs in the clear change %d objects, want none", n)
	}
	if n := put(t, e, again); n != 0 {
		t.Errorf("and write %d, want none", n)
	}
	other := sealed(t, st, 2)
	other.log = e.log
	lost, err := other.stored()
	if err != nil {
		t.Fatal(err)
	}
	if p, _ := store.ParsePIN(lost.Conferences["team"].PIN); p.Matches("2468") || p.Matches("") || p.Digits == 0 {
		t.Error("with a lost key the conference is open")
	}
	if list := Check(store.Center{Conferences: lost.Conferences}); len(list) != 0 {
		t.Errorf("with a lost key nothing can be applied: %+v", list)
	}
	if n := put(t, other, lost); n != 0 {
		t.Errorf("with a lost key the same again wrote %d objects, want none", n)
	}
}

func TestHashesOfPINsAreCheckedLikePINs(t *testing.T) {
	for pin, want := range map[string]bool{"": true, "2468": true, "123": false, "12a4": false, "12345678901234567": false,
		store.HashPIN("2468"): true, store.HashPIN("1"): false, "pin:v1:4:1:x:y": false} {
		if what, try := pinProblem(pin, 4); (what == "") != want || (what == "") != (try == "") {
			t.Errorf("%q: got %q, %q, want it right: %v", pin, what, try, want)
		}
	}
}
