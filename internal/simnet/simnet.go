// Package simnet is a network in memory: datagrams ([net.PacketConn]) and
// streams ([net.Listener], [net.Conn]) with latency, jitter, loss, duplication
// and reordering from a seed.
//
// It is made for testing/synctest bubbles: no goroutine, no descriptor, nothing
// left after Close, and whoever waits does so on channels and timers of its own
// bubble. Make the Network, its sockets and their users inside one bubble.
//
// Fate is drawn per flow (from, to): the n-th datagram of a flow meets the same
// fate in every run, however goroutines are scheduled. With a Latency above zero
// the order in which a socket sees datagrams is fixed too: by arrival, then by
// sender, then by the order of sending.
package simnet

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	firstFreePort  = 49152 // RFC 6335 section 6: dynamic ports
	maxDatagram    = 65507 // UDP payload over IPv4
	maxQueued      = 8192  // datagrams on their way to one socket; more are dropped
	defaultReorder = 30 * time.Millisecond
)

// Options of a Network. Zero fields mean a perfect network without delay.
type Options struct {
	Latency time.Duration // one way, for datagrams and streams
	Jitter  time.Duration // added to each delay, uniform in [0, Jitter]; keeps a flow's order

	Loss      float64       // share of datagrams that vanish, 0..1
	Duplicate float64       // share of datagrams that come twice, 0..1
	Reorder   float64       // share of datagrams held back by ReorderBy, so that later ones pass
	ReorderBy time.Duration // default 30 ms

	Segment int    // streams: bytes a Read returns at most, cut where the Write was cut; 0 = whatever has come
	Window  int    // streams: bytes on their way before Write blocks; default 256 KiB
	Seed    uint64 // same seed, same fates
}

// Stats counts what became of datagrams. Fields only grow.
type Stats struct {
	Sent        atomic.Uint64 // handed to the network
	Delivered   atomic.Uint64 // read by a receiver
	Lost        atomic.Uint64 // by Options.Loss
	Filtered    atomic.Uint64 // refused by the Filter
	Unreachable atomic.Uint64 // nobody listened at the address
	Overflowed  atomic.Uint64 // the receiver did not read fast enough
}

// Network connects the sockets opened on it and nothing else. Safe for
// concurrent use. The zero value is not usable; see [New].
type Network struct {
	opt    Options
	stats  Stats
	filter atomic.Pointer[func(from, to string, b []byte) bool]

	mu        sync.Mutex // guards the maps; nothing blocks while it is held
	packets   map[netip.AddrPort]*PacketConn
	listeners map[netip.AddrPort]*Listener
	streams   map[netip.AddrPort]bool // local addresses of dialled streams
	flows     map[flowKey]*flow
}

type flowKey struct {
	stream   bool
	from, to netip.AddrPort
}

// flow draws the fates of what goes one way between two addresses. Guarded by
// Network.mu.
type flow struct {
	rnd  *rand.Rand
	sent uint64
	last time.Time // latest arrival: jitter does not reorder
}

// New makes an empty network.
func New(o Options) *Network {
	if o.ReorderBy <= 0 {
		o.ReorderBy = defaultReorder
	}
	if o.Window <= 0 {
		o.Window = 256 << 10
	}
	return &Network{
		opt:       o,
		packets:   map[netip.AddrPort]*PacketConn{},
		listeners: map[netip.AddrPort]*Listener{},
		streams:   map[netip.AddrPort]bool{},
		flows:     map[flowKey]*flow{},
	}
}

// Stats returns the live counters.
func (n *Network) Stats() *Stats { return &n.stats }

// Filter sets the function that sees each datagram before the network does;
// false drops it. It runs on the sender's goroutine, several at a time, and
// must keep neither b nor change it. Nil passes all. Streams are not filtered.
func (n *Network) Filter(f func(from, to string, b []byte) bool) {
	if f == nil {
		n.filter.Store(nil)
		return
	}
	n.filter.Store(&f)
}

// flowOf finds or makes the flow. The caller holds n.mu.
func (n *Network) flowOf(k flowKey) *flow {
	f := n.flows[k]
	if f == nil {
		h := fnv.New64a()
		fmt.Fprint(h, k.stream, k.from, k.to)
		f = &flow{rnd: rand.New(rand.NewPCG(n.opt.Seed, h.Sum64()))}
		n.flows[k] = f
	}
	return f
}

// delay returns when something sent now arrives, not before what went ahead.
func (n *Network) delay(f *flow, now time.Time) time.Time {
	due := now.Add(n.opt.Latency + time.Duration(f.rnd.Float64()*float64(n.opt.Jitter)))
	if due.Before(f.last) {
		due = f.last
	}
	f.last = due
	return due
}

// resolve reads "host:port". No host, an unspecified host and "localhost" mean
// 127.0.0.1 (or ::1 for "[::]"): a socket here always has one real address.
func resolve(addr string) (netip.AddrPort, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return netip.AddrPort{}, err
	}
	p, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return netip.AddrPort{}, &net.AddrError{Err: "bad port", Addr: addr}
	}
	if host == "" || host == "localhost" {
		host = "127.0.0.1"
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return netip.AddrPort{}, &net.AddrError{Err: "simnet resolves no names", Addr: addr}
	}
	return normal(netip.AddrPortFrom(ip, uint16(p))), nil
}

func normal(a netip.AddrPort) netip.AddrPort {
	ip := a.Addr().Unmap()
	switch {
	case !ip.IsValid():
		ip = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	case ip.IsUnspecified() && ip.Is4():
		ip = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	case ip.IsUnspecified():
		ip = netip.IPv6Loopback()
	}
	return netip.AddrPortFrom(ip, a.Port())
}

// freePort returns a with a port for which taken is false, EADDRINUSE if there
// is none. A port other than 0 is the caller's wish and is only checked.
func freePort(a netip.AddrPort, taken func(netip.AddrPort) bool) (netip.AddrPort, error) {
	if a.Port() != 0 {
		if taken(a) {
			return a, syscall.EADDRINUSE
		}
		return a, nil
	}
	for p := firstFreePort; p <= 65535; p++ {
		if c := netip.AddrPortFrom(a.Addr(), uint16(p)); !taken(c) {
			return c, nil
		}
	}
	return a, syscall.EADDRINUSE
}
