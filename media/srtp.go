package media

import (
	"bytes"
	"fmt"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
)

// SRTP says how a leg's packets are secured (RFC 3711, RFC 7714): the suite by
// its name in RFC 4568, and each side's master key followed by its salt.
type SRTP struct {
	Suite  string // "AES_CM_128_HMAC_SHA1_80", "..._32", "AEAD_AES_256_GCM"; "" is plain RTP
	Ours   []byte // for what we send
	Theirs []byte // for what the peer sends
	MKI    []byte // that the peer's packets carry; empty is none
}

// String keeps the keys out of logs.
func (c SRTP) String() string { return "SRTP " + c.Suite }

// GoString does the same for %#v.
func (c SRTP) GoString() string { return c.String() }

const (
	srtpOverhead = 32  // bytes at most that securing adds to a packet
	srtpWindow   = 128 // packets within which order does not matter
	srtpSources  = 256 // SSRCs of a peer remembered; then its windows begin anew
)

var srtpSuites = map[string]struct {
	profile srtp.ProtectionProfile
	key     int // bytes; the rest is salt
	size    int
}{
	"AES_CM_128_HMAC_SHA1_80": {srtp.ProtectionProfileAes128CmHmacSha1_80, 16, 30},
	"AES_CM_128_HMAC_SHA1_32": {srtp.ProtectionProfileAes128CmHmacSha1_32, 16, 30},
	"AEAD_AES_256_GCM":        {srtp.ProtectionProfileAeadAes256Gcm, 32, 44},
}

// context makes one direction's state.
func (c *SRTP) context(key []byte, options ...srtp.ContextOption) (*srtp.Context, error) {
	suite, ok := srtpSuites[c.Suite]
	if !ok || len(key) != suite.size {
		return nil, fmt.Errorf("media: no SRTP suite %.40q with %d bytes of key", c.Suite, len(key))
	}
	return srtp.CreateContext(key[:suite.key], key[suite.key:], suite.profile, options...)
}

// secured is the SRTP state of a leg. Without a context in one direction,
// nothing goes that way: it never falls back to plain RTP.
type secured struct {
	set     SRTP
	out, in *srtp.Context
	header  rtp.Header // of the packet at hand
	ssrc    uint32     // of the peer's last packet
	sources int        // changes of that
}

// secure makes the state for a new SetRemote. A direction whose key stays keeps
// its state, since a key must never begin again.
func (old *secured) secure(c SRTP) (*secured, error) {
	if c.Suite == "" {
		return nil, nil
	}
	n := &secured{set: c}
	if old != nil && old.set.Suite == c.Suite {
		if bytes.Equal(old.set.Ours, c.Ours) {
			n.out = old.out
		}
		if bytes.Equal(old.set.Theirs, c.Theirs) && bytes.Equal(old.set.MKI, c.MKI) {
			n.in, n.ssrc, n.sources = old.in, old.ssrc, old.sources
		}
	}
	var err error
	if n.out == nil {
		if n.out, err = c.context(c.Ours); err != nil {
			n.out = nil
			return n, err
		}
	}
	if n.in == nil {
		n.in, err = c.receiving()
	}
	return n, err
}

func (c *SRTP) receiving() (*srtp.Context, error) {
	options := []srtp.ContextOption{srtp.SRTPReplayProtection(srtpWindow), srtp.SRTCPReplayProtection(srtpWindow)}
	if len(c.MKI) > 0 {
		options = append(options, srtp.MasterKeyIndicator(c.MKI))
	}
	in, err := c.context(c.Theirs, options...)
	if err != nil {
		return nil, err
	}
	return in, nil
}

// protect secures a packet into dst.
func (p *secured) protect(dst, plain []byte) ([]byte, bool) {
	if p.out == nil {
		return nil, false
	}
	b, err := p.out.EncryptRTP(dst, plain, &p.header)
	return b, err == nil
}

// open checks a packet and gives it in the clear, in dst.
func (p *secured) open(dst, b []byte) ([]byte, bool) {
	if p.in == nil {
		return nil, false
	}
	plain, err := p.in.DecryptRTP(dst, b, &p.header)
	if err != nil {
		return nil, false
	}
	if p.header.SSRC != p.ssrc {
		p.ssrc = p.header.SSRC
		if p.sources++; p.sources > srtpSources {
			p.sources = 0
			p.in, _ = p.set.receiving() // worked before
		}
	}
	return plain, true
}

func (p *secured) protectControl(b []byte) ([]byte, bool) {
	if p.out == nil {
		return nil, false
	}
	b, err := p.out.EncryptRTCP(nil, b, nil)
	return b, err == nil
}

// openControl checks a datagram of RTCP; pion judges its head before the tag,
// so what it makes of foreign bytes is caught here.
func (p *secured) openControl(b []byte) (plain []byte, ok bool) {
	defer func() {
		if recover() != nil {
			plain, ok = nil, false
		}
	}()
	if p.in == nil {
		return nil, false
	}
	plain, err := p.in.DecryptRTCP(nil, b, nil)
	return plain, err == nil
}

// unsealed gives a packet of a leg in the clear; ok is false for one that was
// not made with the peer's key, or came before. That is counted and nothing else.
func (s *shard) unsealed(l *leg, b []byte) (plain []byte, ok bool) {
	if l.secure == nil {
		return b, true
	}
	if plain, ok = l.secure.open(s.plain[:0], b); !ok {
		l.forged++
		s.stats.SRTPBad.Add(1)
	}
	return plain, ok
}
