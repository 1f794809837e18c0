package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"hotline/api"
	"hotline/call"
	"hotline/store"
)

func newCustomerCmd(a *app) *cobra.Command {
	return group("customer", "Customers: who called, what they are worth, who served them",
		newCustomerListCmd(a), newCustomerShowCmd(a), newCustomerSetCmd(a))
}

func newCustomerListCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List all customers by number", Args: exactly(0)}
	o := outputFlag(cmd)
	cmd.RunE = withClient(a, func(ctx context.Context, c *api.Client, _ []string) error {
		g := grid{head: []string{"NUMBER", "NAME", "TIER", "LANGUAGE", "CALLS", "LAST", "AGENT", "PREFERRED", "NEVER"}}
		err := c.Customers(ctx, func(v store.Customer) error {
			if *o == "json" {
				return a.jsonLine(v)
			}
			g.add(v.ID, v.Name, v.Tier, v.Language, fmt.Sprint(v.Calls), clock(v.Last), v.Agent, v.Preferred, strings.Join(v.Never, " "))
			return nil
		})
		if err != nil || *o == "json" {
			return err
		}
		return a.print(g)
	})
	return cmd
}

func newCustomerShowCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "show NUMBER", Short: "Show a customer, his standing and who served him", Args: exactly(1)}
	o := outputFlag(cmd)
	cmd.RunE = withClient(a, func(ctx context.Context, c *api.Client, args []string) error {
		var v call.CustomerView
		if err := c.Show(ctx, "customers", args[0], &v); err != nil {
			return err
		}
		if *o == "json" {
			return a.jsonLine(v)
		}
		return a.printCustomer(v)
	})
	return cmd
}

func (a *app) printCustomer(v call.CustomerView) error {
	standing := "never rated"
	if v.Ratings > 0 {
		standing = fmt.Sprintf("%.2f stars from agents (%.1f ratings)", v.Stars, v.Ratings)
	}
	if err := a.fields("number", v.ID, "name", v.Name, "tier", v.Tier, "language", v.Language, "standing", standing,
		"calls", fmt.Sprint(v.Calls), "first", clock(v.First), "last", clock(v.Last), "served last by", v.Agent,
		"preferred", v.Preferred, "never", strings.Join(v.Never, " "), "greeting", v.Greeting, "notes", v.Notes); err != nil || len(v.Contacts) == 0 {
		return err
	}
	g := grid{head: []string{"CALL", "AT", "AGENT", "QUEUE", "BY CALLER", "BY AGENT"}}
	for _, ct := range v.Contacts {
		g.add(ct.Call, clock(ct.At), ct.Agent, ct.Queue, itemList(ct.ByCaller), itemList(ct.ByAgent))
	}
	if _, err := fmt.Fprintln(a.out); err != nil {
		return err
	}
	return a.print(g)
}

func newCustomerSetCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "set NUMBER", Short: "Set a customer's tier, agents, language or notes", Args: exactly(1),
		Long: "Sets what the flags name and leaves the rest; an empty value takes it back. His next\n" +
			"call follows it. A number that has never called may be set too.",
		Example: "  hotline customer set +4930111 --tier gold --preferred 1001\n" +
			"  hotline customer set +4930111 --never 1002,1003 --language zh\n  hotline customer set +4930111 --tier ''"}
	o := outputFlag(cmd)
	fl := cmd.Flags()
	texts := map[string]*string{
		"name":      fl.String("name", "", "how he is called"),
		"tier":      fl.String("tier", "", "one of the center's tiers"),
		"preferred": fl.String("preferred", "", "agent for whom his calls are held a while"),
		"language":  fl.String("language", "", "of prompts, until he chooses another"),
		"greeting":  fl.String("greeting", "", "prompt that he hears instead of a number's greeting"),
		"notes":     fl.String("notes", "", "for agents and supervisors"),
	}
	never := fl.String("never", "", "agents who are never offered his calls: 1002,1003")
	cmd.RunE = withClient(a, func(ctx context.Context, c *api.Client, args []string) error {
		var ch call.CustomerChange
		n := 0
		for name, to := range map[string]**string{"name": &ch.Name, "tier": &ch.Tier, "preferred": &ch.Preferred, "language": &ch.Language, "notes": &ch.Notes, "greeting": &ch.Greeting} {
			if fl.Changed(name) {
				*to = texts[name]
				n++
			}
		}
		if fl.Changed("never") {
			list := strings.FieldsFunc(*never, func(r rune) bool { return r == ',' || r == ' ' })
			ch.Never = &list
			n++
		}
		if n == 0 {
			return usageError{"customer set: what?", cmd.CommandPath() + " " + args[0] + " --tier gold"}
		}
		v, err := c.SetCustomer(ctx, args[0], ch)
		switch {
		case err != nil:
			return err
		case *o == "json":
			return a.jsonLine(v)
		}
		return a.fields("number", v.ID, "name", v.Name, "tier", v.Tier, "language", v.Language,
			"preferred", v.Preferred, "never", strings.Join(v.Never, " "), "greeting", v.Greeting, "notes", v.Notes)
	})
	return cmd
}
