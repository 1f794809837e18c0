package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"hotline/cmd/hotline/config"
)

// commands are all commands, in the order of the help.
var commands = []func(*app) *cobra.Command{
	newServeCmd, newInitCmd, newCheckCmd, newApplyCmd, newExportCmd,
	newStatusCmd, newAgentCmd, newQueueCmd, newNumberCmd, newTrunkCmd, newCallerCmd, newConferenceCmd,
	newListenCmd, newWhisperCmd, newBargeCmd, newAuditCmd,
	newEvaluationCmd, newGradesCmd, newCustomerCmd, newWhyCmd, newReportCmd,
	newVoicemailCmd, newCallbackCmd, newCallCmd, newCDRCmd, newRecordingCmd, newMediaCmd,
	newDialCmd, newDemoCmd, newSimulateCmd, newBenchCmd,
	newBanCmd, newDoctorCmd, newVersionCmd,
}

func newRootCmd(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "hotline",
		Short: "A call center in one binary",
		Long: `hotline is a call center in one binary.

  hotline init       writes hotline.yaml and center.yaml, with comments
  hotline serve      runs the call center
  hotline apply -f center.yaml
                     changes agents, queues, numbers and flows while calls run

The other commands look into a running process, which they find by --data.
Exit codes: 0 ok, 1 failed, 2 wrong usage, 3 no process answers.`,
		SilenceErrors: true, SilenceUsage: true,
		Args: noCommand, RunE: func(cmd *cobra.Command, args []string) error { return cmd.Help() },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	f := root.PersistentFlags()
	f.StringVarP(&a.configFile, "config", "c", "", "hotline.yaml to read (default: "+config.FileName+" here, if there is one)")
	f.StringVar(&a.dataFlag, "data", "", "data directory of the process")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError{of(cmd) + err.Error(), cmd.CommandPath() + " --help"}
	})
	for _, c := range commands {
		root.AddCommand(c(a))
	}
	return root
}

// group is a command that only holds others.
func group(use, short string, sub ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{
		Use: use, Short: short, Args: noCommand,
		RunE: func(cmd *cobra.Command, args []string) error { return cmd.Help() },
	}
	c.AddCommand(sub...)
	return c
}

// noCommand refuses a word that is no command below this one.
func noCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return usageError{fmt.Sprintf("%sno command %q", of(cmd), args[0]), config.Suggest(args[0], names)}
}

// of begins an error with the command, "agent state: ".
func of(cmd *cobra.Command) string {
	if !cmd.HasParent() {
		return ""
	}
	return strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" ") + ": "
}

// exactly wants the arguments named, "ID STATE".
func exactly(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == n {
			return nil
		}
		what := fmt.Sprintf("%s%d arguments, wants %d", of(cmd), len(args), n)
		return usageError{what, cmd.UseLine()}
	}
}

func atMost(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) <= n {
			return nil
		}
		return usageError{fmt.Sprintf("%s%d arguments, wants %d at most", of(cmd), len(args), n), cmd.UseLine()}
	}
}
