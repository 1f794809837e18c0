package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"hotline/api"
)

func newRecordingCmd(a *app) *cobra.Command {
	return group("recording", "Recordings of talks", newRecordingListCmd(a), newRecordingShowCmd(a), newRecordingExportCmd(a))
}

var recordingHead = []string{"ID", "BEGAN", "LENGTH", "AGENT", "QUEUE", "CALL", "SIZE", "FILE", "NOTE"}

func recordingRow(r api.RecordingReply) []string {
	note := r.Error
	if r.Torn {
		note = joinNote(note, "recovered after a crash")
	}
	if r.Dropped > 0 {
		note = joinNote(note, fmt.Sprintf("%d pieces lost", r.Dropped))
	}
	return []string{r.ID, clock(r.Began), span(r.Length.D()), r.Agent, r.Queue, r.Call, size(r.Bytes), r.File, note}
}

func joinNote(a, b string) string {
	if a == "" {
		return b
	}
	return a + ", " + b
}

// size is a number of bytes for people.
func size(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%d kB", (n+1023)/1024)
}

func newRecordingListCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List recordings, newest first", Args: exactly(0)}
	o, flags := outputFlag(cmd), addFilterFlags(cmd)
	cmd.RunE = withClient(a, func(ctx context.Context, c *api.Client, _ []string) error {
		f, err := flags.filter(time.Now(), *o)
		if err != nil {
			return err
		}
		g := grid{head: recordingHead}
		err = c.Recordings(ctx, f, func(r api.RecordingReply) error {
			if *o == "json" {
				return a.jsonLine(r)
			}
			g.add(recordingRow(r)...)
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

func newRecordingShowCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "show ID", Short: "Show one recording", Args: exactly(1)}
	o := outputFlag(cmd)
	cmd.RunE = withClient(a, func(ctx context.Context, c *api.Client, args []string) error {
		var r api.RecordingReply
		if err := c.Show(ctx, "recordings", args[0], &r); err != nil {
			return err
		}
		if *o == "json" {
			return a.jsonLine(r)
		}
		row := recordingRow(r)
		return a.fields("recording", row[0], "began", row[1], "length", row[2], "agent", row[3], "queue", row[4],
			"call", row[5], "size", row[6], "file", row[7], "sha256", r.SHA256, "note", row[8])
	})
	return cmd
}

func newRecordingExportCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "export ID FILE", Short: "Copy the WAV file of a recording; - is standard output", Args: exactly(2),
	}
	force := cmd.Flags().Bool("force", false, "overwrite the file if it exists")
	cmd.RunE = withClient(a, func(ctx context.Context, c *api.Client, args []string) error {
		if args[1] == "-" {
			_, err := c.Audio(ctx, args[0], a.out)
			return err
		}
		n, err := exportTo(args[1], *force, func(w io.Writer) (int64, error) { return c.Audio(ctx, args[0], w) })
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(a.out, "%s: %s\n", plain(args[1]), size(n))
		return err
	})
	return cmd
}

// exportTo writes a file that is there whole or not at all.
func exportTo(path string, force bool, write func(io.Writer) (int64, error)) (int64, error) {
	if _, err := os.Lstat(path); err == nil && !force {
		return 0, fmt.Errorf("%s: is there already; try: --force", path)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	tmp := path + ".part"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return 0, err
	}
	n, err := write(f)
	if end := f.Close(); err == nil {
		err = end
	}
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		_ = os.Remove(tmp)
	}
	return n, err
}
