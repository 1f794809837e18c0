package sip

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// verdict is what credentials of a request were worth.
type verdict uint8

const (
	authNone    verdict = iota // no credentials for our realm: challenge
	authOK                     // user is who he says
	authStale                  // right secret, but the nonce is not fresh: challenge with stale=true
	authReplay                 // right secret, but the count was used before: as authStale, and count it
	authDenied                 // wrong user, secret or uri, not told apart: challenge, and count it
	authGuessed                // as authDenied, for a nonce that was given to that source: it is no forgery
	authBroken                 // malformed credentials: 400
)

// stale is what challenge is told after this verdict.
func (v verdict) stale() bool { return v == authStale || v == authReplay }

// maxCredentials bounds the Authorization headers of one request that are looked at.
const maxCredentials = 4

// digestServer checks who sends requests (RFC 7616, RFC 8760). Safe for many workers.
//
// The same work is done for known and unknown users, so that neither the answer
// nor its time tells which accounts exist.
type digestServer struct {
	realm    string
	accounts func(user string) (Account, bool)
	nonces   *nonces
	nobody   Account // its HA1 values are hashed for users who do not exist
}

// newDigestServer takes a key for nonces; nil means a random one. Nonces made
// before now, by an earlier process, are stale.
func newDigestServer(now time.Time, realm string, secret []byte, accounts func(user string) (Account, bool)) *digestServer {
	if len(secret) == 0 {
		secret = make([]byte, 32)
		rand.Read(secret)
	}
	sum := sha256.Sum256(append([]byte("nobody"), secret...))
	nobody := hex.EncodeToString(sum[:])
	return &digestServer{
		realm:    realm,
		accounts: accounts,
		nonces:   newNonces(now, secret),
		nobody:   Account{HA1MD5: nobody[:32], HA1SHA256: nobody},
	}
}

// challenge gives the WWW-Authenticate values of a 401: SHA-256 first, then MD5,
// of one nonce (RFC 8760, 2.4), as far as the asking phone, by its User-Agent,
// is known to bear it. Who is asking for does not change the answer, so it tells
// nothing of which accounts exist.
func (d *digestServer) challenge(now time.Time, source netip.Addr, agent string, stale bool) []string {
	head := "Digest realm=" + quote(d.realm) + `, nonce="` + d.nonces.issue(now, source) + `", qop="auth", algorithm=`
	tail := ""
	if stale {
		tail = ", stale=true"
	}
	sha, md5 := head+algSHA256+tail, head+algMD5+tail
	switch {
	case oldAgent.MatchString(agent):
		return []string{md5}
	case agent == "":
		return []string{md5, sha}
	}
	return []string{sha, md5}
}

// oldAgent are phones that give up when they see an algorithm unknown to them,
// even beside one that they know: baresip before 2.0. What does not say its name
// is a script or very old, and is offered MD5 first: such read only the first.
var oldAgent = regexp.MustCompile(`(?i)^baresip v?[01]\.`)

// verify checks the Authorization values of a request. user is set for authOK only.
func (d *digestServer) verify(now time.Time, source netip.Addr, method, requestURI string, authorization []string) (user string, v verdict) {
	h, v := d.pick(authorization)
	if v != authOK {
		return "", v
	}
	nc, err := strconv.ParseUint(h.param("nc"), 16, 32)
	if err != nil || len(h.param("nc")) != 8 || h.param("cnonce") == "" || !strings.EqualFold(h.param("qop"), "auth") ||
		h.param("uri") == "" || h.param("nonce") == "" || !h.has("username") {
		return "", authBroken
	}
	name := h.param("username")
	account, known := d.accounts(name)
	algorithm := digestAlgorithm(h)
	ha1 := account.HA1MD5
	if algorithm == algSHA256 {
		ha1 = account.HA1SHA256
	}
	if !known || ha1 == "" {
		known = false
		ha1 = d.nobody.HA1MD5
		if algorithm == algSHA256 {
			ha1 = d.nobody.HA1SHA256
		}
	}
	want := digestResponse(algorithm, strings.ToLower(ha1), method, h)
	right := subtle.ConstantTimeCompare([]byte(want), []byte(strings.ToLower(h.param("response")))) == 1
	id, fresh := d.nonces.check(now, source, h.param("nonce"))
	same := sameURI(h.param("uri"), requestURI)
	switch {
	case (!right || !known) && fresh:
		return "", authGuessed
	case !right || !known || !same:
		return "", authDenied
	case !fresh:
		return "", authStale
	case !d.nonces.counts.take(now, id, name, uint32(nc)):
		return "", authReplay
	}
	return name, authOK
}

// pick finds the first credentials for our realm in an algorithm that we offer.
func (d *digestServer) pick(authorization []string) (authHeader, verdict) {
	for i, value := range authorization {
		if i == maxCredentials {
			break
		}
		all, err := parseAuth(value)
		if err != nil {
			return authHeader{}, authBroken
		}
		for _, h := range all {
			if h.Scheme == "digest" && h.param("realm") == d.realm && digestAlgorithm(h) != "" {
				return h, authOK
			}
		}
	}
	return authHeader{}, authNone
}

// digestAlgorithm is an offered algorithm as we spell it; MD5 when none is
// named (RFC 7616, 3.3), "" when it is not one of ours.
func digestAlgorithm(h authHeader) string {
	name := h.param("algorithm")
	switch {
	case name == "" && !h.has("algorithm"), strings.EqualFold(name, algMD5):
		return algMD5
	case strings.EqualFold(name, algSHA256):
		return algSHA256
	}
	return ""
}

// digestResponse is the response of RFC 7616, 3.4.1 with qop=auth.
func digestResponse(algorithm, ha1, method string, h authHeader) string {
	ha2 := hashHex(algorithm, method+":"+h.param("uri"))
	return hashHex(algorithm, ha1+":"+h.param("nonce")+":"+h.param("nc")+":"+h.param("cnonce")+":"+h.param("qop")+":"+ha2)
}

// sameURI compares a digest uri with the Request-URI as RFC 3261, 22.4 wants it,
// leaving parameters aside, which phones and gateways add and drop. A digest uri
// without a user, as some clients make it, is good for every user of that host.
func sameURI(a, b string) bool {
	if a == b {
		return true
	}
	x, ok := parseURI(a)
	if !ok {
		return false
	}
	y, ok := parseURI(b)
	return ok && x.scheme == y.scheme && (x.scheme == "sip" || x.scheme == "sips") &&
		(x.user == "" || unescape(x.user) == unescape(y.user)) && strings.EqualFold(x.host, y.host) && x.portOr() == y.portOr()
}
