package main

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// secureAddr is where a process listens for TLS.
func secureAddr(t *testing.T, s *server) string {
	t.Helper()
	for _, a := range s.engine.Status().SIP {
		if addr, ok := strings.CutPrefix(a, "tls://"); ok {
			return addr
		}
	}
	t.Fatal("it listens nowhere for TLS")
	return ""
}

// asksBySecure sends an OPTIONS and gives the answer's first line and the end of
// the certificate that was shown.
func asksBySecure(addr string, c *tls.Config) (line string, until time.Time, err error) {
	conn, err := tls.Dial("tcp", addr, c)
	if err != nil {
		return "", until, err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	fmt.Fprintf(conn, "OPTIONS sip:%s SIP/2.0\r\nVia: SIP/2.0/TLS %s;branch=z9hG4bK1;rport\r\nMax-Forwards: 70\r\nFrom: <sip:a@b>;tag=1\r\n"+
		"To: <sip:%s>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n", addr, conn.LocalAddr(), addr)
	line, err = bufio.NewReader(conn).ReadString('\n')
	return strings.TrimSpace(line), conn.ConnectionState().PeerCertificates[0].NotAfter, err
}

func TestServeSpeaksTLSAndTakesANewCertificateWithoutARestart(t *testing.T) {
	dir := t.TempDir()
	first := time.Now().Add(24 * time.Hour).Truncate(time.Second)
	cert, key := certFiles(t, dir, time.Now().Add(-time.Hour), first)
	_, s := servedWith(t, soundCenter(), fmt.Sprintf("sip: [udp://127.0.0.1:0, tls://127.0.0.1:0]\ntls_cert: %s\ntls_key: %s\n", cert, key))
	addr := secureAddr(t, s)
	ours := &tls.Config{InsecureSkipVerify: true}
	line, until, err := asksBySecure(addr, ours)
	if err != nil || !strings.HasPrefix(line, "SIP/2.0 ") || !until.Equal(first) {
		t.Fatalf("got %q, certificate until %v, %v; want an answer and %v", line, until, err, first)
	}
	second := first.Add(24 * time.Hour)
	certFiles(t, dir, time.Now().Add(-time.Hour), second)
	if _, until, err = asksBySecure(addr, ours); err != nil || !until.Equal(second) {
		t.Errorf("after it was replaced: until %v, %v, want %v", until, err, second)
	}
	if err := os.WriteFile(cert, []byte("half of it"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, until, err = asksBySecure(addr, ours); err != nil || !until.Equal(second) {
		t.Errorf("while the file is broken: until %v, %v, want %v", until, err, second)
	}
}

func TestServeWantsACertificateWhereThatIsSaid(t *testing.T) {
	dir, theirs := t.TempDir(), t.TempDir()
	end := time.Now().Add(24 * time.Hour)
	cert, key := certFiles(t, dir, time.Now().Add(-time.Hour), end)
	clientCert, clientKey := certFiles(t, theirs, time.Now().Add(-time.Hour), end)
	_, s := servedWith(t, soundCenter(), fmt.Sprintf("sip: [udp://127.0.0.1:0, tls://127.0.0.1:0]\ntls_cert: %s\ntls_key: %s\ntls_client_ca: %s\ntls_clients: required\n",
		cert, key, filepath.Join(theirs, "cert.pem")))
	addr := secureAddr(t, s)
	if line, _, err := asksBySecure(addr, &tls.Config{InsecureSkipVerify: true}); err == nil {
		t.Errorf("without a certificate: got %q", line)
	}
	pair, err := tls.LoadX509KeyPair(clientCert, clientKey)
	if err != nil {
		t.Fatal(err)
	}
	if line, _, err := asksBySecure(addr, &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{pair}}); err != nil || !strings.HasPrefix(line, "SIP/2.0 ") {
		t.Errorf("with it: got %q, %v", line, err)
	}
}
