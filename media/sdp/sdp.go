// Package sdp speaks offer/answer (RFC 3264) for one audio stream: which codec,
// which port, which direction, hold or not.
//
// A [Session] is one dialog's state: it makes our offers and answers, reads
// theirs into a [Remote], keeps the order of media lines over re-offers and
// counts versions. It does no I/O and looks up no names. Bodies come from the
// network: they are bounded in bytes, lines and media, and none makes it panic.
//
// It knows nothing of SIP, RTP sockets or calls. Video, fax and whatever else is
// offered beside audio is answered with port 0. Audio is plain RTP, or secured
// with keys in the description (SDES, RFC 4568) where Local.SRTP allows it.
package sdp

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	pion "github.com/pion/sdp/v3"
)

// Errors to branch on; what is returned wraps one of them and says more.
var (
	ErrMalformed = errors.New("malformed description")
	ErrNoAudio   = errors.New("no audio stream")
	ErrNoCodec   = errors.New("no common codec")
	ErrAddress   = errors.New("unusable media address") // a name, multicast, the other IP version
)

// Direction is who sends, from our point of view when we say it.
type Direction uint8

// The four directions of RFC 3264 section 5.1.
const (
	SendRecv Direction = iota
	SendOnly
	RecvOnly
	Inactive
)

var directionNames = [...]string{SendRecv: "sendrecv", SendOnly: "sendonly", RecvOnly: "recvonly", Inactive: "inactive"}

// String is the attribute's name.
func (d Direction) String() string {
	if int(d) < len(directionNames) {
		return directionNames[d]
	}
	return directionNames[Inactive]
}

func (d Direction) sends() bool    { return d == SendRecv || d == SendOnly }
func (d Direction) receives() bool { return d == SendRecv || d == RecvOnly }

func direction(send, receive bool) Direction {
	switch {
	case send && receive:
		return SendRecv
	case send:
		return SendOnly
	case receive:
		return RecvOnly
	}
	return Inactive
}

// Codecs by their static payload type (RFC 3551 section 6).
const (
	PCMU uint8 = 0
	PCMA uint8 = 8
)

const (
	clockRate    = 8000 // Hz, of G.711 and of telephone-events beside it
	eventType    = 101  // payload type of telephone-events in our own offers
	events       = "0-15"
	defaultPTime = 20 * time.Millisecond
	minPTime     = 10 * time.Millisecond
	maxPTime     = 60 * time.Millisecond
)

var codecNames = map[uint8]string{PCMU: "PCMU", PCMA: "PCMA"}

// Local is our side of the stream.
type Local struct {
	Addr   netip.AddrPort // where we receive
	Codecs []uint8        // what we speak: PCMU, PCMA, in the order we offer; empty = both
	Events bool           // telephone-events (RFC 4733)
	PTime  time.Duration  // packets we ask for; default 20 ms
	SRTP   Policy         // secured audio; default Off
}

// Remote is what was agreed: where to send what.
type Remote struct {
	Addr        netip.AddrPort // where they receive; unspecified when held the old way (c=0.0.0.0)
	Codec       uint8          // PCMU or PCMA
	PayloadType uint8          // number of Codec on the wire; differs from Codec only if theirs is dynamic
	EventType   uint8          // payload type of telephone-events; 0 = not agreed
	Control     netip.AddrPort // where they want RTCP (RFC 3605); zero = the port above Addr's
	Mux         bool           // RTCP shares the port of RTP (RFC 5761)
	PTime       time.Duration  // packets they ask for, 10 to 60 ms in steps of 10; 20 ms if they don't say
	Send        bool           // we may send
	Receive     bool           // they may send
	Crypto      Crypto         // how audio is secured; Suite "" = it is not
	Held        bool           // they put us on hold: sendonly, inactive, or address 0.0.0.0 or ::
}

// Session is one dialog's description state. Make it with [New]. It belongs to
// one goroutine.
type Session struct {
	local   Local
	id      uint64
	version uint64
	last    []byte // our last description; nil before the first

	lines   []mediaLine // media lines agreed so far, in their order
	active  int         // index of our audio in lines; -1 before the first agreement
	agreed  Remote      // valid when active >= 0
	pending bool        // an offer of ours may be answered
	offered Direction   // of the pending offer

	keys map[string]string // ours by suite, as far as they were told
}

