package e2e_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"hotline/call"
	"hotline/store"
)

// built builds hotline once for all tests; TestMain removes it.
var (
	binDir string
	built  = sync.OnceValues(func() (string, error) {
		path := filepath.Join(binDir, "hotline")
		out, err := exec.Command("go", "build", "-o", path, "hotline/cmd/hotline").CombinedOutput()
		if err != nil {
			return "", fmt.Errorf("go build: %w\n%s", err, out)
		}
		return path, nil
	})
)

// atOnce is how many tests run at once at least: phones mostly wait.
const atOnce = 3

func TestMain(m *testing.M) {
	flag.Parse()
	asked := false
	flag.Visit(func(f *flag.Flag) { asked = asked || f.Name == "test.parallel" })
	if !asked && runtime.GOMAXPROCS(0) < atOnce {
		_ = flag.Set("test.parallel", fmt.Sprint(atOnce))
	}
	var err error
	if binDir, err = os.MkdirTemp("", "hotline-e2e-bin"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(binDir)
	os.Exit(code)
}

// repo is the path of a file of this repository.
func repo(path string) string { return filepath.Join("../../..", path) }

// hotline is a running process and its data directory.
type hotline struct {
	t    *testing.T
	dir  string // of the test, removed at its end
	data string
	ip   string // default 127.0.0.1; IPv6 in brackets
	port int    // of SIP, UDP and TCP
	tls  int    // of SIP over TLS; 0: none
	rtp  int    // first of 200 ports
	bin  string
	p    *process
	args []string // further ones of serve
}

// newHotline prepares a process; start runs it.
func newHotline(t *testing.T) *hotline {
	t.Helper()
	bin, err := built()
	if err != nil {
		t.Fatal(err)
	}
	// The unix socket's path has to be short, so t.TempDir won't do.
	dir, err := os.MkdirTemp("", "hotline-e2e")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	h := &hotline{t: t, dir: dir, data: filepath.Join(dir, "data"), ip: "127.0.0.1", port: freePort(t), rtp: freeRange(t, 200), bin: bin}
	return h
}

// center runs a process with a center of testdata/phones, whose variables are
// replaced: pairs of old and new.
func center(t *testing.T, file string, pairs ...string) *hotline {
	t.Helper()
	h := newHotline(t)
	h.start()
	h.apply(file, pairs...)
	return h
}

// addr is where phones reach hotline.
func (h *hotline) addr() string { return fmt.Sprintf("%s:%d", h.ip, h.port) }

// start runs the process and waits until it answers commands.
func (h *hotline) start() {
	h.t.Helper()
	sip := fmt.Sprintf("udp://%s,tcp://%s", h.addr(), h.addr())
	if h.tls != 0 {
		sip += fmt.Sprintf(",tls://%s:%d", h.ip, h.tls)
	}
	args := append([]string{"serve", "--data", h.data, "--rtp", fmt.Sprintf("%s:%d-%d", h.ip, h.rtp, h.rtp+199), "--sip", sip}, h.args...)
	h.p = run(h.t, "hotline", nil, h.bin, args...)
	p := h.p
	h.t.Cleanup(func() { // in order, so that its media process ends, too
		if h.t.Failed() && !p.over() {
			records, _ := h.try("cdr", "list", "-o", "json")
			h.t.Logf("call records:\n%s", tail(records, 6000))
		}
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-p.done:
		case <-time.After(15 * time.Second):
		}
	})
	h.within(20*time.Second, "hotline answers", func() error {
		if h.p.over() {
			h.t.Fatalf("hotline ended at its start: %s", h.p.output())
		}
		_, err := h.try("status")
		return err
	})
}

// apply changes the center.
func (h *hotline) apply(file string, pairs ...string) {
	h.t.Helper()
	b, err := os.ReadFile(repo(file))
	if err != nil {
		h.t.Fatal(err)
	}
	path := filepath.Join(h.dir, "center.yaml")
	if err := os.WriteFile(path, []byte(strings.NewReplacer(pairs...).Replace(string(b))), 0o600); err != nil {
		h.t.Fatal(err)
	}
	h.cli("apply", "-f", path)
}

