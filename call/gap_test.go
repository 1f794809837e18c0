package call_test

import (
	"fmt"
	"testing"
	"time"

	"hotline/call"
)

// Whatever is done to others, who stays has something to hear all the time: he
// misses 40 ms at most, though his phone has no buffer. The orders come at moments
// that no clock of ours knows.
func TestWhoStaysMissesNoMoreThan40ms(t *testing.T) {
	odd := func(i int) { time.Sleep(time.Second + time.Duration(i*7)*time.Millisecond) }
	t.Run("conference", func(t *testing.T) {
		inMeeting(t, func(m *meeting) {
			streams := m.watch()
			stay := m.in[:2]
			third := m.number(2)
			for i := range 12 {
				must(t, m.eng.ConferenceMute("large", third, true, "cli"))
				odd(i)
				must(t, m.eng.ConferenceMute("large", third, false, "cli"))
				odd(i + 3)
				if i%3 == 0 {
					fourth := m.dials(m.callerAt(10+i), "4300")
					fourth.Tone(2500)
					odd(i)
					must(t, m.eng.ConferenceMute("large", third, true, "cli"))
					odd(i + 1)
					if i%2 == 0 {
						fourth.Hangup()
					} else {
						must(t, m.eng.ConferenceKick("large", fmt.Sprintf("49301234%02d", 10+i), "cli"))
					}
					odd(i)
					must(t, m.eng.ConferenceMute("large", third, false, "cli"))
				}
			}
			must(t, m.eng.ConferenceKick("large", third, "cli"))
			odd(1)
			for i, c := range stay {
				streams.steady(t, fmt.Sprintf("caller %d", i+1), c)
			}
		})
	})
	t.Run("supervisors", func(t *testing.T) {
		inTalk(t, func(w *watchedCall) {
			streams := w.watch()
			for i := range 8 {
				boss := w.supervise(w.boss, "1001", "9001", []string{"listen", "whisper", "barge"}[i%3])
				for k, key := range []string{"3", "2", "1", "3", "1", "2", "3"}[i%5:] {
					must(t, boss.Press(w.ctx(), key, 0))
					odd(i + k)
				}
				must(t, w.eng.Unsupervise("1001", "9001", "cli"))
				odd(i)
			}
			streams.steady(t, "caller", w.caller)
			streams.steady(t, "agent", w.agent)
		})
	})
	t.Run("hold, three-party call", func(t *testing.T) {
		withDesk(t, nil, func(d *desk) {
			streams := d.watch()
			for i := range 4 {
				d.asks(call.DoHold, "")
				odd(i)
				d.asks(call.DoRetrieve, "")
				odd(i)
				d.asks(call.DoConsult, "agent:1002")
				odd(i + 100)
				for _, do := range []string{call.DoToggle, call.DoJoin, call.DoToggle, call.DoJoin, call.DoCancel} {
					d.asks(do, "")
					odd(i)
				}
			}
			streams.steady(t, "caller", d.caller)
		})
	})
	t.Run("transfer", func(t *testing.T) {
		withDesk(t, nil, func(d *desk) {
			d.asks(call.DoConsult, "agent:1002")
			time.Sleep(3 * time.Second)
			bob := d.bob.Calls()[0]
			d.asks(call.DoJoin, "")
			odd(0)
			streams := d.watch()
			d.asks(call.DoComplete, "")
			odd(2)
			streams.steady(t, "caller", d.caller)
			streams.steady(t, "colleague", bob)
			d.hear("completed", hears("caller", d.caller, bobHz), hears("Bob", bob, callerHz))
		})
	})
}
