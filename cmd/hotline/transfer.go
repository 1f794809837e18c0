package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"hotline/api"
	"hotline/call"
)

// transferWait is longer than a phone rings for a transfer.
const transferWait = 40 * time.Second

// newTransferCmd leads a caller to somebody else and tells what came of it.
func newTransferCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "transfer CALL TO", Short: "Lead the caller to somebody else", Args: exactly(2),
		Long: "Leads the caller of a talk to somebody else. The agent stays until somebody answers,\n" +
			"and has his caller back if nobody does; if he has hung up his phone rings. The\n" +
			"command waits for what comes of it, and fails if nobody takes the caller; the call\n" +
			"goes on whether it waits or not." + toHelp + callHelp,
		Example: "  hotline call transfer 1001 agent:1002"}
	as := cmd.Flags().String("as", "", "agent for whom it is asked: his permissions count")
	no := cmd.Flags().Bool("no-wait", false, "do not wait for what comes of it")
	o := outputFlag(cmd)
	cmd.RunE = withClient(a, func(ctx context.Context, c *api.Client, args []string) error {
		if *no {
			if err := c.Order(ctx, args[0], api.OrderRequest{Order: call.Order{Do: call.DoTransfer, To: args[1]}, As: *as}); err != nil {
				return err
			}
			_, err := fmt.Fprintf(a.out, "%s: transfer %s\n", plain(args[0]), plain(args[1]))
			return err
		}
		v, err := c.Transfer(ctx, args[0], args[1], *as, transferWait)
		if err != nil {
			return err
		}
		if *o == "json" {
			err = a.jsonLine(v)
		} else if words := transferWords(v); words != "" {
			_, err = fmt.Fprintf(a.out, "%s: %s\n", plain(args[0]), words)
		}
		if err != nil {
			return err
		}
		return transferFailed(args[0], v)
	})
	return cmd
}

// transferWords say what came of a transfer that did not fail.
func transferWords(v call.TransferView) string {
	switch v.State {
	case call.TransferAnswered:
		return plain(v.By) + " has taken the call"
	case call.TransferLed:
		return "led to " + plain(v.To)
	case call.TransferRuns:
		return plain(v.To) + " rings still; see hotline call list"
	}
	return ""
}

func transferFailed(ref string, v call.TransferView) error {
	what := fmt.Sprintf("transfer %s to %s", plain(ref), plain(v.To))
	switch v.State {
	case call.TransferBack:
		return &api.Error{What: what, Why: plain(v.Why) + "; the caller goes back to the agent"}
	case call.TransferGone:
		return &api.Error{What: what, Why: plain(v.Why)}
	}
	return nil
}
