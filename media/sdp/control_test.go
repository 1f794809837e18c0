package sdp

import (
	"net/netip"
	"strings"
	"testing"
)

func TestSharedPortForRTCPIsAnsweredWhenOffered(t *testing.T) {
	for _, c := range []struct {
		name    string
		lines   []string
		mux     bool
		control string
	}{
		{"nothing said", nil, false, ""},
		{"mux", []string{"a=rtcp-mux"}, true, ""},
		{"own port", []string{"a=rtcp:53020"}, false, "198.51.100.7:53020"},
		{"own port at another host: only the port counts", []string{"a=rtcp:53020 IN IP4 203.0.113.9"}, false, "198.51.100.7:53020"},
		{"nonsense", []string{"a=rtcp:99999", "a=rtcp:x"}, false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := New(here)
			b, r, err := s.Answer(body(append([]string{"m=audio 4000 RTP/AVP 0"}, c.lines...)...), SendRecv)
			if err != nil {
				t.Fatal(err)
			}
			var want netip.AddrPort
			if c.control != "" {
				want = netip.MustParseAddrPort(c.control)
			}
			if r.Mux != c.mux || r.Control != want {
				t.Errorf("got mux %v, control %v; want %v, %v", r.Mux, r.Control, c.mux, want)
			}
			for _, text := range []string{string(b), string(s.Offer(SendRecv))} {
				if got := strings.Contains(text, "\r\na=rtcp-mux\r\n"); got != c.mux {
					t.Errorf("got rtcp-mux %v in ours, want %v:\n%s", got, c.mux, text)
				}
			}
		})
	}
	if strings.Contains(string(New(here).Offer(SendRecv)), "mux") {
		t.Error("our first offer has rtcp-mux")
	}
}
