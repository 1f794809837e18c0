package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"hotline/api"
	"hotline/internal/callload"
	"hotline/media"
	"hotline/recordings"
	"hotline/store"
)

// Figures of the kill test.
const (
	killFinished = 8                       // calls that ended before the kill
	killRunning  = 50                      // calls in the middle of which it comes
	killAfter    = 3 * time.Second         // of talk
	killLost     = 2 * time.Second         // most that a recording may miss at its end
	killDurable  = 1200 * time.Millisecond // after which a finished call's record outlives a kill, with some room
)

// victim is a server to be killed, and the load on it.
type victim struct {
	t    *testing.T
	ctx  context.Context
	load *callload.Load
	flag []string // of serve
	*served
}

func newVictim(t *testing.T, flags ...string) *victim {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	load, err := callload.New(callload.Config{})
	if err != nil {
		t.Fatal(err)
	}
	v := &victim{t: t, ctx: ctx, load: load, flag: flags}
	t.Cleanup(v.load.Close)
	data, err := os.MkdirTemp("", "hotline-kill-") // the socket's path has to be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(data) })
	v.start(data, "127.0.0.1:0")
	if err := v.apply(ctx, 2*killRunning, v.load.AgentsAddr()); err != nil {
		t.Fatal(err)
	}
	return v
}

func (v *victim) start(data, sip string) {
	v.t.Helper()
	s, err := startServer(v.ctx, program(v.t), data, sip, v.flag...)
	if err != nil {
		v.t.Fatal(err)
	}
	v.served = s
	v.t.Cleanup(s.stop)
	if err := v.load.Aim(s.sip, "4000"); err != nil {
		v.t.Fatal(err)
	}
}

// dial places n recorded calls, ten at a time.
func (v *victim) dial(n int) []*callload.Call {
	v.t.Helper()
	calls := make([]*callload.Call, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(v.ctx, 15*time.Second)
			defer cancel()
			c, err := v.load.Dial(ctx)
			if err != nil {
				v.t.Errorf("call %d: %v", i, err)
			}
			calls[i] = c
		})
		time.Sleep(10 * time.Millisecond)
	}
	wg.Wait()
	if v.t.Failed() {
		v.t.FailNow()
	}
	return calls
}

// records reads all call records and recordings, by call.
func (v *victim) records() (map[string]store.CDR, map[string]api.RecordingReply) {
	v.t.Helper()
	cdrs, recs := map[string]store.CDR{}, map[string]api.RecordingReply{}
	err := v.api.CDRs(v.ctx, store.Filter{}, func(c store.CDR) error {
		if c.Stages[0].Name != "refused" { // while there was no audio
			cdrs[c.ID] = c
		}
		return nil
	})
	if err != nil {
		v.t.Fatal(err)
	}
	err = v.api.Recordings(v.ctx, store.Filter{}, func(r api.RecordingReply) error { recs[r.Call] = r; return nil })
	if err != nil {
		v.t.Fatal(err)
	}
	return cdrs, recs
}

// until waits for something to become true.
func (v *victim) until(limit time.Duration, what string, ok func() bool) {
	v.t.Helper()
	for end := time.Now().Add(limit); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			log, _ := os.ReadFile(filepath.Join(v.data, "log"))
			v.t.Fatalf("%s: not within %s\n%s", what, limit, log)
		}
	}
}

