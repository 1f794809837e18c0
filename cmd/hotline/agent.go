package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"hotline/api"
	"hotline/call"
)

var agentKind = kind[call.AgentView]{
	"agent", "agents",
	[]string{"ID", "NAME", "STATE", "FOR", "CALL", "QUEUES", "PHONE", "GRADE", "RATINGS", "SECRET"},
	func(v call.AgentView) []string {
		state, grade, phone := v.State, "", v.Phone
		if v.Reason != "" {
			state += " (" + v.Reason + ")"
		}
		if v.Outside {
			state += ", in a talk"
		}
		switch {
		case v.Consulting != "":
			state += ", consults " + v.Consulting
		case v.Held:
			state += ", holds"
		}
		if v.Paused {
			state += ", recording paused"
		}
		for _, s := range v.Supervisors {
			state += ", with " + s.Supervisor + " (" + s.Mode + ")"
		}
		if len(v.Parked) > 0 {
			state += ", parked " + strings.Join(v.Parked, " ")
		}
		if v.Ratings > 0 {
			grade = fmt.Sprintf("%.2f", v.Grade)
		}
		if phone == "" {
			phone = "not registered"
		} else if !v.Reachable {
			phone += " (unreachable)"
		}
		return []string{
			v.ID, v.Name, state, since(v.Since), v.Call, strings.Join(v.Queues, " "),
			phone, grade, fmt.Sprint(v.Ratings), yesNo(v.HasSecret),
		}
	},
}

func newAgentCmd(a *app) *cobra.Command {
	return group("agent", "Agents: their states and their phones' secrets",
		agentKind.list(a), agentKind.show(a), newAgentStateCmd(a), newAgentSecretCmd(a), newAgentDialCmd(a), newWrapUpCmd(a))
}

// states are those that can be chosen.
var states = []string{"ready", "not-ready", "logged-out"}

func newAgentStateCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "state ID ready|not-ready|logged-out", Short: "Change an agent's state", Args: exactly(2),
		Long:    "Changes an agent's state. While he talks or wraps up, it takes effect after that.",
		Example: "  hotline agent state 1001 not-ready --reason lunch",
	}
	reason := cmd.Flags().String("reason", "", "why he is not ready: lunch, meeting, ...")
	cmd.RunE = withClient(a, func(ctx context.Context, c *api.Client, args []string) error {
		q := api.StateRequest{State: strings.ReplaceAll(args[1], " ", "-"), Reason: *reason}
		if !slices.Contains(states, q.State) {
			return usageError{fmt.Sprintf("state %q: not a state that can be chosen", args[1]), strings.Join(states, ", ")}
		}
		if *reason != "" && q.State != "not-ready" {
			return usageError{"--reason: only not-ready has a reason", cmd.UseLine()}
		}
		if err := c.SetAgentState(ctx, args[0], q); err != nil {
			return err
		}
		_, err := fmt.Fprintf(a.out, "%s: %s\n", plain(args[0]), q.State)
		return err
	})
	return cmd
}

func newAgentSecretCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "secret ID --new", Short: "Give an agent's phone a new secret", Args: exactly(1),
		Long: "Makes a new secret for the phone of an agent and prints it once. Only hashes of it\nare kept; the old secret is void at once.",
	}
	renew := cmd.Flags().Bool("new", false, "make a new one; the old one is void at once")
	o := outputFlag(cmd)
	cmd.RunE = withClient(a, func(ctx context.Context, c *api.Client, args []string) error {
		if !*renew {
			return usageError{"secret: the present secret can't be shown, only its hashes are kept", "hotline agent secret " + args[0] + " --new"}
		}
		s, err := c.NewSecret(ctx, args[0])
		if err != nil {
			return err
		}
		if *o == "json" {
			return a.jsonLine(s)
		}
		_, err = fmt.Fprintln(a.out, s.Secret)
		return err
	})
	return cmd
}
