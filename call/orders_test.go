package call_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"hotline/call"
	"hotline/internal/phone"
	"hotline/store"
)

func TestAnAgentWhoseCallerWasLedOutsideIsInThatCallNoLonger(t *testing.T) {
	inBubble(t, rulesOf(supervisedCenter()), func(b *bed) {
		b.worlds()
		d := &desk{watchedCall: b.watched()}
		d.asks(call.DoTransfer, "030777")
		time.Sleep(4 * time.Second)
		if v := b.eng.Calls()[0]; v.Stage != "talk" || v.Agent != "" {
			t.Errorf("got stage %s with agent %q, want a talk with nobody of ours", v.Stage, v.Agent)
		}
		if err := b.eng.Order("1001", call.Order{Do: call.DoHold}, "test"); !errors.Is(err, call.ErrIdle) || !errors.Is(err, call.ErrUnknown) {
			t.Errorf("hold of the agent's call: got %v, want that he is in none", err)
		}
		d.caller.Hangup()
		d.oneCDR()
	})
}

func TestARecordingThatWasAskedForGoesOnAfterATransferAndOneThatWasEndedDoesNot(t *testing.T) {
	for name, tc := range map[string]struct {
		orders []string
		want   int // recordings of the call
	}{
		"ended":                 {[]string{call.DoStopRecord}, 1},
		"ended in a pause":      {[]string{call.DoPause, call.DoStopRecord}, 1},
		"ended and begun again": {[]string{call.DoStopRecord, call.DoRecord}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			withDesk(t, nil, func(d *desk) {
				for _, o := range tc.orders {
					d.asks(o, "")
				}
				d.asks(call.DoTransfer, "agent:1002")
				time.Sleep(3 * time.Second)
				if v := d.eng.Calls()[0]; v.Paused {
					t.Error("a recording that has ended is shown as paused")
				}
				d.caller.Hangup()
				if c := d.oneCDR(); len(c.Recordings) != tc.want {
					t.Errorf("got recordings %q, want %d", c.Recordings, tc.want)
				}
			})
		})
	}
}

func TestAKeyEndsARecordingAndBeginsAnother(t *testing.T) {
	withDesk(t, nil, func(d *desk) {
		for range 2 {
			must(t, d.agent.Press(d.ctx(), "*#", 50*time.Millisecond))
			time.Sleep(time.Second)
		}
		d.caller.Hangup()
		c := d.oneCDR()
		if len(c.Recordings) != 2 || !strings.Contains(c.Trace, "talk; stop-record; record; ") {
			t.Errorf("got recordings %q, trace %s, want two", c.Recordings, c.Trace)
		}
	})
}

func TestACallThatNobodyRecordsIsRecordedAfterATransferWhenAskedFor(t *testing.T) {
	withDesk(t, nil, func(d *desk) {
		d.caller.Hangup()
		time.Sleep(8 * time.Second)
		id, err := d.eng.Dial("1003", "1002", "", "test")
		must(t, err)
		time.Sleep(4 * time.Second)
		if v := d.eng.Calls()[0]; v.Called != "1002" || v.Name != "Carl" {
			t.Errorf("the call is shown as of %q for %q, want Carl's for 1002", v.Name, v.Called)
		}
		must(t, d.eng.Order(id, call.Order{Do: call.DoRecord}, "test"))
		must(t, d.eng.Order(id, call.Order{Do: call.DoTransfer, To: "agent:1001"}, "agent:1003"))
		time.Sleep(4 * time.Second)
		must(t, d.eng.Order(id, call.Order{Do: call.DoPause}, "test"))
		must(t, d.eng.Hangup(id, "test"))
		time.Sleep(time.Second)
		for _, c := range d.begun() {
			if c.ID == id && len(c.Recordings) != 2 {
				t.Errorf("got recordings %q, want one of each talk", c.Recordings)
			}
		}
	})
}

