package call_test

import (
	"testing"

	"github.com/icholy/digest"
)

// digestOf answers a challenge, by another implementation than ours.
func digestOf(t *testing.T, challenge, method, uri, user, password, cnonce string, count int) string {
	t.Helper()
	c, err := digest.ParseChallenge(challenge)
	if err != nil {
		t.Fatalf("challenge %q: %v", challenge, err)
	}
	cred, err := digest.Digest(c, digest.Options{Method: method, URI: uri, Username: user, Password: password, Cnonce: cnonce, Count: count})
	if err != nil {
		t.Fatalf("challenge %q: %v", challenge, err)
	}
	return cred.String()
}
