package media

import "time"

const (
	pressDefault = 100 * time.Millisecond
	pressLongest = 8 * time.Second       // one segment of RFC 4733 holds 8.19 s
	pressPause   = 60 * time.Millisecond // between two keys
	pressQueue   = 64                    // keys waiting on a leg; more are dropped
	pressVolume  = 10                    // -dBm0
	endRepeats   = 3                     // RFC 4733, section 2.5.1.4
)

// keyPress is a key to be sent.
type keyPress struct {
	code   uint8
	length uint16 // samples
}

// presser sends keys to a peer, one after the other, packet by packet.
type presser struct {
	queue []keyPress
	on    bool // queue[0] is being sent
	ts    uint32
	gone  int // samples of the key, then of the pause, already sent
	ends  int // end packets sent
	tone  oscillator
}

func (p *presser) busy() bool { return p.on || len(p.queue) > 0 }

// add puts a key behind the others.
func (p *presser) add(code uint8, d time.Duration) bool {
	if len(p.queue) >= pressQueue {
		return false
	}
	if d <= 0 {
		d = pressDefault
	}
	d = min(max(d, 40*time.Millisecond), pressLongest)
	p.queue = append(p.queue, keyPress{code, uint16(samples(d.Microseconds()))})
	return true
}

func (p *presser) done() {
	copy(p.queue, p.queue[1:])
	p.queue = p.queue[:len(p.queue)-1]
	p.on = false
}

// pressFrame sends the next packet of the leg's running key, of n samples.
func (s *shard) pressFrame(l *leg, n int) {
	p := &l.pressing
	key := p.queue[0]
	if !p.on {
		p.on, p.gone, p.ends = true, 0, 0
		s.stats.DigitsSent.Add(1)
		if l.set.EventType == 0 {
			p.tone.keys(key.code)
		}
	}
	if l.set.EventType == 0 {
		s.pressTone(l, key, n)
		return
	}
	s.pressEvent(l, key, n)
}

// pressEvent sends a telephone-event: growing durations, three ends, a pause.
func (s *shard) pressEvent(l *leg, key keyPress, n int) {
	p := &l.pressing
	if p.ends == endRepeats {
		if p.gone += n; p.gone >= int(samples(pressPause.Microseconds())) {
			p.done()
		}
		return
	}
	first := p.gone == 0
	p.gone = min(p.gone+n, int(key.length))
	ev := keyEvent{code: key.code, volume: pressVolume, duration: uint16(p.gone)}
	if p.gone == int(key.length) {
		ev.end = true
		p.ends++
	}
	if l.sendable() {
		h := l.tx.own(origin{kind: fromDigit}, l.set.EventType, 0, s.now)
		if first {
			p.ts = h.ts
		}
		h.ts, h.marker = p.ts, first
		l.tx.use(p.ts, p.gone)
		putRTP(s.out[:], h)
		putKey(s.out[rtpHeader:], ev)
		s.send(l, rtpHeader+4)
	}
	if p.ends == endRepeats {
		p.gone = 0
	}
}

// pressTone sends the key as sound, then a pause of silence.
func (s *shard) pressTone(l *leg, key keyPress, n int) {
	p := &l.pressing
	pcm := s.pcm[:n]
	for i := range pcm {
		pcm[i] = 0
		if p.gone+i < int(key.length) {
			pcm[i] = p.tone.sample()
		}
	}
	p.gone += n
	s.sendPCM(l, origin{kind: fromDigit}, pcm)
	if p.gone >= int(key.length)+int(samples(pressPause.Microseconds())) {
		p.done()
	}
}
