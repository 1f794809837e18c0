package callload

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
)

// Hello is the first line that Serve and ServeRelay write.
type Hello struct {
	Agents netip.AddrPort      `json:"agents"`         // where the agents' phones are reached
	Ends   [][2]netip.AddrPort `json:"ends,omitempty"` // of a relay
}

// Order asks a serving Load for one measurement: Relayed if it has ends, Rate if
// it is silent, Crowd if it has a room, Rooms if it has parties, else Media.
type Order struct {
	Plan
	Target netip.AddrPort      `json:"target"`
	Number string              `json:"number"`
	Silent bool                `json:"silent,omitempty"`
	Ends   [][2]netip.AddrPort `json:"ends,omitempty"`

	Parties int    `json:"parties,omitempty"` // in each conference
	Room    string `json:"room,omitempty"`    // of the one conference of a crowd
}

// Serve says hello on out, takes one order from in, and writes its result.
func Serve(ctx context.Context, in io.Reader, out io.Writer) error {
	prefer()
	l, err := New(Config{})
	if err != nil {
		return err
	}
	defer l.Close()
	if err := json.NewEncoder(out).Encode(Hello{Agents: l.AgentsAddr()}); err != nil {
		return fmt.Errorf("callload: serve: %w", err)
	}
	var o Order
	if err := json.NewDecoder(in).Decode(&o); errors.Is(err, io.EOF) {
		return nil // nobody wants anything
	} else if err != nil {
		return fmt.Errorf("callload: serve: %w", err)
	}
	r, err := l.obey(ctx, o)
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(r)
}

func (l *Load) obey(ctx context.Context, o Order) (Result, error) {
	if len(o.Ends) > 0 {
		return l.Relayed(ctx, o.Plan, o.Ends)
	}
	if err := l.Aim(o.Target, o.Number); err != nil {
		return Result{}, err
	}
	if o.Silent {
		l.cfg.Silent = true
		return l.Rate(ctx, o.Plan)
	}
	if o.Room != "" {
		return l.Crowd(ctx, o.Plan, o.Parties, o.Room)
	}
	if o.Parties > 0 {
		return l.Rooms(ctx, o.Plan, o.Parties)
	}
	return l.Media(ctx, o.Plan)
}

// ServeRelay relays n calls; it says where on out, and ends when in does.
func ServeRelay(ctx context.Context, n int, in io.Reader, out io.Writer) error {
	r, err := NewRelay(n)
	if err != nil {
		return fmt.Errorf("callload: relay: %w", err)
	}
	if err := json.NewEncoder(out).Encode(Hello{Ends: r.Ends}); err != nil {
		r.close()
		return fmt.Errorf("callload: relay: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // ends with in, that is with the parent
		_, _ = io.Copy(io.Discard, in)
		cancel()
	}()
	r.Run(ctx)
	return nil
}
