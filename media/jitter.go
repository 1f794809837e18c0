package media

import "time"

const (
	jitterRing  = 4096                   // samples; a power of two
	jitterDepth = 60 * sampleRate / 1000 // what is kept in store, 60 ms
	jitterMost  = 200 * sampleRate / 1000
	frameSize   = 160 // samples of a mixed frame, 20 ms
	frameTime   = 20 * time.Millisecond
)

// jitter holds a speaker's audio for the mixer, placed by timestamp, so that
// order, loss and any packet length are of no matter. It keeps a fixed depth
// of 60 ms and begins anew when the speaker's clock leaves that by far.
type jitter struct {
	ring  [jitterRing]int16 // zero where nothing came
	read  uint32            // timestamp of the next sample out
	write uint32            // end of the newest audio
	ssrc  uint32
	begun bool
}

// put takes a packet's audio.
func (j *jitter) put(h header, c Codec, payload []byte) {
	n := len(payload)
	if n > jitterRing/4 {
		return
	}
	d := int(int32(h.ts - j.read))
	starved := int32(j.read-j.write) >= 0
	if !j.begun || h.ssrc != j.ssrc || d > jitterMost+n || d < -sampleRate || d+n <= 0 && starved {
		clear(j.ring[:])
		j.begun, j.ssrc = true, h.ssrc
		j.read, j.write = h.ts-jitterDepth, h.ts
		d = jitterDepth
	}
	if d+n <= 0 {
		return // too late
	}
	table := &ulawToPCM
	if c == PCMA {
		table = &alawToPCM
	}
	for i := max(0, -d); i < n; i++ {
		j.ring[(h.ts+uint32(i))%jitterRing] = table[payload[i]]
	}
	if end := h.ts + uint32(n); int32(end-j.write) > 0 {
		j.write = end
	}
}

// take gives the next 20 ms; false if nothing of them came.
func (j *jitter) take(f *[frameSize]int16) bool {
	if !j.begun {
		clear(f[:])
		return false
	}
	got := int32(j.write-j.read) > 0
	for i := range f {
		at := (j.read + uint32(i)) % jitterRing
		f[i] = j.ring[at]
		j.ring[at] = 0
	}
	j.read += frameSize
	return got
}
