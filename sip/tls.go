package sip

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	tlsHandshake = 5 * time.Second
	maxKeyFiles  = 256 // files remembered
)

// TLS says how we prove ourselves, and whom we ask to. Files are PEM; they are read
// again when they change, for connections made from then on. While a changed file
// cannot be used, what it held before is.
type TLS struct {
	Cert, Key string // our certificate with its chain, and its key; needed for Secure listeners
	// ClientCA are the authorities that sign clients' certificates; "": none are
	// asked for. A client may do without one, unless RequireClient is set.
	ClientCA      string
	RequireClient bool
}

// keyring reads certificate files once, and again when they change.
type keyring struct {
	mu     sync.Mutex // guards the maps
	certs  map[[2]string]keyFile[*tls.Certificate]
	pools  map[string]keyFile[*x509.CertPool]
	warned atomic.Int64 // when a failed handshake was logged last, Unix s
}

// keyFile is what was read, and of which state of the files.
type keyFile[T any] struct {
	stamp string
	value T
}

// stamp tells one state of files from another.
func stamp(names ...string) (string, error) {
	var s strings.Builder
	for _, n := range names {
		st, err := os.Stat(n)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&s, "%d %d;", st.ModTime().UnixNano(), st.Size())
	}
	return s.String(), nil
}

// load gives what the files hold: from memory if they have not changed, else by
// read. Of files that are broken now, the last good state.
func load[K comparable, T any](k *keyring, m *map[K]keyFile[T], key K, names []string, read func() (T, error)) (T, error) {
	s, err := stamp(names...)
	k.mu.Lock()
	old, known := (*m)[key]
	k.mu.Unlock()
	if err == nil && known && old.stamp == s {
		return old.value, nil
	}
	var v T
	if err == nil {
		v, err = read()
	}
	if err != nil {
		if known {
			return old.value, nil
		}
		return v, fmt.Errorf("sip: tls: %s: %w", strings.Join(names, ", "), err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if *m == nil || len(*m) >= maxKeyFiles {
		*m = map[K]keyFile[T]{}
	}
	(*m)[key] = keyFile[T]{s, v}
	return v, nil
}

func (k *keyring) cert(cert, key string) (*tls.Certificate, error) {
	return load(k, &k.certs, [2]string{cert, key}, []string{cert, key}, func() (*tls.Certificate, error) {
		c, err := tls.LoadX509KeyPair(cert, key)
		return &c, err
	})
}

func (k *keyring) pool(file string) (*x509.CertPool, error) {
	return load(k, &k.pools, file, []string{file}, func() (*x509.CertPool, error) {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		p := x509.NewCertPool()
		if !p.AppendCertsFromPEM(text) {
			return nil, errors.New("no certificate in it: PEM is needed")
		}
		return p, nil
	})
}

// serverTLS is what connections to us are met with.
func (e *Endpoint) serverTLS() (*tls.Config, error) {
	c := e.cfg.TLS
	if c.Cert == "" || c.Key == "" {
		return nil, errors.New("sip: tls: a secure listener needs a certificate and its key")
	}
	cert, err := e.keys.cert(c.Cert, c.Key)
	if err != nil {
		return nil, err
	}
	t := &tls.Config{Certificates: []tls.Certificate{*cert}, MinVersion: tls.VersionTLS12}
	if c.ClientCA != "" {
		if t.ClientCAs, err = e.keys.pool(c.ClientCA); err != nil {
			return nil, err
		}
		t.ClientAuth = tls.VerifyClientCertIfGiven
	}
	if c.RequireClient {
		if c.ClientCA == "" {
			return nil, errors.New("sip: tls: clients must show a certificate, but no authority for them is named")
		}
		t.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return t, nil
}

// clientTLS is what we connect with: the far end must show a certificate for its
// trunk's name, else for the host that we call.
func (e *Endpoint) clientTLS(to netip.AddrPort, l link) (*tls.Config, error) {
	ours, name := e.cfg.TLS, cmp.Or(l.host, to.Addr().String())
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	var err error
	if l.trunk != "" {
		trunk, host := e.trunks.linkTo(l.trunk, to)
		name = cmp.Or(trunk.TLS.Name, host, name)
		if trunk.TLS.Cert != "" {
			ours.Cert, ours.Key = trunk.TLS.Cert, trunk.TLS.Key
		}
		if trunk.TLS.CA != "" {
			if t.RootCAs, err = e.keys.pool(trunk.TLS.CA); err != nil {
				return nil, err
			}
		}
	}
	t.ServerName = name
	if ours.Cert != "" {
		cert, err := e.keys.cert(ours.Cert, ours.Key)
		if err != nil {
			return nil, err
		}
		t.Certificates = []tls.Certificate{*cert}
	}
	return t, nil
}

// shake does the handshake of a new connection, in either role.
func (c *conn) shake(ctx context.Context, nc net.Conn) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, tlsHandshake)
	defer cancel()
	var tc *tls.Conn
	var cfg *tls.Config
	var err error
	if c.dialed {
		if cfg, err = c.e.clientTLS(c.remote, c.link); err == nil {
			tc = tls.Client(nc, cfg)
		}
	} else if cfg, err = c.e.serverTLS(); err == nil {
		tc = tls.Server(nc, cfg)
	}
	if err == nil {
		err = plainTLS(tc.HandshakeContext(ctx), cfg.ServerName)
	}
	if err != nil {
		c.e.tlsFailed(c, err)
		return nil, err
	}
	c.e.trunks.linked(c.remote, c.link, nil)
	if chains := tc.ConnectionState().VerifiedChains; len(chains) > 0 {
		c.names = certNames(chains[0][0])
	}
	return tc, nil
}

// plainTLS says in words what a handshake failed of, and what to do.
func plainTLS(err error, name string) error {
	if err == nil {
		return nil
	}
	var host x509.HostnameError
	var authority x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &host):
		return fmt.Errorf("sip: tls: its certificate is for %s, not for %s: set the trunk's tls name, or its peer to that host",
			strings.Join(certNames(host.Certificate), ", "), name)
	case errors.As(err, &authority):
		return fmt.Errorf("sip: tls: its certificate is signed by nobody we know: set the trunk's tls ca")
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Errorf("sip: tls: its certificate is good from %s to %s", invalid.Cert.NotBefore.Format(time.DateOnly), invalid.Cert.NotAfter.Format(time.DateOnly))
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("sip: tls: no handshake within %v: does it speak TLS on that port?", tlsHandshake)
	}
	return fmt.Errorf("sip: tls: %w", err)
}

