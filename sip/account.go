package sip

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
)

// Account is a phone's right to register and call. Only HA1 values are kept,
// never the secret: hex of the hash over user:realm:secret (RFC 7616, 3.4.2).
type Account struct{ User, HA1MD5, HA1SHA256 string }

// HA1 is the hex hash of user:realm:secret by "MD5" or "SHA-256"; "" for any
// other algorithm.
func HA1(algorithm, user, realm, secret string) string {
	return hashHex(algorithm, user+":"+realm+":"+secret)
}

// hashHex is lower-case hex of the hash that a digest algorithm names,
// with or without its -sess suffix; "" when it is unknown.
func hashHex(algorithm, s string) string {
	switch algorithm {
	case algMD5, algMD5Sess:
		sum := md5.Sum([]byte(s))
		return hex.EncodeToString(sum[:])
	case algSHA256, algSHA256Sess:
		sum := sha256.Sum256([]byte(s))
		return hex.EncodeToString(sum[:])
	}
	return ""
}

// Digest algorithms as RFC 8760 and RFC 7616 spell them.
const (
	algMD5        = "MD5"
	algSHA256     = "SHA-256"
	algMD5Sess    = "MD5-sess"
	algSHA256Sess = "SHA-256-sess"
)
