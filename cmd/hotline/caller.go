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

func newCallerCmd(a *app) *cobra.Command {
	return group("caller", "Callers who are kept out", newBlockListCmd(a), newBlockCmd(a), newUnblockCmd(a))
}

func newBlockListCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List the callers who are blocked", Args: exactly(0)}
	o := outputFlag(cmd)
	cmd.RunE = withClient(a, func(ctx context.Context, c *api.Client, _ []string) error {
		all, err := c.Blocks(ctx)
		if err != nil {
			return err
		}
		g := grid{head: []string{"NUMBER", "REASON", "UNTIL", "HEARS", "BY", "SINCE", "CALL"}}
		for _, b := range all {
			if *o == "json" {
				if err := a.jsonLine(b); err != nil {
					return err
				}
				continue
			}
			g.add(b.Number, b.Reason, clock(b.Until), b.Say, b.By, clock(b.At), b.Call)
		}
		if *o == "json" {
			return nil
		}
		return a.print(g)
	})
	return cmd
}

func newBlockCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "block NUMBER", Short: "Keep a caller out", Args: exactly(1),
		Long: "Keeps callers of a number out, or of all numbers that begin so if a star stands\n" +
			"behind it, or who show none (anonymous). They get busy, or hear the prompt of --say.\n" +
			"An agent dials *66 after a call to keep its caller out for settings, block_for (24h).",
		Example: "  hotline caller block +4930123 --reason insults --for 72h\n  hotline caller block '+49190*' --say not-allowed"}
	reason, say := cmd.Flags().String("reason", "", "why"), cmd.Flags().String("say", "", "prompt that the caller hears (default: settings, blocked)")
	long := cmd.Flags().Duration("for", 0, "for how long (default: until he is unblocked)")
	cmd.RunE = withClient(a, func(ctx context.Context, c *api.Client, args []string) error {
		if cmd.Flags().Changed("for") && *long < time.Second {
			return usageError{fmt.Sprintf("--for %s: too short", *long), "--for 24h"}
		}
		v, err := c.Block(ctx, args[0], call.BlockRequest{Reason: *reason, Say: *say, For: store.Duration(*long)})
		if err != nil {
			return err
		}
		until := ""
		if !v.Until.IsZero() {
			until = " until " + clock(v.Until)
		}
		_, err = fmt.Fprintf(a.out, "%s: blocked%s\n", plain(v.Number), until)
		return err
	})
	return cmd
}

func newUnblockCmd(a *app) *cobra.Command {
	return &cobra.Command{Use: "unblock NUMBER", Short: "Let a caller in again", Args: exactly(1),
		Long: "Lets a caller in again. NUMBER is as hotline caller list shows it.",
		RunE: withClient(a, func(ctx context.Context, c *api.Client, args []string) error {
			if err := c.Unblock(ctx, args[0]); err != nil {
				return err
			}
			_, err := fmt.Fprintf(a.out, "%s: not blocked any more\n", plain(args[0]))
			return err
		})}
}
