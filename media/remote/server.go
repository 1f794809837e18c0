package remote

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"hotline/media"
)

// ServerConfig of a Server. Zero fields take the defaults named here.
type ServerConfig struct {
	Media   media.Config  // the server sets Events
	Version string        // of hotline, for people
	Alone   time.Duration // without a control process for so long everything is closed; default 2 min
	Stay    bool          // go on after that, without legs; else Run returns
	Linger  time.Duration // when ctx ends, wait so long for the control process to go first; default none
	Room    int           // events that may wait, beside those that are never dropped; default 4096
	Log     *slog.Logger  // default slog.Default()
}

// ServerStats counts what a Server did. Fields only grow.
type ServerStats struct {
	Controls atomic.Uint64 // control processes that were taken
	Refused  atomic.Uint64 // connections that were not
	Dropped  atomic.Uint64 // events for which there was no room
	Invalid  atomic.Uint64 // frames that could not be read
	Alone    atomic.Uint64 // times that everything was closed for want of a control process
}

// Server runs a media engine for one control process at a time.
type Server struct {
	cfg    ServerConfig
	log    *slog.Logger
	engine *media.Engine
	stats  ServerStats
	end    context.CancelCauseFunc // set by Run

	mu      sync.Mutex // guards what follows
	ledger  ledger
	control *control      // nil: alone
	since   time.Time     // when it became alone
	closed  bool          // nobody is taken any more
	changed chan struct{} // closed and replaced when control changes

	over chan struct{} // closed when the engine has ended
}

// Why a server ends.
var (
	errAlone = errors.New("no control process for too long")
	errTold  = errors.New("told by the control process")
)

// NewServer makes the engine; nothing runs before Run.
func NewServer(cfg ServerConfig) (*Server, error) {
	if cfg.Alone <= 0 {
		cfg.Alone = 2 * time.Minute
	}
	if cfg.Room <= 0 {
		cfg.Room = 4096
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	s := &Server{cfg: cfg, log: cfg.Log, ledger: newLedger(cfg.Room), since: time.Now(), changed: make(chan struct{}), over: make(chan struct{})}
	cfg.Media.Events, cfg.Media.Log = s.heard, cfg.Log
	var err error
	if s.engine, err = media.New(cfg.Media); err != nil {
		return nil, err
	}
	return s, nil
}

// Stats are the server's counters; read them at any time.
func (s *Server) Stats() *ServerStats { return &s.stats }

// Run serves until ctx ends, a control process says so, or none has come for
// Config.Alone. It then closes all legs, finishes all recordings, tells the last
// events and returns. It owns the listener and every goroutine.
func (s *Server) Run(ctx context.Context, l net.Listener) error {
	run, end := context.WithCancelCause(context.WithoutCancel(ctx))
	s.end = end
	defer end(nil)
	var wg sync.WaitGroup
	engine, stop := context.WithCancel(context.Background())
	wg.Go(func() { s.engine.Run(engine); close(s.over) }) // ends by stop
	wg.Go(func() { s.linger(ctx, run) })                  // ends with run
	wg.Go(func() { s.watch(run) })                        // ends with run
	wg.Go(func() { s.accept(run, l, &wg) })               // ends when the listener is closed
	<-run.Done()
	err := l.Close()
	stop()
	<-s.over // its last events wait for the control process now
	s.mu.Lock()
	s.closed = true
	if c := s.control; c != nil {
		c.finish()
	}
	s.mu.Unlock()
	wg.Wait()
	s.log.Info("media process ends", "cause", context.Cause(run))
	if errors.Is(err, net.ErrClosed) {
		err = nil
	}
	return err
}

// linger ends the server with ctx, after the control process if that goes soon.
func (s *Server) linger(ctx, run context.Context) {
	select {
	case <-run.Done():
		return
	case <-ctx.Done():
	}
	t := time.NewTimer(s.cfg.Linger)
	defer t.Stop()
	for s.cfg.Linger > 0 {
		s.mu.Lock()
		alone, changed := s.control == nil, s.changed
		s.mu.Unlock()
		if alone {
			break
		}
		select {
		case <-changed:
			continue
		case <-run.Done():
		case <-t.C:
		}
		break
	}
	s.end(context.Cause(ctx))
}

// watch closes everything when nobody controls it for too long.
func (s *Server) watch(ctx context.Context) {
	t := time.NewTicker(min(s.cfg.Alone/4, 5*time.Second))
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		if !s.aloneTooLong() {
			continue
		}
		s.stats.Alone.Add(1)
		if !s.cfg.Stay {
			s.end(errAlone)
			return
		}
	}
}

