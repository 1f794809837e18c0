package phone

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"hotline/sip"
)

// Call is one call of a phone, placed or taken. Its methods may be called from
// any goroutine, and after its end.
type Call struct {
	p      *Phone
	d      *sip.Dialog   // set when dialled is closed
	inc    *sip.Incoming // nil if we placed it
	number string
	s      *stream

	dialled, ringing, answered, done chan struct{}
	turn                             chan struct{} // held by the re-INVITE under way

	mu        sync.Mutex // guards all below
	desc      description
	isRinging bool
	isUp      bool
	isOver    bool
	early     bool
	end       End
	after     []func() // called once, at the end
	digits    []Digit
	outcome   chan error // of the re-INVITE under way
	refuse    bool       // offers of the peer's are refused
	referral  []sip.ReferProgress
}

// End says how a call ended.
type End struct {
	Status      int    // of the refusal, or of the Reason header; 0 is normal
	Reason      string // for people
	Q850        int    // cause of the Reason header, 0 none
	ByPeer      bool
	Unreachable bool   // nobody answered at all
	Answered    bool   // it had been answered before
	Why         string // "bye", "cancel", "refused", "ended-by-us", "no-ack", ...; see package sip
}

func (e End) String() string {
	s := e.Why
	if e.Status != 0 {
		s += fmt.Sprintf(" %d", e.Status)
	}
	if e.Reason != "" {
		s += " " + e.Reason
	}
	return s
}

// Digit is a key press that came from the peer.
type Digit struct {
	Rune   rune
	Method string // "rfc4733", "info"
	At     time.Time
}

var (
	errNotUp  = errors.New("phone: the call does not stand")
	errFailed = errors.New("phone: call failed")
)

// newCall opens the audio of a call, which begins to listen at once.
func (p *Phone) newCall() (*Call, error) {
	s, err := newStream(p)
	if err != nil {
		return nil, err
	}
	c := &Call{
		p: p, s: s, desc: newDescription(s.announced(), p.cfg),
		dialled: make(chan struct{}), ringing: make(chan struct{}), answered: make(chan struct{}), done: make(chan struct{}),
		turn: make(chan struct{}, 1),
	}
	s.digit = func(r rune) { c.digit(r, "rfc4733") }
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		s.close()
		return nil, ErrOver
	}
	p.calls[c] = true
	// Both end with the stream, which the end of the call closes; Run waits for them.
	p.wg.Go(s.send)
	p.wg.Go(s.receive)
	return c, nil
}

// Deliver takes an event of the dialog; called on the SIP worker.
func (c *Call) Deliver(ev sip.Event) {
	switch ev := ev.(type) {
	case sip.Ringing:
		c.mu.Lock()
		c.early = c.early || ev.Early
		once(c.ringing, &c.isRinging)
		c.mu.Unlock()
	case sip.Answered:
		c.mu.Lock()
		once(c.answered, &c.isUp)
		c.mu.Unlock()
	case sip.Digit:
		c.digit(ev.Rune, "info")
	case sip.Reoffered:
		c.reoffered(ev)
	case sip.Referred:
		ev.Reject(603)
	case sip.ReferProgress:
		c.mu.Lock()
		c.referral = append(c.referral, ev)
		c.mu.Unlock()
	case sip.Failed:
		c.finish(End{Status: ev.Status, Reason: ev.Reason, ByPeer: !ev.Unreachable, Unreachable: ev.Unreachable, Why: "refused"})
	case sip.Ended:
		c.finish(End{Status: ev.Cause.Status, Reason: ev.Cause.Text, Q850: ev.Cause.Q850, ByPeer: ev.ByPeer, Why: ev.Why})
	}
}

// once closes a channel the first time.
func once(ch chan struct{}, is *bool) {
	if !*is {
		*is = true
		close(ch)
	}
}

// finish is the end of the call, reached once.
func (c *Call) finish(e End) {
	c.mu.Lock()
	if c.isOver {
		c.mu.Unlock()
		return
	}
	e.Answered = c.isUp
	c.end = e
	once(c.done, &c.isOver)
	after := c.after
	c.after = nil
	c.mu.Unlock()
	c.tell(errNotUp)
	c.s.close()
	c.p.mu.Lock()
	delete(c.p.calls, c)
	c.p.mu.Unlock()
	for _, f := range after {
		f()
	}
}