func TestAKilledProcessLosesNoFinishedCallAndTheNextOneClosesTheOthers(t *testing.T) {
	v := newVictim(t, "--media", "inline")
	for _, c := range v.dial(killFinished) {
		time.Sleep(50 * time.Millisecond)
		if err := c.Hangup(); err != nil {
			t.Fatal(err)
		}
	}
	hungUp := time.Now()
	v.until(5*time.Second, "agents are free", func() bool { return v.load.AgentsUp() == 0 })
	byes := v.load.Byes()
	running := v.dial(killRunning)
	time.Sleep(max(killAfter, time.Until(hungUp.Add(killDurable))))
	if err := v.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	killed := time.Now()
	_ = v.cmd.Wait() // killed: its error says so
	for _, c := range running {
		select {
		case <-c.Over():
			t.Fatal("a call was over before the next process began")
		default:
		}
	}

	v.start(v.data, v.sip.String())
	v.until(10*time.Second, "all callers and agents have got BYE", func() bool {
		for _, c := range running {
			select {
			case <-c.Over():
			default:
				return false
			}
		}
		return v.load.AgentsUp() == 0
	})
	if got := v.load.Byes() - byes; got < 2*killRunning {
		t.Errorf("BYEs of the next process: got %d, want %d at least", got, 2*killRunning)
	}
	v.until(5*time.Second, "all call records", func() bool {
		cdrs, recs := v.records()
		return len(cdrs) == killFinished+killRunning && len(recs) == len(cdrs)
	})
	v.checkRecords(killed)
	v.checkReuse()
}

// checkRecords looks at the records and the audio of all calls.
func (v *victim) checkRecords(killed time.Time) {
	cdrs, recs := v.records()
	dir, err := recordings.New(filepath.Join(v.data, "recordings"))
	if err != nil {
		v.t.Fatal(err)
	}
	recovered := 0
	var worst time.Duration
	for id, c := range cdrs {
		r := recs[id]
		if err := playable(dir, r); err != nil {
			v.t.Errorf("recording of %s: %v", id, err)
		}
		if c.Ended.IsZero() || len(c.Talks) != 1 {
			v.t.Errorf("record of %s: got end %s, %d talks, want an end and one talk", id, c.Ended, len(c.Talks))
		}
		if !c.Recovered {
			if c.Ended.After(killed) || r.Torn {
				v.t.Errorf("record of %s: ended %s, torn %t, but is not marked recovered", id, c.Ended, r.Torn)
			}
			continue
		}
		recovered++
		if c.Cause.Blame != "us" || !r.Torn {
			v.t.Errorf("record of %s: got blame %q, torn %t, want us, true", id, c.Cause.Blame, r.Torn)
		}
		worst = max(worst, killed.Sub(r.Began.Add(time.Duration(r.Length))))
	}
	if recovered != killRunning {
		v.t.Errorf("recovered calls: got %d, want %d", recovered, killRunning)
	}
	if worst > killLost {
		v.t.Errorf("a recording misses %s at its end, want at most %s", worst, killLost)
	}
	v.t.Logf("the worst recording misses %s at its end", worst.Round(time.Millisecond))
}

// playable tells why a recording can't be played: it must have two channels, the
// length of its record, and the bytes of its checksum.
func playable(dir *recordings.Dir, r api.RecordingReply) error {
	f, err := os.Open(r.File)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	samples, rate, channels, err := media.ReadWAV(f)
	if err != nil {
		return err
	}
	long := time.Duration(len(samples)/max(channels, 1)) * time.Second / time.Duration(max(rate, 1))
	if channels != 2 || long != time.Duration(r.Length) {
		return fmt.Errorf("got %d channels, %s, want 2, %s", channels, long, time.Duration(r.Length))
	}
	return dir.Verify(r.ID)
}

// checkReuse calls again, on the same ports and to the same agents.
func (v *victim) checkReuse() {
	r, err := v.load.Media(v.ctx, callload.Plan{Calls: killRunning, PerSec: 100, Warm: 300 * time.Millisecond,
		Window: time.Second, PID: v.cmd.Process.Pid})
	if err != nil {
		v.t.Fatal(err)
	}
	if r.Calls != killRunning || r.Failed+int(r.Lost+r.Misrouted) != 0 {
		v.t.Errorf("calls of the next process: got %d, %d failed %v, %d lost, %d misrouted, want %d and no fault",
			r.Calls, r.Failed, r.Why, r.Lost, r.Misrouted, killRunning)
	}
	v.until(5*time.Second, "all calls have ended", func() bool {
		st, err := v.api.Status(v.ctx)
		return err == nil && st.Calls == 0 && len(st.Degraded) == 0 && v.load.AgentsUp() == 0
	})
}
