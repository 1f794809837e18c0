package sip

import (
	"net/netip"
	"time"
)

// verdict is what credentials of a request were worth.
type verdict uint8

const (
	authNone   verdict = iota // no credentials for our realm: challenge
	authOK                    // user is who he says
	authStale                 // right secret, nonce too old or used up: challenge with stale=true
	authDenied                // wrong user, secret, uri or a replay: challenge again, count it
	authBroken                // malformed credentials: 400
)

// digestServer checks who sends requests (RFC 7616, RFC 8760). Safe for many workers.
type digestServer struct{}

func newDigestServer(realm string, secret []byte, accounts func(user string) (Account, bool)) *digestServer {
	return &digestServer{}
}

// challenge gives the WWW-Authenticate values of a 401: SHA-256 first, then MD5, of one nonce.
func (d *digestServer) challenge(now time.Time, source netip.Addr, stale bool) []string { return nil }

// verify checks the Authorization values of a request. user is set for authOK only.
func (d *digestServer) verify(now time.Time, source netip.Addr, method, requestURI string, authorization []string) (user string, v verdict) {
	return "", authNone
}
