package call_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"hotline/call"
	"hotline/internal/phone"
	"hotline/store"
)

// Tones of those who take a call over.
const (
	bobHz = bossHz
	carHz = chiefHz
)

// desk is a call in talk with Ann, and Bob and Carl whom she may ask.
type desk struct {
	*watchedCall
	bob, carl *phone.Phone
}

// withDesk runs a test with a call in talk, Bob (1500 Hz) at 1002 and Carl (2100
// Hz) at 1003, who answer after a second unless change says otherwise.
func withDesk(t *testing.T, bob phone.Policy, test func(d *desk)) {
	t.Helper()
	withDeskOver(t, "udp", bob, test)
}

func withDeskOver(t *testing.T, transport string, bob phone.Policy, test func(d *desk)) {
	t.Helper()
	center := supervisedCenter()
	center.Agents["1003"] = store.Agent{Name: "Carl"}
	center.Queues["support"] = store.Queue{Name: "Support"}
	center.Agents["1003"] = store.Agent{Name: "Carl", Queues: []string{"support"}}
	inBubble(t, center, func(b *bed) {
		d := &desk{}
		if bob == nil {
			bob = phone.Policy(phone.AnswerAfter(time.Second)).Speaking(bobHz)
		}
		d.bob = b.agentOver(transport, "1002", "10.0.0.12:5060", bob)
		d.carl = b.agent("1003", "10.0.0.13:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(carHz))
		d.watchedCall = b.watchedOver(transport)
		test(d)
	})
}

func (d *desk) asks(do, to string) {
	d.t.Helper()
	if err := d.eng.Order("1001", call.Order{Do: do, To: to}, "agent:1001"); err != nil {
		d.t.Fatalf("%s %s: %v", do, to, err)
	}
}

func hears(name string, c *phone.Call, tones ...float64) earOf { return earOf{name, c, tones} }

func (d *desk) hear(when string, ears ...earOf) {
	d.t.Helper()
	hearOnly(d.t, when, ears...)
}

func TestAnAgentTransfersHisCallerToAColleague(t *testing.T) {
	for name, how := range map[string]func(d *desk){
		"by command": func(d *desk) { d.asks(call.DoTransfer, "agent:1002") },
		"by keys":    func(d *desk) { must(d.t, d.agent.Press(d.ctx(), "*21002#", 50*time.Millisecond)) },
	} {
		t.Run(name, func(t *testing.T) {
			withDesk(t, nil, func(d *desk) {
				how(d)
				time.Sleep(3 * time.Second)
				bob := d.bob.Calls()[0]
				d.hear("after the transfer", hears("caller", d.caller, bobHz), hears("Bob", bob, callerHz))
				if !d.agent.Over() {
					t.Error("Ann's leg still stands")
				}
				d.agentState("1001", "ready")
				bob.Hangup()
				time.Sleep(time.Second)
				c := d.calls()
				if !strings.Contains(c, "talk; transfer agent:1002; talk; survey") && !strings.Contains(c, "talk; transfer 1002; talk; survey") {
					t.Errorf("got trace %s", c)
				}
				d.caller.Hangup()
				r := d.oneCDR()
				if len(r.Talks) != 2 || r.Talks[0].Agent != "1001" || r.Talks[1].Agent != "1002" || r.Agent != "1002" {
					t.Errorf("talks: got %+v, last agent %s", r.Talks, r.Agent)
				}
				if len(r.Recordings) != 2 || r.Recordings[0] != r.ID {
					t.Errorf("recordings: got %q, want one for each talk", r.Recordings)
				}
				d.wantRecording(r, callerHz, bobHz)
			})
		})
	}
}

// calls is the trace of the running call.
func (b *bed) calls() string {
	all := b.eng.Calls()
	if len(all) != 1 {
		b.t.Fatalf("got %d calls, want 1", len(all))
	}
	return strings.Join(all[0].Trace, "; ")
}

func TestATransferThatFailsBringsTheCallerBack(t *testing.T) {
	for name, bob := range map[string]phone.Policy{
		"busy":      phone.RejectAfter(100*time.Millisecond, 486),
		"no answer": phone.RingForever(),
	} {
		t.Run(name, func(t *testing.T) {
			withDesk(t, bob, func(d *desk) {
				d.asks(call.DoTransfer, "agent:1002")
				time.Sleep(32 * time.Second)
				d.hear("brought back", hears("caller", d.caller, annHz), hears("Ann", d.agent, callerHz))
				d.caller.Hangup()
				if c := d.oneCDR(); !strings.Contains(c.Trace, "transfer agent:1002; transfer failed: ") {
					t.Errorf("got trace %s", c.Trace)
				}
			})
		})
	}
}

func TestAnAgentWhoHangsUpDuringHisTransferIsRungWhenItFails(t *testing.T) {
	withDesk(t, phone.RingForever(), func(d *desk) {
		d.asks(call.DoTransfer, "agent:1002")
		time.Sleep(time.Second)
		d.agent.Hangup()
		time.Sleep(time.Second)
		d.agentState("1001", "wrap-up")
		time.Sleep(33 * time.Second)
		back := d.ann.Calls()
		if len(back) != 1 || back[0] == d.agent {
			t.Fatalf("Ann's phone has %d calls, want the one that came back", len(back))
		}
		d.hear("back at Ann", hears("caller", d.caller, annHz), hears("Ann", back[0], callerHz))
		d.caller.Hangup()
		if c := d.oneCDR(); !strings.Contains(c.Trace, "return to agent 1001; talk") {
			t.Errorf("got trace %s", c.Trace)
		}
	})
}

func TestACallerIsTransferredToAQueueWithHisArrivalTime(t *testing.T) {
	withDesk(t, nil, func(d *desk) {
		must(t, d.eng.SetAgentState("1003", "ready", "", "test"))
		d.asks(call.DoTransfer, "queue:support")
		time.Sleep(10 * time.Second)
		d.hear("after the queue", hears("caller", d.caller, carHz), hears("Carl", d.carl.Calls()[0], callerHz))
		d.caller.Hangup()
		c := d.oneCDR()
		if !strings.Contains(c.Trace, "talk; transfer to queue:support; move queue:support; wait support; offer 1: answered") {
			t.Errorf("got trace %s", c.Trace)
		}
		if c.Queue != "support" || c.Agent != "1003" {
			t.Errorf("got queue %s, agent %s, want support, 1003", c.Queue, c.Agent)
		}
	})
}

func TestTransfersToNowhereAreRefusedAndTheTalkGoesOn(t *testing.T) {
	withDesk(t, nil, func(d *desk) {
		for to, want := range map[string]error{"agent:7777": call.ErrNowhere, "1001": call.ErrSelf, "queue:none": call.ErrNowhere,
			"": call.ErrNowhere, "trunk:world/0049": call.ErrNotAllowed, "00491234": call.ErrNotAllowed, "sip:x@y": call.ErrNowhere} {
			if err := d.eng.Order("1001", call.Order{Do: call.DoTransfer, To: to}, "agent:1001"); !errors.Is(err, want) {
				t.Errorf("transfer to %q: got %v, want %v", to, err, want)
			}
		}
		if err := d.eng.Order("1001", call.Order{Do: "fly"}, "test"); !errors.Is(err, call.ErrBadOrder) {
			t.Errorf("fly: got %v", err)
		}
		if err := d.eng.Order("1001", call.Order{Do: call.DoComplete}, "test"); !errors.Is(err, call.ErrNoConsult) {
			t.Errorf("complete: got %v", err)
		}
		must(t, d.agent.Press(d.ctx(), "*27777#", 50*time.Millisecond))
		time.Sleep(4 * time.Second) // he is told
		d.hear("still", hears("caller", d.caller, annHz), hears("Ann", d.agent, callerHz))
	})
}

func TestAnAgentConsultsTogglesJoinsAndLeavesTheTwoAlone(t *testing.T) {
	for name, do := range map[string]func(d *desk, order, keys string){
		"by command": func(d *desk, order, _ string) {
			do, to, _ := strings.Cut(order, " ")
			d.asks(do, to)
		},
		"by keys": func(d *desk, _, keys string) { must(d.t, d.agent.Press(d.ctx(), keys, 50*time.Millisecond)) },
	} {
		t.Run(name, func(t *testing.T) {
			withDesk(t, nil, func(d *desk) {
				do(d, "consult agent:1002", "*31002#")
				time.Sleep(3 * time.Second)
				bob := d.bob.Calls()[0]
				d.hear("consulting", hears("caller", d.caller), hears("Ann", d.agent, bobHz), hears("Bob", bob, annHz))
				do(d, "toggle", "*5")
				d.hear("toggled", hears("caller", d.caller, annHz), hears("Ann", d.agent, callerHz), hears("Bob", bob))
				do(d, "toggle", "*5")
				d.hear("toggled again", hears("caller", d.caller), hears("Ann", d.agent, bobHz), hears("Bob", bob, annHz))
				do(d, "join", "*4")
				d.hear("joined", hears("caller", d.caller, annHz, bobHz), hears("Ann", d.agent, callerHz, bobHz), hears("Bob", bob, annHz, callerHz))
				if keys := strings.HasSuffix(name, "keys"); keys {
					d.agent.Press(d.ctx(), "*7", 50*time.Millisecond) // the call ends under his finger
				} else {
					do(d, "complete", "")
				}
				d.hear("completed", hears("caller", d.caller, bobHz), hears("Bob", bob, callerHz))
				if !d.agent.Over() {
					t.Error("Ann's leg still stands")
				}
				d.caller.Hangup()
				d.oneCDR()
				d.agentState("1001", "ready")
			})
		})
	}
}

func TestAConsultationEndsByWhoHangsUp(t *testing.T) {
	for _, tc := range []struct {
		name string
		do   func(d *desk, bob *phone.Call)
		want func(d *desk, bob *phone.Call)
	}{
		{"the one asked: back to the caller", func(d *desk, bob *phone.Call) { bob.Hangup() },
			func(d *desk, bob *phone.Call) {
				d.hear("back", hears("caller", d.caller, annHz), hears("Ann", d.agent, callerHz))
			}},
		{"cancelled: back to the caller", func(d *desk, bob *phone.Call) { d.asks(call.DoCancel, "") },
			func(d *desk, bob *phone.Call) {
				d.hear("back", hears("caller", d.caller, annHz), hears("Ann", d.agent, callerHz))
				if !bob.Over() {
					d.t.Error("Bob's leg still stands")
				}
			}},
		{"the agent: the two are left alone", func(d *desk, bob *phone.Call) { d.agent.Hangup() },
			func(d *desk, bob *phone.Call) {
				d.hear("alone", hears("caller", d.caller, bobHz), hears("Bob", bob, callerHz))
			}},
		{"the caller: all is over", func(d *desk, bob *phone.Call) { d.caller.Hangup() },
			func(d *desk, bob *phone.Call) {
				time.Sleep(time.Second)
				if !bob.Over() || !d.agent.Over() {
					d.t.Error("a leg still stands")
				}
			}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			withDesk(t, nil, func(d *desk) {
				d.asks(call.DoConsult, "agent:1002")
				time.Sleep(3 * time.Second)
				bob := d.bob.Calls()[0]
				tc.do(d, bob)
				time.Sleep(time.Second)
				tc.want(d, bob)
				d.caller.Hangup()
				d.oneCDR()
				d.agentState("1001", "ready")
			})
		})
	}
}

