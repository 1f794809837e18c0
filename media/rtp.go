package media

import "encoding/binary"

const (
	rtpHeader   = 12 // bytes, without CSRC and extension
	sampleRate  = 8000
	ptCN        = 13 // comfort noise, RFC 3389
	ptUnset     = 0xFF
	maxDropout  = 3000 // RFC 3550, appendix A.1
	maxMisorder = 100
)

// header is what we read of an RTP header (RFC 3550, section 5.1).
type header struct {
	pt     uint8
	marker bool
	seq    uint16
	ts     uint32
	ssrc   uint32
}

// parseRTP checks a datagram and finds the payload, which may be empty and
// points into b.
func parseRTP(b []byte) (h header, payload []byte, ok bool) {
	if len(b) < rtpHeader || len(b) > maxPacket || b[0]>>6 != 2 {
		return header{}, nil, false
	}
	h = header{
		pt:     b[1] & 0x7F,
		marker: b[1]&0x80 != 0,
		seq:    binary.BigEndian.Uint16(b[2:]),
		ts:     binary.BigEndian.Uint32(b[4:]),
		ssrc:   binary.BigEndian.Uint32(b[8:]),
	}
	at := rtpHeader + 4*int(b[0]&0x0F)
	if b[0]&0x10 != 0 {
		if len(b) < at+4 {
			return header{}, nil, false
		}
		at += 4 + 4*int(binary.BigEndian.Uint16(b[at+2:]))
	}
	end := len(b)
	if b[0]&0x20 != 0 {
		pad := int(b[end-1])
		if pad == 0 {
			return header{}, nil, false
		}
		end -= pad
	}
	if at > end {
		return header{}, nil, false
	}
	return h, b[at:end], true
}

// isRTCP tells RTCP sent to the RTP port (RFC 5761, section 4).
func isRTCP(b []byte) bool {
	return len(b) >= 8 && b[0]>>6 == 2 && b[1] >= 192 && b[1] <= 223
}

// putRTP writes a header into b, which must hold 12 bytes.
func putRTP(b []byte, h header) {
	_ = b[11]
	b[0] = 2 << 6
	b[1] = h.pt
	if h.marker {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint16(b[2:], h.seq)
	binary.BigEndian.PutUint32(b[4:], h.ts)
	binary.BigEndian.PutUint32(b[8:], h.ssrc)
}

// samples turns a duration in microseconds and below into timestamp units.
func samples(us int64) uint32 { return uint32(us / 125) }
