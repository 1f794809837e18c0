package main

import (
	"bytes"
	"context"
	"net/netip"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"

	"hotline/cmd/hotline/config"
	"hotline/internal/callload"
)

// program is this command line as a program of its own, for children.
func program(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("hotline") // made by testscript.Main
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestBenchMeasuresTenCallsWithoutLossOrMisrouting(t *testing.T) {
	b := bench{self: program(t), sizes: []int{10}, rate: 20, media: config.MediaChild, window: time.Second, rounds: 1, crowd: [2]int{6, 10}}
	rows, err := b.measure(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != len(benchKinds) {
		t.Fatalf("rows: got %d, want %d", len(rows), len(benchKinds))
	}
	for _, r := range rows {
		x := r.Result
		if x.Failed != 0 || x.Lost != 0 || x.Misrouted != 0 || x.Twice != 0 {
			t.Errorf("%s: got %d failed %v, %d lost, %d misrouted, %d twice, want none", r.Name, x.Failed, x.Why, x.Lost, x.Misrouted, x.Twice)
		}
		if r.Unit == "call-second" && (x.Calls != 10 || x.Sent < 10*2*30) {
			t.Errorf("%s: got %d calls, %d packets, want 10 calls, about 1000 packets", r.Name, x.Calls, x.Sent)
		}
		if room := x.Room; r.Name == "crowd" && (room == nil || room.Parties != 6 || room.Spans < 6*5*8 || room.Lost+room.Unheard+room.Echo != 0 || x.Calls != 10) {
			t.Errorf("crowd: got %d calls, %+v, want 10 and 6 who hear all others in each tenth of a second", x.Calls, room)
		}
		if r.Unit == "call" && x.Calls != 20 {
			t.Errorf("%s: got %d calls, want 20", r.Name, x.Calls)
		}
	}
	var out bytes.Buffer
	if err := newApp(nil, &out, &out, os.LookupEnv).printBench(rows, []decisionRow{decide(50, 10*time.Millisecond)}); err != nil {
		t.Error(err)
	}
	t.Logf("\n%s", &out)
}

func TestTheCenterOfBenchIsTheOneInTestdata(t *testing.T) {
	want, err := config.LoadCenter("../../testdata/bench/center.yaml")
	if err != nil {
		t.Fatal(err)
	}
	got, err := config.ParseCenter("bench", []byte(benchCenter(300, 0, netip.MustParseAddrPort("127.0.0.1:16460"))))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got.Center, want.Center) {
		t.Error("bench's center differs from testdata/bench/center.yaml; change both")
	}
}

func TestALoadThatFallsBehindMakesNoCallCheaper(t *testing.T) {
	calls, parties := benchKinds[1], benchKinds[3]
	for _, said := range []uint64{50_000, 35_000} { // of 500 calls in a second; the server's work goes with it
		r := callload.Result{Calls: 500, Seconds: 1, Said: said, CPU: float64(said) / 100}
		if got := calls.cost(r); got != 1 {
			t.Errorf("%d packets: got %g ms per call-second, want 1", said, got)
		}
	}
	if got := parties.cost(callload.Result{Calls: 300, Seconds: 1, Said: 15_000, CPU: 150}); got != 0.5 {
		t.Errorf("got %g ms per party-second, want 0.5", got)
	}
}

func TestMemoryThatCannotBeToldIsADashWithAReason(t *testing.T) {
	shrunk := []callload.Result{{Calls: 10, Said: 1000, RSSIdle: 20 << 20, RSSBusy: 19 << 20}}
	rows := []benchRow{benchKinds[0].row(10, shrunk, nil), benchKinds[1].row(10, shrunk, nil)}
	var out bytes.Buffer
	if err := newApp(nil, &out, &out, os.LookupEnv).printBench(rows, nil); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"relay at 10: no KB/CALL: the relay opens", "bridged at 10: no KB/CALL: the process did not grow"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("got\n%s\nwant %q", &out, want)
		}
	}
	if rows[1].PerCall != 0 {
		t.Errorf("got %d bytes per call, want 0", rows[1].PerCall)
	}
}
