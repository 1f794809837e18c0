package e2e_test

import (
	"fmt"
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
