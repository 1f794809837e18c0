package media

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// Peaks is the outline of a recording, to be drawn: for each channel the
// greatest loudness in each tenth of a second, 0 to 255.
type Peaks struct {
	PerSecond int     `json:"per_second"`
	Channels  [][]int `json:"channels"`
}

const (
	peaksPerSecond = 10
	peakSpan       = sampleRate / peaksPerSecond // samples
	peaksSuffix    = ".peaks"
)

// ulawPeak is the loudness of a code, 0 to 255.
var ulawPeak [256]byte

func init() {
	for i := range ulawPeak {
		ulawPeak[i] = byte(max(int(ulawToPCM[i]), -int(ulawToPCM[i])) >> 7)
	}
}

// PeaksPath is the name of the file beside a recording that holds its Peaks.
func PeaksPath(path string) string { return strings.TrimSuffix(path, ".wav") + peaksSuffix }

// ReadPeaks gives the outline of a recording of ours: from the file beside it,
// else, as after a crash, from the recording itself.
func ReadPeaks(path string) (Peaks, error) {
	var p Peaks
	if b, err := os.ReadFile(PeaksPath(path)); err == nil && json.Unmarshal(b, &p) == nil && p.PerSecond > 0 {
		return p, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return Peaks{}, fmt.Errorf("media: peaks: %w", err)
	}
	defer f.Close()
	return peaksOf(f)
}

// peaksOf reads a stereo mu-law file as the recorder writes them.
func peaksOf(r io.Reader) (Peaks, error) {
	head := make([]byte, liveHeader)
	if _, err := io.ReadFull(r, head); err != nil || string(head[:4]) != "RIFF" || head[20] != formatUlaw || head[22] != 2 || string(head[50:54]) != "data" {
		return Peaks{}, fmt.Errorf("media: peaks: %w: no stereo mu-law of ours", ErrWAV)
	}
	p := Peaks{PerSecond: peaksPerSecond, Channels: [][]int{{}, {}}}
	span := make([]byte, 2*peakSpan)
	for {
		n, err := io.ReadFull(r, span)
		if n > 1 {
			left, right := loudest(span[:n&^1])
			p.Channels[0] = append(p.Channels[0], left)
			p.Channels[1] = append(p.Channels[1], right)
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return p, nil
		case err != nil:
			return Peaks{}, fmt.Errorf("media: peaks: %w", err)
		}
	}
}

func loudest(b []byte) (left, right int) {
	var l, r byte
	for i := 0; i+1 < len(b); i += 2 {
		l, r = max(l, ulawPeak[b[i]]), max(r, ulawPeak[b[i+1]])
	}
	return int(l), int(r)
}

// writePeaks puts the outline beside a whole recording.
func writePeaks(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	p, err := peaksOf(f)
	if err != nil {
		return err
	}
	b, err := json.Marshal(p)
	if err != nil {
		return err
	}
	part := PeaksPath(path) + ".part"
	if err := os.WriteFile(part, b, 0o600); err != nil {
		return err
	}
	return os.Rename(part, PeaksPath(path))
}
