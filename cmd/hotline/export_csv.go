package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hotline/api"
	"hotline/store"
)

// csvFlag adds -o csv|json.
func csvFlag(cmd *cobra.Command) *string {
	return cmd.Flags().StringP("output", "o", "csv", "csv with a head (RFC 4180), or json: one object per line")
}

func csvOrJSON(form string) error {
	if form != "csv" && form != "json" {
		return usageError{fmt.Sprintf("-o %q: neither csv nor json", form), "-o csv"}
	}
	return nil
}

// table writes lines of CSV.
type table struct{ w *csv.Writer }

func (a *app) table(head ...string) table {
	t := table{csv.NewWriter(a.out)}
	t.add(head...)
	return t
}

// add writes a line; the error comes at the end.
func (t table) add(cells ...string) {
	for i, c := range cells {
		cells[i] = harmless(plain(c))
	}
	_ = t.w.Write(cells)
}

func (t table) end() error {
	t.w.Flush()
	return t.w.Error()
}

// harmless keeps what callers and agents wrote from being a formula in a spreadsheet:
// it stands behind an apostrophe there. Numbers such as +4930 are none.
func harmless(s string) string {
	if s == "" || !strings.ContainsAny(s[:1], "=+-@\t\r\n") {
		return s
	}
	if rest := s[1:]; strings.ContainsAny(s[:1], "+-") && rest != "" && strings.Trim(rest, "0123456789.") == "" {
		return s
	}
	return "'" + s
}

// inSeconds is a time span as a number for spreadsheets.
func inSeconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }

// newExportCDRCmd writes call records for other programs.
func newExportCDRCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "cdr", Short: "Print call records as CSV", Args: exactly(0),
		Long: "Prints call records, newest first, one a line: times as RFC 3339, lengths in seconds.",
		Example: "  hotline export cdr --from today --disposition sale > sales.csv\n" +
			"  hotline export cdr --disposition -     # served, but nothing noted"}
	form, flags := csvFlag(cmd), addFilterFlags(cmd)
	addCodeFlag(flags)
	cmd.RunE = withClient(a, func(ctx context.Context, c *api.Client, _ []string) error {
		if err := csvOrJSON(*form); err != nil {
			return err
		}
		f, err := flags.filter(time.Now(), "json")
		if err != nil {
			return err
		}
		if *form == "json" {
			return c.CDRs(ctx, f, func(r store.CDR) error { return a.jsonLine(r) })
		}
		t := a.table("id", "began", "answered", "ended", "length", "caller", "name", "called", "from", "queue", "agent", "language",
			"talk", "wrap_up", "disposition", "notes", "noted_by", "ratings", "status", "cause", "blame", "callback", "recordings")
		err = c.CDRs(ctx, f, func(r store.CDR) error { t.add(cdrCells(r)...); return t.w.Error() })
		if end := t.end(); err == nil {
			err = end
		}
		return err
	})
	return cmd
}

func cdrCells(r store.CDR) []string {
	at := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.Format(time.RFC3339)
	}
	var noted store.Disposition
	if r.Disposition != nil {
		noted = *r.Disposition
	}
	var wrapUp time.Duration
	for _, t := range r.Talks {
		wrapUp += t.WrapUp.D()
	}
	return []string{r.ID, at(r.Began), at(r.Answered), at(r.Ended), inSeconds(r.Length()), r.Caller, r.Name, r.Called, r.From, r.Queue,
		r.Agent, r.Language, inSeconds(talked(r)), inSeconds(wrapUp), noted.Code, noted.Notes, noted.By, ratings(r.Ratings),
		fmt.Sprint(r.Cause.Status), r.Cause.Text, r.Cause.Blame, r.Callback, strings.Join(r.Recordings, " ")}
}

// newExportOutcomesCmd writes the counts of dispositions and wrap-ups.
func newExportOutcomesCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "dispositions", Short: "Print what came of calls as CSV, by queue and agent", Args: exactly(0),
		Long: "Prints the counts of hotline report dispositions as CSV. A line with kind disposition counts\n" +
			"calls of a code (none: nothing was noted); one with kind work has talks, wrap-ups and their\n" +
			"lengths in seconds."}
	form, flags := csvFlag(cmd), addSpanFlags(cmd)
	cmd.RunE = withClient(a, func(ctx context.Context, c *api.Client, _ []string) error {
		if err := csvOrJSON(*form); err != nil {
			return err
		}
		f, err := flags.filter(time.Now())
		if err != nil {
			return err
		}
		v, err := c.OutcomeReport(ctx, f)
		switch {
		case err != nil:
			return err
		case *form == "json":
			return a.jsonLine(v)
		}
		t := a.table("kind", "queue", "agent", "disposition", "name", "calls", "talks", "talk", "wrap_ups", "wrap_up")
		for _, r := range v.Outcomes {
			t.add("disposition", r.Queue, r.Agent, r.Code, r.Name, fmt.Sprint(r.Calls), "", "", "", "")
		}
		for _, r := range v.Work {
			t.add("work", r.Queue, r.Agent, "", "", "", fmt.Sprint(r.Talks), inSeconds(r.Talk.D()), fmt.Sprint(r.WrapUps), inSeconds(r.WrapUp.D()))
		}
		return t.end()
	})
	return cmd
}
