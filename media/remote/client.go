package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"hotline/media"
)

// ClientConfig of a Client. Zero fields take the defaults named here.
type ClientConfig struct {
	// Dial connects to a media process. It is called again whenever the
	// connection has ended, and may start a process.
	Dial func(context.Context) (net.Conn, error)

	// Stuck is told of a connection on which no hello came in time; nil: nobody is.
	Stuck func(net.Conn)

	Events  func(media.Event) // called on one goroutine, by Run; must not block
	Own     bool              // the media process ends when Run ends
	Version string            // of hotline, for people
	Wait    time.Duration     // longest wait of Open; default 2 s
	Log     *slog.Logger      // default slog.Default()
}

// Client is the engine of another process, with the methods of media.Engine.
type Client struct {
	cfg    ClientConfig
	log    *slog.Logger
	stats  media.Stats
	theirs hello
	left   media.State
	first  *link // of Connect, until Run takes it

	Restarts atomic.Uint64 // connections after the first one

	mu    sync.Mutex // guards what follows
	link  *link      // nil: down
	n     uint64     // of the last Open
	clips []media.ClipID
	audio map[media.ClipID][]byte
	legs  map[media.LegID]bool
	recs  map[media.RecordingID]string // paths
	empty chan struct{}                // closed and replaced when legs and recs are empty
	after uint64                       // Opens not answered in time since the last answer
}

