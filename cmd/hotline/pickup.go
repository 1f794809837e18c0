package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"hotline/api"
	"hotline/call"
)

// newPickUpCmd is what an agent's phone does by *8.
func newPickUpCmd(a *app) *cobra.Command {
	return newTakeCmd(a, "pickup [AGENT]", "Take what rings at a colleague's phone", atMost(1),
		"Rings the phone of --as, and gives him the caller for whom a colleague's phone rings:\n"+
			"that of AGENT, or without it the one that rings longest. Colleagues share a queue. On\n"+
			"his phone he dials *8, or *8 and the agent's id.",
		"  hotline call pickup --as 1002\n  hotline call pickup 1001 --as 1002", (*api.Client).PickUp)
}

// newUnparkCmd is what an agent's phone does by a slot's number.
func newUnparkCmd(a *app) *cobra.Command {
	return newTakeCmd(a, "unpark SLOT|CALL", "Take a parked caller", exactly(1),
		"Rings the phone of --as, and gives him the caller who is parked in SLOT (701 to 799;\n"+
			"see hotline call list), or the parked CALL. On his phone he dials the slot.",
		"  hotline call unpark 701 --as 1002", (*api.Client).Unpark)
}

func newTakeCmd(a *app, use, short string, args cobra.PositionalArgs, long, example string,
	do func(c *api.Client, ctx context.Context, agent, from string) (call.TakeView, error)) *cobra.Command {
	cmd := &cobra.Command{Use: use + " --as ID", Short: short, Args: args, Long: long, Example: example}
	as := cmd.Flags().String("as", "", "agent whose phone rings, and who gets the caller")
	o := outputFlag(cmd)
	cmd.RunE = withClient(a, func(ctx context.Context, c *api.Client, args []string) error {
		if *as == "" {
			return usageError{cmd.Name() + ": for whom?", "hotline call " + use + " --as 1002"}
		}
		from := ""
		if len(args) > 0 {
			from = args[0]
		}
		v, err := do(c, ctx, *as, from)
		switch {
		case err != nil:
			return err
		case *o == "json":
			return a.jsonLine(v)
		}
		_, err = fmt.Fprintf(a.out, "%s: rings, then has the caller of call %s\n", plain(*as), plain(v.Takes))
		return err
	})
	return cmd
}
