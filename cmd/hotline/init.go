package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"hotline/cmd/hotline/config"
)

func newInitCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "init", Short: "Write hotline.yaml and center.yaml, with comments", Args: exactly(0),
		Long: `Writes two files to begin with:

  hotline.yaml  what the process needs to start, each key with its default
  center.yaml   a small call center: a menu in English and Mandarin, two queues,
                two agents, a supervisor and a survey`,
	}
	dir := cmd.Flags().String("dir", ".", "where to write them")
	lang := cmd.Flags().String("lang", "en", "language of the comments and of the center: en or zh")
	force := cmd.Flags().Bool("force", false, "overwrite files that are there")
	cmd.RunE = does(func(context.Context, []string) error {
		center, ok := config.SampleCenter(*lang)
		if !ok {
			return usageError{fmt.Sprintf("--lang %q: not a language of hotline", *lang), "en or zh"}
		}
		return a.initFiles(*dir, *lang, *force, center)
	})
	return cmd
}

// initFiles writes both files or, if one is there already, none.
func (a *app) initFiles(dir, lang string, force bool, center []byte) error {
	files := []struct {
		name string
		text []byte
		mode os.FileMode // a center may hold secrets of trunks
	}{
		{config.FileName, config.SampleProcess(lang), 0o644},
		{centerName, center, 0o600},
	}
	for _, f := range files {
		path := filepath.Join(dir, f.name)
		if _, err := os.Lstat(path); err == nil && !force {
			return fmt.Errorf("%s: is there already; try: --force, or another --dir", path)
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("init: %w", err)
	}
	for _, f := range files {
		path := filepath.Join(dir, f.name)
		if err := os.WriteFile(path, f.text, f.mode); err != nil {
			return fmt.Errorf("init: %w", err)
		}
		fmt.Fprintf(a.out, "wrote %s\n", path)
	}
	with := ""
	if dir != "." {
		with = " -c " + filepath.Join(dir, config.FileName)
	}
	_, err := fmt.Fprintf(a.out, "next: hotline serve%[1]s\n      hotline apply%[1]s -f %[2]s\n      hotline agent%[1]s secret 1001 --new\n",
		with, filepath.Join(dir, centerName))
	return err
}
