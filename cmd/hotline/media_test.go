package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"hotline/internal/callload"
	"hotline/recordings"
)

// Longest that a packet may take through the media process: on a machine whose
// processors are enough for what runs on it, and on another one, where the load
// itself is late.
const (
	mostDelay = 60 * time.Millisecond
	lateDelay = 400 * time.Millisecond
)

// longest is the delay that this machine allows now.
func longest() time.Duration {
	b, _ := os.ReadFile("/proc/loadavg")
	first, _, _ := strings.Cut(string(b), " ")
	if load, err := strconv.ParseFloat(first, 64); err == nil && load > float64(runtime.NumCPU()) {
		return lateDelay
	}
	return mostDelay
}

// mediaPID is the media process that a server uses, as its greeting says.
func (v *victim) mediaPID() int {
	v.t.Helper()
	log, err := os.ReadFile(filepath.Join(v.data, "log"))
	if err != nil {
		v.t.Fatal(err)
	}
	all := regexp.MustCompile(`(?m)^media .* \(process (\d+)\)$`).FindAllStringSubmatch(string(log), -1)
	if len(all) == 0 {
		v.t.Fatalf("no media process in the log:\n%s", log)
	}
	pid, _ := strconv.Atoi(all[len(all)-1][1])
	return pid
}

func alive(pid int) bool {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && !strings.Contains(string(b), ") Z ")
}

// sockets counts the sockets of a process.
func sockets(pid int) int {
	n := 0
	dir, _ := os.ReadDir("/proc/" + strconv.Itoa(pid) + "/fd")
	for _, d := range dir {
		if to, err := os.Readlink("/proc/" + strconv.Itoa(pid) + "/fd/" + d.Name()); err == nil && strings.HasPrefix(to, "socket:") {
			n++
		}
	}
	return n
}

// kill ends the server as kill -9 does.
func (v *victim) kill() {
	v.t.Helper()
	if err := v.cmd.Process.Kill(); err != nil {
		v.t.Fatal(err)
	}
	_ = v.cmd.Wait() // killed: its error says so
}

// wantAudio fails unless all ends of so many calls have heard each other well. A
// packet may be late on a machine that is late itself, as the same calls showed
// while nothing happened (calm), but none is ever lost.
func (v *victim) wantAudio(what string, h, calm callload.Heard, calls int, over time.Duration) {
	v.t.Helper()
	most := max(longest(), 2*calm.Delay)
	v.t.Logf("%s: %d ends, %d packets at least, %d lost, longest gap %s, longest delay %s of %s", what, h.Ends, h.Packets, h.Lost,
		h.Gap.Round(time.Millisecond), h.Delay.Round(time.Millisecond), most.Round(time.Millisecond))
	if h.Ends != 2*calls || h.Packets < uint64(over/(20*time.Millisecond))*9/10 || h.Lost != 0 || h.Delay > most {
		v.t.Errorf("%s: got %+v, want %d ends, none lost, no delay over %s", what, h, 2*calls, most)
	}
}

func TestAudioGoesOnWhileTheControlProcessIsKilledAndStartedAgain(t *testing.T) {
	const calls, dead = 100, 5 * time.Second
	v := newVictim(t, "--adopt", "3s")
	running := v.dial(calls)
	began := time.Now()
	heard := v.load.Watch()
	time.Sleep(2 * time.Second)
	pid := v.mediaPID()
	idle := sockets(pid)
	calm := heard()

	heard, byes := v.load.Watch(), v.load.Byes()
	v.kill()
	time.Sleep(dead)
	v.start(v.data, v.sip.String())
	if got := v.mediaPID(); got != pid {
		t.Errorf("media process: got %d, want %d that still runs", got, pid)
	}
	time.Sleep(time.Second)
	v.wantAudio("while the control process is killed and started again", heard(), calm, calls, dead+time.Second)
	if v.load.Byes() != byes {
		t.Error("a call was ended before the grace time was over")
	}
	v.until(20*time.Second, "all callers and agents have got BYE", func() bool {
		for _, c := range running {
			select {
			case <-c.Over():
			default:
				return false
			}
		}
		return v.load.AgentsUp() == 0
	})
	talked := time.Since(began)
	v.until(20*time.Second, "all call records", func() bool {
		cdrs, recs := v.records()
		return len(cdrs) == calls && len(recs) == calls
	})
	v.checkAdopted(talked)
	v.until(10*time.Second, "ports are free again", func() bool { return sockets(pid) <= idle-2*calls })
	v.checkReuse()
	v.stop()
	v.until(5*time.Second, "the media process ends with serve", func() bool { return !alive(pid) })
}

