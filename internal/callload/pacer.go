package callload

import (
	"slices"
	"sync"
	"time"
)

// The pacer sends each stream's packet every 20 ms. Streams are spread over ten
// phases, 2 ms apart, as callers who began at any moment are.
const (
	phases = 10
	step   = 2 * time.Millisecond
)

// pacer is the clock of all streams of a run.
type pacer struct {
	mu    sync.Mutex // guards the slots; a send happens under it, so that removed means silent
	slots [phases][]*stream
	next  int
}

func (p *pacer) add(s *stream) {
	p.mu.Lock()
	p.slots[p.next%phases] = append(p.slots[p.next%phases], s)
	p.next++
	p.mu.Unlock()
}

func (p *pacer) remove(s *stream) {
	p.mu.Lock()
	for i := range p.slots {
		p.slots[i] = slices.DeleteFunc(p.slots[i], func(o *stream) bool { return o == s })
	}
	p.mu.Unlock()
}

// keep runs until done is closed. When it wakes late it makes up for what it
// missed, so that the number of packets is right.
func (p *pacer) keep(done <-chan struct{}) {
	t := time.NewTicker(step)
	defer t.Stop()
	var packet [packetBytes]byte
	for i := headerBytes; i < packetBytes; i++ {
		packet[i] = 0xff
	}
	began, phase := time.Now(), 0
	for {
		select {
		case <-done:
			return
		case <-t.C:
		}
		for due := int(time.Since(began) / step); phase < due; phase++ {
			p.mu.Lock()
			for _, s := range p.slots[phase%phases] {
				s.send(&packet)
			}
			p.mu.Unlock()
		}
	}
}