// cli runs a command and returns what it prints.
func (h *hotline) cli(args ...string) string {
	h.t.Helper()
	out, err := h.try(args...)
	if err != nil {
		h.t.Fatal(err)
	}
	return out
}

func (h *hotline) try(args ...string) (string, error) {
	cmd := exec.Command(h.bin, append(args, "--data", h.data)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("hotline %s: %w: %s", strings.Join(args, " "), err, errs.String())
	}
	return out.String(), nil
}

// list reads the objects that a command prints, one per line.
func list[T any](h *hotline, args ...string) []T {
	h.t.Helper()
	var all []T
	d := json.NewDecoder(strings.NewReader(h.cli(append(args, "-o", "json")...)))
	for d.More() {
		var v T
		if err := d.Decode(&v); err != nil {
			h.t.Fatalf("hotline %s: %v", strings.Join(args, " "), err)
		}
		all = append(all, v)
	}
	return all
}

func (h *hotline) status() call.Status {
	h.t.Helper()
	return list[call.Status](h, "status")[0]
}

func (h *hotline) agent(id string) call.AgentView {
	h.t.Helper()
	return list[call.AgentView](h, "agent", "show", id)[0]
}

func (h *hotline) secret(agent string) string {
	h.t.Helper()
	return strings.TrimSpace(h.cli("agent", "secret", agent, "--new"))
}

// within asks again and again until ok gives no error.
func (h *hotline) within(d time.Duration, what string, ok func() error) {
	h.t.Helper()
	var err error
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if err = ok(); err == nil {
			return
		}
	}
	h.t.Fatalf("within %v: %s: %v", d, what, err)
}

// agentState waits until an agent is in a state: "ready", "not ready (missed)".
func (h *hotline) agentState(id, want string) {
	h.t.Helper()
	h.within(15*time.Second, "state of agent "+id, func() error {
		a := h.agent(id)
		got := a.State
		if a.Reason != "" {
			got += " (" + a.Reason + ")"
		}
		if got != want {
			return fmt.Errorf("got %s, want %s", got, want)
		}
		return nil
	})
}

// stage waits until one call is in a stage whose name begins so.
func (h *hotline) stage(want string) call.CallView {
	h.t.Helper()
	var found call.CallView
	h.within(25*time.Second, "a call in stage "+want, func() error {
		calls := list[call.CallView](h, "call", "list")
		for _, c := range calls {
			if strings.HasPrefix(c.Stage, want) {
				found = c
				return nil
			}
		}
		return fmt.Errorf("got %+v", calls)
	})
	return found
}

// cdr waits for the record of the only call there was.
func (h *hotline) cdr() store.CDR {
	h.t.Helper()
	return h.cdrs(1)[0]
}

// cdrs waits for so many records, newest first.
func (h *hotline) cdrs(n int) []store.CDR {
	h.t.Helper()
	var all []store.CDR
	h.within(15*time.Second, "call records", func() error {
		if all = list[store.CDR](h, "cdr", "list"); len(all) != n {
			return fmt.Errorf("got %d, want %d", len(all), n)
		}
		return nil
	})
	return all
}

// wantTrace fails unless a call went this way.
func (h *hotline) wantTrace(c store.CDR, want string) {
	h.t.Helper()
	if c.Trace != want {
		h.t.Errorf("the call went:\n%s\nwant:\n%s", c.Trace, want)
	}
	var sum time.Duration
	for _, s := range c.Stages {
		sum += s.Ended.Sub(s.Began)
	}
	if d := c.Length() - sum; d < -5*time.Millisecond || d > 5*time.Millisecond {
		h.t.Errorf("the stages last %v, the call %v", sum, c.Length())
	}
}

// stop ends the process in order; kill does not.
func (h *hotline) stop() {
	h.t.Helper()
	_ = h.p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-h.p.done:
	case <-time.After(15 * time.Second):
		h.t.Fatal("hotline did not end within 15 s of SIGTERM")
	}
}

func (h *hotline) kill() {
	_ = h.p.cmd.Process.Kill()
	<-h.p.done
}
