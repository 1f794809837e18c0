package call_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hotline/call"
	"hotline/internal/phone"
	"hotline/store"
)

// meeting is a room with three callers who speak with tones of their own.
type meeting struct {
	*bed
	in []*phone.Call
}

var meetingHz = []float64{700, 1100, 1900}

func inMeeting(t *testing.T, test func(m *meeting)) {
	t.Helper()
	inMeetingOf(t, func(c store.Center) store.Center { return c }, test)
}

// inMeetingOf is inMeeting with a center that change has made of its own.
func inMeetingOf(t *testing.T, change func(store.Center) store.Center, test func(m *meeting)) {
	t.Helper()
	center := change(conferenceCenter())
	center.Trunks["out"] = store.Trunk{Peers: []string{"sip:10.0.9.1:5060"}}
	center.Agents["1001"] = store.Agent{Name: "Ann", Outbound: []string{"out"}}
	inBubble(t, center, func(b *bed) {
		m := &meeting{bed: b}
		for i := range 3 {
			c := b.dials(b.callerAt(i+1), "4300")
			c.Tone(meetingHz[i])
			m.in = append(m.in, c)
		}
		time.Sleep(2 * time.Second)
		test(m)
	})
}

func (m *meeting) number(i int) string { return fmt.Sprintf("49301234%02d", i+1) }

// room is the one that they are in.
func (m *meeting) room() call.ConferenceView {
	all := m.eng.Conferences()
	return all[slices.IndexFunc(all, func(v call.ConferenceView) bool { return v.ID == "large" })]
}

// hear wants what each of some callers hears from here on.
func (m *meeting) hear(when string, want map[int][]float64) {
	m.t.Helper()
	var ears []earOf
	for _, i := range []int{0, 1, 2} {
		if tones, ok := want[i]; ok {
			ears = append(ears, hears(fmt.Sprintf("caller %d", i+1), m.in[i], tones...))
		}
	}
	hearOnly(m.t, when, ears...)
}

// pause is the longest time without a packet to a phone.
func (a *arrivals) pause(c *phone.Call) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.to[c.LocalRTP()].longest
}

// heardBy wants one of some callers to hear somebody in the next second, or not.
func (m *meeting) heardBy(i int, who string, hz float64, want bool) {
	m.t.Helper()
	from := time.Now()
	time.Sleep(time.Second)
	if l := loudness(m.in[i].Listen().Since(from).Samples, hz); l > 0.15 != want {
		m.t.Errorf("%s: got %.2f of the sound at caller %d, want heard %v", who, l, i+1, want)
	}
}

func TestWhoIsMutedIsNotHeardAndWhoIsRemovedLeavesNoGap(t *testing.T) {
	inMeeting(t, func(m *meeting) {
		must(t, m.eng.ConferenceMute("large", m.number(2), true, "cli:root"))
		time.Sleep(300 * time.Millisecond)
		m.hear("muted", map[int][]float64{0: {1100}, 1: {700}, 2: {700, 1100}})
		if v := m.room(); len(v.Members) != 3 || !v.Members[2].Muted || v.Members[0].Muted {
			t.Errorf("got members %+v, want the third one muted", v.Members)
		}
		must(t, m.eng.ConferenceMute("large", m.number(2), false, "cli:root"))
		time.Sleep(300 * time.Millisecond)
		m.hear("unmuted", map[int][]float64{0: {1100, 1900}, 1: {700, 1900}, 2: {700, 1100}})
		time.Sleep(time.Second)
		streams := m.watch()
		must(t, m.eng.ConferenceKick("large", m.number(2), "cli:root"))
		time.Sleep(300 * time.Millisecond)
		m.hear("after the third was removed", map[int][]float64{0: {1100}, 1: {700}})
		must(t, m.in[2].WaitDone(m.ctx()))
		heard(t, m.in[2].Listen().Last(4*time.Second), "en", "goodbye")
		for i, c := range m.in[:2] {
			streams.unbroken(t, fmt.Sprintf("caller %d", i+1), c)
			if d := streams.pause(c); d > 40*time.Millisecond {
				t.Errorf("caller %d: %v without a packet when another was removed, want 40 ms at most", i+1, d)
			}
		}
		m.in[0].Hangup()
		time.Sleep(time.Second)
		m.in[1].Hangup()
		removed := 0
		for _, r := range m.cdrs() {
			if r.Cause.Text == "removed from the conference" && r.Trace == "conference large; goodbye; end: removed from the conference" {
				removed++
			}
		}
		if removed != 1 {
			t.Errorf("%d records of one who was removed, want 1", removed)
		}
		var acts []string
		must(t, m.st.Audits(store.Filter{}, func(a store.Audit) bool { acts = append(acts, a.Act); return true }))
		if got := strings.Join(acts, ", "); got != "conference kick, conference unmute, conference mute" {
			t.Errorf("got audit %s", got)
		}
	})
}

