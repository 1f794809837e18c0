package media

import (
	"net/netip"
	"time"
)

// relatchAfter is how long a latched source must be silent before another one
// within the rules may take its place without a SetRemote.
const relatchAfter = 1500 * time.Millisecond

// provisional is how long after a SetRemote the exact address of the
// description may still displace a source latched before it.
const provisional = 2 * time.Second

// leg is one RTP socket and its peer. All fields belong to the shard, but sock
// and port, which Open sets before the shard sees the leg. What each packet
// needs comes first and close together: with a thousand legs, none is in the
// cache when its packet comes, and leg.foresee asks for it.
type leg struct {
	// A packet in and a packet out touch these.
	sock    socket
	source  netip.AddrPort // latched; zero until the first packet
	known   bool           // a SetRemote has come
	unbound bool           // any source within the rules may displace source
	bound   bool           // the socket is connected to source, once that is final
	heard   bool           // Heard was told and no Silent since
	clocked bool           // in shard.clocked; true while it plays or presses
	mixed   bool           // it hears a mix
	closed  bool
	more    bool // behind the last packet another one may have come
	role    Role

	// A packet out.
	tx            sender
	secure        *secured // nil: plain RTP
	out, outBytes uint64   // packets and payload sent

	// A packet in.
	detector *detector     // in-band digits; nil unless wanted
	mask     *mask         // nil unless keys are kept out of recordings
	jitter   *jitterVoice  // nil unless somebody hears this one in a mix
	lastIn   time.Duration // last accepted packet, or when we began to listen
	movable  time.Duration // until then the described address may displace source
	silentAt time.Duration // when the next Silent is due
	in       uint64        // packets accepted
	passTo   []*leg        // legs that hear this one and nobody else
	passRoom [1]*leg       // of passTo, most often
	taps     []tap         // recordings that hear this one
	rx       receiver

	set  SetRemote
	past past // what those in passTo heard last

	bridge    *bridge
	id        LegID
	port      uint16
	phase     time.Duration // of its 20 ms clock, 0, 5, 10 or 15 ms
	dropped   uint64
	strange   uint64
	forged    uint64 // packets that SRTP refused
	control   control
	quality   quality
	keys      keyReader
	withholds bool // telephone-events from the next key on
	withheld  bool // those of the key that is held
	play      player
	over      *overlay // the play is heard over the bridge; nil: instead of it
	pressing  presser
	frame     time.Duration // length of our own packets
	next      time.Duration // when the next own packet is due
}

func newLeg(id LegID) *leg {
	return &leg{id: id, tx: newSender(), frame: 20 * time.Millisecond, control: newControl()}
}

// allowed is true for a source that may be latched.
func (l *leg) allowed(from netip.AddrPort) bool {
	if from.Addr() == l.set.Addr.Addr() {
		return true
	}
	for _, p := range l.set.Latch {
		if p.Contains(from.Addr()) {
			return true
		}
	}
	return false
}

// accepts decides whether a valid packet is the peer's. The answer true with
// moved says that from is the new source.
func (l *leg) accepts(from netip.AddrPort, now time.Duration) (ok, moved bool) {
	switch {
	case !l.known:
		return false, false
	case from == l.source:
		return true, false
	case !l.allowed(from):
		return false, false
	case !l.source.IsValid(), l.unbound, now-l.lastIn >= relatchAfter:
		return true, true
	case from == l.set.Addr && now < l.movable:
		return true, true
	}
	return false, false
}

// target is where packets go: the latched source, else the described address.
func (l *leg) target() netip.AddrPort {
	if l.source.IsValid() {
		return l.source
	}
	return l.set.Addr
}

// sendable is true if a packet may go out now.
func (l *leg) sendable() bool {
	return l.set.Send && l.known && l.target().Port() != 0 && !l.target().Addr().IsUnspecified()
}

// making is the origin of the packets that the leg's clock sends.
func (l *leg) making() origin {
	if l.pressing.busy() {
		return origin{kind: fromDigit}
	}
	return origin{kind: fromPlay}
}

func (l *leg) legStats() LegStats {
	st := LegStats{
		PacketsIn:  l.in,
		PacketsOut: l.out,
		Lost:       uint64(max(l.rx.lost, 0)),
		Late:       l.rx.late,
		Dropped:    l.dropped,
		Strangers:  l.strange,
		Forged:     l.forged,
		Jitter:     l.rx.jitterTime(),
	}
	l.rate(&st)
	return st
}
