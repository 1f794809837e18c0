package sip

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"time"
)

// Config of an [Endpoint]. Zero fields take the defaults named here.
type Config struct {
	Packet []net.PacketConn // UDP sockets; the endpoint closes them
	Stream []net.Listener   // TCP listeners; the endpoint closes them

	// Dial opens outgoing TCP connections; default net.Dialer.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Lookup resolves names, never IP literals; default net.DefaultResolver.
	Lookup func(ctx context.Context, host string) ([]netip.Addr, error)
	// Advertise is the host put into Via and Contact instead of the socket's own
	// (NAT). "" is the socket's address; for a socket bound to all addresses, the
	// one that a UDP connect towards the peer would use.
	Advertise string

	Realm  string // digest realm; default "hotline"
	Secret []byte // HMAC key of nonces, 32 bytes; random when nil

	Workers int // SIP workers; default 8
	Queue   int // messages a worker may have waiting; default 1024. Over half full new calls get 503

	// Accounts finds the phones that may register and call; called on workers, must not block.
	Accounts func(user string) (Account, bool)
	// OnCall is told of a new, authenticated, valid INVITE on its worker; it must
	// not block. A nil Inbox refuses the call with 503.
	OnCall func(*Incoming) Inbox

	Bindings  []Binding           // of an earlier process
	OnBinding func(BindingChange) // a registration changed; must not block

	SessionExpires time.Duration // session interval we ask for (RFC 4028); default 1800 s
	MinSE          time.Duration // shortest session interval we grant; default 90 s

	MaxConns      int     // TCP connections in all; default 2048
	MaxConnsPerIP int     // TCP connections of one address; default 20, and 1000 from loopback
	Rate          float64 // requests per second and source that is neither registered, trunk nor loopback; default 20
	Burst         int     // how many of them at once; default 50

	Log *slog.Logger // default discards

	lookupSRV func(ctx context.Context, name string) ([]*net.SRV, error) // set when Lookup is not
}

// withDefaults is a checked copy of c.
func (c Config) withDefaults() (Config, error) {
	if len(c.Packet) == 0 && len(c.Stream) == 0 {
		return c, errors.New("sip: new endpoint: no socket and no listener")
	}
	if c.Dial == nil {
		c.Dial = new(net.Dialer).DialContext
	}
	if c.Lookup == nil {
		c.lookupSRV = func(ctx context.Context, name string) ([]*net.SRV, error) {
			_, all, err := net.DefaultResolver.LookupSRV(ctx, "", "", name)
			return all, err
		}
		c.Lookup = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	if c.Realm == "" {
		c.Realm = "hotline"
	}
	if len(c.Secret) == 0 {
		c.Secret = make([]byte, 32)
		rand.Read(c.Secret)
	}
	if c.Accounts == nil {
		c.Accounts = func(string) (Account, bool) { return Account{}, false }
	}
	if c.OnCall == nil {
		c.OnCall = func(*Incoming) Inbox { return nil }
	}
	if c.OnBinding == nil {
		c.OnBinding = func(BindingChange) {}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Workers = orDefault(c.Workers, 8)
	c.Queue = orDefault(c.Queue, 1024)
	c.MinSE = max(orDefault(c.MinSE, 90*time.Second), time.Second)
	c.SessionExpires = max(orDefault(c.SessionExpires, 1800*time.Second), c.MinSE)
	c.MaxConns = orDefault(c.MaxConns, 2048)
	c.MaxConnsPerIP = orDefault(c.MaxConnsPerIP, 20)
	c.Rate = orDefault(c.Rate, 20)
	c.Burst = orDefault(c.Burst, 50)
	return c, nil
}

func orDefault[T int | float64 | time.Duration](v, def T) T {
	if v <= 0 {
		return def
	}
	return v
}
