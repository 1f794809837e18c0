package media

const (
	unity    = 1 << 15       // gain of what sounds as loud as it came
	ducked   = unity * 2 / 5 // of the others while a play sounds over them, 8 dB less
	overEdge = 40            // samples in which a play comes in and dies away, 5 ms
)

// overlay is a play that a leg hears over its bridge. The leg gets a mix meanwhile,
// even of one voice, in which the others are softer; a frame after the play, when
// they are as loud as before, they are passed through again. It outlives plays
// that replace each other.
type overlay struct {
	gain  int32           // of the others, as the last frame left it
	heard int             // samples of the play that were heard, overEdge at most
	tail  [overEdge]int16 // how a play that was cut dies away
	dying bool            // tail is still to be heard
}

// playing is true while a play takes the leg: it hears nothing else.
func (l *leg) playing() bool { return l.play.on && !(l.over != nil && l.mixed) }

// busy is true while the leg's own clock has something to send.
func (l *leg) busy() bool { return l.playing() || l.pressing.busy() }

// overlay prepares a leg for a play that is heard over its bridge, or instead of it.
func (s *shard) overlay(l *leg, over bool) {
	switch {
	case over && l.over == nil:
		l.over = &overlay{gain: unity}
	case over:
		l.over.heard = 0
		return
	case l.over == nil:
		return
	default:
		l.over = nil
	}
	if l.bridge != nil {
		s.rewire(l.bridge)
	}
}

// uncover lets a play go on alone whose leg hears nobody any more.
func (s *shard) uncover(l *leg) {
	switch {
	case l.over == nil:
	case !l.play.on:
		l.over = nil
	default:
		s.runClock(l)
	}
}

// layOver adds the play of a leg to a frame of what it hears; done is true when the
// play is over and the others sound as ever.
func (s *shard) layOver(l *leg, pcm []int16) (done bool) {
	o, p := l.over, &l.play
	var said [frameSize]int16
	to := int32(unity)
	if p.on {
		to = ducked
		n := p.next(s.frame[:frameSize])
		PCMU.Decode(said[:n], s.frame[:n])
		o.edges(said[:n], p.left())
	}
	if o.dying {
		o.dying = false
		for i, v := range o.tail {
			said[i] = int16(min(max(int32(said[i])+int32(v), -32768), 32767))
		}
	}
	gain, step := o.gain, (to-o.gain)/frameSize
	for i, v := range said {
		gain += step
		pcm[i] = int16(min(max(int32(pcm[i])*gain>>15+int32(v), -32768), 32767))
	}
	o.gain = to
	if p.on && p.ended() {
		s.stopPlay(l, false)
	}
	return to == unity
}

// edges makes a play begin and end from silence; left is how much of it comes after
// these samples, -1 if that is not known.
func (o *overlay) edges(said []int16, left int) {
	for i, v := range said {
		at := o.heard
		if end := left + len(said) - 1 - i; left >= 0 {
			at = min(at, end)
		}
		if at < overEdge {
			said[i] = int16(int32(v) * int32(at) / overEdge)
		}
		o.heard = min(o.heard+1, overEdge)
	}
}

// cut keeps what comes next of a play that ends before its time, so that it dies away.
func (o *overlay) cut(p *player) {
	if o.heard == 0 {
		return
	}
	var ulaw [overEdge]byte
	n := p.next(ulaw[:])
	o.tail = [overEdge]int16{}
	PCMU.Decode(o.tail[:n], ulaw[:n])
	o.edges(o.tail[:n], p.left())
	for i, v := range o.tail {
		o.tail[i] = int16(int32(v) * int32(overEdge-1-i) / overEdge)
	}
	o.dying = true
}
