package sip

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Times and sizes of TCP connections.
const (
	connDial    = 10 * time.Second  // to open one
	connMessage = 10 * time.Second  // for a message that has begun, and for a stranger's first
	connIdle    = 120 * time.Second // between messages of one that is not kept
	connKept    = time.Hour         // between messages of a phone's or trunk's
	connWrite   = 5 * time.Second
	connQueue   = 1 << 20 // bytes that may wait to be written; more break it
)

var errConnBusy = errors.New("sip: peer reads too slowly")

// tcpListener is one TCP listener of ours.
type tcpListener struct {
	l      net.Listener
	local  netip.AddrPort
	secure bool // TLS
}

// serve accepts until the listener is closed; a lack of descriptors is waited out.
func (t *tcpListener) serve(ctx context.Context, e *Endpoint) {
	backoff := 5 * time.Millisecond
	for {
		nc, err := t.l.Accept()
		if err == nil {
			backoff = 5 * time.Millisecond
			e.conns.accept(ctx, nc, t.secure)
			continue
		}
		if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
			return
		}
		e.stats.AcceptErrors.Add(1)
		e.cfg.Log.Warn("sip: accept failed", "err", err)
		pause(ctx, backoff)
		backoff = min(2*backoff, time.Second)
	}
}

// connTable knows the TCP connections. Whoever sends finds or opens one here.
type connTable struct {
	e   *Endpoint
	ctx context.Context // of Run; set before any traffic

	mu     sync.Mutex // guards the maps; nothing blocks while it is held
	ids    map[string]*conn
	remote map[place]*conn // the newest one to each place
	perIP  map[netip.Addr]int
	serial uint64
}

// place is where a connection leads, and what it has proved.
type place struct {
	addr netip.AddrPort
	link link
}

// conn is one TCP connection with a reader and a writer goroutine.
type conn struct {
	e      *Endpoint
	id     string
	remote netip.AddrPort
	link   link
	names  []string      // of the peer's certificate, if we have verified one; set before the first message
	wake   chan struct{} // something waits to be written
	cancel context.CancelFunc
	dialed bool         // by us: it can be opened again
	kept   atomic.Bool  // a registered phone, a trunk or a call uses it
	up     atomic.Bool  // it is connected
	heard  atomic.Int64 // when something came last, Unix ns
	pongs  atomic.Bool  // the peer answers pings
	asked  atomic.Int64 // when it was pinged last, Unix ns
	dead   atomic.Bool

	mu   sync.Mutex // guards the fields below
	out  []byte     // waits to be written
	last bool       // to be closed when all is written
}

// keep lets the connection be silent for long.
func (c *conn) keep() {
	if c != nil {
		c.kept.Store(true)
	}
}

func (t *connTable) byID(id string) *conn {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ids[id]
}

// add enters a connection; nil when a limit forbids it.
func (t *connTable) add(remote netip.AddrPort, l link, incoming bool) (*conn, context.Context) {
	t.mu.Lock()
	defer t.mu.Unlock()
	limit := t.e.cfg.MaxConnsPerIP
	if remote.Addr().IsLoopback() {
		limit = max(limit, 1000)
	}
	if incoming && (len(t.ids) >= t.e.cfg.MaxConns || t.perIP[remote.Addr()] >= limit) {
		return nil, nil
	}
	t.serial++
	ctx, cancel := context.WithCancel(t.ctx)
	c := &conn{e: t.e, remote: remote, link: l, dialed: !incoming, wake: make(chan struct{}, 1), cancel: cancel}
	c.id = "t" + t.e.instance + strconv.FormatUint(t.serial, 36)
	t.ids[c.id], t.remote[place{remote, l}] = c, c
	t.perIP[remote.Addr()]++
	t.e.stats.Conns.Add(1)
	return c, ctx
}

func (t *connTable) remove(c *conn) {
	t.mu.Lock()
	delete(t.ids, c.id)
	if at := (place{c.remote, c.link}); t.remote[at] == c {
		delete(t.remote, at)
	}
	if t.perIP[c.remote.Addr()]--; t.perIP[c.remote.Addr()] <= 0 {
		delete(t.perIP, c.remote.Addr())
	}
	t.mu.Unlock()
	t.e.stats.Conns.Add(-1)
}

// forget has what goes to a trunk from now on open new connections over TLS, as the
// old ones have proved something else. Calls that run stay with theirs.
func (t *connTable) forget(trunk string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for at := range t.remote {
		if at.link.secure && at.link.trunk == trunk {
			delete(t.remote, at)
		}
	}
}

func (t *connTable) accept(ctx context.Context, nc net.Conn, secure bool) {
	if t.e.bans.banned(addrPort(nc.RemoteAddr()).Addr(), time.Now()) {
		t.e.stats.Banned.Add(1)
		nc.Close()
		return
	}
	c, cctx := t.add(addrPort(nc.RemoteAddr()), link{secure: secure}, true)
	if c == nil {
		t.e.stats.ConnsRefused.Add(1)
		nc.Close()
		return
	}
	// Ends when the peer or the endpoint closes; Run waits for it.
	t.e.wg.Go(func() { c.run(cctx, nc) })
}

// write finds or opens the connection of h and queues bytes on it.
func (t *connTable) write(h hop, b []byte) error {
	c := t.get(h)
	if c == nil {
		return net.ErrClosed
	}
	return c.write(b)
}

