package call_test

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hotline/call"
	"hotline/internal/phone"
	"hotline/internal/simnet"
	"hotline/media"
	"hotline/store"
)

// keyStrength is how strongly the tones of the key 5 sound in 10 ms at most.
func keyStrength(pcm []int16) float64 {
	most := 0.0
	for at := 0; at+80 <= len(pcm); at += 40 {
		w := pcm[at : at+80]
		most = max(most, min(media.Goertzel(w, 8000, 770), media.Goertzel(w, 8000, 1336)))
	}
	return most
}

// presses has both be silent and the caller press 5 in each way there is; it tells
// when that began.
func (w *watchedCall) presses() time.Time {
	w.t.Helper()
	w.caller.Quiet()
	w.agent.Quiet()
	time.Sleep(300 * time.Millisecond)
	since := time.Now()
	for _, press := range []func() error{
		func() error { return w.caller.Press(w.ctx(), "55", 100*time.Millisecond) },
		func() error { return w.caller.PressSound(w.ctx(), "55", 100*time.Millisecond) },
		func() error { return w.caller.PressInfo(w.ctx(), "55", 100*time.Millisecond) },
	} {
		must(w.t, press())
		time.Sleep(400 * time.Millisecond)
	}
	return since
}

func TestMaskedKeysAreNeitherRecordedNorHeardByAnybody(t *testing.T) {
	inTalk(t, func(w *watchedCall) {
		boss := w.supervise(w.boss, "1001", "9001", "listen")
		for _, c := range []struct {
			name   string
			change func()
			masked bool
		}{
			{"at first", func() {}, false},
			{"by command", func() { mustMask(w, "1001", true) }, true},
			{"by command again", func() { mustMask(w, "1001", false) }, false},
			{"by the agent's keys", func() { must(t, w.agent.Press(w.ctx(), "*8", 200*time.Millisecond)) }, true},
		} {
			c.change()
			time.Sleep(time.Second)
			if got := w.eng.Calls()[0].Masked; got != c.masked {
				t.Fatalf("%s: got masked %v, want %v", c.name, got, c.masked)
			}
			digits := len(w.agent.Digits())
			since := w.presses()
			for who, ear := range map[string]*phone.Call{"agent": w.agent, "supervisor": boss} {
				pcm := ear.Listen().Since(since).Samples
				if got := keyStrength(pcm); (got > 600) == c.masked {
					t.Errorf("%s: the %s hears tones of keys: %.0f, want them: %v", c.name, who, got, !c.masked)
				}
			}
			w.caller.Tone(callerHz)
			w.agent.Tone(annHz)
			hearOnly(t, c.name, earOf{"agent", w.agent, []float64{callerHz}}, earOf{"supervisor", boss, []float64{callerHz, annHz}})
			if got := len(w.agent.Digits()) > digits; got == c.masked {
				t.Errorf("%s: the agent's phone gets telephone-events: %v, want %v", c.name, got, !c.masked)
			}
		}
		w.caller.Hangup()
		cdr := w.oneCDR()
		r, err := w.st.Recording(cdr.Recording)
		must(t, err)
		left, _ := channels(t, filepath.Join(w.recs.Root(), r.Path))
		if got := keyStrength(left[len(left)-5*8000:]); got > 1000 {
			t.Errorf("a masked key is on the recording with %.0f", got)
		}
		if got := keyStrength(left[:len(left)/3]); got < 3000 {
			t.Errorf("keys that nobody masked are on the recording with %.0f, want them there", got)
		}
		if got := loudness(left[len(left)-3200:], callerHz); got < 0.5 {
			t.Errorf("the caller's voice after the keys is on the recording with %.2f, want it there", got)
		}
		var acts []string
		must(t, w.st.Audits(store.Filter{Limit: 10}, func(a store.Audit) bool {
			if strings.HasSuffix(a.Act, "mask") {
				acts = append(acts, a.Act+" "+a.Actor+" "+a.Agent)
			}
			return true
		}))
		if got, want := strings.Join(acts, ", "), "mask agent:1001 1001, unmask test 1001, mask test 1001"; got != want {
			t.Errorf("audit log: got %q, want %q", got, want)
		}
	})
}