func TestAConsultationThatNobodyAnswersEndsAtTheCaller(t *testing.T) {
	withDesk(t, phone.RejectAfter(100*time.Millisecond, 486), func(d *desk) {
		d.asks(call.DoConsult, "agent:1002")
		time.Sleep(2 * time.Second)
		d.hear("back", hears("caller", d.caller, annHz), hears("Ann", d.agent, callerHz))
	})
}

func TestAnAgentWhoLeavesBeforeTheAnswerLetsThePhoneRingForTheCaller(t *testing.T) {
	withDesk(t, phone.Policy(phone.AnswerAfter(5*time.Second)).Speaking(bobHz), func(d *desk) {
		d.asks(call.DoConsult, "agent:1002")
		time.Sleep(2 * time.Second)
		d.agent.Hangup()
		time.Sleep(5 * time.Second)
		if n := len(d.bob.Calls()); n != 1 {
			t.Fatalf("Bob's phone has %d calls, want 1", n)
		}
		d.hear("answered", hears("caller", d.caller, bobHz), hears("Bob", d.bob.Calls()[0], callerHz))
	})
}

func TestHoldByCommandIsMusicForTheCallerAndSilenceForTheAgent(t *testing.T) {
	withDesk(t, nil, func(d *desk) {
		d.asks(call.DoHold, "")
		from := time.Now()
		d.hear("held", hears("caller", d.caller), hears("Ann", d.agent))
		if loud := level(d.caller.Listen().Since(from).Samples); loud < 100 {
			t.Errorf("the caller hears no music: level %.0f", loud)
		}
		if err := d.eng.Order("1001", call.Order{Do: call.DoHold}, "test"); !errors.Is(err, call.ErrHeld) {
			t.Errorf("hold twice: got %v", err)
		}
		d.asks(call.DoRetrieve, "")
		d.hear("retrieved", hears("caller", d.caller, annHz), hears("Ann", d.agent, callerHz))
	})
}

