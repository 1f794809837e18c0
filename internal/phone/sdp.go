package phone

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Direction is who may send, from the view of the description's author (RFC
// 3264, 5.1).
type Direction string

// Directions. ZeroAddress is hold as in RFC 2543: the address 0.0.0.0.
const (
	SendRecv    Direction = "sendrecv"
	SendOnly    Direction = "sendonly"
	RecvOnly    Direction = "recvonly"
	Inactive    Direction = "inactive"
	ZeroAddress Direction = "0.0.0.0"
)

// Limits of descriptions read.
const (
	maxLines = 200
	ourEvent = 101 // payload type of telephone-event in our offers
)

var (
	errNoAudio = errors.New("phone: description without usable audio")
	errNoCodec = errors.New("phone: description without a codec of ours")
)

// agreement is what offer and answer have settled, from our view.
type agreement struct {
	addr    netip.AddrPort // where our audio goes
	codec   uint8
	event   uint8 // payload type of telephone-event, 0 none
	send    bool
	receive bool
	held    bool
	theirs  Direction
}

// description is our side of a call's session descriptions.
type description struct {
	id, version uint64
	at          netip.AddrPort // told to the peer
	codecs      []uint8
	events      bool
	want        Direction
	last        string // text after o= of what we sent last
	agreed      agreement
	peer        string
}

func newDescription(at netip.AddrPort, c Config) description {
	return description{
		id: uint64(rand.Uint32()), at: at, codecs: slices.Clone(c.Codecs), events: !c.NoEvents, want: SendRecv,
	}
}

func (d *description) offer() []byte {
	event := uint8(0)
	if d.events {
		event = ourEvent
		if d.agreed.event != 0 {
			event = d.agreed.event
		}
	}
	return d.text(d.codecs, event, d.want)
}

