package sip

import (
	"encoding/binary"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// binding answers a Binding request as a server does that sees us at an address.
func binding(req []byte, seen netip.AddrPort) []byte {
	a := seen.Addr().AsSlice()
	family := byte(1)
	if len(a) == 16 {
		family = 2
	}
	v := append([]byte{0, family, 0, 0}, a...)
	binary.BigEndian.PutUint16(v[2:], seen.Port())
	for i := range v[2:] {
		switch {
		case i < 2:
			v[2+i] ^= req[4+i]
		default:
			v[2+i] ^= req[4+i-2]
		}
	}
	b := make([]byte, 20, 64)
	binary.BigEndian.PutUint16(b, stunSuccess)
	copy(b[4:], req[4:20])
	b = append(b, 0x80, 0x22, 0, 3, 'a', 'b', 'c', 0) // SOFTWARE, padded
	b = binary.BigEndian.AppendUint16(b, stunXORMapped)
	b = binary.BigEndian.AppendUint16(b, uint16(len(v)))
	b = append(b, v...)
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)-20))
	return b
}

// TestVectorsOfRFC5769 reads the sample responses of RFC 5769, 2.2 and 2.3.
func TestVectorsOfRFC5769(t *testing.T) {
	v4 := "\x01\x01\x00\x3c\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae" +
		"\x80\x22\x00\x0b\x74\x65\x73\x74\x20\x76\x65\x63\x74\x6f\x72\x20" +
		"\x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43" +
		"\x00\x08\x00\x14\x2b\x91\xf5\x99\xfd\x9e\x90\xc3\x8c\x74\x89\xf9\x2a\xf9\xba\x53\xf0\x6b\xe7\xd7" +
		"\x80\x28\x00\x04\xc0\x7d\x4c\x96"
	if _, a, err := readBinding([]byte(v4)); err != nil || a != netip.MustParseAddrPort("192.0.2.1:32853") {
		t.Errorf("got %v, %v", a, err)
	}
	v6 := "\x01\x01\x00\x48\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae" +
		"\x80\x22\x00\x0b\x74\x65\x73\x74\x20\x76\x65\x63\x74\x6f\x72\x20" +
		"\x00\x20\x00\x14\x00\x02\xa1\x47\x01\x13\xa9\xfa\xa5\xd3\xf1\x79\xbc\x25\xf4\xb5\xbe\xd2\xb9\xd9" +
		"\x00\x08\x00\x14\xa3\x82\x95\x4e\x4b\xe6\x7b\xf1\x17\x84\xc9\x7c\x82\x92\xc2\x75\xbf\xe3\xed\x41" +
		"\x80\x28\x00\x04\xc8\xfb\x0b\x4c"
	if _, a, err := readBinding([]byte(v6)); err != nil || a != netip.MustParseAddrPort("[2001:db8:1234:5678:11:2233:4455:6677]:32853") {
		t.Errorf("got %v, %v", a, err)
	}
	req, _ := bindingRequest()
	if !isSTUN(req) || len(req) != 28 || isSTUN([]byte("OPTIONS sip:a@b SIP/2.0\r\n\r\n")) {
		t.Errorf("request % x", req)
	}
}

// server is a STUN server by hand.
func stunServer(t *testing.T, r *rig, addr string) net.PacketConn {
	pc, err := r.net.ListenPacket(addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pc.Close() })
	return pc
}

func TestOurAddressIsFoundBySTUN(t *testing.T) {
	bubble(t, func(c *Config) { c.STUN = []string{"203.0.113.9", "203.0.113.10:3479"} }, func(r *rig) {
		dead, live := stunServer(t, r, "203.0.113.9:3478"), stunServer(t, r, "203.0.113.10:3479")
		n := 0
		buf := make([]byte, 1500)
		for dead.SetReadDeadline(time.Now().Add(8 * time.Second)); ; n++ {
			if _, _, err := dead.ReadFrom(buf); err != nil {
				break
			}
		}
		if n != stunTries {
			t.Errorf("%d requests to the dead server, want %d", n, stunTries)
		}
		seen := netip.MustParseAddrPort("198.51.100.99:45060")
		size, from, err := live.ReadFrom(buf)
		if err != nil {
			t.Fatal(err)
		}
		good := binding(buf[:size], seen)
		evil := stunServer(t, r, "203.0.113.66:3478")
		evil.WriteTo(binding(buf[:size], netip.MustParseAddrPort("6.6.6.6:6")), from) // knows the id, but is not the server
		time.Sleep(10 * time.Millisecond)
		if x := r.ep.External(); x.Addr.IsValid() {
			t.Fatalf("believed %v", x.Addr)
		}
		live.WriteTo(good, from)
		time.Sleep(10 * time.Millisecond)
		if x := r.ep.External(); x.Addr != seen || x.Err != nil || x.Server != "203.0.113.10:3479" || x.Local.String() != "10.0.0.1:5060" {
			t.Fatalf("external %+v", x)
		}
		// Towards the world it stands in Via and Contact, towards our own network it does not.
		p, q := r.udp("198.51.100.7:5060"), r.udp("10.0.0.2:5060")
		r.dial(nil, p.uri())
		if m := p.want("INVITE"); !strings.Contains(m.get(hVia), "198.51.100.99:45060") || m.contact() != "sip:hotline@198.51.100.99:45060" {
			t.Errorf("Via %q, Contact %q", m.get(hVia), m.contact())
		}
		r.dial(nil, q.uri())
		if m := q.want("INVITE"); !strings.Contains(m.get(hVia), "10.0.0.1:5060") {
			t.Errorf("Via %q", m.get(hVia))
		}
		// It is asked again, and what was known stays when nobody answers.
		time.Sleep(2 * time.Minute)
		if x := r.ep.External(); x.Addr != seen || x.Err == nil {
			t.Errorf("external %+v, want the old address and an error", x)
		}
		synctest.Wait()
	})
}

// FuzzSTUN: no answer breaks the reader, and what it gives is an address to use.
func FuzzSTUN(f *testing.F) {
	req, _ := bindingRequest()
	f.Add(binding(req, netip.MustParseAddrPort("192.0.2.1:5060")))
	f.Add(binding(req, netip.MustParseAddrPort("[2001:db8::1]:5060")))
	f.Add(req)
	f.Fuzz(func(t *testing.T, b []byte) {
		_, a, err := readBinding(b)
		if err == nil && (!a.IsValid() || a.Port() == 0 || a.Addr().IsUnspecified()) {
			t.Fatalf("% x read as %v", b, a)
		}
	})
}
