package call_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"hotline/call"
	"hotline/internal/phone"
	"hotline/store"
)

// ringsAtAnn is a center with a caller for whom Ann's phone rings, and Bob, whose
// phone answers after a while.
func ringsAtAnn(t *testing.T, after time.Duration, test func(b *bed, bob *phone.Phone, caller *phone.Call)) {
	center := supervisedCenter()
	center.Agents["1003"] = store.Agent{Name: "Carl"}
	inBubble(t, center, func(b *bed) {
		b.agent("1001", "10.0.0.11:5060", phone.RingForever())
		bob := b.agent("1002", "10.0.0.12:5060", phone.Policy(phone.AnswerAfter(after)).Speaking(bobHz))
		caller := b.dials(b.phone("10.0.1.1:5060", phone.Config{User: "4930123456"}), "4001")
		caller.Tone(callerHz)
		time.Sleep(3 * time.Second)
		test(b, bob, caller)
	})
}

func TestWhatRingsAtAColleaguesPhoneIsPickedUpByCommand(t *testing.T) {
	for name, take := range map[string]func(e *call.Engine) error{
		"any":        func(e *call.Engine) error { _, err := e.PickUp("1002", "", "test"); return err },
		"hers":       func(e *call.Engine) error { _, err := e.PickUp("1002", "1001", "test"); return err },
		"as dialled": func(e *call.Engine) error { _, err := e.Dial("1002", "*81001", "", "test"); return err },
	} {
		t.Run(name, func(t *testing.T) {
			ringsAtAnn(t, time.Second, func(b *bed, bob *phone.Phone, caller *phone.Call) {
				must(t, take(b.eng))
				time.Sleep(3 * time.Second)
				mine := bob.Calls()[0]
				hearOnly(t, "picked up", hears("caller", caller, bobHz), hears("Bob", mine, callerHz))
				b.agentState("1001", "ready")
				mine.Hangup()
				time.Sleep(time.Second)
				caller.Hangup()
				all := b.begun()
				if len(all) != 2 || all[0].Agent != "1002" || !strings.HasPrefix(all[1].Trace, "ring; pick up "+all[0].ID+"; end: went on in another call") {
					t.Errorf("got records %+v", all)
				}
			})
		})
	}
}

func TestNobodyIsRungForACallThatCanNotBePickedUp(t *testing.T) {
	ringsAtAnn(t, time.Second, func(b *bed, bob *phone.Phone, caller *phone.Call) {
		for _, c := range []struct {
			agent, from string
			want        error
		}{
			{"1002", "1003", call.ErrNothingRings},
			{"1003", "1001", call.ErrNothingRings}, // no colleague of hers
			{"7", "", call.ErrUnknown},
		} {
			if _, err := b.eng.PickUp(c.agent, c.from, "test"); !errors.Is(err, c.want) {
				t.Errorf("%s picks up %q: got %v, want %v", c.agent, c.from, err, c.want)
			}
		}
		v := b.eng.Calls()[0]
		for ref, want := range map[string]error{"701": call.ErrNotParked, v.ID: call.ErrNotParked, "nothing": call.ErrUnknown} {
			if _, err := b.eng.Unpark("1002", ref, "test"); !errors.Is(err, want) {
				t.Errorf("unpark %s: got %v, want %v", ref, err, want)
			}
		}
		if n := len(bob.Calls()); n != 0 {
			t.Errorf("Bob's phone rings %d times", n)
		}
		caller.Hangup()
		b.oneCDR()
	})
}

func TestWhoPicksUpTooLateHearsSoAndTakesNobodysCaller(t *testing.T) {
	t.Run("gone", func(t *testing.T) {
		ringsAtAnn(t, 4*time.Second, func(b *bed, bob *phone.Phone, caller *phone.Call) {
			_, err := b.eng.PickUp("1002", "1001", "test")
			must(t, err)
			time.Sleep(2 * time.Second)
			caller.Hangup()
			time.Sleep(5 * time.Second)
			mine := bob.Calls()[0]
			heard(t, mine.Listen(), "en", "caller-gone")
			must(t, mine.WaitDone(b.ctx()))
			b.begun()
		})
	})
	t.Run("taken", func(t *testing.T) {
		withDesk(t, phone.Policy(phone.AnswerAfter(6*time.Second)).Speaking(bobHz), func(d *desk) {
			d.asks(call.DoPark, "")
			time.Sleep(6 * time.Second)
			v, err := d.eng.Unpark("1002", "701", "test")
			must(t, err)
			carl := d.dials(d.carl, "701")
			carl.Tone(carHz)
			time.Sleep(10 * time.Second)
			heard(t, d.bob.Calls()[0].Listen(), "en", "number-busy")
			d.hear("unharmed", hears("caller", d.caller, carHz), hears("Carl", carl, callerHz))
			d.caller.Hangup()
			time.Sleep(12 * time.Second)
			all := d.begun()
			i := slices.IndexFunc(all, func(c store.CDR) bool { return c.ID == v.Call })
			if i < 0 || !strings.Contains(all[i].Trace, "; failed: ") {
				t.Errorf("got records %+v", all)
			}
		})
	})
}

func TestAParkedCallerIsTakenByCommand(t *testing.T) {
	for name, ref := range map[string]func(d *desk) string{
		"by slot": func(*desk) string { return "701" },
		"by call": func(d *desk) string { return d.eng.Calls()[0].ID },
	} {
		t.Run(name, func(t *testing.T) {
			withDesk(t, nil, func(d *desk) {
				d.asks(call.DoPark, "")
				time.Sleep(6 * time.Second)
				_, err := d.eng.Unpark("1002", ref(d), "test")
				must(t, err)
				time.Sleep(3 * time.Second)
				d.hear("taken out", hears("caller", d.caller, bobHz), hears("Bob", d.bob.Calls()[0], callerHz))
				d.caller.Hangup()
				d.begun()
			})
		})
	}
}

func TestClickToDialReachesWhateverThePhoneCanDial(t *testing.T) {
	withDesk(t, nil, func(d *desk) {
		_, err := d.eng.Dial("1002", "*421", "", "test")
		must(t, err)
		time.Sleep(5 * time.Second)
		d.agentState("1002", "not ready (break)")
		_, err = d.eng.Dial("1003", "4000", "", "test")
		must(t, err)
		time.Sleep(3 * time.Second)
		if all := d.eng.Calls(); len(all) != 2 || !strings.HasPrefix(all[1].Trace[len(all[1].Trace)-1], "menu") {
			t.Errorf("got calls %+v, want Carl in the menu", all)
		}
		d.carl.Calls()[0].Hangup()
		d.caller.Hangup()
		d.begun()
	})
}
