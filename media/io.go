package media

import (
	"net/netip"
	"time"
)

// maxPacket is the longest datagram taken from the net, in bytes; a longer one
// is malformed. It holds 180 ms of G.711.
const maxPacket = 1500

// clock gives the shard's time: what passed since the engine was made.
type clock struct{ began time.Time }

func (c clock) now() time.Duration { return time.Since(c.began) }

// deliver takes a datagram on the shard's goroutine; b is the caller's again
// when it returns. at is when the datagram arrived, control is true for the
// leg's RTCP socket.
type deliver func(l *leg, b []byte, from netip.AddrPort, at time.Duration, control bool)

// packetIO is a shard's way to the network. There is a portable one (a
// goroutine per socket) and one on Linux (epoll and a 5 ms tick).
type packetIO interface {
	// open binds a socket for a leg; errPortBusy if the port is held. Called
	// by any goroutine. What comes on a control socket may wait for slow.
	open(l *leg, at netip.AddrPort, control bool) (socket, error)
	// poll hands over datagrams until the deadline, a wake, or a batch of
	// datagrams has been handed over. Called by the shard only.
	poll(deadline time.Duration, f deliver)
	// slow hands over what came on control sockets and was not handed over by
	// poll, without waiting. Called by the shard only, some times a second.
	slow(f deliver)
	// wake ends a running or the next poll early. Called by any goroutine.
	wake()
	// stop ends all goroutines of the io after its sockets were closed.
	stop()
}

// socket is one leg's. All methods are the shard's and do not block.
type socket interface {
	start() // datagrams are delivered from now on
	// detach ends that, for a shard that gives its leg away; attach lets it go on
	// at the io of the shard that takes it. What comes in between waits.
	detach()
	attach(to packetIO)
	send(b []byte, to netip.AddrPort) error
	// connect lets the system refuse other sources and remember the route; a
	// zero address takes that back. A refusal by the system is no error: the
	// leg checks each source itself.
	connect(to netip.AddrPort)
	close()
}
