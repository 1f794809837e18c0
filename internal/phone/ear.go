package phone

import "time"

// reanchor is how far a timestamp may lead away from its arrival before it is
// taken for a new clock.
const reanchor = 2 * sampleRate

// ear keeps what was heard on one timeline: sample i was heard at began + i/8000 s.
// Timestamps place the audio; the first packet of each source says where its
// timestamps lie on the timeline.
type ear struct {
	began    time.Time
	keep     int // samples kept at least
	dropped  int // samples let go at the front
	pcm      []int16
	anchored bool
	ssrc     uint32
	ts       uint32 // timestamp that lies at base
	base     int
}

func newEar(began time.Time, keep int) ear { return ear{began: began, keep: max(keep, sampleRate)} }

func (e *ear) put(now time.Time, ssrc, ts uint32, pcm []int16) {
	arrival := int(now.Sub(e.began) * sampleRate / time.Second)
	at := e.base + int(int32(ts-e.ts))
	if !e.anchored || e.ssrc != ssrc || at > arrival+reanchor || at < arrival-reanchor {
		at = max(arrival, e.dropped+len(e.pcm))
		e.anchored, e.ssrc, e.ts, e.base = true, ssrc, ts, at
	} else if ahead := int32(ts - e.ts); ahead > 1<<24 { // keep the difference small
		e.base, e.ts = at, ts
	}
	i := at - e.dropped
	if i < 0 {
		return
	}
	if i > len(e.pcm)+2*e.keep { // nothing was heard for longer than is kept
		e.pcm, e.dropped, i = nil, at, 0
	}
	if need := i + len(pcm); need > len(e.pcm) {
		e.pcm = append(e.pcm, make([]int16, need-len(e.pcm))...)
	}
	copy(e.pcm[i:], pcm)
	if len(e.pcm) > 2*e.keep {
		n := len(e.pcm) - e.keep
		e.pcm = append([]int16(nil), e.pcm[n:]...)
		e.dropped += n
	}
}

// recording is a copy of what is kept, with silence up to now.
func (e *ear) recording(now time.Time) Recording {
	end := max(e.dropped+len(e.pcm), int(now.Sub(e.began)*sampleRate/time.Second))
	from := max(e.dropped, end-2*e.keep)
	r := Recording{Start: e.began.Add(time.Duration(from) * time.Second / sampleRate), Samples: make([]int16, end-from)}
	if skip := from - e.dropped; skip < len(e.pcm) {
		copy(r.Samples, e.pcm[skip:])
	}
	return r
}

// Recording is sound on the timeline: Samples[0] was heard at Start, 8000 a second.
type Recording struct {
	Start   time.Time
	Samples []int16
}

// Length of the recording.
func (r Recording) Length() time.Duration {
	return time.Duration(len(r.Samples)) * time.Second / sampleRate
}

// Between is the part from one instant to another; a zero instant is the end on
// that side.
func (r Recording) Between(from, to time.Time) Recording {
	a, b := 0, len(r.Samples)
	if !from.IsZero() {
		a = r.index(from)
	}
	if !to.IsZero() {
		b = max(a, r.index(to))
	}
	return Recording{r.Start.Add(time.Duration(a) * time.Second / sampleRate), r.Samples[a:b]}
}

// Since is what was heard from an instant on.
func (r Recording) Since(t time.Time) Recording { return r.Between(t, time.Time{}) }

// Last is the end of the recording.
func (r Recording) Last(d time.Duration) Recording {
	return r.Since(r.Start.Add(r.Length() - d))
}

func (r Recording) index(t time.Time) int {
	return min(max(int(t.Sub(r.Start)*sampleRate/time.Second), 0), len(r.Samples))
}
