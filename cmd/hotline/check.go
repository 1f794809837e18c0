package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"hotline/call"
	"hotline/cmd/hotline/config"
	"hotline/ivr"
	"hotline/store"
)

// centerName is the file that check looks for when none is named.
const centerName = "center.yaml"

func newCheckCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "check [-c hotline.yaml] [-f center.yaml]", Short: "Check the files without running anything", Args: exactly(0),
		Long: `Checks hotline.yaml (-c) and a center (-f), or those of the two that are in this
folder. A center is checked by itself: what it refers to must be in the file. For
a file that names only a part of a center use hotline apply --dry-run.`,
	}
	file := cmd.Flags().StringP("file", "f", "", "center.yaml to check")
	o := outputFlag(cmd)
	cmd.RunE = does(func(context.Context, []string) error { return a.check(*file, *o) })
	return cmd
}

// check looks at both files and tells all that is wrong.
func (a *app) check(centerFile string, o format) error {
	var problems config.Problems
	checked := 0
	process, err := a.load(nil)
	if err := gather(&problems, err); err != nil {
		return err
	}
	if process.File != "" {
		checked++
		a.sayOK(o, len(problems), process.File, "")
	}
	if centerFile == "" {
		if _, err := os.Stat(centerName); err == nil {
			centerFile = centerName
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if centerFile != "" {
		checked++
		before := len(problems)
		c, err := loadCenter(centerFile)
		if err == nil {
			err = checkCenter(c)
		}
		if err := gather(&problems, err); err != nil {
			return err
		}
		a.sayOK(o, len(problems)-before, centerFile, ": "+contents(c.Center))
	}
	if checked == 0 && len(problems) == 0 {
		return errors.New("check: neither hotline.yaml nor center.yaml is here; try: hotline init")
	}
	return a.tellProblems(problems, o)
}

// gather adds problems; any other error is returned.
func gather(to *config.Problems, err error) error {
	var ps config.Problems
	if errors.As(err, &ps) {
		*to = append(*to, ps...)
		return nil
	}
	return err
}

func (a *app) sayOK(o format, problems int, file, what string) {
	if o == "table" && problems == 0 {
		fmt.Fprintf(a.out, "%s: ok%s\n", plain(file), what)
	}
}

// tellProblems ends a command that found some: as JSON on the output, else on
// the error stream.
func (a *app) tellProblems(problems config.Problems, o format) error {
	if len(problems) == 0 {
		return nil
	}
	if o == "table" {
		return problems
	}
	for _, p := range problems {
		if err := a.jsonLine(p); err != nil {
			return err
		}
	}
	return errTold
}

// loadCenter reads a center, the nodes of its flows and the audio of its prompts.
func loadCenter(path string) (config.CenterFile, error) {
	f, err := config.LoadCenter(path)
	if err != nil {
		return f, err
	}
	if ps := append(readFlows(f), readPrompts(&f)...); len(ps) > 0 {
		return f, ps
	}
	return f, nil
}

// checkCenter follows all references of a whole center.
func checkCenter(f config.CenterFile) error {
	if ps := located(f, call.Check(f.Center)); len(ps) > 0 {
		return ps
	}
	return nil
}

// located puts the engine's problems to their places in the file.
func located(f config.CenterFile, problems []call.Problem) config.Problems {
	var out config.Problems
	for _, p := range problems {
		out = append(out, f.Places.Problem(p.Path, p.What, strings.TrimPrefix(p.Try, "try: ")))
	}
	return out
}

// contents counts what a center has.
func contents(c store.Center) string {
	var parts []string
	for _, k := range []struct {
		name string
		n    int
	}{
		{"agent", len(c.Agents)}, {"queue", len(c.Queues)}, {"number", len(c.Numbers)}, {"flow", len(c.Flows)},
		{"trunk", len(c.Trunks)}, {"skill", len(c.Skills)}, {"prompt", len(c.Prompts)}, {"conference", len(c.Conferences)}, {"block", len(c.Blocks)}, {"mailbox", len(c.Voicemail)}, {"table of hours", len(c.Hours)},
	} {
		switch {
		case k.n == 1:
			parts = append(parts, "1 "+k.name)
		case k.n > 1 && k.name == "table of hours":
			parts = append(parts, fmt.Sprintf("%d tables of hours", k.n))
		case k.n > 1 && k.name == "mailbox":
			parts = append(parts, fmt.Sprintf("%d mailboxes", k.n))
		case k.n > 1:
			parts = append(parts, fmt.Sprintf("%d %ss", k.n, k.name))
		}
	}
	if len(parts) == 0 {
		return "nothing in it"
	}
	return strings.Join(parts, ", ")
}

// readFlows reads the nodes of all flows as the engine does, so that what is
// wrong with one is shown at its place.
func readFlows(f config.CenterFile) config.Problems {
	var out config.Problems
	for _, id := range sortedKeys(f.Center.Flows) {
		flow := f.Center.Flows[id]
		text, err := json.Marshal(flow)
		if err != nil {
			continue // the nodes are missing: the engine says so
		}
		_, err = ivr.Parse(text)
		var faults ivr.Problems
		if !errors.As(err, &faults) {
			continue
		}
		for _, p := range faults {
			out = append(out, f.Places.Problem("$.flows."+id+strings.TrimPrefix(p.Path, "$"), p.What, p.Try))
		}
	}
	return out
}