// onDone calls f at the end of the call, or now if it is over.
func (c *Call) onDone(f func()) {
	c.mu.Lock()
	over := c.isOver
	if !over {
		c.after = append(c.after, f)
	}
	c.mu.Unlock()
	if over {
		f()
	}
}

func (c *Call) digit(r rune, method string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.digits = append(c.digits, Digit{r, method, time.Now()})
}

// pause waits d; false if the call ends meanwhile.
func (c *Call) pause(d time.Duration) bool {
	if d <= 0 {
		return !c.Over()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-c.done:
		return false
	case <-t.C:
		return true
	}
}

// dialog is the signalling; it waits the moment that Phone.Call needs to set it.
func (c *Call) dialog() *sip.Dialog {
	<-c.dialled
	return c.d
}

// ID is the Call-ID.
func (c *Call) ID() string { return c.dialog().CallID() }

// Number is what was dialled; of incoming calls the user part of the Request-URI.
func (c *Call) Number() string { return c.number }

// Incoming is the INVITE that we took; nil if we placed the call.
func (c *Call) Incoming() *sip.Incoming { return c.inc }

// Screen is what a phone shows of an incoming call: the caller's name and number.
func (c *Call) Screen() (name, number string) {
	<-c.dialled
	if c.inc == nil {
		return "", c.number
	}
	who := c.inc.From
	if c.inc.Asserted.User != "" {
		who = c.inc.Asserted
		if who.Display == "" {
			who.Display = c.inc.From.Display
		}
	}
	return who.Display, who.User
}

// Ringing closes when the peer of a call of ours rings, or we do.
func (c *Call) Ringing() <-chan struct{} { return c.ringing }

// Answered closes when the call stands.
func (c *Call) Answered() <-chan struct{} { return c.answered }

// Done closes when the call is over.
func (c *Call) Done() <-chan struct{} { return c.done }

// Over says whether the call is over.
func (c *Call) Over() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// Early says whether early media was offered before the answer.
func (c *Call) Early() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.early
}

// End says how the call ended; zero while it lasts.
func (c *Call) End() End {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.end
}

// WaitAnswered waits until the call stands. The error tells why it does not.
func (c *Call) WaitAnswered(ctx context.Context) error {
	select {
	case <-c.answered:
		return nil
	case <-c.done:
		if e := c.End(); !e.Answered {
			return fmt.Errorf("%w: %s", errFailed, e)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("phone: call %s: not answered: %w", c.number, context.Cause(ctx))
	}
}

// WaitDone waits until the call is over.
func (c *Call) WaitDone(ctx context.Context) error {
	select {
	case <-c.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("phone: call %s: not over: %w", c.number, context.Cause(ctx))
	}
}

// Ring sends 180 to an incoming call.
func (c *Call) Ring() {
	c.dialog().Ring()
	c.mu.Lock()
	defer c.mu.Unlock()
	once(c.ringing, &c.isRinging)
}

// Progress sends 183 with our answer to an incoming call: early media.
func (c *Call) Progress() {
	c.dialog().Progress(desk{c})
	c.mu.Lock()
	defer c.mu.Unlock()
	once(c.ringing, &c.isRinging)
}

// Answer takes an incoming call. It stands when Answered closes.
func (c *Call) Answer() { c.dialog().Answer(desk{c}) }

// Reject refuses an incoming call, with 486 for example.
func (c *Call) Reject(status int) { c.dialog().End(sip.Cause{Status: status}) }

// Hangup ends the call, whatever its state.
func (c *Call) Hangup() { c.dialog().End(sip.Cause{}) }

// HangupWith ends the call with a cause.
func (c *Call) HangupWith(cause sip.Cause) { c.dialog().End(cause) }

// Digits are the keys that came by RFC 4733 and INFO, in order.
func (c *Call) Digits() []Digit {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Digit(nil), c.digits...)
}

// DigitString is Digits without times and methods.
func (c *Call) DigitString() string {
	var s []rune
	for _, d := range c.Digits() {
		s = append(s, d.Rune)
	}
	return string(s)
}