// Connect finds the media process and exchanges hellos. The connection is idle
// until Run.
func Connect(ctx context.Context, cfg ClientConfig) (*Client, error) {
	if cfg.Wait <= 0 {
		cfg.Wait = 2 * time.Second
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.Events == nil {
		cfg.Events = func(media.Event) {}
	}
	c := &Client{cfg: cfg, log: cfg.Log, audio: map[media.ClipID][]byte{}, legs: map[media.LegID]bool{},
		recs: map[media.RecordingID]string{}, empty: make(chan struct{})}
	l, err := c.connect(ctx)
	if err != nil {
		return nil, err
	}
	c.first, c.left, c.theirs = l, l.state, l.theirs
	for _, r := range l.state.Recordings {
		c.recs[r.ID] = r.Path
	}
	for _, leg := range l.state.Legs {
		c.legs[leg.ID] = true
	}
	c.link = l
	return c, nil
}

// Left is what the media process ran when Connect found it: the legs and
// recordings of an earlier control process. They go on until somebody closes them.
func (c *Client) Left() media.State { return c.left }

// Home is how a media process was started.
type Home struct {
	PID              int
	Addr, Advertise  netip.Addr // of RTP, as in media.Config
	PortMin, PortMax uint16
	Shards           int // as configured; 0: by the machine
}

// Home is that of the media process that Connect found.
func (c *Client) Home() Home {
	h := c.theirs
	return Home{h.PID, h.Addr, h.Advertise, h.PortMin, h.PortMax, h.Shards}
}

// Stats are the engine's counters as they were a second ago at most.
func (c *Client) Stats() *media.Stats { return &c.stats }

// Open makes a leg. It waits for the answer, for Config.Wait at most; once the
// media process has not answered in time it does not wait until it does again.
func (c *Client) Open(id media.LegID) (media.Local, error) {
	answer := make(chan opened, 1)
	c.mu.Lock()
	l := c.link
	if l == nil || c.after > 0 {
		c.mu.Unlock()
		return media.Local{}, fmt.Errorf("media: open %s: %w", id, media.ErrDown)
	}
	c.n++
	n := c.n
	c.legs[id] = true
	l.asked[n] = answer
	b, err := jsonFrame(kindOpen, open{n, id})
	if err == nil {
		l.put(b)
	}
	c.mu.Unlock()
	t := time.NewTimer(c.cfg.Wait)
	defer t.Stop()
	select {
	case a := <-answer:
		if local, err := a.local(); err != nil {
			c.forget(id)
			return local, err
		}
		return media.Local{Addr: a.Addr}, nil
	case <-l.done:
	case <-t.C:
		c.mu.Lock()
		delete(l.asked, n)
		c.after++
		c.mu.Unlock()
		c.Do(media.Close{Leg: id}) // if it is made after all
	}
	c.forget(id)
	return media.Local{}, fmt.Errorf("media: open %s: %w", id, media.ErrDown)
}

// local reads an answer as what media.Engine.Open would return.
func (a opened) local() (media.Local, error) {
	switch {
	case a.NoPorts:
		return media.Local{}, media.ErrNoPorts
	case a.Closed:
		return media.Local{}, media.ErrClosed
	case a.Err != "":
		return media.Local{}, errors.New(a.Err)
	}
	return media.Local{Addr: a.Addr}, nil
}

// AddClip makes audio known, also to a media process that is started later;
// without audio it forgets it.
func (c *Client) AddClip(id media.ClipID, ulaw []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.audio[id]
	if len(ulaw) == 0 && ok {
		delete(c.audio, id)
		c.clips = slices.DeleteFunc(c.clips, func(x media.ClipID) bool { return x == id })
		if c.link != nil {
			delete(c.link.clips, id)
			c.tell(c.link, id)
		}
		return
	}
	if ok || len(ulaw) == 0 {
		return
	}
	c.audio[id], c.clips = ulaw, append(c.clips, id)
	if c.link != nil && !c.link.clips[id] {
		c.tell(c.link, id)
	}
}

// tell queues a clip; c.mu is held.
func (c *Client) tell(l *link, id media.ClipID) {
	bs, err := chunks(id, c.audio[id])
	if err != nil {
		c.log.Error("clip can't be told to the media process", "err", err)
		return
	}
	for _, b := range bs {
		l.put(b)
	}
}

// Do hands over a command. It never blocks. Without a media process it is
// dropped: there is no leg that it could be for.
func (c *Client) Do(cmd media.Command) {
	b, err := named(kindCommand, cmd)
	if err != nil {
		c.log.Error("command can't be told to the media process", "err", err)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.link
	switch cmd := cmd.(type) {
	case media.Record:
		if l == nil {
			return
		}
		c.recs[cmd.ID] = cmd.Path
	}
	if l != nil {
		l.put(b)
	}
}

// forget takes a leg out that was not made.
func (c *Client) forget(id media.LegID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.legs, id)
	c.checkEmpty()
}

// checkEmpty tells who waits for the last leg and recording; c.mu is held.
func (c *Client) checkEmpty() {
	if len(c.legs)+len(c.recs) == 0 {
		close(c.empty)
		c.empty = make(chan struct{})
	}
}

// Close ends a client whose Run was never called. An own media process that
// runs nothing is ended, too.
func (c *Client) Close() {
	l := c.first
	if l == nil {
		return
	}
	if c.cfg.Own && len(l.state.Legs)+len(l.state.Recordings) == 0 {
		if b, err := frame(kindEnd); err == nil {
			_ = l.conn.SetWriteDeadline(time.Now().Add(time.Second))
			_, _ = l.conn.Write(b)
		}
	}
	_ = l.conn.Close()
}

// Run keeps the connection and calls Events until ctx ends. Then it waits for
// the last legs and recordings to end, ends an own media process, and returns.
// It owns every goroutine of the client and may be called once.
func (c *Client) Run(ctx context.Context) {
	l := c.first
	c.first = nil
	wait := redialFirst
	for {
		began := time.Now()
		ended := c.serve(ctx, l)
		if ctx.Err() != nil {
			return
		}
		c.lost(l)
		c.log.Error("media engine died: its calls end", "err", ended)
		if time.Since(began) > redialFine {
			wait = redialFirst
		}
		if l, wait = c.redial(ctx, wait); l == nil {
			return
		}
		c.Restarts.Add(1)
		c.log.Info("media process is connected again", "pid", l.theirs.PID)
	}
}

// How often a lost media process is tried again: at once, then with growing
// pauses. One that lived for redialFine counts as well again.
const (
	redialFirst = 50 * time.Millisecond
	redialMost  = 5 * time.Second
	redialFine  = 10 * time.Second
)

// redial connects anew; nil: ctx ended first. A process that died soon after its
// start is left alone for a while.
func (c *Client) redial(ctx context.Context, wait time.Duration) (*link, time.Duration) {
	if wait > redialFirst && !sleep(ctx, wait) {
		return nil, wait
	}
	for {
		l, err := c.connect(ctx)
		if err == nil {
			c.torn(l)
			c.tidy(l)
			return l, min(2*wait, redialMost)
		}
		c.log.Error("media process is not reached", "err", err, "again", wait.String())
		if !sleep(ctx, wait) {
			return nil, wait
		}
		wait = min(2*wait, redialMost)
	}
}

// sleep is false if ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// tidy closes what a media process runs for which we have no call any more, and
// makes the connection the one in use.
func (c *Client) tidy(l *link) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range l.state.Recordings {
		if b, err := named(kindCommand, media.Finish{ID: r.ID}); err == nil {
			l.put(b)
		}
	}
	for _, leg := range l.state.Legs {
		if b, err := named(kindCommand, media.Close{Leg: leg.ID}); err == nil {
			l.put(b)
		}
	}
	for _, id := range c.clips {
		if !l.clips[id] {
			c.tell(l, id)
		}
	}
	c.after = 0
	c.link = l
}

