package prompts

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

func TestEachPromptHasTextAndSoundInEachLanguage(t *testing.T) {
	want := Names("en")
	if len(want) < 200 {
		t.Fatalf("got %d English prompts, want more than 200", len(want))
	}
	for _, lang := range Languages() {
		if got := Names(lang); !slices.Equal(got, want) {
			t.Errorf("%s: got other names than in English: %v", lang, difference(got, want))
		}
		for _, name := range Names(lang) {
			if Text(lang, name) == "" {
				t.Errorf("%s/%s: got no text, want what it says", lang, name)
			}
			if _, ok := WAV(lang, name); !ok {
				t.Errorf("%s/%s: got no sound, want one; run go generate", lang, name)
			}
		}
		sounds, _ := files.ReadDir(lang)
		if len(sounds) != len(want) {
			t.Errorf("%s: got %d sounds, want %d", lang, len(sounds), len(want))
		}
	}
}

func difference(a, b []string) (out []string) {
	for _, s := range slices.Concat(a, b) {
		if slices.Contains(a, s) != slices.Contains(b, s) {
			out = append(out, s)
		}
	}
	return out
}

func TestUnknownPromptsAndLanguagesHaveNothing(t *testing.T) {
	for _, c := range []struct{ lang, name string }{{"en", "no-such"}, {"xx", "welcome"}, {"en", "../en/welcome"}, {"", ""}} {
		if _, ok := WAV(c.lang, c.name); ok || Text(c.lang, c.name) != "" {
			t.Errorf("%s/%s: got a prompt, want none", c.lang, c.name)
		}
	}
	if got := Names("xx"); len(got) != 0 {
		t.Errorf("got names %v, want none", got)
	}
}

func TestMandarinIsSpokenFromPinyinAndWrittenInChinese(t *testing.T) {
	b, err := files.ReadFile("zh.txt")
	if err != nil {
		t.Fatal(err)
	}
	// A syllable without its tone is mispronounced by the voice.
	pinyin := regexp.MustCompile(`^([a-z]+[1-5][ ,.:?]*)+$`)
	for line := range strings.Lines(string(b)) {
		f := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if strings.HasPrefix(line, "#") {
			continue
		}
		if len(f) != 3 {
			t.Errorf("got %d columns, want 3: %q", len(f), line)
			continue
		}
		if !strings.HasPrefix(f[1], "@") && !pinyin.MatchString(f[1]) {
			t.Errorf("%s: got %q, want pinyin with tones", f[0], f[1])
		}
		if !strings.HasPrefix(f[1], "@en ") && !strings.ContainsFunc(f[2], func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
			t.Errorf("%s: got %q, want Chinese text", f[0], f[2])
		}
	}
}

func TestSoundsAreTelephoneSpeechOfSaneLevelAndLength(t *testing.T) {
	total := 0
	for _, lang := range Languages() {
		for _, name := range Names(lang) {
			b, _ := WAV(lang, name)
			total += len(b)
			samples := ulaw(t, lang+"/"+name, b)
			var peak, sum float64
			for _, s := range samples {
				peak, sum = max(peak, math.Abs(s)), sum+s*s
			}
			rms := math.Sqrt(sum / float64(len(samples)))
			if peak < 15000 || peak > 18000 { // -6 dB of full scale is 16422
				t.Errorf("%s/%s: got peak %.0f, want 15000..18000: neither faint nor clipped", lang, name, peak)
			}
			if rms < 1500 || rms > 10000 {
				t.Errorf("%s/%s: got rms %.0f, want 1500..10000", lang, name, rms)
			}
			if d := float64(len(samples)) / 8000; d < 0.15 || d > 8 {
				t.Errorf("%s/%s: got %.2f s, want 0.15..8", lang, name, d)
			}
			if loud(samples[:80]) || loud(samples[len(samples)-80:]) {
				t.Errorf("%s/%s: got sound at the edges, want quiet: joined prompts would click", lang, name)
			}
		}
	}
	if total > 8<<20 {
		t.Errorf("got %d bytes of sound, want at most 8 MB", total)
	}
}

