package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hotline/api"
	"hotline/call"
	"hotline/store"
)

func newReportCmd(a *app) *cobra.Command {
	return group("report", "Reports", newControlReportCmd(a), newOutcomeReportCmd(a))
}

func newControlReportCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "control", Short: "Show what the policy brings, against the control group", Args: exactly(0),
		Long: "Compares the contacts that a queue's policy served with its control group, which is\n" +
			"chosen at random and served first come first served: stars given by callers, wait, and\n" +
			"the share that gave up. The interval has the true difference in 95 of 100 cases (Welch).",
		Example: "  hotline report control --queue sales --from 720h"}
	o := outputFlag(cmd)
	var from, to, queue string
	fl := cmd.Flags()
	fl.StringVar(&from, "from", "", "began at or after: 2026-12-24, today, yesterday, 720h (ago)")
	fl.StringVar(&to, "to", "", "began before; like --from")
	fl.StringVar(&queue, "queue", "", "only of this queue")
	cmd.RunE = withClient(a, func(ctx context.Context, c *api.Client, _ []string) error {
		f := store.Filter{Queue: queue}
		var err error
		if f.From, err = instant(from, time.Now()); err != nil {
			return usageError{"--from: " + err.Error(), "--from 2026-12-24"}
		}
		if f.To, err = instant(to, time.Now()); err != nil {
			return usageError{"--to: " + err.Error(), "--to 2026-12-24"}
		}
		v, err := c.ControlReport(ctx, f)
		switch {
		case err != nil:
			return err
		case *o == "json":
			return a.jsonLine(v)
		}
		return a.printControl(v)
	})
	return cmd
}

func (a *app) printControl(v call.ControlReport) error {
	if len(v.Queues) > 0 {
		if _, err := fmt.Fprintln(a.out, "queues: "+plain(strings.Join(v.Queues, ", "))); err != nil {
			return err
		}
		g := grid{head: []string{"MEASURE", "POLICY", "N", "CONTROL", "N", "DIFFERENCE", "95 % INTERVAL"}}
		for _, c := range v.Measures {
			row := comparedRow(c)
			g.add(row...)
		}
		if err := a.print(g); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(a.out, plain(v.Verdict))
	return err
}

// units are how the measures are shown: factor and unit.
var units = map[string]struct {
	factor float64
	unit   string
	name   string
}{"rating": {1, "", "rating, stars"}, "wait": {1, " s", "wait"}, "abandoned": {100, " %", "gave up"}}

func comparedRow(c call.Comparison) []string {
	u := units[c.Measure]
	if u.name == "" {
		u.factor, u.name = 1, c.Measure
	}
	show := func(v float64) string { return fmt.Sprintf("%.2f%s", u.factor*v, u.unit) }
	row := []string{u.name, show(c.Policy.Mean), fmt.Sprint(c.Policy.N), show(c.Control.Mean), fmt.Sprint(c.Control.N), "", ""}
	if c.Policy.N == 0 {
		row[1] = ""
	}
	if c.Control.N == 0 {
		row[3] = ""
	}
	if c.Policy.N > 1 && c.Control.N > 1 {
		row[5] = fmt.Sprintf("%+.2f%s", u.factor*c.Difference, u.unit)
		row[6] = fmt.Sprintf("%+.2f to %+.2f%s", u.factor*c.Low, u.factor*c.High, u.unit)
	}
	return row
}
