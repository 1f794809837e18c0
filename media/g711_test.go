package media

import (
	"math"
	"testing"

	"github.com/zaf/g711"
)

func TestG711TablesAgreeWithTheReferenceForEverySample(t *testing.T) {
	for i := math.MinInt16; i <= math.MaxInt16; i++ {
		s := int16(i)
		if got, want := EncodeUlaw(s), g711.EncodeUlawFrame(s); got != want {
			t.Fatalf("mu-law of %d: got %#x, want %#x", s, got, want)
		}
		if got, want := EncodeAlaw(s), g711.EncodeAlawFrame(s); got != want {
			t.Fatalf("A-law of %d: got %#x, want %#x", s, got, want)
		}
	}
	for i := range 256 {
		b := byte(i)
		if got, want := DecodeUlaw(b), g711.DecodeUlawFrame(b); got != want {
			t.Fatalf("mu-law %#x: got %d, want %d", b, got, want)
		}
		if got, want := DecodeAlaw(b), g711.DecodeAlawFrame(b); got != want {
			t.Fatalf("A-law %#x: got %d, want %d", b, got, want)
		}
	}
}

func TestTranscodingThereAndBackStaysInTheStep(t *testing.T) {
	for i := range 256 {
		buf := []byte{byte(i)}
		transcode(buf, buf, PCMA, PCMU)
		if got, want := buf[0], g711.Alaw2UlawFrame(byte(i)); got != want {
			if DecodeUlaw(got) != DecodeUlaw(want) {
				t.Errorf("A-law %#x to mu-law: got %#x, want %#x", i, got, want)
			}
		}
	}
}