// level is the mean loudness of samples.
func level(pcm []int16) float64 {
	sum := 0.0
	for _, v := range pcm {
		sum += math.Abs(float64(v))
	}
	return sum / float64(max(len(pcm), 1))
}

func TestAParkedCallerIsTakenOutByDiallingHisSlot(t *testing.T) {
	withDesk(t, nil, func(d *desk) {
		d.asks(call.DoPark, "")
		time.Sleep(6 * time.Second)
		if got := d.calls(); !strings.HasSuffix(got, "; park 701") {
			t.Fatalf("got trace %s, want him parked in 701", got)
		}
		if !d.agent.Over() {
			t.Error("Ann's leg still stands")
		}
		bob := d.dials(d.bob, "701")
		bob.Tone(bobHz)
		time.Sleep(2 * time.Second)
		d.hear("taken out", hears("caller", d.caller, bobHz), hears("Bob", bob, callerHz))
		d.agentState("1001", "ready")
		bob.Hangup()
		time.Sleep(time.Second)
		d.caller.Hangup()
		all := d.begun()
		if len(all) != 2 || !strings.Contains(all[0].Trace, "park 701; talk") || !strings.HasPrefix(all[1].Trace, "unpark 701; end: went on in another call") {
			t.Errorf("got %d records: %+v", len(all), all)
		}
		if n := all[0].Talks; len(n) != 2 || n[1].Agent != "1002" {
			t.Errorf("talks: got %+v", n)
		}
	})
}

