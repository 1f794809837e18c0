package sip

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"
)

const (
	stunFirst = 500 * time.Millisecond // RTO (RFC 8489, 6.2.1)
	stunTries = 4                      // requests to one server: 7.5 s in all
	stunPort  = 3478
)

var errSTUNSilent = errors.New("sip: stun: no answer: the server is down, or a firewall drops UDP")

// External is our address as a STUN server saw it last.
type External struct {
	Addr   netip.AddrPort // zero: not known
	Local  netip.AddrPort // of the socket that asked
	Server string
	RTT    time.Duration
	At     time.Time // of the last answer
	Err    error     // of the last try, though an older address may still be known
}

// External says how the world sees our first UDP socket: what stands in Via and
// Contact towards public addresses, and whose host is right for descriptions too.
// Zero without STUN servers.
func (e *Endpoint) External() External {
	for _, s := range e.udp {
		if x := s.external.Load(); x != nil {
			return *x
		}
	}
	return External{}
}

// stunClient asks for the addresses of one socket. Its goroutine sends; answers
// come from the socket's reader.
type stunClient struct {
	mu      sync.Mutex // guards waiting
	waiting map[stunID]stunAsked
}

// stunAsked is a request under way.
type stunAsked struct {
	from   netip.AddrPort // only this server may answer
	answer chan<- stunAnswer
}

type stunAnswer struct {
	mapped netip.AddrPort
	err    error
}

// receive takes a datagram of the socket's reader.
func (c *stunClient) receive(b []byte, from netip.AddrPort) {
	id, mapped, err := readBinding(b)
	c.mu.Lock()
	w, ok := c.waiting[id]
	if ok = ok && w.from == from; ok {
		delete(c.waiting, id)
	}
	c.mu.Unlock()
	if ok {
		w.answer <- stunAnswer{mapped, err} // has room for each request
	}
}

// ask sends Binding requests to one server until it answers.
func (s *udpSocket) ask(ctx context.Context, server netip.AddrPort) (netip.AddrPort, time.Duration, error) {
	answers := make(chan stunAnswer, stunTries)
	var ids []stunID
	defer func() {
		s.stun.mu.Lock()
		for _, id := range ids {
			delete(s.stun.waiting, id)
		}
		s.stun.mu.Unlock()
	}()
	began := time.Now()
	t := time.NewTimer(0)
	defer t.Stop()
	wait := stunFirst
	for {
		select {
		case <-ctx.Done():
			return netip.AddrPort{}, 0, context.Cause(ctx)
		case a := <-answers:
			return a.mapped, time.Since(began), a.err
		case <-t.C:
		}
		if len(ids) == stunTries {
			return netip.AddrPort{}, 0, errSTUNSilent
		}
		b, id := bindingRequest()
		ids = append(ids, id)
		s.stun.mu.Lock()
		if s.stun.waiting == nil {
			s.stun.waiting = map[stunID]stunAsked{}
		}
		s.stun.waiting[id] = stunAsked{server, answers}
		s.stun.mu.Unlock()
		began = time.Now()
		if err := s.write(server, b); err != nil {
			return netip.AddrPort{}, 0, fmt.Errorf("sip: stun: %w", err)
		}
		t.Reset(wait)
		wait *= 2
	}
}

// discover asks the servers in turn from one socket.
func (e *Endpoint) discover(ctx context.Context, s *udpSocket) (x External) {
	for _, server := range e.cfg.STUN {
		if x = e.discoverAt(ctx, s, server); x.Err == nil {
			return x
		}
	}
	return x
}

// discoverAt asks the addresses of one server in turn.
func (e *Endpoint) discoverAt(ctx context.Context, s *udpSocket, server string) External {
	x := External{Local: s.local, Server: server}
	addrs, err := e.stunServer(ctx, server)
	x.Err = err
	for _, a := range addrs {
		if !s.reaches(a.Addr()) {
			x.Err = cmp.Or(x.Err, fmt.Errorf("sip: stun: no socket of ours reaches %s", a))
			continue
		}
		if x.Addr, x.RTT, x.Err = s.ask(ctx, a); x.Err == nil {
			x.At = time.Now()
			return x
		}
	}
	if x.Err == nil && len(addrs) == 0 {
		x.Err = errNoAddress
	}
	return x
}

// stunServer finds the addresses of "host", "host:port" or "stun:host:port".
func (e *Endpoint) stunServer(ctx context.Context, server string) ([]netip.AddrPort, error) {
	host, port, ok := splitHostPort(strings.TrimPrefix(server, "stun:"))
	if !ok {
		return nil, fmt.Errorf("sip: stun: %.80q is no host:port", server)
	}
	if port == 0 {
		port = stunPort
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.AddrPort{netip.AddrPortFrom(a.Unmap(), uint16(port))}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	found, err := e.cfg.Lookup(ctx, host)
	if err != nil {
		return nil, fmt.Errorf("sip: stun: resolve %s: %w", host, err)
	}
	var all []netip.AddrPort
	for _, a := range found[:min(len(found), resolveMost)] {
		all = append(all, netip.AddrPortFrom(a.Unmap(), uint16(port)))
	}
	return all, nil
}

// watchExternal keeps a socket's external address fresh until ctx ends. A failure
// keeps the address known before, for the NAT is as likely to be still there.
func (e *Endpoint) watchExternal(ctx context.Context, s *udpSocket) {
	for {
		x := e.discover(ctx, s)
		if ctx.Err() != nil {
			return
		}
		old := s.external.Load()
		switch {
		case x.Err != nil:
			if old == nil || old.Err == nil {
				e.cfg.Log.Warn("sip: external address not found", "peer", x.Server, "err", x.Err)
			}
			if old != nil {
				x.Addr, x.At, x.RTT = old.Addr, old.At, old.RTT
			}
		case old == nil || old.Addr != x.Addr:
			e.cfg.Log.Info("sip: external address", "peer", x.Server, "addr", x.Addr.String())
		}
		s.external.Store(&x)
		pause(ctx, e.cfg.STUNRefresh)
		if ctx.Err() != nil {
			return
		}
	}
}

// outside is the external address to show to a peer; not ok: he is on our side of
// the NAT, or it is not known.
func (s *udpSocket) outside(peer netip.Addr) (host string, port int, ok bool) {
	x := s.external.Load()
	if x == nil || !x.Addr.IsValid() || hidden(peer) {
		return "", 0, false
	}
	return x.Addr.Addr().String(), int(x.Addr.Port()), true
}
