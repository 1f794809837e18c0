package media

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
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

	Events       func(Event)   // called on the engine's goroutines, one at a time; must not block
	SilenceAfter time.Duration // Silent after so long without RTP; default 5 s
	Shards       int           // goroutines that share the legs, each with a thread; default all cores but one
	Portable     bool          // a goroutine per socket even where epoll exists
	Log          *slog.Logger  // default slog.Default()
}

// mostShards is more than any machine needs.
const mostShards = 64

// Local is a leg's own transport description: what to say in SDP.
type Local struct{ Addr netip.AddrPort }

// Engine owns the media of a process.
type Engine struct {
	cfg    Config
	stats  Stats
	ports  *ports
	clips  clips
	shards []*shard
	router router

	telling sync.Mutex // serializes Events of several shards
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
	if cfg.Shards <= 0 {
		cfg.Shards = max(1, runtime.GOMAXPROCS(0)-1)
	}
	cfg.Shards = min(cfg.Shards, mostShards)
	e := &Engine{cfg: cfg, ports: newPorts(cfg.PortMin, cfg.PortMax), router: newRouter()}
	c := clock{began: time.Now()}
	for range cfg.Shards {
		io, err := newPacketIO(cfg, &e.stats, c)
		if err != nil {
			for _, s := range e.shards {
				s.io.stop()
			}
			return nil, fmt.Errorf("media: packet io: %w", err)
		}
		e.shards = append(e.shards, newShard(e, io, c))
	}
	return e, nil
}

// Run owns all goroutines of the engine. When ctx ends it closes legs and
// recordings, delivers their last events and returns. Run may be called once.
func (e *Engine) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for _, s := range e.shards[1:] {
		wg.Go(func() { s.run(ctx) }) // Run's own; ends with ctx
	}
	e.shards[0].run(ctx)
	wg.Wait()
}

// emit tells an event; those of several shards come one after the other.
func (e *Engine) emit(ev Event) {
	if len(e.shards) > 1 {
		e.telling.Lock()
		defer e.telling.Unlock()
	}
	e.cfg.Events(ev)
}

// Open makes a leg with a socket of its own and returns at once. The leg hears
// and sends nothing until its SetRemote.
func (e *Engine) Open(id LegID) (Local, error) {
	l, s := newLeg(id), e.choose()
	for tries := 0; tries < e.ports.size(); tries++ {
		port, ok := e.ports.take(time.Now())
		if !ok {
			break
		}
		if err := e.bind(s, l, port); err != nil {
			// Somebody else holds this port: rest it like one just closed.
			e.ports.release(port, time.Now())
			e.stats.PortsBusy.Add(1)
			if !errors.Is(err, errPortBusy) {
				return Local{}, fmt.Errorf("media: open %s: %w", id, err)
			}
			continue
		}
		if !e.settle(l, s) {
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
func (e *Engine) bind(s *shard, l *leg, port uint16) error {
	rtp, err := s.io.open(l, netip.AddrPortFrom(e.cfg.Addr, port), false)
	if err != nil {
		return err
	}
	rtcp, err := s.io.open(l, netip.AddrPortFrom(e.cfg.Addr, port+1), true)
	if err != nil {
		rtp.close()
		return err
	}
	l.sock, l.control.sock, l.port = rtp, rtcp, port
	return nil
}

// AddClip makes audio known: G.711 mu-law, 8 kHz mono. It is never changed: a
// second call with the same id is ignored, but one without audio forgets it. Who
// hears it then hears it to its end.
func (e *Engine) AddClip(id ClipID, ulaw []byte) { e.clips.add(id, ulaw) }

// Do hands over a command. It never blocks; commands of one goroutine are done
// in order. The queue has no bound since only our own process writes to it.
func (e *Engine) Do(c Command) { e.route(c) }

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
	if len(ulaw) == 0 {
		delete(c.byID, id)
		return
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
