package call_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hotline/call"
	"hotline/internal/simnet"
	"hotline/media"
	"hotline/recordings"
	"hotline/sip"
	"hotline/store"
	"hotline/store/bolt"
)

// engineAddr is where the engine under test listens, for UDP and TCP; one test
// moves it to IPv6.
var engineAddr = "10.0.0.1:5060"

// bed is a whole engine on a network in memory, with its store on disk.
type bed struct {
	t    *testing.T
	net  *simnet.Network
	eng  *call.Engine
	st   *bolt.Store
	recs *recordings.Dir
	log  *syncBuffer
	dir  string
	stop context.CancelFunc
	done chan error
	once sync.Once

	mu     sync.Mutex // guards what follows
	after  []func()   // run when the engine has ended
	ladder []string   // every message of the peers
}

// atEnd runs f when the engine has ended.
func (b *bed) atEnd(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.after = append(b.after, f)
}

// tell notes a message for the ladder that a failed test shows.
func (b *bed) tell(from, arrow, to, what string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ladder = append(b.ladder, fmt.Sprintf("%8.3f %s %s %s  %s", time.Since(bubbleBegin).Seconds(), from, arrow, to, what))
}

// bubbleBegin is when virtual time begins.
var bubbleBegin = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// syncBuffer is a log that tests may read while it is written.
type syncBuffer struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// inBubble runs a test in virtual time on an engine with a center.
func inBubble(t *testing.T, center store.Center, test func(b *bed)) {
	t.Helper()
	dir := memoryDir(t)
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, dir, simnet.New(simnet.Options{Latency: time.Millisecond}))
		defer b.end()
		b.apply(center)
		test(b)
	})
}

// memoryDir is a directory that needs no disk where the system has one: what
// these tests prove is not that fsync is slow.
func memoryDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "hotline")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// newBed starts an engine on a data directory; change may set its limits.
func newBed(t *testing.T, dir string, network *simnet.Network, change ...func(*call.Config)) *bed {
	t.Helper()
	b := &bed{t: t, net: network, log: &syncBuffer{}, dir: dir, done: make(chan error, 1)}
	var err error
	log := slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelInfo}))
	if b.st, err = bolt.Open(filepath.Join(dir, "hotline.db"), bolt.Options{Log: log}); err != nil {
		t.Fatal(err)
	}
	if b.recs, err = recordings.New(filepath.Join(dir, "recordings")); err != nil {
		t.Fatal(err)
	}
	udp, err := b.net.ListenPacket(engineAddr)
	if err != nil {
		t.Fatal(err)
	}
	tcp, err := b.net.Listen(engineAddr)
	if err != nil {
		t.Fatal(err)
	}
	cfg := call.Config{
		SIP: sip.Config{Packet: []net.PacketConn{udp}, Stream: []net.Listener{tcp},
			Dial: b.net.Dialer(netip.MustParseAddrPort(engineAddr).Addr())},
		Media: media.Config{Listen: b.net.ListenUDP, Addr: netip.MustParseAddrPort(engineAddr).Addr(), PortMin: 20000, PortMax: 20999},
		Store: b.st, Recordings: b.recs, Log: log,
	}
	for _, f := range change {
		f(&cfg)
	}
	b.eng, err = call.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	b.stop = stop
	go func() { b.done <- b.eng.Run(ctx) }() // ends with end
	synctest.Wait()
	return b
}

// apply changes the center and fails the test if it is refused.
func (b *bed) apply(c store.Center) {
	b.t.Helper()
	res, err := b.eng.Apply(call.ApplyRequest{Center: c, Actor: "test"})
	if err != nil || len(res.Problems) > 0 {
		b.t.Fatalf("apply: %v %v", err, res.Problems)
	}
	synctest.Wait()
}

