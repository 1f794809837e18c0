package phone

import (
	"context"
	"errors"
	"fmt"

	"hotline/sip"
)

// desk composes and reads the descriptions of one call; called on its SIP worker.
type desk struct{ c *Call }

var errRefused = errors.New("phone: told to refuse offers")

// Offer makes desk a sip.Media. A late offer is an empty one.
func (k desk) Offer() ([]byte, error) {
	c := k.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.p.cfg.LateOffer && !c.isUp && c.inc == nil {
		return nil, nil
	}
	return c.desc.offer(), nil
}

// Answer makes desk a sip.Media.
func (k desk) Answer(offer []byte) ([]byte, error) {
	c := k.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refuse {
		return nil, errRefused
	}
	answer, err := c.desc.answer(offer)
	if err == nil {
		c.s.agree(c.desc.agreed)
	}
	return answer, err
}

// Accept makes desk a sip.Media.
func (k desk) Accept(answer []byte) error {
	c := k.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.desc.accept(answer); err != nil {
		return err
	}
	c.s.agree(c.desc.agreed)
	return nil
}

// Hold puts the peer on hold: SendOnly (music may go on), Inactive, RecvOnly, or
// ZeroAddress as phones of RFC 2543 do it.
func (c *Call) Hold(ctx context.Context, how Direction) error {
	return c.reoffer(ctx, func(d *description) { d.want = how })
}

// Resume ends a hold.
func (c *Call) Resume(ctx context.Context) error {
	return c.reoffer(ctx, func(d *description) { d.want = SendRecv })
}

// Reoffer sends a re-INVITE, with other codecs if any are given, and waits for
// its outcome. The offer before stands if it is refused.
func (c *Call) Reoffer(ctx context.Context, codecs ...uint8) error {
	return c.reoffer(ctx, func(d *description) {
		if len(codecs) > 0 {
			d.codecs = codecs
		}
	})
}

// reoffer sends one re-INVITE at a time.
func (c *Call) reoffer(ctx context.Context, change func(*description)) error {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return fmt.Errorf("phone: re-INVITE: %w", context.Cause(ctx))
	}
	c.mu.Lock()
	if !c.isUp || c.isOver {
		c.mu.Unlock()
		return errNotUp
	}
	before := c.desc
	change(&c.desc)
	out := make(chan error, 1)
	c.outcome = out
	c.mu.Unlock()
	c.d.Reoffer()
	select {
	case err := <-out:
		if err != nil {
			c.mu.Lock()
			c.desc.want, c.desc.codecs = before.want, before.codecs
			c.mu.Unlock()
		}
		return err
	case <-ctx.Done():
		return fmt.Errorf("phone: re-INVITE: %w", context.Cause(ctx))
	}
}

// reoffered tells who waits in reoffer.
func (c *Call) reoffered(ev sip.Reoffered) {
	var err error
	if ev.Err != nil || ev.Status >= 300 {
		err = fmt.Errorf("phone: re-INVITE refused: %d: %w", ev.Status, errors.Join(ev.Err, errRefusedByPeer))
	}
	c.tell(err)
}

func (c *Call) tell(err error) {
	c.mu.Lock()
	out := c.outcome
	c.outcome = nil
	c.mu.Unlock()
	if out != nil {
		out <- err
	}
}

var errRefusedByPeer = errors.New("the peer's answer")

// RefuseOffers makes the phone answer re-INVITEs with 488 from now on.
func (c *Call) RefuseOffers(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refuse = on
}

// Held says whether the peer holds us: it does not want to hear us.
func (c *Call) Held() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.desc.agreed.held
}

// PeerDirection is the direction in the peer's last description, from its view.
func (c *Call) PeerDirection() Direction {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.desc.agreed.theirs
}

// Codec is the payload type in use: 0 (PCMU), 8 (PCMA).
func (c *Call) Codec() uint8 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.desc.agreed.codec
}

// Events is the payload type of telephone-event agreed on, 0 none.
func (c *Call) Events() uint8 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.desc.agreed.event
}

// PeerSDP is the peer's last description.
func (c *Call) PeerSDP() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.desc.peer
}
