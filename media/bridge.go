package media

import (
	"slices"
	"time"
)

// bridge lets the legs seated in it hear each other by the table hears. A leg
// that hears one other gets that one's packets passed through; a leg that hears
// more, or a play over the one, gets a mix on the 20 ms clock. So a listener or coach changes nothing
// for those who do not hear him.
type bridge struct {
	id     BridgeID
	seats  []*leg
	mixed  []*leg // those who hear a mix
	voices []*leg // those heard in a mix
	phase  time.Duration
	next   time.Duration // when the next frame is due
}

// seat puts a leg into a bridge or changes its role there.
func (s *shard) seat(l *leg, c Seat) {
	if c.Role >= numRoles {
		s.stats.UnknownIDs.Add(1)
		return
	}
	b := s.bridges[c.Bridge]
	if l.bridge != nil && l.bridge != b {
		s.leave(l)
	}
	if b == nil {
		b = &bridge{id: c.Bridge, phase: s.newPhase()}
		s.bridges[c.Bridge] = b
		s.stats.Bridges.Add(1)
	}
	if l.bridge == nil {
		l.bridge = b
		b.seats = append(b.seats, l)
	}
	l.role = c.Role
	s.rewire(b)
}

// leave takes a leg out of its bridge; an empty bridge is forgotten.
func (s *shard) leave(l *leg) {
	b := l.bridge
	if b == nil {
		return
	}
	b.seats = slices.DeleteFunc(b.seats, func(o *leg) bool { return o == l })
	l.bridge = nil
	l.passTo, l.mixed, l.jitter = nil, false, nil
	s.uncover(l)
	s.accompany(l)
	s.rewire(b)
	if len(b.seats) == 0 {
		delete(s.bridges, b.id)
		s.stats.Bridges.Add(-1)
	}
}

// rewire works out who is passed through to whom and who hears a mix.
func (s *shard) rewire(b *bridge) {
	var count [numRoles]int
	was := make(map[*leg][]*leg, len(b.seats)) // who was passed through to whom
	for _, l := range b.seats {
		count[l.role]++
		was[l] = slices.Clone(l.passTo)
		l.passTo = nil
	}
	wasMixing := len(b.mixed) > 0
	b.mixed, b.voices = b.mixed[:0], b.voices[:0]
	for _, l := range b.seats {
		before := l.mixed
		n := l.hearing(&count)
		l.mixed = n > 1 || n == 1 && l.over != nil
		switch {
		case l.mixed:
			b.mixed = append(b.mixed, l)
		case n == 1:
			o := b.only(l)
			if o.passTo == nil {
				o.passTo = o.passRoom[:0]
			}
			o.passTo = append(o.passTo, l)
			if before {
				s.handOver(o, l)
			}
		default:
			s.uncover(l)
		}
	}
	for _, l := range b.seats {
		switch {
		case !b.isVoice(l):
			l.jitter = nil
		case l.jitter == nil:
			l.jitter = &jitterVoice{}
			s.prime(l, was[l])
			fallthrough
		default:
			b.voices = append(b.voices, l)
		}
	}
	for _, l := range b.seats {
		s.accompany(l)
	}
	switch mixing := len(b.mixed) > 0; {
	case mixing && !wasMixing:
		b.next = align(s.now, b.phase, frameTime)
		s.mixing = append(s.mixing, b)
	case !mixing && wasMixing:
		s.mixing = slices.DeleteFunc(s.mixing, func(o *bridge) bool { return o == b })
	}
}

// hearing counts whom a leg hears, from the seats by role.
func (l *leg) hearing(count *[numRoles]int) int {
	n := 0
	for role, k := range count {
		if hears[l.role][role] {
			n += k
		}
	}
	if hears[l.role][l.role] {
		n-- // itself
	}
	return n
}

// only is the one that a leg hears.
func (b *bridge) only(l *leg) *leg {
	i := slices.IndexFunc(b.seats, func(o *leg) bool { return o != l && hears[l.role][o.role] })
	return b.seats[i]
}

// isVoice is true for a leg that somebody hears in a mix.
func (b *bridge) isVoice(l *leg) bool {
	return slices.ContainsFunc(b.mixed, func(o *leg) bool { return o != l && hears[o.role][l.role] })
}

// jitterVoice is a speaker's store and what it gave for the present frame.
type jitterVoice struct {
	jitter
	frame [frameSize]int16
}

