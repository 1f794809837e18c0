package e2e_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// authority signs certificates of this machine and of phones.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir()}
	a.key = a.newKey()
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.write("ca.pem", &pem.Block{Type: "CERTIFICATE", Bytes: der})
	return a
}

func (a *authority) newKey() *ecdsa.PrivateKey {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	return k
}

func (a *authority) write(name string, blocks ...*pem.Block) string {
	var text []byte
	for _, b := range blocks {
		text = append(text, pem.EncodeToMemory(b)...)
	}
	path := filepath.Join(a.dir, name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		a.t.Fatal(err)
	}
	return path
}

// ca is the authority's own certificate.
func (a *authority) ca() string { return filepath.Join(a.dir, "ca.pem") }

// issue signs a certificate for a name, and for localhost and its address; both
// is a file with key and certificate, as some phones want it.
func (a *authority) issue(name string) (cert, key, both string) {
	a.t.Helper()
	k := a.newKey()
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, KeyUsage: x509.KeyUsageDigitalSignature,
		DNSNames: []string{name, "localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, a.cert, &k.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		a.t.Fatal(err)
	}
	c, p := &pem.Block{Type: "CERTIFICATE", Bytes: der}, &pem.Block{Type: "PRIVATE KEY", Bytes: raw}
	return a.write(name+".pem", c), a.write(name+".key", p), a.write(name+"-both.pem", p, c)
}

// securedCenter is center over TLS too, with a certificate of the authority's;
// clients are the authority whose certificates phones must show, if any.
func securedCenter(t *testing.T, ours, clients *authority, file string, pairs ...string) *hotline {
	t.Helper()
	h := newHotline(t)
	h.tls = freePort(t)
	cert, key, _ := ours.issue("hotline.test")
	h.args = append(h.args, "--tls-cert", cert, "--tls-key", key)
	if clients != nil {
		h.args = append(h.args, "--tls-client-ca", clients.ca(), "--tls-clients", "required")
	}
	h.start()
	h.apply(file, pairs...)
	return h
}

// overTLS fails unless an agent's phone is reached by TLS.
func (h *hotline) overTLS(agent string) {
	h.t.Helper()
	if a := h.agent(agent); !strings.Contains(strings.ToLower(a.Phone), "tls") {
		h.t.Errorf("phone of %s: got %s, want one over TLS", agent, a.Phone)
	}
}

// refuses waits until the log tells that somebody can't be spoken with over TLS.
func (h *hotline) refuses(why string) {
	h.t.Helper()
	h.within(15*time.Second, "no TLS with somebody", func() error {
		for line := range strings.Lines(h.p.output()) {
			if strings.Contains(line, "sip: no TLS") && strings.Contains(line, why) {
				return nil
			}
		}
		return fmt.Errorf("the log does not say %q", why)
	})
}

// Both phones speak TLS and send their audio secured. Linphone proves our
// certificate, baresip does not: it has no setting for that.
func TestALinphoneTalksWithABaresipOverTLSAndSRTP(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "ours")
	h := securedCenter(t, a, nil, "testdata/phones/center.yaml", "{name: Ann,", "{name: Ann, srtp: require,", "{name: Bob,", "{name: Bob, srtp: require,")
	h.apply("testdata/phones/nosurvey.yaml")
	ann := h.registered(baresipCmd{user: "1001", secret: h.secret("1001"), says: 440, transport: "tls", secured: true, config: "sip_cafile " + a.ca()})
	bob := h.linphone(linphoneCmd{user: "1002", secret: h.secret("1002"), says: 880, transport: "tls", secured: true, trusts: a})
	h.overTLS("1001")
	h.overTLS("1002")
	bob.do("call sip:4001@hotline")
	hearsTone(t, "the caller", bob.heard, 440)
	hearsTone(t, "the agent", ann.heard, 880)
	ann.do("hold") // asked and answered within the dialog, over the same connections
	hearsMusic(t, "the caller", bob.heard, 440)
	ann.do("resume")
	hearsTone(t, "the caller", bob.heard, 440)
	hearsTone(t, "the agent", ann.heard, 880)
	ann.do("hangup")
	c := h.cdr()
	h.wantTrace(c, "wait sales; offer 1: answered; announce; talk; end: agent hung up")
}

// Both phones show a certificate, without which nobody is heard.
func TestPhonesThatShowTheirCertificatesTalkOverTLS(t *testing.T) {
	t.Parallel()
	ours, theirs := newAuthority(t, "ours"), newAuthority(t, "theirs")
	h := securedCenter(t, ours, theirs, "testdata/phones/center.yaml")
	h.apply("testdata/phones/nosurvey.yaml")
	secret := h.secret("1001")
	h.baresip(baresipCmd{user: "1001", secret: secret, transport: "tls", config: "sip_cafile " + ours.ca()})
	h.refuses("client didn't provide a certificate")
	if a := h.agent("1001"); a.Phone != "" {
		t.Errorf("a phone without a certificate is registered: %+v", a)
	}
	_, _, both := theirs.issue("ann.test")
	ann := h.registered(baresipCmd{user: "1001", secret: secret, says: 440, transport: "tls", config: fmt.Sprintf("sip_cafile %s\nsip_certificate %s", ours.ca(), both)})
	cert, key, _ := theirs.issue("bob.test")
	bob := h.linphone(linphoneCmd{user: "1002", secret: h.secret("1002"), says: 880, transport: "tls", trusts: ours, cert: cert, key: key})
	h.overTLS("1001")
	h.overTLS("1002")
	bob.do("call sip:4001@hotline")
	hearsTone(t, "the caller", bob.heard, 440)
	hearsTone(t, "the agent", ann.heard, 880)
	bob.do("terminate")
	h.wantTrace(h.cdr(), "wait sales; offer 1: answered; announce; talk; end: caller hung up")
}

func TestALinphoneDoesNotRegisterWhereTheCertificateIsNotTrusted(t *testing.T) {
	t.Parallel()
	h := securedCenter(t, newAuthority(t, "ours"), nil, "testdata/phones/center.yaml")
	secret := h.secret("1002")
	bob := h.startLinphone(linphoneCmd{user: "1002", secret: secret, transport: "tls", trusts: newAuthority(t, "somebody else's")})
	bob.says(`verification failed`)
	h.refuses("unknown certificate authority")
	if a := h.agent("1002"); a.Phone != "" {
		t.Errorf("got %+v, want no registration", a)
	}
}
