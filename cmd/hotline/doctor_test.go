package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hotline/call"
	"hotline/cmd/hotline/config"
	"hotline/store"
)

// soundHost is a machine without a fault.
func soundHost() host {
	return host{now: time.Now,
		free:   func(string) (uint64, error) { return 1e12, nil },
		synced: func() (bool, error) { return true, nil },
		jitter: func(context.Context) (time.Duration, error) { return time.Millisecond, nil },
		lookup: func(context.Context, string) error { return nil },
		srv:    func(context.Context, string) error { return errors.New("none") }}
}

// certFiles makes a certificate of our own that is good from one time to another.
func certFiles(t *testing.T, dir string, from, to time.Time) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: from, NotAfter: to, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, b := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// servedWith runs a process with a center until the test ends; text is more of its
// hotline.yaml.
func servedWith(t *testing.T, center store.Center, text string) (a *app, s *server) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "hotline.yaml")
	if !strings.Contains(text, "sip: ") {
		text += "sip: [udp://127.0.0.1:0, tcp://127.0.0.1:0]\n"
	}
	text = "data: d\nrtp: 127.0.0.1:42000-42099\nmedia: inline\n" + text
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	a = &app{out: io.Discard, err: io.Discard, env: func(string) (string, bool) { return "", false }, configFile: file}
	c, err := config.Load(config.Source{File: file})
	if err != nil {
		t.Fatal(err)
	}
	if s, err = open(c, c.Logger(io.Discard), io.Discard); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.run(ctx) }() // ends with the test
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	if r, err := s.engine.Apply(call.ApplyRequest{Center: center, Actor: "test"}); err != nil || len(r.Problems) > 0 {
		t.Fatalf("apply: %v %v", err, r.Problems)
	}
	return a, s
}

// soundCenter is served by one agent.
func soundCenter() store.Center {
	return store.Center{
		Agents:  map[string]store.Agent{"1001": {Queues: []string{"sales"}, Contact: "sip:1001@127.0.0.1:5062"}},
		Queues:  map[string]store.Queue{"sales": {}},
		Numbers: map[string]store.Number{"4000": {To: "queue:sales"}},
	}
}

// diagnosis runs doctor and gives its words and exit code.
func diagnosis(a *app, h host) (out string, err error) {
	var b bytes.Buffer
	a.out = &b
	err = a.doctor(context.Background(), h, "table")
	return b.String(), err
}

func TestDoctorFindsNothingWrongWithASoundProcess(t *testing.T) {
	a, _ := servedWith(t, soundCenter(), "")
	out, err := diagnosis(a, soundHost())
	if err != nil || strings.Contains(out, "FAIL") || strings.Contains(out, "WARN") {
		t.Errorf("got %v\n%s", err, out)
	}
	for _, check := range []string{"config", "disk", "clock", "timers", "process", "sockets", "rtp", "calls", "database", "recordings", "center", "phones", "queues", "numbers", "prompts"} {
		if !strings.Contains(out, "PASS  "+check+" ") {
			t.Errorf("nothing is said of %s in\n%s", check, out)
		}
	}
}