// aloneTooLong says so once for each time; where the server stays it closes
// what runs.
func (s *Server) aloneTooLong() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.control != nil || time.Since(s.since) < s.cfg.Alone {
		return false
	}
	n := len(s.ledger.legs) + len(s.ledger.recs)
	if s.cfg.Stay && n == 0 {
		return false
	}
	s.log.Warn("no control process: what runs is closed", "legs", len(s.ledger.legs), "recordings", len(s.ledger.recs),
		"after", s.cfg.Alone.String())
	s.since = time.Now()
	for id := range s.ledger.recs {
		s.engine.Do(media.Finish{ID: id}) // never blocks
	}
	for id := range s.ledger.legs {
		s.engine.Do(media.Close{Leg: id})
	}
	return true
}

// heard takes the engine's events; it never blocks.
func (s *Server) heard(ev media.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ledger.heard(ev, s.control != nil) {
		s.stats.Dropped.Add(1)
		return
	}
	if s.control != nil {
		s.control.nudge()
	}
}

// shakes is how many connections may be saying hello at a time.
const shakes = 8

func (s *Server) accept(ctx context.Context, l net.Listener, wg *sync.WaitGroup) {
	slots := make(chan struct{}, shakes)
	for {
		conn, err := l.Accept()
		if err != nil {
			if ctx.Err() == nil {
				s.end(fmt.Errorf("remote: accept: %w", err))
			}
			return
		}
		select {
		case slots <- struct{}{}:
		default:
			_ = conn.Close()
			s.stats.Refused.Add(1)
			continue
		}
		// Owned by Run; ends with the connection, which ends with ctx.
		wg.Go(func() {
			c := s.shake(ctx, conn)
			<-slots
			if c != nil {
				c.serve(ctx)
			}
			_ = conn.Close()
		})
	}
}

// shakeWait is the longest time for a hello.
const shakeWait = 5 * time.Second

// shake exchanges hellos; nil: the connection is not taken.
func (s *Server) shake(ctx context.Context, conn net.Conn) *control {
	_ = conn.SetDeadline(time.Now().Add(shakeWait))
	unhook := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })
	defer unhook()
	var buf [4 + maxFrame]byte
	k, body, err := readFrame(conn, &buf)
	theirs, ok := readHello(k, body)
	if err != nil || !ok {
		s.stats.Refused.Add(1)
		return nil
	}
	if theirs.End && theirs.Protocol != Protocol {
		s.log.Info("media process is told to end", "pid", theirs.PID, "version", theirs.Version)
		s.end(errTold)
		<-s.over // whoever told us waits for the end of the connection
		return nil
	}
	if theirs.Protocol != Protocol {
		s.refuse(conn, refused{Text: wrongProtocol(theirs)})
		return nil
	}
	c := &control{s: s, conn: conn, pid: theirs.PID, wake: make(chan struct{}, 1)}
	first, err := s.seize(c)
	if err != nil {
		s.refuse(conn, refused{Text: err.Error(), Busy: true})
		return nil
	}
	if _, err := conn.Write(first); err != nil {
		s.release(c)
		return nil
	}
	_ = conn.SetDeadline(time.Time{})
	s.stats.Controls.Add(1)
	s.log.Info("control process is connected", "pid", theirs.PID, "version", theirs.Version)
	if theirs.End {
		s.end(errTold)
	}
	return c
}

func (s *Server) refuse(conn net.Conn, r refused) {
	s.stats.Refused.Add(1)
	s.log.Warn("control process is refused", "err", r.Text)
	r.Protocol, r.PID = Protocol, os.Getpid()
	if b, err := jsonFrame(kindRefused, r); err == nil {
		_, _ = conn.Write(b)
	}
}

// seize makes c the control process; it returns what to tell it first.
func (s *Server) seize(c *control) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errors.New("it ends")
	}
	if s.control != nil {
		return nil, fmt.Errorf("another control process is connected to it (pid %d)", s.control.pid)
	}
	m := s.cfg.Media
	first, err := jsonFrame(kindHello, hello{Protocol: Protocol, Version: s.cfg.Version, PID: os.Getpid(),
		Addr: m.Addr, Advertise: m.Advertise, PortMin: m.PortMin, PortMax: m.PortMax, Shards: m.Shards})
	if err != nil {
		return nil, err
	}
	add := func(b []byte, e error) { first, err = append(first, b...), errors.Join(err, e) }
	for _, l := range s.ledger.legs {
		add(jsonFrame(kindLeg, l))
	}
	for _, r := range s.ledger.recs {
		add(jsonFrame(kindRecording, r))
	}
	for id := range s.ledger.clips {
		add(frame(kindClipKnown, []byte(id)))
	}
	add(frame(kindReady))
	if err != nil {
		return nil, err
	}
	s.control = c
	s.turn()
	c.nudge()
	return first, nil
}

// release makes the server alone again.
func (s *Server) release(c *control) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.control == c {
		s.control, s.since = nil, time.Now()
		s.turn()
	}
}

// turn tells that control changed; s.mu is held.
func (s *Server) turn() {
	close(s.changed)
	s.changed = make(chan struct{})
}
