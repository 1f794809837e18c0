package store

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// pinPrefix begins a hashed PIN. What follows is the number of its digits, the
// rounds, and base64 of salt and hash, with colons between.
const pinPrefix = "pin:v1:"

// Costs of a hashed PIN: one try takes about 20 ms, so that all PINs of four digits
// take some minutes, of eight some weeks. Bounds are for those that are read.
const (
	pinRounds     = 100_000
	mostPINRounds = 1_000_000
	pinSaltBytes  = 16
)

// PIN is one as it is kept: hashed with a salt of its own (PBKDF2, HMAC-SHA-256), or
// in the clear as people write it. A hash tells the number of digits.
type PIN struct {
	Digits int
	rounds int
	salt   []byte
	hash   []byte
	plain  string // of one in the clear
}

// HashPIN makes the text of a PIN that is kept instead of it. Doing it twice gives
// two different ones.
func HashPIN(pin string) string {
	salt := make([]byte, pinSaltBytes)
	rand.Read(salt) // never fails
	h := PIN{Digits: len(pin), rounds: pinRounds, salt: salt}
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("%s%d:%d:%s:%s", pinPrefix, h.Digits, h.rounds, b64(salt), b64(h.of(pin)))
}

// of is the hash of what was typed.
func (p PIN) of(typed string) []byte {
	key, err := pbkdf2.Key(sha256.New, typed, p.salt, p.rounds, sha256.Size)
	if err != nil { // of key lengths only
		return nil
	}
	return key
}

// IsHashedPIN tells a PIN that HashPIN has made, or what pretends to be one.
func IsHashedPIN(s string) bool { return strings.HasPrefix(s, pinPrefix) }

// ParsePIN reads a PIN as it is kept; false for a hash that can't be one.
func ParsePIN(s string) (PIN, bool) {
	text, ok := strings.CutPrefix(s, pinPrefix)
	if !ok {
		return PIN{Digits: len(s), plain: s}, true
	}
	parts := strings.Split(text, ":")
	if len(parts) != 4 {
		return PIN{}, false
	}
	p := PIN{}
	var errs [4]error
	p.Digits, errs[0] = strconv.Atoi(parts[0])
	p.rounds, errs[1] = strconv.Atoi(parts[1])
	p.salt, errs[2] = base64.RawStdEncoding.DecodeString(parts[2])
	p.hash, errs[3] = base64.RawStdEncoding.DecodeString(parts[3])
	for _, err := range errs {
		if err != nil {
			return PIN{}, false
		}
	}
	if p.Digits < 1 || p.Digits > 64 || p.rounds < 1 || p.rounds > mostPINRounds || len(p.salt) < 8 || len(p.salt) > 64 || len(p.hash) != sha256.Size {
		return PIN{}, false
	}
	return p, true
}

// Matches tells whether what was typed is the PIN; it takes the same time for all
// that is not. The empty PIN matches nothing.
func (p PIN) Matches(typed string) bool {
	switch {
	case p.Digits == 0 || typed == "":
		return false
	case p.hash == nil:
		return subtle.ConstantTimeCompare([]byte(p.plain), []byte(typed)) == 1
	}
	return subtle.ConstantTimeCompare(p.hash, p.of(typed)) == 1
}