func TestDoctorFindsEachPlantedFault(t *testing.T) {
	silent, err := net.ListenPacket("udp", "127.0.0.1:0") // a trunk that answers nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	old := time.Now().Add(-48 * time.Hour)
	cert, key := certFiles(t, t.TempDir(), old, old.Add(time.Hour))
	c := soundCenter()
	c.Agents["1002"] = store.Agent{Queues: []string{"sales"}}
	c.Queues["empty"] = store.Queue{}
	c.Numbers["4001"] = store.Number{To: "queue:empty"}
	c.Prompts = map[string]store.Prompt{"welcome": {"en": {File: "welcome.wav"}}}
	c.Trunks = map[string]store.Trunk{
		"out":   {Peers: []string{"sip:" + silent.LocalAddr().String()}},
		"named": {Peers: []string{"sip:nowhere.invalid;transport=tls"}, TLS: &store.TrunkTLS{Cert: cert, Key: key}}}
	a, s := servedWith(t, c, "")
	recs := filepath.Join(s.cfg.Data, "recordings")
	if err := os.RemoveAll(recs); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(recs, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	h := soundHost()
	h.free = func(string) (uint64, error) { return 100e6, nil }
	h.synced = func() (bool, error) { return false, nil }
	h.jitter = func(context.Context) (time.Duration, error) { return 35 * time.Millisecond, nil }
	h.lookup = func(_ context.Context, name string) error { return errors.New("no such host") }
	out, err := diagnosis(a, h)
	if !errors.Is(err, errTold) || exitCode(ranError{err}) != exitFailed {
		t.Errorf("got error %v, want exit code %d", err, exitFailed)
	}
	for _, want := range []string{
		"FAIL  disk          room for 2 hours",
		"WARN  clock         it is not kept by NTP",
		"FAIL  timers        a packet each 20 ms was up to 35ms late",
		"FAIL  dns           trunk named: nowhere.invalid is not found",
		"FAIL  certificates  trunk named " + cert + " ended on " + old.Add(time.Hour).UTC().Format(time.DateOnly),
		"FAIL  trunks        out: ",
		"FAIL  trunks        named: ",
		"FAIL  recordings    nothing can be written to",
		"WARN  phones        no phone is registered of 1002",
		"FAIL  queues        empty has no agents",
		"FAIL  numbers       4001 leads to queue:empty: nobody serves it",
		"FAIL  prompts       no audio for en/welcome",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("not found: %s", want)
		}
	}
	if n := strings.Count(out, "try: "); n < 12 {
		t.Errorf("only %d hints how to mend it", n)
	}
	if t.Failed() {
		t.Log(out)
	}
}

func TestDoctorWorksWithoutAProcess(t *testing.T) {
	taken, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	dir := t.TempDir()
	file := filepath.Join(dir, "hotline.yaml")
	text := "data: d\nrtp: 127.0.0.1:42000-42099\nsip: udp://" + taken.LocalAddr().String() + "\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	a := &app{err: io.Discard, env: func(string) (string, bool) { return "", false }, configFile: file}
	out, err := diagnosis(a, soundHost())
	for _, want := range []string{"WARN  process ", "FAIL  sockets       udp://" + taken.LocalAddr().String(), "PASS  rtp ", "WARN  database      there is no "} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if !errors.Is(err, errTold) {
		t.Errorf("got %v, want a failure", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "d"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, _ = diagnosis(a, soundHost()); !strings.Contains(out, "d is a file, not a folder") || strings.Contains(out, "backup") {
		t.Errorf("data is a file: got\n%s", out)
	}
	if err := os.Remove(filepath.Join(dir, "d")); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "d"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "d", "hotline.db"), bytes.Repeat([]byte("no database"), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, _ = diagnosis(a, soundHost()); !strings.Contains(out, "FAIL  database      can't be opened") {
		t.Errorf("a broken database: got\n%s", out)
	}
	if err := os.WriteFile(file, []byte("sipp: x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err = diagnosis(a, soundHost()); err == nil || !strings.Contains(out, "FAIL  config ") {
		t.Errorf("a broken configuration: got %v\n%s", err, out)
	}
}

func TestPlacesOfTrunksAreReadAsTheEngineReadsThem(t *testing.T) {
	for peer, want := range map[string][3]string{
		"sip:example.net":                           {"example.net", "", "_sip._udp."},
		"sip:u@example.net:5070;transport=tcp":      {"example.net", "5070", "_sip._tcp."},
		"sips:example.net":                          {"example.net", "", "_sips._tcp."},
		"sip:[2001:db8::1]:5061;transport=tls":      {"2001:db8::1", "5061", "_sips._tcp."},
		"sip:[2001:db8::1]":                         {"2001:db8::1", "", "_sip._udp."},
		"sip:192.0.2.1;transport=udp;something=new": {"192.0.2.1", "", "_sip._udp."},
	} {
		name, port, service := peerHost(peer)
		if got := [3]string{name, port, service}; got != want {
			t.Errorf("%s: got %q, want %q", peer, got, want)
		}
	}
}
