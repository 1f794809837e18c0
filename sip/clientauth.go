package sip

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// maxAnswers is how often one request is sent again with credentials, for each
// of 401 and 407: once for the challenge, once for a stale nonce.
const maxAnswers = 2

var (
	errNoChallenge  = errors.New("sip: no challenge that can be answered")
	errUnauthorized = errors.New("sip: credentials refused")
)

// clientAuth answers 401 and 407 for one dialog or registration. One goroutine at a time.
type clientAuth struct {
	user, password string
	realm          string // "" = any
	chains         [2]authChain
	cnonce         func() string
}

// authChain is what a server (401) or a proxy (407) asked of us.
type authChain struct {
	set       bool
	challenge authHeader
	algorithm string
	plain     bool   // no qop offered (RFC 2069)
	nc        uint32 // of the challenge's nonce
	session   string // cnonce that a -sess A1 is built with
	answers   int    // within the request at hand
}

func newClientAuth(user, password, realm string) *clientAuth {
	return &clientAuth{user: user, password: password, realm: realm, cnonce: func() string {
		var b [12]byte
		rand.Read(b[:])
		return hex.EncodeToString(b[:])
	}}
}

// chainOf says which chain a status belongs to, and the headers of both directions.
func chainOf(status int) (i int, challenge hdr) {
	if status == 407 {
		return 1, hProxyAuthenticate
	}
	return 0, hWWWAuthenticate
}

// answer gives the headers, Authorization or Proxy-Authorization or both, that go into
// the request sent again, in place of those it had (CSeq + 1, new branch).
// An error means that the response is final: no fit challenge, wrong realm, refused twice.
func (a *clientAuth) answer(method, uri string, res *message) ([][2]string, error) {
	i, name := chainOf(res.status)
	c := &a.chains[i]
	h, ok := a.strongest(res.values(name))
	if !ok {
		return nil, fmt.Errorf("%w (%d)", errNoChallenge, res.status)
	}
	stale := strings.EqualFold(h.param("stale"), "true")
	if c.answers >= maxAnswers || c.answers > 0 && !stale {
		return nil, fmt.Errorf("%w (%d)", errUnauthorized, res.status)
	}
	if !c.set || c.challenge.param("nonce") != h.param("nonce") || c.algorithm != clientAlgorithm(h) {
		c.nc = 0
		c.session = a.cnonce()
	}
	c.set, c.challenge, c.algorithm = true, h, clientAlgorithm(h)
	c.plain = !h.has("qop")
	c.answers++
	return a.headers(method, uri), nil
}

// begin is called for each new request (not for a repeat after a challenge): its
// challenges may be answered anew. It gives credentials to send at once, or none.
func (a *clientAuth) begin(method, uri string) [][2]string {
	a.chains[0].answers, a.chains[1].answers = 0, 0
	return a.headers(method, uri)
}

// headers are credentials for all chains known, each with its next nonce count.
func (a *clientAuth) headers(method, uri string) [][2]string {
	var all [][2]string
	for i, name := range [...]string{"Authorization", "Proxy-Authorization"} {
		if c := &a.chains[i]; c.set {
			all = append(all, [2]string{name, a.credentials(c, method, uri)})
		}
	}
	return all
}

// credentials builds one header value (RFC 7616, 3.4).
func (a *clientAuth) credentials(c *authChain, method, uri string) string {
	realm, nonce := c.challenge.param("realm"), c.challenge.param("nonce")
	c.nc++
	nc, cnonce := fmt.Sprintf("%08x", c.nc), a.cnonce()
	a1 := hashHex(c.algorithm, a.user+":"+realm+":"+a.password)
	if c.algorithm == algMD5Sess || c.algorithm == algSHA256Sess {
		cnonce = c.session
		a1 = hashHex(c.algorithm, a1+":"+nonce+":"+cnonce)
	}
	a2 := hashHex(c.algorithm, method+":"+uri)
	middle := nonce
	if !c.plain {
		middle += ":" + nc + ":" + cnonce + ":auth"
	}
	v := "Digest username=" + quote(a.user) + ", realm=" + quote(realm) + ", nonce=" + quote(nonce) +
		", uri=" + quote(uri) + `, response="` + hashHex(c.algorithm, a1+":"+middle+":"+a2) + `"`
	if c.challenge.has("algorithm") {
		v += ", algorithm=" + c.algorithm
	}
	if !c.plain {
		v += ", qop=auth, nc=" + nc
	}
	if !c.plain || c.session == cnonce {
		v += `, cnonce="` + cnonce + `"`
	}
	if c.challenge.has("opaque") {
		v += ", opaque=" + quote(c.challenge.param("opaque"))
	}
	return v
}

// strongest picks from the challenges of our realm that we can answer the best
// algorithm; of equals the first (RFC 8760, 2.4).
func (a *clientAuth) strongest(values []string) (best authHeader, ok bool) {
	rank := 0
	for i, v := range values {
		if i == maxAuthParams {
			break
		}
		all, err := parseAuth(strings.Clone(v)) // kept longer than the message
		if err != nil {
			continue
		}
		for _, h := range all {
			if n := a.rank(h); n > rank {
				best, rank = h, n
			}
		}
	}
	return best, rank > 0
}

// rank is 0 for a challenge that is not for us or that we cannot answer.
func (a *clientAuth) rank(h authHeader) int {
	if h.Scheme != "digest" || h.param("nonce") == "" || !h.has("realm") ||
		a.realm != "" && h.param("realm") != a.realm ||
		h.has("qop") && !hasToken(h.param("qop"), "auth") {
		return 0
	}
	switch clientAlgorithm(h) {
	case algSHA256, algSHA256Sess:
		return 2
	case algMD5, algMD5Sess:
		return 1
	}
	return 0
}

// clientAlgorithm is a challenge's algorithm as we spell it; "" when unknown.
func clientAlgorithm(h authHeader) string {
	name := h.param("algorithm")
	if !h.has("algorithm") {
		return algMD5
	}
	for _, known := range [...]string{algMD5, algSHA256, algMD5Sess, algSHA256Sess} {
		if strings.EqualFold(name, known) {
			return known
		}
	}
	return ""
}
