package media

import (
	"testing"
	"time"
)

func TestAMetronomeBeatsOnTheGrid(t *testing.T) {
	c := clock{began: time.Now()}
	m, err := newMetronome(c)
	if err != nil {
		t.Fatal(err)
	}
	defer m.close()
	for round := range 2 { // it beats again after a stop
		at := c.now() - c.now()%tickTime + tickTime
		for range 5 {
			at += tickTime
			m.wait(at)
			if got := c.now(); got < at-beatSlack {
				t.Errorf("round %d: woke at %s, want not before %s", round, got, at)
			}
		}
		m.wait(at) // long passed
		m.stop()
	}
}
