package call_test

import (
	"strings"
	"testing"
	"time"

	"hotline/internal/phone"
	"hotline/store"
)

func TestASupervisorTakesACallOver(t *testing.T) {
	for name, take := range map[string]func(w *watchedCall) *phone.Call{
		"by command": func(w *watchedCall) *phone.Call {
			_, err := w.eng.TakeOver("1001", "9001", "test")
			must(w.t, err)
			time.Sleep(2 * time.Second)
			return w.boss.Calls()[0]
		},
		"by a key while he listens": func(w *watchedCall) *phone.Call {
			boss := w.supervise(w.boss, "1001", "9001", "listen")
			must(w.t, boss.Press(w.ctx(), "4", 0))
			return boss
		},
		"by dialling": func(w *watchedCall) *phone.Call {
			boss := w.dials(w.boss, "*341001")
			boss.Tone(bossHz)
			return boss
		},
	} {
		t.Run(name, func(t *testing.T) {
			inTalk(t, func(w *watchedCall) {
				boss := take(w)
				time.Sleep(time.Second)
				hearOnly(t, "taken over", earOf{"caller", w.caller, []float64{bossHz}}, earOf{"supervisor", boss, []float64{callerHz}})
				if !w.agent.Over() {
					t.Error("Ann's leg still stands")
				}
				w.agentState("1001", "ready")
				w.caller.Hangup()
				c := w.begun()[0]
				if c.Agent != "9001" || !strings.Contains(c.Trace, "talk; taken over by 9001; talk") {
					t.Errorf("got agent %s, trace %s", c.Agent, c.Trace)
				}
				var acts []string
				must(t, w.st.Audits(store.Filter{}, func(a store.Audit) bool { acts = append(acts, a.Act); return true }))
				if !strings.Contains(strings.Join(acts, ";"), "call take over") {
					t.Errorf("audit log: got %q", acts)
				}
			})
		})
	}
}

func TestASupervisorTakesACallerOverWhoStillWaits(t *testing.T) {
	center := supervisedCenter()
	inBubble(t, center, func(b *bed) {
		boss := b.agent("9001", "10.0.0.21:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(bossHz))
		caller := b.dials(b.phone("10.0.1.1:5060", phone.Config{User: "4930123456"}), "4001")
		caller.Tone(callerHz)
		time.Sleep(2 * time.Second)
		_, err := b.eng.TakeOver(b.eng.Calls()[0].ID, "9001", "test")
		must(t, err)
		time.Sleep(2 * time.Second)
		hearOnly(t, "taken over", earOf{"caller", caller, []float64{bossHz}}, earOf{"supervisor", boss.Calls()[0], []float64{callerHz}})
		boss.Calls()[0].Hangup()
		time.Sleep(time.Second)
		caller.Hangup()
		if c := b.oneCDR(); c.Agent != "9001" {
			t.Errorf("got agent %s, trace %s", c.Agent, c.Trace)
		}
	})
}

func TestASupervisorDialsIntoACall(t *testing.T) {
	inTalk(t, func(w *watchedCall) {
		both := []float64{annHz, callerHz}
		boss := w.dials(w.boss, "*321001")
		boss.Tone(bossHz)
		time.Sleep(time.Second)
		hearOnly(t, "whisper", earOf{"agent", w.agent, []float64{callerHz, bossHz}}, earOf{"caller", w.caller, []float64{annHz}}, earOf{"supervisor", boss, both})
		must(t, boss.Press(w.ctx(), "3", 0))
		hearOnly(t, "barge", earOf{"agent", w.agent, []float64{callerHz, bossHz}}, earOf{"caller", w.caller, []float64{annHz, bossHz}})
		boss.Hangup()
		time.Sleep(time.Second)
		hearOnly(t, "left", earOf{"agent", w.agent, []float64{callerHz}}, earOf{"caller", w.caller, []float64{annHz}})
		end := w.dials(w.boss, "*351001")
		time.Sleep(2 * time.Second)
		if !w.caller.Over() || !w.agent.Over() {
			t.Error("the call was not ended by the supervisor's code")
		}
		end.Hangup()
	})
}

func TestOnlySupervisorsMayDialIntoCalls(t *testing.T) {
	withDesk(t, nil, func(d *desk) {
		for _, code := range []string{"*311001", "*341001", "*351001"} {
			c, err := d.bob.Call(d.ctx(), code)
			must(t, err)
			time.Sleep(2 * time.Second)
			if end := c.End(); end.Status != 403 {
				t.Errorf("%s: got %+v, want 403", code, end)
			}
		}
		d.hear("unharmed", hears("caller", d.caller, annHz), hears("Ann", d.agent, callerHz))
	})
}
