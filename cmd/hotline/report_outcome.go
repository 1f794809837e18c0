package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"hotline/api"
	"hotline/call"
	"hotline/store"
)

// newOutcomeReportCmd counts dispositions and wrap-ups.
func newOutcomeReportCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "dispositions", Short: "Count what came of calls, by queue and agent", Args: exactly(0),
		Long: "Counts the dispositions that agents noted, and the time that they talked and worked after\n" +
			"talks (wrap-up), by queue and agent. A call counts in the first table for who talked last;\n" +
			"in the second each talk counts, those before a transfer too. No code is shown as -.",
		Example: "  hotline report dispositions --queue sales --from today\n  hotline export dispositions --from 720h > outcomes.csv"}
	o := outputFlag(cmd)
	flags := addSpanFlags(cmd)
	cmd.RunE = withClient(a, func(ctx context.Context, c *api.Client, _ []string) error {
		f, err := flags.filter(time.Now())
		if err != nil {
			return err
		}
		v, err := c.OutcomeReport(ctx, f)
		switch {
		case err != nil:
			return err
		case *o == "json":
			return a.jsonLine(v)
		}
		return a.printOutcomes(v)
	})
	return cmd
}

// spanFlags choose what a report counts.
type spanFlags struct{ from, to, agent, queue string }

func addSpanFlags(cmd *cobra.Command) *spanFlags {
	f := &spanFlags{}
	fl := cmd.Flags()
	fl.StringVar(&f.from, "from", "", "began at or after: 2026-12-24, today, yesterday, 720h (ago)")
	fl.StringVar(&f.to, "to", "", "began before; like --from")
	fl.StringVar(&f.agent, "agent", "", "only of this agent")
	fl.StringVar(&f.queue, "queue", "", "only of this queue")
	return f
}

func (f *spanFlags) filter(now time.Time) (store.Filter, error) {
	return (&filterFlags{from: f.from, to: f.to, agent: f.agent, queue: f.queue}).filter(now, "json")
}

func (a *app) printOutcomes(v call.OutcomeReport) error {
	outcomes := grid{head: []string{"QUEUE", "AGENT", "DISPOSITION", "NAME", "CALLS", "SHARE"}}
	of := map[[2]string]int{}
	for _, r := range v.Outcomes {
		of[[2]string{r.Queue, r.Agent}] += r.Calls
	}
	for _, r := range v.Outcomes {
		outcomes.add(r.Queue, r.Agent, r.Code, r.Name, fmt.Sprint(r.Calls),
			fmt.Sprintf("%.0f %%", 100*float64(r.Calls)/float64(of[[2]string{r.Queue, r.Agent}])))
	}
	work := grid{head: []string{"QUEUE", "AGENT", "TALKS", "TALK", "MEAN", "WRAP-UPS", "WRAP-UP", "MEAN"}}
	for _, r := range v.Work {
		work.add(r.Queue, r.Agent, fmt.Sprint(r.Talks), span(r.Talk.D()), span(r.Talk.D()/time.Duration(max(r.Talks, 1))),
			fmt.Sprint(r.WrapUps), span(r.WrapUp.D()), span(r.WrapUp.D()/time.Duration(max(r.WrapUps, 1))))
	}
	if err := a.print(outcomes); err != nil {
		return err
	}
	if _, err := fmt.Fprintln(a.out); err != nil {
		return err
	}
	return a.print(work)
}
