package sdp

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"

	pion "github.com/pion/sdp/v3"
)

// ErrNoCrypto is wrapped where secured audio is demanded and they do not offer
// any that we speak.
var ErrNoCrypto = errors.New("no common secured audio")

// Policy says whether audio is secured by SRTP with keys in the description
// (SDES, RFC 4568). The keys are as secret as the signalling that carries them.
type Policy uint8

// Off refuses secured profiles. Prefer takes what they offer, and offers plain
// RTP/AVP with keys beside it. Require refuses everything else.
const (
	Off Policy = iota
	Prefer
	Require
)

// The suites that are spoken here, by their names in RFC 4568 and RFC 7714.
const (
	AES128SHA80 = "AES_CM_128_HMAC_SHA1_80"
	AES128SHA32 = "AES_CM_128_HMAC_SHA1_32"
	AES256GCM   = "AEAD_AES_256_GCM"
)

// suites in the order of our offers, with the bytes of key and salt together.
var suites = []struct {
	name string
	size int
}{{AES256GCM, 32 + 12}, {AES128SHA80, 16 + 14}, {AES128SHA32, 16 + 14}}

func suiteSize(name string) int {
	for _, s := range suites {
		if s.name == name {
			return s.size
		}
	}
	return 0
}

// Crypto is how a stream is secured. Key and salt of each side are raw bytes in
// one string, MKI what their packets carry behind the payload.
type Crypto struct{ Suite, Ours, Theirs, MKI string }

// String keeps the keys out of logs.
func (c Crypto) String() string { return "SRTP " + c.Suite }

// GoString does the same for %#v.
func (c Crypto) GoString() string { return c.String() }

const (
	maxCryptoLines = 32
	maxMKI         = 16      // bytes; RFC 4568 allows 128
	leastLifetime  = 1 << 16 // packets, 22 minutes: there is no rekeying by count here
)

// cryptoLine is a usable a=crypto of theirs.
type cryptoLine struct {
	tag   int
	suite string
	key   string
	mki   string
}

// readCryptos gives the lines that we could use, in their order. A line that is
// malformed or demands what we do not do is as if it were not there (RFC 4568,
// section 7.1.2).
func readCryptos(attrs []pion.Attribute) []cryptoLine {
	var out []cryptoLine
	n := 0
	for _, a := range attrs {
		if !strings.EqualFold(a.Key, "crypto") {
			continue
		}
		if n++; n > maxCryptoLines {
			break
		}
		if l, ok := readCrypto(a.Value); ok {
			out = append(out, l)
		}
	}
	return out
}

// readCrypto reads "1 AES_CM_128_HMAC_SHA1_80 inline:KEY|2^20|1:4 WSH=64".
func readCrypto(value string) (l cryptoLine, ok bool) {
	f := strings.Fields(value)
	if len(f) < 3 {
		return l, false
	}
	tag, err := strconv.ParseUint(f[0], 10, 30)
	if err != nil || len(f[0]) > 9 {
		return l, false
	}
	l.tag, l.suite = int(tag), strings.ToUpper(f[1])
	size := suiteSize(l.suite)
	method, rest, _ := strings.Cut(f[2], ":")
	// Several keys in one line need an MKI each and are of no use without rekeying.
	if size == 0 || !strings.EqualFold(method, "inline") || strings.Contains(rest, ";") {
		return l, false
	}
	part := strings.Split(rest, "|")
	key, err := base64.RawStdEncoding.Strict().DecodeString(strings.TrimRight(part[0], "="))
	if err != nil || len(key) != size || len(part) > 3 {
		return l, false
	}
	l.key = string(key)
	for i, p := range part[1:] {
		if strings.Contains(p, ":") {
			l.mki, ok = readMKI(p)
		} else {
			ok = i == 0 && lifetime(p)
		}
		if !ok {
			return l, false
		}
	}
	for _, p := range f[3:] {
		if !tolerable(p) {
			return l, false
		}
	}
	return l, true
}

