package e2e_test

import (
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hotline/internal/phone"
	"hotline/ivr/prompts"
	"hotline/media"
	"hotline/store"
)

// readWAV reads the channels of a file, which may still be written to.
func readWAV(t *testing.T, path string) []phone.Recording {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// Phones put the lengths into the head when they close the file.
	if i := strings.Index(string(b[:min(len(b), 4096)]), "data"); i > 0 && len(b) >= i+8 {
		binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-8))
		binary.LittleEndian.PutUint32(b[i+4:], uint32(len(b)-i-8))
	}
	pcm, rate, channels, err := media.ReadWAV(strings.NewReader(string(b)))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	out := make([]phone.Recording, channels)
	for i, s := range pcm {
		out[i%channels].Samples = append(out[i%channels].Samples, s)
	}
	for i := range out {
		out[i].Samples = media.Resample(out[i].Samples, rate, 8000)
	}
	return out
}

// promptPCM is an English prompt, 8 kHz.
func promptPCM(t *testing.T, prompt string) []int16 {
	t.Helper()
	wav, ok := prompts.WAV("en", prompt)
	if !ok {
		t.Fatalf("no prompt %s", prompt)
	}
	pcm, _, _, err := media.ReadWAV(strings.NewReader(string(wav)))
	if err != nil {
		t.Fatal(err)
	}
	return pcm
}

// piece is how much of a prompt is looked for at once: phones stretch and cut
// what they hear when the machine is busy, so that a whole one is not itself.
const piece = 5000 // samples

// enough is the correlation from which on a piece was heard.
const enough = 0.6

// alike is how much of a prompt is in r, from 0 to 1: the median of its pieces.
func alike(t *testing.T, r phone.Recording, prompt string) float64 {
	t.Helper()
	var scores []float64
	for part := range slices.Chunk(promptPCM(t, prompt), piece) {
		if (phone.Recording{Samples: part}).Loudness() > -40 {
			score, _ := phone.Correlate(part, r.Samples)
			scores = append(scores, score)
		}
	}
	slices.Sort(scores)
	return scores[len(scores)/2]
}

// heard fails unless prompts are in what somebody heard.
func heard(t *testing.T, who string, r phone.Recording, prompts ...string) {
	t.Helper()
	for _, p := range prompts {
		if score := alike(t, r, p); score < enough {
			t.Errorf("%s has not heard %s: correlation %.2f, want %.2f or more", who, p, score, enough)
		}
	}
}

// hears waits until somebody hears the end of a prompt.
func hears(t *testing.T, who string, listen func() phone.Recording, prompt string) {
	t.Helper()
	pcm := promptPCM(t, prompt)
	end := pcm[max(0, len(pcm)-2000-2*piece):] // the last 2000 are silence
	score := 0.0
	for until := time.Now().Add(20 * time.Second); time.Now().Before(until); time.Sleep(200 * time.Millisecond) {
		if score, _ = phone.Correlate(end, listen().Last(4*time.Second).Samples); score >= enough {
			return
		}
	}
	t.Fatalf("%s does not hear %s: correlation %.2f", who, prompt, score)
}

// hearsTone waits until somebody has heard a tone for a second in the last two.
func hearsTone(t *testing.T, who string, heard func() phone.Recording, hz float64) {
	t.Helper()
	var r phone.Recording
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if r = heard(); r.Last(2*time.Second).ToneTime(hz) >= time.Second {
			return
		}
	}
	t.Fatalf("%s does not hear %.0f Hz: the last 2 s are mostly %.0f Hz, at %.0f dB", who, hz,
		r.Last(2*time.Second).Dominant(), r.Last(2*time.Second).Loudness())
}

// music says whether a second or more of r is music on hold: loud, and neither
// speech nor one of the tones.
func music(r phone.Recording, tones ...float64) bool {
	for _, hz := range tones {
		if r.ToneTime(hz) > 300*time.Millisecond {
			return false
		}
	}
	return r.Length() >= time.Second && r.Loudness() > -45
}

// wantRecording fails unless a call's recording has these tones (Hz), each on
// its side only, and is whole in the eyes of sox too.
func (h *hotline) wantRecording(c store.CDR, left, right float64) {
	t := h.t
	t.Helper()
	path := h.recording(c)
	sides := readWAV(t, path)
	if len(sides) != 2 {
		t.Fatalf("the recording has %d channels, want 2", len(sides))
	}
	var talk time.Duration
	for _, k := range c.Talks {
		talk += k.Ended.Sub(k.Began)
	}
	if d := sides[0].Length() - talk; d < -100*time.Millisecond || d > 100*time.Millisecond {
		t.Errorf("the recording lasts %v, the talk %v", sides[0].Length(), talk)
	}
	for i, side := range []struct {
		name        string
		want, other float64
	}{{"left", left, right}, {"right", right, left}} {
		own, foreign := sides[i].ToneTime(side.want), sides[i].ToneTime(side.other)
		if own < talk/3 || foreign > 0 {
			t.Errorf("%s channel of %v: %.0f Hz sounds for %v, %.0f Hz for %v, want a third and nothing", side.name, talk, side.want, own, side.other, foreign)
		}
		soxAgrees(t, path, i+1, side.name, side.want, sides[i])
	}
}

// recording is the file of a call's recording.
func (h *hotline) recording(c store.CDR) string {
	t := h.t
	t.Helper()
	if c.Recording == "" {
		t.Fatal("the call has no recording")
	}
	path := filepath.Join(h.dir, "recording.wav")
	h.within(10*time.Second, "the recording is exported", func() error {
		_, err := h.try("recording", "export", c.Recording, path, "--force")
		return err
	})
	return path
}

// soxAgrees asks soxi for the form, and sox for a channel's samples: they are
// those that we read.
func soxAgrees(t *testing.T, path string, channel int, name string, hz float64, ours phone.Recording) {
	t.Helper()
	if _, err := exec.LookPath("sox"); err != nil {
		t.Log("sox is not installed: only our own reader has judged the recording; try: make phones")
		return
	}
	for _, tool := range [][]string{{"soxi"}, {"sox", "--i"}} {
		for flag, want := range map[string]string{"-c": "2", "-r": "8000"} {
			got, err := exec.Command(tool[0], append(tool[1:], flag, path)...).CombinedOutput()
			if err != nil || strings.TrimSpace(string(got)) != want {
				t.Errorf("%s %s: got %s (%v), want %s", strings.Join(tool, " "), flag, got, err, want)
			}
		}
	}
	cmd := exec.Command("sox", path, "-t", "s16", "-r", "8000", "-c", "1", "-", "remix", string(rune('0'+channel)))
	raw, err := cmd.Output()
	if err != nil {
		t.Fatalf("sox can't read the recording: %v", err)
	}
	var theirs phone.Recording
	for i := 0; i+1 < len(raw); i += 2 {
		theirs.Samples = append(theirs.Samples, int16(binary.LittleEndian.Uint16(raw[i:])))
	}
	if len(theirs.Samples) != len(ours.Samples) {
		t.Errorf("%s channel: sox reads %d samples, we read %d", name, len(theirs.Samples), len(ours.Samples))
	}
	if a, b := theirs.ToneTime(hz), ours.ToneTime(hz); a < b-200*time.Millisecond || a > b+200*time.Millisecond {
		t.Errorf("%s channel: sox reads %v of %.0f Hz, we read %v", name, a, hz, b)
	}
}