func TestDemonstrationSpeechTakesFourToSixSeconds(t *testing.T) {
	for _, lang := range Languages() {
		for _, name := range []string{"demo-caller", "demo-agent"} {
			b, _ := WAV(lang, name)
			if d := float64(len(ulaw(t, name, b))) / 8000; d < 4 || d > 6 {
				t.Errorf("%s/%s: got %.1f s, want 4..6", lang, name, d)
			}
		}
	}
}

func loud(samples []float64) bool {
	return slices.ContainsFunc(samples, func(s float64) bool { return math.Abs(s) > 500 })
}

// ulaw parses a WAV file of format 7 (mu-law), 8 kHz, mono.
func ulaw(t *testing.T, name string, b []byte) []float64 {
	t.Helper()
	if len(b) < 12 || string(b[:4]) != "RIFF" || string(b[8:12]) != "WAVE" {
		t.Fatalf("%s: not a WAV file", name)
	}
	var format []byte
	for b = b[12:]; len(b) >= 8; {
		id, n := string(b[:4]), int(binary.LittleEndian.Uint32(b[4:]))
		if n > len(b)-8 {
			t.Fatalf("%s: chunk %s is cut short", name, id)
		}
		body := b[8 : 8+n]
		switch id {
		case "fmt ":
			format = body
		case "data":
			want := []byte{7, 0, 1, 0, 0x40, 0x1f, 0, 0}
			if !bytes.HasPrefix(format, want) {
				t.Fatalf("%s: got format % x, want % x", name, format, want)
			}
			out := make([]float64, n)
			for i, u := range body {
				out[i] = linear(u)
			}
			return out
		}
		b = b[min(8+n+n%2, len(b)):]
	}
	t.Fatalf("%s: no data", name)
	return nil
}

// linear decodes one mu-law byte (ITU-T G.711).
func linear(u byte) float64 {
	u = ^u
	v := float64((int(u&15)<<3+132)<<(u>>4&7) - 132)
	if u&128 != 0 {
		return -v
	}
	return v
}

func TestSoundsWereMadeFromTheTextsAsTheyAre(t *testing.T) {
	list, err := os.ReadFile("rendered.sha256")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(list)) {
		sum, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%x", sha256.Sum256(b)); got != sum {
			t.Errorf("%s: changed since the sounds were made; run go generate ./ivr/prompts and commit them", name)
		}
	}
}

func TestRenderingTwiceGivesTheSameBytes(t *testing.T) {
	for _, tool := range []string{"flite", "espeak-ng", "sox"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	names := []string{"welcome", "n-7", "d-e", "beep"}
	first, second := render(t, names), render(t, names)
	for _, lang := range Languages() {
		for _, name := range names {
			a, b := first[lang+"/"+name], second[lang+"/"+name]
			if len(a) < 1000 || !bytes.Equal(a, b) {
				t.Errorf("%s/%s: got %d and %d bytes, want twice the same sound", lang, name, len(a), len(b))
			}
		}
	}
}

// render runs render.sh on a copy of the catalogues.
func render(t *testing.T, names []string) map[string][]byte {
	t.Helper()
	dir := t.TempDir()
	for _, f := range []string{"en.txt", "zh.txt", "render.sh"} {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, f), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command("sh", append([]string{filepath.Join(dir, "render.sh")}, names...)...).CombinedOutput(); err != nil {
		t.Fatalf("render.sh: %v\n%s", err, out)
	}
	sounds := map[string][]byte{}
	for _, lang := range Languages() {
		for _, name := range names {
			b, err := os.ReadFile(filepath.Join(dir, lang, name+".wav"))
			if err != nil {
				t.Fatal(err)
			}
			sounds[lang+"/"+name] = b
		}
	}
	return sounds
}
