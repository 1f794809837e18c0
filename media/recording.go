package media

import (
	"encoding/binary"
	"math"
	"slices"
	"time"
)

const (
	recRing  = 7168                    // samples per channel held in memory: those below, 100 ms between flushes, and a packet
	recLag   = 200 * sampleRate / 1000 // how late a packet may come, samples
	recChunk = 320 * sampleRate / 1000 // samples per write: with the lag less than 1 s is at stake
	recAhead = 200 * sampleRate / 1000 // a packet that belongs so far into the future: the first one was late
	recSkew  = 8 * sampleRate / 1000   // how far a channel may leave the clock, samples
	recFirst = 10                      // packets that settle where a channel stands
	recMend  = 100                     // packets after which that is looked at again
	recStall = 150                     // packets in a row after which lateness is the way's, not a stall's
	recJump  = 2 * sampleRate          // a leap that no drift and no stall explains, samples
)

// recording holds the youngest second of two channels in mu-law and hands them
// to the disk in chunks, interleaved. Audio is placed by its timestamp, and the
// timestamp is tied to the clock: when a speaker's clock has drifted 8 ms away,
// its channel is set right, so channels never part by more than 20 ms. Drift shows
// in the packets that were on the way for the shortest time; lateness of others is
// the way's, and moves nothing.
type recording struct {
	id     RecordingID
	path   string
	who    [2]LegID
	paused bool
	began  time.Duration
	base   int64 // samples before this one have gone to the disk
	file   *liveFile
	place  [2]placer
	ring   *[2][recRing]byte // one for each channel
	guests []*guest          // who else is on the right channel; most often nobody
	quiet  time.Duration     // of the left channel that is told; 0: not any more
	loudAt time.Duration     // when that was loud last
}

// tap is one recording that hears a leg.
type tap struct {
	rec     *recording
	channel uint8
	guest   *guest // nil for the channel's own leg
}

// track is where the leg's audio stands and is kept.
func (t tap) track() (*placer, *[recRing]byte) {
	if t.guest != nil {
		return &t.guest.place, &t.guest.ring
	}
	return &t.rec.place[t.channel], &t.rec.ring[t.channel]
}

// placer ties one channel's timestamps to samples of the recording.
type placer struct {
	on       bool
	ssrc     uint32
	ts       uint32 // timestamp that stands at pos
	pos      int64
	earliest int64 // greatest of placed minus arrived, of the packets looked at
	left     int   // packets still to be looked at
	late     int   // packets in a row that came too late to be kept, had the machine not stood still
}

// at gives the sample where a packet begins that arrived at sample now, so many
// samples later than by the shortest way, as far as is known.
func (p *placer) at(h header, now, behind int64) int64 {
	if p.on && h.ssrc == p.ssrc {
		pos := p.pos + int64(int32(h.ts-p.ts))
		off := pos - now
		if off <= -recLag {
			p.late++
		} else {
			p.late = 0
		}
		switch {
		case off <= -recJump, off >= recAhead, p.late > recStall:
		case p.late > 0: // a stall is no drift
			p.ts, p.pos = h.ts, pos
			return pos
		default:
			p.ts, p.pos = h.ts, pos
			p.earliest = max(p.earliest, off)
			if p.left--; p.left == 0 {
				if p.earliest > recSkew || p.earliest < -recSkew {
					p.pos -= p.earliest
					pos -= p.earliest
				}
				p.earliest, p.left = math.MinInt64, recMend
			}
			return pos
		}
	}
	now -= behind
	*p = placer{on: true, ssrc: h.ssrc, ts: h.ts, pos: now, earliest: math.MinInt64, left: recFirst}
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
	r := &recording{id: c.ID, path: c.Path, began: s.now, ring: new([2][recRing]byte), quiet: c.Quiet, loudAt: s.now}
	for ch := range r.ring {
		hush(r.ring[ch][:])
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
			old.taps = slices.DeleteFunc(old.taps, func(t tap) bool { return t.rec == r && int(t.channel) == ch && t.guest == nil })
		}
		r.who[ch] = id
		r.place[ch] = placer{}
		if l := s.legs[id]; l != nil {
			l.taps = append(l.taps, tap{rec: r, channel: uint8(ch)})
		}
	}
	s.company(r)
}