// checkAdopted looks at the records of calls whose audio went on.
func (v *victim) checkAdopted(talked time.Duration) {
	v.t.Helper()
	cdrs, recs := v.records()
	dir, err := recordings.New(filepath.Join(v.data, "recordings"))
	if err != nil {
		v.t.Fatal(err)
	}
	for id, c := range cdrs {
		r := recs[id]
		if err := playable(dir, r); err != nil {
			v.t.Errorf("recording of %s: %v", id, err)
		}
		if !c.Recovered || c.Ended.IsZero() || c.Cause.Blame != "us" {
			v.t.Errorf("record of %s: got recovered %t, end %s, blame %q", id, c.Recovered, c.Ended, c.Cause.Blame)
		}
		if long := time.Duration(r.Length); r.Torn || r.Error != "" || long < talked-2*time.Second {
			v.t.Errorf("recording of %s: got %s, torn %t, error %q, want about %s and whole", id, long, r.Torn, r.Error, talked)
		}
	}
}

func TestADeadMediaProcessEndsItsCallsAndIsStartedAgain(t *testing.T) {
	const calls = 5
	v := newVictim(t)
	running := v.dial(calls)
	time.Sleep(time.Second)
	if err := syscall.Kill(v.mediaPID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	died := time.Now()
	v.until(2*time.Second, "all calls have ended", func() bool {
		for _, c := range running {
			select {
			case <-c.Over():
			default:
				return false
			}
		}
		return v.load.AgentsUp() == 0
	})
	v.until(3*time.Second, "a new call is answered", func() bool { // 503 until there is audio again
		_, err := v.load.Dial(v.ctx)
		return err == nil
	})
	if d := time.Since(died); d > 3*time.Second {
		t.Errorf("the next call was answered after %s, want 3s", d)
	}
	t.Logf("the next call was answered %s after the media process died", time.Since(died).Round(time.Millisecond))
	v.until(5*time.Second, "all records", func() bool {
		cdrs, recs := v.records()
		return len(cdrs) == calls && len(recs) == calls
	})
	dir, err := recordings.New(filepath.Join(v.data, "recordings"))
	if err != nil {
		t.Fatal(err)
	}
	cdrs, recs := v.records()
	for id, c := range cdrs {
		if c.Cause.Text != "media engine died" || c.Cause.Blame != "us" {
			t.Errorf("cause of %s: got %+v", id, c.Cause)
		}
		if r := recs[id]; !r.Torn || r.Error != "" || playable(dir, r) != nil {
			t.Errorf("recording of %s: got torn %t, error %q, %v", id, r.Torn, r.Error, playable(dir, r))
		}
	}
}

func TestServeUsesAMediaProcessThatSomebodyElseRuns(t *testing.T) {
	dir, err := os.MkdirTemp("", "hotline-media-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "m.sock")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	cmd := exec.CommandContext(ctx, program(t), "media", "--stay", "--socket", socket, "--rtp", benchRTP)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(socket); err == nil {
			break
		}
	}
	if info, err := os.Stat(socket); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("socket: got %v, %v, want mode 600", info, err)
	}
	v := newVictim(t, "--media", "unix:"+socket)
	if got := v.mediaPID(); got != cmd.Process.Pid {
		t.Errorf("media process: got %d, want %d", got, cmd.Process.Pid)
	}
	running := v.dial(3)
	v.until(10*time.Second, "all agents have answered", func() bool { return v.load.AgentsUp() == 3 })
	heard := v.load.Watch()
	time.Sleep(time.Second)
	v.wantAudio("through somebody else's process", heard(), callload.Heard{}, 3, time.Second)
	for _, c := range running {
		if err := c.Hangup(); err != nil {
			t.Error(err)
		}
	}
	v.stop()
	if !alive(cmd.Process.Pid) {
		t.Error("the media process ended with serve, which had not started it")
	}
	v.start(v.data, v.sip.String())
	v.checkReuse()
	v.stop()
	cancel()
	if err := cmd.Wait(); err != nil && ctx.Err() == nil {
		t.Error(err)
	}
}

func TestServeSaysSoWhenNobodyRunsTheMediaProcess(t *testing.T) {
	cmd := exec.Command(program(t), "serve", "--data", "data", "--sip", "udp://127.0.0.1:0", "--media", "unix:none")
	cmd.Dir = t.TempDir()
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "try: hotline media --stay --socket none\n") {
		t.Errorf("got %v, %s, want what to do", err, out)
	}
}

func TestAnIdleMediaProcessOfOtherSettingsIsReplacedAndABusyOneKept(t *testing.T) {
	v := newVictim(t, "--adopt", "1s")
	first := v.mediaPID()
	v.kill()
	v.flag = []string{"--adopt", "1s", "--shards", "3"}
	v.start(v.data, v.sip.String())
	if second := v.mediaPID(); second == first {
		t.Errorf("media process: got %d, want another one", second)
	}
	// It has closed its socket and its ports by now; the rest of its end may take
	// the system a moment, as nobody waits for an orphan.
	v.until(5*time.Second, "the first media process has ended", func() bool { return !alive(first) })
	v.dial(1)
	time.Sleep(killDurable)
	busy := v.mediaPID()
	v.kill()
	v.flag = []string{"--adopt", "1s"}
	v.start(v.data, v.sip.String())
	if got := v.mediaPID(); got != busy {
		t.Errorf("media process with a call: got %d, want %d", got, busy)
	}
	v.until(5*time.Second, "the call is ended", func() bool { return v.load.AgentsUp() == 0 })
}
