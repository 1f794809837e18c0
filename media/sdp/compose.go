package sdp

import (
	"bytes"
	"net/netip"
	"strconv"

	pion "github.com/pion/sdp/v3"
)

// format is a payload type and what it stands for, at 8 kHz.
type format struct {
	number uint8
	name   string
}

// offerFormats lists what we speak, the codec in use first. Numbers once agreed
// keep their meaning (RFC 3264 section 8.3.2).
func (s *Session) offerFormats() []format {
	var out []format
	agreed := s.active >= 0
	if agreed {
		out = append(out, format{s.agreed.PayloadType, codecNames[s.agreed.Codec]})
	}
	for _, c := range s.local.Codecs {
		taken := agreed && (c == s.agreed.Codec || c == s.agreed.PayloadType || s.agreed.EventType != 0 && c == s.agreed.EventType)
		if !taken {
			out = append(out, format{c, codecNames[c]})
		}
	}
	if !s.local.Events {
		return out
	}
	event := uint8(eventType)
	if agreed && s.agreed.EventType != 0 {
		event = s.agreed.EventType
	} else if agreed && s.agreed.PayloadType == event {
		event++
	}
	return append(out, format{event, eventName})
}

// compose writes a description of ours: lines in their order, all with port 0
// but the active one. The version grows only if anything else changed.
func (s *Session) compose(lines []mediaLine, active int, formats []format, d Direction, crypto []pion.Attribute) []byte {
	family, ip := "IP4", s.local.Addr.Addr()
	if ip.Is6() {
		family = "IP6"
	}
	if !ip.IsValid() {
		ip = netip.IPv4Unspecified()
	}
	desc := pion.SessionDescription{
		Origin: pion.Origin{
			Username: "-", SessionID: s.id, SessionVersion: s.version,
			NetworkType: "IN", AddressType: family, UnicastAddress: ip.String(),
		},
		SessionName:           "-",
		ConnectionInformation: &pion.ConnectionInformation{NetworkType: "IN", AddressType: family, Address: &pion.Address{Address: ip.String()}},
		TimeDescriptions:      []pion.TimeDescription{{}},
	}
	for i, l := range lines {
		m := &pion.MediaDescription{MediaName: pion.MediaName{Media: l.media, Protos: l.protos, Formats: []string{l.format}}}
		if i == active {
			s.audio(m, formats, d, s.active >= 0 && s.agreed.Mux)
			m.Attributes = append(m.Attributes, crypto...)
		}
		desc.MediaDescriptions = append(desc.MediaDescriptions, m)
	}
	out, _ := desc.Marshal() // can't fail: pion writes to memory and checks nothing
	if s.last != nil && !bytes.Equal(out, s.last) {
		s.version++
		desc.Origin.SessionVersion = s.version
		out, _ = desc.Marshal()
	}
	s.last = out
	return bytes.Clone(out)
}

func (s *Session) audio(m *pion.MediaDescription, formats []format, d Direction, mux bool) {
	m.MediaName.Port.Value = int(s.local.Addr.Port())
	m.MediaName.Formats = nil
	for _, f := range formats {
		number := strconv.Itoa(int(f.number))
		m.MediaName.Formats = append(m.MediaName.Formats, number)
		m.Attributes = append(m.Attributes, pion.NewAttribute("rtpmap", number+" "+f.name+"/"+strconv.Itoa(clockRate)))
		if f.name == eventName {
			m.Attributes = append(m.Attributes, pion.NewAttribute("fmtp", number+" "+events))
		}
	}
	m.Attributes = append(m.Attributes,
		pion.NewAttribute("ptime", strconv.FormatInt(s.local.PTime.Milliseconds(), 10)),
		pion.NewPropertyAttribute(d.String()))
	if mux {
		m.Attributes = append(m.Attributes, pion.NewPropertyAttribute("rtcp-mux"))
	}
}
