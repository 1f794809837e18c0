package media

import (
	"slices"
	"time"
)

// do carries out one command.
func (s *shard) do(c Command) {
	defer s.rescue()
	if s.transit(c) {
		return
	}
	switch c := c.(type) {
	case depart:
		s.departs(c)
	case opened:
		s.addLeg(c.leg)
	case saved:
		s.stats.Recordings.Add(-1)
		if c.Err != nil {
			s.stats.RecordErrors.Add(1)
		}
		s.emit(c.Recorded)
	case Record:
		s.record(c)
	case Tap:
		s.withRecording(c.ID, func(r *recording) { s.tap(r, c.Left, c.Right) })
	case Pause:
		s.withRecording(c.ID, func(r *recording) { r.paused = c.On })
	case Finish:
		s.withRecording(c.ID, s.finish)
	default:
		s.doLeg(c)
	}
}

// doLeg carries out a command that names a leg.
func (s *shard) doLeg(c Command) {
	id := legOf(c)
	l := s.legs[id]
	if l == nil {
		s.stats.UnknownIDs.Add(1)
		if c, ok := c.(Play); ok {
			s.emit(Played{Leg: c.Leg, ID: c.ID, Cut: true})
		}
		return
	}
	s.active = l
	switch c := c.(type) {
	case SetRemote:
		s.setRemote(l, c)
	case Play:
		s.startPlay(l, c)
	case Stop:
		if c.ID == 0 || c.ID == l.play.id {
			s.stopPlay(l, true)
		}
	case Seat:
		s.seat(l, c)
	case Leave:
		s.leave(l)
	case SendDigit:
		if code, ok := keyCode(c.Digit); ok {
			s.press(l, code, c.Duration)
		}
	case MaskDigits:
		s.maskDigits(l, c.On)
	case WithholdDigits:
		l.withholds = c.On
	case Close:
		s.closeLeg(l)
	}
	s.active = nil
}

func legOf(c Command) LegID {
	switch c := c.(type) {
	case SetRemote:
		return c.Leg
	case Play:
		return c.Leg
	case Stop:
		return c.Leg
	case Seat:
		return c.Leg
	case Leave:
		return c.Leg
	case SendDigit:
		return c.Leg
	case MaskDigits:
		return c.Leg
	case WithholdDigits:
		return c.Leg
	case depart:
		return c.id
	case expect:
		return c.id
	case Close:
		return c.Leg
	}
	return ""
}

func (s *shard) addLeg(l *leg) {
	if old := s.legs[l.id]; old != nil {
		s.closeLeg(old)
	}
	l.phase = s.newPhase()
	s.legs[l.id] = l
	s.stats.Legs.Add(1)
	s.tapLate(l)
	l.sock.start()
	if l.control.sock != nil {
		l.control.sock.start()
	}
}

// tapLate taps a leg for the recordings that named it before it was there.
func (s *shard) tapLate(l *leg) {
	for _, r := range s.recs {
		for ch, id := range r.who {
			if id == l.id {
				l.taps = append(l.taps, tap{rec: r, channel: uint8(ch)})
			}
		}
	}
}

func (s *shard) setRemote(l *leg, c SetRemote) {
	c.Addr = plain(c.Addr)
	if c.Codec != PCMA {
		c.Codec = PCMU
	}
	moved := !l.known || c.Addr != l.set.Addr
	if moved {
		l.source, l.control.source = zeroSource, zeroSource
	}
	if l.bound {
		l.bound = false
		l.sock.connect(zeroSource)
	}
	if c.Receive && !l.set.Receive {
		l.lastIn = s.now
		l.silentAt = s.now + s.e.cfg.SilenceAfter
	}
	switch {
	case !c.InBandDTMF:
		l.detector = nil
	case l.detector == nil:
		l.detector = new(detector)
	}
	var err error
	if l.secure, err = l.secure.secure(c.SRTP); err != nil {
		s.stats.SRTPErrors.Add(1)
		s.log.Error("media: keys of no use", "leg", string(l.id), "err", err)
	}
	l.frame = ownFrame(c.PTime)
	l.set, l.known, l.unbound = c, true, true
	l.movable = s.now + provisional
	if l.control.due == 0 {
		l.control.schedule(s.now, controlFirst)
	}
}

// ownFrame is the packet length for what we make: whole multiples of 10 ms.
func ownFrame(ptime time.Duration) time.Duration {
	if ptime <= 0 {
		return frameTime
	}
	ptime = ptime.Truncate(10 * time.Millisecond)
	return min(max(ptime, 10*time.Millisecond), 60*time.Millisecond)
}

// press queues a key towards a leg.
func (s *shard) press(l *leg, code uint8, d time.Duration) {
	if l.pressing.add(code, d) {
		s.runClock(l)
	}
}

func (s *shard) closeLeg(l *leg) {
	if l.closed {
		return
	}
	l.closed = true
	s.stopPlay(l, true)
	s.leave(l)
	l.taps = nil
	l.pressing.queue, l.pressing.on = nil, false
	s.clocked = slices.DeleteFunc(s.clocked, func(o *leg) bool { return o == l })
	if l.control.told {
		s.sendControl(l, true)
	}
	l.sock.close()
	if l.control.sock != nil {
		l.control.sock.close()
	}
	s.e.ports.release(l.port, time.Now())
	if s.legs[l.id] == l {
		delete(s.legs, l.id)
	}
	s.stats.Legs.Add(-1)
	s.stats.Lost.Add(uint64(max(l.rx.lost, 0)))
	s.e.forget(l)
	s.emit(Closed{Leg: l.id, Stats: l.legStats()})
}
