package e2e_test

import (
	"fmt"
	"net"
	"testing"
	"time"

	"hotline/store"
)

func TestSippCallsTheBenchCenterOverUDPAndTCP(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ transport, mode string }{{"udp", "u1"}, {"tcp", "t1"}} {
		t.Run(c.transport, func(t *testing.T) {
			port := freePort(t)
			h := center(t, "testdata/bench/center.yaml", "16460", fmt.Sprintf("%d;transport=%s", port, c.transport))
			const calls = 200
			hungUp := sippCmd{scenario: "hungup", ip: "127.0.0.1", service: "4003", remote: h.addr(),
				args: []string{"-t", c.mode, "-r", "50", "-m", fmt.Sprint(calls)}}.run(t)
			hungUp.passes(20 * time.Second)
			wantEnds(t, h, calls, "menu; end: flow ended")

			phones := sippCmd{scenario: "answers", ip: "127.0.0.1", port: port, args: []string{"-t", c.mode, "-m", "100"}}.run(t)
			callers := sippCmd{scenario: "hangsup", ip: "127.0.0.1", service: "4002", remote: h.addr(),
				args: []string{"-t", c.mode, "-r", "50", "-m", "100"}}.run(t)
			callers.passes(20 * time.Second)
			phones.passes(10 * time.Second)
			wantEnds(t, h, calls+100, "wait direct; offer 1: answered; talk; end: caller hung up")
			if s := h.status(); s.Calls != 0 || s.Panics != 0 {
				t.Errorf("status: %d calls are left, %d panics", s.Calls, s.Panics)
			}
		})
	}
}

func TestSippCallsOverIPv6(t *testing.T) {
	t.Parallel()
	need(t, "sipp")
	if l, err := net.Listen("tcp6", "[::1]:0"); err != nil {
		t.Skipf("there is no IPv6 here (%v), so it is not tried", err)
	} else {
		_ = l.Close()
	}
	h := newHotline(t)
	h.ip = "[::1]"
	h.start()
	port := freePort(t)
	h.apply("testdata/bench/center.yaml", "addresses: [127.0.0.1]", `addresses: ["::1"]`, "127.0.0.1:16460", fmt.Sprintf("[::1]:%d", port))
	for _, mode := range []string{"u1", "t1"} {
		phones := sippCmd{scenario: "answers", ip: "[::1]", port: port, args: []string{"-t", mode, "-m", "20"}}.run(t)
		callers := sippCmd{scenario: "hangsup", ip: "[::1]", service: "4002", remote: h.addr(), args: []string{"-t", mode, "-r", "20", "-m", "20"}}.run(t)
		callers.passes(20 * time.Second)
		phones.passes(10 * time.Second)
		h.apply("testdata/bench/center.yaml", "addresses: [127.0.0.1]", `addresses: ["::1"]`, "127.0.0.1:16460", fmt.Sprintf("[::1]:%d;transport=tcp", port))
	}
	wantEnds(t, h, 40, "wait direct; offer 1: answered; talk; end: caller hung up")
}

// wantEnds waits for n records; the newest ended so.
func wantEnds(t *testing.T, h *hotline, n int, want string) {
	t.Helper()
	var newest store.CDR
	for _, c := range h.cdrs(n) {
		if newest.ID == "" || c.Ended.After(newest.Ended) {
			newest = c
		}
	}
	h.wantTrace(newest, want)
}