// end stops the engine and waits for it. It may be called twice.
func (b *bed) end() {
	b.once.Do(func() {
		b.stop()
		if err := <-b.done; err != nil {
			b.t.Errorf("engine ended with %v", err)
		}
		if err := b.st.Close(); err != nil {
			b.t.Errorf("store: %v", err)
		}
		b.mu.Lock()
		after := b.after
		b.mu.Unlock()
		for _, f := range after {
			f()
		}
		if b.t.Failed() {
			b.t.Logf("ladder:\n%s\nlog:\n%s", strings.Join(b.ladder, "\n "), b.log.String())
		}
	})
}

// cdrs waits until the engine has no calls, then returns all CDRs, oldest first.
func (b *bed) cdrs() []store.CDR {
	b.t.Helper()
	for range 400 {
		if len(b.eng.Calls()) == 0 {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if n := len(b.eng.Calls()); n > 0 {
		b.t.Errorf("%d calls still run: %+v", n, b.eng.Calls())
	}
	time.Sleep(time.Second)
	var out []store.CDR
	if err := b.st.CDRs(store.Filter{}, func(c store.CDR) bool { out = append([]store.CDR{c}, out...); return true }); err != nil {
		b.t.Fatal(err)
	}
	for _, c := range out {
		checkCDR(b.t, c)
	}
	return out
}

// begun are the records of calls that were let in, oldest first.
func (b *bed) begun() []store.CDR {
	b.t.Helper()
	return slices.DeleteFunc(b.cdrs(), func(c store.CDR) bool { return strings.HasPrefix(c.Trace, "refused; ") })
}

// oneCDR is the record of the only call that was let in.
func (b *bed) oneCDR() store.CDR {
	b.t.Helper()
	all := b.begun()
	if len(all) != 1 {
		b.t.Fatalf("got %d CDRs, want 1", len(all))
	}
	return all[0]
}

// wantTrace fails unless the only call passed these stages.
func (b *bed) wantTrace(want string) store.CDR {
	b.t.Helper()
	c := b.oneCDR()
	if c.Trace != want {
		b.t.Errorf("got trace  %s\nwant trace %s", c.Trace, want)
	}
	return c
}

// checkCDR holds for every CDR: stages without gaps, an end with a cause and a
// blame, and nothing left open.
func checkCDR(t *testing.T, c store.CDR) {
	t.Helper()
	if c.Cause.Text == "" || c.Cause.Blame == "" {
		t.Errorf("call %s has no cause or no blame: %+v", c.ID, c.Cause)
	}
	var sum time.Duration
	for i, s := range c.Stages {
		sum += s.Ended.Sub(s.Began)
		if i > 0 && !s.Began.Equal(c.Stages[i-1].Ended) {
			t.Errorf("call %s: stage %s began %v after the one before", c.ID, s.Name, s.Began.Sub(c.Stages[i-1].Ended))
		}
	}
	if sum != c.Length() {
		t.Errorf("call %s: stages last %v, the call %v", c.ID, sum, c.Length())
	}
	for _, o := range c.Offers {
		if o.Result == "" || o.Ended.IsZero() {
			t.Errorf("call %s: offer %s has no end: %+v", c.ID, o.ID, o)
		}
		if !json.Valid(o.Reason) || !strings.Contains(string(o.Reason), "factor") {
			t.Errorf("call %s: offer %s has no reason: %s", c.ID, o.ID, o.Reason)
		}
	}
	for _, k := range c.Talks {
		if k.Ended.IsZero() {
			t.Errorf("call %s: a talk with %s has no end", c.ID, k.Agent)
		}
	}
}

// agentState waits up to 5 s until an agent is in a state.
func (b *bed) agentState(id, want string) {
	b.t.Helper()
	got := ""
	for range 50 {
		for _, a := range b.eng.Agents() {
			if a.ID == id {
				got = a.State
				if a.Reason != "" {
					got += " (" + a.Reason + ")"
				}
			}
		}
		if got == want {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	b.t.Errorf("agent %s is %s, want %s", id, got, want)
}
