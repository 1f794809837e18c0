package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hotline/api"
	"hotline/store"
)

func newEvaluationCmd(a *app) *cobra.Command {
	return group("evaluation", "Ratings of agents by callers, and of callers by agents",
		newEvaluationListCmd(a), newEvaluationShowCmd(a), newEvaluationSetCmd(a), newEvaluationDeleteCmd(a), newEvaluationRebuildCmd(a))
}

// customerFlag is --customer, another word for --caller.
func customerFlag(cmd *cobra.Command, f *filterFlags) {
	cmd.Flags().StringVar(&f.caller, "customer", "", "only of this customer's number")
}

func newEvaluationListCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List ratings, newest first", Args: exactly(0),
		Long: "Lists the ratings in force, newest first. Side caller: the caller rated the agent;\nside agent: the agent rated the caller.",
		Example: "  hotline evaluation list --agent 1001 --side caller\n" +
			"  hotline evaluation list --customer +4930111 --from yesterday -o json"}
	o, flags := outputFlag(cmd), addFilterFlags(cmd)
	customerFlag(cmd, flags)
	side := cmd.Flags().String("side", "", "only of this side: caller or agent")
	cmd.RunE = withClient(a, func(ctx context.Context, c *api.Client, _ []string) error {
		f, err := flags.filter(time.Now(), *o)
		if err != nil {
			return err
		}
		var g grid
		err = c.Evaluations(ctx, f, *side, func(e store.Evaluation) error {
			if *o == "json" {
				return a.jsonLine(e)
			}
			addEvaluation(&g, e)
			return nil
		})
		if err != nil || *o == "json" {
			return err
		}
		defer a.cut(len(g.rows), flags)
		return a.printEvaluations(g)
	})
	return cmd
}

func addEvaluation(g *grid, e store.Evaluation) {
	control := ""
	if e.Control {
		control = "yes"
	}
	g.add(e.Call, clock(e.At), e.Side, e.Agent, e.Customer, e.Queue, stars(e.Stars()), itemList(e.Items), clock(e.Edited), control)
}

func (a *app) printEvaluations(g grid) error {
	g.head = []string{"CALL", "AT", "SIDE", "AGENT", "CUSTOMER", "QUEUE", "STARS", "ITEMS", "EDITED", "CONTROL"}
	return a.print(g)
}

func stars(v float64) string {
	if v == 0 {
		return ""
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

// itemList is a rating in one line: "attitude 5, knowledge 4".
func itemList(items map[string]int) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(items)) {
		parts = append(parts, fmt.Sprintf("%s %d", name, items[name]))
	}
	return strings.Join(parts, ", ")
}

func newEvaluationShowCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "show CALL", Short: "Show what both sides said of a call", Args: exactly(1)}
	o := outputFlag(cmd)
	cmd.RunE = withClient(a, func(ctx context.Context, c *api.Client, args []string) error {
		var all []store.Evaluation
		if err := c.Show(ctx, "evaluations", args[0], &all); err != nil {
			return err
		}
		var g grid
		for _, e := range all {
			if *o == "json" {
				if err := a.jsonLine(e); err != nil {
					return err
				}
			}
			addEvaluation(&g, e)
		}
		if *o == "json" {
			return nil
		}
		return a.printEvaluations(g)
	})
	return cmd
}

// ratingFlags say whose rating it is.
type ratingFlags struct{ side, agent, as string }

func addRatingFlags(cmd *cobra.Command) *ratingFlags {
	f := &ratingFlags{}
	cmd.Flags().StringVar(&f.side, "side", "", "caller: he rates the agent; agent: he rates the caller")
	cmd.Flags().StringVar(&f.agent, "agent", "", "which agent, in a call that several served (default: who served last)")
	cmd.Flags().StringVar(&f.as, "as", "", "for whom, with his rights: caller:NUMBER, agent:ID, supervisor:ID")
	return f
}

// missing is the fault of a command without --side.
func (f *ratingFlags) missing(cmd *cobra.Command, call string) error {
	if f.side != "" {
		return nil
	}
	return usageError{of(cmd) + "which side?", cmd.CommandPath() + " " + call + " --side caller"}
}

func newEvaluationSetCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "set CALL --side SIDE --items ITEM=STARS,...", Short: "Give a rating of a served call, or change it", Args: exactly(1),
		Long: "Gives a side's rating of a call in which an agent talked with the caller, or replaces\n" +
			"the one that there is. It counts in the next decision, and stands in hotline audit list.",
		Example: "  hotline evaluation set CALL --side caller --items attitude=5,knowledge=4\n" +
			"  hotline evaluation set CALL --side agent --items overall=2 --as agent:1001"}
	o, flags := outputFlag(cmd), addRatingFlags(cmd)
	items := cmd.Flags().StringSlice("items", nil, "stars from 1 to 5 by category, attitude=5,knowledge=4")
	cmd.RunE = withClient(a, func(ctx context.Context, c *api.Client, args []string) error {
		if err := flags.missing(cmd, args[0]); err != nil {
			return err
		}
		given, err := readItems(*items)
		if err != nil {
			return err
		}
		e, err := c.Evaluate(ctx, args[0], flags.side, api.RatingRequest{Agent: flags.agent, As: flags.as, Items: given})
		switch {
		case err != nil:
			return err
		case *o == "json":
			return a.jsonLine(e)
		}
		rated, by := "agent "+e.Agent, "caller "+e.Customer
		if e.Side == store.SideAgent {
			rated, by = by, rated
		}
		_, err = fmt.Fprintf(a.out, "%s: %s is rated by %s: %s\n", plain(e.Call), plain(rated), plain(by), plain(itemList(e.Items)))
		return err
	})
	return cmd
}

// readItems reads "attitude=5".
func readItems(list []string) (map[string]int, error) {
	if len(list) == 0 {
		return nil, usageError{"--items: how many stars?", "--items attitude=5,knowledge=4"}
	}
	items := map[string]int{}
	for _, s := range list {
		name, value, ok := strings.Cut(s, "=")
		n, err := strconv.Atoi(strings.TrimSpace(value))
		if name = strings.TrimSpace(name); !ok || err != nil || name == "" {
			return nil, usageError{fmt.Sprintf("--items: %q is no category with stars", s), "--items attitude=5,knowledge=4"}
		}
		if _, twice := items[name]; twice {
			return nil, usageError{fmt.Sprintf("--items: %q is given twice", name), "each category once"}
		}
		items[name] = n
	}
	return items, nil
}

func newEvaluationDeleteCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "delete CALL --side SIDE", Short: "Take a rating back, as if it had never been given", Args: exactly(1)}
	flags := addRatingFlags(cmd)
	cmd.RunE = withClient(a, func(ctx context.Context, c *api.Client, args []string) error {
		if err := flags.missing(cmd, args[0]); err != nil {
			return err
		}
		if err := c.Unevaluate(ctx, args[0], flags.side, flags.agent, flags.as); err != nil {
			return err
		}
		_, err := fmt.Fprintf(a.out, "%s: the rating by the %s is deleted\n", plain(args[0]), plain(flags.side))
		return err
	})
	return cmd
}

func newEvaluationRebuildCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "rebuild", Short: "Make all grades anew from the records", Args: exactly(0),
		Long: "Makes all grades of agents and standings of customers anew from the ratings in force.\nThe process does so at each start; calls go on meanwhile."}
	o := outputFlag(cmd)
	cmd.RunE = withClient(a, func(ctx context.Context, c *api.Client, _ []string) error {
		r, err := c.RebuildGrades(ctx)
		switch {
		case err != nil:
			return err
		case *o == "json":
			return a.jsonLine(r)
		}
		_, err = fmt.Fprintf(a.out, "grades are made of %d ratings\n", r.Evaluations)
		return err
	})
	return cmd
}

func newGradesCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "grades", Short: "Show what callers think of the agents, by category", Args: exactly(0),
		Long: "Shows each agent's grade in stars by category, as the next decision uses it: the\n" +
			"smoothed mean of his ratings, older ones counting less, corrected for severe raters.\n" +
			"SURE is how far off it may be, RATINGS how many of today it stands on."}
	o := outputFlag(cmd)
	agent := cmd.Flags().String("agent", "", "only of this agent")
	cmd.RunE = withClient(a, func(ctx context.Context, c *api.Client, _ []string) error {
		all, err := c.Grades(ctx, *agent)
		if err != nil {
			return err
		}
		g := grid{head: []string{"AGENT", "NAME", "CATEGORY", "STARS", "SURE", "RATINGS"}}
		for _, v := range all {
			if *o == "json" {
				if err := a.jsonLine(v); err != nil {
					return err
				}
				continue
			}
			category := v.Category
			if category == "" {
				category = "overall"
			}
			g.add(v.Agent, v.Name, category, stars(v.Stars), fmt.Sprintf("+-%.2f", v.SD), fmt.Sprintf("%.1f", v.Weight))
		}
		if *o == "json" {
			return nil
		}
		return a.print(g)
	})
	return cmd
}
