package media

import "time"

// arrival says what a packet is by its sequence number.
type arrival uint8

const (
	inOrder arrival = iota
	jumped          // sequence or SSRC began anew
	late            // behind a younger one, and not seen before
	double          // seen before, or too old to know
)

// receiver follows one peer's sequence numbers and jitter (RFC 3550, appendix
// A). Its zero value awaits the first packet.
type receiver struct {
	seen     uint64 // bit n: high-n has arrived
	expected uint64 // packets, by sequence number
	received uint64
	changes  uint64 // of SSRC
	ssrc     uint32
	transit  int32  // of the last packet, timestamp units
	jitter   uint32 // estimate times 16, timestamp units (RFC 3550, A.8)
	high     uint16 // highest sequence number
	begun    bool
	settled  uint8 // packets by which earliest is known
	earliest int32 // transit of what was on the way for the shortest time
	behind   int32 // of the last packet: transit less earliest; -1 if it came earlier than any

	lost       int64 // may fall again when late packets come
	late       uint64
	doubles    uint64
	lostBefore int64  // lost under an earlier SSRC
	cycles     uint32 // turns of the sequence number times 65536 (RFC 3550, A.1)
}

// packet takes note of a packet that arrived now and says what it is.
func (r *receiver) packet(h header, now time.Duration) arrival {
	if !r.begun || h.ssrc != r.ssrc {
		if r.begun {
			r.changes++
			r.cycles, r.lostBefore = 0, r.lost
		}
		r.restart(h, now)
		return jumped
	}
	d := int(int16(h.seq - r.high))
	switch {
	case d > maxDropout || d < -maxMisorder:
		r.restart(h, now)
		return jumped
	case d > 0:
		r.lost += int64(d - 1)
		r.seen = r.seen<<uint(d) | 1
		r.expected += uint64(d)
		r.received++
		if h.seq < r.high {
			r.cycles += 1 << 16
		}
		r.high = h.seq
		r.spacing(h, now)
		return inOrder
	case d <= -64 || r.seen&(1<<uint(-d)) != 0:
		r.doubles++
		return double
	default:
		r.seen |= 1 << uint(-d)
		r.late++
		r.received++
		r.lost--
		r.spacing(h, now)
		return late
	}
}

func (r *receiver) restart(h header, now time.Duration) {
	r.begun, r.ssrc, r.high = true, h.ssrc, h.seq
	r.expected++
	r.received++
	// What came before is unknown, not lost: a later one of it counts as double.
	r.seen = ^uint64(0)
	r.transit = int32(samples(now.Microseconds()) - h.ts)
	r.earliest, r.behind, r.settled = r.transit, -1, 0
}

const (
	settledAfter = 16                    // packets
	driftPackets = 32                    // after so many earliest rises by a sample: 195 ppm of drift
	surelyAlone  = 7 * sampleRate / 1000 // samples: a tick by which earliest may be off, and 2 ms
	noneMissing  = 0xFF                  // the last 8 packets are there: none is to come out of order
)

// alone tells that no packet can have come behind the last one, of n samples: the
// next one is not even due. False is no more than a doubt.
func (r *receiver) alone(n int) bool {
	return r.behind >= 0 && r.behind < int32(n-surelyAlone) && r.settled >= settledAfter &&
		r.seen&noneMissing == noneMissing
}

// behindBy is how much later the last packet came than by the shortest way, in
// samples; 0 for another one, or if that is not known yet.
func (r *receiver) behindBy(h header) int64 {
	if h.seq != r.high || r.settled < settledAfter || r.behind < 0 || r.behind > recLag {
		return 0
	}
	return int64(r.behind)
}

func (r *receiver) spacing(h header, now time.Duration) {
	transit := int32(samples(now.Microseconds()) - h.ts)
	d := transit - r.transit
	r.transit = transit
	switch r.behind = transit - r.earliest; {
	case r.behind > sampleRate || r.behind < -sampleRate: // its timestamps began anew
		r.earliest, r.behind, r.settled = transit, -1, 0
	case r.behind < 0:
		r.earliest, r.behind = transit, -1
	case r.received%driftPackets == 0:
		r.earliest++
	}
	r.settled = min(r.settled+1, settledAfter)
	if d < 0 {
		d = -d
	}
	r.jitter += uint32(d) - (r.jitter+8)>>4
}

// jitterTime is the estimate as a duration.
func (r *receiver) jitterTime() time.Duration {
	return time.Duration(r.jitter>>4) * (time.Second / sampleRate)
}
