package sip

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
)

// hop is where a message came from, or goes to.
type hop struct {
	udp  *udpSocket // nil for TCP
	conn *conn      // TCP: the connection; nil to find or open one to addr
	addr netip.AddrPort
	link link
}

// link says what a connection must prove to be used: nothing over plain TCP, the
// name of its trunk or host over TLS. Connections of different links are not shared.
type link struct {
	secure bool
	trunk  string
	host   string // of places that belong to no trunk
}

func (h hop) tcp() bool { return h.udp == nil }

func (h hop) transport() string {
	switch {
	case !h.tcp():
		return "udp"
	case h.link.secure:
		return "tls"
	}
	return "tcp"
}

// flow is the connection's id, "" for UDP.
func (h hop) flow() string {
	if h.conn == nil {
		return ""
	}
	return h.conn.id
}

// hopTo finds the way to an address: over UDP from a socket of its family, over
// TCP by a connection that is found or opened when sending.
func (e *Endpoint) hopTo(addr netip.AddrPort, transport, flow string) (hop, bool) {
	addr = netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
	if flow != "" {
		if c := e.conns.byID(flow); c != nil {
			return c.hop(), true
		}
	}
	if !addr.IsValid() || addr.Port() == 0 {
		return hop{}, false
	}
	switch {
	case transport == "tls":
		return hop{addr: addr, link: link{secure: true, host: addr.Addr().String()}}, true
	case transport == "tcp", len(e.udp) == 0:
		return hop{addr: addr}, true
	}
	var best *udpSocket
	for _, s := range e.udp {
		if !s.reaches(addr.Addr()) {
			continue
		}
		if best == nil || !best.fits(addr.Addr()) && s.fits(addr.Addr()) {
			best = s
		}
	}
	return hop{udp: best, addr: addr}, best != nil
}

// hopFor is the way to a target. Over TLS, the far end has to prove that it is the
// target's trunk, or else its host.
func (e *Endpoint) hopFor(t Target) (hop, bool) {
	h, ok := e.hopTo(t.Addr, t.Transport, t.Flow)
	if ok && h.conn == nil && h.link.secure {
		u, _ := parseURI(t.URI)
		h.link = linkOf(t.Trunk, u.host)
	}
	return h, ok
}

// linkOf is a link over TLS to a trunk, or to a host that belongs to none.
func linkOf(trunk, host string) link {
	if trunk != "" {
		host = ""
	}
	return link{secure: true, trunk: trunk, host: strings.ToLower(host)}
}

// send gives bytes to a transport; it never blocks. The bytes must not change afterwards.
func (e *Endpoint) send(h hop, b []byte) error {
	e.stats.Sent.Add(1)
	var err error
	if h.udp != nil {
		err = h.udp.write(h.addr, b)
	} else {
		err = e.conns.write(h, b)
	}
	if err != nil {
		e.stats.SendErrors.Add(1)
	}
	return err
}

// sentBy is our host and port as a peer behind h is told, in Via and Contact.
func (e *Endpoint) sentBy(h hop) (host string, port int) {
	var local netip.AddrPort
	switch {
	case h.udp != nil:
		local = h.udp.local
	case len(e.listeners(h.link.secure)) > 0:
		local = e.listeners(h.link.secure)[0].local
	case len(e.udp) > 0:
		local = e.udp[0].local
	}
	port = int(local.Port())
	if e.cfg.Advertise != "" {
		return e.cfg.Advertise, port
	}
	if s := e.facing(h); s != nil {
		if host, mapped, ok := s.outside(h.addr.Addr()); ok {
			if h.udp != nil {
				port = mapped
			}
			return host, port
		}
	}
	ip := local.Addr()
	if !ip.IsValid() || ip.IsUnspecified() {
		ip = e.locals.towards(h.addr.Addr())
	}
	return ip.String(), port
}

// listeners are ours for plain TCP, or for TLS.
func (e *Endpoint) listeners(secure bool) []*tcpListener {
	if secure {
		return e.tls
	}
	return e.tcp
}

// facing is the UDP socket whose external address is good for h too.
func (e *Endpoint) facing(h hop) *udpSocket {
	if h.udp != nil {
		return h.udp
	}
	for _, s := range e.udp {
		if s.reaches(h.addr.Addr()) && s.external.Load() != nil {
			return s
		}
	}
	return nil
}

// via is the value of our Via towards h.
func (e *Endpoint) via(h hop, branch string) string {
	host, port := e.sentBy(h)
	return "SIP/2.0/" + strings.ToUpper(h.transport()) + " " + hostPort(host, port) + ";rport;branch=" + branch
}

// contact is our Contact URI towards h.
func (e *Endpoint) contact(h hop) string {
	host, port := e.sentBy(h)
	s := "sip:hotline@" + hostPort(host, port)
	if h.tcp() {
		s += ";transport=" + h.transport()
	}
	return s
}

// localAddrs remembers which address of ours faces a peer, for sockets bound to
// all addresses.
type localAddrs struct {
	mu    sync.Mutex // guards known
	known map[netip.Addr]netip.Addr
}

// towards asks the kernel's routing table, by a UDP connect that sends nothing.
func (l *localAddrs) towards(peer netip.Addr) netip.Addr {
	l.mu.Lock()
	defer l.mu.Unlock()
	if a, ok := l.known[peer]; ok {
		return a
	}
	local := netip.IPv6Unspecified()
	if peer.Is4() {
		local = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	if c, err := net.Dial("udp", net.JoinHostPort(peer.String(), strconv.Itoa(9))); err == nil {
		local = addrPort(c.LocalAddr()).Addr()
		c.Close()
	}
	if l.known == nil || len(l.known) > 4096 {
		l.known = map[netip.Addr]netip.Addr{}
	}
	l.known[peer] = local
	return local
}

// addrPort reads an address of package net or of a test network.
func addrPort(a net.Addr) netip.AddrPort {
	var ap netip.AddrPort
	switch v := a.(type) {
	case nil:
	case interface{ AddrPort() netip.AddrPort }:
		ap = v.AddrPort()
	default:
		ap, _ = netip.ParseAddrPort(a.String())
	}
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

func withPort(a netip.AddrPort, port int) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr(), uint16(port))
}
