package media

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	mrand "math/rand/v2"
	"net/netip"
	"time"

	"github.com/pion/rtcp"
)

const (
	controlEvery = 5 * time.Second         // between reports (RFC 3550, section 6.2)
	controlFirst = 2500 * time.Millisecond // before the first one, half of it at least
	controlBurst = 8                       // datagrams of RTCP taken from a leg per look; more are dropped
	controlMost  = 32                      // packets looked at in one datagram
	longestRTT   = 10 * time.Second        // a round trip above that is a wrong figure
)

// control is a leg's RTCP: what we tell the peer about its stream and ours, and
// what it tells us. It is slow: nothing of it is looked at per packet of audio.
type control struct {
	sock   socket // the odd port above the leg's; nil if it has none
	name   string // CNAME, random as RFC 7022 demands
	source netip.AddrPort
	due    time.Duration // when the next report is; 0 before the first SetRemote
	told   bool          // a report went out
	burst  int           // datagrams since the last look

	sentOut  uint64 // packets sent, at our last report
	expected uint64 // of the peer's packets, at our last report
	received uint64

	lastSR   uint32 // middle of the NTP time in the peer's last SR; 0 none
	lastSRAt time.Duration

	far farSide
}

// farSide is what the peer's reports say about our stream.
type farSide struct {
	reports  uint64
	lost     uint64        // packets of ours, by its count
	base     int64         // its count of lost ones at its first report
	fraction float64       // lost of the last interval, 0 to 1
	jitter   time.Duration // as it sees it
	rtt      time.Duration // of the last report that let us tell; 0 unknown
	rttSum   time.Duration
	rtts     int64
}

func (f *farSide) meanRTT() time.Duration {
	if f.rtts == 0 {
		return 0
	}
	return f.rttSum / time.Duration(f.rtts)
}

func newControl() control {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails
	return control{name: base64.RawURLEncoding.EncodeToString(b[:])}
}

// schedule sets the next report off the last by 0.5 to 1.5 intervals, so that
// the reports of all legs never come together.
func (c *control) schedule(now, interval time.Duration) {
	c.due = now + interval/2 + mrand.N(interval)
}

// controls is true for a source whose RTCP is the peer's: the host that the
// audio comes from, or may come from.
func (l *leg) controls(from netip.AddrPort) bool {
	switch {
	case !l.known:
		return false
	case l.source.IsValid():
		return from.Addr() == l.source.Addr()
	}
	return l.allowed(from)
}

