package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"hotline/api"
)

func newMaskCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "mask CALL on|off", Short: "Keep a caller's keys out of the recording", Args: exactly(2),
		Long: `Keeps the keys that the caller of a running talk presses, the number of a card for
example, out of the recording and from the ears of the agent and of supervisors:
they get silence instead, whether the keys sound or come as telephone-events. The
caller's voice stays. It ends by off or with the talk.

CALL is the id of a call, the beginning of one, or the id of the agent in talk,
who can do the same by pressing *8 (settings, keys, mask): one beep says on, two
say off.`,
		Example: "  hotline call mask 1001 on\n  hotline call mask 1001 off",
	}
	o := outputFlag(cmd)
	cmd.RunE = withClient(a, func(ctx context.Context, c *api.Client, args []string) error {
		if args[1] != "on" && args[1] != "off" {
			return usageError{fmt.Sprintf("mask: %q is neither on nor off", args[1]), "hotline call mask " + args[0] + " on"}
		}
		v, err := c.Mask(ctx, args[0], args[1] == "on")
		if err != nil {
			return err
		}
		if *o == "json" {
			return a.jsonLine(v)
		}
		said := "keys of the caller are masked"
		if !v.Masked {
			said = "keys of the caller are heard and recorded"
		}
		_, err = fmt.Fprintf(a.out, "%s: %s\n", plain(v.ID), said)
		return err
	})
	return cmd
}