func TestALockedConferenceTakesNobodyButWhoIsInvited(t *testing.T) {
	inMeeting(t, func(m *meeting) {
		ann := m.agent("1001", "10.0.0.11:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(440))
		must(t, m.eng.ConferenceLock("large", true, "cli:root"))
		late := m.dials(m.callerAt(4), "4300")
		must(t, late.WaitDone(m.ctx()))
		heard(t, late.Listen(), "en", "number-busy")
		_, err := m.eng.ConferenceInvite("large", "agent:1001", "cli:root")
		must(t, err)
		time.Sleep(4 * time.Second)
		m.heardBy(0, "Ann, who was invited", 440, true)
		must(t, m.eng.ConferenceLock("large", false, "cli:root"))
		m.in = append(m.in, m.dials(m.callerAt(5), "4300"))
		time.Sleep(time.Second)
		if n := len(m.room().Members); n != 5 {
			t.Errorf("%d are in it, want 5", n)
		}
		must(t, m.eng.ConferenceLock("large", true, "cli:root"))
		for _, c := range append(m.in, ann.Calls()[0]) {
			c.Hangup()
		}
		time.Sleep(time.Second)
		if v := m.room(); v.Locked || len(v.Members) != 0 {
			t.Errorf("after all have left: got %+v, want it empty and open", v)
		}
		m.cdrs()
	})
}

func TestAnAgentInAConferenceInvitesByKeysAndMutesHimself(t *testing.T) {
	inMeeting(t, func(m *meeting) {
		bob := m.agent("1002", "10.0.0.12:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(1500))
		ann := m.dials(m.agent("1001", "10.0.0.11:5060", nil), "4300")
		ann.Tone(440)
		time.Sleep(2 * time.Second)
		must(t, ann.Press(m.ctx(), "*31002#", 50*time.Millisecond))
		time.Sleep(4 * time.Second)
		m.heardBy(0, "Bob, who was invited by keys", 1500, true)
		must(t, ann.Press(m.ctx(), "*8", 50*time.Millisecond))
		time.Sleep(time.Second)
		m.heardBy(0, "Ann, who muted herself", 440, false)
		for _, c := range append(m.in, ann, bob.Calls()[0]) {
			c.Hangup()
		}
		m.cdrs()
	})
}

func TestBadInputToAConferenceIsRefused(t *testing.T) {
	inMeeting(t, func(m *meeting) {
		e := m.eng
		invite := func(room, to, actor string) error { _, err := e.ConferenceInvite(room, to, actor); return err }
		for name, c := range map[string]struct{ got, want error }{
			"no room":              {e.ConferenceKick("none", "x", "cli"), call.ErrNoRoom},
			"nobody of the name":   {e.ConferenceKick("large", "1002", "cli"), call.ErrNotInRoom},
			"nobody at all":        {e.ConferenceMute("large", "", true, "cli"), call.ErrNotInRoom},
			"lock an empty one":    {e.ConferenceLock("small", true, "cli"), call.ErrEmptyRoom},
			"lock none":            {e.ConferenceLock("none", true, "cli"), call.ErrNoRoom},
			"invite a queue":       {invite("large", "queue:sales", "cli"), call.ErrNowhere},
			"invite nobody":        {invite("large", "agent:7", "cli"), call.ErrNowhere},
			"invite without right": {invite("large", "trunk:out/4930", "agent:1002"), call.ErrNotAllowed},
			"invite without phone": {invite("large", "agent:1002", "cli"), call.ErrNoPhone},
			"invite to nowhere":    {invite("none", "agent:1002", "cli"), call.ErrNoRoom},
		} {
			if !errors.Is(c.got, c.want) {
				t.Errorf("%s: got %v, want %v", name, c.got, c.want)
			}
		}
		for _, c := range m.in {
			c.Hangup()
		}
		m.cdrs()
	})
}
