package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hotline/api"
)

func newStatusCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "status", Short: "Show the process at a glance", Args: exactly(0)}
	o := outputFlag(cmd)
	cmd.RunE = withClient(a, func(ctx context.Context, c *api.Client, _ []string) error {
		s, err := c.Status(ctx)
		if err != nil {
			return err
		}
		if *o == "json" {
			return a.jsonLine(s)
		}
		return a.fields(
			"version", s.Version, "up", s.Up.Round(time.Second).String(), "realm", s.Realm,
			"sip", strings.Join(s.SIP, " "), "rtp", s.RTP,
			"audio", fmt.Sprintf("%d legs, %d bridges, %d recordings", s.Media.Legs, s.Media.Bridges, s.Media.Recordings),
			"packets", fmt.Sprintf("%d in, %d out, %d lost, %d late", s.Media.PacketsIn, s.Media.PacketsOut, s.Media.Lost, s.Media.Late),
			"dropped", fmt.Sprintf("%d from strangers, %d malformed", s.Media.Strangers, s.Media.Malformed),
			"faults", fmt.Sprintf("%d silent legs, %d frames concealed, %d without a port, %d bytes not recorded",
				s.Media.Silences, s.Media.Concealed, s.Media.NoPorts, s.Media.Unrecorded),
			"calls", fmt.Sprint(s.Calls), "served", fmt.Sprint(s.Served), "panics", fmt.Sprint(s.Panics),
			"degraded", strings.Join(s.Degraded, "; "),
		)
	})
	return cmd
}