// controlTarget is where reports go; an invalid address is nowhere.
func (l *leg) controlTarget() netip.AddrPort {
	to := l.target()
	switch {
	case to.Port() == 0 || to.Addr().IsUnspecified() || l.set.Mux:
		return to
	case l.control.source.IsValid():
		return l.control.source
	case l.set.Control.IsValid() && l.set.Control.Addr() == l.set.Addr.Addr() && to == l.set.Addr:
		return l.set.Control
	case to.Port() == 0xFFFF:
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(to.Addr(), to.Port()+1)
}

// report sends the leg's report when it is due.
func (s *shard) report(l *leg) {
	c := &l.control
	c.burst = 0
	if c.due == 0 || s.now < c.due {
		return
	}
	c.schedule(s.now, controlEvery)
	if l.in+l.out == 0 {
		return // nobody is there yet
	}
	s.sendControl(l, false)
}

// sendControl puts a report on the wire, with a BYE behind it at the end.
func (s *shard) sendControl(l *leg, bye bool) {
	to := l.controlTarget()
	if !to.IsValid() || to.Port() == 0 || to.Addr().IsUnspecified() {
		return
	}
	sock := l.control.sock
	if l.set.Mux {
		sock = l.sock
	}
	if sock == nil {
		return
	}
	b := s.writeControl(l, s.out[:0], s.clock.now(), bye)
	if l.secure != nil {
		var ok bool
		if b, ok = l.secure.protectControl(b); !ok {
			return
		}
	}
	if err := sock.send(b, to); err != nil {
		s.stats.SendErrors.Add(1)
		return
	}
	l.control.told = true
	s.stats.RTCPOut.Add(1)
}

// ntpEpoch is 1970 in seconds of NTP.
const ntpEpoch = 2208988800

// ntp is an instant of the shard as NTP time (RFC 3550, section 4).
func (s *shard) ntp(at time.Duration) uint64 {
	t := s.clock.began.Add(at)
	return uint64(t.Unix()+ntpEpoch)<<32 | uint64(t.Nanosecond())<<32/uint64(time.Second)
}

// writeControl makes a compound packet of SR or RR, SDES and perhaps BYE.
func (s *shard) writeControl(l *leg, b []byte, now time.Duration, bye bool) []byte {
	c := &l.control
	sending := l.out != c.sentOut || bye && l.out > 0
	c.sentOut = l.out
	kind, blocks := byte(rtcp.TypeReceiverReport), byte(0)
	if sending {
		kind = byte(rtcp.TypeSenderReport)
	}
	if l.rx.begun {
		blocks = 1
	}
	b = append(b, 2<<6|blocks, kind, 0, 0)
	b = binary.BigEndian.AppendUint32(b, l.tx.ssrc)
	if sending {
		b = binary.BigEndian.AppendUint64(b, s.ntp(now))
		b = binary.BigEndian.AppendUint32(b, l.tx.clock(now))
		b = binary.BigEndian.AppendUint32(b, uint32(l.out))
		b = binary.BigEndian.AppendUint32(b, uint32(l.outBytes))
	}
	if l.rx.begun {
		b = c.block(b, &l.rx, now)
	}
	putLength(b, 0)
	at := len(b)
	b = append(b, 2<<6|1, byte(rtcp.TypeSourceDescription), 0, 0)
	b = binary.BigEndian.AppendUint32(b, l.tx.ssrc)
	b = append(b, 1, byte(len(c.name)))
	b = append(b, c.name...)
	for n := 4 - (len(b)-at)%4; n > 0; n-- {
		b = append(b, 0) // at least one: the end of the items
	}
	putLength(b, at)
	if bye {
		at = len(b)
		b = append(b, 2<<6|1, byte(rtcp.TypeGoodbye), 0, 0)
		b = binary.BigEndian.AppendUint32(b, l.tx.ssrc)
		putLength(b, at)
	}
	return b
}

// putLength writes the length of the RTCP packet that goes from at to the end.
func putLength(b []byte, at int) {
	binary.BigEndian.PutUint16(b[at+2:], uint16((len(b)-at)/4-1))
}

// block reports on the peer's stream (RFC 3550, section 6.4.1 and appendix A.3).
func (c *control) block(b []byte, r *receiver, now time.Duration) []byte {
	expected, received := r.expected-c.expected, r.received-c.received
	c.expected, c.received = r.expected, r.received
	fraction := uint32(0)
	if expected > received {
		fraction = uint32(min((expected-received)*256/expected, 255))
	}
	lost := min(max(r.lost-r.lostBefore, -0x800000), 0x7FFFFF)
	delay := uint32(0)
	if c.lastSR != 0 {
		delay = uint32((now - c.lastSRAt) * 65536 / time.Second)
	}
	b = binary.BigEndian.AppendUint32(b, r.ssrc)
	b = binary.BigEndian.AppendUint32(b, fraction<<24|uint32(lost)&0xFFFFFF)
	b = binary.BigEndian.AppendUint32(b, r.cycles|uint32(r.high))
	b = binary.BigEndian.AppendUint32(b, r.jitter>>4)
	b = binary.BigEndian.AppendUint32(b, c.lastSR)
	return binary.BigEndian.AppendUint32(b, delay)
}

// arrive takes a datagram from either socket of a leg.
func (s *shard) arrive(l *leg, b []byte, from netip.AddrPort, at time.Duration, control bool) {
	if !control {
		s.deliver(l, b, from, at)
		return
	}
	defer s.rescue()
	s.active = l
	s.takeControl(l, b, from, at)
	s.active = nil
}

// takeControl takes a datagram of RTCP. Nothing in it moves where anything is
// sent, unless it names the streams that both sides really have.
func (s *shard) takeControl(l *leg, b []byte, from netip.AddrPort, at time.Duration) {
	c := &l.control
	switch {
	case !l.controls(from):
		s.stats.RTCPStrangers.Add(1)
		return
	case c.burst >= controlBurst:
		s.stats.RTCPBad.Add(1)
		return
	}
	c.burst++
	if l.secure != nil {
		var ok bool
		if b, ok = l.secure.openControl(b); !ok {
			l.forged++
			s.stats.SRTPBad.Add(1)
			return
		}
	}
	packets, err := readControl(b)
	if err != nil {
		s.stats.RTCPBad.Add(1)
		return
	}
	s.stats.RTCP.Add(1)
	ours := false
	for _, p := range packets {
		switch p := p.(type) {
		case *rtcp.SenderReport:
			if l.rx.begun && p.SSRC == l.rx.ssrc {
				ours = true
				c.lastSR, c.lastSRAt = uint32(p.NTPTime>>16), at
			}
			s.reported(l, p.Reports, at)
		case *rtcp.ReceiverReport:
			ours = ours || l.rx.begun && p.SSRC == l.rx.ssrc
			s.reported(l, p.Reports, at)
		case *rtcp.Goodbye:
			// What ends a call is its signalling: a BYE here may be anybody's.
			s.stats.RTCPByes.Add(1)
		}
	}
	if ours && !l.set.Mux {
		c.source = from
	}
}

// reported takes what the peer says about our stream.
func (s *shard) reported(l *leg, blocks []rtcp.ReceptionReport, at time.Duration) {
	for _, b := range blocks {
		if b.SSRC != l.tx.ssrc {
			continue
		}
		f := &l.control.far
		lost := int64(int32(b.TotalLost<<8) >> 8) // 24 bits, signed
		if f.reports == 0 {
			f.base = min(lost, 0)
		}
		f.reports++
		f.lost = max(f.lost, uint64(max(lost-f.base, 0)))
		f.fraction = float64(b.FractionLost) / 256
		f.jitter = time.Duration(min(b.Jitter, 60*sampleRate)) * (time.Second / sampleRate)
		l.quality.reported(f.fraction)
		if b.LastSenderReport == 0 {
			continue
		}
		trip := time.Duration(int32(uint32(s.ntp(at)>>16)-b.LastSenderReport-b.Delay)) * time.Second / 65536
		if trip < 0 && trip > -20*time.Millisecond {
			trip = 0 // the clocks of both ends tick in steps
		}
		if trip < 0 || trip > longestRTT {
			s.stats.RTCPBad.Add(1)
			continue
		}
		f.rtt = trip
		f.rttSum += trip
		f.rtts++
	}
}

var errControl = errors.New("no valid RTCP")

// readControl parses the reports and goodbyes of a compound packet; whatever
// else is in it is stepped over. It may be cut short of nothing: one bad length
// spoils the whole.
func readControl(b []byte) (out []rtcp.Packet, err error) {
	defer func() {
		if p := recover(); p != nil {
			out, err = nil, fmt.Errorf("%w: %v", errControl, p)
		}
	}()
	if len(b) > maxPacket || !isRTCP(b) {
		return nil, errControl
	}
	for n := 0; len(b) > 0; n++ {
		var h rtcp.Header
		if n == controlMost {
			return nil, errControl
		}
		if err := h.Unmarshal(b); err != nil {
			return nil, fmt.Errorf("%w: %w", errControl, err)
		}
		size := 4 * (int(h.Length) + 1)
		if size > len(b) {
			return nil, errControl
		}
		var p rtcp.Packet
		switch h.Type {
		case rtcp.TypeSenderReport:
			p = new(rtcp.SenderReport)
		case rtcp.TypeReceiverReport:
			p = new(rtcp.ReceiverReport)
		case rtcp.TypeGoodbye:
			p = new(rtcp.Goodbye)
		}
		if p != nil {
			if err := p.Unmarshal(b[:size]); err != nil {
				return nil, fmt.Errorf("%w: %w", errControl, err)
			}
			out = append(out, p)
		}
		b = b[size:]
	}
	return out, nil
}
