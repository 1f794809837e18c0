package sdp

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	pion "github.com/pion/sdp/v3"
)

const eventName = "telephone-event"

// stream is what one of their audio lines says, as far as we can use it.
type stream struct {
	addr      netip.AddrPort
	zero      bool // c=0.0.0.0 or ::, hold as in RFC 2543
	codec     uint8
	number    uint8 // payload type of codec
	event     uint8
	ptime     time.Duration
	control   uint16 // port for RTCP; 0 = the one above
	mux       bool   // RTCP may share the port of RTP
	crypto    cryptoLine
	direction Direction // theirs; a stream to nowhere receives nothing
}

// remote is the stream seen from us, when we want what d says.
func (st stream) remote(d Direction) Remote {
	r := Remote{
		Addr: st.addr, Codec: st.codec, PayloadType: st.number, EventType: st.event, PTime: st.ptime,
		Send:    d.sends() && st.direction.receives(),
		Receive: d.receives() && st.direction.sends(),
		Mux:     st.mux,
	}
	if st.control != 0 && !st.zero {
		r.Control = netip.AddrPortFrom(st.addr.Addr(), st.control)
	}
	return r
}

// choose finds the audio line to use: the one in use, else the first usable.
func (s *Session) choose(d *pion.SessionDescription) (int, stream, error) {
	order := make([]int, 0, len(d.MediaDescriptions)+1)
	if s.active >= 0 && s.active < len(d.MediaDescriptions) {
		order = append(order, s.active)
	}
	for i := range d.MediaDescriptions {
		order = append(order, i)
	}
	var first error
	plain, plainStream := -1, stream{}
	for _, i := range order {
		m := &d.MediaDescriptions[i].MediaName
		if !strings.EqualFold(m.Media, "audio") || m.Port.Value == 0 {
			continue
		}
		st, err := s.stream(d, i, false)
		if err == nil {
			// A secured line behind a plain one is worth more, where we like that.
			if s.local.SRTP == Off || st.crypto.suite != "" || i == s.active {
				return i, st, nil
			}
			if plain < 0 {
				plain, plainStream = i, st
			}
			continue
		}
		if first == nil {
			first = err
		}
	}
	if plain >= 0 {
		return plain, plainStream, nil
	}
	if first == nil {
		first = fmt.Errorf("sdp: %w in %d media lines", ErrNoAudio, len(d.MediaDescriptions))
	}
	return 0, stream{}, first
}

// stream reads media line i as our audio; answer is true if it answers ours.
func (s *Session) stream(d *pion.SessionDescription, i int, answer bool) (stream, error) {
	if i >= len(d.MediaDescriptions) {
		return stream{}, fmt.Errorf("sdp: %w: media line %d is missing", ErrNoAudio, i+1)
	}
	m := d.MediaDescriptions[i]
	switch {
	case !strings.EqualFold(m.MediaName.Media, "audio"):
		return stream{}, fmt.Errorf("sdp: %w: media line %d is %s", ErrNoAudio, i+1, m.MediaName.Media)
	case m.MediaName.Port.Value == 0:
		return stream{}, fmt.Errorf("sdp: %w: it was refused with port 0", ErrNoAudio)
	}
	crypto, err := s.secure(m, answer)
	if err != nil {
		return stream{}, err
	}
	st := stream{crypto: crypto, direction: directionOf(d.Attributes, SendRecv), ptime: ptimeOf(m.Attributes)}
	st.direction = directionOf(m.Attributes, st.direction)
	st.readControl(m.Attributes)
	if err := st.readAddr(d, m, s.local.Addr.Addr()); err != nil {
		return stream{}, err
	}
	return st, st.readFormats(m, s.local)
}

// readAddr takes c= of the line, else of the session.
func (st *stream) readAddr(d *pion.SessionDescription, m *pion.MediaDescription, ours netip.Addr) error {
	c := m.ConnectionInformation
	if c == nil {
		c = d.ConnectionInformation
	}
	if c == nil {
		return malformed("audio has no c= line")
	}
	text, _, _ := strings.Cut(c.Address.Address, "/")
	ip, err := netip.ParseAddr(text)
	ip = ip.Unmap()
	switch {
	case err != nil:
		return fmt.Errorf("sdp: %w: %.60q is no IP address, and names are not looked up", ErrAddress, text)
	case ip.IsUnspecified():
		st.zero = true
		st.direction = direction(st.direction.sends(), false)
	case ip.IsMulticast() || ip.Zone() != "" || ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return fmt.Errorf("sdp: %w: %s", ErrAddress, ip)
	case ours.IsValid() && !ours.IsUnspecified() && ours.Is4() != ip.Is4():
		return fmt.Errorf("sdp: %w: %s, but we are at %s", ErrAddress, ip, ours)
	}
	st.addr = netip.AddrPortFrom(ip, uint16(m.MediaName.Port.Value))
	return nil
}

