package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hotline/store"
	"hotline/store/bolt"
)

// udpServer answers each datagram until the test ends; nil is no answer.
func udpServer(t *testing.T, answer func(b []byte, from netip.AddrPort) []byte) string {
	t.Helper()
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { // ends when the socket is closed
		defer close(done)
		buf := make([]byte, 4096)
		for {
			n, from, err := c.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			if b := answer(buf[:n], from); b != nil {
				_, _ = c.WriteToUDPAddrPort(b, from)
			}
		}
	}()
	t.Cleanup(func() {
		c.Close()
		<-done
	})
	return c.LocalAddr().String()
}

// optionsAnswered is 200 to a request.
func optionsAnswered(b []byte, _ netip.AddrPort) []byte {
	out := "SIP/2.0 200 OK\r\n"
	for _, line := range strings.Split(string(b), "\r\n") {
		name, _, _ := strings.Cut(line, ":")
		switch strings.ToLower(name) {
		case "via", "from", "call-id", "cseq":
			out += line + "\r\n"
		case "to":
			out += line + ";tag=x\r\n"
		}
	}
	return []byte(out + "Content-Length: 0\r\n\r\n")
}

// stunAnswered tells a client that it stands at 198.51.100.7, with its own port.
func stunAnswered(b []byte, from netip.AddrPort) []byte {
	out := append([]byte{1, 1, 0, 12}, b[4:20]...)
	out = append(out, 0, 0x20, 0, 8, 0, 1)
	out = binary.BigEndian.AppendUint16(out, from.Port()^0x2112)
	return binary.BigEndian.AppendUint32(out, binary.BigEndian.Uint32([]byte{198, 51, 100, 7})^0x2112A442)
}

func TestDoctorAsksTrunksAndSTUNServersWithoutAProcess(t *testing.T) {
	alive, silent := udpServer(t, optionsAnswered), udpServer(t, func([]byte, netip.AddrPort) []byte { return nil })
	dir := t.TempDir()
	file := filepath.Join(dir, "hotline.yaml")
	text := fmt.Sprintf("data: d\nrtp: 127.0.0.1:42000-42099\nsip: udp://0.0.0.0:0\nadvertise: [203.0.113.9, stun:%s, stun:%s]\n",
		udpServer(t, stunAnswered), silent)
	if err := errors.Join(os.WriteFile(file, []byte(text), 0o600), os.Mkdir(filepath.Join(dir, "d"), 0o700)); err != nil {
		t.Fatal(err)
	}
	st, err := bolt.Open(filepath.Join(dir, "d", "hotline.db"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := soundCenter()
	c.Trunks = map[string]store.Trunk{"good": {Peers: []string{"sip:" + alive}, Register: true, User: "u"},
		"dead": {Peers: []string{"sip:" + silent}}, "inward": {Addresses: []string{"192.0.2.1"}}}
	objects, err := c.Objects()
	if err == nil {
		_, err = st.Change(objects, nil, "test", time.Now())
	}
	if err := errors.Join(err, st.Close()); err != nil {
		t.Fatal(err)
	}
	a := &app{err: io.Discard, env: func(string) (string, bool) { return "", false }, configFile: file}
	began := time.Now()
	out, err := diagnosis(a, soundHost())
	if !errors.Is(err, errTold) {
		t.Errorf("got %v, want a failure", err)
	}
	if d := time.Since(began); d > 10*time.Second {
		t.Errorf("it took %v, want little more than two seconds for trunks and two for STUN", d)
	}
	for _, want := range []string{"PASS  trunks        good: sip:" + alive + " answered 200", "FAIL  trunks        dead: sip:" + silent,
		"FAIL  stun          peers are told 203.0.113.9, but ", "FAIL  stun          " + silent + " from"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if strings.Contains(out, "inward") {
		t.Errorf("a trunk without peers was asked:\n%s", out)
	}
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if a.out = io.Discard; a.doctor(ctx, soundHost(), "json") == nil {
		t.Error("when it is stopped all is well")
	}
}
