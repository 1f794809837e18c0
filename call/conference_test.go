package call_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"hotline/call"
	"hotline/internal/phone"
	"hotline/media"
	"hotline/store"
)

// conferenceCenter is supervisedCenter with a room of three at 4100, one with a
// PIN at 4200 and one of the default size at 4300.
func conferenceCenter() store.Center {
	c := supervisedCenter()
	c.Conferences = map[string]store.Conference{"small": {Max: 3}, "closed": {PIN: "2468"}, "large": {Name: "All hands"}}
	c.Numbers["4100"] = store.Number{To: "conference:small"}
	c.Numbers["4200"] = store.Number{To: "conference:closed"}
	c.Numbers["4300"] = store.Number{To: "conference:large"}
	return c
}

func (b *bed) callerAt(n int) *phone.Phone {
	return b.phone(fmt.Sprintf("10.0.1.%d:5060", n), phone.Config{User: fmt.Sprintf("49301234%02d", n)})
}

func TestTenCallersInAConferenceHearEachOtherAndNotThemselves(t *testing.T) {
	inBubble(t, conferenceCenter(), func(b *bed) {
		const n = 10
		hz := func(i int) float64 { return 300 + 310*float64(i) } // 300 to 3090 Hz, no one another's harmonic
		var calls []*phone.Call
		for i := range n {
			c := b.dials(b.callerAt(i+1), "4300")
			calls = append(calls, c)
			time.Sleep(time.Second)
			if i == 0 {
				heard(t, c.Listen(), "en", "beep")
			}
		}
		streams := b.watch()
		for i, c := range calls[:3] { // each for itself: ten at once would be too loud
			c.Tone(hz(i))
		}
		time.Sleep(time.Second)
		from := time.Now()
		time.Sleep(time.Second)
		for i, c := range calls {
			pcm := c.Listen().Since(from).Samples
			for j := range 3 {
				if got := loudness(pcm, hz(j)) > 0.5; got != (i != j) {
					t.Errorf("caller %d hears caller %d: %v, want %v", i+1, j+1, got, i != j)
				}
			}
		}
		for _, c := range calls[:3] {
			c.Quiet()
		}
		for j := 3; j < n; j++ {
			calls[j].Tone(hz(j))
			time.Sleep(500 * time.Millisecond)
			from := time.Now()
			time.Sleep(500 * time.Millisecond)
			for i, c := range calls {
				if got := loudness(c.Listen().Since(from).Samples, hz(j)) > 0.5; got != (i != j) {
					t.Errorf("caller %d hears caller %d: %v, want %v", i+1, j+1, got, i != j)
				}
			}
			calls[j].Quiet()
		}
		for i, c := range calls[:2] {
			streams.unbroken(t, fmt.Sprintf("caller %d", i+1), c)
		}
		for i := n - 1; i > 1; i-- { // in this order each is the last to leave
			calls[i].Hangup()
			time.Sleep(200 * time.Millisecond)
		}
		answer := noise(7, 2*time.Second) // two are left: passed through
		at := time.Now()
		calls[0].Say(answer)
		time.Sleep(3 * time.Second)
		exact(t, "the other of two", answer, calls[1].Listen().Since(at), media.PCMU)
		calls[0].Hangup()
		calls[1].Hangup()
		all := b.cdrs()
		if len(all) != n {
			t.Fatalf("got %d records, want %d", len(all), n)
		}
		for _, c := range all {
			if c.Trace != "conference large; end: caller hung up" {
				t.Errorf("got trace %s", c.Trace)
			}
		}
	})
}

func TestAConferenceIsFullAndHasRoomAgain(t *testing.T) {
	inBubble(t, conferenceCenter(), func(b *bed) {
		var in []*phone.Call
		for i := range 3 {
			in = append(in, b.dials(b.callerAt(i+1), "4100"))
		}
		time.Sleep(2 * time.Second)
		late := b.dials(b.callerAt(4), "4100")
		must(t, late.WaitDone(b.ctx()))
		heard(t, late.Listen(), "en", "number-busy")
		in[1].Hangup()
		time.Sleep(time.Second)
		again := b.dials(b.callerAt(5), "4100")
		again.Tone(700)
		must(t, in[0].WaitTone(b.ctx(), 700))
		for _, c := range []*phone.Call{in[0], in[2], again} {
			c.Hangup()
		}
		full := 0
		for _, c := range b.cdrs() {
			if c.Trace == "conference small; goodbye; end: conference is full" && c.Cause.Status == 486 {
				full++
			}
		}
		if full != 1 {
			t.Errorf("%d calls were told that it is full, want 1", full)
		}
	})
}

