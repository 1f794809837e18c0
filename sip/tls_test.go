package sip

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	crand "crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// authority signs certificates for tests. Files lie in one folder.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// In a bubble it is the year 2000.
var (
	before = time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC)
	after  = time.Date(2090, 1, 1, 0, 0, 0, 0, time.UTC)
)

func newAuthority(t *testing.T) *authority {
	a := &authority{t: t, dir: t.TempDir()}
	a.key = newKey(t)
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: before, NotAfter: after,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(crand.Reader, tmpl, tmpl, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	a.cert, _ = x509.ParseCertificate(der)
	a.write("ca.pem", "CERTIFICATE", der)
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	k, err := ecdsa.GenerateKey(elliptic.P256(), crand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func (a *authority) write(name, kind string, der []byte) string {
	a.t.Helper()
	file := filepath.Join(a.dir, name)
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.t.Fatal(err)
	}
	return file
}

func (a *authority) ca() string { return filepath.Join(a.dir, "ca.pem") }

// issue signs a certificate for names until a time.
func (a *authority) issue(file string, until time.Time, names ...string) (cert, key string) {
	k := newKey(a.t)
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), NotBefore: before, NotAfter: until, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			tmpl.IPAddresses = append(tmpl.IPAddresses, ip)
		} else {
			tmpl.DNSNames = append(tmpl.DNSNames, n)
		}
	}
	der, err := x509.CreateCertificate(crand.Reader, tmpl, a.cert, &k.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	raw, _ := x509.MarshalECPrivateKey(k)
	return a.write(file+".pem", "CERTIFICATE", der), a.write(file+".key", "EC PRIVATE KEY", raw)
}

func (a *authority) pair(cert, key string) tls.Certificate {
	c, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		a.t.Fatal(err)
	}
	return c
}

func (a *authority) roots() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

// secured runs f with an endpoint that listens for TLS at 10.0.0.1:5061.
func secured(t *testing.T, change func(a *authority, c *Config), f func(r *rig, a *authority)) {
	t.Helper()
	a := newAuthority(t)
	cert, key := a.issue("us", after, "pbx.example")
	synctest.Test(t, func(t *testing.T) {
		network := newNet()
		ln, err := network.Listen("10.0.0.1:5061")
		if err != nil {
			t.Fatal(err)
		}
		r := newRig(t, network, func(c *Config) {
			c.Secure = []net.Listener{ln}
			c.TLS = TLS{Cert: cert, Key: key, ClientCA: a.ca()}
			if change != nil {
				change(a, c)
			}
		})
		defer r.stop()
		f(r, a)
	})
}

// tlsPeer connects to us over TLS.
func (r *rig) tlsPeer(a *authority, host string, own ...tls.Certificate) (*peer, error) {
	c, err := r.net.Dialer(netip.MustParseAddr(host))(context.Background(), "tcp", "10.0.0.1:5061")
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	tc := tls.Client(c, &tls.Config{RootCAs: a.roots(), ServerName: "pbx.example", Certificates: own})
	return &peer{t: r.t, addr: c.LocalAddr().String(), conn: tc, tcp: true}, tc.Handshake()
}

func TestACallComesInOverTLS(t *testing.T) {
	secured(t, nil, func(r *rig, a *authority) {
		p, err := r.tlsPeer(a, "10.0.0.2")
		if err != nil {
			t.Fatal(err)
		}
		l, tag := r.talk(p, "c")
		if l.in.Transport != "tls" || l.State().Transport != "tls" {
			t.Errorf("transport %q, state %+v", l.in.Transport, l.State())
		}
		l.Reoffer() // goes back over the same connection
		m := p.want("INVITE")
		if !strings.HasPrefix(m.get(hVia), "SIP/2.0/TLS 10.0.0.1:5061;") || m.contact() != "sip:hotline@10.0.0.1:5061;transport=tls" {
			t.Errorf("Via %q, Contact %q", m.get(hVia), m.contact())
		}
		p.send(p.answer(m, 200, "", "answer"))
		p.want("ACK")
		event[Reoffered](t, l)
		p.send(p.ask("BYE", "c", "bye", ";tag=b", ";tag="+tag, 2, ""))
		p.want("200 BYE")
		event[Ended](t, l)
	})
}

