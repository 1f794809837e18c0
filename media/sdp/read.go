package sdp

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	pion "github.com/pion/sdp/v3"
)

// Bounds of a description. Real ones have 500 bytes and two media lines; those
// of browsers 10 KB.
const (
	maxBytes   = 64 << 10
	maxMedia   = 64
	maxLines   = 2048
	maxFormats = 128 // as many as there are payload types
)

// read parses into pion's model. Pion's own reader is not used: it refuses whole
// descriptions for what phones do send beside audio (m=image udptl, unknown b=
// modifiers, lines out of order). Bare LF, a last line without end and unknown
// line types are tolerated, as RFC 8866 section 5 and 9 allow.
func read(b []byte) (*pion.SessionDescription, error) {
	if len(b) > maxBytes {
		return nil, malformed("%d bytes, at most %d", len(b), maxBytes)
	}
	d := &pion.SessionDescription{}
	var m *pion.MediaDescription // the section we are in; nil = session level
	var version, origin bool
	count := 0 // of lines that are not empty
	for line := range bytes.Lines(b) {
		text := strings.TrimRight(string(line), "\r\n \t")
		if text == "" {
			continue
		}
		if count++; count > maxLines {
			return nil, malformed("more than %d lines", maxLines)
		}
		if len(text) < 2 || text[1] != '=' {
			return nil, malformed("line %d is no type=value", count)
		}
		value := text[2:]
		var err error
		switch text[0] {
		case 'v':
			if count != 1 || strings.TrimSpace(value) != "0" {
				return nil, malformed("version is not 0 or not first")
			}
			version = true
		case 'o':
			origin = true
		case 'c':
			var c *pion.ConnectionInformation
			if c, err = readConnection(value); err != nil {
				break
			}
			if m == nil {
				d.ConnectionInformation = c
			} else if m.ConnectionInformation == nil { // more than one: layered multicast
				m.ConnectionInformation = c
			}
		case 'm':
			if len(d.MediaDescriptions) == maxMedia {
				return nil, malformed("more than %d media lines", maxMedia)
			}
			if m, err = readMedia(value); err == nil {
				d.MediaDescriptions = append(d.MediaDescriptions, m)
			}
		case 'a':
			attrs := &d.Attributes
			if m != nil {
				attrs = &m.Attributes
			}
			key, val, _ := strings.Cut(value, ":")
			*attrs = append(*attrs, pion.Attribute{Key: key, Value: val})
		}
		if err != nil {
			return nil, err
		}
	}
	if !version || !origin {
		return nil, malformed("no v= or no o= line")
	}
	return d, nil
}

// readConnection reads "IN IP4 192.0.2.1/127". What the address is worth is
// judged only for the stream that is used.
func readConnection(value string) (*pion.ConnectionInformation, error) {
	f := strings.Fields(value)
	if len(f) < 3 || !strings.EqualFold(f[0], "IN") {
		return nil, malformed("c=%.40q", value)
	}
	return &pion.ConnectionInformation{NetworkType: "IN", AddressType: f[1], Address: &pion.Address{Address: f[2]}}, nil
}

// readMedia reads "audio 49170/2 RTP/AVP 0 8 101".
func readMedia(value string) (*pion.MediaDescription, error) {
	f := strings.Fields(value)
	if len(f) < 4 {
		return nil, malformed("m=%.40q has no formats", value)
	}
	for _, token := range []string{f[0], f[2], f[3]} { // what we repeat
		if !isToken(token) {
			return nil, malformed("m=%.40q", value)
		}
	}
	first, _, _ := strings.Cut(f[1], "/")
	port, err := strconv.ParseUint(first, 10, 16)
	if err != nil {
		return nil, malformed("port %.20q", f[1])
	}
	return &pion.MediaDescription{MediaName: pion.MediaName{
		Media:   f[0],
		Port:    pion.RangedPort{Value: int(port)},
		Protos:  strings.Split(f[2], "/"),
		Formats: f[3:min(len(f), 3+maxFormats)],
	}}, nil
}

// isToken tells whether s is short and of visible ASCII, so that it can go into
// a line of ours.
func isToken(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("sdp: %w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}
