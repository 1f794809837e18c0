package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"hotline/internal/callload"
)

// bench measures this program as its users meet it: a server in a process of its
// own, loaded by callers and agents in another one.
type bench struct {
	self   string        // program that the children run
	calls  int           // that stand at the same time
	rate   float64       // set-ups a second
	window time.Duration // of each measurement
	rounds int           // medians are of so many
	acd    time.Duration // for each size of center; 0: not measured
	only   []string      // rows; empty: all
}

// benchRow is one line of the result.
type benchRow struct {
	Name    string          `json:"name"`
	What    string          `json:"what"`
	Unit    string          `json:"unit"`            // of which Cost is the CPU time
	Cost    float64         `json:"cost"`            // CPU-ms of the server for each
	Ratio   float64         `json:"ratio,omitempty"` // to the plain relay's
	PerCall int64           `json:"per_call"`        // bytes of memory for each standing call
	Result  callload.Result `json:"result"`          // of the round with the median cost; losses of all rounds
}

// benchKind is what a row measures.
type benchKind struct {
	name, what, unit string
	number           string // dialled; "": the plain relay
	silent           bool   // set-ups without audio
}

var benchKinds = []benchKind{
	{"relay", "plain relay, for comparison", "call-second", "", false},
	{"bridged", "4001: bridged", "call-second", "4001", false},
	{"recorded", "4000: bridged and recorded", "call-second", "4000", false},
	{"setup", "4002: set up, answered, ended", "call", "4002", true},
}

func newBenchCmd(a *app) *cobra.Command {
	b := bench{acd: time.Second}
	cmd := &cobra.Command{
		Use: "bench", Short: "Measure what calls cost on this machine", Args: exactly(0),
		Long: `Starts a server with a center for tests on free loopback ports and a temporary data
directory, calls it from another process, and prints what the server's calls cost:
CPU time, memory, lost and misrouted packets, delay, set-up time. A plain relay of
the same packets, measured in the same run, tells how fast the machine is now: on a
busy machine compare ratios, not milliseconds.`,
		Example: "  hotline bench --short\n  hotline bench --calls 500 --rounds 3",
	}
	cmd.Flags().IntVar(&b.calls, "calls", 100, "calls at the same time")
	cmd.Flags().Float64Var(&b.rate, "rate", 200, "set-ups a second")
	cmd.Flags().DurationVar(&b.window, "window", 10*time.Second, "how long each measurement takes")
	cmd.Flags().IntVar(&b.rounds, "rounds", 1, "measure so often, print medians")
	cmd.Flags().StringSliceVar(&b.only, "only", nil, "measure only these: relay, bridged, recorded, setup, acd")
	short := cmd.Flags().Bool("short", false, "less than 30 s, less exact")
	o := outputFlag(cmd)
	cmd.RunE = does(func(ctx context.Context, _ []string) error {
		if b.calls < 1 || b.calls > 2000 || b.rate <= 0 || b.rate > 5000 || b.window <= 0 || b.rounds < 1 {
			return usageError{"bench: calls must be 1 to 2000, rate up to 5000, window and rounds more than nothing", "hotline bench --calls 100 --rate 200"}
		}
		if *short {
			b.window, b.rounds, b.acd = 3*time.Second, 1, 300*time.Millisecond
		}
		var err error
		if b.self, err = os.Executable(); err != nil {
			return fmt.Errorf("bench: %w", err)
		}
		return a.bench(ctx, b, *o)
	})
	cmd.AddCommand(newBenchLoadCmd(a), newBenchRelayCmd(a))
	return cmd
}