// get finds or opens the connection of h; nil when there can be none.
func (t *connTable) get(h hop) *conn {
	c := h.conn
	if c == nil || c.dead.Load() {
		t.mu.Lock()
		c = t.remote[place{h.addr, h.link}]
		t.mu.Unlock()
	}
	if c != nil && !c.dead.Load() {
		return c
	}
	if h.conn != nil && !h.conn.dialed && h.conn.remote == h.addr {
		return nil // a peer's own connection cannot be opened from here
	}
	return t.open(h.addr, h.link)
}

// open begins to connect; what is written meanwhile waits.
func (t *connTable) open(to netip.AddrPort, l link) *conn {
	if t.ctx == nil || t.ctx.Err() != nil {
		return nil
	}
	c, ctx := t.add(to, l, false)
	// Ends when connecting fails or the connection ends; Run waits for it.
	t.e.wg.Go(func() {
		dctx, cancel := context.WithTimeout(ctx, connDial)
		nc, err := t.e.cfg.Dial(dctx, "tcp", to.String())
		cancel()
		if err != nil {
			t.e.trunks.linked(to, l, err)
			c.close(err)
			return
		}
		c.run(ctx, nc)
	})
	return c
}

// write queues bytes; it never blocks.
func (c *conn) write(b []byte) error {
	if c.dead.Load() {
		return net.ErrClosed
	}
	c.mu.Lock()
	busy := len(c.out)+len(b) > connQueue
	if !busy {
		c.out = append(c.out, b...)
	}
	c.mu.Unlock()
	if busy {
		c.cancel()
		return errConnBusy
	}
	c.nudge()
	return nil
}

func (c *conn) nudge() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// finish has the writer stop once all is written.
func (c *conn) finish() {
	c.mu.Lock()
	c.last = true
	c.mu.Unlock()
	c.nudge()
}

// close takes the connection out of the table and tells the workers.
func (c *conn) close(err error) {
	c.dead.Store(true)
	c.cancel()
	c.e.conns.remove(c)
	c.e.connLost(c, err)
}

// run reads until the connection ends; a second goroutine writes.
func (c *conn) run(ctx context.Context, nc net.Conn) {
	raw := nc
	stop := context.AfterFunc(ctx, func() { raw.Close() })
	defer stop()
	if c.link.secure {
		var err error
		if nc, err = c.shake(ctx, nc); err != nil {
			c.close(err)
			raw.Close()
			return
		}
	}
	c.up.Store(true)
	var wg sync.WaitGroup
	// Ends with ctx, which closes below; run waits for it.
	wg.Go(func() { c.writeLoop(ctx, nc) })
	err := c.readLoop(ctx, nc)
	if errors.Is(err, errFrame) { // the writer closes when the last answer is out
		c.finish()
		wg.Wait()
	}
	c.close(err)
	raw.Close()
	wg.Wait()
}

// hop is the way back over the connection.
func (c *conn) hop() hop { return hop{conn: c, addr: c.remote, link: c.link} }

// writeLoop writes what waits, as much as there is at once.
func (c *conn) writeLoop(ctx context.Context, nc net.Conn) {
	var b []byte
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.wake:
		}
		c.mu.Lock()
		b, c.out = c.out, b[:0]
		if cap(c.out) > 64<<10 {
			c.out = nil
		}
		last := c.last
		c.mu.Unlock()
		if len(b) > 0 {
			nc.SetWriteDeadline(time.Now().Add(connWrite))
			if _, err := nc.Write(b); err != nil {
				c.cancel()
				return
			}
		}
		if last {
			return
		}
	}
}

// readLoop cuts the stream into messages. Limits: a message must be whole
// connMessage after its first byte, and one must come within the idle time.
func (c *conn) readLoop(ctx context.Context, nc net.Conn) error {
	var f framer
	buf := make([]byte, 4096)
	last := time.Now()
	deadline := last.Add(connMessage)
	if c.dialed { // who is asked something may take as long as its transaction
		deadline = last.Add(connIdle)
	}
	for {
		nc.SetReadDeadline(deadline)
		n, err := nc.Read(buf)
		if n > 0 {
			c.heard.Store(time.Now().UnixNano())
			began := f.partial()
			if !c.pong(buf[:n], &f) {
				f.push(buf[:n])
			}
			whole := false
			for {
				fr, ok, err := f.next()
				if err != nil {
					c.e.brokenStream(fr.text, c.hop())
					return err
				}
				if !ok {
					break
				}
				whole = true
				if fr.ping {
					c.write([]byte("\r\n"))
					continue
				}
				c.e.receive(ctx, fr.text, c.hop())
			}
			last = time.Now()
			deadline = c.deadline(&f, began && !whole, deadline)
		}
		if err != nil {
			if ne, ok := err.(net.Error); ok && ne.Timeout() {
				// A phone may have become one of ours since the deadline was set.
				if c.kept.Load() && !f.partial() && time.Now().Before(last.Add(connKept)) {
					deadline = last.Add(connKept)
					continue
				}
				c.e.stats.ConnsTimedOut.Add(1)
			}
			return err
		}
	}
}

// deadline of the next read; that of a message begun earlier stays.
func (c *conn) deadline(f *framer, same bool, old time.Time) time.Time {
	switch {
	case f.partial() && same:
		return old
	case f.partial():
		return time.Now().Add(connMessage)
	case c.kept.Load():
		return time.Now().Add(connKept)
	}
	return time.Now().Add(connIdle)
}

func newConnTable(e *Endpoint) *connTable {
	return &connTable{e: e, ids: map[string]*conn{}, remote: map[place]*conn{}, perIP: map[netip.Addr]int{}}
}