// past is the last audio of a speaker who is passed through: a ring, so that a
// packet touches no more memory than its own length.
type past struct {
	end   int    // where the next byte goes
	last  header // of the youngest packet
	size  int    // of that
	at    time.Duration
	codec Codec
	b     [pastRing]byte
}

const pastRing = 512 // more than historySize

func (p *past) add(h header, c Codec, payload []byte, at time.Duration) {
	if h.ssrc == p.last.ssrc && int16(h.seq-p.last.seq) < 0 {
		return // late
	}
	p.codec, p.last, p.size, p.at = c, h, len(payload), at
	if len(payload) > historySize {
		payload = payload[len(payload)-historySize:]
	}
	n := copy(p.b[p.end:], payload)
	copy(p.b[:], payload[n:])
	p.end = (p.end + len(payload)) % pastRing
}

// set makes what was sent by other means the last audio: samples that end where
// the next packet begins.
func (p *past) set(h header, pcm []int16, at time.Duration) {
	p.codec, p.last, p.size, p.at = PCMU, h, frameSize, at
	p.last.ts -= frameSize
	p.end = historySize
	PCMU.Encode(p.b[:], pcm[len(pcm)-historySize:])
}

// sound gives the last samples.
func (p *past) sound(out *[historySize]int16) {
	var b [historySize]byte
	from := (p.end + pastRing - historySize) % pastRing
	n := copy(b[:], p.b[from:])
	copy(b[n:], p.b[:])
	p.codec.Decode(out[:], b[:])
}

// prime lets a buffer that comes in continue what its hearers heard until now:
// they wait until the last packet passed through to them has sounded.
func (s *shard) prime(l *leg, hearers []*leg) {
	p := &l.past
	if len(hearers) == 0 || p.size == 0 || s.now-p.at > 3*frameTime {
		return
	}
	var last [historySize]int16
	p.sound(&last)
	hold := int32(0)
	for _, to := range hearers {
		if ahead := int32(to.tx.next - to.tx.clock(s.now)); to.mixed && ahead < mostAhead {
			hold = max(hold, ahead-frameSize/2)
		}
	}
	spread := min(int32(l.rx.jitter>>4)*2, 40*sampleRate/1000)
	l.jitter.prime(p.last, last[:], p.size, samples(p.at.Microseconds()), spread, samples(s.now.Microseconds())+uint32(hold))
}

// leadMost is how far a speaker whose packets are passed through again may be ahead
// of the clock, in samples: the next mix has to wait for so long, and be heard
// without a gap of more than 40 ms.
const leadMost = 20 * sampleRate / 1000

// handOver ends the mix of a leg that hears only one speaker from now on: what
// the buffer still holds of him is sent at once, and his packets go on from there.
// What would be too far ahead of the clock is cut out where it sounds least.
func (s *shard) handOver(from, to *leg) {
	if from.jitter == nil || to.tx.origin.kind != fromMix || to.busy() || !to.sendable() {
		return
	}
	j := from.jitter.jitter // others may go on with the buffer itself
	last := header{seq: from.rx.high, ssrc: j.ssrc, ts: j.write}
	if !j.running() {
		if j.begun && j.hide.erased < mostErased { // he is late by a moment
			from.past.set(last, j.hide.hist[:], from.lastIn)
		}
		return
	}
	var room [historySize + 2*jitterMost]int16
	said := copy(room[:], j.hide.hist[:historySize-pitchOver])
	pcm := j.rest(room[said:])
	// When his next packet comes, by the clock of timestamps.
	comes := to.tx.clock(s.now) + uint32(max(int32(uint32(j.base+j.peak/2)+j.write-samples(s.now.Microseconds())), 0))
	pcm = splice(pcm, int(int32(to.tx.next-comes))+len(pcm)-leadMost)
	sound := append(room[:said], pcm...)
	pcm = sound[said:]
	for parts := (len(pcm) + frameSize - 1) / frameSize; parts > 0; parts-- {
		n := len(pcm) / parts
		s.sendPCM(to, origin{kind: fromMix}, pcm[:n])
		pcm = pcm[n:]
	}
	if from.rx.ssrc == j.ssrc {
		from.past.set(last, sound, from.lastIn) // for a mix that begins before his next packet
		to.tx.adopt(voiceOf(from, j.ssrc), last, j.write, int32(to.tx.next-comes), s.now)
	}
}

// mix makes the frames of a bridge that are due.
func (s *shard) mix(b *bridge) {
	defer s.rescueBridge(b)
	for n := 0; s.now >= b.next && len(b.mixed) > 0; n++ {
		if n == mostCatchUp {
			b.next = align(s.now, b.phase, frameTime)
			return
		}
		s.mixFrame(b)
		b.next += frameTime
	}
}

