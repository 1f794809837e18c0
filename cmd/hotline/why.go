package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hotline/acd"
	"hotline/api"
	"hotline/call"
)

func newWhyCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "why CALL", Short: "Explain why a call went to which agent", Args: exactly(1),
		Long: "Explains each offer of a call, running or ended: why it came before the other callers,\n" +
			"why this agent was rung and not another, the policy, and the keys that were compared\n" +
			"(the first five calls and agents; the smallest key is first)."}
	o := outputFlag(cmd)
	cmd.RunE = withClient(a, func(ctx context.Context, c *api.Client, args []string) error {
		v, err := c.Why(ctx, args[0])
		switch {
		case err != nil:
			return err
		case *o == "json":
			return a.jsonLine(v)
		}
		return a.printWhy(v)
	})
	return cmd
}

func (a *app) printWhy(v call.Why) error {
	if err := a.fields("call", v.Call, "caller", v.Caller, "queue", v.Queue, "needs", v.Category, "chose", v.Chosen); err != nil {
		return err
	}
	if v.Now == "" && len(v.Decisions) == 0 {
		v.Now = "The call was offered to no agent."
	}
	if v.Now != "" {
		if _, err := fmt.Fprintln(a.out, "\n"+plain(v.Now)); err != nil {
			return err
		}
	}
	for i, d := range v.Decisions {
		if _, err := fmt.Fprintf(a.out, "\noffer %d at %s to agent %s of queue %s\n", i+1, clock(d.At), plain(d.Agent), plain(d.Queue)); err != nil {
			return err
		}
		for _, s := range d.Sentences {
			if _, err := fmt.Fprintln(a.out, "  "+plain(s)); err != nil {
				return err
			}
		}
		if err := a.printKeys(d.Reason); err != nil {
			return err
		}
	}
	return nil
}

// printKeys shows what was compared, where there was more than one.
func (a *app) printKeys(r acd.Reason) error {
	calls := grid{head: []string{"  CALL", "SINCE", "KEY", "STANDING", "MORE"}}
	for _, k := range r.Calls {
		more := []string{figure("priority", k.Priority), figure("match", k.Match), figure("overtaken", float64(k.Overtaken))}
		calls.add("  "+string(k.Call), exact(k.Since), exact(k.Key), fmt.Sprintf("%.2f", k.Standing), listed(more))
	}
	agents := grid{head: []string{"  AGENT", "IDLE SINCE", "KEY", "GRADE", "MORE"}}
	for _, k := range r.Agents {
		more := []string{figure("occupancy", k.Occupancy), figure("sample", k.Sample), figure("skipped", float64(k.Skipped)), figure("measure", k.Measure)}
		agents.add("  "+string(k.Agent), exact(k.IdleSince), exact(k.Key), fmt.Sprintf("%.2f", k.Grade), listed(more))
	}
	for _, g := range []grid{calls, agents} {
		if len(g.rows) < 2 {
			continue
		}
		if err := a.print(g); err != nil {
			return err
		}
	}
	return nil
}

// exact is an instant of the day in local time.
func exact(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("15:04:05.000")
}

func figure(name string, v float64) string {
	if v == 0 {
		return ""
	}
	return fmt.Sprintf("%s %.3g", name, v)
}

func listed(parts []string) string {
	return strings.Join(strings.Fields(strings.Join(parts, " ")), " ")
}
