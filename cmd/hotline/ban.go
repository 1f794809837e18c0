package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"hotline/api"
	"hotline/call"
)

var banKind = kind[call.BanView]{
	"ban", "bans",
	[]string{"ADDRESS", "UNTIL", "TIMES", "FAILED LOG-INS"},
	func(b call.BanView) []string {
		return []string{b.Source, clock(b.Until), fmt.Sprint(b.Times), fmt.Sprint(b.Failures)}
	},
}

func newBanCmd(a *app) *cobra.Command {
	remove := &cobra.Command{
		Use: "remove ADDRESS", Short: "Let an address in again", Args: exactly(1),
		RunE: withClient(a, func(ctx context.Context, c *api.Client, args []string) error {
			if err := c.Unban(ctx, args[0]); err != nil {
				return err
			}
			_, err := fmt.Fprintf(a.out, "%s: may log in again\n", plain(args[0]))
			return err
		}),
	}
	return group("ban", "Addresses kept out for failed log-ins", banKind.list(a), remove)
}
