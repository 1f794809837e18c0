package call_test

import (
	"testing"
	"time"

	"hotline/internal/phone"
	"hotline/media"
)

// warnedAt is how often a leg hears the beep that tells of a supervisor.
func warnedAt(c *phone.Call, from time.Time) (times int) {
	pcm := c.Listen().Since(from).Samples
	on := false
	for at := 0; at+400 <= len(pcm); at += 400 {
		now := media.Goertzel(pcm[at:at+400], 8000, 1400) > 3000
		if now && !on {
			times++
		}
		on = now
	}
	return times
}

func TestAnAgentHearsABeepWhenASupervisorComesWhereSettingsSaySo(t *testing.T) {
	for policy, want := range map[string]int{"": 0, "unseen": 0, "beep": 1} {
		t.Run("policy "+policy, func(t *testing.T) {
			center := supervisedCenter()
			center.Settings.Supervision = policy
			inBubble(t, center, func(b *bed) {
				w := b.watched()
				from := time.Now()
				boss := b.supervise(w.boss, "1001", "9001", "listen")
				time.Sleep(2 * time.Second)
				if got := warnedAt(w.agent, from); got != want {
					t.Errorf("the agent hears %d beeps, want %d", got, want)
				}
				if least, _ := softest(w.agent.Listen().Since(from).Samples, callerHz); least < 0.2 {
					t.Errorf("meanwhile the agent hears the caller at %.2f only", least)
				}
				for name, c := range map[string]*phone.Call{"caller": w.caller, "supervisor": boss} {
					if got := warnedAt(c, from); got != 0 {
						t.Errorf("the %s hears %d beeps, want none", name, got)
					}
				}
				if least, spoken := softest(w.caller.Listen().Since(from).Samples, annHz); least < 0.9 || spoken {
					t.Errorf("the caller hears the agent at %.2f, and something else: %v", least, spoken)
				}
				w.caller.Hangup()
				b.oneCDR()
			})
		})
	}
}

func TestAnAgentHearsABeepOfASupervisorWhoSatThereBefore(t *testing.T) {
	center := supervisedCenter()
	center.Settings.Supervision = "beep"
	inBubble(t, center, func(b *bed) {
		boss := b.agent("9001", "10.0.0.21:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(bossHz))
		ann := b.agent("1001", "10.0.0.11:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(annHz))
		must(t, b.eng.SetAgentState("1001", "not ready", "", "test"))
		c := b.dials(b.phone("10.0.1.1:5060", phone.Config{User: "4930123456"}), "4001")
		time.Sleep(2 * time.Second)
		b.supervise(boss, b.eng.Calls()[0].ID, "9001", "listen")
		from := time.Now()
		must(t, b.eng.SetAgentState("1001", "ready", "", "test"))
		must(t, c.WaitTone(b.ctx(), annHz))
		time.Sleep(time.Second)
		if got := warnedAt(ann.Calls()[0], from); got != 1 {
			t.Errorf("the agent hears %d beeps, want 1", got)
		}
		if got := warnedAt(c, from); got != 0 {
			t.Errorf("the caller hears %d beeps, want none", got)
		}
		c.Hangup()
		b.oneCDR()
	})
}

// A beep does not end the music of whom the caller's phone holds.
func TestMusicGoesOnBehindABeep(t *testing.T) {
	center := supervisedCenter()
	center.Settings.Supervision = "beep"
	inBubble(t, center, func(b *bed) {
		w := b.watched()
		must(t, w.caller.Hold(b.ctx(), phone.Inactive))
		time.Sleep(time.Second)
		from := time.Now()
		b.supervise(w.boss, "1001", "9001", "listen")
		time.Sleep(time.Second)
		if got := warnedAt(w.agent, from); got != 1 {
			t.Errorf("the agent hears %d beeps, want 1", got)
		}
		from = time.Now()
		time.Sleep(2 * time.Second)
		if got := level(w.agent.Listen().Since(from).Samples); got < 100 {
			t.Errorf("behind the beep the agent hears no music: level %.0f", got)
		}
		w.caller.Hangup()
		b.oneCDR()
	})
}
