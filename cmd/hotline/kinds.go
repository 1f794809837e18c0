package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"hotline/api"
	"hotline/call"
)

// kind is a kind of object that can be listed and shown.
type kind[T any] struct {
	name, plural string // "queue", "queues"
	head         []string
	row          func(T) []string
}

// list and show are the commands that all kinds have.
func (k kind[T]) list(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List all " + k.plural, Args: exactly(0)}
	o := outputFlag(cmd)
	cmd.RunE = withClient(a, func(ctx context.Context, c *api.Client, _ []string) error {
		var all []T
		if err := c.List(ctx, k.plural, &all); err != nil {
			return err
		}
		return k.print(a, *o, all)
	})
	return cmd
}

func (k kind[T]) show(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "show ID", Short: "Show one " + k.name, Args: exactly(1)}
	o := outputFlag(cmd)
	cmd.RunE = withClient(a, func(ctx context.Context, c *api.Client, args []string) error {
		var one T
		if err := c.Show(ctx, k.plural, args[0], &one); err != nil {
			return err
		}
		if *o == "json" {
			return a.jsonLine(one)
		}
		var pairs []string
		for i, cell := range k.row(one) {
			pairs = append(pairs, strings.ToLower(k.head[i]), cell)
		}
		return a.fields(pairs...)
	})
	return cmd
}

func (k kind[T]) print(a *app, o format, all []T) error {
	if o == "table" {
		g := grid{head: k.head}
		for _, v := range all {
			g.add(k.row(v)...)
		}
		return a.print(g)
	}
	for _, v := range all {
		if err := a.jsonLine(v); err != nil {
			return err
		}
	}
	return nil
}

var queueKind = kind[call.QueueView]{
	"queue", "queues",
	[]string{"ID", "NAME", "WAITING", "LONGEST", "READY", "TALKING", "OTHERS"},
	func(q call.QueueView) []string {
		longest := ""
		if q.Waiting > 0 {
			longest = span(q.Longest)
		}
		return []string{q.ID, q.Name, fmt.Sprint(q.Waiting), longest, fmt.Sprint(q.Ready), fmt.Sprint(q.Talking), fmt.Sprint(q.Others)}
	},
}

var numberKind = kind[call.NumberView]{
	"number", "numbers",
	[]string{"NUMBER", "NAME", "TO", "TRUNKS"},
	func(n call.NumberView) []string {
		trunks := strings.Join(n.Trunks, " ")
		if trunks == "" {
			trunks = "all"
		}
		return []string{n.Number, n.Name, n.To, trunks}
	},
}

var trunkKind = kind[call.TrunkView]{
	"trunk", "trunks",
	[]string{"ID", "NAME", "REGISTERED", "UNTIL", "PEERS", "ERROR"},
	func(t call.TrunkView) []string {
		registered := "not needed"
		if t.Registers {
			registered = yesNo(t.Registered)
		}
		return []string{t.ID, t.Name, registered, clock(t.Expires), strings.Join(t.Peers, ", "), t.Error}
	},
}

var callKind = kind[call.CallView]{
	"call", "calls",
	[]string{"ID", "CALLER", "NAME", "CALLED", "FROM", "STAGE", "FOR", "LENGTH", "QUEUE", "AGENT", "SUPERVISORS", "AUDIO"},
	func(c call.CallView) []string {
		var watch []string
		for _, s := range c.Supervisors {
			watch = append(watch, s.Supervisor+" "+s.Mode)
		}
		return []string{c.ID, c.Caller, c.Name, c.Called, c.From, c.Stage, since(c.Since), since(c.Began), c.Queue, c.Agent, strings.Join(watch, ", "), audio(c)}
	},
}

// audio is what there is to know of a call's sound.
func audio(c call.CallView) string {
	var parts []string
	for _, s := range c.Silent {
		parts = append(parts, s.Leg+" silent for "+since(s.Since))
	}
	if c.Held {
		parts = append(parts, "on hold")
	}
	if c.Paused {
		parts = append(parts, "recording paused")
	}
	if c.Masked {
		parts = append(parts, "keys masked")
	}
	return strings.Join(parts, ", ")
}

func newQueueCmd(a *app) *cobra.Command {
	return group("queue", "Queues: who waits, who serves", queueKind.list(a), queueKind.show(a))
}

func newNumberCmd(a *app) *cobra.Command {
	return group("number", "Numbers that can be dialled", numberKind.list(a), numberKind.show(a))
}

func newTrunkCmd(a *app) *cobra.Command {
	return group("trunk", "Trunks to the outside world", trunkKind.list(a), trunkKind.show(a))
}

func newCallCmd(a *app) *cobra.Command {
	hangup := &cobra.Command{
		Use: "hangup CALL", Short: "End a running call", Args: exactly(1), Long: "Ends a running call." + callHelp,
		RunE: withClient(a, func(ctx context.Context, c *api.Client, args []string) error {
			if err := c.Hangup(ctx, args[0]); err != nil {
				return err
			}
			_, err := fmt.Fprintf(a.out, "%s: ends\n", plain(args[0]))
			return err
		}),
	}
	return group("call", "Running calls",
		append([]*cobra.Command{callKind.list(a), callKind.show(a), hangup, newMaskCmd(a)}, newOrderCmds(a)...)...)
}