func TestOrdersWithoutAConsultationSayThatNobodyIsConsulted(t *testing.T) {
	withDesk(t, nil, func(d *desk) {
		for _, do := range []string{call.DoToggle, call.DoJoin, call.DoComplete, call.DoCancel} {
			if err := d.eng.Order("1001", call.Order{Do: do}, "test"); !errors.Is(err, call.ErrNoConsult) {
				t.Errorf("%s: got %v, want %v", do, err, call.ErrNoConsult)
			}
		}
		if err := d.eng.Order("1001", call.Order{Do: call.DoConsult, To: "queue:support"}, "test"); !errors.Is(err, call.ErrNoRing) {
			t.Errorf("consult a queue: got %v, want %v", err, call.ErrNoRing)
		}
		d.hear("unharmed", hears("caller", d.caller, annHz), hears("Ann", d.agent, callerHz))
	})
}

func TestAnAgentHearsInWordsWhatHisKeysCanNotDo(t *testing.T) {
	for keys, what := range map[string]string{"*277#": "nowhere", "*21001#": "himself", "*200441234#": "abroad", "*7": "nobody consulted"} {
		t.Run(what, func(t *testing.T) {
			withDesk(t, nil, func(d *desk) {
				d.caller.Quiet()
				d.agent.Quiet()
				from := time.Now()
				must(t, d.agent.Press(d.ctx(), keys, 50*time.Millisecond))
				time.Sleep(3 * time.Second)
				if !d.agent.HeardSpeech(from) {
					t.Error("the agent hears no sentence")
				}
				if d.caller.HeardSpeech(from) {
					t.Error("the caller hears what was meant for the agent")
				}
				d.caller.Hangup()
				d.oneCDR()
			})
		})
	}
}

func TestACancelKeyDuringATransferBringsTheCallerBack(t *testing.T) {
	withDesk(t, phone.RingForever(), func(d *desk) {
		must(t, d.agent.Press(d.ctx(), "*21002#", 50*time.Millisecond))
		time.Sleep(2 * time.Second)
		if c := d.calls(); !strings.HasSuffix(c, "transfer agent:1002") && !strings.HasSuffix(c, "transfer 1002") {
			t.Fatalf("got trace %s", c)
		}
		must(t, d.agent.Press(d.ctx(), "*6", 50*time.Millisecond))
		time.Sleep(time.Second)
		d.hear("brought back", hears("caller", d.caller, annHz), hears("Ann", d.agent, callerHz))
		if len(d.bob.Calls()) > 0 {
			t.Error("Bob's phone rings on")
		}
		d.caller.Hangup()
		d.oneCDR()
	})
}

func TestAnAgentWhoIsNotReadyIsShownInTheTalkThatHeWasGiven(t *testing.T) {
	withDesk(t, nil, func(d *desk) {
		must(t, d.eng.SetAgentState("1002", "not ready", "lunch", "test"))
		d.asks(call.DoTransfer, "agent:1002")
		time.Sleep(3 * time.Second)
		id := d.eng.Calls()[0].ID
		for _, a := range d.eng.Agents() {
			if in := a.ID == "1002"; a.Outside != in || in && a.Call != id {
				t.Errorf("agent %s: got call %q, outside %v", a.ID, a.Call, a.Outside)
			}
		}
		d.agentState("1002", "not ready (lunch)")
		d.caller.Hangup()
		d.oneCDR()
		for _, a := range d.eng.Agents() {
			if a.Outside {
				t.Errorf("afterwards agent %s is in call %q", a.ID, a.Call)
			}
		}
	})
}

func TestWhoIsNoSupervisorIsInTheAuditLogForTrying(t *testing.T) {
	withDesk(t, nil, func(d *desk) {
		for code, mode := range map[string]string{"*311001": "listen", "*341001": "takeover", "*351001": "hang up"} {
			c, err := d.carl.Call(d.ctx(), code)
			must(t, err)
			must(t, c.WaitDone(d.ctx()))
			time.Sleep(time.Second)
			found := 0
			must(t, d.st.Audits(store.Filter{Agent: "1003"}, func(a store.Audit) bool {
				if a.Act == "supervise refused" && a.Mode == mode && a.Actor == "agent:1003" && a.Call != "" && a.With[0] == "1001" {
					found++
				}
				return true
			}))
			if found != 1 {
				t.Errorf("%s: got %d entries of the audit log, want 1", code, found)
			}
		}
		d.hear("unharmed", hears("caller", d.caller, annHz), hears("Ann", d.agent, callerHz))
	})
}
