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

// tableLimit is how many records a table shows when --limit is not given.
const tableLimit = 50

// filterFlags are the flags that choose records.
type filterFlags struct {
	from, to, agent, queue, caller string
	limit                          int
	code                           string // of a disposition; only where addCodeFlag has been called
	cmd                            *cobra.Command
}

func addFilterFlags(cmd *cobra.Command) *filterFlags {
	f := &filterFlags{cmd: cmd}
	fl := cmd.Flags()
	fl.StringVar(&f.from, "from", "", "began at or after: 2026-12-24, '2026-12-24 18:00', today, yesterday, 2h (ago)")
	fl.StringVar(&f.to, "to", "", "began before; like --from")
	fl.StringVar(&f.agent, "agent", "", "only of this agent")
	fl.StringVar(&f.queue, "queue", "", "only of this queue")
	fl.StringVar(&f.caller, "caller", "", "only of this caller's number")
	fl.IntVar(&f.limit, "limit", 0, fmt.Sprintf("the newest so many; 0: all (a table shows %d if this is not given)", tableLimit))
	return f
}

// addCodeFlag chooses calls by what came of them.
func addCodeFlag(f *filterFlags) {
	f.cmd.Flags().StringVar(&f.code, "disposition", "", "only with this code noted; - for calls that an agent served and noted no code of")
}

// filter reads the flags; times are local.
func (f *filterFlags) filter(now time.Time, o format) (store.Filter, error) {
	out := store.Filter{Agent: f.agent, Queue: f.queue, Caller: f.caller, Disposition: f.code, Limit: f.limit}
	var err error
	if out.From, err = instant(f.from, now); err != nil {
		return out, usageError{"--from: " + err.Error(), "--from 2026-12-24"}
	}
	if out.To, err = instant(f.to, now); err != nil {
		return out, usageError{"--to: " + err.Error(), "--to 2026-12-24"}
	}
	if f.limit < 0 {
		return out, usageError{"--limit: is negative", "--limit 0 for all"}
	}
	if o == "table" && !f.cmd.Flags().Changed("limit") {
		out.Limit = tableLimit
	}
	return out, nil
}

// instant reads a time as people write it, in the zone of now.
func instant(s string, now time.Time) (time.Time, error) {
	year, month, day := now.Date()
	today := time.Date(year, month, day, 0, 0, 0, 0, now.Location())
	switch s {
	case "":
		return time.Time{}, nil
	case "today":
		return today, nil
	case "yesterday":
		return today.AddDate(0, 0, -1), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, s, now.Location()); err == nil {
			return t, nil
		}
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	return time.Time{}, fmt.Errorf("%q is not a time", s)
}

// cut says on the error stream that a table does not show all.
func (a *app) cut(rows int, f *filterFlags) {
	if rows == tableLimit && !f.cmd.Flags().Changed("limit") {
		fmt.Fprintf(a.err, "hotline: these are the newest %d; --limit 0 shows all\n", rows)
	}
}

func newCDRCmd(a *app) *cobra.Command {
	return group("cdr", "Call records", newCDRListCmd(a), newCDRShowCmd(a))
}

func newCDRListCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List call records, newest first", Args: exactly(0)}
	o, flags := outputFlag(cmd), addFilterFlags(cmd)
	addCodeFlag(flags)
	cmd.RunE = withClient(a, func(ctx context.Context, c *api.Client, _ []string) error {
		f, err := flags.filter(time.Now(), *o)
		if err != nil {
			return err
		}
		g := grid{head: []string{"ID", "BEGAN", "LENGTH", "CALLER", "CALLED", "QUEUE", "AGENT", "TALK", "RATING", "END"}}
		err = c.CDRs(ctx, f, func(r store.CDR) error {
			if *o == "json" {
				return a.jsonLine(r)
			}
			g.add(r.ID, clock(r.Began), span(r.Length()), r.Caller, r.Called, r.Queue, r.Agent,
				span(talked(r)), ratings(r.Ratings), cause(r.Cause, r.Recovered))
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

func talked(r store.CDR) time.Duration {
	var sum time.Duration
	for _, t := range r.Talks {
		sum += t.Ended.Sub(t.Began)
	}
	return sum
}

func ratings(all []store.Rating) string {
	parts := make([]string, len(all))
	for i, r := range all {
		parts[i] = fmt.Sprintf("%s %d", r.Item, r.Stars)
	}
	return strings.Join(parts, ", ")
}

func cause(c store.Cause, recovered bool) string {
	s := c.Text
	if c.Status != 0 {
		s += fmt.Sprintf(" (%d)", c.Status)
	}
	if c.Blame != "" {
		s += ", " + c.Blame
	}
	if recovered {
		s += ", recovered"
	}
	return s
}

// mos is what a leg sounded like, and at its worst.
func mos(l store.Leg) string {
	if l.MOS == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f (%.1f)", l.MOS, l.WorstMOS)
}

func silent(l store.Leg) string {
	if l.Silent == 0 {
		return ""
	}
	return span(l.Silent.D())
}

func newCDRShowCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "show ID", Short: "Show one call record with its stages, legs and offers", Args: exactly(1)}
	o := outputFlag(cmd)
	cmd.RunE = withClient(a, func(ctx context.Context, c *api.Client, args []string) error {
		var r store.CDR
		if err := c.Show(ctx, "cdrs", args[0], &r); err != nil {
			return err
		}
		if *o == "json" {
			return a.jsonLine(r)
		}
		return a.printCDR(r)
	})
	return cmd
}

func (a *app) printCDR(r store.CDR) error {
	var disposed store.Disposition
	if r.Disposition != nil {
		disposed = *r.Disposition
	}
	if err := a.fields(
		"call", r.ID, "began", clock(r.Began), "answered", clock(r.Answered), "ended", clock(r.Ended),
		"length", span(r.Length()), "caller", r.Caller, "name", r.Name, "called", r.Called, "from", r.From,
		"language", r.Language, "queue", r.Queue, "agent", r.Agent, "talk", span(talked(r)),
		"ratings", ratings(r.Ratings), "recording", r.Recording, "path", strings.Join(r.Path, ", "),
		"disposition", disposed.Code, "notes", disposed.Notes, "noted by", disposed.By,
		"end", cause(r.Cause, r.Recovered), "trace", r.Trace,
	); err != nil {
		return err
	}
	stages := grid{head: []string{"STAGE", "BEGAN", "LENGTH"}}
	for _, s := range r.Stages {
		stages.add(s.Name, clock(s.Began), span(s.Ended.Sub(s.Began)))
	}
	legs := grid{head: []string{"LEG", "PEER", "NUMBER", "BEGAN", "LENGTH", "CODEC", "IN", "OUT", "LOST", "JITTER", "MOS", "SILENT", "END"}}
	for _, l := range r.Legs {
		legs.add(l.Role, l.Peer, l.Number, clock(l.Began), span(l.Ended.Sub(l.Began)), l.Codec, fmt.Sprint(l.In),
			fmt.Sprint(l.Out), fmt.Sprint(l.Lost), l.Jitter.D().Round(100*time.Microsecond).String(), mos(l), silent(l), cause(l.Cause, false))
	}
	offers := grid{head: []string{"OFFER", "AGENT", "QUEUE", "BEGAN", "RANG", "RESULT"}}
	for _, f := range r.Offers {
		rang := ""
		if !f.Ended.IsZero() {
			rang = span(f.Ended.Sub(f.Began))
		}
		offers.add(f.ID, f.Agent, f.Queue, clock(f.Began), rang, f.Result)
	}
	for _, g := range []grid{stages, legs, offers} {
		if len(g.rows) == 0 {
			continue
		}
		if _, err := fmt.Fprintln(a.out); err != nil {
			return err
		}
		if err := a.print(g); err != nil {
			return err
		}
	}
	return nil
}
