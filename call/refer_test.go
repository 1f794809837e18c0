package call_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"hotline/call"
	"hotline/internal/phone"
	"hotline/store"
)

// told are the statuses that a transferor's phone was told of its REFER.
func told(c *phone.Call) (all []int) {
	for _, p := range c.Transferred() {
		all = append(all, p.Status)
	}
	return all
}

// overTwo runs a test with phones over UDP and over TCP.
func overTwo(t *testing.T, bob phone.Policy, test func(d *desk)) {
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) { withDeskOver(t, transport, bob, test) })
	}
}

func TestScenario18ReferBlind(t *testing.T) {
	overTwo(t, nil, func(d *desk) {
		d.agent.Transfer("1002", nil)
		time.Sleep(3 * time.Second)
		d.hear("transferred", hears("caller", d.caller, bobHz), hears("Bob", d.bob.Calls()[0], callerHz))
		if got := told(d.agent); !slices.Contains(got, 202) || got[len(got)-1] != 200 || !d.agent.Transferred()[len(got)-1].Done {
			t := d.agent.Transferred()
			d.t.Errorf("the transferor was told %v, want 202 first, 200 last, then no more: %+v", got, t)
		}
		if !d.agent.Over() {
			d.t.Error("Ann's leg still stands")
		}
		d.agentState("1001", "ready")
	})
}

func TestScenario19ReferBlindFails(t *testing.T) {
	overTwo(t, phone.RejectAfter(100*time.Millisecond, 486), func(d *desk) {
		must(d.t, d.agent.Hold(d.ctx(), phone.SendOnly))
		d.agent.Transfer("1002", nil)
		time.Sleep(2 * time.Second)
		if got := told(d.agent); len(got) == 0 || got[len(got)-1] != 486 {
			d.t.Errorf("the transferor was told %v, want 486 last", got)
		}
		must(d.t, d.agent.Resume(d.ctx()))
		d.hear("bridged again", hears("caller", d.caller, annHz), hears("Ann", d.agent, callerHz))
	})
}

func TestScenario20ReferAttended(t *testing.T) {
	for name, refer := range map[string]func(d *desk, second *phone.Call){
		"from the customer's line": func(d *desk, second *phone.Call) { d.agent.Transfer("1002", second) },
		"from the other line":      func(d *desk, second *phone.Call) { second.Transfer("4930123456", d.agent) },
	} {
		t.Run(name, func(t *testing.T) {
			overTwo(t, nil, func(d *desk) {
				must(d.t, d.agent.Hold(d.ctx(), phone.SendOnly))
				second := d.dials(d.ann, "1002")
				second.Tone(annHz)
				time.Sleep(3 * time.Second)
				bob := d.bob.Calls()[0]
				d.hear("asking", hears("Ann", second, bobHz), hears("Bob", bob, annHz))
				refer(d, second)
				time.Sleep(time.Second)
				d.hear("transferred", hears("caller", d.caller, bobHz), hears("Bob", bob, callerHz))
				asked := slices.Concat(told(d.agent), told(second))
				if !slices.Equal(asked, []int{202, 200}) {
					d.t.Errorf("the phone was told %v, want 202, 200", asked)
				}
				if !d.agent.Over() || !second.Over() {
					d.t.Errorf("legs of the transferor over: %v, %v", d.agent.Over(), second.Over())
				}
				d.agentState("1001", "ready")
				bob.Hangup()
				time.Sleep(time.Second)
				d.caller.Hangup()
				for _, c := range d.begun() {
					if c.From == "agent:1001" && !strings.Contains(c.Cause.Text, "went on in another call") {
						d.t.Errorf("record of the asking: %+v", c.Cause)
					}
				}
			})
		})
	}
}

func TestAnAgentTransfersWhileHisSecondCallStillRings(t *testing.T) {
	for name, bob := range map[string]phone.Policy{
		"answered":  phone.Policy(phone.AnswerAfter(6 * time.Second)).Speaking(bobHz),
		"busy":      phone.RejectAfter(6*time.Second, 486),
		"no answer": phone.RingForever(),
	} {
		t.Run(name, func(t *testing.T) {
			overTwo(t, bob, func(d *desk) {
				must(t, d.agent.Hold(d.ctx(), phone.SendOnly))
				second, err := d.ann.Call(d.ctx(), "1002")
				must(t, err)
				time.Sleep(3 * time.Second)
				d.agent.Transfer("1002", second)
				time.Sleep(time.Second)
				if n := len(d.bob.Calls()); n != 1 || !second.Over() {
					t.Errorf("Bob's phone rings for %d calls, the second call over: %v; want 1, true", n, second.Over())
				}
				time.Sleep(35 * time.Second)
				want, status := hears("caller", d.caller, bobHz), 200
				if name != "answered" {
					want, status = hears("caller", d.caller, annHz), map[string]int{"busy": 486, "no answer": 480}[name]
					must(t, d.agent.Hold(d.ctx(), phone.SendRecv))
				}
				d.hear(name, want)
				if got := told(d.agent); len(got) == 0 || got[len(got)-1] != status {
					t.Errorf("Ann's phone is told %v, want %d at last", got, status)
				}
				d.caller.Hangup()
				d.begun()
			})
		})
	}
}