func TestWhoSpeaksNoTLSGetsNothing(t *testing.T) {
	secured(t, nil, func(r *rig, a *authority) {
		c, err := r.net.Dialer(netip.MustParseAddr("10.0.0.2"))(context.Background(), "tcp", "10.0.0.1:5061")
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		if _, err := c.Read(make([]byte, 10)); err == nil {
			t.Error("it said something")
		}
		if took := time.Since(begin).Round(time.Second); took != tlsHandshake {
			t.Errorf("a silent one was closed after %v", took)
		}
		c, _ = r.net.Dialer(netip.MustParseAddr("10.0.0.2"))(context.Background(), "tcp", "10.0.0.1:5061")
		c.Write([]byte("OPTIONS sip:x SIP/2.0\r\n\r\n"))
		c.Read(make([]byte, 100))
		synctest.Wait()
		time.Sleep(time.Second)
		if got := r.ep.Stats(); got.TLSFailed.Load() != 2 || got.Conns.Load() != 0 {
			t.Errorf("%d failed, %d connections left", got.TLSFailed.Load(), got.Conns.Load())
		}
	})
}

func TestATrunkMustShowItsCertificate(t *testing.T) {
	for _, c := range []struct {
		name  string
		names []string
		until time.Time
		trunk TrunkTLS
		peer  string
		want  string // in the error, "" is success
	}{
		{"its host's", []string{"sbc.example"}, after, TrunkTLS{CA: "ca"}, "sip:sbc.example;transport=tls", ""},
		{"its host's, as sips", []string{"sbc.example"}, after, TrunkTLS{CA: "ca"}, "sips:sbc.example", ""},
		{"its address's", []string{"10.0.0.2"}, after, TrunkTLS{CA: "ca"}, "sip:10.0.0.2;transport=tls", ""},
		{"the name set", []string{"carrier.example"}, after, TrunkTLS{CA: "ca", Name: "carrier.example"}, "sip:10.0.0.2;transport=tls", ""},
		{"another's", []string{"evil.example"}, after, TrunkTLS{CA: "ca"}, "sip:sbc.example;transport=tls", "is for evil.example, not for sbc.example"},
		{"of nobody we know", []string{"sbc.example"}, after, TrunkTLS{}, "sip:sbc.example;transport=tls", "signed by nobody we know"},
		{"out of date", []string{"sbc.example"}, before.Add(time.Hour), TrunkTLS{CA: "ca"}, "sip:sbc.example;transport=tls", "1990-01-01 to 1990-01-01"},
		{"with no file", []string{"sbc.example"}, after, TrunkTLS{CA: "/nowhere/ca.pem"}, "sip:sbc.example;transport=tls", "/nowhere/ca.pem"},
	} {
		t.Run(c.name, func(t *testing.T) {
			secured(t, func(_ *authority, cfg *Config) {
				cfg.Lookup = func(context.Context, string) ([]netip.Addr, error) {
					return []netip.Addr{netip.MustParseAddr("10.0.0.2")}, nil
				}
			}, func(r *rig, a *authority) {
				if c.trunk.CA == "ca" {
					c.trunk.CA = a.ca()
				}
				r.ep.SetTrunks([]Trunk{{Name: "carrier", Peers: []string{c.peer}, TLS: c.trunk}})
				synctest.Wait()
				own := a.pair(a.issue("peer", c.until, c.names...))
				p := r.listen("10.0.0.2:5061")
				p.ln = tls.NewListener(p.ln, &tls.Config{Certificates: []tls.Certificate{own}, ClientAuth: tls.RequireAnyClientCert})
				targets, _ := r.ep.Trunk("carrier", "123")
				if len(targets) != 1 || targets[0].Transport != "tls" {
					t.Fatalf("targets %+v", targets)
				}
				done := make(chan string, 1)
				go func() {
					conn, err := p.ln.Accept()
					if err != nil {
						done <- ""
						return
					}
					p.conn = conn
					done <- p.read(3 * time.Second)
				}()
				l := r.dial(func(i *Invite) { i.Targets = targets })
				text := <-done
				p.ln.Close()
				if c.want != "" {
					if text != "" {
						t.Errorf("it was told %q", text)
					}
					if e := event[Failed](t, l); !e.Unreachable {
						t.Errorf("failed %+v", e)
					}
					if st := r.ep.Trunks()[0].Peers[0]; !strings.Contains(st.Error, c.want) {
						t.Errorf("state %+v, want %q", st, c.want)
					}
					return
				}
				m, err := parse(text, true)
				if err != nil || m.method != "INVITE" || !strings.HasPrefix(m.get(hVia), "SIP/2.0/TLS") {
					t.Fatalf("got %q, %v; %+v", text, err, r.ep.Trunks())
				}
				p.send(p.answer(m, 200, "b", "answer", "Contact: <sip:bob@10.0.0.2:5061;transport=tls>"))
				p.want("ACK")
				event[Answered](t, l)
				if len(p.conn.(*tls.Conn).ConnectionState().PeerCertificates) != 1 {
					t.Error("we showed no certificate")
				}
				l.End(Cause{})
				p.send2(t, "BYE") // over the same connection
				event[Ended](t, l)
			})
		})
	}
}