func mustMask(w *watchedCall, ref string, on bool) {
	w.t.Helper()
	if v, err := w.eng.Mask(ref, on, "test"); err != nil || v.Masked != on {
		w.t.Fatalf("mask %v: got %+v, %v", on, v, err)
	}
}

func TestAMaskIsOfATalkOnlyAndEndsWithIt(t *testing.T) {
	c := wholeCenter()
	inBubble(t, c, func(b *bed) {
		b.agent("1001", "10.0.0.11:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(annHz))
		caller := b.dials(b.phone("10.0.1.1:5060", phone.Config{User: "4930123456"}), "4000")
		must(b.t, caller.WaitSpeech(b.ctx()))
		id := b.eng.Calls()[0].ID
		if _, err := b.eng.Mask(id, true, "test"); !errors.Is(err, call.ErrNoTalk) {
			t.Errorf("in the menu: got %v, want no talk", err)
		}
		if _, err := b.eng.Mask("nobody", true, "test"); !errors.Is(err, call.ErrUnknown) {
			t.Errorf("of no call: got %v, want unknown", err)
		}
		caller.Hangup()
		b.oneCDR()
	})
}

func TestASecretEntryIsHeardByNobodyAndWrittenNowhere(t *testing.T) {
	const card, known = "4929123456789010", "31415"
	center := supervisedCenter()
	center.Flows["main"] = store.Flow{Start: "account", Nodes: []byte(`{
		"account": {"kind": "collect", "prompts": ["enter-number"], "into": "account", "next": "card", "default": "bye"},
		"card": {"kind": "collect", "prompts": ["enter-number"], "into": "card", "secret": true, "min_digits": 16, "max_digits": 16, "next": "bye", "default": "bye"},
		"bye": {"kind": "hangup", "prompts": ["goodbye"]}}`)}
	dir := memoryDir(t)
	synctest.Test(t, func(t *testing.T) {
		log := &syncBuffer{}
		b := newBed(t, dir, simnet.New(simnet.Options{Latency: time.Millisecond}), func(c *call.Config) {
			c.Log = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		})
		defer b.end()
		b.apply(center)
		boss := b.agent("9001", "10.0.0.21:5060", phone.Policy(phone.AnswerAfter(time.Second)))
		c := b.dials(b.phone("10.0.1.1:5060", phone.Config{User: "4930123456"}), "4000")
		time.Sleep(time.Second)
		ear := b.supervise(boss, b.eng.Calls()[0].ID, "9001", "listen")
		since := time.Now()
		must(t, c.PressSound(b.ctx(), "5", 0))
		must(t, c.Press(b.ctx(), known+"#", 100*time.Millisecond))
		time.Sleep(500 * time.Millisecond)
		if got := keyStrength(ear.Listen().Since(since).Samples); got < 3000 {
			t.Errorf("the supervisor hears a key that is no secret with %.0f, want it heard", got)
		}
		if v := b.eng.Calls()[0]; !v.Masked {
			t.Errorf("while the flow asks for the card: got %+v, want masked", v)
		}
		since = time.Now()
		must(t, c.PressSound(b.ctx(), "5", 0)) // a phone that sounds its keys as well
		must(t, c.Press(b.ctx(), "*"+card, 100*time.Millisecond))
		time.Sleep(200 * time.Millisecond)
		if got := keyStrength(ear.Listen().Since(since).Samples); got > 600 {
			t.Errorf("the supervisor hears a secret key with %.0f", got)
		}
		must(t, c.WaitDone(b.ctx()))
		b.oneCDR()
		if !strings.Contains(log.String(), "collected secret digits") {
			t.Error("the trace does not tell of the entry")
		}
		for name, text := range map[string]string{"log": log.String(), "store": readAll(t, dir)} {
			if strings.Contains(text, card) || strings.Contains(text, card[:6]) {
				t.Errorf("the card's number is in the %s", name)
			}
		}
	})
}

// readAll is what all files of a directory hold.
func readAll(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			text, err := os.ReadFile(path)
			all.Write(text)
			return err
		}
		return err
	}))
	return all.String()
}
