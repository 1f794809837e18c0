package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"hotline/cmd/hotline/config"
	"hotline/internal/callload"
)

// bench measures this program as its users meet it: a server in processes of its
// own, loaded by callers and agents in another one.
type bench struct {
	self   string        // program that the children run
	floor  string        // the C relay; "": the plain Go relay takes its place
	sizes  []int         // calls that stand at the same time
	rate   float64       // set-ups a second
	window time.Duration // of each measurement
	rounds int           // medians are of so many
	media  string        // mode of the server, as in hotline.yaml
	acd    time.Duration // for each size of center; 0: not measured
	only   []string      // rows; empty: all
	crowd  [2]int        // parties of one conference, and calls beside it
}

// benchKind is what a row measures.
type benchKind struct {
	name, what, unit string
	number           string // dialled; "": a relay
	silent           bool   // set-ups without audio
	parties          int    // in conferences of so many; number is the beginning
	burn             bool   // while the control process takes all the CPU it gets
	first            bool   // with the first size alone
	crowd            bool   // one conference beside calls, both of a size of their own
}

var benchKinds = []benchKind{
	{name: "relay", what: "relay, for comparison", unit: "call-second"},
	{name: "bridged", what: "4001: bridged", unit: "call-second", number: "4001"},
	{name: "recorded", what: "4000: bridged and recorded", unit: "call-second", number: "4000"},
	{name: "mixed", what: "5000: conferences of three", unit: "party-second", number: benchRooms, parties: 3, first: true},
	{name: "busy", what: "4001: while the control process burns", unit: "call-second", number: "4001", burn: true, first: true},
	{name: "crowd", what: "4000: beside one conference", unit: "second", number: "4000", first: true, crowd: true},
	{name: "setup", what: "4002: set up, answered, ended", unit: "call", number: "4002", silent: true, first: true},
}

func newBenchCmd(a *app) *cobra.Command {
	b := bench{acd: time.Second, crowd: [2]int{50, 200}}
	cmd := &cobra.Command{
		Use: "bench", Short: "Measure what calls cost on this machine", Args: exactly(0),
		Long: `Starts a server with a center for tests on free loopback ports and a temporary data
directory, calls it from another process, and prints what the server's calls cost:
CPU time of all its processes, memory, lost and misrouted packets, delay, set-up time.
A minimal relay of the same packets in C, built here if there is a cc, is measured in
turn with it and tells how fast the machine is now: on a busy machine compare ratios,
not milliseconds. At the end stands what was aimed at and whether it was reached.`,
		Example: "  hotline bench --quick\n  hotline bench --calls 1000 --rounds 5",
	}
	cmd.Flags().IntSliceVar(&b.sizes, "calls", []int{100, 500}, "calls at the same time; each size is measured")
	cmd.Flags().Float64Var(&b.rate, "rate", 200, "set-ups a second")
	cmd.Flags().DurationVar(&b.window, "window", 4*time.Second, "how long each measurement takes")
	cmd.Flags().IntVar(&b.rounds, "rounds", 5, "measure so often, print medians")
	cmd.Flags().StringVar(&b.media, "media", config.MediaChild, "where the server moves audio: child or inline")
	cmd.Flags().StringSliceVar(&b.only, "only", nil, "measure only these: relay, bridged, recorded, mixed, busy, crowd, setup, allocs, skew, acd, day")
	short := cmd.Flags().Bool("short", false, "100 calls, less than a minute, less exact")
	quick := cmd.Flags().Bool("quick", false, "one round of all sizes, two minutes, less exact")
	o := outputFlag(cmd)
	cmd.RunE = does(func(ctx context.Context, _ []string) error {
		if *quick {
			b.window, b.rounds, b.acd = 3*time.Second, 1, 300*time.Millisecond
		}
		if *short {
			b.sizes, b.window, b.rounds, b.acd = b.sizes[:1], 2*time.Second, 1, 300*time.Millisecond
		}
		if len(b.sizes) == 0 || slices.Min(b.sizes) < 1 || slices.Max(b.sizes) > 2000 || b.rate <= 0 || b.rate > 5000 || b.window <= 0 || b.rounds < 1 {
			return usageError{"bench: calls must be 1 to 2000, rate up to 5000, window and rounds more than nothing", "hotline bench --calls 100 --rate 200"}
		}
		var err error
		if b.self, err = os.Executable(); err != nil {
			return fmt.Errorf("bench: %w", err)
		}
		return a.bench(ctx, b, *o)
	})
	cmd.AddCommand(newBenchLoadCmd(a), newBenchRelayCmd(a), newBenchServeCmd(a))
	return cmd
}

