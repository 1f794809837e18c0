package callload

import (
	"context"
	"encoding/json"
	"net/netip"
	"os"
	"os/exec"
	"testing"
	"time"
)

// direct is a load whose callers reach its own agents with no server between.
func direct(t *testing.T, change ...func(*Config)) *Load {
	t.Helper()
	var cfg Config
	for _, f := range change {
		f(&cfg)
	}
	l, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	if err := l.Aim(l.AgentsAddr(), "agent"); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestCallsWithoutAServerLoseNothing(t *testing.T) {
	l := direct(t)
	r, err := l.Media(context.Background(), Plan{Calls: 5, PerSec: 100, Warm: 100 * time.Millisecond, Window: 400 * time.Millisecond, PID: os.Getpid()})
	if err != nil {
		t.Fatal(err)
	}
	if r.Calls != 5 || r.Failed != 0 {
		t.Errorf("calls, failed: got %d, %d, want 5, 0: %v", r.Calls, r.Failed, r.Why)
	}
	if r.Sent < 5*2*15 || r.Lost+r.Misrouted+r.Twice+r.Other != 0 {
		t.Errorf("got %+v, want about 200 packets sent and none lost, misrouted, twice or other", r)
	}
	if r.RSSBusy == 0 || r.DelayP99 == 0 || r.SetupP99 == 0 {
		t.Errorf("got %+v, want memory, delay and set-up measured", r)
	}
	for range 100 { // the last BYE may still be on its way
		if l.AgentsUp() == 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if l.AgentsUp() != 0 {
		t.Errorf("agents in calls at the end: got %d, want 0", l.AgentsUp())
	}
}

func TestShortCallsAreSetUpAndEnded(t *testing.T) {
	l := direct(t, func(c *Config) { c.Silent = true })
	r, err := l.Rate(context.Background(), Plan{PerSec: 100, Window: 300 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if r.Calls != 30 || r.Failed != 0 || l.seats.Load() != 30 {
		t.Errorf("got %d calls, %d failed, %d answered, want 30, 0, 30: %v", r.Calls, r.Failed, l.seats.Load(), r.Why)
	}
}

// relayed runs calls over a relay whose ends are handed out as given by order.
func relayed(t *testing.T, order func([][2]netip.AddrPort)) Result {
	t.Helper()
	relay, err := NewRelay(3)
	if err != nil {
		t.Fatal(err)
	}
	order(relay.Ends)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { relay.Run(ctx); close(ended) }() // ends with ctx
	defer func() { cancel(); <-ended }()
	l := direct(t)
	r, err := l.Relayed(ctx, Plan{Warm: 100 * time.Millisecond, Window: 300 * time.Millisecond}, relay.Ends)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestARelayLosesNothing(t *testing.T) {
	r := relayed(t, func([][2]netip.AddrPort) {})
	if r.Sent < 3*2*10 || r.Lost != 0 || r.Misrouted != 0 {
		t.Errorf("got %+v, want some sent, none lost or misrouted", r)
	}
}

func TestCrossedCallsAreMisroutedAndLost(t *testing.T) {
	r := relayed(t, func(e [][2]netip.AddrPort) { e[0][1], e[1][1] = e[1][1], e[0][1] })
	if r.Misrouted == 0 || r.Lost == 0 {
		t.Errorf("got %+v, want misrouted and lost packets of the two crossed calls", r)
	}
}

func TestForeignAddressesAreRefused(t *testing.T) {
	world := netip.MustParseAddrPort("192.0.2.1:5060")
	if l, err := New(Config{Target: world}); err == nil {
		l.Close()
		t.Error("a server that is not on loopback: got nil, want an error")
	}
	if err := direct(t).Aim(world, "1"); err == nil {
		t.Error("aim: got nil, want an error")
	}
}

func TestADelayIsFoundInItsStep(t *testing.T) {
	var h histogram
	for i := range 100 {
		h.add(time.Duration(i) * time.Millisecond)
	}
	if got, want := h.quantile(0.5), 49100*time.Microsecond; got != want {
		t.Errorf("median of 0..99 ms: got %s, want %s", got, want)
	}
	if got, want := h.quantile(0.99), 98100*time.Microsecond; got != want {
		t.Errorf("p99: got %s, want %s", got, want)
	}
}

func TestTheRelayInCPassesEveryPacketToTheOtherEnd(t *testing.T) {
	program, err := BuildFloor(t.Context(), t.TempDir())
	if err != nil {
		t.Skip(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "5")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var h Hello
	if err := json.NewDecoder(out).Decode(&h); err != nil {
		t.Fatal(err)
	}
	r, err := direct(t).Relayed(t.Context(), Plan{Warm: 100 * time.Millisecond, Window: 300 * time.Millisecond, PID: cmd.Process.Pid}, h.Ends)
	if err != nil {
		t.Fatal(err)
	}
	if r.Calls != 5 || r.Sent < 5*2*12 || r.Lost+r.Misrouted+r.Twice+r.Other != 0 || r.DelayP50 == 0 {
		t.Errorf("got %+v, want 5 calls, about 150 packets and none lost, misrouted, twice or other", r)
	}
	_ = in.Close()
	if err := cmd.Wait(); err != nil {
		t.Errorf("at the end of its input: got %v, want a good end", err)
	}
}
