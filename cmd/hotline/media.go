package main

import (
	"context"
	"log/slog"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"hotline/cmd/hotline/config"
	"hotline/media/remote"
)

// mediaLinger is how long a media process that is told to stop lets its control
// process go first: a service manager stops both at the same time.
const mediaLinger = 10 * time.Second

func newMediaCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "media --socket PATH", Short: "Run the audio of a call center", Args: exactly(0),
		Long: `Runs the audio of a call center for the hotline serve that connects to its
socket. hotline serve starts this by itself; a service manager may run it
instead, with --stay, for a serve with --media unix:PATH.

When serve is killed or upgraded the audio of running calls and their recordings
go on until the next one connects. Flags, environment and hotline.yaml are those
of serve.`,
		Example: "  hotline media --stay --socket /run/hotline/media.sock --rtp 0.0.0.0:10000-19999",
	}
	f := cmd.Flags()
	socket := f.String("socket", "", "Unix socket to listen on; only our user may connect (required)")
	alone := f.Duration("alone", 2*time.Minute, "without a serve for so long, calls and recordings are ended")
	stay := f.Bool("stay", false, "go on after that and wait for the next serve; else exit")
	for _, name := range []string{"rtp", "advertise", "shards", "log_format", "log_level"} {
		addKeyFlag(f, name)
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		switch {
		case *socket == "":
			return usageError{"media: --socket is missing", "hotline media --socket PATH"}
		case *alone < time.Second:
			return usageError{"media: --alone is less than a second", "--alone 2m"}
		}
		return does(func(ctx context.Context, _ []string) error {
			c, err := a.load(keyFlags(f))
			if err != nil {
				return flagFault(err)
			}
			cfg := remote.ServerConfig{Alone: *alone, Stay: *stay, Log: c.Logger(a.err).With("process", "media")}
			return serveMedia(ctx, c, *socket, cfg)
		})(cmd, nil)
	}
	return cmd
}

// serveMedia runs a media process until ctx ends or its work is done.
func serveMedia(ctx context.Context, c config.Config, socket string, cfg remote.ServerConfig) error {
	// Whoever reads our log may die before us.
	signal.Ignore(syscall.SIGPIPE)
	frugal(heapGrowthMedia)
	m, err := mediaConfig(c)
	if err != nil {
		return err
	}
	cfg.Media, cfg.Version = m, version()
	if !cfg.Stay {
		cfg.Linger = mediaLinger
	}
	s, err := remote.NewServer(cfg)
	if err != nil {
		return err
	}
	l, err := listenUnix(socket)
	if err != nil {
		return err
	}
	how, err := beFirst()
	level := slog.LevelInfo
	if err != nil {
		level = slog.LevelWarn
	}
	cfg.Log.Log(ctx, level, "media process runs", "socket", socket, "rtp", c.RTP.String(), "priority", how, "err", err)
	return s.Run(ctx, l)
}
