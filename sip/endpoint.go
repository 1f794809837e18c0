package sip

import (
	"context"
	"sync/atomic"
)

// Endpoint is our user agent.
type Endpoint struct {
	cfg   Config
	stats Stats
}

// New checks the config. Nothing runs before Run.
func New(c Config) (*Endpoint, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Endpoint{cfg: c}, nil
}

func (e *Endpoint) Run(ctx context.Context) error              { <-ctx.Done(); return nil }
func (e *Endpoint) Dial(i Invite) *Dialog                      { return nil }
func (e *Endpoint) Revive(s DialogState, in Inbox) *Dialog     { return nil }
func (e *Endpoint) Contacts(aor string) []Target               { return nil }
func (e *Endpoint) Bindings() []Binding                        { return nil }
func (e *Endpoint) SetTrunks(t []Trunk)                        {}
func (e *Endpoint) Trunk(name, number string) ([]Target, bool) { return nil, false }
func (e *Endpoint) Trunks() []TrunkState                       { return nil }
func (e *Endpoint) Stats() *Stats                              { return &e.stats }

// Dialog is one leg's signalling.
type Dialog struct{ state atomic.Pointer[DialogState] }

func (d *Dialog) ID() string                           { return "" }
func (d *Dialog) CallID() string                       { return "" }
func (d *Dialog) Ring()                                {}
func (d *Dialog) Progress(m Media)                     {}
func (d *Dialog) Answer(m Media)                       {}
func (d *Dialog) End(c Cause)                          {}
func (d *Dialog) Reoffer()                             {}
func (d *Dialog) Info(contentType string, body []byte) {}
func (d *Dialog) State() DialogState                   { return *d.state.Load() }
