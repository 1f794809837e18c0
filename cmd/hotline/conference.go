package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"hotline/api"
	"hotline/call"
)

var conferenceKind = kind[call.ConferenceView]{
	"conference", "conferences",
	[]string{"ID", "NAME", "IN IT", "MOST", "PIN", "LOCKED"},
	func(v call.ConferenceView) []string {
		return []string{v.ID, v.Name, fmt.Sprint(len(v.Members)), fmt.Sprint(v.Max), yesNo(v.PIN), yesNo(v.Locked)}
	},
}

func newConferenceCmd(a *app) *cobra.Command {
	return group("conference", "Conferences: who is in them, and who may be",
		conferenceKind.list(a), newConferenceShowCmd(a), newInviteCmd(a),
		newMemberCmd(a, "mute", "Let somebody hear only", func(ctx context.Context, c *api.Client, room, who string) error {
			return c.ConferenceMute(ctx, room, who, true)
		}),
		newMemberCmd(a, "unmute", "Let somebody be heard again", func(ctx context.Context, c *api.Client, room, who string) error {
			return c.ConferenceMute(ctx, room, who, false)
		}),
		newMemberCmd(a, "kick", "Remove somebody", func(ctx context.Context, c *api.Client, room, who string) error {
			return c.ConferenceKick(ctx, room, who)
		}),
		newLockCmd(a, "lock", "Let nobody in who is not invited", true), newLockCmd(a, "unlock", "Let callers in again", false))
}

func newConferenceShowCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "show ID", Short: "Show a conference and who is in it", Args: exactly(1)}
	o := outputFlag(cmd)
	cmd.RunE = withClient(a, func(ctx context.Context, c *api.Client, args []string) error {
		var v call.ConferenceView
		if err := c.Show(ctx, "conferences", args[0], &v); err != nil {
			return err
		}
		if *o == "json" {
			return a.jsonLine(v)
		}
		if err := a.fields("conference", v.ID, "name", v.Name, "most", fmt.Sprint(v.Max), "pin", yesNo(v.PIN), "locked", yesNo(v.Locked)); err != nil {
			return err
		}
		g := grid{head: []string{"CALL", "CALLER", "NAME", "FROM", "FOR", "MUTED"}}
		for _, m := range v.Members {
			g.add(m.Call, m.Caller, m.Name, m.From, since(m.Since), yesNo(m.Muted))
		}
		if _, err := fmt.Fprintln(a.out); err != nil {
			return err
		}
		return a.print(g)
	})
	return cmd
}

func newInviteCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "invite ID TO", Short: "Ring somebody and let him in", Args: exactly(2),
		Long: "Rings somebody; when he answers he is in the conference, without a PIN and also if it\n" +
			"is locked. Who is called over a trunk presses 1 to accept. TO is agent:ID,\n" +
			"trunk:ID/NUMBER, or a number. An agent in the conference presses *3, a number and #.",
		Example: "  hotline conference invite team agent:1002"}
	as := cmd.Flags().String("as", "", "agent who invites: he must be allowed to dial that")
	cmd.RunE = withClient(a, func(ctx context.Context, c *api.Client, args []string) error {
		v, err := c.ConferenceInvite(ctx, args[0], api.InviteRequest{To: args[1], As: *as})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(a.out, "%s: rings %s (call %s)\n", plain(args[0]), plain(args[1]), plain(v.Call))
		return err
	})
	return cmd
}

func newMemberCmd(a *app, use, short string, do func(ctx context.Context, c *api.Client, room, who string) error) *cobra.Command {
	return &cobra.Command{Use: use + " ID WHO", Short: short, Args: exactly(2),
		Long: short + ". WHO is a call in the conference, the beginning of its id, an agent or a\nnumber. The others hear no gap.",
		RunE: withClient(a, func(ctx context.Context, c *api.Client, args []string) error {
			if err := do(ctx, c, args[0], args[1]); err != nil {
				return err
			}
			_, err := fmt.Fprintf(a.out, "%s: %s %s\n", plain(args[0]), use, plain(args[1]))
			return err
		})}
}

func newLockCmd(a *app, use, short string, on bool) *cobra.Command {
	return &cobra.Command{Use: use + " ID", Short: short, Args: exactly(1),
		Long: short + ". A lock ends with the last one who leaves.",
		RunE: withClient(a, func(ctx context.Context, c *api.Client, args []string) error {
			if err := c.ConferenceLock(ctx, args[0], on); err != nil {
				return err
			}
			_, err := fmt.Fprintf(a.out, "%s: %sed\n", plain(args[0]), use)
			return err
		})}
}
