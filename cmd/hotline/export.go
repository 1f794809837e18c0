package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"hotline/api"
	"hotline/cmd/hotline/config"
)

func newExportCmd(a *app) *cobra.Command {
	form := "yaml"
	center := &cobra.Command{
		Use: "center", Short: "Print the center as it is, in the form that apply reads", Args: exactly(0),
		Long: "Prints the center of the running process, in the form that apply reads. Secrets of\ntrunks are not in it; applying it keeps those that are there. PINs are shown as hashes,\nwhich apply takes as they are: keep the file to yourself, since short PINs can be guessed.",
	}
	center.Flags().StringVarP(&form, "output", "o", "yaml", "yaml or json")
	audio := center.Flags().Bool("audio", false, "with the audio of prompts, as base64")
	center.RunE = withClient(a, func(ctx context.Context, c *api.Client, _ []string) error {
		if form != "yaml" && form != "json" {
			return usageError{fmt.Sprintf("-o %q: neither yaml nor json", form), "-o yaml"}
		}
		r, err := c.Center(ctx, *audio)
		if err != nil {
			return err
		}
		if form == "json" {
			return a.jsonLine(r.Center)
		}
		text, err := config.FormatCenter(r.Center)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(a.out, "# revision %d; secrets of trunks are left out, PINs are hashed\n%s", r.Revision, text)
		return err
	})
	return group("export", "Print the center and records for other programs", center, newExportCDRCmd(a), newExportOutcomesCmd(a))
}
