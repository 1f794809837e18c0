package callload

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// message is a SIP message, as far as load needs it. Fields have lower-case long
// names and keep their order.
type message struct {
	start  string
	fields [][2]string
	body   string
}

// longNames are the compact forms of RFC 3261 section 7.3.3 that servers send.
var longNames = map[string]string{"i": "call-id", "f": "from", "t": "to", "v": "via", "m": "contact", "l": "content-length", "c": "content-type"}

// parse reads a datagram; ok is false for what is no SIP message (keep-alives).
func parse(b []byte) (m message, ok bool) {
	head, body, ok := strings.Cut(string(b), "\r\n\r\n")
	if !ok {
		return m, false
	}
	lines := strings.Split(head, "\r\n")
	m.start, m.body = lines[0], body
	for _, l := range lines[1:] {
		name, value, ok := strings.Cut(l, ":")
		if !ok {
			return m, false
		}
		name = strings.ToLower(strings.TrimSpace(name))
		if long, ok := longNames[name]; ok {
			name = long
		}
		m.fields = append(m.fields, [2]string{name, strings.TrimSpace(value)})
	}
	return m, strings.Contains(m.start, "SIP/2.0")
}

func (m message) field(name string) string {
	for _, f := range m.fields {
		if f[0] == name {
			return f[1]
		}
	}
	return ""
}

// copied gives all fields of this name as lines, for an answer.
func (m message) copied(name, as string) string {
	var b strings.Builder
	for _, f := range m.fields {
		if f[0] == name {
			b.WriteString(as + ": " + f[1] + "\r\n")
		}
	}
	return b.String()
}

// status is the code of an answer, 0 for a request.
func (m message) status() int {
	rest, ok := strings.CutPrefix(m.start, "SIP/2.0 ")
	if !ok || len(rest) < 3 {
		return 0
	}
	n, _ := strconv.Atoi(rest[:3])
	return n
}

// method is that of a request, or the one that an answer is for.
func (m message) method() string {
	if m.status() == 0 {
		name, _, _ := strings.Cut(m.start, " ")
		return name
	}
	_, name, _ := strings.Cut(m.field("cseq"), " ")
	return strings.TrimSpace(name)
}

// uri is what stands between the angle brackets of a field.
func uri(field string) string {
	_, rest, ok := strings.Cut(field, "<")
	if !ok {
		u, _, _ := strings.Cut(field, ";")
		return strings.TrimSpace(u)
	}
	u, _, _ := strings.Cut(rest, ">")
	return u
}

// userOf is the user part of a field's URI.
func userOf(field string) string {
	u := strings.TrimPrefix(uri(field), "sip:")
	user, _, ok := strings.Cut(u, "@")
	if !ok {
		return ""
	}
	return user
}

// answer makes the answer to a request; tag is added to a To that has none.
func answer(m message, line, tag, extra, body string) string {
	to := m.field("to")
	if !strings.Contains(to, ";tag=") {
		to += ";tag=" + tag
	}
	if body != "" {
		extra += "Content-Type: application/sdp\r\n"
	}
	return "SIP/2.0 " + line + "\r\n" + m.copied("via", "Via") + m.copied("record-route", "Record-Route") +
		"From: " + m.field("from") + "\r\nTo: " + to + "\r\nCall-ID: " + m.field("call-id") + "\r\nCSeq: " + m.field("cseq") + "\r\n" +
		extra + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(body)) + body
}

// describe is the SDP of a phone that has PCMU and keys.
func describe(at netip.AddrPort) string {
	ip := at.Addr().String()
	return "v=0\r\no=- 1 1 IN IP4 " + ip + "\r\ns=-\r\nc=IN IP4 " + ip + "\r\nt=0 0\r\nm=audio " + strconv.Itoa(int(at.Port())) +
		" RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
}

// audioAddr is where the description wants audio.
func audioAddr(sdp string) (netip.AddrPort, bool) {
	var ip netip.Addr
	var port uint64
	for l := range strings.SplitSeq(sdp, "\n") {
		l = strings.TrimSpace(l)
		if rest, ok := strings.CutPrefix(l, "c=IN IP4 "); ok {
			ip, _ = netip.ParseAddr(rest)
		}
		if rest, ok := strings.CutPrefix(l, "m=audio "); ok && port == 0 {
			n, _, _ := strings.Cut(rest, " ")
			port, _ = strconv.ParseUint(n, 10, 16)
		}
	}
	return netip.AddrPortFrom(ip, uint16(port)), ip.IsLoopback() && port > 0
}
