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
	Secure []net.Listener   // TCP listeners for TLS, without any TLS of their own; the endpoint closes them

	// Dial opens outgoing TCP connections; default net.Dialer.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Lookup resolves names, never IP literals; default net.DefaultResolver.
	Lookup func(ctx context.Context, host string) ([]netip.Addr, error)
	// LookupSRV finds "_sip._udp.example.com"; default net.DefaultResolver if Lookup
	// is unset too, else none.
	LookupSRV func(ctx context.Context, name string) ([]*net.SRV, error)
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

	// MayReplace says whether a call may take the place of a dialog of ours (RFC
	// 3891); called on a worker, must not block. Default: only who stands at the far
	// end of that dialog may, by account or trunk.
	MayReplace func(in *Incoming, old *Dialog) bool
	// MaySubscribe says whether somebody may watch an address: 0, or the status to
	// refuse with. Event is "dialog" or "message-summary"; must not block. Default:
	// accounts may watch all calls and their own messages, trunks nothing (403).
	MaySubscribe func(who Peer, event, aor string) int
	// Subscriptions is how many may stand at once; default 10000, 500 for one account.
	Subscriptions int

	Bindings  []Binding           // of an earlier process
	OnBinding func(BindingChange) // a registration changed; must not block

	SessionExpires time.Duration // session interval we ask for (RFC 4028); default 1800 s
	MinSE          time.Duration // shortest session interval we grant; default 90 s

	// KeepAlive is how often a CRLF, or OPTIONS, goes to phones registered over UDP,
	// and a ping to kept TCP connections, so that NATs stay open; 0: never. 25 s suits
	// most routers.
	KeepAlive        time.Duration
	KeepAliveOptions bool // OPTIONS instead of CRLF to phones over UDP

	// OnTrunk is told when a peer of a trunk with KeepAlive goes up or down; must not block.
	OnTrunk func(TrunkChange)

	// STUN servers, "host:port", asked in turn for our address as the world sees it,
	// from each UDP socket; unused where Advertise is set.
	STUN        []string
	STUNRefresh time.Duration // default 60 s

	TLS TLS // certificates; with Secure listeners or trunks over TLS

	// BanAfter failed log-ins within a minute ban an address; default 5, negative
	// never. The first ban takes BanFor, default 15 minutes, each further one twice
	// as long, up to 24 h.
	BanAfter int
	BanFor   time.Duration

	MaxConns      int     // TCP connections in all; default 2048
	MaxConnsPerIP int     // TCP connections of one address; default 20, and 1000 from loopback
	Rate          float64 // requests per second and source that is neither registered, trunk nor loopback; default 20
	Burst         int     // how many of them at once; default 50

	Log *slog.Logger // default discards
}

// withDefaults is a checked copy of c.
func (c Config) withDefaults() (Config, error) {
	if len(c.Packet) == 0 && len(c.Stream) == 0 && len(c.Secure) == 0 {
		return c, errors.New("sip: new endpoint: no socket and no listener")
	}
	if c.Dial == nil {
		c.Dial = new(net.Dialer).DialContext
	}
	if c.Lookup == nil {
		if c.LookupSRV == nil {
			c.LookupSRV = func(ctx context.Context, name string) ([]*net.SRV, error) {
				_, all, err := net.DefaultResolver.LookupSRV(ctx, "", "", name)
				return all, err
			}
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
	c.Subscriptions = orDefault(c.Subscriptions, 10000)
	c.STUNRefresh = max(orDefault(c.STUNRefresh, time.Minute), 10*time.Second)
	if c.BanAfter == 0 {
		c.BanAfter = 5
	}
	c.BanFor = orDefault(c.BanFor, 15*time.Minute)
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
