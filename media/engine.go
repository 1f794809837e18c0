package media

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"
)

// ErrNoPorts is returned by Open when no even port of the range is free.
var ErrNoPorts = errors.New("media: no free port")

// ErrClosed is returned by Open once Run has ended.
var ErrClosed = errors.New("media: engine closed")

// Config of an Engine. Zero fields take the defaults named here.
type Config struct {
	Listen func(netip.AddrPort) (net.PacketConn, error) // default real UDP; tests pass an in-memory network

	Addr      netip.Addr // local address of RTP sockets; may be unspecified; default 127.0.0.1
	Advertise netip.Addr // address told in descriptions; zero is Addr
	PortMin   uint16     // even ports from here for RTP, each with the next one for RTCP; default 10000
	PortMax   uint16     // last port for RTP; default 19999

	Events       func(Event)   // called on the engine's goroutine; must not block
	SilenceAfter time.Duration // Silent after so long without RTP; default 5 s
	Portable     bool          // a goroutine per socket even where epoll exists
	Log          *slog.Logger  // default slog.Default()
}

// Local is a leg's own transport description: what to say in SDP.
type Local struct{ Addr netip.AddrPort }

// Engine owns the media of a process.
type Engine struct {
	cfg   Config
	stats Stats
	ports *ports
	clips clips
	shard *shard
}

// New checks the configuration and makes an engine; nothing runs until Run.
func New(cfg Config) (*Engine, error) {
	if !cfg.Addr.IsValid() {
		cfg.Addr = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	if !cfg.Advertise.IsValid() {
		cfg.Advertise = cfg.Addr
	}
	if cfg.PortMin == 0 && cfg.PortMax == 0 {
		cfg.PortMin, cfg.PortMax = 10000, 19999
	}
	if cfg.PortMin == 0 || cfg.PortMax < cfg.PortMin {
		return nil, fmt.Errorf("media: port range %d-%d is empty", cfg.PortMin, cfg.PortMax)
	}
	if cfg.SilenceAfter <= 0 {
		cfg.SilenceAfter = 5 * time.Second
	}
	if cfg.Events == nil {
		cfg.Events = func(Event) {}
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	e := &Engine{cfg: cfg, ports: newPorts(cfg.PortMin, cfg.PortMax)}
	c := clock{began: time.Now()}
	io, err := newPacketIO(cfg, &e.stats, c)
	if err != nil {
		return nil, fmt.Errorf("media: packet io: %w", err)
	}
	e.shard = newShard(e, io, c)
	return e, nil
}

// Run owns all goroutines of the engine. When ctx ends it closes legs and
// recordings, delivers their last events and returns. Run may be called once.
func (e *Engine) Run(ctx context.Context) { e.shard.run(ctx) }

// Open makes a leg with a socket of its own and returns at once. The leg hears
// and sends nothing until its SetRemote.
func (e *Engine) Open(id LegID) (Local, error) {
	l := newLeg(id)
	for tries := 0; tries < e.ports.size(); tries++ {
		port, ok := e.ports.take(time.Now())
		if !ok {
			break
		}
		err := e.bind(l, port)
		if err != nil {
			// Somebody else holds this port: rest it like one just closed.
			e.ports.release(port, time.Now())
			e.stats.PortsBusy.Add(1)
			if !errors.Is(err, errPortBusy) {
				return Local{}, fmt.Errorf("media: open %s: %w", id, err)
			}
			continue
		}
		if !e.shard.post(opened{l}) {
			l.sock.close()
			l.control.sock.close()
			e.ports.release(port, time.Now())
			return Local{}, ErrClosed
		}
		return Local{Addr: netip.AddrPortFrom(e.cfg.Advertise, port)}, nil
	}
	e.stats.NoPorts.Add(1)
	return Local{}, ErrNoPorts
}

// bind opens both sockets of a leg: RTP on the even port, RTCP on the odd one
// above it (RFC 3550, section 11).
func (e *Engine) bind(l *leg, port uint16) error {
	rtp, err := e.shard.io.open(l, netip.AddrPortFrom(e.cfg.Addr, port), false)
	if err != nil {
		return err
	}
	rtcp, err := e.shard.io.open(l, netip.AddrPortFrom(e.cfg.Addr, port+1), true)
	if err != nil {
		rtp.close()
		return err
	}
	l.sock, l.control.sock, l.port = rtp, rtcp, port
	return nil
}

// AddClip makes audio known: G.711 mu-law, 8 kHz mono. It is kept until the
// process ends and never changed; a second call with the same id is ignored.
func (e *Engine) AddClip(id ClipID, ulaw []byte) { e.clips.add(id, ulaw) }

// Do hands over a command. It never blocks; commands of one goroutine are done
// in order. The queue has no bound since only our own process writes to it.
func (e *Engine) Do(c Command) { e.shard.post(c) }

// Stats are the engine's counters; read them at any time.
func (e *Engine) Stats() *Stats { return &e.stats }

// clips is the audio known to an engine. Players hold the slices themselves, so
// the lock is taken when a play begins and never on the way of a packet.
type clips struct {
	mu   sync.Mutex // guards byID
	byID map[ClipID][]byte
}

func (c *clips) add(id ClipID, ulaw []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byID == nil {
		c.byID = make(map[ClipID][]byte)
	}
	if _, ok := c.byID[id]; !ok {
		c.byID[id] = ulaw
	}
}

func (c *clips) get(id ClipID) ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b, ok := c.byID[id]
	return b, ok
}
