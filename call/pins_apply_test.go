package call_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"hotline/call"
	"hotline/store"
)

func TestPINsAreShownAsHashesThatCanBeAppliedAgain(t *testing.T) {
	inBubble(t, mailCenter(), func(b *bed) {
		changes := func(c store.Center) string {
			t.Helper()
			r, err := b.eng.Apply(call.ApplyRequest{Center: c, Actor: "test"})
			if err != nil || len(r.Problems) > 0 {
				t.Fatalf("got %+v, %v", r.Problems, err)
			}
			return fmt.Sprint(r.Changes)
		}
		out, _ := b.eng.Center()
		hash := out.Voicemail["ann"].PIN
		if !store.IsHashedPIN(hash) {
			t.Errorf("export shows the PIN as %q", hash)
		}
		for what, c := range map[string]store.Center{"the PIN": mailCenter(), "its hash": out} {
			if got := changes(c); got != "[]" {
				t.Errorf("%s applied again changes %s, want nothing", what, got)
			}
		}
		box := out.Voicemail["ann"]
		box.PIN = "97531"
		if got, want := changes(store.Center{Voicemail: map[string]store.Mailbox{"ann": box}}), "[{change voicemail ann [pin]}]"; got != want {
			t.Errorf("another PIN: got %s, want %s", got, want)
		}
		objects, _, err := b.st.Objects()
		must(t, err)
		for _, o := range objects {
			if bytes.Contains(o.Body, []byte("97531")) || bytes.Contains(o.Body, []byte(`"2468"`)) {
				t.Errorf("a PIN stands in the store: %s", o.Body)
			}
		}
		p := b.caller1()
		b.leaves(p, "4023", callerHz, 3*time.Second).Hangup()
		c := b.dials(p, "4022")
		time.Sleep(3 * time.Second)
		must(t, c.Press(b.ctx(), "97531", 50*time.Millisecond))
		must(t, c.WaitTone(b.ctx(), callerHz))
		c.Hangup()
		b.cdrs()
	})
}

func TestWrongPINsOfAConferenceAreLimitedByNumber(t *testing.T) {
	inBubble(t, conferenceCenter(), func(b *bed) {
		p := b.callerAt(1)
		for range 2 {
			c := b.dials(p, "4200")
			for range 3 {
				time.Sleep(4 * time.Second)
				must(t, c.Press(b.ctx(), "1111", 50*time.Millisecond))
			}
			must(t, c.WaitDone(b.ctx()))
		}
		barred := b.dials(p, "4200")
		must(t, barred.WaitDone(b.ctx()))
		other := b.dials(b.callerAt(2), "4200")
		time.Sleep(3 * time.Second)
		must(t, other.Press(b.ctx(), "2468", 50*time.Millisecond))
		time.Sleep(3 * time.Second)
		if in := b.eng.Conferences()[0]; in.ID != "closed" || len(in.Members) != 1 {
			t.Errorf("got %+v, want the other one in it", in)
		}
		other.Hangup()
		tried := 0
		for _, r := range b.cdrs() {
			if r.Trace == "conference closed; too many wrong PINs; goodbye; end: wrong PIN" {
				tried++
			}
		}
		if tried != 1 {
			t.Errorf("%d calls were refused before a PIN, want 1", tried)
		}
	})
}
