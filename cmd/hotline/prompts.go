package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"hotline/cmd/hotline/config"
	"hotline/media"
)

// Limits of prompts: 20 minutes in 8 kHz, mono, 16 bit fill the file limit.
const (
	maxPromptFile = 20 << 20       // bytes of a WAV file
	promptRate    = 8000           // Hz of the samples that are sent
	maxPrompt     = 10 * 60 * 8000 // samples: ten minutes
	maxPrompts    = 40 << 20       // samples of all prompts of a file; base64 makes 54 MB of it
)

// readPrompts adds the samples of the files that prompts name. Paths are
// relative to the center's file. Audio that the file has itself comes first.
func readPrompts(f *config.CenterFile) config.Problems {
	var problems config.Problems
	total := 0
	for _, name := range sortedKeys(f.Center.Prompts) {
		prompt := f.Center.Prompts[name]
		for _, lang := range sortedKeys(prompt) {
			audio := prompt[lang]
			if audio.File == "" || len(audio.Audio) > 0 {
				continue
			}
			path := "prompts." + name + "." + lang + ".file"
			samples, err := readPrompt(inDir(f.Dir, audio.File))
			if total += len(samples); err == nil && total > maxPrompts {
				err = fmt.Errorf("all prompts together are longer than %d minutes", maxPrompts/promptRate/60)
			}
			if err != nil {
				problems = append(problems, f.Places.Problem(path, err.Error(), "a WAV file: PCM, mu-law or A-law"))
				continue
			}
			audio.Audio = samples
			prompt[lang] = audio
		}
	}
	return problems
}

func inDir(dir, file string) string {
	if filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(dir, filepath.FromSlash(file))
}

func sortedKeys[T any](m map[string]T) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// readPrompt reads a WAV file of any rate and number of channels as 8 kHz
// mu-law.
func readPrompt(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() || info.Size() > maxPromptFile {
		return nil, fmt.Errorf("%s: not a file of at most %d MB", path, maxPromptFile>>20)
	}
	samples, rate, channels, err := media.ReadWAV(io.LimitReader(f, maxPromptFile))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	samples = media.Resample(mono(samples, channels), rate, promptRate)
	if len(samples) == 0 || len(samples) > maxPrompt {
		return nil, fmt.Errorf("%s: %d s long: wants sound, and at most %d minutes", path, len(samples)/promptRate, maxPrompt/promptRate/60)
	}
	out := make([]byte, len(samples))
	for i, s := range samples {
		out[i] = media.EncodeUlaw(s)
	}
	return out, nil
}

// mono is the mean of the channels.
func mono(samples []int16, channels int) []int16 {
	if channels <= 1 {
		return samples
	}
	out := make([]int16, len(samples)/channels)
	for i := range out {
		sum := 0
		for _, s := range samples[i*channels : (i+1)*channels] {
			sum += int(s)
		}
		out[i] = int16(sum / channels)
	}
	return out
}