// mixFrame makes one frame: the voices are summed by role once, and each hearer
// gets the sums of the roles that it hears, without its own voice.
func (s *shard) mixFrame(b *bridge) {
	clock := samples(b.next.Microseconds())
	var sums [numRoles]*[frameSize]int32
	for _, l := range b.voices {
		if !l.jitter.take(&l.jitter.frame, clock) {
			s.stats.MixUnderruns.Add(1)
		}
		sum := sums[l.role]
		if sum == nil {
			sum = &s.sums[l.role]
			clear(sum[:])
			sums[l.role] = sum
		}
		for i, v := range &l.jitter.frame {
			sum[i] += int32(v)
		}
	}
	uncovered := false
	for _, l := range b.mixed {
		o := origin{kind: fromMix}
		if l.clocked && l.busy() || l.over == nil && !l.sendable() || l.tx.crowded(o, frameSize, b.next) {
			continue
		}
		s.stats.MixFrames.Add(1)
		pcm := s.mixFor(l, &sums)
		if l.tx.origin.kind == fromLeg {
			s.leadOver(&l.tx.origin.leg.past, pcm)
		}
		if l.over != nil && s.layOver(l, pcm) {
			l.over, uncovered = nil, true
		}
		s.sendPCM(l, o, pcm)
	}
	if uncovered {
		s.rewire(b)
	}
}

// leadOver lets the first frame of a mix grow out of the speaker who was passed
// through until now: a buffer that ran before is somewhere else in what he says.
func (s *shard) leadOver(p *past, pcm []int16) {
	if p.size == 0 || s.now-p.at > 3*frameTime {
		return
	}
	var h [historySize]int16
	p.sound(&h)
	pitch := pitchOf(&h)
	var on [blockSize]int16
	for i := range on {
		on[i] = h[historySize-pitch+i%pitch]
	}
	crossfade(pcm[:blockSize], on[:], pcm[:blockSize])
}

// mixFor is what a leg hears, saturated.
func (s *shard) mixFor(l *leg, sums *[numRoles]*[frameSize]int32) []int16 {
	var all *[frameSize]int32
	for role, sum := range sums {
		switch {
		case sum == nil || !hears[l.role][role]:
		case all == nil:
			all = sum // the only one, most often
		default:
			if all != &s.heard {
				s.heard = *all
				all = &s.heard
			}
			for i, v := range sum {
				all[i] += v
			}
		}
	}
	if all == nil {
		s.heard = [frameSize]int32{}
		all = &s.heard
	}
	pcm := (*[frameSize]int16)(s.pcm[:])
	if l.jitter != nil && hears[l.role][l.role] {
		own := &l.jitter.frame
		for i, v := range all {
			pcm[i] = int16(min(max(v-int32(own[i]), -32768), 32767))
		}
		return pcm[:]
	}
	for i, v := range all {
		pcm[i] = int16(min(max(v, -32768), 32767))
	}
	return pcm[:]
}

// forward passes a packet of audio to a leg that hears its speaker alone.
func (s *shard) forward(from, to *leg, h header, c Codec, payload []byte) {
	if !s.openTo(to) {
		return
	}
	out, ok := to.tx.pass(voiceOf(from, h.ssrc), h, to.set.audioType(), len(payload), true, s.now)
	if !ok {
		return
	}
	putRTP(s.out[:], out)
	transcode(s.out[rtpHeader:], payload, c, to.set.Codec)
	s.send(to, rtpHeader+len(payload))
}

// forwardKey passes a telephone-event packet; press is true for the first one of a key.
func (s *shard) forwardKey(from, to *leg, h header, k keyEvent, payload []byte, press bool) {
	o := voiceOf(from, h.ssrc)
	switch {
	case to.set.EventType == 0:
		to.tx.skip(o, h)
		if press {
			s.press(to, k.code, pressDefault)
		}
		return
	case !s.openTo(to):
		return
	}
	out, ok := to.tx.pass(o, h, to.set.EventType, 0, false, s.now)
	if !ok {
		return
	}
	putRTP(s.out[:], out)
	n := copy(s.out[rtpHeader:], payload)
	s.send(to, rtpHeader+n)
}

// openTo is true if passed packets may go to a leg now: it does not hear
// something else, and we may send.
func (s *shard) openTo(to *leg) bool {
	if to.clocked && to.busy() {
		return false
	}
	if !to.sendable() {
		to.tx.pause()
		return false
	}
	return true
}
