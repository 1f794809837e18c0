package call_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hotline/call"
	"hotline/internal/phone"
	"hotline/media"
	"hotline/store"
)

// Tones by which the tests tell who is heard.
const (
	annHz    = 440
	callerHz = 880
	bossHz   = 1500
	chiefHz  = 2100
)

// supervisedCenter is wholeCenter with two supervisors.
func supervisedCenter() store.Center {
	c := wholeCenter()
	c.Agents["9001"] = store.Agent{Name: "Boss", Role: "supervisor"}
	c.Agents["9002"] = store.Agent{Name: "Chief", Role: "supervisor"}
	return c
}

// watchedCall is a call in talk with supervisors who have phones.
type watchedCall struct {
	*bed
	ann, boss, chief *phone.Phone
	caller, agent    *phone.Call
}

// inTalk runs a test with a call in talk: the caller says 880 Hz, the agent 440,
// the supervisor 1500 and another one 2100.
func inTalk(t *testing.T, test func(w *watchedCall)) {
	t.Helper()
	inBubble(t, supervisedCenter(), func(b *bed) { test(b.watched()) })
}

// watched is a call in talk on a bed with supervisedCenter.
func (b *bed) watched() *watchedCall { return b.watchedOver("udp") }

// watchedOver is watched with the agent's phone on a transport.
func (b *bed) watchedOver(transport string) *watchedCall {
	b.t.Helper()
	w := &watchedCall{bed: b}
	w.ann = b.agentOver(transport, "1001", "10.0.0.11:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(annHz))
	w.boss = b.agent("9001", "10.0.0.21:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(bossHz))
	w.chief = b.agent("9002", "10.0.0.22:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(chiefHz))
	w.caller = b.dials(b.phone("10.0.1.1:5060", phone.Config{User: "4930123456"}), "4001")
	must(b.t, w.caller.WaitTone(b.ctx(), annHz))
	w.caller.Tone(callerHz)
	w.agent = w.ann.Calls()[0]
	time.Sleep(time.Second)
	return w
}

// supervise has a supervisor's phone rung and waits until he is seated.
func (b *bed) supervise(p *phone.Phone, ref, who, mode string) *phone.Call {
	b.t.Helper()
	v, err := b.eng.Supervise(ref, who, mode, "test")
	if err != nil || v.State != "ringing" || v.Mode != mode {
		b.t.Fatalf("supervise: got %+v, %v, want it ringing", v, err)
	}
	time.Sleep(1500 * time.Millisecond)
	for _, s := range b.eng.Supervisions() {
		if s.Supervisor == who && s.State == "seated" {
			return p.Calls()[0]
		}
	}
	b.t.Fatalf("supervisor %s is not seated: %+v", who, b.eng.Supervisions())
	return nil
}

// ear is who listens, and the tones that he must hear; those of the others not.
type earOf struct {
	name string
	call *phone.Call
	want []float64
}

// hearOnly fails unless each hears exactly the tones named in the next second.
func hearOnly(t *testing.T, when string, ears ...earOf) {
	t.Helper()
	time.Sleep(300 * time.Millisecond)
	from := time.Now()
	time.Sleep(time.Second)
	for _, e := range ears {
		pcm := e.call.Listen().Since(from).Samples
		for _, hz := range []float64{annHz, callerHz, bossHz, chiefHz} {
			want := false
			for _, w := range e.want {
				want = want || w == hz
			}
			if got := loudness(pcm, hz) > 0.5; got != want {
				t.Errorf("%s: %s hears %g Hz: %v, want %v", when, e.name, hz, got, want)
			}
		}
	}
}

// loudness of a tone in samples, as a share of what a phone says.
func loudness(pcm []int16, hz float64) float64 {
	sum, n := 0.0, 0
	for at := 0; at+1600 <= len(pcm); at += 1600 {
		sum += media.Goertzel(pcm[at:at+1600], 8000, hz)
		n++
	}
	return sum / float64(max(n, 1)) / 10000
}

func TestEachModeIsHeardByTheRightEarsAndSwitchesWithoutAGap(t *testing.T) {
	inTalk(t, func(w *watchedCall) {
		boss := w.supervise(w.boss, "1001", "9001", "listen")
		if name, number := boss.Screen(); name != "listening to Ann / 4930123456" || number != "4930123456" {
			t.Errorf("the supervisor's phone shows %q %q", name, number)
		}
		time.Sleep(500 * time.Millisecond)
		streams := w.watch()
		both := []float64{annHz, callerHz}
		heard := func(when string, agent, caller []float64) {
			t.Helper()
			hearOnly(t, when, earOf{"agent", w.agent, agent}, earOf{"caller", w.caller, caller})
			if !boss.Over() {
				hearOnly(t, when, earOf{"supervisor", boss, both})
			}
		}
		heard("listen", []float64{callerHz}, []float64{annHz})
		for _, step := range []struct{ key, mode string }{{"2", "whisper"}, {"3", "barge"}, {"1", "listen"}, {"", "barge"}, {"", "whisper"}, {"", "listen"}} {
			if step.key != "" {
				must(t, boss.Press(w.ctx(), step.key, 0))
			} else if v, err := w.eng.Supervise(w.eng.Calls()[0].ID, "9001", step.mode, "test"); err != nil || v.State != "seated" || v.Mode != step.mode {
				t.Errorf("turn to %s: %+v, %v", step.mode, v, err)
			}
			switch step.mode {
			case "whisper":
				heard(step.mode, []float64{callerHz, bossHz}, []float64{annHz})
			case "barge":
				heard(step.mode, []float64{callerHz, bossHz}, []float64{annHz, bossHz})
			default:
				heard(step.mode, []float64{callerHz}, []float64{annHz})
			}
		}
		streams.unbroken(t, "supervisor", boss)
		if d := w.agent.DigitString() + w.caller.DigitString(); d != "" {
			t.Errorf("the supervisor's keys %q were passed on", d)
		}
		boss.Press(w.ctx(), "0", 0) // the BYE may come while the key is still down
		must(t, boss.WaitDone(w.ctx()))
		heard("after he left", []float64{callerHz}, []float64{annHz})
		streams.unbroken(t, "caller", w.caller)
		streams.unbroken(t, "agent", w.agent)
		w.caller.Hangup()
		cdr := w.wantTrace("wait sales; offer 1: answered; announce; talk; end: caller hung up")
		w.wantRecording(cdr, callerHz, annHz)
		w.wantSupervisor(cdr, "9001", "normal clearing")
		w.wantAudit("supervise listen by test", "supervise mode whisper by agent:9001", "supervise mode barge by agent:9001",
			"supervise mode listen by agent:9001", "supervise mode barge by test", "supervise mode whisper by test",
			"supervise mode listen by test", "supervise end listen by agent:9001: left by key")
	})
}

// wantSupervisor fails unless the record has a supervisor's leg that ended so.
func (b *bed) wantSupervisor(c store.CDR, who, end string) {
	b.t.Helper()
	for _, l := range c.Legs {
		if l.Role == "supervisor" && l.Peer == "agent:"+who {
			if l.Cause.Text != end || l.Ended.IsZero() || l.Cause.Blame == "" {
				b.t.Errorf("the supervisor's leg ended with %+v, want %q", l.Cause, end)
			}
			return
		}
	}
	b.t.Errorf("no leg of supervisor %s in %+v", who, c.Legs)
}

// wantAudit fails unless the audit log has these entries, oldest first.
func (b *bed) wantAudit(want ...string) {
	b.t.Helper()
	time.Sleep(time.Second)
	var got []string
	must(b.t, b.st.Audits(store.Filter{}, func(a store.Audit) bool {
		line := a.Act + " " + a.Mode + " by " + a.Actor
		if a.Text != "" {
			line += ": " + a.Text
		}
		if a.Call == "" || a.At.IsZero() || len(a.With) == 0 || a.Agent == "" {
			b.t.Errorf("entry does not say who, when, which call: %+v", a)
		}
		got = append([]string{line}, got...)
		return true
	}))
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		b.t.Errorf("audit log has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// noise is sound in which no piece is like another, so that a changed byte or a
// moved sample shows.
func noise(seed uint64, d time.Duration) []int16 {
	r := rand.New(rand.NewPCG(seed, 1))
	pcm := make([]int16, int(d*8000/time.Second))
	for i := range pcm {
		pcm[i] = int16(r.IntN(16000) - 8000)
	}
	return pcm
}

// exact fails unless a phone heard every byte that the other said: G.711 as it
// was sent, in its place.
func exact(t *testing.T, name string, said []int16, heard phone.Recording, codec media.Codec) {
	t.Helper()
	b := make([]byte, len(said))
	codec.Encode(b, said)
	want := make([]int16, len(said))
	codec.Decode(want, b)
	score, lag := phone.Correlate(want, heard.Samples)
	if score < 0.9 || lag+len(want) > len(heard.Samples) {
		t.Errorf("%s did not hear what was said: correlation %.2f", name, score)
		return
	}
	wrong := 0
	for i, v := range want {
		if heard.Samples[lag+i] != v {
			wrong++
		}
	}
	if wrong != 0 {
		t.Errorf("%s heard %d of %d samples otherwise than they were said", name, wrong, len(want))
	}
}

func TestAudioIsBitExactWhileSomebodyListensAndForTheCallerWhileHeWhispers(t *testing.T) {
	inTalk(t, func(w *watchedCall) {
		w.caller.Quiet()
		w.agent.Quiet()
		said, answer := noise(1, 12*time.Second), noise(2, 12*time.Second)
		since := time.Now()
		w.caller.Say(said)
		w.agent.Say(answer)
		time.Sleep(time.Second)
		w.supervise(w.boss, "1001", "9001", "listen")
		w.supervise(w.chief, "1001", "9002", "listen")
		time.Sleep(2 * time.Second)
		must(t, w.eng.Unsupervise("1001", "9001", "test")) // comes, sits and goes while they talk
		time.Sleep(8 * time.Second)
		exact(t, "agent", said, w.agent.Listen().Since(since), media.PCMU)
		exact(t, "caller", answer, w.caller.Listen().Since(since), media.PCMU)

		answer = noise(3, 5*time.Second)
		since = time.Now()
		w.agent.Say(answer)
		time.Sleep(time.Second)
		_, err := w.eng.Supervise("1001", "9002", "whisper", "test")
		must(t, err)
		time.Sleep(5 * time.Second)
		exact(t, "caller of a coached agent", answer, w.caller.Listen().Since(since), media.PCMU)
	})
}

func TestTwoSupervisorsSitInOneCall(t *testing.T) {
	inTalk(t, func(w *watchedCall) {
		boss := w.supervise(w.boss, "1001", "9001", "whisper")
		chief := w.supervise(w.chief, "1001", "9002", "listen")
		hearOnly(t, "coach and listener", earOf{"caller", w.caller, []float64{annHz}},
			earOf{"agent", w.agent, []float64{callerHz, bossHz}}, earOf{"listener", chief, []float64{annHz, callerHz, bossHz}},
			earOf{"coach", boss, []float64{annHz, callerHz}})
		if n := len(w.eng.Calls()[0].Supervisors); n != 2 {
			t.Errorf("the call shows %d supervisors, want 2", n)
		}
		w.agentState("1001", "talking")
		w.caller.Hangup()
		must(t, boss.WaitDone(w.ctx()))
		must(t, chief.WaitDone(w.ctx()))
		cdr := w.oneCDR()
		w.wantSupervisor(cdr, "9001", "normal clearing")
		w.wantSupervisor(cdr, "9002", "normal clearing")
		w.wantRecording(cdr, callerHz, annHz)
		if n := len(w.eng.Supervisions()); n != 0 {
			t.Errorf("%d supervisions are left", n)
		}
	})
}

func TestOnlySupervisorsMaySitInCalls(t *testing.T) {
	inTalk(t, func(w *watchedCall) {
		id := w.eng.Calls()[0].ID
		for _, c := range []struct {
			ref, who, mode string
			want           error
		}{
			{id, "1002", "listen", call.ErrNotSupervisor},
			{id, "nobody", "listen", call.ErrUnknown},
			{id, "9001", "sing", call.ErrBadMode},
			{"nothing", "9001", "listen", call.ErrUnknown},
			{"", "9001", "listen", call.ErrUnknown},
			{"1002", "9001", "listen", call.ErrUnknown}, // is in no call
		} {
			if _, err := w.eng.Supervise(c.ref, c.who, c.mode, "test"); !errors.Is(err, c.want) {
				t.Errorf("%s sits in %q to %s: got %v, want %v", c.who, c.ref, c.mode, err, c.want)
			}
		}
		if err := w.eng.Unsupervise(id, "9001", "test"); !errors.Is(err, call.ErrNotThere) {
			t.Errorf("a supervisor who is not there left: %v", err)
		}
		w.supervise(w.boss, id[:len(id)-1], "9001", "listen") // a prefix will do
		other := w.dials(w.phone("10.0.1.2:5060", phone.Config{}), "4000")
		time.Sleep(time.Second)
		second := w.eng.Calls()[1].ID
		if _, err := w.eng.Supervise(second, "9001", "listen", "test"); !errors.Is(err, call.ErrElsewhere) {
			t.Errorf("one supervisor sits in two calls: %v", err)
		}
		common := 0
		for common < len(id) && id[common] == second[common] {
			common++
		}
		if _, err := w.eng.Supervise(id[:common], "9002", "listen", "test"); !errors.Is(err, call.ErrAmbiguous) {
			t.Errorf("a prefix of two calls: got %v, want %v", err, call.ErrAmbiguous)
		}
		other.Hangup()
		w.wantAudit("supervise refused listen by test: not a supervisor", "supervise listen by test")
	})
}

func TestASupervisorWithoutAPhoneAndOneInTheCallAreRefused(t *testing.T) {
	center := supervisedCenter()
	ann := center.Agents["1001"]
	ann.Role = "supervisor"
	center.Agents["1001"] = ann
	inBubble(t, center, func(b *bed) {
		b.agent("1001", "10.0.0.11:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(annHz))
		c := b.dials(b.phone("10.0.1.1:5060", phone.Config{}), "4001")
		must(t, c.WaitTone(b.ctx(), annHz))
		if _, err := b.eng.Supervise("1001", "1001", "listen", "test"); !errors.Is(err, call.ErrOwnCall) {
			t.Errorf("an agent listens to himself: %v", err)
		}
		if _, err := b.eng.Supervise("1001", "9001", "listen", "test"); !errors.Is(err, call.ErrNoPhone) {
			t.Errorf("a supervisor without a phone: %v", err)
		}
		c.Hangup()
		b.oneCDR()
	})
}

func TestNothingThatASupervisorsPhoneDoesHarmsTheCall(t *testing.T) {
	for _, c := range []struct {
		name   string
		policy phone.Policy
		then   func(w *watchedCall)
		wait   time.Duration
		end    string // of the leg
		audit  string
	}{
		{"declines", phone.RejectAfter(time.Second, 603), nil, 3 * time.Second, "Decline", "by agent:9001: declined: 603 Decline"},
		{"is busy", phone.RejectAfter(0, 486), nil, 3 * time.Second, "Busy Here", "by agent:9001: declined: 486 Busy Here"},
		{"does not answer", phone.RingForever(), nil, 35 * time.Second, "no answer", "by agent:9001: no answer"},
		{"says nothing", phone.Silence(), nil, 35 * time.Second, "no answer", "by agent:9001: no answer"},
		{"hangs up", phone.AnswerAfter(time.Second), func(w *watchedCall) { w.boss.Calls()[0].Hangup() }, 3 * time.Second, "", "by agent:9001: hung up"},
		{"dies", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(bossHz), func(w *watchedCall) {
			w.boss.Die()
			w.boss.Calls()[0].Mute(true)
		}, 80 * time.Second, "", "by agent:9001: vanished: silence"},
		{"is taken out", phone.AnswerAfter(time.Second), func(w *watchedCall) {
			must(w.t, w.eng.Unsupervise("1001", "9001", "op"))
		}, 3 * time.Second, "normal clearing", "by op: ended by an operator"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inTalk(t, func(w *watchedCall) {
				w.boss.SetPolicy(c.policy)
				streams := w.watch()
				_, err := w.eng.Supervise("1001", "9001", "barge", "test")
				must(t, err)
				time.Sleep(2 * time.Second)
				if c.then != nil {
					c.then(w)
				}
				time.Sleep(c.wait)
				if n := len(w.eng.Supervisions()); n != 0 {
					t.Errorf("%d supervisions are left", n)
				}
				hearOnly(t, "afterwards", earOf{"caller", w.caller, []float64{annHz}}, earOf{"agent", w.agent, []float64{callerHz}})
				streams.unbroken(t, "caller", w.caller)
				streams.unbroken(t, "agent", w.agent)
				w.caller.Hangup()
				cdr := w.wantTrace("wait sales; offer 1: answered; announce; talk; end: caller hung up")
				if c.end != "" {
					w.wantSupervisor(cdr, "9001", c.end)
				}
				w.wantAudit("supervise barge by test", "supervise end barge "+c.audit)
			})
		})
	}
}

func TestASupervisorStaysFromTheMenuToTheSurvey(t *testing.T) {
	inBubble(t, supervisedCenter(), func(b *bed) {
		ann := b.agent("1001", "10.0.0.11:5060", phone.Policy(phone.AnswerAfter(4*time.Second)).Speaking(annHz))
		boss := b.agent("9001", "10.0.0.21:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(bossHz))
		c := b.dials(b.phone("10.0.1.1:5060", phone.Config{User: "4930123456"}), "4000")
		c.Tone(callerHz)
		time.Sleep(time.Second)
		ear := b.supervise(boss, b.eng.Calls()[0].ID, "9001", "listen")
		if name, _ := ear.Screen(); name != "listening to 4930123456" {
			t.Errorf("the supervisor's phone shows %q", name)
		}
		hearOnly(t, "menu", earOf{"supervisor", ear, []float64{callerHz}})
		time.Sleep(2 * time.Second)
		must(t, c.Press(b.ctx(), "1", 0))
		time.Sleep(time.Second)
		hearOnly(t, "queue", earOf{"supervisor", ear, []float64{callerHz}})
		must(t, c.WaitTone(b.ctx(), annHz))
		hearOnly(t, "talk", earOf{"supervisor", ear, []float64{callerHz, annHz}}, earOf{"caller", c, []float64{annHz}})
		ann.Calls()[0].Hangup()
		time.Sleep(2 * time.Second)
		hearOnly(t, "survey", earOf{"supervisor", ear, []float64{callerHz}})
		if ear.Over() {
			t.Error("the supervisor was hung up in the survey")
		}
		must(t, c.Press(b.ctx(), "5", 0))
		must(t, ear.WaitDone(b.ctx()))
		cdr := b.wantTrace("menu; wait sales; offer 1: answered; announce; talk; survey; end: served")
		b.wantSupervisor(cdr, "9001", "normal clearing")
		b.wantAudit("supervise listen by test", "supervise end listen by hotline: the call ended")
	})
}

func TestASupervisorInACallIsNotOfferedAnother(t *testing.T) {
	center := supervisedCenter()
	boss := center.Agents["9001"]
	boss.Queues, boss.State = []string{"sales"}, "ready"
	center.Agents["9001"] = boss
	inBubble(t, center, func(b *bed) {
		b.agent("1001", "10.0.0.11:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(annHz))
		c := b.dials(b.phone("10.0.1.1:5060", phone.Config{}), "4001")
		must(t, c.WaitTone(b.ctx(), annHz))
		p := b.agent("9001", "10.0.0.21:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(bossHz))
		b.supervise(p, "1001", "9001", "listen")
		b.agentState("9001", "ready (in another call)")
		d := b.dials(b.phone("10.0.1.2:5060", phone.Config{}), "4001")
		time.Sleep(10 * time.Second)
		if n := len(p.Calls()); n != 1 {
			t.Errorf("the supervisor's phone has %d calls, want 1", n)
		}
		must(t, b.eng.Unsupervise("1001", "9001", "test"))
		must(t, d.WaitTone(b.ctx(), bossHz))
		c.Hangup()
		d.Hangup()
		b.cdrs()
	})
}

func TestACallOfAKilledProcessLetsGoOfItsSupervisorToo(t *testing.T) {
	inTalk(t, func(w *watchedCall) {
		boss := w.supervise(w.boss, "1001", "9001", "listen")
		time.Sleep(time.Second)
		list, err := w.st.Journals()
		if err != nil || len(list) != 1 || len(list[0].Dialogs) != 3 {
			t.Errorf("the journal has %d dialogs of %v, want the caller's, the agent's and the supervisor's", len(list[0].Dialogs), err)
		}
		boss.Hangup()
		time.Sleep(time.Second)
		if list, err = w.st.Journals(); err != nil || len(list) != 1 || len(list[0].Dialogs) != 2 {
			t.Errorf("the journal has %d dialogs of %v, want those that are left", len(list[0].Dialogs), err)
		}
		w.caller.Hangup()
		w.oneCDR()
	})
}

func TestAtMostEightSupervisorsSitInOneCall(t *testing.T) {
	center := supervisedCenter()
	for n := range 9 {
		center.Agents[fmt.Sprint(9100+n)] = store.Agent{Role: "supervisor", Contact: fmt.Sprintf("sip:%d@10.0.0.99:5060", n)}
	}
	inBubble(t, center, func(b *bed) {
		c := b.dials(b.phone("10.0.1.1:5060", phone.Config{}), "4000")
		time.Sleep(time.Second)
		id := b.eng.Calls()[0].ID
		for n := range 9 {
			_, err := b.eng.Supervise(id, fmt.Sprint(9100+n), "listen", "test")
			if full := errors.Is(err, call.ErrCrowded); full != (n == 8) || !full && err != nil {
				t.Errorf("supervisor %d: got %v", n+1, err)
			}
		}
		synctest.Wait()
		c.Hangup()
		if cdr := b.oneCDR(); len(cdr.Legs) != 9 {
			t.Errorf("the record has %d legs, want the caller's and eight", len(cdr.Legs))
		}
	})
}
