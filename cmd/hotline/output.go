package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"
)

// format is the value of -o.
type format string

func (f *format) String() string { return string(*f) }
func (f *format) Type() string   { return "form" }

// Set takes table and json.
func (f *format) Set(v string) error {
	if v != "table" && v != "json" {
		return fmt.Errorf("%q is neither table nor json", v)
	}
	*f = format(v)
	return nil
}

// outputFlag adds -o to a command.
func outputFlag(cmd *cobra.Command) *format {
	f := format("table")
	cmd.Flags().VarP(&f, "output", "o", "table, or json: one object per line")
	return &f
}

// jsonLine prints one object in one line.
func (a *app) jsonLine(v any) error {
	e := json.NewEncoder(a.out)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// grid is a table with a head.
type grid struct {
	head []string
	rows [][]string
}

func (g *grid) add(cells ...string) { g.rows = append(g.rows, cells) }

// print aligns the columns; the last one is not filled up.
func (a *app) print(g grid) error {
	widths := make([]int, len(g.head))
	all := append([][]string{g.head}, g.rows...)
	for i, row := range all {
		for j, cell := range row {
			row[j] = plain(cell)
			if i > 0 && row[j] == "" {
				row[j] = "-"
			}
			widths[j] = max(widths[j], width(row[j]))
		}
	}
	var b strings.Builder
	for i, row := range all {
		var line strings.Builder
		for j, cell := range row {
			line.WriteString(cell)
			if j < len(row)-1 {
				line.WriteString(strings.Repeat(" ", widths[j]-width(cell)+2))
			}
		}
		if i == 0 && a.colours() {
			fmt.Fprintf(&b, "\x1b[1m%s\x1b[0m\n", line.String())
			continue
		}
		b.WriteString(line.String() + "\n")
	}
	_, err := io.WriteString(a.out, b.String())
	return err
}

// fields prints names and values, one per line; empty values are left out.
func (a *app) fields(pairs ...string) error {
	most := 0
	for i := 0; i < len(pairs); i += 2 {
		most = max(most, width(pairs[i]))
	}
	var b strings.Builder
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			fmt.Fprintf(&b, "%s%s%s\n", pairs[i], strings.Repeat(" ", most-width(pairs[i])+2), plain(pairs[i+1]))
		}
	}
	_, err := io.WriteString(a.out, b.String())
	return err
}

// colours is true on a terminal, unless NO_COLOR is set.
func (a *app) colours() bool {
	if v, ok := a.env("NO_COLOR"); ok && v != "" {
		return false
	}
	f, ok := a.out.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// plain keeps text of strangers (names of callers) from commanding the terminal.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' {
			return r
		}
		if unicode.IsControl(r) || r == unicode.ReplacementChar || unicode.Is(unicode.Bidi_Control, r) {
			return '?'
		}
		return r
	}, s)
}

// width is the number of columns that a text takes on a terminal: two for the
// wide letters of East Asia.
func width(s string) int {
	n := 0
	for _, r := range s {
		switch {
		case unicode.Is(unicode.Mn, r):
		case r >= 0x1100 && (r <= 0x115F || r >= 0x2E80 && r <= 0xA4CF || r >= 0xAC00 && r <= 0xD7A3 ||
			r >= 0xF900 && r <= 0xFAFF || r >= 0xFE30 && r <= 0xFE6F || r >= 0xFF00 && r <= 0xFF60 ||
			r >= 0xFFE0 && r <= 0xFFE6 || r >= 0x1F300 && r <= 0x1FAFF || r >= 0x20000 && r <= 0x3FFFD):
			n += 2
		default:
			n++
		}
	}
	return n
}

// clock is an instant in local time.
func clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

// span is a length of time as m:ss or h:mm:ss.
func span(d time.Duration) string {
	if d < 0 {
		d = 0
	}
	s := int(d.Round(time.Second) / time.Second)
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

// since is the time from then until now.
func since(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return span(time.Since(t))
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