// lost ends the legs that the connection carried. Their recordings may still be
// written by a process that only does not answer: what became of them is told
// once there is a connection again.
func (c *Client) lost(l *link) {
	c.mu.Lock()
	if c.link == l {
		c.link = nil
	}
	legs := c.legs
	c.legs = map[media.LegID]bool{}
	clear(l.asked)
	c.mu.Unlock()
	for id := range legs {
		c.cfg.Events(media.Closed{Leg: id})
	}
}

// torn tells of recordings that the media process does not know: they ended
// with an earlier one.
func (c *Client) torn(l *link) {
	c.mu.Lock()
	gone := maps.Clone(c.recs)
	for _, r := range l.state.Recordings {
		delete(gone, r.ID)
	}
	for id := range gone {
		delete(c.recs, id)
	}
	c.mu.Unlock()
	for id, path := range gone {
		c.cfg.Events(media.Recorded{ID: id, Path: media.LivePath(path), Err: media.ErrDied})
	}
}

// got takes an event of the media process.
func (c *Client) got(ev media.Event) {
	c.mu.Lock()
	switch ev := ev.(type) {
	case media.Closed:
		delete(c.legs, ev.Leg)
	case media.Recorded:
		delete(c.recs, ev.ID)
	}
	c.mu.Unlock()
	c.cfg.Events(ev)
	c.mu.Lock()
	c.checkEmpty()
	c.mu.Unlock()
}

// handle reads one frame of the media process.
func (c *Client) handle(l *link, k kind, body []byte) error {
	switch k {
	case kindEvent:
		ev, err := events.read(body)
		if err != nil {
			c.log.Warn("event can't be read", "err", err) // of a later version
			return nil
		}
		c.got(ev)
	case kindOpened:
		var a opened
		if err := json.Unmarshal(body, &a); err != nil {
			return err
		}
		c.mu.Lock()
		answer := l.asked[a.N]
		delete(l.asked, a.N)
		c.after = 0
		c.mu.Unlock()
		if answer != nil {
			answer <- a // has room for one
		}
	case kindStats:
		var f figures
		if err := json.Unmarshal(body, &f); err != nil {
			return err
		}
		f.put(&c.stats)
	}
	return nil
}

// connect dials and exchanges hellos.
func (c *Client) connect(ctx context.Context) (*link, error) {
	conn, err := c.cfg.Dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("remote: %w", err)
	}
	_ = conn.SetDeadline(time.Now().Add(shakeWait))
	l, err := greet(conn, hello{Protocol: Protocol, Version: c.cfg.Version, PID: os.Getpid()})
	if err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) && c.cfg.Stuck != nil {
			c.cfg.Stuck(conn)
		}
		_ = conn.Close()
		return nil, err
	}
	_ = conn.SetDeadline(time.Time{})
	return l, nil
}
