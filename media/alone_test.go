package media

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// A socket tells once that packets have come. Whoever leaves one behind hears it
// with the next one, 20 ms later.
func TestNoPacketIsLeftBehindOneThatIsTakenToBeAlone(t *testing.T) {
	for _, c := range []struct {
		ptime, jitter time.Duration
		drift         float64 // of the speaker's clock
		most          float64 // share of packets behind which is looked in vain
	}{
		{20 * time.Millisecond, 0, 0, 0.04},
		{20 * time.Millisecond, time.Millisecond, 100e-6, 0.05},
		{20 * time.Millisecond, time.Millisecond, -100e-6, 0.05},
		{20 * time.Millisecond, 10 * time.Millisecond, 0, 0.4},
		{20 * time.Millisecond, 60 * time.Millisecond, 0, 1},
		{20 * time.Millisecond, time.Millisecond, -0.05, 1}, // a broken clock
		{10 * time.Millisecond, time.Millisecond, 0, 1},
		{60 * time.Millisecond, 5 * time.Millisecond, 0, 0.05},
	} {
		t.Run(fmt.Sprintf("%v jitter %v clock %+g", c.ptime, c.jitter, c.drift), func(t *testing.T) {
			random := rand.New(rand.NewPCG(5, 6))
			const packets = 20000
			type packet struct {
				came time.Duration
				h    header
			}
			var way []packet
			size := int(samples(c.ptime.Microseconds()))
			for k := range packets {
				said := time.Duration(float64(k) * float64(c.ptime) * (1 + c.drift))
				came := said
				if c.jitter > 0 {
					came += time.Duration(random.Int64N(int64(c.jitter)))
				}
				way = append(way, packet{came, header{seq: uint16(k), ts: uint32(k * size), ssrc: 1}})
			}
			slices.SortStableFunc(way, func(a, b packet) int { return int(a.came - b.came) })
			var r receiver
			var inVain, left int
			waiting := way[:0:0]
			for now := tickTime; len(way) > 0; now += tickTime {
				told := way[0].came <= now
				for len(way) > 0 && way[0].came <= now {
					waiting, way = append(waiting, way[0]), way[1:]
				}
				for alone := false; told && !alone; {
					if len(waiting) == 0 {
						inVain++
						break
					}
					r.packet(waiting[0].h, now)
					waiting, alone = waiting[1:], r.alone(size)
				}
				left += len(waiting)
			}
			if left > 0 {
				t.Errorf("%d packets were left behind", left)
			}
			if share := float64(inVain) / packets; share > c.most {
				t.Errorf("looked in vain behind %.1f %% of the packets, want at most %.1f %%", 100*share, 100*c.most)
			}
		})
	}
}
