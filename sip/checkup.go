package sip

import (
	"context"
	"net"
	"net/netip"
	"time"
)

// Checkup is what can be found out from here about sockets, NAT and trunks, for
// `hotline doctor`. Errors are texts for people.
type Checkup struct {
	Sockets []SocketCheck
	STUN    []STUNCheck
	NAT     NAT
	Trunks  []TrunkCheck
}

// NAT is what the answers of STUN servers say.
type NAT string

// What lies between us and the world.
const (
	NATUnknown   NAT = ""          // no server answered
	NATNone      NAT = "none"      // our own address is public
	NATKeepsPort NAT = "keeps"     // another address, the same port: as if it were ours
	NATMaps      NAT = "maps"      // another port too, but one for all peers
	NATSymmetric NAT = "symmetric" // another port for each peer: only registrations and TCP work
)

// SocketCheck is one socket of ours.
type SocketCheck struct {
	Network string         // "udp", "tcp", "tls"
	Local   netip.AddrPort // where it is bound
	Shown   string         // host:port that public peers are told to answer to
	Error   string         // why that cannot be right
}

// STUNCheck is what one server said to one socket.
type STUNCheck struct {
	Server        string
	Local, Mapped netip.AddrPort
	RTT           time.Duration
	Error         string
}

// TrunkCheck is what one peer of a trunk answered to OPTIONS.
type TrunkCheck struct {
	Trunk, Peer string
	Addr        netip.AddrPort // that answered, or was tried last
	Transport   string
	Status      int // of the answer; 0: none
	RTT         time.Duration
	Error       string
}

// somewhere is a public address: what a peer out there is shown.
var somewhere = netip.MustParseAddrPort("192.0.2.1:5060")

// Checkup asks STUN servers and trunks now. It takes as long as the slowest of
// them, seconds when one is dead, and ends early with ctx. The endpoint must run.
func (e *Endpoint) Checkup(ctx context.Context) Checkup {
	trunks := e.checkTrunks()
	var c Checkup
	c.STUN = e.checkSTUN(ctx)
	c.NAT = natOf(c.STUN)
	c.Sockets = e.checkSockets()
	for _, ch := range trunks {
		t := ch.so
		t.Error = "not answered in time"
		select {
		case t = <-ch.result:
		case <-ctx.Done():
			select {
			case t = <-ch.result: // it stood there already
			default:
			}
		}
		c.Trunks = append(c.Trunks, t)
	}
	return c
}

func (e *Endpoint) checkSockets() (all []SocketCheck) {
	one := func(h hop, local netip.AddrPort) {
		host, port := e.sentBy(h)
		s := SocketCheck{Network: h.transport(), Local: local, Shown: hostPort(host, port)}
		switch a, err := netip.ParseAddr(host); {
		case err == nil && a.IsLoopback() && !local.Addr().IsLoopback():
			s.Error = "peers are told to answer to this machine's loopback: set the address to advertise"
		case err == nil && a.IsUnspecified():
			s.Error = "no way to the world was found: set the address to advertise, or STUN"
		case err == nil && hidden(a) && !local.Addr().IsLoopback():
			s.Error = "public peers are told a private address: set the address to advertise, or STUN"
		}
		all = append(all, s)
	}
	for _, s := range e.udp {
		one(hop{udp: s, addr: somewhere}, s.local)
	}
	for _, l := range e.tcp {
		one(hop{addr: somewhere}, l.local)
	}
	for _, l := range e.tls {
		one(hop{addr: somewhere, link: link{secure: true}}, l.local)
	}
	return all
}

func (e *Endpoint) checkSTUN(ctx context.Context) (all []STUNCheck) {
	for _, server := range e.cfg.STUN {
		for _, s := range e.udp {
			if s.local.Addr().IsLoopback() {
				continue
			}
			c := STUNCheck{Server: server, Local: s.local}
			x := e.discoverAt(ctx, s, server)
			c.Mapped, c.RTT = x.Addr, x.RTT
			if x.Err != nil {
				c.Error = x.Err.Error()
			}
			all = append(all, c)
		}
	}
	return all
}

// natOf judges by all answers that the same socket got.
func natOf(checks []STUNCheck) NAT {
	seen := map[netip.AddrPort]netip.AddrPort{}
	nat := NATUnknown
	for _, c := range checks {
		if !c.Mapped.IsValid() {
			continue
		}
		old, twice := seen[c.Local]
		seen[c.Local] = c.Mapped
		switch {
		case twice && old != c.Mapped:
			return NATSymmetric
		case c.Mapped == c.Local, c.Mapped.Port() == c.Local.Port() && isOurs(c.Mapped.Addr()):
			nat = NATNone
		case c.Mapped.Port() == c.Local.Port():
			nat = NATKeepsPort
		default:
			nat = NATMaps
		}
	}
	return nat
}

// isOurs says whether an interface of this machine has an address.
func isOurs(a netip.Addr) bool {
	all, _ := net.InterfaceAddrs()
	for _, i := range all {
		if p, err := netip.ParsePrefix(i.String()); err == nil && p.Addr().Unmap() == a {
			return true
		}
	}
	return false
}

// trunkChecking is one peer that is being asked.
type trunkChecking struct {
	so     TrunkCheck
	result chan TrunkCheck
}

func (e *Endpoint) checkTrunks() (all []trunkChecking) {
	w := e.workers[0]
	for _, t := range e.trunks.places() {
		ch := trunkChecking{TrunkCheck{Trunk: t.Trunk, Peer: t.URI, Transport: t.Transport}, make(chan TrunkCheck, 1)}
		all = append(all, ch)
		w.post(func() {
			e.examine(w, t, func(r probeResult) {
				c := ch.so
				c.Addr, c.Status, c.RTT, c.Error = r.target.Addr, r.status, r.rtt, r.problem
				if why := e.trunks.linkProblem(t); c.Status == 0 && why != "" {
					c.Error = why
				}
				ch.result <- c // has room
			})
		})
	}
	return all
}
