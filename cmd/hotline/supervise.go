package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hotline/api"
	"hotline/store"
)

const superviseHelp = `

CALL is the id of a running call, the beginning of one, or the id of an agent in
talk. The supervisor's phone rings; on it 1 listens, 2 whispers, 3 joins, and 0 or
hanging up leaves. The command again with another word changes the mode too. Only
agents with role: supervisor may, and each act stands in hotline audit list.`

func newListenCmd(a *app) *cobra.Command {
	return newSuperviseCmd(a, "listen", "Let a supervisor listen to a call", "%s listens to call %s",
		"Lets a supervisor hear a running call. Neither caller nor agent hears him."+superviseHelp)
}

func newWhisperCmd(a *app) *cobra.Command {
	return newSuperviseCmd(a, "whisper", "Let a supervisor coach the agent of a call", "%s whispers into call %s",
		"Lets a supervisor hear a running call and speak to the agent alone: the caller\ndoes not hear him, and no recording has him."+superviseHelp)
}

func newBargeCmd(a *app) *cobra.Command {
	return newSuperviseCmd(a, "barge", "Let a supervisor join a call", "%s joins call %s",
		"Lets a supervisor take part in a running call: caller and agent hear him."+superviseHelp)
}

func newSuperviseCmd(a *app, mode, short, said, long string) *cobra.Command {
	cmd := &cobra.Command{Use: mode + " CALL --as SUPERVISOR", Short: short, Long: long, Args: exactly(1),
		Example: "  hotline " + mode + " 1001 --as 9001\n  hotline " + mode + " 1001 --as 9001 --end"}
	as := cmd.Flags().String("as", "", "id of the supervisor whose phone rings")
	end := cmd.Flags().Bool("end", false, "take him out of the call again")
	o := outputFlag(cmd)
	cmd.RunE = withClient(a, func(ctx context.Context, c *api.Client, args []string) error {
		if *as == "" {
			return usageError{mode + ": which supervisor?", "hotline " + mode + " " + args[0] + " --as 9001"}
		}
		if *end {
			if err := c.Unsupervise(ctx, args[0], *as); err != nil {
				return err
			}
			_, err := fmt.Fprintf(a.out, "%s: leaves\n", plain(*as))
			return err
		}
		v, err := c.Supervise(ctx, args[0], api.SuperviseRequest{As: *as, Mode: mode})
		if err != nil {
			return err
		}
		if *o == "json" {
			return a.jsonLine(v)
		}
		state := ""
		if v.State == "ringing" {
			state = " as soon as the phone is answered"
		}
		_, err = fmt.Fprintf(a.out, said+"%s\n", plain(v.Supervisor), plain(v.Call), state)
		return err
	})
	return cmd
}

func newAuditCmd(a *app) *cobra.Command {
	return group("audit", "What people did: to calls, ratings, customers, messages, blocks and conferences", newAuditListCmd(a))
}

func newAuditListCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List what people did, newest first", Args: exactly(0),
		Long: "Lists what people did, newest first: who sat in which call, in which mode, from\nwhen to when, or was refused that; who transferred, parked, moved, recorded, noted or\nhung up which call; who blocked whom, claimed which message, changed or deleted which\nrating or customer, with what was before and what is after it; who asked for it.\nEntries are never changed. --agent finds a supervisor or the agent in the call."}
	o, flags := outputFlag(cmd), addFilterFlags(cmd)
	cmd.RunE = withClient(a, func(ctx context.Context, c *api.Client, _ []string) error {
		f, err := flags.filter(time.Now(), *o)
		if err != nil {
			return err
		}
		g := grid{head: []string{"AT", "SUPERVISOR", "ACT", "MODE", "CALL", "WITH", "STAGE", "BY", "WHY"}}
		err = c.Audits(ctx, f, func(r store.Audit) error {
			if *o == "json" {
				return a.jsonLine(r)
			}
			g.add(clock(r.At), r.Agent, r.Act, r.Mode, r.Call, strings.Join(r.With, " "), r.Stage, r.Actor, changeText(r))
			return nil
		})
		if err != nil || *o == "json" {
			return err
		}
		defer a.cut(len(g.rows), flags)
		return a.print(g)
	})
	return cmd
}

// changeText is why, or what was before and what is after it.
func changeText(r store.Audit) string {
	if r.Before == "" && r.After == "" {
		return r.Text
	}
	or := func(s string) string {
		if s == "" {
			return "nothing"
		}
		return s
	}
	return or(r.Before) + " -> " + or(r.After)
}