// clock gives the sample of the recording that belongs to an instant.
func (r *recording) clock(at time.Duration) int64 {
	return (at - r.began).Microseconds() / 125
}

// tape writes a packet into its channel of a recording.
func (s *shard) tape(t tap, rx *receiver, h header, c Codec, payload []byte, at time.Duration, muted bool) {
	r, now := t.rec, at
	place, ring := t.track()
	pos := place.at(h, r.clock(at), rx.behindBy(h))
	if r.paused || muted {
		return
	}
	// What is too old or too far ahead falls away at either end.
	if old := r.base - pos; old > 0 {
		payload = payload[min(old, int64(len(payload))):]
		pos = r.base
	}
	// After a stall more comes at once than is held, of all legs in turn.
	for end := pos + int64(len(payload)); end > r.base+recRing && end < r.base+recRing+recJump; {
		s.spill(r, recChunk)
	}
	payload = payload[:max(0, min(int64(len(payload)), r.base+recRing-pos))]
	for len(payload) > 0 {
		at := pos % recRing
		n := min(int64(len(payload)), recRing-at)
		transcode(ring[at:at+n], payload[:n], c, PCMU)
		if t.channel == 0 && r.quiet > 0 && loud(ring[at:at+n]) {
			r.loudAt = now
		}
		payload, pos = payload[n:], pos+n
	}
}

// loudPeak is the least peak of a voice, 0 to 255: -38 dB below full scale. Noise
// of a line stays below.
const loudPeak = 3

// loud tells whether mu-law samples are more than noise.
func loud(ulaw []byte) bool {
	for _, b := range ulaw {
		if ulawPeak[b] >= loudPeak {
			return true
		}
	}
	return false
}

// hushed tells once that the left channel has been quiet for long.
func (s *shard) hushed(r *recording) {
	if r.quiet == 0 || s.now-r.loudAt < r.quiet {
		return
	}
	r.quiet = 0
	s.emit(Hushed{ID: r.id, Leg: r.who[0]})
}

// flush hands chunks that are old enough to the disk.
func (s *shard) flush(r *recording) {
	for r.clock(s.now)-recLag-r.base >= recChunk {
		s.spill(r, recChunk)
	}
}

// spill hands the oldest n samples to the disk and makes their place silent.
func (s *shard) spill(r *recording, n int) {
	b, from := s.disk.buffer(r.file, 2*n), r.base
	for end := from + int64(n); r.base < end; {
		at := r.base % recRing
		k := min(end-r.base, recRing-at)
		left, right := r.ring[0][at:at+k], r.ring[1][at:at+k]
		r.add(right, at)
		if b != nil {
			b = interleave(b, left, right)
		}
		hush(left)
		hush(right)
		r.base += k
	}
	r.forgetGuests()
	if b != nil {
		s.disk.write(r.file, from, b)
	}
}

// interleave appends the bytes of two channels in turn, four at a time.
func interleave(b, left, right []byte) []byte {
	i := 0
	for ; i+4 <= len(left); i += 4 {
		l, r := spread(binary.LittleEndian.Uint32(left[i:])), spread(binary.LittleEndian.Uint32(right[i:]))
		b = binary.LittleEndian.AppendUint64(b, l|r<<8)
	}
	for ; i < len(left); i++ {
		b = append(b, left[i], right[i])
	}
	return b
}

// spread puts an empty byte above each of four.
func spread(x uint32) uint64 {
	v := uint64(x)
	v = (v | v<<16) & 0x0000FFFF0000FFFF
	return (v | v<<8) & 0x00FF00FF00FF00FF
}

var silence = func() (s [4096]byte) {
	for i := range s {
		s[i] = ulawSilence
	}
	return s
}()

// hush fills b with silence.
func hush(b []byte) {
	for len(b) > 0 {
		b = b[copy(b, silence[:]):]
	}
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
