package media

import (
	"slices"
	"time"
)

const (
	recRing  = 16384                   // samples per channel held in memory; a power of two
	recLag   = 200 * sampleRate / 1000 // how late a packet may come, samples
	recChunk = 700 * sampleRate / 1000 // samples per write: with the lag less than 1 s is at stake
	recSkew  = 8 * sampleRate / 1000   // how far a channel may leave the clock, samples
	recMend  = 6                       // weight of one packet in the skew: 1/2^6
	recJump  = 2 * sampleRate          // a leap that no drift and no stall explains, samples
)

// recording holds the youngest second of two channels, interleaved mu-law, and
// hands it to the disk in chunks. Audio is placed by its timestamp, and the
// timestamp is tied to the clock: when a speaker's clock has drifted 8 ms away
// on average, its channel is set right, so channels never part by more than 20 ms.
type recording struct {
	id     RecordingID
	path   string
	who    [2]LegID
	paused bool
	began  time.Duration
	base   int64 // samples before this one have gone to the disk
	file   *liveFile
	place  [2]placer
	ring   [2 * recRing]byte
}

// tap is one recording that hears a leg.
type tap struct {
	rec     *recording
	channel uint8
}

// placer ties one channel's timestamps to samples of the recording.
type placer struct {
	on   bool
	ssrc uint32
	ts   uint32 // timestamp that stands at pos
	pos  int64
	skew int64 // mean of placed minus arrived, times 2^recMend
}

// at gives the sample where a packet begins that arrived at sample now.
func (p *placer) at(h header, now int64) int64 {
	if p.on && h.ssrc == p.ssrc {
		pos := p.pos + int64(int32(h.ts-p.ts))
		off := pos - now
		if off > -recJump && off < recJump {
			p.ts, p.pos = h.ts, pos
			// A stall is not drift: one packet counts for four limits at most.
			p.skew += min(max(off, -4*recSkew), 4*recSkew) - p.skew>>recMend
			if mean := p.skew >> recMend; mean > recSkew || mean < -recSkew {
				p.pos -= mean
				p.skew = 0
				pos -= mean
			}
			return pos
		}
	}
	*p = placer{on: true, ssrc: h.ssrc, ts: h.ts, pos: now}
	return now
}

func (s *shard) withRecording(id RecordingID, f func(*recording)) {
	r := s.recs[id]
	if r == nil {
		s.stats.UnknownIDs.Add(1)
		return
	}
	f(r)
}

// record begins a recording.
func (s *shard) record(c Record) {
	if s.recs[c.ID] != nil {
		s.stats.UnknownIDs.Add(1)
		return
	}
	r := &recording{id: c.ID, path: c.Path, began: s.now}
	for i := range r.ring {
		r.ring[i] = ulawSilence
	}
	r.file = s.disk.open(c.ID, c.Path)
	s.recs[c.ID] = r
	s.stats.Recordings.Add(1)
	s.tap(r, c.Left, c.Right)
}

// tap puts legs on the two channels.
func (s *shard) tap(r *recording, left, right LegID) {
	for ch, id := range [2]LegID{left, right} {
		if r.who[ch] == id && id != "" {
			continue
		}
		if old := s.legs[r.who[ch]]; old != nil {
			old.taps = slices.DeleteFunc(old.taps, func(t tap) bool { return t.rec == r && int(t.channel) == ch })
		}
		r.who[ch] = id
		r.place[ch] = placer{}
		if l := s.legs[id]; l != nil {
			l.taps = append(l.taps, tap{r, uint8(ch)})
		}
	}
}

// clock gives the sample of the recording that belongs to an instant.
func (r *recording) clock(at time.Duration) int64 {
	return (at - r.began).Microseconds() / 125
}

// audio writes a packet into its channel.
func (r *recording) audio(ch uint8, h header, c Codec, payload []byte, at time.Duration, muted bool) {
	pos := r.place[ch].at(h, r.clock(at))
	if r.paused || muted {
		return
	}
	// What is too old or too far ahead falls away at either end.
	if old := r.base - pos; old > 0 {
		payload = payload[min(old, int64(len(payload))):]
		pos = r.base
	}
	payload = payload[:max(0, min(int64(len(payload)), r.base+recRing-pos))]
	slot := 2*uint(pos) + uint(ch)
	if c == PCMA {
		for _, b := range payload {
			r.ring[slot%(2*recRing)] = alawToUlaw[b]
			slot += 2
		}
		return
	}
	for _, b := range payload {
		r.ring[slot%(2*recRing)] = b
		slot += 2
	}
}

// flush hands chunks that are old enough to the disk.
func (s *shard) flush(r *recording) {
	for r.clock(s.now)-recLag-r.base >= recChunk {
		s.spill(r, recChunk)
	}
}

// spill hands the oldest n samples to the disk and makes their place silent.
func (s *shard) spill(r *recording, n int) {
	if b := s.disk.buffer(r.file, 2*n); b != nil {
		for i := range n {
			at := 2 * ((r.base + int64(i)) % recRing)
			b = append(b, r.ring[at], r.ring[at+1])
		}
		s.disk.write(r.file, r.base, b)
	}
	for i := range n {
		at := 2 * ((r.base + int64(i)) % recRing)
		r.ring[at], r.ring[at+1] = ulawSilence, ulawSilence
	}
	r.base += int64(n)
}

// finish writes the rest of a recording and lets the disk close it.
func (s *shard) finish(r *recording) {
	s.flush(r)
	for end := r.clock(s.now); r.base < end; {
		s.spill(r, int(min(end-r.base, recChunk)))
	}
	s.tap(r, "", "")
	delete(s.recs, r.id)
	s.disk.finish(r.file, r.base)
}
