package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"time"

	"hotline/ivr/prompts"
	"hotline/media"
)

// readSpeech reads a WAV file as 8 kHz mono.
func readSpeech(path string) ([]int16, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("play: %w", err)
	}
	defer func() { _ = f.Close() }()
	return speechOf(f)
}

func speechOf(r io.Reader) ([]int16, error) {
	pcm, rate, channels, err := media.ReadWAV(r)
	if err != nil {
		return nil, fmt.Errorf("play: %w; try: sox in.wav -r 8000 -c 1 -b 16 out.wav", err)
	}
	mono := make([]int16, len(pcm)/channels)
	for i := range mono {
		sum := 0
		for _, s := range pcm[i*channels : (i+1)*channels] {
			sum += int(s)
		}
		mono[i] = int16(sum / channels)
	}
	return media.Resample(mono, rate, 8000), nil
}

// sentence is the beginning of a prompt, cut at a pause so that the demonstration
// stays short.
func sentence(lang, name string) ([]int16, error) {
	wav, ok := prompts.WAV(lang, name)
	if !ok {
		return nil, fmt.Errorf("demo: no prompt %s in language %q", name, lang)
	}
	pcm, err := speechOf(bytes.NewReader(wav))
	if err != nil {
		return nil, err
	}
	return pcm[:pauseBefore(pcm, int(demoSentence/time.Millisecond)*8)], nil
}

// pauseBefore is the middle of the longest pause in the second half of the first
// most samples.
func pauseBefore(pcm []int16, most int) int {
	const frame = 160
	if len(pcm) <= most {
		return len(pcm)
	}
	best, longest, quiet := most, 0, 0
	for at := most / 2; at+frame <= most; at += frame {
		if media.Level(pcm[at:at+frame]) > -40 {
			quiet = 0
			continue
		}
		if quiet += frame; quiet > longest {
			longest, best = quiet, at+frame-quiet/2
		}
	}
	return best
}

// channels reads both sides of a recording.
func channels(file string) (left, right []int16, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, nil, fmt.Errorf("recording: %w", err)
	}
	defer func() { _ = f.Close() }()
	pcm, _, n, err := media.ReadWAV(f)
	if err != nil {
		return nil, nil, err
	}
	if n != 2 {
		return nil, nil, fmt.Errorf("recording %s has %d channels, want 2", file, n)
	}
	for i := 0; i+1 < len(pcm); i += 2 {
		left, right = append(left, pcm[i]), append(right, pcm[i+1])
	}
	return left, right, nil
}
