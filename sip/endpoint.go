package sip

import (
	"context"
	"hash/maphash"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Endpoint is our user agent. Its methods may be called from any goroutine.
type Endpoint struct {
	cfg      Config
	instance string // part of our branches: what comes back is known as ours
	stats    Stats

	udp     []*udpSocket
	tcp     []*tcpListener
	tls     []*tcpListener
	keys    keyring
	noTCP   noTCP
	conns   *connTable
	closing atomic.Bool // Run ends: no new calls
	locals  localAddrs
	guard   *guard
	bans    *bans

	published published

	workers []*worker
	seed    maphash.Seed
	wg      sync.WaitGroup // readers, connections, workers: all but Run

	digest   *digestServer
	registry *registrar
	trunks   *trunkSet
	names    *resolver
	signup   signups
}

// drain is how long Run waits for the last BYEs.
const drain = 2 * time.Second

// New checks the config. Nothing runs before Run; what is asked for earlier waits.
func New(c Config) (*Endpoint, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	e := &Endpoint{cfg: c, instance: randomText(8), seed: maphash.MakeSeed(), guard: newGuard(c.Rate, c.Burst), bans: newBans(c.BanAfter, c.BanFor)}
	e.conns = newConnTable(e)
	for _, pc := range c.Packet {
		e.udp = append(e.udp, newUDPSocket(pc))
	}
	for _, l := range c.Stream {
		e.tcp = append(e.tcp, &tcpListener{l: l, local: addrPort(l.Addr())})
	}
	for _, l := range c.Secure {
		e.tls = append(e.tls, &tcpListener{l: l, local: addrPort(l.Addr()), secure: true})
	}
	if len(c.Secure) > 0 {
		if _, err := e.serverTLS(); err != nil {
			return nil, err
		}
	}
	for range c.Workers {
		e.workers = append(e.workers, newWorker(e))
	}
	e.openDirectory()
	return e, nil
}

// Run owns all goroutines. It returns when ctx ends and all of them have: every
// dialog is ended, and their BYEs have two seconds to be answered.
func (e *Endpoint) Run(ctx context.Context) error {
	ours, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	e.conns.ctx = ours
	for _, w := range e.workers {
		// Ends with ours, after the last BYEs.
		e.wg.Go(func() { w.run(ours) })
	}
	for _, s := range e.udp {
		// Ends when its socket is closed below.
		e.wg.Go(func() { s.serve(ours, e) })
	}
	for _, l := range slices.Concat(e.tcp, e.tls) {
		// Ends when its listener is closed below.
		e.wg.Go(func() { l.serve(ours, e) })
	}
	e.startDirectory(ours)
	<-ctx.Done()
	e.endAll(ours)
	for _, l := range slices.Concat(e.tcp, e.tls) {
		l.l.Close()
	}
	cancel()
	for _, s := range e.udp {
		s.pc.Close()
	}
	e.wg.Wait()
	return nil
}

// endAll ends every dialog and waits until they are gone, or drain is over.
func (e *Endpoint) endAll(ctx context.Context) {
	e.closing.Store(true)
	var left sync.WaitGroup
	e.stopDirectory(&left)
	for _, w := range e.workers {
		left.Add(1)
		w.post(func() {
			defer left.Done()
			for _, d := range w.dialogs {
				if d.phase == ended {
					continue
				}
				left.Add(1)
				d.onEnd = sync.OnceFunc(left.Done)
				d.end(Cause{Status: 503, Text: "shutting down"})
			}
		})
	}
	gone := make(chan struct{})
	// Ends when all dialogs have, or when Run cancels ours: the workers stop, and
	// what is left is let go below.
	go func() { left.Wait(); close(gone) }()
	t := time.NewTimer(drain)
	defer t.Stop()
	select {
	case <-gone:
		return
	case <-t.C:
	}
	for _, w := range e.workers {
		w.post(func() {
			for _, d := range w.dialogs {
				if d.onEnd != nil {
					d.onEnd()
				}
			}
			e.releaseDirectory()
		})
	}
	<-gone
}

// workerOf is the worker of a Call-ID.
func (e *Endpoint) workerOf(callID string) *worker {
	return e.workers[maphash.String(e.seed, callID)%uint64(len(e.workers))]
}

// Stats are the live counters.
func (e *Endpoint) Stats() *Stats { return &e.stats }

// connLost tells every worker that a connection is gone.
func (e *Endpoint) connLost(c *conn, err error) {
	e.registry.flowClosed(c.id)
	for _, w := range e.workers {
		w.post(func() {
			for _, tx := range w.client {
				if tx.hop.conn == c && !tx.final {
					tx.broken()
				}
			}
		})
	}
}

// receive takes one framed message or datagram; on a reader's goroutine.
func (e *Endpoint) receive(ctx context.Context, text string, h hop) {
	if !strings.HasPrefix(text, "SIP/") {
		now := time.Now()
		if e.bans.banned(h.addr.Addr(), now) && !e.wellKnown(h, now) {
			e.stats.Banned.Add(1)
			return
		}
		if !e.guard.allow(h.addr.Addr(), now) {
			if _, known := e.trunkAt(h); !known {
				e.stats.Limited.Add(1)
				return
			}
			e.guard.vouch(h.addr.Addr(), now)
		}
	}
	m, err := parse(text, h.tcp())
	if err == errJunk {
		e.stats.Junk.Add(1)
		return
	}
	m.hop = h
	e.stats.Received.Add(1)
	if err != nil {
		e.stats.Malformed.Add(1)
		e.refuseBroken(m, err)
		return
	}
	w := e.workerOf(m.callID)
	select {
	case w.in <- m:
	case <-ctx.Done():
	}
}

// brokenStream answers a message whose length cannot be known; the connection
// is closed behind it.
func (e *Endpoint) brokenStream(head string, h hop) {
	e.stats.Malformed.Add(1)
	m, err := parse(head, false)
	if err == nil {
		err = bad("Malformed Content-Length")
	}
	if err == errJunk || m == nil {
		return
	}
	m.hop = h
	e.refuseBroken(m, bad("Malformed Content-Length"))
}

func (e *Endpoint) refuseBroken(m *message, err error) {
	b, ok := err.(*badMessage)
	if !ok || m.method == "" || m.method == "ACK" {
		return
	}
	e.refuse(m, b.status, b.reason)
}

// refuse answers without a transaction: a repeat of the request gets the same
// answer, and its ACK belongs to nothing.
func (e *Endpoint) refuse(m *message, status int, reason string, headers ...[2]string) {
	e.send(replyHop(m), refusal(m, status, reason, e.tagFor(m), headers...))
}

// tagFor is the To tag of answers without memory: the same for each repeat.
func (e *Endpoint) tagFor(m *message) string {
	var h maphash.Hash
	h.SetSeed(e.seed)
	h.WriteString(m.callID)
	h.WriteString(m.via.branch)
	h.WriteString(m.fromTag)
	return encode(h.Sum64(), 12)
}

// replyHop is where a response goes: RFC 3261, 18.2.2 and RFC 3581. Without
// rport the port is the Via's, but a Via that names another host than the source
// is that of a client behind NAT, whose port only the packet tells.
func replyHop(m *message) hop {
	h := m.hop
	if h.tcp() || m.via.rport {
		return h
	}
	if m.via.host == h.addr.Addr().String() {
		port := m.via.port
		if port == 0 {
			port = 5060
		}
		h.addr = withPort(h.addr, port)
	}
	return h
}

const alphabet = "0123456789abcdefghijklmnopqrstuvwxyz"

// randomText is n characters that nobody can guess.
func randomText(n int) string {
	b := make([]byte, 0, 32)
	for len(b) < n {
		b = append(b, encode(rand.Uint64(), 12)...)
	}
	return string(b[:n])
}

// encode writes n characters, 5 bits each.
func encode(v uint64, n int) string {
	var b [12]byte
	for i := range n {
		b[i] = alphabet[v&31]
		v >>= 5
	}
	return string(b[:n])
}