func TestAConsultationThatIsCompletedWhileItRingsIsABlindTransfer(t *testing.T) {
	for name, bob := range map[string]phone.Policy{
		"answered": phone.Policy(phone.AnswerAfter(5 * time.Second)).Speaking(bobHz),
		"busy":     phone.RejectAfter(5*time.Second, 486),
	} {
		t.Run(name, func(t *testing.T) {
			withDesk(t, bob, func(d *desk) {
				d.asks(call.DoConsult, "agent:1002")
				time.Sleep(2 * time.Second)
				d.asks(call.DoComplete, "")
				time.Sleep(time.Second)
				if !d.agent.Over() {
					t.Error("Ann's leg still stands")
				}
				d.agentState("1001", "wrap-up")
				time.Sleep(8 * time.Second)
				trace, tone, far := "consult agent:1002; transfer agent:1002; talk", float64(bobHz), d.bob
				if name == "busy" {
					trace, tone, far = "transfer failed: 486 Busy Here; return to agent 1001; talk", annHz, d.ann
				}
				all := far.Calls()
				if len(all) == 0 {
					t.Fatalf("nobody has the caller: %s", d.calls())
				}
				d.hear(name, hears("caller", d.caller, tone), hears("who has him", all[len(all)-1], callerHz))
				d.caller.Hangup()
				if c := d.oneCDR(); !strings.Contains(c.Trace, trace) {
					t.Errorf("got trace %s, want %s in it", c.Trace, trace)
				}
			})
		})
	}
}

func TestScenario21ReplacesBad(t *testing.T) {
	overTwo(t, nil, func(d *desk) {
		gone := d.dials(d.ann, "1002")
		time.Sleep(3 * time.Second)
		gone.Hangup()
		time.Sleep(time.Second)
		d.agent.Transfer("1002", gone)
		time.Sleep(time.Second)
		if got := told(d.agent); !slices.Equal(got, []int{603}) {
			d.t.Errorf("REFER with a dialog that is gone: got %v, want 603", got)
		}
		other := d.dials(d.bob, "1003") // Bob's, not Ann's
		time.Sleep(3 * time.Second)
		d.agent.Transfer("1003", other)
		time.Sleep(time.Second)
		if got := told(d.agent); !slices.Equal(got, []int{603, 403}) {
			d.t.Errorf("REFER with another agent's dialog: got %v, want 403", got)
		}
		d.hear("unharmed", hears("caller", d.caller, annHz), hears("Ann", d.agent, callerHz))
	})
}

func TestScenario22TransferorHangsUp(t *testing.T) {
	overTwo(t, phone.Policy(phone.AnswerAfter(3*time.Second)).Speaking(bobHz), func(d *desk) {
		d.agent.Transfer("1002", nil)
		time.Sleep(time.Second)
		d.agent.Hangup()
		time.Sleep(4 * time.Second)
		d.hear("goes on", hears("caller", d.caller, bobHz), hears("Bob", d.bob.Calls()[0], callerHz))
	})
}

func TestReferIsRefusedToCallersAndToWhatCannotBe(t *testing.T) {
	withDesk(t, nil, func(d *desk) {
		d.caller.Transfer("1002", nil)
		time.Sleep(time.Second)
		if got := told(d.caller); !slices.Equal(got, []int{403}) {
			t.Errorf("a caller's REFER: got %v, want 403", got)
		}
		for i, tc := range []struct {
			to   string
			want int
		}{{"7777", 403}, {"x", 404}, {"1001", 403}, {"0049301234", 403}} {
			d.agent.Transfer(tc.to, nil)
			time.Sleep(time.Second)
			if got := told(d.agent); len(got) != i+1 || got[i] != tc.want {
				t.Errorf("REFER to %s: got %v, want %d", tc.to, got, tc.want)
			}
		}
		d.hear("unharmed", hears("caller", d.caller, annHz), hears("Ann", d.agent, callerHz))
	})
}

