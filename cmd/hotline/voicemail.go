package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"hotline/api"
)

func newVoicemailCmd(a *app) *cobra.Command {
	return group("voicemail", "Messages that callers left", newVoicemailListCmd(a), newVoicemailShowCmd(a), newVoicemailPlayCmd(a),
		newVoicemailClaimCmd(a), newVoicemailHandleCmd(a), newVoicemailDeleteCmd(a))
}

var voicemailHead = []string{"ID", "BOX", "AT", "CALLER", "LENGTH", "STATE", "CLAIMED", "HANDLED", "NOTE"}

func voicemailRow(v api.VoicemailReply) []string {
	return []string{v.ID, v.Box, clock(v.At), v.Caller, span(v.Length.D()), v.State, v.Claimed, v.Handled, v.Note}
}

func newVoicemailListCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List messages, newest first", Args: exactly(0)}
	o := outputFlag(cmd)
	box := cmd.Flags().String("box", "", "only of this mailbox")
	cmd.RunE = withClient(a, func(ctx context.Context, c *api.Client, _ []string) error {
		list, err := c.Voicemails(ctx, *box)
		if err != nil {
			return err
		}
		g := grid{head: voicemailHead}
		for _, v := range list {
			if *o == "json" {
				if err := a.jsonLine(v); err != nil {
					return err
				}
				continue
			}
			g.add(voicemailRow(v)...)
		}
		if *o == "json" {
			return nil
		}
		return a.print(g)
	})
	return cmd
}

func newVoicemailShowCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "show ID", Short: "Show one message", Args: exactly(1)}
	o := outputFlag(cmd)
	cmd.RunE = withClient(a, func(ctx context.Context, c *api.Client, args []string) error {
		var v api.VoicemailReply
		if err := c.Show(ctx, "voicemail", args[0], &v); err != nil {
			return err
		}
		return a.showVoicemail(v, *o)
	})
	return cmd
}

func (a *app) showVoicemail(v api.VoicemailReply, o format) error {
	if o == "json" {
		return a.jsonLine(v)
	}
	row := voicemailRow(v)
	return a.fields("voicemail", row[0], "box", row[1], "at", row[2], "caller", row[3], "name", v.Name, "length", row[4], "state", row[5],
		"call", v.Call, "heard", clock(v.Heard), "claimed by", row[6], "claimed at", clock(v.Since), "handled by", row[7],
		"handled at", clock(v.Done), "note", row[8])
}

func newVoicemailPlayCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "play ID FILE", Short: "Save the audio of a message as a WAV file; - is standard output", Args: exactly(2),
		Long: "Saves the audio of a message as a WAV file, the caller on the left. On his phone an agent\nhears the messages of his boxes by *97."}
	force := cmd.Flags().Bool("force", false, "overwrite the file if it exists")
	cmd.RunE = withClient(a, func(ctx context.Context, c *api.Client, args []string) error {
		var v api.VoicemailReply
		if err := c.Show(ctx, "voicemail", args[0], &v); err != nil {
			return err
		}
		if args[1] == "-" {
			_, err := c.Audio(ctx, v.ID, a.out)
			return err
		}
		n, err := exportTo(args[1], *force, func(w io.Writer) (int64, error) { return c.Audio(ctx, v.ID, w) })
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(a.out, "%s: %s\n", plain(args[1]), size(n))
		return err
	})
	return cmd
}

func newVoicemailClaimCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "claim ID --as AGENT", Short: "Give a message to one agent and no other", Args: exactly(1),
		Long: "Gives a message to one agent and no other. A second claim is refused and says whose\nthe message is."}
	as, o := cmd.Flags().String("as", "", "id of the agent"), outputFlag(cmd)
	cmd.RunE = withClient(a, func(ctx context.Context, c *api.Client, args []string) error {
		if *as == "" {
			return usageError{"voicemail claim: for which agent?", "hotline voicemail claim " + args[0] + " --as 1001"}
		}
		v, err := c.ClaimVoicemail(ctx, args[0], api.VoicemailRequest{As: *as})
		if err != nil {
			return err
		}
		return a.showVoicemail(v, *o)
	})
	return cmd
}

func newVoicemailHandleCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "handle ID --as AGENT", Short: "Note that what a message asks for is done", Args: exactly(1),
		Example: "  hotline voicemail handle 09bk --as 1001 --note 'called back, sends an offer'"}
	as, note, o := cmd.Flags().String("as", "", "id of the agent"), cmd.Flags().String("note", "", "what was done"), outputFlag(cmd)
	cmd.RunE = withClient(a, func(ctx context.Context, c *api.Client, args []string) error {
		if *as == "" {
			return usageError{"voicemail handle: by which agent?", "hotline voicemail handle " + args[0] + " --as 1001"}
		}
		v, err := c.HandleVoicemail(ctx, args[0], api.VoicemailRequest{As: *as, Note: *note})
		if err != nil {
			return err
		}
		return a.showVoicemail(v, *o)
	})
	return cmd
}

func newVoicemailDeleteCmd(a *app) *cobra.Command {
	return &cobra.Command{Use: "delete ID", Short: "Delete a message and its audio", Args: exactly(1),
		RunE: withClient(a, func(ctx context.Context, c *api.Client, args []string) error {
			if err := c.DeleteVoicemail(ctx, args[0]); err != nil {
				return err
			}
			_, err := fmt.Fprintf(a.out, "%s: deleted\n", plain(args[0]))
			return err
		})}
}