// text composes a description; the version in o= grows when the rest changed.
func (d *description) text(codecs []uint8, event uint8, dir Direction) []byte {
	family, addr := "IP4", d.at.Addr()
	if addr.Is6() {
		family = "IP6"
	}
	shown := addr.String()
	if dir == ZeroAddress {
		shown, dir = "0.0.0.0", SendOnly
		if addr.Is6() {
			shown = "::"
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "s=-\r\nc=IN %s %s\r\nt=0 0\r\nm=audio %d RTP/AVP", family, shown, d.at.Port())
	for _, pt := range codecs {
		fmt.Fprintf(&b, " %d", pt)
	}
	if event != 0 {
		fmt.Fprintf(&b, " %d", event)
	}
	b.WriteString("\r\n")
	for _, pt := range codecs {
		name := "PCMU"
		if pt == 8 {
			name = "PCMA"
		}
		fmt.Fprintf(&b, "a=rtpmap:%d %s/8000\r\n", pt, name)
	}
	if event != 0 {
		fmt.Fprintf(&b, "a=rtpmap:%d telephone-event/8000\r\na=fmtp:%d 0-15\r\n", event, event)
	}
	fmt.Fprintf(&b, "a=ptime:20\r\na=%s\r\n", dir)
	if b.String() != d.last {
		d.last = b.String()
		d.version++
	}
	return fmt.Appendf(nil, "v=0\r\no=phone %d %d IN %s %s\r\n%s", d.id, d.version, family, addr, d.last)
}

// answer answers an offer with the first codec in it that we have.
func (d *description) answer(offer []byte) ([]byte, error) {
	r, err := readDescription(offer)
	if err != nil {
		return nil, err
	}
	a, err := d.agree(r)
	if err != nil {
		return nil, err
	}
	if !d.events {
		a.event = 0
	}
	ours := d.want
	switch {
	case r.dir == Inactive:
		ours = Inactive
	case r.dir == SendOnly && d.want == SendRecv:
		ours = RecvOnly
	case r.dir == SendOnly && d.want != RecvOnly:
		ours = Inactive
	case r.dir == RecvOnly && d.want == RecvOnly:
		ours = Inactive
	case r.dir == RecvOnly && d.want == SendRecv:
		ours = SendOnly
	}
	a.send, a.receive = may(ours, r.dir)
	d.agreed, d.peer = a, string(offer)
	return d.text([]uint8{a.codec}, a.event, ours), nil
}

// accept reads the answer to our last offer.
func (d *description) accept(answer []byte) error {
	r, err := readDescription(answer)
	if err != nil {
		return err
	}
	a, err := d.agree(r)
	if err != nil {
		return err
	}
	if !d.events {
		a.event = 0
	}
	a.send, a.receive = may(d.want, r.dir)
	d.agreed, d.peer = a, string(answer)
	return nil
}

// agree finds address, codec and event type in a description of the peer's.
func (d *description) agree(r theirs) (agreement, error) {
	a := agreement{addr: r.at, event: r.event, theirs: r.dir, held: r.dir == SendOnly || r.dir == Inactive}
	for _, pt := range r.codecs {
		if slices.Contains(d.codecs, pt) {
			a.codec = pt
			return a, nil
		}
	}
	return a, errNoCodec
}

// may tells what we may do when both directions are known.
func may(ours, theirs Direction) (send, receive bool) {
	send = (ours == SendRecv || ours == SendOnly || ours == ZeroAddress) && (theirs == SendRecv || theirs == RecvOnly)
	receive = (ours == SendRecv || ours == RecvOnly) && (theirs == SendRecv || theirs == SendOnly)
	return send, receive
}

// theirs is what we read of a peer's description.
type theirs struct {
	at     netip.AddrPort
	codecs []uint8 // static payload types 0 and 8, in their order
	event  uint8
	dir    Direction
}

// readDescription reads the first audio stream.
func readDescription(text []byte) (theirs, error) {
	r := theirs{dir: SendRecv}
	var session, media netip.Addr
	port, section := 0, 0 // 0 before any m=, 1 in our audio, 2 in another
	lines := strings.SplitN(string(text), "\n", maxLines)
	for _, line := range lines {
		kind, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok {
			continue
		}
		switch {
		case kind == "m" && section != 1 && strings.HasPrefix(value, "audio ") && port == 0:
			section = 1
			port, r.codecs = readStream(value)
		case kind == "m":
			section = 2
		case kind == "c" && section == 0:
			session = readConnection(value)
		case kind == "c" && section == 1:
			media = readConnection(value)
		case kind == "a" && section < 2:
			r.attribute(value, section)
		}
	}
	if port == 0 {
		return r, errNoAudio
	}
	addr := session
	if media.IsValid() {
		addr = media
	}
	if !addr.IsValid() {
		return r, errNoAudio
	}
	r.at = netip.AddrPortFrom(addr, uint16(port))
	if addr.IsUnspecified() && r.dir != Inactive { // RFC 2543: hold
		r.dir = SendOnly
	}
	return r, nil
}

// readStream reads "audio 4000 RTP/AVP 0 8 101"; port 0 for what is not RTP.
func readStream(value string) (port int, codecs []uint8) {
	f := strings.Fields(value)
	if len(f) < 4 || f[2] != "RTP/AVP" {
		return 0, nil
	}
	number, _, _ := strings.Cut(f[1], "/")
	p, err := strconv.ParseUint(number, 10, 16)
	if err != nil {
		return 0, nil
	}
	for _, pt := range f[3:] {
		if pt == "0" || pt == "8" {
			codecs = append(codecs, pt[0]-'0')
		}
	}
	return int(p), codecs
}

// readConnection reads "IN IP4 10.0.0.1".
func readConnection(value string) netip.Addr {
	f := strings.Fields(value)
	if len(f) != 3 {
		return netip.Addr{}
	}
	host, _, _ := strings.Cut(f[2], "/")
	a, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap()
}

func (r *theirs) attribute(value string, section int) {
	switch Direction(value) {
	case SendRecv, SendOnly, RecvOnly, Inactive:
		r.dir = Direction(value)
		return
	}
	if spec, ok := strings.CutPrefix(value, "rtpmap:"); ok && section == 1 {
		pt, name, _ := strings.Cut(spec, " ")
		n, err := strconv.ParseUint(pt, 10, 7)
		if err == nil && n != 0 && strings.HasPrefix(strings.ToLower(strings.TrimSpace(name)), "telephone-event/8000") {
			r.event = uint8(n)
		}
	}
}