func TestWhoParksACallerForTooLongIsRung(t *testing.T) {
	withDesk(t, nil, func(d *desk) {
		d.asks(call.DoPark, "")
		time.Sleep(130 * time.Second)
		d.hear("back", hears("caller", d.caller, annHz), hears("Ann", d.ann.Calls()[0], callerHz))
	})
}

func TestAnAgentWhoCalledSomebodyTransfersHimAndLeaves(t *testing.T) {
	withDesk(t, nil, func(d *desk) {
		d.caller.Hangup()
		time.Sleep(8 * time.Second)
		out := d.dials(d.ann, "1002") // Bob
		out.Tone(annHz)
		time.Sleep(3 * time.Second)
		bob := d.bob.Calls()[0]
		d.hear("talk", hears("Ann", out, bobHz), hears("Bob", bob, annHz))
		if err := d.eng.Order("1001", call.Order{Do: call.DoTransfer, To: "1003"}, "agent:1001"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second)
		d.hear("transferred", hears("Bob", bob, carHz), hears("Carl", d.carl.Calls()[0], bobHz))
		if !out.Over() {
			t.Error("Ann's leg still stands")
		}
		d.agentState("1001", "ready")
		bob.Hangup()
		d.cdrs()
	})
}

func TestAPausedRecordingIsSilentEvenAfterATransferAndGoesOnByItself(t *testing.T) {
	withDesk(t, nil, func(d *desk) {
		d.asks(call.DoPause, "")
		if err := d.eng.Order("1001", call.Order{Do: call.DoPause}, "test"); !errors.Is(err, call.ErrPaused) {
			t.Errorf("pause twice: got %v", err)
		}
		d.asks(call.DoTransfer, "agent:1002")
		time.Sleep(30 * time.Second)
		d.bob.Calls()[0].Tone(bobHz)
		time.Sleep(5 * time.Minute)
		d.caller.Hangup()
		c := d.oneCDR()
		if !strings.Contains(c.Trace, "talk; pause; transfer agent:1002; talk; pause of the recording ended by itself") {
			t.Errorf("got trace %s", c.Trace)
		}
		_, pcm := d.recorded(c.Recordings[1])
		quiet, loud := pcm[0][:8000*60], pcm[0][len(pcm[0])-8000*10:]
		if got := loudness(quiet, callerHz); got > 0.01 {
			t.Errorf("the paused minute has the caller's voice: %.2f", got)
		}
		if got := loudness(loud, callerHz); got < 0.5 {
			t.Errorf("the end lacks the caller's voice: %.2f", got)
		}
	})
}

