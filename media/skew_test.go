package media

import (
	"testing"
	"time"
)

func TestChannelsPartBy20msAtMostWhateverTheClocks(t *testing.T) {
	for _, ppm := range []float64{0, 20, 100, 200, 500} {
		got := ChannelSkew(time.Hour, ppm)
		if got > 20*time.Millisecond {
			t.Errorf("clocks %g ppm fast and slow: got a skew of %v, want at most 20ms", ppm, got)
		}
		t.Logf("%g ppm: %v", ppm, got)
	}
	if got := ChannelSkew(time.Second, 0); got == 0 {
		t.Error("got no skew under jitter of 20 ms: nothing was measured")
	}
}