func TestATrunkMustShowItsCertificateAnewWhenItsNameIsChanged(t *testing.T) {
	secured(t, nil, func(r *rig, a *authority) {
		trunk := func(name string) {
			r.ep.SetTrunks([]Trunk{{Name: "carrier", Peers: []string{"sip:10.0.0.2;transport=tls"}, TLS: TrunkTLS{CA: a.ca(), Name: name}}})
			synctest.Wait()
		}
		trunk("carrier.example")
		p := r.listen("10.0.0.2:5061")
		p.ln = tls.NewListener(p.ln, &tls.Config{Certificates: []tls.Certificate{a.pair(a.issue("peer", after, "carrier.example"))}})
		defer p.ln.Close()
		targets, _ := r.ep.Trunk("carrier", "123")
		first := r.dial(func(i *Invite) { i.Targets = targets })
		var err error
		if p.conn, err = p.ln.Accept(); err != nil {
			t.Fatal(err)
		}
		m := p.want("INVITE")
		p.send(p.answer(m, 200, "b", "answer", "Contact: <sip:bob@10.0.0.2:5061;transport=tls>"))
		p.want("ACK")
		event[Answered](t, first)
		trunk("else.example")
		go func() { // ends with the handshake
			if c, err := p.ln.Accept(); err == nil {
				_ = c.(*tls.Conn).Handshake()
				c.Close()
			}
		}()
		second := r.dial(func(i *Invite) { i.Targets = targets })
		if e := event[Failed](t, second); !e.Unreachable {
			t.Errorf("failed %+v", e)
		}
		first.End(Cause{})
		p.send2(t, "BYE") // over its own connection
		event[Ended](t, first)
	})
}

func TestAMutualTrunkIsKnownByItsCertificateOnly(t *testing.T) {
	secured(t, nil, func(r *rig, a *authority) {
		r.ep.SetTrunks([]Trunk{{Name: "carrier", Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, TLS: TrunkTLS{Name: "Carrier.example", Mutual: true}}})
		right, wrong := a.pair(a.issue("right", after, "carrier.example")), a.pair(a.issue("wrong", after, "else.example"))
		try := func(p *peer, id string) string {
			p.send(p.ask("INVITE", id, id, ";tag=b", "", 1, "offer"))
			return label(p.get(time.Second))
		}
		p, err := r.tlsPeer(a, "198.51.100.9", right) // whatever its address
		if err != nil {
			t.Fatal(err)
		}
		if got := try(p, "a"); got != "100 INVITE" || r.call(0).in.Peer.Trunk != "carrier" {
			t.Errorf("the trunk got %s", got)
		}
		p, err = r.tlsPeer(a, "10.0.0.2", wrong)
		if err != nil {
			t.Fatal(err)
		}
		if got := try(p, "b"); got != "401 INVITE" {
			t.Errorf("another got %s", got)
		}
		p, _ = r.tlsPeer(a, "10.0.0.3")
		if got := try(p, "c"); got != "401 INVITE" {
			t.Errorf("one without got %s", got)
		}
		if got := try(r.udp("10.0.0.4:5060"), "d"); got != "401 INVITE" {
			t.Errorf("its address over UDP got %s", got)
		}
		other := newAuthority(t)
		evil := other.pair(other.issue("evil", after, "carrier.example"))
		p, _ = r.tlsPeer(a, "10.0.0.5", evil) // TLS 1.3 tells the client later
		p.conn.Write([]byte("\r\n\r\n"))
		if _, err := p.conn.Read(make([]byte, 10)); err == nil {
			t.Error("a certificate of nobody we know was taken")
		}
	})
}

