package media

import (
	"math/rand/v2"
	"time"
)

// ChannelSkew places the packets of two speakers in a recording, in virtual time,
// and tells how far the channels parted at most: one's clock runs so many parts
// per million fast and the other's slow, and packets jitter by up to 20 ms.
func ChannelSkew(length time.Duration, ppm float64) time.Duration {
	const latency = 30 * time.Millisecond
	random := rand.New(rand.NewPCG(1, 2))
	var place [2]placer
	var off [2]int64 // where a channel is, less where it should be, in samples
	var worst int64
	at := func(d time.Duration) int64 { return d.Microseconds() / 125 }
	for k := range uint32(length / frameTime) {
		for ch, drift := range [2]float64{-ppm, ppm} {
			said := time.Duration(float64(k) * float64(frameTime) * (1 + drift/1e6))
			came := said + latency + time.Duration(random.Int64N(int64(frameTime)))
			pos := place[ch].at(header{seq: uint16(k), ts: k * frameSize, ssrc: uint32(ch)}, at(came), 0)
			off[ch] = pos - at(said)
		}
		worst = max(worst, off[0]-off[1], off[1]-off[0])
	}
	return time.Duration(worst) * (time.Second / sampleRate)
}
