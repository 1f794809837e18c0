package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"time"

	"hotline/call"
)

// certSoon is how long before its end a certificate is told of.
const certSoon = 14 * 24 * time.Hour

// certificates looks at all that the configuration and the trunks name.
func (p *patient) certificates(now time.Time) {
	p.pair("tls_cert", p.cfg.TLSCert, p.cfg.TLSKey, now)
	p.authorities("tls_client_ca", p.cfg.TLSClientCA, now)
	for _, id := range trunkIDs(p) {
		if t := p.center.Trunks[id].TLS; t != nil {
			p.pair("trunk "+id, t.Cert, t.Key, now)
			p.authorities("trunk "+id+": ca", t.CA, now)
		}
	}
}

// pair is a certificate with its key.
func (p *patient) pair(what, cert, key string, now time.Time) {
	if cert == "" {
		return
	}
	c, err := tls.LoadX509KeyPair(cert, key)
	if err == nil && c.Leaf == nil {
		c.Leaf, err = x509.ParseCertificate(c.Certificate[0])
	}
	if err != nil {
		p.add("certificates", call.Fail, "a certificate and the key that fits it, both PEM", "%s: %v", what, err)
		return
	}
	p.expiry(what+" "+cert, c.Leaf, now)
}

func (p *patient) authorities(what, file string, now time.Time) {
	if file == "" {
		return
	}
	text, err := os.ReadFile(file)
	var all []*x509.Certificate
	for err == nil {
		var b *pem.Block
		if b, text = pem.Decode(text); b == nil {
			break
		}
		c, e := x509.ParseCertificate(b.Bytes)
		all, err = append(all, c), e
	}
	if err == nil && len(all) == 0 {
		err = errors.New(file + ": no certificate in it")
	}
	if err != nil {
		p.add("certificates", call.Fail, "a file of authorities, PEM", "%s: %v", what, err)
		return
	}
	for _, c := range all {
		p.expiry(what+" "+file, c, now)
	}
}

func (p *patient) expiry(what string, c *x509.Certificate, now time.Time) {
	end := c.NotAfter.Format(time.DateOnly)
	switch left := c.NotAfter.Sub(now); {
	case now.Before(c.NotBefore):
		p.add("certificates", call.Fail, "the machine's clock, or another certificate", "%s is good from %s on only", what, c.NotBefore.Format(time.DateOnly))
	case left <= 0:
		p.add("certificates", call.Fail, "a new one in the same file: it is read at once", "%s ended on %s", what, end)
	case left < certSoon:
		p.add("certificates", call.Warn, "a new one in the same file: it is read at once", "%s ends on %s", what, end)
	default:
		p.add("certificates", call.Pass, "", "%s is good until %s", what, end)
	}
}
