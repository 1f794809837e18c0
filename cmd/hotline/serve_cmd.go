package main

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hotline/cmd/hotline/config"
)

func newServeCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "serve", Short: "Run the call center", Args: exactly(0),
		Long: `Runs the call center until it is told to stop (SIGTERM, ctrl-C).

Flags override the environment (HOTLINE_DATA, HOTLINE_SIP, ...), which overrides
hotline.yaml, which overrides the defaults. Without a center applied, it runs an
empty one: see hotline init and hotline apply.`,
		Example: "  hotline serve --data /var/lib/hotline --sip udp://0.0.0.0:5060,tcp://0.0.0.0:5060 --rtp 0.0.0.0:10000-19999",
	}
	addKeyFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return does(func(ctx context.Context, _ []string) error {
			c, err := a.load(keyFlags(cmd.Flags()))
			if err != nil {
				return flagFault(err)
			}
			return serve(ctx, c, a.out, a.err)
		})(cmd, nil)
	}
	return cmd
}

// addKeyFlags adds the keys of hotline.yaml as flags.
func addKeyFlags(cmd *cobra.Command) {
	for _, k := range config.Keys {
		if k.Name != "data" { // a flag of all commands
			addKeyFlag(cmd.Flags(), k.Name)
		}
	}
}

// addKeyFlag makes a key of hotline.yaml a flag.
func addKeyFlag(f *pflag.FlagSet, name string) {
	for _, k := range config.Keys {
		if k.Name != name {
			continue
		}
		usage := strings.ReplaceAll(k.Doc["en"], "\n", " ")
		if k.Default != "" {
			usage += " (default " + k.Default + ")"
		}
		f.String(k.Flag(), "", usage)
	}
}

// keyFlags are the keys of hotline.yaml that were given as flags.
func keyFlags(f *pflag.FlagSet) map[string]string {
	given := map[string]string{}
	for _, k := range config.Keys {
		if fl := f.Lookup(k.Flag()); fl != nil && fl.Changed {
			given[k.Name] = fl.Value.String()
		}
	}
	return given
}

// flagFault makes an error of usage of a wrong value that came by a flag.
func flagFault(err error) error {
	var ps config.Problems
	if errors.As(err, &ps) && strings.HasPrefix(ps[0].File, "--") {
		return usageError{ps[0].File + ": " + ps[0].What, ps[0].Try}
	}
	return err
}
