package media

// player sends clips and then a tone to one leg.
type player struct {
	id     PlayID
	on     bool
	clips  [][]byte // mu-law
	clip   int      // index of the one being sent
	at     int      // bytes of it sent
	loop   bool
	tone   toner
	toning bool // the tone follows, or sounds
}

// startPlay replaces whatever the leg plays.
func (s *shard) startPlay(l *leg, c Play) {
	s.stopPlay(l, true)
	p := &l.play
	p.id, p.on, p.clip, p.at, p.loop = c.ID, true, 0, 0, c.Loop
	p.clips = p.clips[:0]
	for _, id := range c.Clips {
		clip, ok := s.e.clips.get(id)
		if !ok {
			s.stats.UnknownClips.Add(1)
			continue
		}
		if len(clip) > 0 {
			p.clips = append(p.clips, clip)
		}
	}
	p.toning = p.tone.start(c.Tone)
	s.overlay(l, c.Over)
	if l.playing() {
		s.runClock(l)
	}
}

// stopPlay ends a play and tells it; without one it does nothing.
func (s *shard) stopPlay(l *leg, cut bool) {
	if !l.play.on {
		return
	}
	switch {
	case l.over == nil:
	case !l.mixed:
		l.over = nil
	case cut:
		l.over.cut(&l.play)
	}
	l.play.on = false
	clear(l.play.clips)
	s.emit(Played{Leg: l.id, ID: l.play.id, Cut: cut})
}

// playFrame sends the next n samples; the last packet may be shorter in sound
// but never in length.
func (s *shard) playFrame(l *leg, n int) {
	p := &l.play
	ulaw := s.frame[:n]
	if done := p.next(ulaw); done > 0 {
		hush(ulaw[done:])
		s.sendUlaw(l, origin{kind: fromPlay}, ulaw)
	}
	if p.ended() {
		s.stopPlay(l, false)
	}
}

// next gives the next samples and how many there were: less than there is room for
// at the end only.
func (p *player) next(ulaw []byte) (done int) {
	n := len(ulaw)
	for done < n && p.clip < len(p.clips) {
		k := copy(ulaw[done:], p.clips[p.clip][p.at:])
		done += k
		p.at += k
		if p.at == len(p.clips[p.clip]) {
			p.clip, p.at = p.clip+1, 0
			if p.loop && p.clip == len(p.clips) && !p.toning {
				p.clip = 0
			}
		}
	}
	if done < n && p.toning {
		var pcm [frameMost]int16
		k := p.tone.fill(pcm[:n-done])
		PCMU.Encode(ulaw[done:done+k], pcm[:k])
		done += k
	}
	return done
}

func (p *player) ended() bool {
	return p.clip == len(p.clips) && (!p.toning || p.tone.left == 0)
}

// left is how many samples are still to come; -1 while that is not known.
func (p *player) left() int {
	switch {
	case p.clip == len(p.clips) && p.toning:
		return p.tone.left
	case p.clip == len(p.clips):
		return 0
	case p.clip == len(p.clips)-1 && !p.toning && !p.loop:
		return len(p.clips[p.clip]) - p.at
	}
	return -1
}