// readControl reads where RTCP goes: a=rtcp (RFC 3605), of which only the port
// counts, so that nobody can point our reports at a third host, and a=rtcp-mux.
func (st *stream) readControl(attrs []pion.Attribute) {
	for _, a := range attrs {
		switch {
		case strings.EqualFold(a.Key, "rtcp-mux"):
			st.mux = true
		case strings.EqualFold(a.Key, "rtcp"):
			first, _, _ := strings.Cut(strings.TrimSpace(a.Value), " ")
			if n, err := strconv.ParseUint(first, 10, 16); err == nil {
				st.control = uint16(n)
			}
		}
	}
}

// readFormats takes the first codec of the list that we speak, and
// telephone-events at the codec's clock rate.
func (st *stream) readFormats(m *pion.MediaDescription, l Local) error {
	names := rtpmaps(m.Attributes)
	found := false
	for _, f := range m.MediaName.Formats {
		n, err := strconv.ParseUint(f, 10, 7)
		if err != nil {
			continue
		}
		name := names[n]
		switch {
		case strings.EqualFold(name, eventName):
			if l.Events && st.event == 0 && n != 0 {
				st.event = uint8(n)
			}
		case !found:
			i := slices.IndexFunc(l.Codecs, func(c uint8) bool { return strings.EqualFold(name, codecNames[c]) })
			if i >= 0 {
				found, st.codec, st.number = true, l.Codecs[i], uint8(n)
			}
		}
	}
	if !found {
		return fmt.Errorf("sdp: %w: %s", ErrNoCodec, listFormats(m.MediaName.Formats, names))
	}
	return nil
}

// rtpmaps names the payload types: static ones (RFC 3551), then what a=rtpmap
// says. What does not run at 8 kHz mono gets its whole rtpmap as name, and so
// never equals one of ours.
func rtpmaps(attrs []pion.Attribute) [128]string {
	names := [128]string{0: "PCMU", 3: "GSM", 4: "G723", 8: "PCMA", 9: "G722", 13: "CN", 18: "G729"}
	for _, a := range attrs {
		if !strings.EqualFold(a.Key, "rtpmap") {
			continue
		}
		f := strings.Fields(a.Value)
		if len(f) < 2 {
			continue
		}
		n, err := strconv.ParseUint(f[0], 10, 7)
		if err != nil {
			continue
		}
		name, rate, _ := strings.Cut(f[1], "/")
		if rate != "8000" && rate != "8000/1" {
			name = f[1]
		}
		names[n] = name
	}
	return names
}

// listFormats is for error texts: the first formats with their names.
func listFormats(formats []string, names [128]string) string {
	var out []string
	for _, f := range formats[:min(len(formats), 8)] {
		if n, err := strconv.ParseUint(f, 10, 7); err == nil && names[n] != "" {
			f = names[n]
		}
		out = append(out, fmt.Sprintf("%.24q", f))
	}
	return "they speak " + strings.Join(out, ", ")
}

func directionOf(attrs []pion.Attribute, otherwise Direction) Direction {
	for _, a := range attrs {
		if i := slices.IndexFunc(directionNames[:], func(n string) bool { return strings.EqualFold(a.Key, n) }); i >= 0 && a.Value == "" {
			return Direction(i)
		}
	}
	return otherwise
}

// ptimeOf reads a=ptime, not above a=maxptime, as a length that can be sent.
func ptimeOf(attrs []pion.Attribute) time.Duration {
	read := func(key string) time.Duration {
		for _, a := range attrs {
			if strings.EqualFold(a.Key, key) {
				whole, _, _ := strings.Cut(strings.TrimSpace(a.Value), ".")
				if n, err := strconv.ParseUint(whole, 10, 16); err == nil {
					return time.Duration(n) * time.Millisecond
				}
			}
		}
		return 0
	}
	p := read("ptime")
	if p == 0 {
		p = defaultPTime
	}
	if most := read("maxptime"); most > 0 {
		p = min(p, most)
	}
	return min(max(p.Truncate(10*time.Millisecond), minPTime), maxPTime)
}
