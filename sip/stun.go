package sip

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"net/netip"
)

// STUN messages (RFC 8489): as much as a Binding client needs.

const (
	stunHeader      = 20
	stunMagic       = 0x2112A442
	stunRequest     = 0x0001
	stunSuccess     = 0x0101
	stunFailure     = 0x0111
	stunMapped      = 0x0001
	stunErrorCode   = 0x0009
	stunXORMapped   = 0x0020
	stunFingerprint = 0x8028
	stunMarks       = 0x5354554e // XORed with the CRC of FINGERPRINT
)

var errSTUN = errors.New("sip: stun: malformed answer")

// stunID is a transaction id of STUN.
type stunID [12]byte

// isSTUN tells STUN from SIP on one socket: the first two bits are 0, and the
// cookie stands where SIP has text (RFC 8489, 5).
func isSTUN(b []byte) bool {
	return len(b) >= stunHeader && b[0] < 4 && binary.BigEndian.Uint32(b[4:]) == stunMagic
}

// bindingRequest is a Binding request with FINGERPRINT.
func bindingRequest() (b []byte, id stunID) {
	rand.Read(id[:])
	b = make([]byte, stunHeader, stunHeader+8)
	binary.BigEndian.PutUint16(b, stunRequest)
	binary.BigEndian.PutUint16(b[2:], 8)
	binary.BigEndian.PutUint32(b[4:], stunMagic)
	copy(b[8:], id[:])
	sum := crc32.ChecksumIEEE(b) ^ stunMarks
	b = binary.BigEndian.AppendUint16(b, stunFingerprint)
	b = binary.BigEndian.AppendUint16(b, 4)
	return binary.BigEndian.AppendUint32(b, sum), id
}

// readBinding reads an answer: our address as the server sees it. An answer of
// refusal is an error that says so.
func readBinding(b []byte) (id stunID, mapped netip.AddrPort, err error) {
	if !isSTUN(b) {
		return id, mapped, errSTUN
	}
	kind, size := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
	copy(id[:], b[8:])
	if size%4 != 0 || stunHeader+size > len(b) {
		return id, mapped, errSTUN
	}
	var refused error
	for rest := b[stunHeader : stunHeader+size]; len(rest) >= 4; {
		attr, n := binary.BigEndian.Uint16(rest), int(binary.BigEndian.Uint16(rest[2:]))
		padded := (n + 3) &^ 3
		if 4+padded > len(rest) {
			return id, mapped, errSTUN
		}
		value := rest[4 : 4+n]
		switch attr {
		case stunXORMapped:
			if a, ok := stunAddress(value, b[4:stunHeader]); ok {
				mapped = a
			}
		case stunMapped: // of servers before RFC 5389
			if a, ok := stunAddress(value, nil); ok && !mapped.IsValid() {
				mapped = a
			}
		case stunErrorCode:
			if n >= 4 {
				refused = fmt.Errorf("sip: stun: the server refuses: %d %.64q", int(value[2]&7)*100+int(value[3]), value[4:])
			}
		}
		rest = rest[4+padded:]
	}
	switch {
	case kind == stunFailure && refused != nil:
		return id, netip.AddrPort{}, refused
	case kind != stunSuccess || !mapped.IsValid():
		return id, netip.AddrPort{}, errSTUN
	}
	return id, mapped, nil
}

// stunAddress reads (XOR-)MAPPED-ADDRESS; mask is the cookie and id, or nil.
func stunAddress(v, mask []byte) (netip.AddrPort, bool) {
	if len(v) != 8 && len(v) != 20 || len(v) == 8 && v[1] != 1 || len(v) == 20 && v[1] != 2 {
		return netip.AddrPort{}, false
	}
	raw := append([]byte(nil), v[2:]...)
	if mask != nil {
		raw[0] ^= mask[0]
		raw[1] ^= mask[1]
		for i := range raw[2:] {
			raw[2+i] ^= mask[i]
		}
	}
	a, _ := netip.AddrFromSlice(raw[2:])
	p := netip.AddrPortFrom(a.Unmap(), binary.BigEndian.Uint16(raw))
	return p, p.Port() != 0 && !a.IsUnspecified() && !a.IsMulticast()
}