func TestAColleaguePicksUpWhatRings(t *testing.T) {
	for code, want := range map[string]bool{"*8": true, "*81001": true, "*81003": false} {
		t.Run(code, func(t *testing.T) {
			center := supervisedCenter()
			center.Agents["1003"] = store.Agent{Name: "Carl"}
			inBubble(t, center, func(b *bed) {
				b.agent("1001", "10.0.0.11:5060", phone.RingForever())
				bob := b.agent("1002", "10.0.0.12:5060", phone.RingForever())
				caller := b.dials(b.phone("10.0.1.1:5060", phone.Config{User: "4930123456"}), "4001")
				caller.Tone(callerHz)
				time.Sleep(3 * time.Second)
				mine, err := bob.Call(b.ctx(), code)
				must(t, err)
				mine.Tone(bobHz)
				time.Sleep(2 * time.Second)
				if !want {
					if end := mine.End(); end.Status != 404 {
						t.Errorf("got %+v, want 404", end)
					}
					return
				}
				hearOnly(t, "picked up", hears("caller", caller, bobHz), hears("Bob", mine, callerHz))
				b.agentState("1001", "ready")
				mine.Hangup()
				time.Sleep(time.Second)
				caller.Hangup()
				if c := b.begun()[0]; c.Agent != "1002" || !strings.Contains(c.Trace, "talk") {
					t.Errorf("got agent %s, trace %s", c.Agent, c.Trace)
				}
			})
		})
	}
}

func TestThePhoneThatRangIsToldWhoHasTheCall(t *testing.T) {
	center := func(transport string) store.Center {
		c := twoAgents(transport)
		c.Agents["1002"] = store.Agent{Name: "Bob", Queues: []string{"sales"}}
		return c
	}
	overBothWith(t, center, func(b *bed, A, B *peer) {
		bob := b.agent("1002", "10.0.0.12:5060", nil)
		a := A.call("4001", A.sdp(30000))
		one := B.rings(time.Second)
		one.reply(one.invite, 180, "Ringing", "")
		two, err := bob.Call(b.ctx(), "*8")
		must(t, err)
		cancel := one.gets("CANCEL", time.Second)
		if got := cancel.get("Reason"); got != `SIP;cause=200;text="Call completed elsewhere"` {
			t.Errorf("the CANCEL has Reason %q", got)
		}
		one.reply(cancel, 200, "OK", "")
		one.reply(one.invite, 487, "Request Terminated", "")
		one.gets("ACK", time.Second)
		a.answered(time.Second)
		b.agentState("1001", "ready")
		a.bye()
		must(t, two.WaitDone(b.ctx()))
		if got, want := b.begun()[0].Trace, "wait sales; picked up by agent:1002; offer 1: answered elsewhere; talk; end: caller hung up"; got != want {
			t.Errorf("got trace %s, want %s", got, want)
		}
	})
}

func TestACallIsMovedOutOfWhateverItDoes(t *testing.T) {
	withDesk(t, nil, func(d *desk) {
		id := d.eng.Calls()[0].ID
		for _, tc := range []struct{ to, trace string }{
			{"flow:main", "talk; move flow:main; menu"},
			{"queue:support", "menu; move queue:support; wait support"},
			{"agent:1002", "wait support; move agent:1002; dial agent 1002"},
		} {
			must(t, d.eng.Move(id, tc.to, "test"))
			time.Sleep(500 * time.Millisecond)
			if got := d.calls(); !strings.HasSuffix(got, tc.trace) {
				t.Errorf("got trace %s, want it to end in %s", got, tc.trace)
			}
		}
		time.Sleep(2 * time.Second)
		d.hear("moved to Bob", hears("caller", d.caller, bobHz), hears("Bob", d.bob.Calls()[0], callerHz))
		d.agentState("1001", "ready")
		d.caller.Hangup()
		d.oneCDR()
	})
}

func TestOrdersWaitForNobodyWhereTheyCannotBeCarriedOut(t *testing.T) {
	inBubble(t, wholeCenter(), func(b *bed) {
		b.dials(b.phone("10.0.1.1:5060", phone.Config{User: "4930123456"}), "4000")
		time.Sleep(time.Second)
		began := time.Now()
		err := b.eng.Order(b.eng.Calls()[0].ID, call.Order{Do: call.DoHold}, "test")
		if err == nil || time.Since(began) > 2*time.Second {
			t.Errorf("hold in a menu: got %v after %v", err, time.Since(began))
		}
	})
}
