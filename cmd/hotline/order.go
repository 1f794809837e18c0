package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"hotline/api"
	"hotline/call"
)

const callHelp = `

CALL is the id of a running call, the beginning of one, or the id of the agent in
it.`

const toHelp = `

TO is agent:ID, queue:ID, flow:ID, conference:ID, trunk:ID/NUMBER, or a number as
somebody would dial it. With --as it must be one that this agent may dial.`

// orders are the subcommands of hotline call that ask something of a talk.
var orders = []struct{ do, short, long string }{
	{call.DoConsult, "Let the agent ask somebody while the caller waits", "Rings somebody for the agent; the caller hears music meanwhile. Then toggle, join,\ncomplete or cancel. If the agent hangs up the two are left alone; if the other one\ndoes the agent is back with his caller." + toHelp},
	{call.DoToggle, "In a consultation: talk with the other one", ""},
	{call.DoJoin, "In a consultation: let all three talk", ""},
	{call.DoComplete, "In a consultation: leave the two alone", ""},
	{call.DoCancel, "Back to the caller from a consultation or transfer", ""},
	{call.DoHold, "Let the caller hear music, the agent nothing", ""},
	{call.DoRetrieve, "End a hold", ""},
	{call.DoPark, "Let the caller wait without an agent", "Lets the caller hear music in a slot, 701 to 799, that the agent is told. Whoever\ndials it on his phone, or by unpark, has the caller; after two minutes the agent's phone rings."},
	{call.DoSurvey, "End the agent's part and ask the caller to rate", ""},
	{call.DoRecord, "Begin a recording", ""},
	{call.DoStopRecord, "End the recording", ""},
	{call.DoPause, "Keep silence in the recording", "The recording goes on as silence, also after a transfer, until resume or until\nsettings, pause_limit (5m) is over."},
	{call.DoResume, "Record voices again", ""},
}

func newOrderCmds(a *app) (all []*cobra.Command) {
	for _, o := range orders {
		all = append(all, newOrderCmd(a, o.do, o.short, o.long))
	}
	return append(all, newTransferCmd(a), newMoveCmd(a), newFrontCmd(a), newTakeOverCmd(a), newNoteCmd(a), newPickUpCmd(a), newUnparkCmd(a))
}

func newOrderCmd(a *app, do, short, long string) *cobra.Command {
	use, want := do+" CALL", 1
	if do == call.DoConsult {
		use, want = use+" TO", 2
	}
	if long == "" {
		long = short + "."
	}
	cmd := &cobra.Command{Use: use, Short: short, Long: long + callHelp, Args: exactly(want)}
	as := cmd.Flags().String("as", "", "agent for whom it is asked: his permissions count")
	cmd.RunE = withClient(a, func(ctx context.Context, c *api.Client, args []string) error {
		q := api.OrderRequest{Order: call.Order{Do: do}, As: *as}
		if want == 2 {
			q.To = args[1]
		}
		if err := c.Order(ctx, args[0], q); err != nil {
			return err
		}
		_, err := fmt.Fprintf(a.out, "%s: %s\n", plain(args[0]), strings.TrimSpace(do+" "+plain(q.To)))
		return err
	})
	return cmd
}

// newAgentDialCmd is click to dial by command.
func newAgentDialCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "dial AGENT TO", Short: "Ring an agent's phone, then call somebody for him", Args: exactly(2),
		Long: "Rings an agent's phone; when he answers it goes on as if he had dialled TO there: a\n" +
			"number, a feature code such as *97, agent:ID, queue:ID, trunk:ID/NUMBER. He must be\n" +
			"allowed to dial it, and to show the number of --show.",
		Example: "  hotline agent dial 1001 004930123456 --show 0800123"}
	show := cmd.Flags().String("show", "", "number of ours that the other one sees")
	cmd.RunE = withClient(a, func(ctx context.Context, c *api.Client, args []string) error {
		v, err := c.Dial(ctx, args[0], api.DialRequest{To: args[1], Show: *show})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(a.out, "%s: rings, then %s (call %s)\n", plain(args[0]), plain(args[1]), plain(v.Call))
		return err
	})
	return cmd
}

func newMoveCmd(a *app) *cobra.Command {
	return &cobra.Command{Use: "move CALL TO", Short: "Lead a call elsewhere, whatever it does", Args: exactly(2),
		Long:    "Takes a call out of its menu, queue or talk and leads it elsewhere; an agent in it is\nset free." + toHelp + callHelp,
		Example: "  hotline call move 1001 queue:support",
		RunE: withClient(a, func(ctx context.Context, c *api.Client, args []string) error {
			if err := c.Move(ctx, args[0], args[1]); err != nil {
				return err
			}
			_, err := fmt.Fprintf(a.out, "%s: move %s\n", plain(args[0]), plain(args[1]))
			return err
		})}
}

func newFrontCmd(a *app) *cobra.Command {
	return &cobra.Command{Use: "front CALL", Short: "Put a waiting caller before all others", Args: exactly(1),
		Long: "Puts a waiting caller before all others of his queue." + callHelp,
		RunE: withClient(a, func(ctx context.Context, c *api.Client, args []string) error {
			if err := c.Front(ctx, args[0]); err != nil {
				return err
			}
			_, err := fmt.Fprintf(a.out, "%s: in front\n", plain(args[0]))
			return err
		})}
}

func newTakeOverCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "takeover CALL --as SUPERVISOR", Short: "Let a supervisor serve the caller instead of the agent", Args: exactly(1),
		Long: "Lets a supervisor talk with the caller of a call in menu, queue or talk; an agent in\nit is set free. His phone rings if he does not sit in the call already, where 4 does\nthe same." + callHelp}
	as := cmd.Flags().String("as", "", "id of the supervisor")
	cmd.RunE = withClient(a, func(ctx context.Context, c *api.Client, args []string) error {
		if *as == "" {
			return usageError{"takeover: which supervisor?", "hotline call takeover " + args[0] + " --as 9001"}
		}
		v, err := c.TakeOver(ctx, args[0], *as)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(a.out, "%s takes call %s over\n", plain(v.Supervisor), plain(v.Call))
		return err
	})
	return cmd
}
