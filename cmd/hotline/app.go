package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/user"
	"strings"

	"github.com/spf13/cobra"

	"hotline/api"
	"hotline/cmd/hotline/config"
)

// Exit codes.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitUnreachable = 3
)

// app is the command line: its streams and the flags of all commands. Each
// command is made by a function newXxxCmd(*app) in a file of its own.
type app struct {
	in       io.Reader
	out, err io.Writer
	env      func(string) (string, bool)

	configFile string // -c
	dataFlag   string // --data
}

// run executes one command line and tells errors on the error stream.
func (a *app) run(ctx context.Context, args []string) int {
	root := newRootCmd(a)
	root.SetArgs(args)
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	code := exitCode(err)
	a.tell(err, code)
	return code
}

// ranError is an error of a command that ran; all others are of its usage.
type ranError struct{ error }

func (e ranError) Unwrap() error { return e.error }

// usageError is a fault in the command line found by the command itself.
type usageError struct{ what, try string }

func (e usageError) Error() string {
	if e.try == "" {
		return e.what
	}
	return e.what + "; try: " + e.try
}

// errTold ends a command that has said itself what is wrong.
var errTold = errors.New("told")

func exitCode(err error) int {
	var ran ranError
	var usage usageError
	switch {
	case !errors.As(err, &ran), errors.As(err, &usage):
		return exitUsage
	case errors.Is(err, api.ErrNobody):
		return exitUnreachable
	}
	return exitFailed
}

// tell prints an error as "hotline: what: why; try: ...", faults in files each
// in its own line.
func (a *app) tell(err error, code int) {
	var problems config.Problems
	switch {
	case errors.Is(err, errTold):
	case errors.As(err, &problems):
		fmt.Fprintln(a.err, plain(problems.Error()))
	case code == exitUnreachable:
		fmt.Fprintf(a.err, "hotline: %v: is it running with this --data? try: hotline serve --data %s\n", err, a.dataFlag)
	case code == exitUsage && !strings.Contains(err.Error(), "; try: "):
		fmt.Fprintf(a.err, "hotline: %s; try: hotline --help\n", oneLine(err))
	default:
		fmt.Fprintf(a.err, "hotline: %s\n", oneLine(err))
	}
}

// oneLine is an error without line breaks and control characters.
func oneLine(err error) string {
	return strings.Join(strings.Fields(plain(err.Error())), " ")
}

// does makes the function of a command from one whose errors count as failed.
func does(f func(ctx context.Context, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if err := f(cmd.Context(), args); err != nil {
			return ranError{err}
		}
		return nil
	}
}

// dataDir is the directory of the process that a command speaks to.
func (a *app) dataDir() (string, error) {
	if a.dataFlag == "" {
		c, err := a.load(nil)
		if err != nil {
			return "", err
		}
		a.dataFlag = c.Data
	}
	return a.dataFlag, nil
}

// load gathers the configuration of a process.
func (a *app) load(flags map[string]string) (config.Config, error) {
	return config.Load(config.Source{Flags: flags, Env: a.env, File: a.configFile})
}

// client speaks to the running process.
func (a *app) client() (*api.Client, error) {
	dir, err := a.dataDir()
	if err != nil {
		return nil, err
	}
	return api.NewClient(dir, actor()), nil
}

// actor is who gives the commands.
func actor() string {
	u, err := user.Current()
	if err != nil {
		return "cli"
	}
	return "cli:" + u.Username
}

// withClient makes the function of a command that needs the running process.
func withClient(a *app, f func(ctx context.Context, c *api.Client, args []string) error) func(*cobra.Command, []string) error {
	return does(func(ctx context.Context, args []string) error {
		c, err := a.client()
		if err != nil {
			return err
		}
		return f(ctx, c, args)
	})
}
