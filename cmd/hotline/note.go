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

// newNoteCmd says what came of a call.
func newNoteCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "note CALL", Short: "Say what came of a call", Args: exactly(1),
		Long: "Keeps in the record of a call what came of it: one of the codes in settings,\n" +
			"dispositions, and notes in your own words. During the talk, in wrap-up or later; what\n" +
			"is not named stays. CALL is the id of a call, or of an agent: his last call.\n" +
			"On his phone an agent dials *6 and the code's digits.",
		Example: "  hotline call note 1001 --code sale --text 'calls back on Monday'"}
	code, text := cmd.Flags().String("code", "", "one of settings, dispositions, or its digits"), cmd.Flags().String("text", "", "notes")
	as := cmd.Flags().String("as", "", "agent who says so: it must be his call")
	o := outputFlag(cmd)
	cmd.RunE = withClient(a, func(ctx context.Context, c *api.Client, args []string) error {
		if *code == "" && *text == "" {
			return usageError{"note: what came of it?", "hotline call note " + args[0] + " --code sale --text '...'"}
		}
		d, err := c.Note(ctx, args[0], api.NoteRequest{NoteRequest: call.NoteRequest{Code: *code, Text: *text}, As: *as})
		switch {
		case err != nil:
			return err
		case *o == "json":
			return a.jsonLine(d)
		}
		return a.fields("call", args[0], "code", d.Code, "notes", d.Notes, "by", d.By)
	})
	return cmd
}

// newWrapUpCmd ends or extends the time after a call.
func newWrapUpCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "wrap-up ID", Short: "End an agent's wrap-up, or extend it", Args: exactly(1),
		Long: "Ends the time that an agent has after a call; with --extend it lasts so much longer,\n" +
			"an hour at most. On his phone he dials *44, or *44 and a digit, for more minutes, *440\n" +
			"to end it, and *41 to be ready whatever he had asked for.",
		Example: "  hotline agent wrap-up 1001 --extend 2m"}
	by := cmd.Flags().Duration("extend", 0, "by how much; without it the wrap-up ends")
	cmd.RunE = withClient(a, func(ctx context.Context, c *api.Client, args []string) error {
		if cmd.Flags().Changed("extend") && (*by < time.Second || *by > time.Hour) {
			return usageError{fmt.Sprintf("--extend %s: out of range", *by), "1s to 1h"}
		}
		if err := c.WrapUp(ctx, args[0], api.WrapUpRequest{Extend: store.Duration(*by)}); err != nil {
			return err
		}
		done := "wrap-up ended"
		if *by != 0 {
			done = "wrap-up extended by " + by.String()
		}
		_, err := fmt.Fprintf(a.out, "%s: %s\n", plain(args[0]), done)
		return err
	})
	return cmd
}
