package media

// G.711 in tables (ITU-T G.711; computed once at start). Decoding takes one
// look-up; encoding looks up the upper 14 bits of a sample, all that mu-law
// resolves (A-law resolves 13).
var (
	ulawToPCM  [256]int16
	alawToPCM  [256]int16
	pcmToUlaw  [1 << 14]byte
	pcmToAlaw  [1 << 13]byte
	ulawToAlaw [256]byte
	alawToUlaw [256]byte
)

// ulawSilence is the code of sample 0.
const ulawSilence = 0xFF

func init() {
	for i := range 256 {
		ulawToPCM[i] = expandUlaw(byte(i))
		alawToPCM[i] = expandAlaw(byte(i))
	}
	for i := range pcmToUlaw {
		pcmToUlaw[i] = compressUlaw(int16(i<<2) >> 2)
	}
	for i := range pcmToAlaw {
		pcmToAlaw[i] = compressAlaw(int16(i<<3) >> 3)
	}
	for i := range 256 {
		ulawToAlaw[i] = EncodeAlaw(ulawToPCM[i])
		alawToUlaw[i] = EncodeUlaw(alawToPCM[i])
	}
}

// expandUlaw and compressUlaw work on 14 bit magnitudes with the bias of 33.
func expandUlaw(b byte) int16 {
	b = ^b
	m := (int16(b&0x0F)<<1 + 33) << (b >> 4 & 7)
	m = (m - 33) << 2
	if b&0x80 != 0 {
		return -m
	}
	return m
}

func compressUlaw(s int16) byte {
	sign := byte(0)
	m := int(s)
	if m < 0 {
		// One's complement, as the reference does: -1 falls to the code of -0.
		m, sign = ^m, 0x80
	}
	m = min(m+33, 0x1FFF)
	seg := byte(0)
	for m>>(seg+6) != 0 {
		seg++
	}
	return ^(sign | seg<<4 | byte(m>>(seg+1))&0x0F)
}

func expandAlaw(b byte) int16 {
	b ^= 0x55
	m := int16(b&0x0F)<<4 + 8
	if seg := b >> 4 & 7; seg > 0 {
		m = (m + 0x100) << (seg - 1)
	}
	if b&0x80 != 0 {
		return m
	}
	return -m
}

// compressAlaw takes 13 bit samples.
func compressAlaw(s int16) byte {
	sign := byte(0x80)
	m := int(s)
	if m < 0 {
		m, sign = ^m, 0
	}
	seg := byte(0)
	for m>>(seg+5) != 0 {
		seg++
	}
	if seg == 0 {
		return (sign | byte(m>>1)&0x0F) ^ 0x55
	}
	return (sign | seg<<4 | byte(m>>seg)&0x0F) ^ 0x55
}

// DecodeUlaw gives the 16 bit sample of a mu-law byte.
func DecodeUlaw(b byte) int16 { return ulawToPCM[b] }

// EncodeUlaw gives the mu-law byte of a 16 bit sample.
func EncodeUlaw(s int16) byte { return pcmToUlaw[uint16(s)>>2] }

// DecodeAlaw gives the 16 bit sample of an A-law byte.
func DecodeAlaw(b byte) int16 { return alawToPCM[b] }

// EncodeAlaw gives the A-law byte of a 16 bit sample.
func EncodeAlaw(s int16) byte { return pcmToAlaw[uint16(s)>>3] }

// Decode expands src into dst, which must be as long, and returns dst.
func (c Codec) Decode(dst []int16, src []byte) []int16 {
	table := &ulawToPCM
	if c == PCMA {
		table = &alawToPCM
	}
	dst = dst[:len(src)]
	for i, b := range src {
		dst[i] = table[b]
	}
	return dst
}

// Encode compresses src into dst, which must be as long, and returns dst.
func (c Codec) Encode(dst []byte, src []int16) []byte {
	dst = dst[:len(src)]
	if c == PCMA {
		for i, s := range src {
			dst[i] = pcmToAlaw[uint16(s)>>3]
		}
		return dst
	}
	for i, s := range src {
		dst[i] = pcmToUlaw[uint16(s)>>2]
	}
	return dst
}

// transcode rewrites G.711 from one law into the other; dst may be src.
func transcode(dst, src []byte, from, to Codec) {
	if from == to {
		copy(dst, src)
		return
	}
	table := &ulawToAlaw
	if from == PCMA {
		table = &alawToUlaw
	}
	dst = dst[:len(src)]
	for i, b := range src {
		dst[i] = table[b]
	}
}
