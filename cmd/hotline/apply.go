package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"hotline/api"
	"hotline/call"
)

func newApplyCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "apply -f center.yaml", Short: "Change the center while calls run", Args: exactly(0),
		Long: `Changes agents, queues, numbers, flows and so on to what the file says. What the
file does not name stays, unless --prune is given: then objects of the kinds that
the file has are deleted if it does not name them. Applying a file twice changes
nothing the second time. The next call follows the new rules.`,
		Example: "  hotline apply -f center.yaml --dry-run",
	}
	file := cmd.Flags().StringP("file", "f", "", "center.yaml to apply")
	prune := cmd.Flags().Bool("prune", false, "delete what the file does not name, of the kinds that it has")
	dry := cmd.Flags().Bool("dry-run", false, "only print what would change")
	o := outputFlag(cmd)
	cmd.RunE = withClient(a, func(ctx context.Context, c *api.Client, _ []string) error {
		if *file == "" {
			return usageError{"apply: no file", "hotline apply -f center.yaml"}
		}
		f, err := loadCenter(*file)
		if err != nil {
			return err
		}
		res, err := c.Apply(ctx, call.ApplyRequest{Center: f.Center, Prune: *prune, DryRun: *dry, Actor: c.Actor})
		if err != nil {
			return err
		}
		if len(res.Problems) > 0 {
			return a.tellProblems(located(f, res.Problems), *o)
		}
		if *o == "json" {
			return a.jsonLine(res)
		}
		return a.printApplied(res, *dry)
	})
	return cmd
}

// signs mark the operations of a diff.
var signs = map[string]string{"create": "+", "change": "~", "delete": "-"}

func (a *app) printApplied(res call.ApplyResult, dry bool) error {
	var b strings.Builder
	counts := map[string]int{}
	for _, d := range res.Changes {
		counts[d.Op]++
		sign, ok := signs[d.Op]
		if !ok {
			sign = d.Op
		}
		fmt.Fprintf(&b, "%s %s %s\n", sign, d.Kind, d.ID)
		for _, f := range d.Fields {
			fmt.Fprintf(&b, "    %s\n", f)
		}
	}
	switch {
	case len(res.Changes) == 0:
		fmt.Fprintf(&b, "nothing to change (revision %d)\n", res.Revision)
	case dry:
		fmt.Fprintf(&b, "would make revision %d: %s\n", res.Revision+1, counted(counts))
	default:
		fmt.Fprintf(&b, "revision %d: %s\n", res.Revision, counted(counts))
	}
	_, err := fmt.Fprint(a.out, plain(b.String()))
	return err
}

func counted(n map[string]int) string {
	var parts []string
	for _, op := range []struct{ op, did string }{{"create", "created"}, {"change", "changed"}, {"delete", "deleted"}} {
		if n[op.op] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[op.op], op.did))
		}
	}
	return strings.Join(parts, ", ")
}