func TestClickToDialRingsTheAgentAndThenTheOther(t *testing.T) {
	withDesk(t, nil, func(d *desk) {
		d.caller.Hangup()
		time.Sleep(8 * time.Second)
		id, err := d.eng.Dial("1003", "1002", "", "test")
		must(t, err)
		time.Sleep(4 * time.Second)
		carl, bob := d.carl.Calls()[0], d.bob.Calls()[0]
		d.hear("talk", hears("Carl", carl, bobHz), hears("Bob", bob, carHz))
		if _, err := d.eng.Dial("1003", "1002", "", "test"); !errors.Is(err, call.ErrBusyAgent) {
			t.Errorf("dial while he talks: got %v", err)
		}
		carl.Hangup()
		time.Sleep(time.Second)
		for _, c := range d.begun() {
			if c.ID == id && (c.From != "agent:1003" || !strings.HasPrefix(c.Trace, "ring; dial agent 1002; talk; end: ")) {
				t.Errorf("got from %s, trace %s", c.From, c.Trace)
			}
		}
		for to, want := range map[string]error{"queue:nothing": call.ErrNowhere, "0049301": call.ErrNotAllowed, "1003": call.ErrSelf} {
			if _, err := d.eng.Dial("1003", to, "", "test"); !errors.Is(err, want) {
				t.Errorf("dial %s: got %v, want %v", to, err, want)
			}
		}
		if _, err := d.eng.Dial("1003", "1002", "0800", "test"); !errors.Is(err, call.ErrNotShown) {
			t.Errorf("show: got %v", err)
		}
	})
}

func TestClickToDialEndsWhereTheAgentDoesNotAnswer(t *testing.T) {
	withDesk(t, phone.RejectAfter(100*time.Millisecond, 486), func(d *desk) {
		d.caller.Hangup()
		time.Sleep(8 * time.Second)
		_, err := d.eng.Dial("1002", "1003", "", "test")
		must(t, err)
		time.Sleep(3 * time.Second)
		if n := len(d.carl.Calls()); n != 0 {
			t.Errorf("Carl's phone rings %d times", n)
		}
		for _, c := range d.begun() {
			if c.From == "agent:1002" && c.Cause.Blame != "agent" {
				t.Errorf("got cause %+v", c.Cause)
			}
		}
	})
}

// mostGap is what an order may add to the 20 ms between two packets of those who stay.
const mostGap = 20*time.Millisecond + 40*time.Millisecond

// gap fails if the stream to a phone paused for longer.
func (a *arrivals) gap(t *testing.T, name string, c *phone.Call) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.to[c.LocalRTP()]
	if s == nil || s.packets < 50 {
		t.Errorf("%s got no stream", name)
		return
	}
	if s.longest > mostGap {
		t.Errorf("%s: a pause of %v in %d packets, want %v at most", name, s.longest, s.packets, mostGap)
	}
}

func TestOrdersAddNoGapToTheAudioOfThoseWhoStay(t *testing.T) {
	t.Run("hold, consult, toggle, join, cancel", func(t *testing.T) {
		withDesk(t, nil, func(d *desk) {
			streams := d.watch()
			for _, o := range []string{"hold", "retrieve", "consult agent:1002", "toggle", "toggle", "join", "cancel", "pause", "resume"} {
				do, to, _ := strings.Cut(o, " ")
				d.asks(do, to)
				time.Sleep(3 * time.Second)
			}
			streams.gap(t, "caller", d.caller)
			streams.gap(t, "agent", d.agent)
		})
	})
	t.Run("transfer", func(t *testing.T) {
		withDesk(t, nil, func(d *desk) {
			streams := d.watch()
			d.asks(call.DoTransfer, "agent:1002")
			time.Sleep(5 * time.Second)
			d.hear("transferred", hears("caller", d.caller, bobHz))
			streams.gap(t, "caller", d.caller)
		})
	})
	t.Run("take over", func(t *testing.T) {
		inTalk(t, func(w *watchedCall) {
			boss := w.supervise(w.boss, "1001", "9001", "listen")
			streams := w.watch()
			must(t, boss.Press(w.ctx(), "3", 0))
			time.Sleep(2 * time.Second)
			_, err := w.eng.TakeOver("1001", "9001", "test") // a key would silence his own phone meanwhile
			must(t, err)
			time.Sleep(2 * time.Second)
			hearOnly(t, "taken over", earOf{"caller", w.caller, []float64{bossHz}})
			streams.gap(t, "caller", w.caller)
			streams.gap(t, "supervisor", boss)
		})
	})
}
