package main

import (
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/spf13/cobra"
)

// burnSignal makes a server under "bench serve" take all the CPU that it can get.
const burnSignal = syscall.SIGUSR1

// newBenchServeCmd is serve, but for what the signal does to it.
func newBenchServeCmd(a *app) *cobra.Command {
	cmd := newServeCmd(a)
	cmd.Hidden, cmd.Short = true, "Run a call center that burns CPU on a signal"
	run := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c := make(chan os.Signal, 1)
		signal.Notify(c, burnSignal)
		go burnAfter(c) // ends with the process
		return run(cmd, args)
	}
	return cmd
}

// burnAfter waits and then computes and allocates on all CPUs, twice on each.
func burnAfter(c <-chan os.Signal) {
	<-c
	for range 2 * runtime.GOMAXPROCS(0) {
		go func() { // ends with the process
			var keep [64][]byte
			for i := 0; ; i++ {
				b := make([]byte, 4096)
				for j := range b {
					b[j] = byte(i * j)
				}
				keep[i%len(keep)] = b
			}
		}()
	}
}