// certNames are the names that a certificate is for: DNS names, addresses, hosts
// of SIP URIs (RFC 5922, 7.1), and the common name if there is nothing else.
func certNames(c *x509.Certificate) []string {
	var all []string
	for _, n := range c.DNSNames {
		all = append(all, strings.ToLower(n))
	}
	for _, u := range c.URIs {
		if sip, ok := parseURI(u.String()); ok && sip.host != "" {
			all = append(all, strings.ToLower(sip.host))
		}
	}
	for _, a := range c.IPAddresses {
		all = append(all, a.String())
	}
	if len(all) == 0 && c.Subject.CommonName != "" {
		all = append(all, strings.ToLower(c.Subject.CommonName))
	}
	return slices.Compact(all)
}

// tlsFailed counts and tells a handshake that failed; strangers' failures are
// logged once a second at most.
func (e *Endpoint) tlsFailed(c *conn, err error) {
	e.stats.TLSFailed.Add(1)
	e.trunks.linked(c.remote, c.link, err)
	now := time.Now().Unix()
	if old := e.keys.warned.Load(); now != old && e.keys.warned.CompareAndSwap(old, now) {
		e.cfg.Log.Warn("sip: no TLS", "peer", c.remote.String(), "err", err)
	}
}

// trunkAt is the trunk that something came from: by the certificate that its
// connection has shown, else by its address, unless that trunk always shows one.
func (e *Endpoint) trunkAt(h hop) (Trunk, bool) {
	if h.conn != nil && len(h.conn.names) > 0 {
		if t, ok := e.trunks.certified(h.conn.names); ok {
			return t, true
		}
	}
	t, ok := e.trunks.match(h.addr)
	if ok && t.TLS.Mutual {
		return Trunk{}, false
	}
	return t, ok
}