// mediaLine is what must be repeated of a media line in later descriptions.
type mediaLine struct {
	media  string
	protos []string
	format string // first of the list
}

// New begins the state of one dialog. It copies l.
func New(l Local) *Session {
	l.Codecs = slices.DeleteFunc(slices.Clone(l.Codecs), func(c uint8) bool { return codecNames[c] == "" })
	if len(l.Codecs) == 0 {
		l.Codecs = []uint8{PCMU, PCMA}
	}
	if l.PTime <= 0 {
		l.PTime = defaultPTime
	}
	l.Addr = netip.AddrPortFrom(l.Addr.Addr().Unmap(), l.Addr.Port())
	// 48 bits: unique beside our address, and exact in peers that count in floats.
	return &Session{local: l, id: rand.Uint64() >> 16, version: 1, active: -1}
}

// Offer makes a new offer of ours. It replaces one not answered yet, and changes
// nothing that is agreed until [Session.Accept].
func (s *Session) Offer(d Direction) []byte {
	s.pending, s.offered = true, d
	if s.active < 0 {
		return s.compose([]mediaLine{{"audio", s.offerProtos(), ""}}, 0, s.offerFormats(), d, s.offeredCryptos())
	}
	return s.compose(s.lines, s.active, s.offerFormats(), d, s.offeredCryptos())
}

// offerProtos is the profile of our first offer: with Prefer it is the plain one,
// which those refuse least who know of no keys.
func (s *Session) offerProtos() []string {
	if s.local.SRTP == Require {
		return []string{"RTP", "SAVP"}
	}
	return []string{"RTP", "AVP"}
}

// Answer answers an offer of theirs; want is what we would like. The first codec
// of their list that we speak is taken, and telephone-events with their number.
// After an error nothing has changed.
func (s *Session) Answer(offer []byte, want Direction) ([]byte, Remote, error) {
	d, err := read(offer)
	if err != nil {
		return nil, Remote{}, err
	}
	i, st, err := s.choose(d)
	if err != nil {
		return nil, Remote{}, err
	}
	r := st.remote(want)
	var crypto []pion.Attribute
	if l := st.crypto; l.suite != "" {
		r.Crypto = Crypto{Suite: l.suite, Ours: s.keyFor(l.suite), Theirs: l.key, MKI: l.mki}
		crypto = append(crypto, cryptoAttribute(l.tag, l.suite, r.Crypto.Ours))
	}
	r.Held = !st.direction.receives()

	lines := make([]mediaLine, len(d.MediaDescriptions))
	for k, m := range d.MediaDescriptions {
		lines[k] = mediaLine{m.MediaName.Media, m.MediaName.Protos, m.MediaName.Formats[0]}
	}
	s.lines, s.active, s.agreed, s.pending = lines, i, r, false
	formats := []format{{r.PayloadType, codecNames[r.Codec]}}
	if r.EventType != 0 {
		formats = append(formats, format{r.EventType, eventName})
	}
	return s.compose(lines, i, formats, direction(r.Send, r.Receive), crypto), r, nil
}

// Accept reads their answer to our last offer. It may be called again for the
// same offer: a provisional answer and the final one, or answers of several
// forks. After an error nothing has changed.
func (s *Session) Accept(answer []byte) (Remote, error) {
	if !s.pending {
		return Remote{}, errors.New("sdp: an answer, but there was no offer of ours")
	}
	d, err := read(answer)
	if err != nil {
		return Remote{}, err
	}
	i := max(s.active, 0)
	st, err := s.stream(d, i, true)
	if err != nil {
		return Remote{}, err
	}
	r := st.remote(s.offered)
	if l := st.crypto; l.suite != "" {
		r.Crypto = Crypto{Suite: l.suite, Ours: s.keyFor(l.suite), Theirs: l.key, MKI: l.mki}
	}
	// They can't receive what we did not offer to send: that is not a hold.
	r.Held = st.zero || s.offered.sends() && !st.direction.receives()
	if s.active < 0 {
		s.lines = []mediaLine{{"audio", s.offerProtos(), "0"}}
	}
	s.active, s.agreed = i, r
	return r, nil
}