func TestAConferenceWithAPINTakesWhoKnowsIt(t *testing.T) {
	inBubble(t, conferenceCenter(), func(b *bed) {
		first := b.dials(b.callerAt(1), "4200")
		must(t, first.Press(b.ctx(), "2468", 0)) // typed ahead
		time.Sleep(3 * time.Second)
		second := b.dials(b.callerAt(2), "4200")
		second.Tone(700)
		time.Sleep(3 * time.Second)
		must(t, second.Press(b.ctx(), "11#", 0))
		time.Sleep(6 * time.Second)
		if first.HeardTone(700, time.Time{}) {
			t.Error("who gave a wrong PIN is heard")
		}
		must(t, second.Press(b.ctx(), "2468", 0))
		must(t, first.WaitTone(b.ctx(), 700))
		wrong := b.dials(b.callerAt(3), "4200")
		must(t, wrong.WaitDone(b.ctx()))
		heard(t, wrong.Listen(), "en", "not-allowed")
		first.Hangup()
		second.Hangup()
		b.cdrs()
	})
}

func TestWhoIsAloneInAConferenceHearsMusicUntilSomebodyComes(t *testing.T) {
	inBubble(t, conferenceCenter(), func(b *bed) {
		first := b.dials(b.callerAt(1), "4300")
		time.Sleep(5 * time.Second)
		if l := first.Listen().Last(2 * time.Second).Loudness(); l < -60 {
			t.Errorf("he hears %.0f dB, want music", l)
		}
		second := b.dials(b.callerAt(2), "4300")
		time.Sleep(3 * time.Second)
		if l := first.Listen().Last(time.Second).Loudness(); l > -60 {
			t.Errorf("he hears %.0f dB, want the silence of the other", l)
		}
		second.Hangup()
		time.Sleep(3 * time.Second)
		if l := first.Listen().Last(time.Second).Loudness(); l < -60 {
			t.Errorf("he hears %.0f dB afterwards, want music", l)
		}
		first.Hangup()
		b.cdrs()
	})
}

func TestACallInAConferenceIsNotSupervised(t *testing.T) {
	inBubble(t, conferenceCenter(), func(b *bed) {
		b.agent("9001", "10.0.0.21:5060", phone.AnswerAfter(time.Second))
		c := b.dials(b.callerAt(1), "4300")
		time.Sleep(2 * time.Second)
		if _, err := b.eng.Supervise(b.eng.Calls()[0].ID, "9001", "listen", "test"); !errors.Is(err, call.ErrConference) {
			t.Errorf("got %v, want %v", err, call.ErrConference)
		}
		c.Hangup()
		b.cdrs()
	})
}

func TestAgentsDialIntoAConferenceToo(t *testing.T) {
	inBubble(t, conferenceCenter(), func(b *bed) {
		ann := b.agent("1001", "10.0.0.11:5060", nil)
		out := b.dials(b.callerAt(1), "4300")
		in := b.dials(ann, "4300")
		b.agentState("1001", "ready (in another call)")
		out.Tone(700)
		must(t, in.WaitTone(b.ctx(), 700))
		in.Hangup()
		out.Hangup()
		b.cdrs()
	})
}

func TestCheckFindsWhatIsWrongWithConferences(t *testing.T) {
	c := conferenceCenter()
	c.Conferences["big"] = store.Conference{Max: 51}
	c.Conferences["odd"] = store.Conference{PIN: "12a"}
	c.Numbers["4400"] = store.Number{To: "conference:nowhere"}
	want := map[string]bool{"$.conferences.big.max": true, "$.conferences.odd.pin": true, "$.numbers.4400.to": true}
	for _, p := range call.Check(c) {
		if !want[p.Path] {
			t.Errorf("unexpected problem %+v", p)
		}
		delete(want, p.Path)
	}
	if len(want) > 0 {
		t.Errorf("not found: %v", want)
	}
}
