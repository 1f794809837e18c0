package phone

import "time"

// Policy deals with one incoming call. It returns when it has nothing more to
// do; whoever waits in it must watch [Call.Done].
type Policy func(*Call)

// AnswerAfter rings, and answers after d.
func AnswerAfter(d time.Duration) Policy {
	return func(c *Call) {
		c.Ring()
		if c.pause(d) {
			c.Answer()
		}
	}
}

// RingForever rings until the caller gives up.
func RingForever() Policy { return func(c *Call) { c.Ring() } }

// Silence says nothing at all to an INVITE but 100.
func Silence() Policy { return func(*Call) {} }

// RejectAfter rings for d (0: not at all) and refuses with a status.
func RejectAfter(d time.Duration, status int) Policy {
	return func(c *Call) {
		if d > 0 {
			c.Ring()
		}
		if c.pause(d) {
			c.Reject(status)
		}
	}
}

// EarlyMedia sends 183 and a tone (Hz) at once, and after d answers, when status
// is 0, or refuses with status.
func EarlyMedia(freq float64, d time.Duration, status int) Policy {
	return func(c *Call) {
		c.Tone(freq)
		c.Progress()
		switch {
		case !c.pause(d):
		case status == 0:
			c.Answer()
		default:
			c.Reject(status)
		}
	}
}

// Then runs one policy and, if the call is still there, the next.
func (f Policy) Then(next Policy) Policy {
	return func(c *Call) {
		f(c)
		select {
		case <-c.done:
		default:
			next(c)
		}
	}
}

// Speaking answers and then sends a tone (Hz) for as long as the call lasts.
func (f Policy) Speaking(freq float64) Policy {
	return f.Then(func(c *Call) { c.Tone(freq) })
}
