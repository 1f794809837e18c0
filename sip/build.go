package sip

import (
	"net/netip"
	"strconv"
	"strings"
)

// builder writes one message. It is made once; its bytes are what gets repeated.
type builder struct{ b []byte }

func newBuilder(size int) *builder { return &builder{make([]byte, 0, size)} }

// str adds text that we know to be free of line ends.
func (w *builder) str(parts ...string) *builder {
	for _, p := range parts {
		w.b = append(w.b, p...)
	}
	return w
}

func (w *builder) num(n uint64) *builder {
	w.b = strconv.AppendUint(w.b, n, 10)
	return w
}

// line adds a header of our own or of parsed text.
func (w *builder) line(name, value string) *builder {
	w.b = append(w.b, name...)
	w.b = append(w.b, ": "...)
	w.b = append(w.b, value...)
	w.b = append(w.b, "\r\n"...)
	return w
}

// foreign adds a header with a value from outside this package; one that could
// begin a line of its own is left out.
func (w *builder) foreign(name, value string) *builder {
	if isToken(name) && safeValue(value) {
		w.line(name, value)
	}
	return w
}

// safeValue refuses control characters, so that nothing can be injected.
func safeValue(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// done ends the head and adds the body.
func (w *builder) done(contentType string, body []byte) []byte {
	if len(body) > 0 {
		w.line("Content-Type", contentType)
	}
	w.str("Content-Length: ").num(uint64(len(body))).str("\r\n\r\n")
	w.b = append(w.b, body...)
	return w.b
}

// respond begins the response to a request as RFC 3261, 8.2.6.2 has it, with
// received and rport of RFC 3581. toTag is for requests without one.
func respond(m *message, status int, reason, toTag string) *builder {
	if reason == "" {
		reason = reasonOf(status)
	}
	w := newBuilder(1024)
	w.str("SIP/2.0 ").num(uint64(status)).str(" ", reason, "\r\n")
	top := true
	for i := range m.fields {
		f := &m.fields[i]
		if f.id != hVia {
			continue
		}
		if top {
			w.topVia(m)
			top = false
			continue
		}
		w.line("Via", f.value)
	}
	for i := range m.fields {
		f := &m.fields[i]
		switch f.id {
		case hFrom:
			w.line("From", f.value)
		case hTo:
			if m.toTag == "" && toTag != "" && status != 100 {
				w.str("To: ", f.value, ";tag=", toTag, "\r\n")
			} else {
				w.line("To", f.value)
			}
		case hCallID:
			w.line("Call-ID", f.value)
		case hCSeq:
			if m.cseqMethod == "" {
				w.line("CSeq", f.value)
				continue
			}
			w.str("CSeq: ").num(uint64(m.cseq)).str(" ", m.cseqMethod, "\r\n")
		case hTimestamp:
			if status == 100 {
				w.line("Timestamp", f.value)
			}
		case hRecordRoute:
			if m.method == "INVITE" && status > 100 && status < 300 {
				w.line("Record-Route", f.value)
			}
		}
	}
	return w
}

// topVia writes the request's top Via with where it really came from.
func (w *builder) topVia(m *message) {
	w.str("Via: SIP/2.0/", m.via.transport, " ", hostPort(m.via.host, m.via.port))
	for p := m.via.params; p != ""; {
		var raw string
		name, _, rest, _ := nextParam(p)
		raw, p = p[:len(p)-len(rest)], rest
		raw = trim(strings.TrimSuffix(raw, ";"))
		if raw == "" || strings.EqualFold(name, "rport") || strings.EqualFold(name, "received") {
			continue
		}
		w.str(";", raw)
	}
	src := m.hop.addr
	if !src.IsValid() {
		w.str("\r\n")
		return
	}
	if a, err := netip.ParseAddr(m.via.host); m.via.rport || err != nil || a.Unmap() != src.Addr() {
		w.str(";received=", src.Addr().String())
	}
	if m.via.rport {
		w.str(";rport=").num(uint64(src.Port()))
	}
	w.str("\r\n")
}

// refusal is a whole response without a body.
func refusal(m *message, status int, reason, toTag string, headers ...[2]string) []byte {
	w := respond(m, status, reason, toTag)
	for _, h := range headers {
		w.line(h[0], h[1])
	}
	return w.done("", nil)
}

// reasons are the phrases of RFC 3261, 21 and later documents.
var reasons = map[int]string{
	100: "Trying", 180: "Ringing", 181: "Call Is Being Forwarded", 182: "Queued", 183: "Session Progress",
	200: "OK", 202: "Accepted", 300: "Multiple Choices", 301: "Moved Permanently", 302: "Moved Temporarily",
	400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
	406: "Not Acceptable", 407: "Proxy Authentication Required", 408: "Request Timeout", 410: "Gone",
	413: "Request Entity Too Large", 415: "Unsupported Media Type", 416: "Unsupported URI Scheme",
	420: "Bad Extension", 421: "Extension Required", 422: "Session Interval Too Small", 423: "Interval Too Brief",
	480: "Temporarily Unavailable", 481: "Call/Transaction Does Not Exist", 482: "Loop Detected",
	483: "Too Many Hops", 484: "Address Incomplete", 486: "Busy Here", 487: "Request Terminated",
	488: "Not Acceptable Here", 489: "Bad Event", 491: "Request Pending",
	500: "Server Internal Error", 501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable",
	504: "Server Time-out", 505: "Version Not Supported", 513: "Message Too Large",
	600: "Busy Everywhere", 603: "Decline", 604: "Does Not Exist Anywhere", 606: "Not Acceptable",
}

func reasonOf(status int) string {
	if r, ok := reasons[status]; ok {
		return r
	}
	return "Unknown"
}
