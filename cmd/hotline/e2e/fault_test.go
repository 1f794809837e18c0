package e2e_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"hotline/call"
	"hotline/store"
)

func TestCallsGoOnWhileTheDiskIsFullAndAreRecordedAfterwards(t *testing.T) {
	t.Parallel()
	h := newHotline(t)
	if err := os.MkdirAll(h.data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", h.data, "tmpfs", 0, "size=24m"); err != nil {
		t.Skipf("no small file system can be mounted (%v), so a full disk is not tried here", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(h.data, syscall.MNT_DETACH) })
	port := freePort(t)
	h.start()
	h.apply("testdata/bench/center.yaml", "16460", fmt.Sprint(port))
	fill(t, filepath.Join(h.data, "filler"))

	const calls = 200
	phones := sippCmd{scenario: "answers", ip: "127.0.0.1", port: port, args: []string{"-m", "5"}}.run(t)
	talks := sippCmd{scenario: "hangsup", ip: "127.0.0.1", service: "4000", remote: h.addr(), args: []string{"-m", "5"}}.run(t)
	short := sippCmd{scenario: "hungup", ip: "127.0.0.1", service: "4003", remote: h.addr(),
		args: []string{"-r", "100", "-m", fmt.Sprint(calls)}}.run(t)
	talks.passes(15 * time.Second)
	phones.passes(15 * time.Second)
	short.passes(15 * time.Second)
	told := strings.Join(h.status().Degraded, "; ")
	for _, want := range []string{"call records can't be written", "recordings fail", "disk"} {
		if !strings.Contains(told, want) {
			t.Errorf("status says %q, want %q in it", told, want)
		}
	}
	if err := os.Remove(filepath.Join(h.data, "filler")); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, c := range h.cdrs(calls + 5) {
		seen[c.ID] = true
	}
	if len(seen) != calls+5 {
		t.Errorf("%d different records, want %d", len(seen), calls+5)
	}
	again := sippCmd{scenario: "answers", ip: "127.0.0.1", port: port, args: []string{"-m", "1"}}.run(t)
	last := sippCmd{scenario: "hangsup", ip: "127.0.0.1", service: "4000", remote: h.addr(), args: []string{"-m", "1"}}.run(t)
	last.passes(15 * time.Second)
	again.passes(15 * time.Second)
	h.within(10*time.Second, "status is well", func() error {
		if s := h.status(); len(s.Degraded) > 0 || s.Panics > 0 {
			return fmt.Errorf("got %q, %d panics", s.Degraded, s.Panics)
		}
		return nil
	})
}

// fill writes a file until nothing more fits onto its file system.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for size := 1 << 20; size > 0; size /= 2 {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("fill the disk: %v", err)
		}
	}
	_ = f.Close()
}

const torture = "../shared/data/torture"

func TestBadMessagesLeaveACallUnharmed(t *testing.T) {
	t.Parallel()
	bad := badMessages(t)
	h := center(t, "testdata/phones/center.yaml")
	h.apply("testdata/phones/nosurvey.yaml")
	ann := h.registered(baresipCmd{user: "1001", secret: h.secret("1001"), says: 440})
	caller := h.talker()
	hearsTone(t, "the caller", caller.ear.heard, 440)
	caller.next()
	hearsTone(t, "the agent", ann.heard, 880)
	talk := h.stage("talk")
	for _, ip := range []string{outsideIP(), "127.0.0.66"} { // one whose calls are taken, and a stranger
		sendAll(t, ip, h.addr(), bad)
	}
	hearsTone(t, "the caller", caller.ear.heard, 440)
	hearsTone(t, "the agent", ann.heard, 880)
	if now := h.stage("talk"); now.ID != talk.ID || now.Since != talk.Since {
		t.Errorf("the talk was disturbed: got %+v, want %+v", now, talk)
	}
	ann.do("hangup")
	caller.passes(10 * time.Second)
	h.within(40*time.Second, "calls of bad messages end", func() error {
		if calls := list[call.CallView](h, "call", "list"); len(calls) > 0 {
			return fmt.Errorf("got %+v", calls)
		}
		return nil
	})
	if s := h.status(); s.Panics != 0 {
		t.Errorf("%d panics, want none", s.Panics)
	}
	cdr := list[store.CDR](h, "cdr", "show", talk.ID)[0]
	h.wantTrace(cdr, "wait sales; offer 1: answered; announce; talk; end: agent hung up")
	h.wantRecording(cdr, 880, 440)
}

// badMessages reads the collected ones, at most as long as a datagram.
func badMessages(t *testing.T) [][]byte {
	t.Helper()
	if _, err := os.Stat(repo(torture)); err != nil {
		t.Skipf("%s is absent, so no bad messages are sent", torture)
	}
	var bad [][]byte
	err := filepath.WalkDir(repo(torture), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.HasSuffix(path, ".md") || strings.HasSuffix(path, ".tsv") {
			return err
		}
		b, err := os.ReadFile(path)
		bad = append(bad, b[:min(len(b), 65000)])
		return err
	})
	if err != nil || len(bad) < 100 {
		t.Fatalf("%d bad messages: %v", len(bad), err)
	}
	return bad
}

// sendAll sends messages from an address: each as a datagram, and each on a
// connection of its own.
func sendAll(t *testing.T, from, to string, messages [][]byte) {
	t.Helper()
	u, err := net.DialUDP("udp", &net.UDPAddr{IP: net.ParseIP(from)}, net.UDPAddrFromAddrPort(netip.MustParseAddrPort(to)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = u.Close() }()
	dial := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: 5 * time.Second}
	refused := 0
	for i, m := range messages {
		if _, err := u.Write(m); err != nil {
			t.Fatal(err)
		}
		c, err := dial.Dial("tcp", to)
		if err != nil {
			refused++
			continue
		}
		_ = c.SetDeadline(time.Now().Add(5 * time.Second))
		_, _ = c.Write(m) // it may be hung up on
		_ = c.Close()
		if i%10 == 9 {
			time.Sleep(5 * time.Millisecond) // a storm is another test
		}
	}
	if refused > len(messages)/2 {
		t.Errorf("%d of %d connections were refused", refused, len(messages))
	}
}