// readMKI reads "value:length" as the bytes on the wire.
func readMKI(s string) (string, bool) {
	value, length, _ := strings.Cut(s, ":")
	n, err := strconv.ParseUint(length, 10, 8)
	v, isNumber := new(big.Int).SetString(value, 10)
	if err != nil || n == 0 || n > maxMKI || len(value) > 40 || !isNumber || v.Sign() < 0 || v.BitLen() > int(8*n) {
		return "", false
	}
	return string(v.FillBytes(make([]byte, n))), true
}

// lifetime is true for one that outlasts a call: "2^48" at most.
func lifetime(s string) bool {
	if power, ok := strings.CutPrefix(s, "2^"); ok {
		n, err := strconv.ParseUint(power, 10, 8)
		return err == nil && n >= 16 && n <= 48
	}
	n, err := strconv.ParseUint(s, 10, 64)
	return err == nil && n >= leastLifetime && n <= 1<<48
}

// tolerable is true for session parameters that change nothing for us: a hint on
// windows, no key derivation rate, or what its sender declares optional.
func tolerable(p string) bool {
	name, value, _ := strings.Cut(strings.ToUpper(p), "=")
	switch {
	case strings.HasPrefix(name, "-"), name == "WSH":
		return true
	case name == "KDR":
		return value == "0"
	}
	return false
}

// keyFor is our key for a suite; the same for the whole dialog, so that a
// re-offer changes nothing.
func (s *Session) keyFor(suite string) string {
	if k, ok := s.keys[suite]; ok {
		return k
	}
	b := make([]byte, suiteSize(suite))
	_, _ = rand.Read(b) // never fails
	if s.keys == nil {
		s.keys = map[string]string{}
	}
	s.keys[suite] = string(b)
	return s.keys[suite]
}

func cryptoAttribute(tag int, suite, key string) pion.Attribute {
	return pion.NewAttribute("crypto", fmt.Sprintf("%d %s inline:%s", tag, suite, base64.StdEncoding.EncodeToString([]byte(key))))
}

// offeredCryptos are the lines of our offers: in a running call the suite in use
// alone, so that the agreement stays what it is.
func (s *Session) offeredCryptos() []pion.Attribute {
	if s.local.SRTP == Off || s.active >= 0 && s.agreed.Crypto.Suite == "" && s.local.SRTP == Prefer {
		return nil
	}
	var out []pion.Attribute
	for i, u := range suites {
		if s.active < 0 || s.agreed.Crypto.Suite == "" || s.agreed.Crypto.Suite == u.name {
			out = append(out, cryptoAttribute(i+1, u.name, s.keyFor(u.name)))
		}
	}
	return out
}

// secure decides how a stream of theirs is secured, by the policy and by what
// the media line says. answer is true when their line answers ours.
func (s *Session) secure(m *pion.MediaDescription, answer bool) (cryptoLine, error) {
	proto := strings.ToUpper(strings.Join(m.MediaName.Protos, "/"))
	saved := proto == "RTP/SAVP" || proto == "RTP/SAVPF"
	switch {
	case !saved && proto != "RTP/AVP" && proto != "RTP/AVPF":
		return cryptoLine{}, fmt.Errorf("sdp: %w: profile %s is not spoken here, only RTP/AVP and RTP/SAVP", ErrNoCodec, proto)
	case saved && s.local.SRTP == Off:
		return cryptoLine{}, fmt.Errorf("sdp: %w: profile %s, but secured audio is off here", ErrNoCodec, proto)
	case s.local.SRTP == Off:
		return cryptoLine{}, nil
	}
	for _, l := range readCryptos(m.Attributes) {
		if !answer || s.wasOffered(l) {
			return l, nil
		}
	}
	if saved || s.local.SRTP == Require {
		return cryptoLine{}, fmt.Errorf("sdp: %w: no usable a=crypto with %s", ErrNoCrypto, proto)
	}
	return cryptoLine{}, nil
}

// wasOffered is true for an answer that takes a line of ours: tag and suite are
// those of one (RFC 4568, section 7.1.3).
func (s *Session) wasOffered(l cryptoLine) bool {
	return l.tag >= 1 && l.tag <= len(suites) && suites[l.tag-1].name == l.suite
}