// bench measures and prints.
func (a *app) bench(ctx context.Context, b bench, o format) error {
	dir, err := os.MkdirTemp("", "hotline-bench-")
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	relay := "the relay in C (epoll, 5 ms tick, connected sockets)"
	if b.floor, err = callload.BuildFloor(ctx, dir); err != nil {
		relay = fmt.Sprintf("a plain relay in Go, dearer than one in C (%v)", err)
	}
	if o == "table" {
		fmt.Fprintf(a.out, "%v calls at once, %g set-ups a second, medians of %d rounds, media %s, %d CPUs, %s\nratios are to %s\n\n",
			b.sizes, b.rate, b.rounds, b.media, runtime.NumCPU(), runtime.Version(), relay)
	}
	rows, err := b.measure(ctx)
	if err != nil {
		return err
	}
	var allocs *allocRow
	if b.wants("allocs") {
		r, err := countAllocs(ctx, dir)
		if err != nil {
			return fmt.Errorf("bench: allocs: %w", err)
		}
		allocs = &r
	}
	var skew *skewRow
	if b.wants("skew") {
		skew = hourOfTalk()
	}
	var decisions []decisionRow
	if b.wants("acd") && b.acd > 0 {
		for _, agents := range []int{1_000, 10_000} {
			decisions = append(decisions, decide(agents, b.acd))
		}
	}
	print := a.printBench
	if o == "json" {
		print = func(rows []benchRow, decisions []decisionRow) error {
			return a.benchJSON(rows, allocs, skew, decisions)
		}
	}
	if err := print(rows, decisions); err != nil {
		return err
	}
	if b.wants("day") {
		if err := a.benchDays(o); err != nil {
			return err
		}
	}
	if o == "json" {
		return nil
	}
	return a.printTargets(rows, allocs, skew, b.floor != "")
}

func (a *app) benchJSON(rows []benchRow, allocs *allocRow, skew *skewRow, decisions []decisionRow) error {
	for _, r := range rows {
		if err := a.jsonLine(r); err != nil {
			return err
		}
	}
	if allocs != nil {
		if err := a.jsonLine(allocs); err != nil {
			return err
		}
	}
	if skew != nil {
		if err := a.jsonLine(skew); err != nil {
			return err
		}
	}
	for _, d := range decisions {
		if err := a.jsonLine(d); err != nil {
			return err
		}
	}
	return nil
}

func (b bench) wants(name string) bool { return len(b.only) == 0 || slices.Contains(b.only, name) }

// measure does all rounds, one kind after the other in each, so that a busy
// moment of the machine meets all of them.
func (b bench) measure(ctx context.Context) ([]benchRow, error) {
	type key struct {
		kind string
		size int
	}
	results := map[key][]callload.Result{}
	for range b.rounds {
		for i, size := range b.sizes {
			for _, k := range benchKinds {
				if !b.wants(k.name) || k.first && i > 0 {
					continue
				}
				r, err := b.one(ctx, k, size)
				if err != nil {
					return nil, fmt.Errorf("bench: %s: %w", k.name, err)
				}
				results[key{k.name, size}] = append(results[key{k.name, size}], r)
			}
		}
	}
	var rows []benchRow
	for _, size := range b.sizes {
		relay := results[key{"relay", size}]
		for _, k := range benchKinds {
			if all := results[key{k.name, size}]; len(all) > 0 {
				n := size
				if k.crowd {
					n = b.crowd[1]
				}
				rows = append(rows, k.row(n, all, relay))
			}
		}
	}
	return rows, nil
}
