package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"hotline/api"
	"hotline/call"
)

func newCallbackCmd(a *app) *cobra.Command {
	return group("callback", "Callers who hung up and are called at their turn", newCallbackListCmd(a), newCallbackShowCmd(a), newCallbackCancelCmd(a))
}

var callbackHead = []string{"ID", "QUEUE", "NUMBER", "SINCE", "STATE", "PLACE", "TRIES", "LAST", "NEXT", "WHY"}

func callbackRow(v call.CallbackView) []string {
	place, last := "", ""
	if v.Position > 0 {
		place = strconv.Itoa(v.Position)
	}
	if n := len(v.Tries); n > 0 {
		last = v.Tries[n-1].Result
	}
	return []string{v.ID, v.Queue, v.Number, clock(v.Since), v.State, place, strconv.Itoa(len(v.Tries)), last, clock(v.Next), v.Why}
}

func newCallbackListCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List callbacks that wait, newest first", Args: exactly(0)}
	o := outputFlag(cmd)
	all := cmd.Flags().Bool("all", false, "also those that are over, of the last 90 days")
	cmd.RunE = withClient(a, func(ctx context.Context, c *api.Client, _ []string) error {
		list, err := c.Callbacks(ctx, *all)
		if err != nil {
			return err
		}
		g := grid{head: callbackHead}
		for _, v := range list {
			if *o == "json" {
				if err := a.jsonLine(v); err != nil {
					return err
				}
				continue
			}
			g.add(callbackRow(v)...)
		}
		if *o == "json" {
			return nil
		}
		return a.print(g)
	})
	return cmd
}

func newCallbackShowCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "show ID", Short: "Show one callback with its tries", Args: exactly(1)}
	o := outputFlag(cmd)
	cmd.RunE = withClient(a, func(ctx context.Context, c *api.Client, args []string) error {
		list, err := c.Callbacks(ctx, true)
		if err != nil {
			return err
		}
		for _, v := range list {
			switch {
			case v.ID != args[0]:
				continue
			case *o == "json":
				return a.jsonLine(v)
			}
			row := callbackRow(v)
			pairs := []string{"callback", row[0], "queue", row[1], "number", row[2], "caller", v.Caller, "name", v.Name, "call", v.Call,
				"since", row[3], "asked", clock(v.Asked), "state", row[4], "place", row[5], "next", row[8], "ended", clock(v.Ended), "why", row[9]}
			for i, t := range v.Tries {
				pairs = append(pairs, fmt.Sprintf("try %d", i+1), fmt.Sprintf("%s agent %s: %s (call %s)", clock(t.At), t.Agent, t.Result, t.Call))
			}
			return a.fields(pairs...)
		}
		return &api.Error{Status: 404, What: fmt.Sprintf("callback %q", args[0]), Why: "there is none of that id", Try: "hotline callback list --all"}
	})
	return cmd
}

func newCallbackCancelCmd(a *app) *cobra.Command {
	return &cobra.Command{Use: "cancel ID", Short: "End a callback that waits", Args: exactly(1),
		RunE: withClient(a, func(ctx context.Context, c *api.Client, args []string) error {
			if err := c.CancelCallback(ctx, args[0]); err != nil {
				return err
			}
			_, err := fmt.Fprintf(a.out, "%s: cancelled\n", plain(args[0]))
			return err
		})}
}
