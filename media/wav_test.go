package media

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func TestWAVComesBackAsWritten(t *testing.T) {
	pcm := []int16{0, 1, -1, 32767, -32768, 1000}
	var b bytes.Buffer
	if err := WriteWAV(&b, pcm, 16000, 2); err != nil {
		t.Fatal(err)
	}
	got, rate, channels, err := ReadWAV(&b)
	if err != nil || rate != 16000 || channels != 2 || !slices.Equal(got, pcm) {
		t.Errorf("got %v at %d Hz, %d channels, %v", got, rate, channels, err)
	}
	b.Reset()
	if err := WriteUlawWAV(&b, []byte{0x80, 0xFF, 0x00}, 8000, 1); err != nil {
		t.Fatal(err)
	}
	if b.Len()%2 != 0 {
		t.Error("got an odd file, want padding")
	}
	got, rate, channels, err = ReadWAV(&b)
	if err != nil || rate != 8000 || channels != 1 || !slices.Equal(got, []int16{32124, 0, -32124}) {
		t.Errorf("got %v at %d Hz, %d channels, %v", got, rate, channels, err)
	}
}

func TestRepairMakesATornFileWhole(t *testing.T) {
	for _, c := range []struct {
		name       string
		told, have int64
		want       time.Duration
	}{
		{"header behind", 16000, 32001, 2 * time.Second},
		{"header never written", 0, 16000, time.Second},
		{"data cut off", 32000, 16000, time.Second},
		{"in order", 16000, 16000, time.Second},
	} {
		path := filepath.Join(t.TempDir(), "r.wav")
		b := append(wavHeader(formatUlaw, 8000, 2, c.told), make([]byte, c.have)...)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if got, err := Repair(path); err != nil || got != c.want {
				t.Errorf("%s: got %v %v, want %v", c.name, got, err, c.want)
			}
		}
		fixed, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if data := int64(u32(fixed[54:])); data != int64(c.want/time.Second)*16000 || u32(fixed[4:]) != uint32(data)+50 || u32(fixed[46:]) != uint32(data/2) {
			t.Errorf("%s: got data %d, RIFF %d, fact %d", c.name, data, u32(fixed[4:]), u32(fixed[46:]))
		}
	}
	path := filepath.Join(t.TempDir(), "x.wav")
	if err := os.WriteFile(path, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Repair(path); !errors.Is(err, ErrWAV) {
		t.Errorf("got %v, want ErrWAV", err)
	}
}

func TestResampleKeepsWhatIsBelowHalfTheRate(t *testing.T) {
	for _, rate := range []int{16000, 22050, 44100, 48000, 4000} {
		in := make([]int16, rate)
		for i := range in {
			in[i] = int16(10000 * math.Sin(2*math.Pi*1000*float64(i)/float64(rate)))
			if rate > 16000 {
				in[i] += int16(10000 * math.Sin(2*math.Pi*6000*float64(i)/float64(rate)))
			}
		}
		out := Resample(in, rate, 8000)
		if len(out) != 8000 {
			t.Fatalf("%d Hz: got %d samples, want 8000", rate, len(out))
		}
		if got := Goertzel(out[100:7900], 8000, 1000); got < 9700 || got > 10300 {
			t.Errorf("%d Hz: got %.0f of 1000 Hz, want 10000", rate, got)
		}
		if got := Goertzel(out[100:7900], 8000, 2000); got > 150 {
			t.Errorf("%d Hz: got %.0f of 2000 Hz, the image of 6000", rate, got)
		}
	}
}

func FuzzReadWAV(f *testing.F) {
	f.Add(append(wavHeader(formatUlaw, 8000, 2, 4), 1, 2, 3, 4))
	f.Add(append(wavHeader(formatPCM, 8000, 1, 4), 1, 2, 3, 4))
	f.Add([]byte("RIFF\xff\xff\xff\xffWAVEfmt \xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, rate, channels, err := ReadWAV(bytes.NewReader(b))
		if err == nil && (rate <= 0 || channels <= 0 || len(s) > len(b)) {
			t.Errorf("got %d samples at %d Hz in %d channels of %d bytes", len(s), rate, channels, len(b))
		}
		if head, _, err := repairHeader(b, int64(len(b))); err == nil && len(head) > len(b) {
			t.Error("the head grew")
		}
	})
}
