package e2e_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"
)

// process is a child, killed at the end of its test.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	out  *buffer
	in   *os.File // its standard input
}

// run starts a child; its output is told if the test fails.
func run(t *testing.T, name string, env []string, path string, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(path, args...), done: make(chan struct{}), out: &buffer{}}
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	p.cmd.Env = append(os.Environ(), env...)
	// Should the tests themselves be killed, no child is left over.
	p.cmd.WaitDelay = time.Second // a media process may outlive hotline and hold its output
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stdin, p.in = r, w
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = r.Close()
	go func() { _ = p.cmd.Wait(); close(p.done) }() // ends with the child
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.done
		_ = w.Close()
		if t.Failed() {
			t.Logf("%s (%v) said:\n%s", name, p.cmd.ProcessState, tail(progress.ReplaceAllString(p.output(), ""), 6000))
		}
	})
	return p
}

func (p *process) output() string { return p.out.String() }

func (p *process) over() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// wait for the end; the exit code is returned.
func (p *process) wait(t *testing.T, d time.Duration) int {
	t.Helper()
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(d):
		t.Fatalf("%s has not ended within %v", filepath.Base(p.cmd.Path), d)
		return -1
	}
}

// progress is what baresip prints all the time.
var progress = regexp.MustCompile(`\[\d+:\d\d:\d\d\] audio=\S* \(bit/s\)\s*`)

func tail(s string, n int) string { return s[max(0, len(s)-n):] }

// buffer collects what a child prints.
type buffer struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// ports hands out ports below those that the kernel gives to clients, each to
// one user of this process.
var ports = struct {
	sync.Mutex // guards next
	next       int
}{next: 17000 + os.Getpid()%40*250}

// freePort is a port free for UDP and TCP on all loopback addresses, and so is
// the next one: some phones take it unasked.
func freePort(t *testing.T) int { return freeRange(t, 2) }

// freeRange is the first of n such ports; it is even.
func freeRange(t *testing.T, n int) int {
	t.Helper()
	ports.Lock()
	defer ports.Unlock()
	for range 1000 {
		from := ports.next
		ports.next += n + n%2
		if ports.next > 32000 {
			ports.next = 17000
		}
		if from+n <= 32500 && allFree(from, n) {
			return from
		}
	}
	t.Fatal("no free ports between 17000 and 32500")
	return 0
}

func allFree(from, n int) bool {
	for port := from; port < from+n; port++ {
		u, err := net.ListenPacket("udp4", fmt.Sprintf(":%d", port))
		if err != nil {
			return false
		}
		_ = u.Close()
		l, err := net.Listen("tcp4", fmt.Sprintf(":%d", port))
		if err != nil {
			return false
		}
		_ = l.Close()
	}
	return true
}

// need skips a test whose phone is absent.
func need(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); errors.Is(err, exec.ErrNotFound) {
			t.Skipf("%s is not installed, so nothing is proven with it; try: make phones", p)
		}
	}
}