// bench measures and prints.
func (a *app) bench(ctx context.Context, b bench, o format) error {
	if o == "table" {
		fmt.Fprintf(a.out, "%d calls at once, %g set-ups a second, %d CPUs, %s\n\n", b.calls, b.rate, runtime.NumCPU(), runtime.Version())
	}
	rows, err := b.measure(ctx)
	if err != nil {
		return err
	}
	var decisions []decisionRow
	if b.wants("acd") && b.acd > 0 {
		for _, agents := range []int{1_000, 10_000} {
			decisions = append(decisions, decide(agents, b.acd))
		}
	}
	if o == "json" {
		for _, r := range rows {
			if err := a.jsonLine(r); err != nil {
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
	return a.printBench(rows, decisions)
}

func (b bench) wants(name string) bool { return len(b.only) == 0 || slices.Contains(b.only, name) }

// measure does all rounds, one kind after the other in each, so that a busy
// moment of the machine meets all of them.
func (b bench) measure(ctx context.Context) ([]benchRow, error) {
	results := map[string][]callload.Result{}
	for range b.rounds {
		for _, k := range benchKinds {
			if !b.wants(k.name) {
				continue
			}
			r, err := b.one(ctx, k)
			if err != nil {
				return nil, fmt.Errorf("bench: %s: %w", k.name, err)
			}
			results[k.name] = append(results[k.name], r)
		}
	}
	var rows []benchRow
	var relay float64
	for _, k := range benchKinds {
		all := results[k.name]
		if len(all) == 0 {
			continue
		}
		row := k.row(all)
		if k.number == "" {
			relay = row.Cost
		}
		if relay > 0 && !k.silent {
			row.Ratio = row.Cost / relay
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// cost is the CPU time for each unit, in ms.
func (k benchKind) cost(r callload.Result) float64 {
	if k.silent {
		return r.CPU / float64(max(r.Calls, 1))
	}
	return r.CPU / (float64(max(r.Calls, 1)) * max(r.Seconds, 0.001))
}

// row takes the round with the median cost and the losses of all.
func (k benchKind) row(all []callload.Result) benchRow {
	slices.SortFunc(all, func(x, y callload.Result) int { return cmp.Compare(k.cost(x), k.cost(y)) })
	r := all[len(all)/2]
	cost := k.cost(r)
	var sum callload.Result
	for _, x := range all {
		sum.Sent += x.Sent
		sum.Lost += x.Lost
		sum.Misrouted += x.Misrouted
		sum.Twice += x.Twice
		sum.Failed += x.Failed
		sum.Dropped += x.Dropped
	}
	r.Sent, r.Lost, r.Misrouted, r.Twice, r.Failed, r.Dropped = sum.Sent, sum.Lost, sum.Misrouted, sum.Twice, sum.Failed, sum.Dropped
	row := benchRow{Name: k.name, What: k.what, Unit: k.unit, Cost: cost, Result: r}
	if !k.silent {
		row.PerCall = (r.RSSBusy - r.RSSIdle) / int64(max(r.Calls, 1))
	}
	return row
}

// printBench prints the table.
func (a *app) printBench(rows []benchRow, decisions []decisionRow) error {
	g := grid{head: []string{"WHAT", "CPU-MS PER", "", "RATIO", "KB/CALL", "CALLS", "FAILED", "PACKETS", "LOST", "MISROUTED", "DELAY P50/P99", "SET-UP P50/P99"}}
	for _, r := range rows {
		x := r.Result
		cells := []string{r.What, r.Unit, fmt.Sprintf("%.2f", r.Cost), "", "", fmt.Sprint(x.Calls), fmt.Sprint(x.Failed), "", "", "", "", ""}
		if r.Ratio > 0 {
			cells[3] = fmt.Sprintf("%.2f", r.Ratio)
		}
		if x.Sent > 0 {
			cells[4] = fmt.Sprint(r.PerCall >> 10)
			cells[7], cells[8], cells[9] = fmt.Sprint(x.Sent), fmt.Sprint(x.Lost), fmt.Sprint(x.Misrouted)
			cells[10] = fmt.Sprintf("%.1f/%.1f ms", x.DelayP50, x.DelayP99)
		}
		if x.SetupP50 > 0 {
			cells[11] = fmt.Sprintf("%.1f/%.1f ms", x.SetupP50, x.SetupP99)
		}
		g.add(cells...)
	}
	if len(rows) > 0 {
		if err := a.print(g); err != nil {
			return err
		}
	}
	for i, r := range rows {
		if i == 0 {
			fmt.Fprintln(a.out)
		}
		if r.Result.Failed > 0 {
			fmt.Fprintf(a.out, "%s: failed: %v\n", r.Name, r.Result.Why)
		}
		if r.Result.Dropped > 0 {
			fmt.Fprintf(a.out, "%s: %d datagrams met a full socket buffer somewhere on this machine\n", r.Name, r.Result.Dropped)
		}
	}
	for _, d := range decisions {
		fmt.Fprintf(a.out, "acd: %d agents: %.0f decisions/s, p99 %.3f ms\n", d.Agents, d.PerSecond, d.P99)
	}
	return nil
}
