// Command hotline is a call center in one binary: serve runs it, the other
// commands configure it and look into it.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() { os.Exit(mainCode()) }

// mainCode runs the command of the process and returns its exit code.
func mainCode() int {
	// A second signal has its plain effect: the process ends at once.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	return newApp(os.Stdin, os.Stdout, os.Stderr, os.LookupEnv).run(ctx, os.Args[1:])
}

// newApp makes the command line with its streams and environment.
func newApp(in io.Reader, out, err io.Writer, env func(string) (string, bool)) *app {
	return &app{in: in, out: out, err: err, env: env}
}
