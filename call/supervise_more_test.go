package call_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hotline/internal/phone"
	"hotline/media"
	"hotline/store"
)

func TestASupervisorWithAnotherCodecHearsBothAndChangesNothing(t *testing.T) {
	inBubble(t, supervisedCenter(), func(b *bed) {
		b.agent("1001", "10.0.0.11:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(annHz))
		secret, err := b.eng.NewSecret("9001")
		must(t, err)
		boss := b.phone("10.0.0.21:5060", phone.Config{User: "9001", Secret: secret, Codecs: []uint8{8},
			Policy: phone.Policy(phone.AnswerAfter(time.Second)).Speaking(bossHz)})
		must(t, boss.Register(b.ctx()))
		c := b.dials(b.phone("10.0.1.1:5060", phone.Config{User: "4930123456", Codecs: []uint8{0}}), "4001")
		must(t, c.WaitTone(b.ctx(), annHz))
		c.Tone(callerHz)
		streams := b.watch()
		ear := b.supervise(boss, "1001", "9001", "barge")
		hearOnly(t, "barge", earOf{"supervisor", ear, []float64{annHz, callerHz}}, earOf{"caller", c, []float64{annHz, bossHz}})
		streams.unbroken(t, "caller", c)
		c.Hangup()
		b.oneCDR()
	})
}

func TestACallBetweenTwoPhonesIsSupervisedToo(t *testing.T) {
	inBubble(t, supervisedCenter(), func(b *bed) {
		ann := b.agent("1001", "10.0.0.11:5060", nil)
		b.agent("1002", "10.0.0.12:5060", phone.Policy(phone.AnswerAfter(5*time.Second)).Speaking(700))
		boss := b.agent("9001", "10.0.0.21:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(bossHz))
		c, err := ann.Call(b.ctx(), "1002")
		must(t, err)
		time.Sleep(time.Second)
		ear := b.supervise(boss, "1001", "9001", "listen") // before anybody has answered
		must(t, c.WaitTone(b.ctx(), 700))
		c.Tone(annHz)
		must(t, c.WaitTone(b.ctx(), 700))
		time.Sleep(time.Second)
		for _, hz := range []float64{700, annHz} {
			if got := loudness(ear.Listen().Last(time.Second).Samples, hz); got < 0.5 {
				t.Errorf("the supervisor hears %g Hz at %.2f, want it", hz, got)
			}
		}
		c.Hangup()
		must(t, ear.WaitDone(b.ctx()))
		b.wantTrace("dial agent 1002; talk; end: caller hung up")
	})
}

func TestWhileOneSideHoldsTheSupervisorHearsTheOther(t *testing.T) {
	inTalk(t, func(w *watchedCall) {
		boss := w.supervise(w.boss, "1001", "9001", "listen")
		must(t, w.agent.Hold(w.ctx(), phone.SendOnly))
		time.Sleep(time.Second)
		if l := w.caller.Listen().Last(500 * time.Millisecond).Loudness(); l < -60 {
			t.Errorf("the caller hears %.0f dB, want music", l)
		}
		if got := loudness(boss.Listen().Last(500*time.Millisecond).Samples, callerHz); got < 0.5 {
			t.Errorf("the supervisor hears the caller at %.2f, want him", got)
		}
		must(t, w.agent.Resume(w.ctx()))
		hearOnly(t, "resumed", earOf{"supervisor", boss, []float64{annHz, callerHz}},
			earOf{"caller", w.caller, []float64{annHz}}, earOf{"agent", w.agent, []float64{callerHz}})
		w.caller.Hangup()
		w.oneCDR()
	})
}

// channels reads a recording.
func channels(t *testing.T, path string) (left, right []int16) {
	t.Helper()
	f, err := os.Open(path)
	must(t, err)
	defer f.Close()
	pcm, _, n, err := media.ReadWAV(f)
	if err != nil || n != 2 || len(pcm) < 16000 {
		t.Fatalf("%s: %d channels, %d samples, %v", path, n, len(pcm), err)
	}
	for i := 0; i+1 < len(pcm); i += 2 {
		left, right = append(left, pcm[i]), append(right, pcm[i+1])
	}
	return left, right
}

func TestTheCoachIsOnNoTrackOfAnyRecording(t *testing.T) {
	inTalk(t, func(w *watchedCall) {
		w.supervise(w.boss, "1001", "9001", "whisper")
		time.Sleep(5 * time.Second)
		w.caller.Hangup()
		cdr := w.oneCDR()
		r, err := w.st.Recording(cdr.Recording)
		must(t, err)
		left, right := channels(t, filepath.Join(w.recs.Root(), r.Path))
		for name, pcm := range map[string][]int16{"left": left, "right": right} {
			if got := loudness(pcm, bossHz); got > 0.001 {
				t.Errorf("the coach is on the %s channel, %.4f of his voice", name, got)
			}
		}
		if r.Dropped != 0 || r.Error != "" {
			t.Errorf("recording is not whole: %+v", r)
		}
	})
}

func TestAKilledProcessLeavesAnEndOfEachSupervision(t *testing.T) {
	inTalk(t, func(w *watchedCall) {
		w.supervise(w.boss, "1001", "9001", "listen")
		time.Sleep(time.Second)
		list, err := w.st.Journals()
		must(t, err)
		roles := ""
		for _, l := range list[0].CDR.Legs {
			roles += l.Role + " "
		}
		if !strings.Contains(roles, "supervisor") {
			t.Errorf("the journal has legs of %q, want the supervisor's", roles)
		}
		left := list[0].CDR
		left.ID = "left"
		w.st.LogJournal(store.Journal{Call: left.ID, CDR: left}) // as if it had been killed
		w.end()
		after := newBed(t, w.dir, w.net)
		defer after.end()
		time.Sleep(5 * time.Second)
		last := ""
		must(t, after.st.Audits(store.Filter{Limit: 1}, func(a store.Audit) bool {
			last = a.Act + " " + a.Agent + " " + a.Text
			return true
		}))
		if want := "supervise end 9001 engine restarted"; last != want {
			t.Errorf("the audit log ends with %q, want %q", last, want)
		}
	})
}

func TestSupervisorsSitInCallsWhoseMediaIsAnotherProcess(t *testing.T) {
	behindASocket(t, func(b *bed, m *mediaProcess) {
		b.apply(supervisedCenter())
		w := b.watched()
		boss := w.supervise(w.boss, "1001", "9001", "listen")
		streams := w.watch()
		for _, step := range []struct {
			key    string
			agent  []float64
			caller []float64
		}{
			{"2", []float64{callerHz, bossHz}, []float64{annHz}}, {"3", []float64{callerHz, bossHz}, []float64{annHz, bossHz}},
			{"1", []float64{callerHz}, []float64{annHz}},
		} {
			must(t, boss.Press(w.ctx(), step.key, 0))
			hearOnly(t, "key "+step.key, earOf{"agent", w.agent, step.agent}, earOf{"caller", w.caller, step.caller},
				earOf{"supervisor", boss, []float64{annHz, callerHz}})
		}
		streams.unbroken(t, "caller", w.caller)
		streams.unbroken(t, "agent", w.agent)
		m.end() // and with it all audio
		must(t, boss.WaitDone(w.ctx()))
		must(t, w.caller.WaitDone(w.ctx()))
		cdr := w.oneCDR()
		w.wantSupervisor(cdr, "9001", "media engine died")
		w.wantAudit("supervise listen by test", "supervise mode whisper by agent:9001", "supervise mode barge by agent:9001",
			"supervise mode listen by agent:9001", "supervise end listen by hotline: media engine died")
		m.start()
	})
}

func TestWhoWaitsHearsASupervisorWhoJoinsInsteadOfTheMusic(t *testing.T) {
	center := supervisedCenter()
	q := center.Queues["sales"]
	q.Announce = &store.Announce{First: store.Duration(time.Hour)}
	center.Queues["sales"] = q
	inBubble(t, center, func(b *bed) {
		boss := b.agent("9001", "10.0.0.21:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(bossHz))
		b.agent("1001", "10.0.0.11:5060", phone.RingForever())
		must(t, b.eng.SetAgentState("1001", "not ready", "", "test"))
		c := b.dials(b.phone("10.0.1.1:5060", phone.Config{User: "4930123456"}), "4001")
		c.Tone(callerHz)
		time.Sleep(2 * time.Second)
		id := b.eng.Calls()[0].ID
		music := func(when string) {
			t.Helper()
			from := time.Now()
			time.Sleep(2 * time.Second)
			if got := level(c.Listen().Since(from).Samples); got < 100 {
				t.Errorf("%s the caller hears no music: level %.0f", when, got)
			}
		}
		music("before")
		ear := b.supervise(boss, id, "9001", "barge")
		time.Sleep(time.Second)
		hearOnly(t, "joined", earOf{"caller", c, []float64{bossHz}}, earOf{"supervisor", ear, []float64{callerHz}})
		must(t, ear.Press(b.ctx(), "1", 0))
		time.Sleep(time.Second)
		hearOnly(t, "listening", earOf{"caller", c, nil}, earOf{"supervisor", ear, []float64{callerHz}})
		music("while he listens")
		must(t, ear.Press(b.ctx(), "3", 0))
		time.Sleep(time.Second)
		hearOnly(t, "joined again", earOf{"caller", c, []float64{bossHz}})
		ear.Hangup()
		time.Sleep(time.Second)
		music("after he left")
		c.Hangup()
		b.oneCDR()
	})
}

func TestAnAgentIsShownWhoSitsInHisCallUnlessThatIsUnseen(t *testing.T) {
	for policy, want := range map[string]int{"": 1, "seen": 1, "unseen": 0, "beep": 1} {
		t.Run("policy "+policy, func(t *testing.T) {
			center := supervisedCenter()
			center.Settings.Supervision = policy
			inBubble(t, center, func(b *bed) {
				w := b.watched()
				b.supervise(w.boss, "1001", "9001", "listen")
				time.Sleep(2 * time.Second)
				for _, a := range b.eng.Agents() {
					if n := len(a.Supervisors); a.ID == "1001" && n != want || a.ID != "1001" && n != 0 {
						t.Errorf("agent %s is shown %+v, want %d in 1001's call", a.ID, a.Supervisors, want)
					}
				}
				if v := b.eng.Calls()[0]; len(v.Supervisors) != 1 {
					t.Errorf("operators are shown %+v, want one", v.Supervisors)
				}
				w.caller.Hangup()
				b.oneCDR()
			})
		})
	}
}
