package call

import (
	"sync"

	"hotline/media"
)

// music is what a leg hears without end: music, a ringing tone. It is silent while a
// supervisor who joined speaks to whoever waits, who else would not hear him.
type music struct {
	mu     sync.Mutex   // guards the rest; held while the media engine is told
	plays  *media.Play  // without end, whether it is heard or not; nil: none
	barged int          // supervisors who speak to the leg
	told   media.PlayID // the last play over it
}

// play begins a play and forgets the one before, whose end it is.
func (m *music) play(do func(media.Command), p media.Play) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.plays = nil
	if p.Loop {
		m.plays = &p
		if m.barged > 0 {
			do(media.Stop{Leg: p.Leg})
			return
		}
	}
	do(p)
}

func (m *music) stop(do func(media.Command), leg media.LegID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.plays = nil
	do(media.Stop{Leg: leg})
}

// over begins a short play and gives the music to be resumed behind it; nil if none
// is heard.
func (m *music) over(do func(media.Command), p media.Play) *media.Play {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.told = p.ID
	do(p)
	if m.barged > 0 {
		return nil
	}
	return m.plays
}

// resume takes music up again behind a play, unless something else came since.
func (m *music) resume(do func(media.Command), music *media.Play, after media.PlayID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.plays == music && m.told == after && m.barged == 0 {
		do(*music)
	}
}

// barge has a supervisor speak to the leg, or no longer.
func (m *music) barge(do func(media.Command), yes bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case yes:
		m.barged++
		if m.barged == 1 && m.plays != nil {
			do(media.Stop{Leg: m.plays.Leg, ID: m.plays.ID})
		}
	default:
		m.barged--
		if m.barged == 0 && m.plays != nil {
			do(*m.plays)
		}
	}
}

// speaksTo notes to whom a supervisor speaks who joined: the caller's leg, or nobody.
// Only run's goroutine calls it.
func (s *supervision) speaksTo(l *Leg) {
	if s.barges == l {
		return
	}
	do := s.eng.media.Do
	if s.barges != nil {
		s.barges.music.barge(do, false)
	}
	if s.barges = l; l != nil {
		l.music.barge(do, true)
	}
}