func TestClientsMayHaveToShowACertificate(t *testing.T) {
	secured(t, func(_ *authority, c *Config) { c.TLS.RequireClient = true }, func(r *rig, a *authority) {
		p, _ := r.tlsPeer(a, "10.0.0.2")
		if _, err := p.conn.Read(make([]byte, 10)); err == nil {
			t.Error("let in without")
		}
		p, err := r.tlsPeer(a, "10.0.0.2", a.pair(a.issue("c", after, "c.example")))
		if err != nil {
			t.Fatal(err)
		}
		p.send(p.ask("OPTIONS", "o", "o", ";tag=b", "", 1, ""))
		p.want("200 OPTIONS")
	})
}

func TestCertificatesAreReadAgainWhenTheyChange(t *testing.T) {
	secured(t, nil, func(r *rig, a *authority) {
		serial := func() string {
			p, err := r.tlsPeer(a, "10.0.0.2")
			if err != nil {
				t.Fatal(err)
			}
			return p.conn.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber.String()
		}
		first := serial()
		time.Sleep(time.Second)
		cert, key := a.issue("us", after, "pbx.example")
		later := time.Now().Add(time.Minute) // coarse clocks of file systems
		os.Chtimes(cert, later, later)
		second := serial()
		if second == first {
			t.Error("the old certificate is shown")
		}
		if err := os.WriteFile(key, []byte("broken"), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := serial(); got != second {
			t.Errorf("with a broken file: %s, want the last good one", got)
		}
	})
}

func TestAnEndpointWithoutItsCertificateSaysSo(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	for _, c := range []struct {
		tls  TLS
		want string
	}{{TLS{}, "needs a certificate"}, {TLS{Cert: "/no/cert.pem", Key: "/no/key.pem"}, "/no/cert.pem"}} {
		if _, err := New(Config{Secure: []net.Listener{ln}, TLS: c.tls}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}

// TestTLSOverRealSockets has two endpoints call each other over TLS on loopback.
func TestTLSOverRealSockets(t *testing.T) {
	a := newAuthority(t)
	cert, key := a.issue("us", after, "127.0.0.1")
	calls := make(chan *Incoming, 1)
	run := func(onCall func(*Incoming) Inbox) (*Endpoint, string) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		e, err := New(Config{Secure: []net.Listener{ln}, TLS: TLS{Cert: cert, Key: key, ClientCA: a.ca()}, OnCall: onCall})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { e.Run(ctx); close(done) }()
		t.Cleanup(func() { cancel(); <-done })
		return e, ln.Addr().String()
	}
	l := newLeg("callee")
	server, addr := run(func(in *Incoming) Inbox { calls <- in; return l })
	server.SetTrunks([]Trunk{{Name: "client", TLS: TrunkTLS{Name: "127.0.0.1", Mutual: true}}})
	client, _ := run(nil)
	client.SetTrunks([]Trunk{{Name: "server", Peers: []string{"sip:" + addr + ";transport=tls"}, TLS: TrunkTLS{CA: a.ca()}}})
	targets, _ := client.Trunk("server", "4000")
	out := newLeg("caller")
	out.Dialog = client.Dial(Invite{Targets: targets, From: Address{User: "x"}, Media: out.media, Inbox: out})
	select {
	case in := <-calls:
		if in.Peer.Trunk != "client" || in.Transport != "tls" {
			t.Errorf("call from %+v over %s", in.Peer, in.Transport)
		}
		in.Answer(l.media)
	case <-time.After(10 * time.Second):
		t.Fatalf("no call: %+v", client.Trunks())
	}
	event[Answered](t, out)
	event[Answered](t, l)
	out.End(Cause{})
	if e := event[Ended](t, l); !e.ByPeer {
		t.Errorf("ended %+v", e)
	}
	event[Ended](t, out)
}
