package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"hotline/api"
	"hotline/media"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"hotline": main})
}

// TestScripts runs testdata/cli, the command line as people use it.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "../../testdata/cli",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("TZ", "UTC")
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits": exits, "answers": answers, "wav": wav, "mode": mode, "served": servedCalls,
		},
	})
}

// exits CODE COMMAND...: the command ends with this code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code: got %d, want %d", got, want)
	}
}

// answers DIR: waits until a process with this data directory answers.
func answers(ts *testscript.TestScript, neg bool, args []string) {
	c := api.NewClient(ts.MkAbs(args[0]), "test")
	var err error
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if _, err = c.Status(context.Background()); err == nil {
			return
		}
	}
	ts.Fatalf("nobody answers: %v", err)
}

// wav FILE RATE CHANNELS SECONDS: writes a tone of 440 Hz.
func wav(ts *testscript.TestScript, neg bool, args []string) {
	var n [3]int
	for i := range n {
		v, err := strconv.Atoi(args[i+1])
		ts.Check(err)
		n[i] = v
	}
	samples := make([]int16, n[0]*n[1]*n[2])
	for i := range samples {
		samples[i] = int16(8000 * math.Sin(2*math.Pi*440*float64(i/n[1])/float64(n[0])))
	}
	f, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(media.WriteWAV(f, samples, n[0], n[1]))
	ts.Check(f.Close())
}

// mode FILE PERM: the file has these permissions, "600".
func mode(ts *testscript.TestScript, neg bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if got := fmt.Sprintf("%o", info.Mode().Perm()); got != args[1] {
		ts.Fatalf("mode of %s: got %s, want %s", args[0], got, args[1])
	}
}
