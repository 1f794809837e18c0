package media

import (
	"unsafe"
)

// With a thousand legs nothing of a leg is in the cache when its packet comes:
// the packet would wait for memory a dozen times, which costs more than all that
// is done with it. epoll tells in advance whose packets come next, so that their
// memory is asked for while others are being handled.

// foresight is how many packets before its own a leg's memory is asked for first.
const foresight = 4

// foreseen are the sockets of the next packets, the latest first.
type foreseen [foresight - 1]*epollSocket

// push takes the socket of the last packet that is known and asks for what each
// will touch, a step further with each packet: socket, leg, the legs that hear
// it, their sockets.
func (w *foreseen) push(s *epollSocket) {
	if s != nil {
		prefetch(unsafe.Pointer(s), 1)
	}
	if s := w[0]; s != nil {
		s.leg.foresee()
	}
	if s := w[1]; s != nil {
		s.leg.foreseeHearers()
	}
	if s := w[2]; s != nil {
		s.leg.foreseeSending()
	}
	w[2], w[1], w[0] = w[1], w[0], s
}

// foresee asks for what a packet of the leg needs.
func (l *leg) foresee() {
	prefetch(unsafe.Pointer(l), 5)
	prefetch(unsafe.Pointer(&l.set.Codec), 1)
	prefetch(unsafe.Pointer(&l.past), 2)
}

// foreseeHearers asks for what its hearers and recordings need.
func (l *leg) foreseeHearers() {
	for _, to := range l.passTo {
		prefetch(unsafe.Pointer(to), 3)
		prefetch(unsafe.Pointer(&to.set.Codec), 1)
	}
	if len(l.passTo) > 0 {
		prefetch(unsafe.Pointer(&l.past.b[l.past.end]), 3)
	}
	for _, t := range l.taps {
		prefetch(unsafe.Pointer(t.rec), 3)
	}
}

// foreseeSending asks for the last of it: sockets that are sent to, memory that
// is recorded into.
func (l *leg) foreseeSending() {
	for _, to := range l.passTo {
		if s, ok := to.sock.(*epollSocket); ok {
			prefetch(unsafe.Pointer(s), 1)
		}
	}
	for _, t := range l.taps {
		next := uint64(t.rec.place[t.channel].pos+frameSize) % recRing
		prefetch(unsafe.Pointer(&t.rec.ring[t.channel][next]), 3)
	}
}
